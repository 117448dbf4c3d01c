#include "base/rng.h"

#include <math.h>

void gs__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void gs__rng_init(gs__rng *rng, uint64_t seed, uint64_t stream) {
    *rng = (gs__rng){.seed = seed, .stream = stream, .used = 4};
}

uint32_t gs__rng_u32(gs__rng *rng) {
    if (rng->used == 4) {
        uint32_t counter[4] = {(uint32_t)rng->counter, (uint32_t)(rng->counter >> 32), (uint32_t)rng->stream,
                               (uint32_t)(rng->stream >> 32)};
        uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
        gs__philox(counter, key, rng->word);
        rng->counter++;
        rng->used = 0;
    }
    return rng->word[rng->used++];
}

double gs__rng_uniform(gs__rng *rng) {
    uint64_t high = gs__rng_u32(rng) >> 5, low = gs__rng_u32(rng) >> 6;
    return (double)(high << 26 | low) * 0x1p-53;
}

double gs__rng_normal(gs__rng *rng) {
    if (rng->has_spare) {
        rng->has_spare = 0;
        return rng->spare;
    }
    // 1 - u is in (0, 1]: its logarithm is finite.
    double radius = sqrt(-2.0 * log(1.0 - gs__rng_uniform(rng)));
    double angle = 6.283185307179586476925 * gs__rng_uniform(rng);
    rng->spare = radius * sin(angle);
    rng->has_spare = 1;
    return radius * cos(angle);
}
