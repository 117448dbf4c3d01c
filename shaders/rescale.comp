// Op rescale (src/op/rescale.c): out = epilogue(scale * v + offset), four elements an invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "epilogue_push.glsl"
#include "item.glsl"

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer V { float v[]; };
layout(set = 0, binding = 1) readonly buffer Y { float y[]; }; // for the backward epilogue
layout(set = 0, binding = 2) writeonly buffer OUT { float out_[]; };

layout(push_constant) uniform PUSH {
    uint count;
    uint v, y, out_; // first elements
    float scale, offset;
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"

void main() {
    uint first = 4u * item_index();
    if (first >= push.count) return;
    uint n = min(push.count - first, 4u);
    vec4 a = vec4(0.0), stored = vec4(0.0);
    for (uint i = 0u; i < n; i++) {
        a[i] = v[push.v + first + i];
        if (EPILOGUE_MODE == 2u) stored[i] = y[push.y + first + i];
    }
    vec4 r = epilogue4(push.scale * a + push.offset, stored, first);
    for (uint i = 0u; i < n; i++) out_[push.out_ + first + i] = r[i];
}
