#define XXH_INLINE_ALL
#include "base/digest.h"

#include <stdlib.h>
#include <xxhash.h>

gs__digest *gs__digest_begin(void) {
    XXH3_state_t *state = XXH3_createState();
    if (state) XXH3_64bits_reset(state);
    return (gs__digest *)(void *)state;
}

void gs__digest_add(gs__digest *digest, const void *data, size_t bytes) {
    XXH3_64bits_update((XXH3_state_t *)(void *)digest, data, bytes);
}

uint64_t gs__digest_value(const gs__digest *digest) {
    return XXH3_64bits_digest((const XXH3_state_t *)(const void *)digest);
}

void gs__digest_destroy(gs__digest *digest) {
    XXH3_freeState((XXH3_state_t *)(void *)digest);
}
