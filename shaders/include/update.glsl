// What the optimizers share: one dispatch over all parameters, four at a time, then the end of the step.
// A kernel defines update(quad), which updates the parameters 4 quad .. 4 quad + 3 of the window. C half:
// src/plan/update.c.
#ifndef GS_UPDATE_GLSL
#define GS_UPDATE_GLSL

layout(local_size_x = 128, local_size_x_id = 0) in;
layout(constant_id = 1) const uint QUADS = 1; // of an invocation

#define TICK_BINDING 3
#include "state.glsl"
#include "tick.glsl"

layout(push_constant) uniform PUSH {
    uint count;                        // quads
    uint parameters, gradients, slots; // first elements
    TICK_PUSH                          // tick_row_stride 0: this dispatch does not end the step
} push;

layout(set = 0, binding = 0, std430) buffer PARAMETERS { vec4 parameters[]; };
layout(set = 0, binding = 1, std430) readonly buffer GRADIENTS { vec4 gradients[]; };
layout(set = 0, binding = 2, std430) buffer SLOTS { vec4 slots[]; }; // of a quad: all its slots, one after the other

// The parameters after decoupled weight decay (Loshchilov and Hutter 2019), which comes before the update proper.
vec4 decayed(uint quad) {
    vec4 w = parameters[push.parameters / 4u + quad];
    return w - w * (state.cur.learning_rate * state.set.weight_decay);
}

vec4 gradient(uint quad) { return gradients[push.gradients / 4u + quad]; }

void update(uint quad);

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint first = group * (gl_WorkGroupSize.x * QUADS) + lane;
    for (uint i = 0u; i < QUADS; i++) {
        uint quad = first + i * gl_WorkGroupSize.x;
        if (quad < push.count) update(quad);
    }
    if (group == 0u && push.tick_row_stride != 0u) TICK_STEP(lane);
}

#endif
