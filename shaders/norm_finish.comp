// batch_norm and row_norm (src/plan/norm.c), second stage: adds up the chunks of each channel.
//   MODE 0: batch statistics, new moving averages       MODE 1: statistics from the moving averages
//   MODE 2: dgamma, dbeta and the coefficients of dx    MODE 3: dgamma and dbeta only
#version 450
#extension GL_GOOGLE_include_directive : require
#include "norm.glsl"
#include "rows.glsl"
#include "state.glsl"

layout(constant_id = 3) const uint MODE = 0;
layout(constant_id = 4) const uint HAS = 0; // bit 0: gamma or dgamma, bit 1: beta or dbeta
layout(constant_id = 5) const uint MAX_SCALE = 0;
layout(constant_id = 6) const uint INVERT = 0;

layout(set = 0, binding = 0) buffer WORK { float work[]; };
layout(set = 0, binding = 1) readonly buffer AFFINE { float affine[]; };   // MODE 0, 1: gamma, beta
layout(set = 0, binding = 2) buffer MOVING { float moving[]; };            // MODE 0, 1; MODE 2, 3: dgamma
layout(set = 0, binding = 3) writeonly buffer DBETA { float dbeta[]; };

layout(push_constant) uniform PUSH {
    uint work, gamma, beta, mean, variance, dgamma, dbeta; // first elements
    uint partials;                                         // in the work tensor
    uint rows, channels, stride, sample_rows;
    uint chunk, parts;
    float momentum, epsilon;
} push;

float partial(uint part, uint which, uint channel) {
    return work[push.work + push.partials + (2u * part + which) * push.stride + channel];
}

void set(uint which, uint channel, float v) { work[push.work + which * push.stride + channel] = v; }
float get(uint which, uint channel) { return work[push.work + which * push.stride + channel]; }

uint rows_of(uint part, uint present) {
    uint begin = min(part * push.chunk, present);
    return min(begin + push.chunk, present) - begin;
}

// What the apply kernel needs: y = (x - mean) * scale + shift, and dx = a dy where nothing else depends on x.
void statistics(uint channel, float mean, float variance) {
    float gamma = (HAS & 1u) != 0u ? affine[push.gamma + channel] : 1.0;
    float deviation = sqrt(MAX_SCALE != 0u ? variance : variance + push.epsilon);
    if (MAX_SCALE != 0u && deviation < push.epsilon) deviation = push.epsilon;
    float rdev = 1.0 / deviation;
    float shift = (HAS & 2u) != 0u ? affine[push.beta + channel] : 0.0;
    if (INVERT != 0u) { // x * deviation + mean = (x - 0) * deviation + mean
        shift = mean;
        mean = 0.0;
        rdev = deviation;
    }
    set(NORM_MEAN, channel, mean);
    set(NORM_RDEV, channel, rdev);
    set(NORM_SCALE, channel, gamma * rdev);
    set(NORM_SHIFT, channel, shift);
    set(NORM_A, channel, gamma * rdev);
    set(NORM_B, channel, 0.0);
    set(NORM_C, channel, 0.0);
}

bool finite(float x) { return (floatBitsToUint(x) & 0x7F800000u) != 0x7F800000u; }

void main() {
    uint channel = row_index();
    bool used = channel < push.channels; // no return: the others wait at barriers
    uint parts = used ? push.parts : 0u;
    uint present = push.sample_rows == 0u ? push.rows : min(push.rows, state.cur.rows * push.sample_rows);
    float count = float(present);
    if (MODE == 1u) {
        if (used && row_lane() == 0u) statistics(channel, moving[push.mean + channel], moving[push.variance + channel]);
        return;
    }
    if (MODE == 0u) {
        float sum = 0.0, squares = 0.0;
        for (uint p = row_lane(); p < parts; p += ROW_LANES)
            sum += float(rows_of(p, present)) * partial(p, 0u, channel);
        float mean = row_sum(sum) / count;
        for (uint p = row_lane(); p < parts; p += ROW_LANES) {
            float d = partial(p, 0u, channel) - mean;
            squares += partial(p, 1u, channel) + float(rows_of(p, present)) * d * d;
        }
        float variance = row_sum(squares) / count;
        if (!used || row_lane() != 0u) return;
        statistics(channel, mean, variance);
        uint m = push.mean + channel, v = push.variance + channel;
        // A batch that is not finite would stay in them for good.
        if (!finite(mean) || !finite(variance)) return;
        moving[m] = moving[m] * push.momentum + mean * (1.0 - push.momentum);
        moving[v] = moving[v] * push.momentum + variance * (1.0 - push.momentum);
        return;
    }
    float db = 0.0, dg = 0.0;
    for (uint p = row_lane(); p < parts; p += ROW_LANES) {
        db += partial(p, 0u, channel);
        dg += partial(p, 1u, channel);
    }
    db = row_sum(db);
    dg = row_sum(dg);
    if (!used || row_lane() != 0u) return;
    if ((HAS & 1u) != 0u) moving[push.dgamma + channel] = dg;
    if ((HAS & 2u) != 0u) dbeta[push.dbeta + channel] = db;
    if (MODE != 2u) return;
    // dx = scale (dy - db / count - (x - mean) rdev dg / count)
    float scale = get(NORM_SCALE, channel), mean = get(NORM_MEAN, channel), rdev = get(NORM_RDEV, channel);
    float b = -scale * rdev * dg / count;
    set(NORM_B, channel, b);
    set(NORM_C, channel, -scale * db / count - b * mean);
}
