// Ops slice and concatenate (src/op/*.c): parts of each row of the input, from `first` on, go to up to three outputs.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint CHUNK = 4; // elements of an invocation

layout(set = 0, binding = 0) readonly buffer IN { float in_[]; };
layout(set = 0, binding = 1) writeonly buffer A { float a[]; };
layout(set = 0, binding = 2) writeonly buffer B { float b[]; };
layout(set = 0, binding = 3) writeonly buffer C { float c[]; };

layout(push_constant) uniform PUSH {
    uint in_, a, b, c;              // first elements
    uint a_width, b_width, c_width; // elements of a row
    uint rows, stride, first;
    uint chunks;                    // invocations of a row
} push;

void store(uint row, uint i, float v) {
    if (i < push.a_width) {
        a[push.a + row * push.a_width + i] = v;
        return;
    }
    i -= push.a_width;
    if (i < push.b_width) {
        b[push.b + row * push.b_width + i] = v;
        return;
    }
    i -= push.b_width;
    c[push.c + row * push.c_width + i] = v;
}

void main() {
    uint item = item_index();
    if (item >= push.rows * push.chunks) return;
    uint row = item / push.chunks, begin = item % push.chunks * CHUNK;
    uint end = min(begin + CHUNK, push.a_width + push.b_width + push.c_width);
    uint from = push.in_ + row * push.stride + push.first;
    for (uint i = begin; i < end; i++) store(row, i, in_[from + i]);
}
