// The learning rate of a step by the State's schedule. Included by C and by GLSL, and equal to the bit on both: additions,
// multiplications and integers only, one operation a statement where C might contract two; no division and no library
// function, which drivers round as they like.
#ifndef GS_SCHEDULE_H
#define GS_SCHEDULE_H
#include "state.h"

#ifdef __STDC_VERSION__
#include <string.h>
#define GS_PRECISE
#define GS_SCHEDULE_FUNCTION static inline
GS_SCHEDULE_FUNCTION float uintBitsToFloat(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
GS_SCHEDULE_FUNCTION uint32_t floatBitsToUint(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
#define GS_TO_FLOAT(x) ((float)(x))
#define GS_TO_UINT(x)  ((uint32_t)(x))
#else
#define GS_PRECISE precise
#define GS_SCHEDULE_FUNCTION
#define GS_TO_FLOAT(x) float(x)
#define GS_TO_UINT(x)  uint(x)
#endif

// 1 / x for a normal x > 0, by Newton's method from an estimate that is within 13 %.
GS_SCHEDULE_FUNCTION float gs_reciprocal(float x) {
    GS_PRECISE float r = uintBitsToFloat(0x7EF311C3u - floatBitsToUint(x));
    for (int i = 0; i < 4; i++) {
        GS_PRECISE float product = x * r;
        product = 2.0f - product;
        r = r * product;
    }
    return r;
}

// 2^x; 0 below 2^-126, 2^127 at the most. Taylor's series on [-1/2, 1/2].
GS_SCHEDULE_FUNCTION float gs_exp2(float x) {
    if (x < -126.0f) return 0.0f;
    GS_PRECISE float f = x > 127.0f ? 127.0f : x;
    GS_PRECISE float shifted = f + 127.5f;
    GS_STATE_UINT power = GS_TO_UINT(shifted);
    GS_PRECISE float whole = GS_TO_FLOAT(power);
    whole = whole - 127.0f;
    f = f - whole;
    GS_PRECISE float sum = 1.5403530e-4f;
    sum = sum * f;
    sum = sum + 1.3333558e-3f;
    sum = sum * f;
    sum = sum + 9.6181291e-3f;
    sum = sum * f;
    sum = sum + 5.5504109e-2f;
    sum = sum * f;
    sum = sum + 2.4022651e-1f;
    sum = sum * f;
    sum = sum + 6.9314718e-1f;
    sum = sum * f;
    sum = sum + 1.0f;
    GS_PRECISE float scale = uintBitsToFloat(power << 23);
    return sum * scale;
}

// log2 x for a normal x > 0: the area tangent's series of s = (m - 1) / (m + 1), abs(s) < 0.172.
GS_SCHEDULE_FUNCTION float gs_log2(float x) {
    GS_STATE_UINT bits = floatBitsToUint(x);
    GS_PRECISE float e = GS_TO_FLOAT(bits >> 23);
    GS_PRECISE float m = uintBitsToFloat((bits & 0x7FFFFFu) | 0x3F800000u);
    e = e - 127.0f;
    if (m > 1.41421356f) {
        m = m * 0.5f;
        e = e + 1.0f;
    }
    GS_PRECISE float s = m - 1.0f;
    s = s * gs_reciprocal(m + 1.0f);
    GS_PRECISE float s2 = s * s;
    GS_PRECISE float sum = 0.32059890f; // 2 / ln 2 / 9
    sum = sum * s2;
    sum = sum + 0.41219858f;
    sum = sum * s2;
    sum = sum + 0.57707802f;
    sum = sum * s2;
    sum = sum + 0.96179669f;
    sum = sum * s2;
    sum = sum + 2.8853901f;
    sum = sum * s;
    return sum + e;
}

// (1 + cos(pi x)) / 2 for 0 <= x <= 1, from the sine of the smaller half angle.
GS_SCHEDULE_FUNCTION float gs_cosine_share(float x) {
    GS_PRECISE float rest = 1.0f - x;
    GS_PRECISE float u = x > 0.5f ? rest : x;
    u = u * 1.57079633f;
    GS_PRECISE float u2 = u * u;
    GS_PRECISE float sum = 2.7557319e-6f;
    sum = sum * u2;
    sum = sum - 1.9841270e-4f;
    sum = sum * u2;
    sum = sum + 8.3333333e-3f;
    sum = sum * u2;
    sum = sum - 1.6666667e-1f;
    sum = sum * u2;
    sum = sum + 1.0f;
    sum = sum * u;
    sum = sum * sum;
    rest = 1.0f - sum;
    return x > 0.5f ? sum : rest;
}

GS_SCHEDULE_FUNCTION float gs_between(float from, float to, float share) { // share 1: from
    GS_PRECISE float rate = from - to;
    rate = rate * share;
    return rate + to;
}

// to + (from - to) (1 - x)^p, x = t / steps; with CYCLE steps are those of all rounds begun.
GS_SCHEDULE_FUNCTION float gs_polynomial_rate(GS_STATE_STRUCT(gs_segment) s, GS_STATE_UINT t) {
    GS_PRECISE float left = GS_TO_FLOAT(s.steps > t ? s.steps - t : 0u);
    GS_PRECISE float inverse = s.inverse_steps;
    if ((s.kind & GS_SEGMENT_CYCLE) != 0u && t > 0u) {
        GS_STATE_UINT rounds = (t - 1u) / s.steps + 1u;
        left = GS_TO_FLOAT(rounds * s.steps - t);
        inverse = inverse * gs_reciprocal(GS_TO_FLOAT(rounds));
    }
    left = left * inverse;
    if (s.p != 1.0f && left > 0.0f) left = gs_exp2(s.p * gs_log2(left));
    return gs_between(s.from, s.to, left);
}

// Rounds of cosines, each p times as long and q times as high as the one before it.
GS_SCHEDULE_FUNCTION float gs_restarts_rate(GS_STATE_STRUCT(gs_segment) s, GS_STATE_UINT t) {
    GS_PRECISE float height = 1.0f;
    GS_PRECISE float x;
    if (s.p == 1.0f) {
        GS_STATE_UINT rounds = t / s.steps;
        x = GS_TO_FLOAT(t - rounds * s.steps);
        x = x * s.inverse_steps;
        if (s.q != 1.0f) height = gs_exp2(GS_TO_FLOAT(rounds) * gs_log2(s.q));
    } else {
        GS_PRECISE float length = GS_TO_FLOAT(s.steps);
        GS_PRECISE float inverse = s.inverse_steps;
        x = GS_TO_FLOAT(t);
        while (x >= length) { // p > 1: at most a few dozen
            x = x - length;
            length = length * s.p;
            inverse = inverse * gs_reciprocal(s.p);
            height = height * s.q;
        }
        x = x * inverse;
    }
    height = height * gs_cosine_share(x < 1.0f ? x : 1.0f);
    return gs_between(s.from, s.to, height);
}

GS_SCHEDULE_FUNCTION float gs_segment_rate(GS_STATE_STRUCT(gs_segment) s, GS_STATE_UINT step) {
    GS_STATE_UINT t = step - s.begin;
    GS_STATE_UINT kind = s.kind & 15u;
    if (kind == GS_SEGMENT_CONSTANT) return s.from;
    if (kind == GS_SEGMENT_POLYNOMIAL) return gs_polynomial_rate(s, t);
    if (kind == GS_SEGMENT_RESTARTS) return gs_restarts_rate(s, t);
    // Lengths that went by: exact in whole ones.
    GS_STATE_UINT whole = t / s.steps;
    GS_PRECISE float x = GS_TO_FLOAT(t - whole * s.steps);
    x = x + (kind == GS_SEGMENT_COSINE ? s.q : 0.0f); // where between two steps it begins
    x = x * s.inverse_steps;
    if ((s.kind & GS_SEGMENT_STAIRCASE) != 0u) x = 0.0f;
    if (kind == GS_SEGMENT_COSINE) return gs_between(s.from, s.to, gs_cosine_share(whole == 0u && x < 1.0f ? x : 1.0f));
    x = x + GS_TO_FLOAT(whole);
    x = x * s.p;
    if (kind == GS_SEGMENT_EXPONENTIAL) return s.from * gs_exp2(x); // p: log2 of the factor for each length
    x = x + 1.0f;
    return s.from * gs_reciprocal(x); // INVERSE
}

#ifdef __STDC_VERSION__
static inline float gs_schedule_rate(const struct gs_state *state, uint32_t step_lo, uint32_t step_hi) {
    const uint32_t step = step_hi ? UINT32_MAX : step_lo;
    for (uint32_t i = state->set.segments; i-- > 0;)
        if (step >= state->schedule[i].begin) return gs_segment_rate(state->schedule[i], step);
    return state->set.learning_rate;
}
#endif

#endif
