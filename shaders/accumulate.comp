// Op accumulate (src/op/accumulate.c): adds the step's gradients, if they are finite, to those before it; at the last step
// of an update the mean of all becomes the gradient.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "flat.glsl"

layout(set = 0, binding = 0, std430) buffer GRADIENTS { vec4 gradients[]; };
layout(set = 0, binding = 1, std430) buffer SUMS { vec4 sums[]; };

void do_quad(uint quad) {
    vec4 sum = sums[push.b / 4u + quad];
    if (state.cur.skip == 0u) sum += gradients[push.a / 4u + quad];
    bool last = is_update();
    gradients[push.a / 4u + quad] = last ? sum / float(max(state.set.accumulate, 1u)) : sum;
    sums[push.b / 4u + quad] = last ? vec4(0.0) : sum;
}

void main() { for_each_quad(); }
