// Op embedding (src/op/embedding.c).
//   forward:  out = the token's row of the table; an invocation makes up to four neighbours
//   backward: out = for each row of the table the sum of dy where its token stands. An invocation owns one column of a
//             range of rows and goes through all tokens in order: every sum has one order, and nobody else adds to it.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"
#include "math.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint BACKWARD = 0;

layout(set = 0, binding = 0) readonly buffer TOKENS { float tokens[]; };
layout(set = 0, binding = 1) readonly buffer IN { float in_[]; }; // the table, or dy
layout(set = 0, binding = 2) buffer OUT { float out_[]; };

layout(push_constant) uniform PUSH {
    uint tokens, in_, out_; // first elements
    uint count;             // tokens
    uint rows, width;       // of the table
    uint range;             // backward: rows of an invocation
} push;

// The row of a token, at least push.rows for what is none.
uint row_of(uint i) {
    float t = tokens[push.tokens + i];
    return t >= 0.0 && t < float(push.rows) ? uint(t) : 0xFFFFFFFFu;
}

void main() {
    uint item = item_index();
    if (BACKWARD == 0u) {
        uint quads = (push.width + 3u) / 4u, i = item / quads, first = item % quads * 4u;
        if (i >= push.count) return;
        uint row = row_of(i), end = min(first + 4u, push.width);
        for (uint k = first; k < end; k++)
            out_[push.out_ + i * push.width + k] = row < push.rows ? in_[push.in_ + row * push.width + k] : NAN;
        return;
    }
    uint column = item % push.width, begin = item / push.width * push.range;
    if (begin >= push.rows) return;
    uint end = min(begin + push.range, push.rows);
    for (uint row = begin; row < end; row++) out_[push.out_ + row * push.width + column] = 0.0;
    for (uint i = 0u; i < push.count; i++) {
        uint row = row_of(i);
        if (row >= begin && row < end)
            out_[push.out_ + row * push.width + column] += in_[push.in_ + i * push.width + column];
    }
}
