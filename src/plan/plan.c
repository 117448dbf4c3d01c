#include "plan/plan.h"

#include "base/memory.h"
#include "plan/internal.h"
#include "plan/place.h"
#include "plan/tick.h"
#include "tensor/shape.h"

#include <stdlib.h>
#include <string.h>

static const char *const storage_labels[GS__STORAGE_COUNT] = {
    [GS__STORAGE_ACTIVATION] = "activations",
    [GS__STORAGE_PARAMETER] = "parameters",
    [GS__STORAGE_GRADIENT] = "gradients",
    [GS__STORAGE_SLOTS] = "optimizer state",
    [GS__STORAGE_SAMPLES] = "samples",
    [GS__STORAGE_TARGETS] = "targets",
    [GS__STORAGE_ROWS] = "rows",
    [GS__STORAGE_STATE] = "State",
};

static gs_status take_given(gs__plan *plan, const gs__plan_params *params, int storage) {
    const uint64_t bytes = plan->graph->storage_bytes[storage], offset = params->offsets[storage];
    gs__buffer *buffer = plan->buffers[storage] = params->buffers[storage];
    plan->base[storage] = offset;
    if (offset <= gs__buffer_bytes(buffer) && bytes <= gs__buffer_bytes(buffer) - offset) return GS_OK;
    return gs__fail(plan->error, GS_ERR_INTERNAL, "%s: %llu bytes at %llu needed, %llu given", storage_labels[storage],
                    (unsigned long long)bytes, (unsigned long long)offset,
                    (unsigned long long)gs__buffer_bytes(buffer));
}

// One arena for all that is not given: few allocations, and windows of one buffer.
static gs_status make_arena(gs__plan *plan, const bool *own) {
    const gs__gpu_caps *caps = gs__gpu_get_caps(plan->gpu);
    const uint64_t align = caps->offset_align;
    gs_status status = GS_OK;
    uint64_t total = 0;
    for (int storage = 0; storage < GS__STORAGE_COUNT; storage++) {
        if (!own[storage]) continue;
        plan->base[storage] = total;
        total += (plan->graph->storage_bytes[storage] + align - 1) / align * align;
    }
    const bool one = total <= caps->max_buffer_bytes;
    gs__buffer *arena = NULL;
    if (one) {
        GS_TRY(gs__buffer_create(plan->gpu, GS__MEMORY_DEVICE, total,
                                 plan->graph->training ? "activations and gradients" : "activations", &arena));
        plan->owned[0] = arena;
    }
    for (int storage = 0; storage < GS__STORAGE_COUNT; storage++) {
        if (!own[storage]) continue;
        plan->buffers[storage] = arena;
        if (one) continue;
        plan->base[storage] = 0;
        GS_TRY(gs__buffer_create(plan->gpu, GS__MEMORY_DEVICE,
                                 (plan->graph->storage_bytes[storage] + align - 1) / align * align,
                                 storage_labels[storage], &plan->owned[storage]));
        plan->buffers[storage] = plan->owned[storage];
    }
fail:
    return status;
}

static gs_status make_buffers(gs__plan *plan, const gs__plan_params *params) {
    gs_status status = GS_OK;
    bool own[GS__STORAGE_COUNT] = {0};
    for (int storage = 0; storage < GS__STORAGE_COUNT; storage++) {
        if (storage == GS__STORAGE_ROWS || !plan->graph->storage_bytes[storage]) continue;
        if (params->buffers[storage]) GS_TRY(take_given(plan, params, storage));
        else own[storage] = true;
    }
    GS_TRY(make_arena(plan, own));
    plan->buffers[GS__STORAGE_ROWS] = plan->buffers[GS__STORAGE_STATE];
    plan->base[GS__STORAGE_ROWS] = plan->base[GS__STORAGE_STATE];
    GS_TRY(gs__buffer_create(plan->gpu, GS__MEMORY_READBACK, GS__PARITIES * GS__SNAPSHOT_BYTES, "State snapshots",
                             &plan->snapshots));
fail:
    return status;
}

// Records 2^size steps and the snapshot behind them.
static gs_status record(gs__plan *plan, uint32_t parity, uint32_t size, bool describe) {
    gs_status status = GS_OK;
    gs__commands *commands = NULL;
    const bool timed = plan->profile && !describe;
    GS_TRY(gs__commands_create(plan->gpu, timed ? 2 * plan->dispatch_count : 0, &commands));
    GS_TRY(gs__commands_begin(commands));
    GS_TRY(gs__record_steps(plan, commands, 1u << size, describe));
    gs__commands_barrier(commands, false);
    gs__commands_copy(commands,
                      (gs__range){plan->buffers[GS__STORAGE_STATE], plan->base[GS__STORAGE_STATE], GS__SNAPSHOT_BYTES},
                      plan->snapshots, parity * GS__SNAPSHOT_BYTES);
    gs__commands_barrier(commands, true);
    GS_TRY(gs__commands_end(commands));
    plan->commands[parity][size] = commands;
    return GS_OK;
fail:
    gs__commands_destroy(commands);
    return status;
}

gs_status gs__plan_create(gs__error *error, const gs__plan_params *params, gs__plan **out) {
    gs_status status = GS_OK;
    *out = NULL;
    gs__plan *plan = gs__allocate(error, 1, sizeof *plan, "a plan");
    if (!plan) return GS_ERR_MEMORY;
    *plan = (gs__plan){.error = error, .gpu = params->gpu, .graph = params->graph, .profile = params->profile};
    plan->steps_per_submission = 1;
    plan->feed = params->feed;
    plan->feed_user = params->feed_user;
    plan->max_steps = 1u << (GS__STEP_SIZES - 1);
    if (params->max_steps && params->max_steps < plan->max_steps) plan->max_steps = params->max_steps;
    plan->entries = gs__allocate(error, (1u << (GS__STEP_SIZES - 1)) * GS_RING_SUMS, sizeof(float), "loss entries");
    if (!plan->entries) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(gs__graph_add_scratch(plan->graph, gs__gpu_get_caps(plan->gpu)));
    GS_TRY(gs__graph_place(plan->graph));
    GS_TRY(make_buffers(plan, params));
    GS_TRY(gs__record_kernels(plan));
    GS_TRY(record(plan, 0, 0, true));
    if (plan->profile) {
        gs__commands_destroy(plan->commands[0][0]);
        plan->commands[0][0] = NULL;
        plan->samples =
            gs__allocate(error, (uint64_t)plan->dispatch_count * GS__TIMING_SAMPLES, sizeof(double), "profile samples");
        if (!plan->samples) {
            status = GS_ERR_MEMORY;
            goto fail;
        }
    }
    *out = plan;
    return GS_OK;
fail:
    gs__plan_destroy(plan);
    return status;
}

void gs__plan_destroy(gs__plan *plan) {
    if (!plan) return;
    for (int parity = 0; parity < GS__PARITIES; parity++)
        for (int size = 0; size < GS__STEP_SIZES; size++) gs__commands_destroy(plan->commands[parity][size]);
    gs__buffer_destroy(plan->snapshots);
    for (int storage = 0; storage < GS__STORAGE_COUNT; storage++) gs__buffer_destroy(plan->owned[storage]);
    free(plan->dispatches);
    free(plan->samples);
    free(plan->entries);
    free(plan);
}

gs_status gs__plan_set_state(gs__plan *plan, const struct gs_state *state) {
    gs_status status = gs__plan_wait(plan);
    if (status != GS_OK) return status;
    plan->expected = plan->fed = *state;
    return gs__buffer_write(plan->buffers[GS__STORAGE_STATE], plan->base[GS__STORAGE_STATE], state, sizeof *state);
}

gs_status gs__plan_get_state(gs__plan *plan, struct gs_state *state) {
    gs_status status = gs__plan_wait(plan);
    if (status != GS_OK) return status;
    return gs__buffer_read(plan->buffers[GS__STORAGE_STATE], plan->base[GS__STORAGE_STATE], state, sizeof *state);
}

// Bytes of a value, checked against what the caller holds.
static gs_status find_value(gs__plan *plan, gs__value value, uint64_t bytes, gs__buffer **buffer, uint64_t *offset) {
    const gs__value_info *info = &plan->graph->values[value];
    uint64_t count = 0;
    gs__shape_count(&info->shape, &count);
    *buffer = plan->buffers[info->storage];
    *offset = plan->base[info->storage] + info->offset;
    if (bytes == count * gs__dtype_bytes(info->dtype) && *buffer) return gs__plan_wait(plan);
    return gs__fail(plan->error, GS_ERR_INTERNAL, "a tensor of %llu bytes, not %llu",
                    (unsigned long long)(count * gs__dtype_bytes(info->dtype)), (unsigned long long)bytes);
}

gs_status gs__plan_read(gs__plan *plan, gs__value value, void *data, uint64_t bytes) {
    gs__buffer *buffer;
    uint64_t offset;
    gs_status status = find_value(plan, value, bytes, &buffer, &offset);
    return status == GS_OK ? gs__buffer_read(buffer, offset, data, bytes) : status;
}

gs_status gs__plan_write(gs__plan *plan, gs__value value, const void *data, uint64_t bytes) {
    gs__buffer *buffer;
    uint64_t offset;
    gs_status status = find_value(plan, value, bytes, &buffer, &offset);
    return status == GS_OK ? gs__buffer_write(buffer, offset, data, bytes) : status;
}

gs_status gs__plan_record(gs__plan *plan, gs__commands *commands, uint32_t steps) {
    return gs__record_steps(plan, commands, steps, false);
}

uint32_t gs__plan_dispatch_count(const gs__plan *plan) {
    return plan->dispatch_count;
}

const gs__plan_dispatch *gs__plan_get_dispatch(const gs__plan *plan, uint32_t index) {
    return &plan->dispatches[index];
}

gs__buffer *gs__plan_memory(const gs__plan *plan, gs__storage storage, uint64_t *offset) {
    *offset = plan->base[storage];
    return plan->buffers[storage];
}

uint64_t gs__plan_readback_bytes(const gs__plan *plan) {
    return gs__buffer_bytes(plan->snapshots);
}

uint64_t gs__plan_bytes(const gs__plan *plan, gs__storage storage) {
    return plan->graph->storage_bytes[storage];
}

gs_status gs__plan_submit(gs__plan *plan, uint32_t parity, uint32_t size) {
    if (!plan->commands[parity][size]) {
        gs_status status = record(plan, parity, size, false);
        if (status != GS_OK) return status;
    }
    return gs__commands_submit(plan->commands[parity][size]);
}
