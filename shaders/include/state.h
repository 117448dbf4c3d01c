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
#define GS_STATE_INT          int32_t
#define GS_STATE_STRUCT(name) struct name
#else
#define GS_STATE_UINT         uint
#define GS_STATE_INT          int
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
    // Updates finished: steps, or fewer where gradients are accumulated. t above is updates + 1.
    GS_STATE_UINT updates;
    float nadam_decay;   // Nadam (Dozat 2016): 0.96^t
    float nadam_product; // u_1 ... u_t, where u_t = beta1 (1 - 0.96^t / 2)
    // mixed_float16: gradients are multiplied by 2^loss_scale_log2 before they are rounded.
    GS_STATE_INT loss_scale_log2;
    GS_STATE_UINT good_steps; // since that changed
    // 1, in `cur` only: a gradient is not finite. The step updates nothing; where steps accumulate, it adds nothing.
    GS_STATE_UINT skip;
    GS_STATE_UINT unused0;
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
    GS_STATE_UINT accumulate; // steps whose gradients make one update; 0: 1
    float learning_rate;      // where there is no schedule
    float beta1, beta1_rest;  // rest = 1 - beta, rounded once from double
    float beta2, beta2_rest;  // RMSprop: rho
    float epsilon;
    float weight_decay;
    float momentum;
    float clip; // bound of the gradients' norm, or of each gradient
    float ema_momentum;
    GS_STATE_UINT ema_overwrite; // each so many updates the weights become their average; 0: never
    // Adafactor
    float epsilon2;                  // of the weights' root mean square
    float beta2_decay;               // beta2_t = 1 - t^beta2_decay
    float clip_threshold;            // of the update's root mean square
    GS_STATE_UINT segments;          // of the schedule; 0: learning_rate
    GS_STATE_INT loss_scale_log2;    // at the start of a training
    GS_STATE_UINT loss_scale_growth; // good steps until it doubles; 0: it stays
    GS_STATE_UINT unused0, unused1, unused2, unused3, unused4, unused5, unused6;
};

// A part of a learning rate schedule, from step `begin` on, up to where the next one begins. schedule.h says what each
// kind makes of it. 8 words.
#define GS_SEGMENT_CONSTANT    0u
#define GS_SEGMENT_POLYNOMIAL  1u
#define GS_SEGMENT_EXPONENTIAL 2u
#define GS_SEGMENT_INVERSE     3u
#define GS_SEGMENT_COSINE      4u
#define GS_SEGMENT_RESTARTS    5u
#define GS_SEGMENT_STAIRCASE   16u // added to EXPONENTIAL, INVERSE: whole lengths only
#define GS_SEGMENT_CYCLE       32u // added to POLYNOMIAL: begins again after its length, which grows
struct gs_segment {
    GS_STATE_UINT begin; // step
    GS_STATE_UINT steps;
    GS_STATE_UINT kind;
    float from, to; // learning rates
    float inverse_steps;
    float p, q;
};

#define GS_LOSS_SCALE_LIMIT 60 // of the size of loss_scale_log2

// A ring entry: what a step leaves for the host. 8 floats.
//   sum[0] loss over the rows, sum[1] penalties (a total, not over rows), sum[2..6] metrics over the rows, sum[7] rows,
//   negative where the step was skipped
#define GS_RING_SUMS    8
#define GS_RING_ENTRIES 4096 // a power of two; no more steps than this in flight

// The State buffer: gs_state, then the ring, then the per-row values that losses and metrics write.
#define GS_MAX_SEGMENTS      16
#define GS_STATE_RING_OFFSET 192                                                     // words
#define GS_STATE_ROWS_OFFSET (GS_STATE_RING_OFFSET + GS_RING_ENTRIES * GS_RING_SUMS) // words
struct gs_state {
    GS_STATE_STRUCT(gs_position) next;
    GS_STATE_STRUCT(gs_position) cur;
    GS_STATE_STRUCT(gs_settings) set;
    GS_STATE_STRUCT(gs_segment) schedule[GS_MAX_SEGMENTS]; // in order of their beginnings, the first at step 0
};

#endif
