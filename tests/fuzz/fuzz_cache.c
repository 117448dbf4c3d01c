// Files of the cache (pipelines, measured choices): the line in front of them, which says what they are and sums up the
// rest. Bytes that fail it reach neither the driver nor the tuner.
#include "base/cache.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *text = fuzz_text(data, bytes);
    const size_t begin = gs__cache_check(text, bytes, "pipelines 1 10005-0000-12345678");
    if (begin > bytes) abort();
    free(text);
    return 0;
}
