// What the optimizers share: one dispatch over all parameters, four at a time, then the end of the step.
// A kernel defines update(quad), which updates the parameters 4 quad .. 4 quad + 3 of the window. C half:
// src/plan/update.c.
//
// UPDATE_TEXELS: load through texel buffers, the cheapest vector loads of CPU drivers. NAME_cpu.comp defines it.
#ifndef GS_UPDATE_GLSL
#define GS_UPDATE_GLSL

layout(local_size_x = 128, local_size_x_id = 0) in;
layout(constant_id = 1) const uint QUADS = 1; // of an invocation
layout(constant_id = 2) const uint SKIPS = 0; // 1: nothing is done at steps that only accumulate gradients

#define TICK_BINDING 3
#include "state.glsl"
#include "tick.glsl"

layout(push_constant) uniform PUSH {
    uint count;                        // quads
    uint parameters, gradients, slots; // first elements
    TICK_PUSH                          // tick_row_stride 0: this dispatch does not end the step
} push;

layout(set = 0, binding = 0, std430) buffer PARAMETERS { vec4 parameters[]; };
layout(set = 0, binding = 2, std430) buffer SLOTS { vec4 slots[]; }; // of a quad: all its slots, one after the other

#ifdef UPDATE_TEXELS
layout(set = 0, binding = 8) uniform textureBuffer parameter_texels;
layout(set = 0, binding = 9) uniform textureBuffer gradient_texels;
layout(set = 0, binding = 10) uniform textureBuffer slot_texels;
vec4 parameter_at(uint i) { return texelFetch(parameter_texels, int(i)); }
vec4 gradient_at(uint i) { return texelFetch(gradient_texels, int(i)); }
vec4 slot_at(uint i) { return texelFetch(slot_texels, int(i)); }
#else
layout(set = 0, binding = 1, std430) readonly buffer GRADIENTS { vec4 gradients[]; };
vec4 parameter_at(uint i) { return parameters[i]; }
vec4 gradient_at(uint i) { return gradients[i]; }
vec4 slot_at(uint i) { return slots[i]; }
#endif

// What all need of the State and the push constants, loaded first of all: in a loop or a branch, CPU drivers load uniforms
// for each lane.
gs_position cur;
gs_settings settings;
uint first_parameter, first_gradient, first_slot; // quads

vec4 gradient(uint quad) { return gradient_at(first_gradient + quad); }

// The parameters after decoupled weight decay (Loshchilov and Hutter 2019), which comes before the update proper.
vec4 decayed(uint quad) {
    vec4 w = parameter_at(first_parameter + quad);
    return w - w * (cur.learning_rate * settings.weight_decay);
}

void update(uint quad);

void main() {
    cur = state.cur;
    settings = state.set;
    first_parameter = push.parameters / 4u;
    first_gradient = push.gradients / 4u;
    first_slot = push.slots / 4u;
    uint lane = gl_LocalInvocationID.x;
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint first = group * (gl_WorkGroupSize.x * QUADS) + lane;
    uint count = push.count, steps = max(settings.accumulate, 1u);
    if (SKIPS != 0u ? cur.step_lo % steps != steps - 1u : cur.skip != 0u) count = 0u;
    for (uint i = 0u; i < QUADS; i++) {
        uint quad = first + i * gl_WorkGroupSize.x;
        if (quad < count) update(quad);
    }
    if (group == 0u && push.tick_row_stride != 0u) TICK_STEP(lane);
}

#endif
