// Op matmul_gradients (src/op/matmul_gradients.c) for GPUs: adds up the parts that matmul_gradients.comp left, in their
// order. Four elements an invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer P { vec4 p4[]; };
layout(set = 0, binding = 1) writeonly buffer C { float c[]; };
layout(set = 0, binding = 1) writeonly buffer C4 { vec4 c4[]; };

// A part holds, for each product, `count` elements of C and `n` sums (0: none), each rounded up to 4.
#define PRODUCT(i) uint count##i, n##i, c##i, sums##i;
layout(push_constant) uniform PUSH {
    uint parts, part; // how many; elements of one, a multiple of 4
    uint from;        // first element; multiples of 4, as all that follow
    PRODUCT(0)
    PRODUCT(1)
    PRODUCT(2)
    PRODUCT(3)
} push;

void main() {
    uint e = 4u * item_index(), own = 0u, to = 0u, begin = 0u;
    if (e >= push.part) return;
    vec4 v = p4[(push.from + e) >> 2];
    for (uint i = 1u; i < push.parts; i++) v += p4[(push.from + e + i * push.part) >> 2];
#define SECTION(count, first)                                                                                 \
    if (e >= begin) own = count - min(e - begin, count), to = first + e - begin;                              \
    begin += (count + 3u) & ~3u;
#define PRODUCT_SECTIONS(i)                                                                                   \
    SECTION(push.count##i, push.c##i)                                                                         \
    SECTION(push.n##i, push.sums##i)
    PRODUCT_SECTIONS(0)
    PRODUCT_SECTIONS(1)
    PRODUCT_SECTIONS(2)
    PRODUCT_SECTIONS(3)
    if (own >= 4u) {
        c4[to >> 2] = v;
    } else {
        for (uint i = 0u; i < own; i++) c[to + i] = v[i];
    }
}
