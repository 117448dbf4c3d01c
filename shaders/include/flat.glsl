// Kernels that go over flat arrays of all parameters, gradients or the like, QUADS times four elements an invocation.
// A kernel defines do_quad(quad). C half: gs__flat_record.
#ifndef GS_FLAT_GLSL
#define GS_FLAT_GLSL
#include "state.glsl"

layout(local_size_x = 128, local_size_x_id = 0) in;
layout(constant_id = 1) const uint QUADS = 1; // of an invocation

layout(push_constant) uniform PUSH {
    uint count; // quads
    uint a, b;  // first elements; multiples of 4
    uint parts; // clip, square_sum: values that are summed
} push;

void do_quad(uint quad);

void for_each_quad() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint first = group * (gl_WorkGroupSize.x * QUADS) + gl_LocalInvocationID.x;
    for (uint i = 0u; i < QUADS; i++) {
        uint quad = first + i * gl_WorkGroupSize.x;
        if (quad < push.count) do_quad(quad);
    }
}

// Whether the step updates anything.
bool is_update() {
    uint steps = max(state.set.accumulate, 1u);
    return steps == 1u ? state.cur.skip == 0u : state.cur.step_lo % steps == steps - 1u;
}

#endif
