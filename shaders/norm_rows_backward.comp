// row_norm (src/op/row_norm.c), backward:
//   out = epilogue((g - mean(g) - n * mean(g n)) / deviation), g = dy gamma, n = (x - mean) / deviation
#version 450
#extension GL_GOOGLE_include_directive : require
#include "epilogue_push.glsl"
#include "rows.glsl"

layout(constant_id = 3) const uint RMS = 0;
layout(constant_id = 4) const uint HAS = 0; // bit 0: gamma

layout(set = 0, binding = 0) readonly buffer X { float x[]; }; // and y for the backward epilogue: the same memory
layout(set = 0, binding = 1) readonly buffer AFFINE { float affine[]; }; // gamma
layout(set = 0, binding = 2) readonly buffer DY { float dy[]; };
layout(set = 0, binding = 3) writeonly buffer OUT { float out_[]; };

layout(push_constant) uniform PUSH {
    uint x, y, gamma, dy, out_; // first elements
    uint row_count, inner, groups, depth;
    float epsilon;
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"
#include "norm_rows.glsl"

float gradient(uint k) {
    float g = dy[push.dy + norm_place(k)];
    return (HAS & 1u) != 0u ? g * affine[push.gamma + norm_channel(k)] : g;
}

void main() {
    uint end = norm_row(row_index());
    float count = float(push.inner * push.depth), mean, rdev, plain = 0.0, weighted = 0.0;
    norm_statistics(end, count, mean, rdev);
    for (uint k = row_lane(); k < end; k += ROW_LANES) {
        float g = gradient(k);
        plain += g;
        weighted += g * ((x[push.x + norm_place(k)] - mean) * rdev);
    }
    plain = RMS == 0u ? row_sum(plain) / count : 0.0;
    weighted = row_sum(weighted) / count;
    for (uint k = row_lane(); k < end; k += ROW_LANES) {
        uint at = norm_place(k);
        float n = (x[push.x + at] - mean) * rdev, stored = EPILOGUE_MODE == 2u ? x[push.y + at] : 0.0;
        out_[push.out_ + at] = epilogue1(rdev * (gradient(k) - plain - n * weighted), stored, at);
    }
}
