// Op matmul (src/op/matmul.c) for GPUs: adds up the parts that matmul.comp left, in their order; then bias and epilogue.
// Four elements an invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "epilogue_push.glsl"
#include "item.glsl"

layout(constant_id = 0) const uint BIAS = 0; // 1: extra is a bias (n); else the y that the backward epilogue needs
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer P { vec4 p4[]; };
layout(set = 0, binding = 1) readonly buffer X { float extra[]; };
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(set = 0, binding = 2) writeonly buffer C4 { vec4 c4[]; };

layout(push_constant) uniform PUSH {
    uint count, n; // of C's elements, columns
    uint parts;
    uint from, c, extra; // first elements; multiples of 4
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"

void main() {
    uint first = 4u * item_index();
    if (first >= push.count) return;
    uint own = min(push.count - first, 4u), stride = (push.count + 3u) >> 2, at = (push.from + first) >> 2;
    vec4 v = p4[at], x = vec4(0.0);
    for (uint part = 1u; part < push.parts; part++) v += p4[at + part * stride];
    if (BIAS != 0u || EPILOGUE_MODE == 2u)
        for (uint i = 0u; i < own; i++) x[i] = extra[push.extra + (BIAS != 0u ? (first + i) % push.n : first + i)];
    if (BIAS != 0u) v += x;
    v = epilogue4(v, x, first);
    if (own == 4u) {
        c4[(push.c + first) >> 2] = v;
    } else {
        for (uint i = 0u; i < own; i++) c[push.c + first + i] = v[i];
    }
}
