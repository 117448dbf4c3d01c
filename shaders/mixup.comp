// Op mixup (src/op/mixup.c): row r becomes share * row r + (1 - share) * row (r + shift) mod rows, and so do its targets.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "augment.glsl"
#include "item.glsl"
#include "math.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(push_constant) uniform PUSH {
    uint x, targets, y, mixed; // first elements
    uint batch;
    uint count, target_count; // elements of a row
    uint parts, part_count;   // invocations of a row, elements of an invocation
    uint key;
    float exponent; // 1 / alpha
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) readonly buffer TARGETS { float targets[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Y { float y[]; };

#define TRIES 16u

// Beta(alpha, alpha), by Joehnk's method.
float share_of(uint row) {
    for (uint i = 0u; i < TRIES; i++) {
        uvec4 word = random4(TRIES * row + i, push.key);
        float u = unit(word.x), v = unit(word.y);
        float a = u > 0.0 ? exp_(log_(u) * push.exponent) : 0.0, b = v > 0.0 ? exp_(log_(v) * push.exponent) : 0.0;
        if (a + b > 1.0) continue;
        return a + b > 0.0 ? a / (a + b) : u > v ? 1.0 : 0.0;
    }
    return 0.5;
}

void main() {
    uint item = item_index(), rows = state.cur.rows;
    if (item >= push.batch * push.parts) return;
    uint row = item / push.parts, part = item % push.parts;
    uint first = part * push.part_count, end = min(push.count, first + push.part_count);
    if (row >= rows) {
        for (uint i = first; i < end; i++) y[push.y + row * push.count + i] = 0.0;
        for (uint i = 0u; part == 0u && i < push.target_count; i++) y[push.mixed + row * push.target_count + i] = 0.0;
        return;
    }
    float share = share_of(row);
    uint other = row + 1u + below(random4(0xFFFFFFFFu, push.key).x, rows - 1u);
    if (other >= rows) other -= rows;
    for (uint i = first; i < end; i++) {
        float a = x[push.x + row * push.count + i], b = x[push.x + other * push.count + i];
        y[push.y + row * push.count + i] = b + share * (a - b);
    }
    for (uint i = 0u; part == 0u && i < push.target_count; i++) {
        float a = targets[push.targets + row * push.target_count + i];
        float b = targets[push.targets + other * push.target_count + i];
        y[push.mixed + row * push.target_count + i] = b + share * (a - b);
    }
}
