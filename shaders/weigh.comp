// Op weigh (src/op/weigh.c): multiplies the rows of a loss, and its gradient, by weights of the rows and by a factor.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint WEIGHTED = 0;
layout(constant_id = 1) const uint SCALED = 0;

layout(set = 0, binding = 0) buffer ROWS { float rows[]; };
layout(set = 0, binding = 1) buffer DX { float dx[]; };
layout(set = 0, binding = 2) readonly buffer WEIGHTS { float weights[]; };
layout(set = 0, binding = 3) readonly buffer FACTOR { float factor[]; };

layout(push_constant) uniform PUSH {
    uint row_count, row_length; // of dx; 0: there is none
    uint rows, dx, weights, factor; // first elements
} push;

void main() {
    uint i = item_index(), count = push.row_count * push.row_length;
    bool is_row = i >= count;
    uint row = is_row ? i - count : i / push.row_length;
    if (row >= push.row_count) return;
    float by = WEIGHTED != 0u ? weights[push.weights + row] : 1.0;
    if (SCALED != 0u) by *= factor[push.factor];
    if (is_row) rows[push.rows + row] *= by;
    else dx[push.dx + i] *= by;
}
