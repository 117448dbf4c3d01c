// row_norm (src/op/row_norm.c), forward: out = epilogue((x - mean) / deviation * gamma + beta), and mean and
// 1 / deviation of each row.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "epilogue_push.glsl"
#include "rows.glsl"

layout(constant_id = 3) const uint RMS = 0;
layout(constant_id = 4) const uint HAS = 0; // bit 0: gamma, bit 1: beta

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer AFFINE { float affine[]; }; // gamma, beta
layout(set = 0, binding = 2) writeonly buffer OUT { float out_[]; };
layout(set = 0, binding = 3) writeonly buffer STATISTICS { float statistics[]; }; // means, then 1 / deviations

layout(push_constant) uniform PUSH {
    uint x, gamma, beta, out_, statistics; // first elements
    uint row_count, inner, groups, depth;
    float epsilon;
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"
#include "norm_rows.glsl"

void main() {
    uint row = row_index(), end = norm_row(row);
    float count = float(push.inner * push.depth), mean, rdev;
    norm_statistics(end, count, mean, rdev);
    for (uint k = row_lane(); k < end; k += ROW_LANES) {
        uint at = norm_place(k), channel = norm_channel(k);
        float v = (x[push.x + at] - mean) * rdev;
        if ((HAS & 1u) != 0u) v *= affine[push.gamma + channel];
        if ((HAS & 2u) != 0u) v += affine[push.beta + channel];
        out_[push.out_ + at] = epilogue1(v, 0.0, at);
    }
    if (end == 0u || row_lane() != 0u) return;
    statistics[push.statistics + row] = mean;
    statistics[push.statistics + push.row_count + row] = rdev;
}
