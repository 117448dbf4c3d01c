// Op softmax (src/op/softmax.c), over rows of `row_length` elements.
//   forward:  out = exp(a - max a) / sum exp(a - max a)
//   backward: out = y * (dy - sum(dy * y)), a = dy
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rows.glsl"

layout(constant_id = 3) const uint BACKWARD = 0;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer Y { float y[]; };
layout(set = 0, binding = 2) writeonly buffer OUT { float out_[]; };

layout(push_constant) uniform PUSH {
    uint row_count, row_length;
    uint a, y, out_; // first elements
} push;

void main() {
    uint row = row_index();
    uint begin = row * push.row_length;
    uint length = row < push.row_count ? push.row_length : 0u; // no return: the others wait at barriers
    if (BACKWARD != 0u) {
        float sum = 0.0;
        for (uint k = row_lane(); k < length; k += ROW_LANES) sum += a[push.a + begin + k] * y[push.y + begin + k];
        sum = row_sum(sum);
        for (uint k = row_lane(); k < length; k += ROW_LANES)
            out_[push.out_ + begin + k] = y[push.y + begin + k] * (a[push.a + begin + k] - sum);
        return;
    }
    float best = -INF, sum = 0.0;
    uint index = 0u;
    for (uint k = row_lane(); k < length; k += ROW_LANES) {
        float v = a[push.a + begin + k];
        if (v > best) best = v;
    }
    row_best(best, index);
    for (uint k = row_lane(); k < length; k += ROW_LANES) sum += exp_(a[push.a + begin + k] - best);
    sum = row_sum(sum);
    for (uint k = row_lane(); k < length; k += ROW_LANES)
        out_[push.out_ + begin + k] = exp_(a[push.a + begin + k] - best) / sum;
}
