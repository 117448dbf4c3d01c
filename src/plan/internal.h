// Shared by record.c and plan.c.
#ifndef GS_PLAN_INTERNAL_H
#define GS_PLAN_INTERNAL_H

#include "plan/plan.h"
#include "plan/record.h"
#include "plan/tune.h"
#include "state.h"

enum {
    GS__PARITIES = 2,        // submissions in flight
    GS__STEP_SIZES = 10,     // a submission holds 1, 2, 4 .. 512 steps
    GS__TIMING_SAMPLES = 512 // kept for each dispatch of a profile
};

// Bytes touched since the last barrier.
struct gs__access {
    const gs__buffer *buffer;
    uint64_t begin, end;
    bool write;
};

struct gs__recorder {
    gs__plan *plan;
    gs__commands *commands; // NULL: only looks what kernels the step needs
    const gs__node *node;   // being recorded
    struct gs__access *accesses;
    uint32_t access_count, access_capacity;
    uint32_t dispatch_count;
    bool barrier;        // before the dispatch that is being recorded
    bool describe;       // fill plan->dispatches
    gs__kernel *kernels; // without commands: one for each dispatch
    uint32_t kernel_count, kernel_capacity;
    gs__tuning *tunings; // likewise: choices that are worth to be measured
    uint32_t tuning_count, tuning_capacity;
};

struct gs__submission {
    gs__commands *commands;
    uint32_t steps, parity;
    uint64_t submit_ns;
};

struct gs__plan {
    gs__error *error;
    gs__gpu *gpu;
    gs__graph *graph;
    gs__buffer *buffers[GS__STORAGE_COUNT]; // ROWS lie in STATE
    uint64_t base[GS__STORAGE_COUNT];       // where each begins in its buffer
    gs__buffer *owned[GS__STORAGE_COUNT];   // the arena alone, or one for each storage
    gs__buffer *snapshots;                  // State and ring after a submission of each parity, host-readable
    gs__commands *commands[GS__PARITIES][GS__STEP_SIZES];
    struct gs__submission pending[GS__PARITIES]; // in order of submission
    uint32_t pending_count, next_parity;
    uint32_t steps_per_submission; // a power of two
    uint64_t last_done_ns;
    struct gs_state expected; // after everything that has finished
    struct gs_state fed;      // after everything that was submitted; kept only with `feed`
    gs_status (*feed)(void *user, const struct gs_state *state);
    void *feed_user;
    uint32_t max_steps; // of a submission
    float *entries;     // of the last advance
    bool profile;
    gs__plan_dispatch *dispatches; // of a step
    uint32_t dispatch_count, dispatch_capacity;
    double *samples; // profile: (dispatches, GS__TIMING_SAMPLES)
    uint32_t sample_count;
};

// What a submission leaves for the host: the State and the ring.
#define GS__SNAPSHOT_BYTES (GS_STATE_ROWS_OFFSET * sizeof(float))

// Submits 2^size steps, recorded at their first use. Nothing of that parity may be in flight.
gs_status gs__plan_submit(gs__plan *plan, uint32_t parity, uint32_t size);

// Compiles the kernels of a step, on several threads, and measures what can be chosen.
gs_status gs__record_kernels(gs__plan *plan);

// Records `steps` copies of the step into an open command buffer.
gs_status gs__record_steps(gs__plan *plan, gs__commands *commands, uint32_t steps, bool describe);

#endif
