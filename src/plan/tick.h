// The end of a step. The last kernel (an optimizer, or the op "tick") adds up the per-row values that losses
// and metrics left in storage ROWS, writes them as an entry of the ring, and moves State.next one step on.
// The GLSL half is shaders/include/tick.glsl.
#ifndef GS_PLAN_TICK_H
#define GS_PLAN_TICK_H

#include <stdint.h>

struct gs_state;

enum { GS__TICK_SUMS = 7 };

// Part of the attributes of every optimizer, and of "tick".
// Slot s of storage ROWS holds graph->batch floats, written by one output of one loss or metric; values of
// rows beyond State.cur.rows are zero. sum[i] of the ring adds up all values of slots first[i] .. first[i] +
// count[i] - 1: i = 0 the loss, 1 the penalties, 2 .. metrics.
typedef struct gs__tick {
    uint32_t row_stride; // = graph->batch
    uint16_t first[GS__TICK_SUMS], count[GS__TICK_SUMS];
    uint32_t accumulates; // 1: of an optimizer: only every State.set.accumulate-th step updates anything
} gs__tick;

// Values of TICK_PUSH in a kernel's push constants: member i is first | count << 16.
#define GS__TICK_PUSH(push, tick)                                                                                      \
    ((push).tick_row_stride = (tick)->row_stride, (push).tick_sum0 = gs__tick_word(tick, 0),                           \
     (push).tick_sum1 = gs__tick_word(tick, 1), (push).tick_sum2 = gs__tick_word(tick, 2),                             \
     (push).tick_sum3 = gs__tick_word(tick, 3), (push).tick_sum4 = gs__tick_word(tick, 4),                             \
     (push).tick_sum5 = gs__tick_word(tick, 5), (push).tick_sum6 = gs__tick_word(tick, 6))

static inline uint32_t gs__tick_word(const gs__tick *tick, uint32_t i) {
    return tick->first[i] | (uint32_t)tick->count[i] << 16;
}

// Puts `next`, and `cur` with it, to the start of a training by the settings: step 0, epoch 0, its first rows.
void gs__state_start(struct gs_state *state);

// What a step does to the State, to the bit: cur = next, as gather does; next = the position after it, as tick.glsl does.
// Whether a step is skipped only the device finds out: the host's loss scale and beta gaps are those of good steps. (With
// skip set in `next`: as if the device had set it in `cur`.)
void gs__tick_next(struct gs_state *state);

#endif
