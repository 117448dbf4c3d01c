#include "plan/precision.h"

#include "state.h"
#include <math.h>
#include <string.h>

enum { HALF = 1, BFLOAT = 2, SCALE_A = 4, SCALE_B = 8 };

uint32_t gs__precision_spec(gs_precision precision, bool gradient_a, bool gradient_b) {
    if (precision == GS_PRECISION_MIXED_BFLOAT16) return BFLOAT;
    if (precision != GS_PRECISION_MIXED_FLOAT16) return 0;
    return HALF | (gradient_a ? SCALE_A : 0u) | (gradient_b ? SCALE_B : 0u);
}

static uint32_t bits_of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float float_of(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static float round_half(float x) {
    const uint32_t u = bits_of(x), size = u & 0x7FFFFFFFu;
    if (size > 0x7F800000u) return float_of(u | 0x00400000u);
    if (size >= 0x477FF000u) return copysignf(INFINITY, x); // from 65520 on
    // Below 2^-14 halves are the multiples of 2^-24.
    if (size < 0x38800000u) return (float)(nearbyint((double)x * 0x1p24) * 0x1p-24);
    return float_of((u + 0xFFFu + (u >> 13 & 1u)) & 0xFFFFE000u);
}

static float round_bfloat(float x) {
    const uint32_t u = bits_of(x);
    if ((u & 0x7FFFFFFFu) > 0x7F800000u) return float_of(u | 0x00400000u);
    return float_of((u + 0x7FFFu + (u >> 16 & 1u)) & 0xFFFF0000u);
}

double gs__narrow(gs_precision precision, double value) {
    if (precision == GS_PRECISION_MIXED_FLOAT16) return (double)round_half((float)value);
    if (precision == GS_PRECISION_MIXED_BFLOAT16) return (double)round_bfloat((float)value);
    return value;
}

double gs__narrow_gradient(gs_precision precision, const struct gs_state *state, double gradient) {
    if (precision != GS_PRECISION_MIXED_FLOAT16) return gs__narrow(precision, gradient);
    const int log2 = state->cur.loss_scale_log2;
    return ldexp((double)round_half((float)ldexp(gradient, log2)), -log2);
}

static double narrow_factor(uint32_t spec, bool scale, const struct gs_state *state, double value) {
    const gs_precision precision = (spec & 3u) == HALF     ? GS_PRECISION_MIXED_FLOAT16
                                   : (spec & 3u) == BFLOAT ? GS_PRECISION_MIXED_BFLOAT16
                                                           : GS_PRECISION_FLOAT32;
    return scale ? gs__narrow_gradient(precision, state, value) : gs__narrow(precision, value);
}

double gs__narrow_a(uint32_t spec, const struct gs_state *state, double value) {
    return narrow_factor(spec, spec & SCALE_A, state, value);
}

double gs__narrow_b(uint32_t spec, const struct gs_state *state, double value) {
    return narrow_factor(spec, spec & SCALE_B, state, value);
}
