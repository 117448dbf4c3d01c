// Random numbers on the host, counter-based: the twin of shaders/include/philox.glsl.
#ifndef GS_BASE_RNG_H
#define GS_BASE_RNG_H

#include <stdint.h>

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011).
void gs__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

// A stream of numbers: the same seed and stream give the same numbers everywhere.
typedef struct gs__rng {
    uint64_t seed, stream, counter;
    uint32_t word[4], used; // of the last block
    double spare;           // second normal of a pair
    int has_spare;
} gs__rng;

void gs__rng_init(gs__rng *rng, uint64_t seed, uint64_t stream);
uint32_t gs__rng_u32(gs__rng *rng);
double gs__rng_uniform(gs__rng *rng); // [0, 1), 53 bits
double gs__rng_normal(gs__rng *rng);  // mean 0, variance 1 (Box and Muller)

#endif
