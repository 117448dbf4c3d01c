// Op r2_metric (src/op/r2_metric.c): sums over the steps of a pass, of one column an invocation, rows in their order. Each
// sum has a second float that holds what its additions lost (Kahan 1965).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"
#include "state.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint INT_TARGETS = 0;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer TARGETS { uint targets[]; };
layout(set = 0, binding = 2) buffer SUMS { float sums[]; }; // (3, 2, columns): t, t^2, (t - x)^2

layout(push_constant) uniform PUSH {
    uint positions, columns; // of a row
    uint x, targets, sums;   // first elements
} push;

void main() {
    uint c = item_index(), count = state.cur.rows * push.positions;
    if (c >= push.columns) return;
    vec3 sum, lost;
    for (int i = 0; i < 3; i++) {
        sum[i] = sums[push.sums + uint(2 * i) * push.columns + c];
        lost[i] = sums[push.sums + uint(2 * i + 1) * push.columns + c];
    }
    for (uint row = 0u; row < count; row++) {
        uint i = row * push.columns + c, word = targets[push.targets + i];
        float t = INT_TARGETS != 0u ? float(int(word)) : uintBitsToFloat(word), e = t - x[push.x + i];
        precise vec3 add = vec3(t, t * t, e * e) - lost;
        precise vec3 next = sum + add;
        precise vec3 got = next - sum;
        lost = got - add;
        sum = next;
    }
    for (int i = 0; i < 3; i++) {
        sums[push.sums + uint(2 * i) * push.columns + c] = sum[i];
        sums[push.sums + uint(2 * i + 1) * push.columns + c] = lost[i];
    }
}
