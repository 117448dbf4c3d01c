// y[i] = SCALE * x[i] + add + learning rate of State: a specialization constant, push constants, a uniform buffer.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "state.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const float SCALE = 1.0;
layout(constant_id = 1) const uint REPEAT = 1;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform PUSH {
    uint count;
    float add;
} push;

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= push.count) return;
    float v = x[i];
    for (uint r = 0; r < REPEAT; r++) v = SCALE * v + push.add + state.set.learning_rate;
    y[i] = v;
}
