// Op check_finite (src/op/check_finite.c): sets State.cur.skip when an element is infinite or not a number.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "state.h"

layout(local_size_x = 128, local_size_x_id = 0) in;
layout(constant_id = 1) const uint QUADS = 1; // of an invocation

layout(push_constant) uniform PUSH {
    uint count; // quads
    uint x;     // first element; a multiple of 4
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { uvec4 x4[]; };
layout(set = 0, binding = 1, std430) buffer STATE_BUFFER { gs_state state; };

void main() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint first = group * (gl_WorkGroupSize.x * QUADS) + gl_LocalInvocationID.x;
    uvec4 largest = uvec4(0u);
    for (uint i = 0u; i < QUADS; i++) {
        uint quad = min(first + i * gl_WorkGroupSize.x, push.count - 1u);
        largest = max(largest, x4[push.x / 4u + quad] & 0x7FFFFFFFu);
    }
    if (any(greaterThanEqual(largest, uvec4(0x7F800000u)))) atomicOr(state.cur.skip, 1u);
}
