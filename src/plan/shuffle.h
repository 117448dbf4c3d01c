// Host twin of shaders/include/shuffle.glsl.
#ifndef GS_PLAN_SHUFFLE_H
#define GS_PLAN_SHUFFLE_H

#include <stdint.h>

// The sample that stands at `index` (< count) of the order with this key.
uint32_t gs__shuffled(uint32_t index, uint32_t count, uint32_t seed_lo, uint32_t seed_hi, uint32_t epoch);

// "lowbias32" integer hash; the canary's chain uses it too.
uint32_t gs__mix32(uint32_t x);

#endif
