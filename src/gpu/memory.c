#include "gpu/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STAGING_BYTES = 4 << 20, UNCACHED_READ_BYTES = 4096 };

// The first memory type in `bits` that has all of `wanted`; -1 without one.
static int find_type(const gs__gpu *gpu, uint32_t bits, VkMemoryPropertyFlags wanted) {
    for (uint32_t i = 0; i < gpu->memory.memoryTypeCount; i++)
        if (bits & UINT32_C(1) << i && (gpu->memory.memoryTypes[i].propertyFlags & wanted) == wanted) return (int)i;
    return -1;
}

// Memory types in the order to try; returns how many.
static int list_types(const gs__gpu *gpu, gs__memory memory, uint32_t bits, int types[2]) {
    types[0] = -1;
    const VkMemoryPropertyFlags mappable = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkMemoryPropertyFlags wanted[2];
    int wanted_count = 0, count = 0;
    if (memory == GS__MEMORY_READBACK) {
        wanted[wanted_count++] = mappable | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
        wanted[wanted_count++] = mappable;
    } else if (memory == GS__MEMORY_UPLOAD) {
        // Device memory that the host writes to over the bus, else host memory that the device reads over it.
        if (!gpu->hides_map) wanted[wanted_count++] = mappable | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
        wanted[wanted_count++] = mappable;
    } else {
        if (!gpu->staged) wanted[wanted_count++] = mappable | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
        wanted[wanted_count++] = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    }
    for (int i = 0; i < wanted_count; i++) {
        int type = find_type(gpu, bits, wanted[i]);
        bool seen = false;
        for (int j = 0; j < count; j++) seen = seen || types[j] == type;
        if (type >= 0 && !seen) types[count++] = type;
    }
    // Some drivers' masks leave out what they should offer. Memory that is merely slower is no answer to full memory.
    if (count == 0 && memory == GS__MEMORY_DEVICE && bits) types[count++] = find_type(gpu, bits, 0);
    return types[0] >= 0 ? count : 0;
}

// What is free of a heap, as the driver sees it; without its help, as far as this gpu's buffers tell.
static uint64_t free_bytes(const gs__gpu *gpu, uint32_t heap) {
    const uint64_t size = gpu->memory.memoryHeaps[heap].size;
    if (!gpu->has_budget) return size > gpu->allocation_bytes ? size - gpu->allocation_bytes : 0;
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
                                                    .pNext = &budget};
    gpu->instance->vk.GetPhysicalDeviceMemoryProperties2(gpu->physical, &properties);
    const uint64_t allowed = budget.heapBudget[heap], used = budget.heapUsage[heap];
    return allowed > used ? allowed - used : 0;
}

uint64_t gs__gpu_memory_free(const gs__gpu *gpu) {
    if (gpu->has_budget) return free_bytes(gpu, gpu->main_heap) / 10 * 9;
    const uint64_t most = gpu->memory.memoryHeaps[gpu->main_heap].size / 10 * 8;
    return most > gpu->allocation_bytes ? most - gpu->allocation_bytes : 0;
}

static gs_status fail_memory(gs__gpu *gpu, const char *label, uint64_t bytes, uint32_t heap) {
    return gs__fail(gpu->error, GS_ERR_DEVICE_MEMORY,
                    "%s needs %" PRIu64 " bytes (%.1f MiB) of device memory: %.64s has %.1f MiB in this heap, %.1f MiB "
                    "of it free, at most %.1f MiB for one buffer; use a smaller batch or model",
                    label, bytes, (double)bytes / 1048576.0, gpu->caps.info.name,
                    (double)gpu->memory.memoryHeaps[heap].size / 1048576.0, (double)free_bytes(gpu, heap) / 1048576.0,
                    (double)gpu->caps.max_buffer_bytes / 1048576.0);
}

static gs_status allocate(gs__buffer *buffer, gs__memory memory, const char *label) {
    gs_status status = GS_OK;
    gs__gpu *gpu = buffer->gpu;
    VkMemoryRequirements needs;
    gpu->vk.vkGetBufferMemoryRequirements(gpu->device, buffer->handle, &needs);
    int types[2];
    int count = list_types(gpu, memory, needs.memoryTypeBits, types);
    if (count == 0)
        return gs__fail(gpu->error, GS_ERR_DEVICE, "%s: %.64s offers no memory type for it (mask 0x%x)", label,
                        gpu->caps.info.name, (unsigned)needs.memoryTypeBits);
    VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    int type = types[0];
    for (int i = 0; i < count && result == VK_ERROR_OUT_OF_DEVICE_MEMORY; i++) {
        if (needs.size > gpu->memory.memoryHeaps[gpu->memory.memoryTypes[types[i]].heapIndex].size) continue;
        type = types[i];
        VkMemoryAllocateInfo info = {
            .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
            .allocationSize = needs.size,
            .memoryTypeIndex = (uint32_t)type,
        };
        result = gpu->vk.vkAllocateMemory(gpu->device, &info, NULL, &buffer->memory);
    }
    const VkMemoryType *found = &gpu->memory.memoryTypes[type];
    if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY)
        return fail_memory(gpu, label, buffer->bytes, found->heapIndex);
    GS_TRY(gs__vk_check(gpu, result, "vkAllocateMemory"));
    gpu->allocation_count++;
    gpu->allocation_bytes += buffer->padded_bytes;
    VK_TRY(gpu, gpu->vk.vkBindBufferMemory(gpu->device, buffer->handle, buffer->memory, 0));

    const VkMemoryPropertyFlags mappable = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    bool want_map = memory != GS__MEMORY_DEVICE || !gpu->staged;
    if (want_map && (found->propertyFlags & mappable) == mappable) {
        VK_TRY(gpu, gpu->vk.vkMapMemory(gpu->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, &buffer->map));
        buffer->cached =
            found->propertyFlags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT || gpu->caps.info.type == GS_DEVICE_CPU;
    }
fail:
    return status;
}

// --- blocking transfers ---------------------------------------------------------------------------------------

// Made when first needed: a driver's null device, which only compiles, has no fences.
static gs_status need_transfer(gs__gpu *gpu) {
    gs_status status = GS_OK;
    if (!gpu->transfer_pool) {
        VkCommandPoolCreateInfo create = {
            .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
            .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
            .queueFamilyIndex = gpu->queue_family,
        };
        VK_TRY(gpu, gpu->vk.vkCreateCommandPool(gpu->device, &create, NULL, &gpu->transfer_pool));
    }
    if (!gpu->transfer) {
        VkCommandBufferAllocateInfo allocate = {
            .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
            .commandPool = gpu->transfer_pool,
            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
            .commandBufferCount = 1,
        };
        VK_TRY(gpu, gpu->vk.vkAllocateCommandBuffers(gpu->device, &allocate, &gpu->transfer));
    }
    if (!gpu->transfer_fence) {
        VkFenceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
        VK_TRY(gpu, gpu->vk.vkCreateFence(gpu->device, &create, NULL, &gpu->transfer_fence));
    }
fail:
    return status;
}

static gs_status transfer_begin(gs__gpu *gpu) {
    gs_status status = GS_OK;
    GS_TRY(gs__gpu_check(gpu));
    GS_TRY(need_transfer(gpu));
    VK_TRY(gpu, gpu->vk.vkResetCommandPool(gpu->device, gpu->transfer_pool, 0));
    VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    VK_TRY(gpu, gpu->vk.vkBeginCommandBuffer(gpu->transfer, &begin));
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    };
    gpu->vk.vkCmdPipelineBarrier(gpu->transfer, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                                 VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
fail:
    return status;
}

// Later submissions see the result through the barrier with which each of them begins.
static gs_status transfer_run(gs__gpu *gpu) {
    gs_status status = GS_OK;
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT,
    };
    gpu->vk.vkCmdPipelineBarrier(gpu->transfer, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                                 &barrier, 0, NULL, 0, NULL);
    VK_TRY(gpu, gpu->vk.vkEndCommandBuffer(gpu->transfer));
    VK_TRY(gpu, gpu->vk.vkResetFences(gpu->device, 1, &gpu->transfer_fence));
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &gpu->transfer,
    };
    VK_TRY(gpu, gpu->vk.vkQueueSubmit(gpu->queue, 1, &submit, gpu->transfer_fence));
    GS_TRY(gs__gpu_wait_fence(gpu, gpu->transfer_fence));
fail:
    return status;
}

static gs_status need_staging(gs__gpu *gpu) {
    if (gpu->staging) return GS_OK;
    return gs__buffer_create(gpu, GS__MEMORY_READBACK, STAGING_BYTES, "staging buffer", &gpu->staging);
}

static gs_status copy_now(gs__gpu *gpu, const gs__buffer *from, uint64_t from_offset, const gs__buffer *to,
                          uint64_t to_offset, uint64_t bytes) {
    gs_status status = GS_OK;
    GS_TRY(transfer_begin(gpu));
    VkBufferCopy copy = {.srcOffset = from_offset, .dstOffset = to_offset, .size = bytes};
    gpu->vk.vkCmdCopyBuffer(gpu->transfer, from->handle, to->handle, 1, &copy);
    GS_TRY(transfer_run(gpu));
fail:
    return status;
}

static gs_status zero_fill(gs__buffer *buffer) {
    gs_status status = GS_OK;
    gs__gpu *gpu = buffer->gpu;
    if (buffer->map) {
        memset(buffer->map, 0, buffer->padded_bytes);
        return GS_OK;
    }
    GS_TRY(transfer_begin(gpu));
    gpu->vk.vkCmdFillBuffer(gpu->transfer, buffer->handle, 0, buffer->padded_bytes, 0);
    GS_TRY(transfer_run(gpu));
fail:
    return status;
}

// --- buffers --------------------------------------------------------------------------------------------------

gs_status gs__buffer_create(gs__gpu *gpu, gs__memory memory, uint64_t bytes, const char *label, gs__buffer **result) {
    gs_status status = GS_OK;
    *result = NULL;
    if (!label) label = "buffer";
    if (bytes == 0) return gs__fail(gpu->error, GS_ERR_ARGUMENT, "%s: a buffer of 0 bytes was asked for", label);
    if (bytes > gpu->caps.max_buffer_bytes) return fail_memory(gpu, label, bytes, gpu->main_heap);
    gs__buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: %s", label);
    buffer->gpu = gpu;
    buffer->bytes = bytes;
    buffer->padded_bytes = (bytes + 15) & ~UINT64_C(15);
    VkBufferCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = buffer->padded_bytes,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
                 VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
        .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
    };
    VK_TRY(gpu, gpu->vk.vkCreateBuffer(gpu->device, &create, NULL, &buffer->handle));
    GS_TRY(allocate(buffer, memory, label));
    GS_TRY(zero_fill(buffer));
    *result = buffer;
    return GS_OK;
fail:
    gs__buffer_destroy(buffer);
    return status;
}

void gs__buffer_destroy(gs__buffer *buffer) {
    if (!buffer) return;
    gs__gpu *gpu = buffer->gpu;
    gs__gpu_drain(gpu);
    gpu->vk.vkDestroyBuffer(gpu->device, buffer->handle, NULL);
    if (buffer->memory) {
        gpu->allocation_count--;
        gpu->allocation_bytes -= buffer->padded_bytes;
    }
    gpu->vk.vkFreeMemory(gpu->device, buffer->memory, NULL);
    free(buffer);
}

gs__memory_use gs__gpu_memory_use(const gs__gpu *gpu) {
    gs__memory_use use = {gpu->allocation_count, gpu->allocation_bytes};
    if (gpu->staging) {
        use.count--;
        use.bytes -= gpu->staging->padded_bytes;
    }
    return use;
}

uint64_t gs__buffer_bytes(const gs__buffer *buffer) {
    return buffer->bytes;
}

const gs__gpu *gs__buffer_gpu(const gs__buffer *buffer) {
    return buffer->gpu;
}

void *gs__buffer_map(gs__buffer *buffer) {
    return buffer->map;
}

static gs_status check_range(const gs__buffer *buffer, const char *what, uint64_t offset, uint64_t bytes) {
    if (offset <= buffer->bytes && bytes <= buffer->bytes - offset) return GS_OK;
    return gs__fail(buffer->gpu->error, GS_ERR_ARGUMENT,
                    "%s of %" PRIu64 " bytes at %" PRIu64 ": the buffer has only %" PRIu64, what, bytes, offset,
                    buffer->bytes);
}

gs_status gs__buffer_write(gs__buffer *buffer, uint64_t offset, const void *data, uint64_t bytes) {
    gs_status status = GS_OK;
    gs__gpu *gpu = buffer->gpu;
    GS_TRY(check_range(buffer, "write", offset, bytes));
    if (bytes == 0) return GS_OK;
    if (buffer->map) {
        memcpy((char *)buffer->map + offset, data, bytes);
        return GS_OK;
    }
    GS_TRY(need_staging(gpu));
    for (uint64_t done = 0; done < bytes;) {
        uint64_t chunk = bytes - done < STAGING_BYTES ? bytes - done : STAGING_BYTES;
        memcpy(gpu->staging->map, (const char *)data + done, chunk);
        GS_TRY(copy_now(gpu, gpu->staging, 0, buffer, offset + done, chunk));
        done += chunk;
    }
fail:
    return status;
}

gs_status gs__buffer_read(gs__buffer *buffer, uint64_t offset, void *data, uint64_t bytes) {
    gs_status status = GS_OK;
    gs__gpu *gpu = buffer->gpu;
    GS_TRY(check_range(buffer, "read", offset, bytes));
    if (bytes == 0) return GS_OK;
    if (buffer->map && (buffer->cached || bytes <= UNCACHED_READ_BYTES)) {
        GS_TRY(gs__gpu_check(gpu));
        memcpy(data, (const char *)buffer->map + offset, bytes);
        return GS_OK;
    }
    GS_TRY(need_staging(gpu));
    for (uint64_t done = 0; done < bytes;) {
        uint64_t chunk = bytes - done < STAGING_BYTES ? bytes - done : STAGING_BYTES;
        GS_TRY(copy_now(gpu, buffer, offset + done, gpu->staging, 0, chunk));
        memcpy((char *)data + done, gpu->staging->map, chunk);
        done += chunk;
    }
fail:
    return status;
}
