// Op ema (src/op/ema.c): the moving average of the weights.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "flat.glsl"

layout(set = 0, binding = 0, std430) buffer PARAMETERS { vec4 parameters[]; };
layout(set = 0, binding = 1, std430) buffer AVERAGES { vec4 averages[]; };

void do_quad(uint quad) {
    float momentum = state.cur.updates == 0u ? 0.0 : state.set.ema_momentum;
    vec4 average = momentum * averages[push.b / 4u + quad] + (1.0 - momentum) * parameters[push.a / 4u + quad];
    averages[push.b / 4u + quad] = average;
    uint overwrite = state.set.ema_overwrite;
    if (overwrite != 0u && (state.cur.updates + 1u) % overwrite == 0u) parameters[push.a / 4u + quad] = average;
}

void main() { for_each_quad(); }
