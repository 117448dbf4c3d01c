// Op count_valid (src/op/count_valid.c): one workgroup; positions of the step's rows, by those that are not ignored.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "state.glsl"
#include "sum.glsl"

layout(set = 0, binding = 0) readonly buffer TARGETS { int targets[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };

layout(push_constant) uniform PUSH {
    uint row_length; // positions
    uint targets, y; // first elements
    int ignored;
} push;

void main() {
    uint count = state.cur.rows * push.row_length;
    float valid = 0.0;
    if (sum_item() == 0u)
        for (uint i = sum_lane(); i < count; i += LANES) valid += targets[push.targets + i] != push.ignored ? 1.0 : 0.0;
    valid = sum_lanes(valid);
    if (sum_item() == 0u && sum_lane() == 0u) y[push.y] = float(count) / (valid + 1e-7);
}
