// Ops on images (B, high, wide, channels) where an invocation makes 4 neighbouring channels, or one element where VECTOR is 1:
// then the other three of a vec4 are of no account. TEXELS: operands are read as texels, for CPU drivers. The host's half is
// src/plan/quads.h.
#ifndef GS_QUAD_GLSL
#define GS_QUAD_GLSL
#include "item.glsl"

layout(constant_id = 0) const uint VECTOR = 4; // 4, or 1
// Of what is made: known, so that divisions by them are cheap.
layout(constant_id = 1) const uint CHANNELS = 4;
layout(constant_id = 2) const uint WIDE = 1;
layout(constant_id = 3) const uint HIGH = 1;
layout(local_size_x = 64) in;

// QUAD_INPUT(name, binding, 8 + binding) defines vec4 load_name(uint element); an element is a multiple of VECTOR.
#ifdef TEXELS
#extension GL_EXT_samplerless_texture_functions : require
#define QUAD_INPUT(name, at, texels_at)                                                                       \
    layout(set = 0, binding = texels_at) uniform textureBuffer name##_texels;                                 \
    vec4 load_##name(uint e) {                                                                                \
        vec4 t = texelFetch(name##_texels, int(e >> 2));                                                      \
        if (VECTOR == 4u) return t;                                                                           \
        vec2 pair = (e & 2u) != 0u ? t.zw : t.xy;                                                             \
        return vec4((e & 1u) != 0u ? pair.y : pair.x);                                                        \
    }
#else
#define QUAD_INPUT(name, at, texels_at)                                                                       \
    layout(set = 0, binding = at) readonly buffer name##_one_ { float name##_one[]; };                        \
    layout(set = 0, binding = at) readonly buffer name##_four_ { vec4 name##_four[]; };                       \
    vec4 load_##name(uint e) { return VECTOR == 4u ? name##_four[e >> 2] : vec4(name##_one[e]); }
#endif

// Defines void store_name(uint element, vec4).
#define QUAD_OUTPUT(name, at)                                                                                 \
    layout(set = 0, binding = at) writeonly buffer name##_one_ { float name##_one[]; };                       \
    layout(set = 0, binding = at) writeonly buffer name##_four_ { vec4 name##_four[]; };                      \
    void store_##name(uint e, vec4 v) {                                                                       \
        if (VECTOR == 4u) name##_four[e >> 2] = v;                                                            \
        else name##_one[e] = v.x;                                                                             \
    }

struct quad {
    uint element, image, h, w, channel;
};
quad find_quad(uint item) {
    uint pixel = item / (CHANNELS / VECTOR), line = pixel / WIDE, image = line / HIGH;
    return quad(item * VECTOR, image, line - image * HIGH, pixel - line * WIDE, item * VECTOR - pixel * CHANNELS);
}

#endif
