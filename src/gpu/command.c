#include "gpu/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COMPUTE, TRANSFER }; // indices of gs__commands.unsynced and .pending

static const VkPipelineStageFlags stages[] = {VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT};

gs_status gs__commands_create(gs__gpu *gpu, uint32_t timestamp_count, gs__commands **result) {
    gs_status status = GS_OK;
    *result = NULL;
    if (timestamp_count && !gpu->caps.timestamps)
        return gs__fail(gpu->error, GS_ERR_UNSUPPORTED, "%.64s has no timestamps", gpu->caps.info.name);
    gs__commands *commands = calloc(1, sizeof *commands);
    if (!commands) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: commands");
    commands->gpu = gpu;
    commands->timestamp_count = timestamp_count;
    commands->next = gpu->commands;
    if (gpu->commands) gpu->commands->previous = commands;
    gpu->commands = commands;

    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .queueFamilyIndex = gpu->queue_family,
    };
    VK_TRY(gpu, gpu->vk.vkCreateCommandPool(gpu->device, &pool, NULL, &commands->pool));
    VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = commands->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VK_TRY(gpu, gpu->vk.vkAllocateCommandBuffers(gpu->device, &allocate, &commands->handle));
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VK_TRY(gpu, gpu->vk.vkCreateFence(gpu->device, &fence, NULL, &commands->fence));
    if (timestamp_count) {
        VkQueryPoolCreateInfo queries = {
            .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
            .queryType = VK_QUERY_TYPE_TIMESTAMP,
            .queryCount = timestamp_count,
        };
        VK_TRY(gpu, gpu->vk.vkCreateQueryPool(gpu->device, &queries, NULL, &commands->queries));
        commands->stamped = calloc((timestamp_count + 31) / 32, sizeof *commands->stamped);
        if (!commands->stamped) GS_TRY(gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: timestamps"));
    }
    *result = commands;
    return GS_OK;
fail:
    gs__commands_destroy(commands);
    return status;
}

void gs__commands_destroy(gs__commands *commands) {
    if (!commands) return;
    gs__gpu *gpu = commands->gpu;
    if (commands->in_flight) gs__commands_wait(commands);
    if (commands->previous) commands->previous->next = commands->next;
    else gpu->commands = commands->next;
    if (commands->next) commands->next->previous = commands->previous;
    gs__descriptor_destroy(commands);
    gpu->vk.vkDestroyQueryPool(gpu->device, commands->queries, NULL);
    gpu->vk.vkDestroyFence(gpu->device, commands->fence, NULL);
    gpu->vk.vkDestroyCommandPool(gpu->device, commands->pool, NULL);
    free(commands->stamped);
    free(commands);
}

gs_status gs__commands_begin(gs__commands *commands) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    GS_TRY(gs__commands_wait(commands));
    commands->recording = commands->recorded = false;
    commands->status = GS_OK;
    gs__descriptor_reset(commands);
    VK_TRY(gpu, gpu->vk.vkResetCommandPool(gpu->device, commands->pool, 0));
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    VK_TRY(gpu, gpu->vk.vkBeginCommandBuffer(commands->handle, &begin));
    if (commands->queries) {
        gpu->vk.vkCmdResetQueryPool(commands->handle, commands->queries, 0, commands->timestamp_count);
        memset(commands->stamped, 0, (commands->timestamp_count + 31) / 32 * sizeof *commands->stamped);
    }
    // Earlier submissions count as recorded before: see gs__commands_begin in gpu.h.
    for (int i = 0; i < 2; i++) {
        commands->unsynced[i] = stages[COMPUTE] | stages[TRANSFER];
        commands->pending[i] = true;
    }
    commands->bound_pipeline = VK_NULL_HANDLE;
    commands->bound_set = VK_NULL_HANDLE;
    commands->recording = true;
fail:
    return status;
}

static VkAccessFlags writes_of(VkPipelineStageFlags mask) {
    return (mask & stages[COMPUTE] ? (VkAccessFlags)VK_ACCESS_SHADER_WRITE_BIT : 0) |
           (mask & stages[TRANSFER] ? (VkAccessFlags)VK_ACCESS_TRANSFER_WRITE_BIT : 0);
}

static void emit_barrier(gs__commands *commands, VkPipelineStageFlags from, VkPipelineStageFlags to,
                         VkAccessFlags to_access) {
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = writes_of(from),
        .dstAccessMask = to_access,
    };
    commands->gpu->vk.vkCmdPipelineBarrier(commands->handle, from, to, 0, 1, &barrier, 0, NULL, 0, NULL);
}

// Called before each command. A barrier is emitted only here, towards the one kind of command that follows: a chain of
// dispatches never pays for making its results visible to copies.
static void before_command(gs__commands *commands, int kind) {
    static const VkAccessFlags access[] = {
        VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_UNIFORM_READ_BIT,
        VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    };
    if (commands->pending[kind]) {
        commands->pending[kind] = false;
        if (commands->unsynced[kind]) emit_barrier(commands, commands->unsynced[kind], stages[kind], access[kind]);
        commands->unsynced[kind] = 0;
    }
    for (int i = 0; i < 2; i++) commands->unsynced[i] |= stages[kind];
}

static gs_status require_recording(gs__commands *commands, const char *call) {
    if (commands->recording) return GS_OK;
    return gs__fail(commands->gpu->error, GS_ERR_INTERNAL, "%s outside gs__commands_begin and gs__commands_end", call);
}

static bool fits(const gs__buffer *buffer, uint64_t offset, uint64_t bytes) {
    return bytes > 0 && offset <= buffer->bytes && bytes <= buffer->bytes - offset;
}

static gs_status check_range(gs__gpu *gpu, const gs__shader *shader, const char *binding, const gs__range *range,
                             uint64_t max_bytes) {
    if (!range || !range->buffer)
        return gs__fail(gpu->error, GS_ERR_INTERNAL, "kernel %s: %s is not bound", shader->name, binding);
    if (!fits(range->buffer, range->offset, range->bytes) || range->offset % gpu->caps.offset_align != 0)
        return gs__fail(gpu->error, GS_ERR_INTERNAL,
                        "kernel %s: %s is %" PRIu64 " bytes at %" PRIu64 " of a buffer of %" PRIu64
                        "; the offset must be a multiple of %u",
                        shader->name, binding, range->bytes, range->offset, range->buffer->bytes,
                        (unsigned)gpu->caps.offset_align);
    if (range->bytes > max_bytes)
        return gs__fail(gpu->error, GS_ERR_UNSUPPORTED,
                        "kernel %s: %s has %" PRIu64 " bytes but %.64s can bind at most %" PRIu64
                        "; use a smaller batch or layer",
                        shader->name, binding, range->bytes, gpu->caps.info.name, max_bytes);
    return GS_OK;
}

static gs_status check_dispatch(gs__commands *commands, const gs__shader *shader, const gs__range *ranges,
                                const gs__range *state, uint32_t push_bytes, const uint32_t groups[3]) {
    static const char *const names[GS__MAX_BINDINGS] = {"binding 0", "binding 1", "binding 2", "binding 3"};
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    GS_TRY(require_recording(commands, "gs__commands_dispatch"));
    if (push_bytes != shader->push_bytes)
        return gs__fail(gpu->error, GS_ERR_INTERNAL, "kernel %s: %u bytes of push constants given, expected %u",
                        shader->name, (unsigned)push_bytes, (unsigned)shader->push_bytes);
    for (uint32_t i = 0; i < shader->binding_count; i++) {
        uint64_t max_bytes = gpu->caps.max_storage_range;
        uint64_t max_texel_bytes = gpu->caps.max_texel_elements * UINT64_C(16);
        if (shader->texel_mask & UINT32_C(1) << i && max_texel_bytes < max_bytes) max_bytes = max_texel_bytes;
        GS_TRY(check_range(gpu, shader, names[i], &ranges[i], max_bytes));
    }
    if (shader->reads_state) GS_TRY(check_range(gpu, shader, "State", state, UINT64_MAX));
    for (int i = 0; i < 3; i++)
        if (groups[i] > gpu->caps.max_groups[i])
            return gs__fail(
                gpu->error, GS_ERR_UNSUPPORTED,
                "kernel %s: %u workgroups in dimension %d but %.64s allows %u; use a smaller batch or layer",
                shader->name, (unsigned)groups[i], i, gpu->caps.info.name, (unsigned)gpu->caps.max_groups[i]);
fail:
    return status;
}

gs_status gs__commands_dispatch(gs__commands *commands, gs__pipeline *pipeline, const gs__range *ranges,
                                const gs__range *state, const void *push, uint32_t push_bytes,
                                const uint32_t groups[3]) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    VkDescriptorSet set;
    GS_TRY(check_dispatch(commands, pipeline->shader, ranges, state, push_bytes, groups));
    if (groups[0] == 0 || groups[1] == 0 || groups[2] == 0) return GS_OK;
    GS_TRY(gs__descriptor_get(commands, pipeline, ranges, state, &set));
    before_command(commands, COMPUTE);
    bool changed = commands->bound_pipeline != pipeline->handle;
    if (changed) {
        gpu->vk.vkCmdBindPipeline(commands->handle, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
        commands->bound_pipeline = pipeline->handle;
    }
    if (changed || commands->bound_set != set) {
        gpu->vk.vkCmdBindDescriptorSets(commands->handle, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0, 1, &set,
                                        0, NULL);
        commands->bound_set = set;
    }
    if (push_bytes)
        gpu->vk.vkCmdPushConstants(commands->handle, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes,
                                   push);
    gpu->vk.vkCmdDispatch(commands->handle, groups[0], groups[1], groups[2]);
fail:
    return status;
}

void gs__commands_barrier(gs__commands *commands, bool to_host) {
    commands->pending[COMPUTE] = commands->pending[TRANSFER] = true;
    if (to_host && commands->recording)
        emit_barrier(commands, stages[COMPUTE] | stages[TRANSFER], VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

// For calls that return nothing: the first failure is kept for gs__commands_end.
static void keep_failure(gs__commands *commands, gs_status status) {
    if (commands->status == GS_OK) commands->status = status;
}

void gs__commands_copy(gs__commands *commands, gs__range from, gs__buffer *to, uint64_t to_offset) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    if (commands->status != GS_OK) return;
    GS_TRY(require_recording(commands, "gs__commands_copy"));
    if (!fits(from.buffer, from.offset, from.bytes) || !fits(to, to_offset, from.bytes))
        GS_TRY(gs__fail(gpu->error, GS_ERR_INTERNAL,
                        "copy of %" PRIu64 " bytes from %" PRIu64 " of %" PRIu64 " to %" PRIu64 " of %" PRIu64
                        ": outside a buffer",
                        from.bytes, from.offset, from.buffer->bytes, to_offset, to->bytes));
    if (from.buffer == to && from.offset < to_offset + from.bytes && to_offset < from.offset + from.bytes)
        GS_TRY(
            gs__fail(gpu->error, GS_ERR_INTERNAL, "copy of %" PRIu64 " bytes: source and target overlap", from.bytes));
    before_command(commands, TRANSFER);
    VkBufferCopy copy = {.srcOffset = from.offset, .dstOffset = to_offset, .size = from.bytes};
    gpu->vk.vkCmdCopyBuffer(commands->handle, from.buffer->handle, to->handle, 1, &copy);
fail:
    keep_failure(commands, status);
}

void gs__commands_fill(gs__commands *commands, gs__range range, uint32_t word) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    if (commands->status != GS_OK) return;
    GS_TRY(require_recording(commands, "gs__commands_fill"));
    if (!fits(range.buffer, range.offset, range.bytes) || range.offset % 4 != 0 || range.bytes % 4 != 0)
        GS_TRY(gs__fail(gpu->error, GS_ERR_INTERNAL,
                        "fill of %" PRIu64 " bytes at %" PRIu64 " of a buffer of %" PRIu64
                        ": outside it, or not in whole words",
                        range.bytes, range.offset, range.buffer->bytes));
    before_command(commands, TRANSFER);
    gpu->vk.vkCmdFillBuffer(commands->handle, range.buffer->handle, range.offset, range.bytes, word);
fail:
    keep_failure(commands, status);
}

void gs__commands_timestamp(gs__commands *commands, uint32_t index) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    if (commands->status != GS_OK) return;
    GS_TRY(require_recording(commands, "gs__commands_timestamp"));
    if (index >= commands->timestamp_count || commands->stamped[index / 32] & UINT32_C(1) << index % 32)
        GS_TRY(gs__fail(gpu->error, GS_ERR_INTERNAL,
                        "timestamp %u: taken already, or not below the %u of gs__commands_create", (unsigned)index,
                        (unsigned)commands->timestamp_count));
    gpu->vk.vkCmdWriteTimestamp(commands->handle, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, commands->queries, index);
    commands->stamped[index / 32] |= UINT32_C(1) << index % 32;
fail:
    keep_failure(commands, status);
}

gs_status gs__commands_end(gs__commands *commands) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    GS_TRY(require_recording(commands, "gs__commands_end"));
    commands->recording = false;
    // The host may read any mapped buffer after the fence.
    emit_barrier(commands, stages[COMPUTE] | stages[TRANSFER], VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    VK_TRY(gpu, gpu->vk.vkEndCommandBuffer(commands->handle));
    GS_TRY(commands->status); // its message was kept by the error
    commands->recorded = true;
fail:
    return status;
}

gs_status gs__commands_submit(gs__commands *commands) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    GS_TRY(gs__commands_wait(commands));
    if (!commands->recorded)
        return gs__fail(gpu->error, GS_ERR_INTERNAL, "gs__commands_submit without a finished recording");
    VK_TRY(gpu, gpu->vk.vkResetFences(gpu->device, 1, &commands->fence));
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &commands->handle,
    };
    VK_TRY(gpu, gpu->vk.vkQueueSubmit(gpu->queue, 1, &submit, commands->fence));
    commands->in_flight = true;
fail:
    return status;
}

gs_status gs__commands_wait(gs__commands *commands) {
    gs_status status = gs__gpu_check(commands->gpu);
    if (status != GS_OK || !commands->in_flight) return status;
    status = gs__gpu_wait_fence(commands->gpu, commands->fence);
    if (status == GS_OK) commands->in_flight = false;
    return status;
}

gs_status gs__commands_timestamps(gs__commands *commands, double *ns, uint32_t count) {
    gs_status status = GS_OK;
    gs__gpu *gpu = commands->gpu;
    uint64_t *ticks = NULL;
    if (count == 0) return GS_OK;
    GS_TRY(gs__commands_wait(commands));
    for (uint32_t i = 0; i < count; i++)
        if (i >= commands->timestamp_count || !(commands->stamped[i / 32] & UINT32_C(1) << i % 32))
            return gs__fail(gpu->error, GS_ERR_INTERNAL, "timestamp %u of %u was not recorded", (unsigned)i,
                            (unsigned)count);
    ticks = calloc(count, sizeof *ticks);
    if (!ticks) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: timestamps");
    VK_TRY(gpu, gpu->vk.vkGetQueryPoolResults(gpu->device, commands->queries, 0, count, count * sizeof *ticks, ticks,
                                              sizeof *ticks, VK_QUERY_RESULT_64_BIT));
    // A counter of fewer bits may wrap once in between.
    for (uint32_t i = 0; i < count; i++)
        ns[i] = (double)((ticks[i] - ticks[0]) & gpu->timestamp_mask) * gpu->caps.timestamp_ns;
fail:
    free(ticks);
    return status;
}
