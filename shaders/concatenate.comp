// Ops concatenate and slice (src/op/*.c): up to three inputs behind each other in each row of the output. A row of the
// output has `stride` elements; this dispatch writes those from `first` on, `width` = the sum of the inputs' widths.
// PAD: it writes all of the row, with zeros outside (the backward pass of slice).
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint CHUNK = 4; // elements of an invocation
layout(constant_id = 2) const uint PAD = 0;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) readonly buffer C { float c[]; };
layout(set = 0, binding = 3) writeonly buffer OUT { float out_[]; };

layout(push_constant) uniform PUSH {
    uint a, b, c, out_;                // first elements
    uint a_width, b_width, c_width;    // elements of a row
    uint rows, stride, first;
    uint chunks;                       // invocations of a row
} push;

float load(uint row, uint i) {
    if (i < push.a_width) return a[push.a + row * push.a_width + i];
    i -= push.a_width;
    if (i < push.b_width) return b[push.b + row * push.b_width + i];
    i -= push.b_width;
    return c[push.c + row * push.c_width + i];
}

void main() {
    uint item = item_index();
    if (item >= push.rows * push.chunks) return;
    uint row = item / push.chunks, begin = item % push.chunks * CHUNK;
    uint width = push.a_width + push.b_width + push.c_width;
    uint length = PAD != 0u ? push.stride : width, end = min(begin + CHUNK, length);
    uint to = push.out_ + row * push.stride + (PAD != 0u ? 0u : push.first);
    for (uint i = begin; i < end; i++) {
        bool inside = PAD == 0u || (i >= push.first && i - push.first < width);
        out_[to + i] = inside ? load(row, PAD != 0u ? i - push.first : i) : 0.0;
    }
}
