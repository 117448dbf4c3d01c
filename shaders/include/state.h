// The device State: everything that varies from step to step, so that a recorded command buffer can be replayed
// unchanged. Included by C and by GLSL. 32-bit scalars only: std140, std430 and C agree on the layout.
//
// Life of a step: the first dispatch (gather) reads `next` and copies it to `cur`; every other kernel reads `cur`;
// the last dispatch (an optimizer, or tick) writes the step's sums to the ring and `next` = the position after `cur`.
// So no kernel reads what a workgroup beside it writes.
#ifndef GS_STATE_H
#define GS_STATE_H

#ifdef __STDC_VERSION__
#include <stdint.h>
#define GS_STATE_UINT         uint32_t
#define GS_STATE_STRUCT(name) struct name
#else
#define GS_STATE_UINT         uint
#define GS_STATE_STRUCT(name) name
#endif

// Where training stands. 16 words.
struct gs_position {
    GS_STATE_UINT step_lo, step_hi; // steps finished
    GS_STATE_UINT epoch;            // key of the shuffle
    GS_STATE_UINT begin;            // rows of this epoch already used
    GS_STATE_UINT rows;             // rows of this step: batch, or what is left at the epoch's end
    GS_STATE_UINT token;            // canary: each step makes it mix32(token ^ mix32(step_lo + 0x9E3779B9))
    float learning_rate;
    float beta1_gap; // 1 - beta1^t, t = step + 1
    float beta2_gap; // 1 - beta2^t
    GS_STATE_UINT unused0, unused1, unused2, unused3, unused4, unused5, unused6;
};

// Set by the host before a run. 32 words.
struct gs_settings {
    GS_STATE_UINT seed_lo, seed_hi;
    GS_STATE_UINT data_begin; // first sample
    GS_STATE_UINT data_count; // samples of an epoch
    GS_STATE_UINT batch;      // rows of a full step
    GS_STATE_UINT shuffle;    // 0: in order
    // 0: samples and targets are the data set. Else a power of two: they are a ring of so many steps, where the host has
    // put the rows of step s in order, from row (s % stream) * batch on.
    GS_STATE_UINT stream;
    GS_STATE_UINT unused0;
    float learning_rate;
    float beta1, beta1_rest; // rest = 1 - beta, rounded once from double
    float beta2, beta2_rest; // RMSprop: rho
    float epsilon;
    float weight_decay;
    float momentum;
    GS_STATE_UINT unused1, unused2, unused3, unused4, unused5, unused6, unused7, unused8;
    GS_STATE_UINT unused9, unused10, unused11, unused12, unused13, unused14, unused15, unused16;
};

// A ring entry: what a step leaves for the host. 8 floats.
//   sum[0] loss over the rows, sum[1] penalties (a total, not over rows), sum[2..6] metrics over the rows, sum[7] rows
#define GS_RING_SUMS    8
#define GS_RING_ENTRIES 4096 // a power of two; no more steps than this in flight

// Bytes 0..255 of the State buffer; then the ring; then the per-row values that losses and metrics write.
#define GS_STATE_RING_OFFSET 64                                    // words
#define GS_STATE_ROWS_OFFSET (64 + GS_RING_ENTRIES * GS_RING_SUMS) // words
struct gs_state {
    GS_STATE_STRUCT(gs_position) next;
    GS_STATE_STRUCT(gs_position) cur;
    GS_STATE_STRUCT(gs_settings) set;
};

#endif
