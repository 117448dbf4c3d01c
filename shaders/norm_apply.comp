// batch_norm (src/plan/norm.c), last stage; an invocation takes up to four neighbouring channels of every row_items-th row.
//   forward:  out = epilogue((v - mean) * scale + shift)
//   backward: out = epilogue(a * v + b * x + c), v being dy; 0 for rows that the step does not have
#version 450
#extension GL_GOOGLE_include_directive : require
#include "epilogue_push.glsl"
#include "item.glsl"
#include "norm.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint BACKWARD = 0;
layout(constant_id = 2) const uint ALIGNED = 0; // 1: channels are a multiple of four

layout(set = 0, binding = 0) readonly buffer V { float v[]; };
layout(set = 0, binding = 0) readonly buffer V4 { vec4 v4[]; };
layout(set = 0, binding = 1) readonly buffer X { float x[]; }; // and y for the backward epilogue: the same memory
layout(set = 0, binding = 1) readonly buffer X4 { vec4 x4[]; };
layout(set = 0, binding = 2) readonly buffer WORK { float work[]; };
layout(set = 0, binding = 2) readonly buffer WORK4 { vec4 work4[]; };
layout(set = 0, binding = 3) writeonly buffer OUT { float out_[]; };
layout(set = 0, binding = 3) writeonly buffer OUT4 { vec4 out4[]; };

layout(push_constant) uniform PUSH {
    uint v, x, y, work, out_; // first elements; multiples of 4
    uint rows, channels, stride, sample_rows;
    uint quads, row_items;
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"

vec4 coefficient(uint which, uint channel) { return work4[(push.work + which * push.stride + channel) / 4u]; }

void main() {
    uint item = item_index(), channel = 4u * (item % push.quads), first = item / push.quads;
    if (first >= push.row_items) return;
    uint n = min(push.channels - channel, 4u);
    uint present = push.sample_rows == 0u ? push.rows : min(push.rows, state.cur.rows * push.sample_rows);
    vec4 p, q, r;
    if (BACKWARD != 0u) {
        p = coefficient(NORM_A, channel);
        q = coefficient(NORM_B, channel);
        r = coefficient(NORM_C, channel);
    } else {
        p = coefficient(NORM_SCALE, channel);
        q = coefficient(NORM_MEAN, channel);
        r = coefficient(NORM_SHIFT, channel);
    }
    for (uint row = first; row < push.rows; row += push.row_items) {
        uint at = row * push.channels + channel;
        vec4 a = vec4(0.0), b = vec4(0.0), stored = vec4(0.0);
        if (ALIGNED != 0u) {
            a = v4[(push.v + at) / 4u];
            if (BACKWARD != 0u) b = x4[(push.x + at) / 4u];
            if (EPILOGUE_MODE == 2u) stored = x4[(push.y + at) / 4u];
        } else
            for (uint i = 0u; i < n; i++) {
                a[i] = v[push.v + at + i];
                if (BACKWARD != 0u) b[i] = x[push.x + at + i];
                if (EPILOGUE_MODE == 2u) stored[i] = x[push.y + at + i];
            }
        vec4 t;
        if (BACKWARD != 0u) t = row < present ? p * a + q * b + r : vec4(0.0);
        else t = (a - q) * p + r;
        if (ALIGNED != 0u) {
            out4[(push.out_ + at) / 4u] = epilogue4(t, stored, at);
        } else
            for (uint i = 0u; i < n; i++) out_[push.out_ + at + i] = epilogue1(t[i], stored[i], at + i);
    }
}
