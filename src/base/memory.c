#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void *gs__allocate(gs__error *error, uint64_t count, uint64_t element_bytes, const char *what) {
    if (element_bytes && count > PTRDIFF_MAX / element_bytes) {
        gs__fail(error, GS_ERR_MEMORY, "%s: %llu elements of %llu bytes are more than a program can address", what,
                 (unsigned long long)count, (unsigned long long)element_bytes);
        return NULL;
    }
    uint64_t bytes = count * element_bytes;
    void *memory = calloc(1, bytes ? (size_t)bytes : 1);
    if (!memory)
        gs__fail(error, GS_ERR_MEMORY, "%s: out of memory, %llu bytes were asked for", what, (unsigned long long)bytes);
    return memory;
}

char *gs__text_copy(gs__error *error, const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = gs__allocate(error, bytes, 1, "text");
    if (copy) memcpy(copy, text, bytes);
    return copy;
}
