// Op gaussian_noise (src/op/gaussian_noise.c): out = x + stddev * normal, four elements an invocation. The random
// numbers are a function of seed, step, layer and element: Box and Muller on Philox words.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"
#include "math.glsl"
#include "philox.glsl"
#include "state.glsl"

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer OUT { float out_[]; };

layout(push_constant) uniform PUSH {
    uint count;
    uint x, out_; // first elements
    float stddev;
    uint key; // of the layer
} push;

// Two normal numbers out of two words.
vec2 normals(uint a, uint b) {
    float u = (float(a >> 8) + 0.5) / 16777216.0;
    float angle = float(b >> 8) / 16777216.0 * 6.2831853;
    return sqrt(-2.0 * log_(u)) * vec2(cos(angle), sin(angle));
}

void main() {
    uint group = item_index(), first = 4u * group;
    if (first >= push.count) return;
    uvec4 word = philox(uvec4(group, state.cur.step_lo, state.cur.step_hi, push.key),
                        uvec2(state.set.seed_lo, state.set.seed_hi));
    vec4 noise = vec4(normals(word.x, word.y), normals(word.z, word.w));
    uint n = min(push.count - first, 4u);
    for (uint i = 0u; i < n; i++) out_[push.out_ + first + i] = x[push.x + first + i] + push.stddev * noise[i];
}
