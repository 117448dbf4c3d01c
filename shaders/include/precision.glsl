// Mixed precision: the factors of a matrix product are rounded to 16 bits, sums stay in float. In integer arithmetic, so
// that every device gives the same numbers, whatever it has of 16-bit types. C twin: src/plan/precision.c.
//
// Gradients are multiplied by the loss scale before they are rounded to float16, whose range is small, and what is made
// of them is divided by it: a power of two, so that it changes nothing else.
#ifndef GS_PRECISION_GLSL
#define GS_PRECISION_GLSL
#include "state.glsl"

layout(constant_id = 15) const uint PRECISION = 0; // gs__precision_spec

const bool PRECISION_HALF = (PRECISION & 3u) == 1u, PRECISION_BFLOAT = (PRECISION & 3u) == 2u;
const bool PRECISION_SCALE_A = (PRECISION & 4u) != 0u, PRECISION_SCALE_B = (PRECISION & 8u) != 0u; // with HALF only

// The nearest halves, ties to even.
vec4 round_half(vec4 x) {
    uvec4 u = floatBitsToUint(x), size = u & 0x7FFFFFFFu;
    uvec4 r = (u + 0xFFFu + (u >> 13 & 1u)) & 0xFFFFE000u;
    // Below 2^-14 halves are the multiples of 2^-24.
    r = mix(r, floatBitsToUint(roundEven(x * 16777216.0) * 5.9604644775390625e-8), lessThan(size, uvec4(0x38800000u)));
    r = mix(r, (u & 0x80000000u) | 0x7F800000u, greaterThanEqual(size, uvec4(0x477FF000u))); // from 65520 on
    return uintBitsToFloat(mix(r, u | 0x00400000u, greaterThan(size, uvec4(0x7F800000u))));
}

// The nearest bfloats, ties to even.
vec4 round_bfloat(vec4 x) {
    uvec4 u = floatBitsToUint(x);
    uvec4 r = (u + 0x7FFFu + (u >> 16 & 1u)) & 0xFFFF0000u;
    return uintBitsToFloat(mix(r, u | 0x00400000u, greaterThan(u & 0x7FFFFFFFu, uvec4(0x7F800000u))));
}

float loss_scale(int sign_) { return uintBitsToFloat(uint(127 + sign_ * state.cur.loss_scale_log2) << 23); }

vec4 narrow4(vec4 v, bool scale) {
    if (PRECISION_HALF) return round_half(scale ? v * loss_scale(1) : v);
    return PRECISION_BFLOAT ? round_bfloat(v) : v;
}

float narrow(float v) { return narrow4(vec4(v), false).x; }

// A factor as the product takes it.
vec4 factor_a4(vec4 v) { return narrow4(v, PRECISION_SCALE_A); }
vec4 factor_b4(vec4 v) { return narrow4(v, PRECISION_SCALE_B); }
float factor_a(float v) { return factor_a4(vec4(v)).x; }
float factor_b(float v) { return factor_b4(vec4(v)).x; }

// A sum of such products, or of such factors, as the true one.
vec4 unscaled4(vec4 v) { return PRECISION_SCALE_A || PRECISION_SCALE_B ? v * loss_scale(-1) : v; }
float unscaled(float v) { return PRECISION_SCALE_A || PRECISION_SCALE_B ? v * loss_scale(-1) : v; }

#endif
