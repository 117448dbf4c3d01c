// Mean squared or absolute error of each row.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rows.glsl"
#include "state.glsl"

layout(constant_id = 3) const uint ABSOLUTE = 0; // 1: mean absolute error
layout(constant_id = 4) const uint INT_TARGETS = 0;

layout(push_constant) uniform PUSH {
    uint x, targets, y; // first elements
    uint batch, count;  // rows, elements of a row
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) readonly buffer TARGETS { uint targets[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Y { float y[]; };

void main() {
    uint row = row_index(), lane = row_lane();
    float sum = 0.0;
    if (row < min(push.batch, state.cur.rows))
        for (uint i = row * push.count + lane; i < (row + 1u) * push.count; i += ROW_LANES) {
            uint word = targets[push.targets + i];
            float d = x[push.x + i] - (INT_TARGETS != 0u ? float(int(word)) : uintBitsToFloat(word));
            sum += ABSOLUTE != 0u ? abs(d) : d * d;
        }
    sum = row_sum(sum);
    if (lane == 0u && row < push.batch) y[push.y + row] = sum / float(push.count);
}
