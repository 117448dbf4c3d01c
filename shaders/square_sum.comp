// Op square_sum (src/op/square_sum.c): sums of squares, one for each of `parts` parts of an array.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "sum.glsl"

layout(push_constant) uniform PUSH {
    uint count;    // quads
    uint x;        // first element; a multiple of 4
    uint sums, parts;
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { vec4 x[]; };
layout(set = 0, binding = 1, std430) writeonly buffer SUMS { float sums[]; };

void main() {
    uint part = sum_item(), chunk = (push.count + push.parts - 1u) / push.parts;
    uint first = part * chunk, end = min(first + chunk, push.count);
    vec4 sum = vec4(0.0);
    if (part < push.parts) {
        for (uint i = first + sum_lane(); i < end; i += LANES) {
            vec4 v = x[push.x / 4u + i];
            sum += v * v;
        }
    }
    float total = sum_lanes((sum.x + sum.y) + (sum.z + sum.w));
    if (part < push.parts && sum_lane() == 0u) sums[push.sums + part] = total;
}
