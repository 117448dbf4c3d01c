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

// What a submission leaves for the host: the State and the ring.
#define SNAPSHOT_BYTES (GS_STATE_ROWS_OFFSET * sizeof(float))

static gs_status make_buffers(gs__plan *plan, gs__buffer *const *given) {
    gs_status status = GS_OK;
    for (int storage = 0; storage < GS__STORAGE_COUNT; storage++) {
        const uint64_t bytes = plan->graph->storage_bytes[storage];
        if (storage == GS__STORAGE_ROWS || !bytes) continue;
        if (given[storage]) {
            if (gs__buffer_bytes(given[storage]) < bytes)
                return gs__fail(plan->error, GS_ERR_INTERNAL, "%s: %llu bytes given, %llu needed",
                                storage_labels[storage], (unsigned long long)gs__buffer_bytes(given[storage]),
                                (unsigned long long)bytes);
            plan->buffers[storage] = given[storage];
            continue;
        }
        GS_TRY(gs__buffer_create(plan->gpu, GS__MEMORY_DEVICE, (bytes + 255) / 256 * 256, storage_labels[storage],
                                 &plan->buffers[storage]));
        plan->owned[storage] = true;
    }
    for (int parity = 0; parity < GS__PARITIES; parity++)
        GS_TRY(gs__buffer_create(plan->gpu, GS__MEMORY_READBACK, SNAPSHOT_BYTES, "State snapshot",
                                 &plan->snapshot[parity]));
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
    gs__commands_copy(commands, (gs__range){plan->buffers[GS__STORAGE_STATE], 0, SNAPSHOT_BYTES},
                      plan->snapshot[parity], 0);
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
    plan->entries = gs__allocate(error, (1u << (GS__STEP_SIZES - 1)) * GS_RING_SUMS, sizeof(float), "loss entries");
    if (!plan->entries) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(gs__graph_place(plan->graph));
    GS_TRY(make_buffers(plan, params->buffers));
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
    for (int parity = 0; parity < GS__PARITIES; parity++) {
        for (int size = 0; size < GS__STEP_SIZES; size++) gs__commands_destroy(plan->commands[parity][size]);
        gs__buffer_destroy(plan->snapshot[parity]);
    }
    for (int storage = 0; storage < GS__STORAGE_COUNT; storage++)
        if (plan->owned[storage]) gs__buffer_destroy(plan->buffers[storage]);
    free(plan->dispatches);
    free(plan->samples);
    free(plan->entries);
    free(plan);
}

gs_status gs__plan_set_state(gs__plan *plan, const struct gs_state *state) {
    gs_status status = gs__plan_wait(plan);
    if (status != GS_OK) return status;
    plan->expected = *state;
    return gs__buffer_write(plan->buffers[GS__STORAGE_STATE], 0, state, sizeof *state);
}

gs_status gs__plan_get_state(gs__plan *plan, struct gs_state *state) {
    gs_status status = gs__plan_wait(plan);
    if (status != GS_OK) return status;
    return gs__buffer_read(plan->buffers[GS__STORAGE_STATE], 0, state, sizeof *state);
}

// Bytes of a value, checked against what the caller holds.
static gs_status find_value(gs__plan *plan, gs__value value, uint64_t bytes, gs__buffer **buffer, uint64_t *offset) {
    const gs__value_info *info = &plan->graph->values[value];
    uint64_t count = 0;
    gs__shape_count(&info->shape, &count);
    *buffer = gs__plan_buffer(plan, info->storage);
    *offset = info->offset;
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
