// The end of a step, done by one workgroup of its last kernel: adds up what losses and metrics left in the row slots,
// writes the sums as an entry of the ring, and sets State.next to the position after State.cur (src/plan/tick.c is the
// twin of that part).
//
// Before it is included: the workgroup size (8 times a power of two invocations in x) and TICK_BINDING, the storage
// buffer that holds the State buffer whole. The push-constant block has the members that TICK_PUSH names.
// TICK_STEP(lane) is called in uniform control flow by all invocations of one workgroup; `lane` is theirs in it.
#ifndef GS_TICK_GLSL
#define GS_TICK_GLSL
#include "schedule.h"
#include "shuffle.glsl"
#include "state.h"

// tick_sum0 .. 6: first slot | number of slots << 16; values: GS__TICK_PUSH in src/plan/tick.h.
#define TICK_PUSH                                                                                             \
    uint tick_row_stride;                                                                                     \
    uint tick_sum0;                                                                                           \
    uint tick_sum1;                                                                                           \
    uint tick_sum2;                                                                                           \
    uint tick_sum3;                                                                                           \
    uint tick_sum4;                                                                                           \
    uint tick_sum5;                                                                                           \
    uint tick_sum6;

layout(set = 0, binding = TICK_BINDING, std430) buffer TICK_BUFFER {
    gs_state tick_state;
    float tick_words[]; // from GS_STATE_RING_OFFSET: the ring, then the row slots
};

// Invocations that add up one sum. One (a CPU driver's kernels): nothing is shared, nothing waits.
const uint TICK_LANES = gl_WorkGroupSize.x / 8u;
shared float tick_part[gl_WorkGroupSize.x];

// Lane k of a sum takes the values k, k + TICK_LANES, ... Four loads at a time are in flight.
float tick_add(uint first, uint count, uint k) {
    vec4 sum = vec4(0.0);
    for (uint i = k; i < count; i += 4u * TICK_LANES) {
        uvec4 at = i + uvec4(0u, 1u, 2u, 3u) * TICK_LANES;
        for (int j = 0; j < 4; j++) {
            float value = tick_words[first + min(at[j], count - 1u)];
            sum[j] += at[j] < count ? value : 0.0;
        }
    }
    return (sum.x + sum.y) + (sum.z + sum.w);
}

// The step was an update.
void tick_updated(inout gs_position p) {
    // 1 - beta (1 - gap), such that a rounded beta does no harm. No fused multiply-add: the host predicts the very bits.
    precise float next1 = p.beta1_gap + tick_state.set.beta1_rest * (1.0 - p.beta1_gap);
    precise float next2 = p.beta2_gap + tick_state.set.beta2_rest * (1.0 - p.beta2_gap);
    p.beta1_gap = next1;
    p.beta2_gap = next2;
    p.updates++;
    precise float decay = p.nadam_decay * 0.96;
    precise float factor = 0.5 * decay;
    factor = 1.0 - factor;
    factor = factor * tick_state.set.beta1;
    factor = factor * p.nadam_product;
    p.nadam_decay = decay;
    p.nadam_product = factor;
}

// As Keras's LossScaleOptimizer: doubled after so many good steps, halved after a bad one.
void tick_loss_scale(inout gs_position p) {
    if (tick_state.set.loss_scale_growth != 0u) {
        p.good_steps = p.skip != 0u ? 0u : p.good_steps + 1u;
        if (p.skip != 0u) p.loss_scale_log2 = max(p.loss_scale_log2 - 1, -GS_LOSS_SCALE_LIMIT);
        else if (p.good_steps >= tick_state.set.loss_scale_growth) {
            p.loss_scale_log2 = min(p.loss_scale_log2 + 1, GS_LOSS_SCALE_LIMIT);
            p.good_steps = 0u;
        }
    }
    p.skip = 0u;
}

void tick_next() {
    gs_position p = tick_state.cur;
    uint data_count = tick_state.set.data_count;
    p.token = mix32(p.token ^ mix32(p.step_lo + 0x9E3779B9u));
    p.step_lo++;
    if (p.step_lo == 0u) p.step_hi++;
    p.begin += p.rows;
    if (p.begin >= data_count) {
        p.begin = 0u;
        p.epoch++;
    }
    p.rows = min(tick_state.set.batch, data_count - p.begin);
    p.learning_rate = tick_state.set.learning_rate;
    uint step = p.step_hi != 0u ? 0xFFFFFFFFu : p.step_lo;
    for (uint i = tick_state.set.segments; i-- > 0u;) {
        if (step < tick_state.schedule[i].begin) continue;
        p.learning_rate = gs_segment_rate(tick_state.schedule[i], step);
        break;
    }
    uint steps = max(tick_state.set.accumulate, 1u);
    if (steps == 1u ? p.skip == 0u : p.step_lo % steps == 0u) tick_updated(p);
    tick_loss_scale(p);
    tick_state.next = p;
}

void tick_step(uint lane, uint row_stride, uint sums[7]) {
    uint s = lane / TICK_LANES, k = lane % TICK_LANES;
    uint slots = 0u;
    for (uint i = 0u; i < 7u; i++) slots = s == i ? sums[i] : slots;
    uint rows = GS_STATE_ROWS_OFFSET - GS_STATE_RING_OFFSET;
    float sum = tick_add(rows + (slots & 0xFFFFu) * row_stride, (slots >> 16) * row_stride, k);
    if (TICK_LANES > 1u) {
        tick_part[lane] = sum;
        for (uint width = TICK_LANES / 2u; width > 0u; width /= 2u) {
            barrier();
            if (k < width) tick_part[lane] += tick_part[lane + width];
        }
        sum = tick_part[lane];
    }
    if (k == 0u) {
        uint entry = tick_state.cur.step_lo % GS_RING_ENTRIES * GS_RING_SUMS;
        float rows_done = float(tick_state.cur.rows);
        tick_words[entry + s] = s < 7u ? sum : tick_state.cur.skip != 0u ? -rows_done : rows_done;
    }
    if (lane == 0u) tick_next();
}

#define TICK_STEP(lane)                                                                                       \
    tick_step(lane, push.tick_row_stride,                                                                     \
              uint[7](push.tick_sum0, push.tick_sum1, push.tick_sum2, push.tick_sum3, push.tick_sum4,         \
                      push.tick_sum5, push.tick_sum6))

#endif
