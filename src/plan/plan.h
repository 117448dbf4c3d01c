// A plan: a graph placed in memory and recorded once as command buffers, then replayed.
#ifndef GS_PLAN_PLAN_H
#define GS_PLAN_PLAN_H

#include "gpu/gpu.h"
#include "plan/graph.h"
#include "plan/record.h"

typedef struct gs__plan gs__plan;
struct gs_state;

typedef struct gs__plan_params {
    gs__gpu *gpu;
    gs__graph *graph; // pruned; borrowed until gs__plan_destroy
    // Memory that outlives the plan, borrowed: PARAMETER, SLOTS, SAMPLES, TARGETS. At least as large as the
    // graph needs (graph->storage_bytes), from `offsets` on: multiples of caps.offset_align. NULL: the plan makes its
    // own, zeroed.
    gs__buffer *buffers[GS__STORAGE_COUNT];
    uint64_t offsets[GS__STORAGE_COUNT];
    bool profile; // timestamps around every dispatch; one step a submission
    // Where not NULL: called for every step before it is submitted, with the State that it starts from (`next`). At
    // most 2 * max_steps steps are then in flight, each submission having max_steps, a power of two, at most.
    gs_status (*feed)(void *user, const struct gs_state *state);
    void *feed_user;
    uint32_t max_steps; // 0: no limit of its own
} gs__plan_params;

// Places, allocates, records one step, checks it. Takes two allocations: one arena for every storage that is not given
// (one buffer for each where no single one may be that large), and one that the host reads. The State's settings are zero until gs__plan_set_state.
gs_status gs__plan_create(gs__error *error, const gs__plan_params *params, gs__plan **plan);
void gs__plan_destroy(gs__plan *plan); // waits for what is in flight

// The State, read or written while nothing is in flight.
gs_status gs__plan_set_state(gs__plan *plan, const struct gs_state *state);
gs_status gs__plan_get_state(gs__plan *plan, struct gs_state *state);

// Where a run of steps stands. Zero-initialise, set `steps`.
typedef struct gs__run {
    uint64_t steps;               // to do
    uint64_t submitted, finished; // so far
    // Ring entries of the steps that the last gs__plan_advance finished: 8 floats each (state.h). Owned by
    // the plan, valid until the next call on it.
    const float *entries;
    uint32_t entry_count;
    // Where above 0: a submission ends when so many steps are submitted, and `at_mark` is called behind it.
    uint64_t mark;
    gs_status (*at_mark)(void *user, struct gs__run *run); // may set the next one
    void *user;
} gs__run;

// Keeps at most two submissions of 5 to 50 ms in flight, waits for the older one. Call until finished ==
// steps. To stop early, set steps = submitted and go on until finished == steps. GS_ERR_DEVICE when the
// canary shows that the driver dropped work.
gs_status gs__plan_advance(gs__plan *plan, gs__run *run);

// Waits for everything in flight.
gs_status gs__plan_wait(gs__plan *plan);

// Copies a value's elements to or from host memory; nothing may be in flight. Bytes are those of the value.
gs_status gs__plan_read(gs__plan *plan, gs__value value, void *data, uint64_t bytes);
gs_status gs__plan_write(gs__plan *plan, gs__value value, const void *data, uint64_t bytes);

// Records `steps` steps into a command buffer that is open, for measurements: the plan's own count of steps does not
// follow. Borrowed: the plan must outlive the recording.
gs_status gs__plan_record(gs__plan *plan, gs__commands *commands, uint32_t steps);

uint32_t gs__plan_dispatch_count(const gs__plan *plan); // of a step
uint64_t gs__plan_bytes(const gs__plan *plan, gs__storage storage);
// Bytes that activations take after their memory is shared. Needs no device: summary prints it.
gs_status gs__plan_activation_bytes(gs__graph *graph, uint64_t *bytes);

// Profile: dispatch i of the step. ns: median over the steps run so far.
typedef struct gs__plan_timing {
    const char *layer, *op; // borrowed until the plan dies; layer may be NULL
    gs__pass pass;
    double median_ns;
    uint64_t bytes; // of the tensors bound
} gs__plan_timing;
gs_status gs__plan_get_timing(gs__plan *plan, uint32_t dispatch, gs__plan_timing *timing);

// A dispatch as it was recorded. Borrowed until the plan dies.
typedef struct gs__plan_tensor {
    gs__value value;        // 0: the State, ring and rows included
    uint32_t access;        // GS__READ | GS__WRITE
    uint64_t offset, bytes; // of the part that is bound, in its storage
} gs__plan_tensor;
typedef struct gs__plan_dispatch {
    const char *layer, *op, *kernel; // layer may be NULL
    gs__pass pass;
    bool barrier; // stands before it
    uint32_t groups[3];
    uint64_t bytes; // of the tensors
    gs__plan_tensor tensors[GS__MAX_TENSORS_PER_DISPATCH + 1];
    uint32_t tensor_count;
} gs__plan_dispatch;
const gs__plan_dispatch *gs__plan_get_dispatch(const gs__plan *plan, uint32_t index);

// The memory of a storage: its buffer (NULL: none), and where it begins in it.
gs__buffer *gs__plan_memory(const gs__plan *plan, gs__storage storage, uint64_t *offset);
uint64_t gs__plan_readback_bytes(const gs__plan *plan);

#endif
