// Op add (src/op/add.c): y = epilogue(a + b), four elements an invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "epilogue_push.glsl"
#include "item.glsl"

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 0) readonly buffer A4 { vec4 a4[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 1) readonly buffer B4 { vec4 b4[]; };
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; };
layout(set = 0, binding = 2) writeonly buffer Y4 { vec4 y4[]; };

layout(push_constant) uniform PUSH {
    uint count;
    uint a, b, y; // first elements; multiples of 4
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"

void main() {
    uint first = 4u * item_index();
    if (first >= push.count) return;
    uint n = min(push.count - first, 4u);
    if (n == 4u) {
        vec4 sum = a4[(push.a + first) / 4u] + b4[(push.b + first) / 4u];
        y4[(push.y + first) / 4u] = epilogue4(sum, vec4(0.0), first);
    } else {
        for (uint i = 0u; i < n; i++) {
            float sum = a[push.a + first + i] + b[push.b + first + i];
            y[push.y + first + i] = epilogue1(sum, 0.0, first + i);
        }
    }
}
