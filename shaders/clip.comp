// Op clip (src/op/clip.c): gradients within bounds.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "flat.glsl"

layout(constant_id = 2) const uint BY_NORM = 0; // 1: scaled by the norm that the parts add up to; 0: each cut

layout(set = 0, binding = 0, std430) buffer GRADIENTS { vec4 gradients[]; };
layout(set = 0, binding = 1, std430) readonly buffer PARTS { vec4 parts[]; };

float scale = 1.0;

void do_quad(uint quad) {
    vec4 g = gradients[push.a / 4u + quad];
    gradients[push.a / 4u + quad] = BY_NORM != 0u ? g * scale : clamp(g, -state.set.clip, state.set.clip);
}

void main() {
    if (BY_NORM != 0u) {
        vec4 sum = vec4(0.0);
        for (uint i = 0u; i < push.parts / 4u; i++) sum += parts[push.b / 4u + i];
        float norm = sqrt((sum.x + sum.y) + (sum.z + sum.w));
        scale = norm > state.set.clip ? state.set.clip / norm : 1.0;
    }
    for_each_quad();
}
