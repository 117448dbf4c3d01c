// The random numbers of augmentation: functions of seed, step and row, so that a step gives the same again. C twins in
// src/op/augment.c and src/op/mixup.c.
#ifndef GS_AUGMENT_GLSL
#define GS_AUGMENT_GLSL
#include "philox.glsl"
#include "state.glsl"

uvec4 random4(uint counter, uint key) {
    return philox(uvec4(counter, state.cur.step_lo, state.cur.step_hi, key), uvec2(state.set.seed_lo, state.set.seed_hi));
}

float unit(uint word) { return float(word >> 8) * (1.0 / 16777216.0); } // [0, 1), exact

// 0 .. count - 1; 0 when count is 0.
uint below(uint word, uint count) {
    uint high, low;
    umulExtended(word, count, high, low);
    return high;
}

#endif
