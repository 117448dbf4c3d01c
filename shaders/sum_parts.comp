// Adds up the parts of a sum that was split (src/op/conv2d.c): y[i] = sum of parts[p stride + i], four elements an
// invocation, parts in their order. The first `count` elements go to y, those from `second` on to z.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer P { vec4 part[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };
layout(set = 0, binding = 2) writeonly buffer Z { float z[]; };

layout(push_constant) uniform PUSH {
    uint parts, stride; // a multiple of 4
    uint count;         // elements of y; `second`, a multiple of 4, is behind them
    uint second, second_count;
    uint part, y, z; // first elements
} push;

void main() {
    uint e = 4u * item_index();
    if (e >= push.second + push.second_count) return;
    vec4 sum = vec4(0.0);
    for (uint p = 0; p < push.parts; p++) sum += part[(push.part + p * push.stride + e) >> 2];
    bool first = e < push.second;
    uint at = first ? e : e - push.second, end = first ? push.count : push.second_count;
    for (uint i = 0; i < 4; i++) {
        if (at + i >= end) continue;
        if (first) y[push.y + at + i] = sum[i];
        else z[push.z + at + i] = sum[i];
    }
}
