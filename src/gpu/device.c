#include "gpu/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The environment variables of gpu.h. `values`: what is allowed, NULL at the end; *found: its index, or -1 when the
// variable is not set or empty.
static gs_status read_choice(gs__error *error, const char *name, const char *const *values, int *found) {
    *found = -1;
    const char *text = getenv(name);
    if (!text || !text[0]) return GS_OK;
    for (int i = 0; values[i]; i++) {
        if (strcmp(text, values[i]) != 0) continue;
        *found = i;
        return GS_OK;
    }
    char list[64] = "";
    for (int i = 0; values[i]; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? " or " : "", values[i]);
    return gs__fail(error, GS_ERR_ARGUMENT, "%s=%.64s: expected %s", name, text, list);
}

static gs_status read_environment(gs__gpu *gpu, const gs__physical_facts *facts) {
    static const char *const kernels[] = {"gpu", "cpu", "integrated", "gcn", NULL};
    static const char *const memory[] = {"staged", NULL};
    static const char *const statistics[] = {"0", "1", NULL};
    gs_status status = GS_OK;
    int found;
    GS_TRY(read_choice(gpu->error, "GRADSMITH_KERNELS", kernels, &found));
    gpu->caps.kernel_class = gpu->caps.info.type == GS_DEVICE_CPU ? GS__KERNELS_CPU : GS__KERNELS_GPU;
    gpu->caps.kind = facts->wave64_only                            ? GS__GPU_GCN
                     : gpu->caps.info.type == GS_DEVICE_INTEGRATED ? GS__GPU_INTEGRATED
                                                                   : GS__GPU_DISCRETE;
    if (found >= 0) {
        gpu->caps.kernel_class = found == 1 ? GS__KERNELS_CPU : GS__KERNELS_GPU;
        gpu->caps.kind = found == 2 ? GS__GPU_INTEGRATED : found == 3 ? GS__GPU_GCN : GS__GPU_DISCRETE;
    }
    GS_TRY(read_choice(gpu->error, "GRADSMITH_MEMORY", memory, &found));
    gpu->staged = gpu->hides_map = found == 0;
    GS_TRY(read_choice(gpu->error, "GRADSMITH_KERNEL_STATISTICS", statistics, &found));
    gpu->statistics = found == 1 && facts->executable_properties;
fail:
    return status;
}

// Compute with timestamps if possible, and the family that does graphics too: drivers run it at full width.
static gs_status choose_queue(gs__gpu *gpu) {
    uint32_t count = 0;
    VkQueueFamilyProperties families[32];
    gpu->instance->vk.GetPhysicalDeviceQueueFamilyProperties(gpu->physical, &count, NULL);
    if (count > 32) count = 32;
    gpu->instance->vk.GetPhysicalDeviceQueueFamilyProperties(gpu->physical, &count, families);
    int best = -1;
    for (uint32_t i = 0; i < count; i++) {
        if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) || families[i].queueCount == 0) continue;
        int score = (families[i].timestampValidBits ? 2 : 0) + (families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT ? 1 : 0);
        if (score <= best) continue;
        best = score;
        gpu->queue_family = i;
    }
    if (best < 0)
        return gs__fail(gpu->error, GS_ERR_UNSUPPORTED, "%.64s has no queue for compute", gpu->caps.info.name);
    uint32_t bits = families[gpu->queue_family].timestampValidBits;
    gpu->timestamp_mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    return GS_OK;
}

// Whether the host can map the whole main memory, so that staging would only cost time.
static bool is_unified(const gs__gpu *gpu) {
    const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                         VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    bool shares_memory = gpu->caps.info.type == GS_DEVICE_INTEGRATED || gpu->caps.info.type == GS_DEVICE_CPU;
    const VkPhysicalDeviceMemoryProperties *memory = &gpu->memory;
    uint64_t main_bytes = memory->memoryHeaps[gpu->main_heap].size;
    for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
        if ((memory->memoryTypes[i].propertyFlags & wanted) != wanted) continue;
        uint32_t heap = memory->memoryTypes[i].heapIndex;
        if (heap == gpu->main_heap || (shares_memory && memory->memoryHeaps[heap].size >= main_bytes / 2)) return true;
    }
    return false;
}

static uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}
static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static gs_status fill_caps(gs__gpu *gpu, const gs__physical_facts *facts) {
    gs__gpu_caps *caps = &gpu->caps;
    const VkPhysicalDeviceLimits *limits = &facts->limits;
    gpu->memory = facts->memory;
    for (uint32_t i = 0; i < gpu->memory.memoryHeapCount; i++) {
        const VkMemoryHeap *heaps = gpu->memory.memoryHeaps;
        bool local = heaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
        bool main_local = heaps[gpu->main_heap].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
        if (local && (!main_local || heaps[i].size > heaps[gpu->main_heap].size)) gpu->main_heap = i;
    }
    // Multiples of 16, since bindings are padded to whole vec4.
    caps->max_storage_range = limits->maxStorageBufferRange & ~UINT64_C(15);
    gpu->max_uniform_range = limits->maxUniformBufferRange & ~UINT64_C(15);
    caps->max_buffer_bytes =
        min_u64(facts->max_allocation_bytes, gpu->memory.memoryHeaps[gpu->main_heap].size) & ~UINT64_C(15);
    caps->max_shared_bytes = limits->maxComputeSharedMemorySize;
    caps->max_invocations = limits->maxComputeWorkGroupInvocations;
    memcpy(caps->max_groups, limits->maxComputeWorkGroupCount, sizeof caps->max_groups);
    caps->max_texel_elements = limits->maxTexelBufferElements;
    caps->subgroup_shuffle = facts->subgroup_shuffle;
    caps->matrix_subgroup = facts->matrix_subgroup;
    if (facts->matrix_subgroup) {
        caps->matrix_half = facts->matrix_half;
        caps->matrix_bfloat = facts->matrix_bfloat;
    }
    gpu->matrix_control = facts->matrix_control;
    uint64_t align = max_u64(256, limits->minStorageBufferOffsetAlignment);
    align = max_u64(align, limits->minUniformBufferOffsetAlignment);
    align = max_u64(align, limits->minTexelBufferOffsetAlignment); // all are powers of two
    if (align > UINT32_MAX || (align & (align - 1)) != 0)
        return gs__fail(gpu->error, GS_ERR_DEVICE,
                        "%.64s reports a binding alignment of %" PRIu64 " bytes, expected a power of two",
                        caps->info.name, align);
    caps->offset_align = (uint32_t)align;
    caps->unified = !gpu->staged && is_unified(gpu);
    gpu->staged = !caps->unified;
    bool has_period = limits->timestampPeriod > 0 && limits->timestampPeriod < 1e9f; // a null device may say infinity
    caps->timestamps = gpu->timestamp_mask != 0 && has_period;
    caps->timestamp_ns = (double)limits->timestampPeriod;
    return GS_OK;
}

static gs_status create_device(gs__gpu *gpu, const gs__physical_facts *facts) {
    gs_status status = GS_OK;
    const char *extensions[6];
    gs__matrix_features matrices;
    uint32_t extension_count = 0;
    if (facts->portability_subset) extensions[extension_count++] = "VK_KHR_portability_subset";
    gpu->has_budget = facts->memory_budget;
    if (gpu->has_budget) extensions[extension_count++] = VK_EXT_MEMORY_BUDGET_EXTENSION_NAME;
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executable = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
        .pipelineExecutableInfo = VK_TRUE,
    };
    if (gpu->statistics) extensions[extension_count++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    const void *features =
        gs__matrix_enable(facts, &matrices, gpu->statistics ? &executable : NULL, extensions, &extension_count);
    static const float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = gpu->queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = features,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = extension_count,
        .ppEnabledExtensionNames = extensions,
    };
    gs__loader_lock();
    const VkResult result = gpu->instance->vk.CreateDevice(gpu->physical, &create, NULL, &gpu->device);
    if (result == VK_SUCCESS) volkLoadDeviceTable(&gpu->vk, gpu->device);
    gs__loader_unlock();
    GS_TRY(gs__vk_check(gpu, result, "vkCreateDevice"));
    gpu->vk.vkGetDeviceQueue(gpu->device, gpu->queue_family, 0, &gpu->queue);
    GS_TRY(gs__pipeline_cache_open(gpu));
fail:
    return status;
}

gs_status gs__gpu_open(gs__error *error, gs__instance *instance, uint32_t index, gs__gpu **result) {
    gs_status status = GS_OK;
    *result = NULL;
    if (index >= instance->device_count)
        return gs__fail(error, GS_ERR_ARGUMENT, "device %u does not exist: there %s %u", (unsigned)index,
                        instance->device_count == 1 ? "is" : "are", (unsigned)instance->device_count);
    gs__gpu *gpu = calloc(1, sizeof *gpu);
    if (!gpu) return gs__fail(error, GS_ERR_MEMORY, "out of host memory: device");
    gpu->instance = instance;
    gpu->error = error;
    gpu->physical = instance->devices[index];
    gs__physical_facts facts;
    GS_TRY(gs__physical_query(error, instance, gpu->physical, &facts));
    gpu->caps.info = facts.info;
    gpu->caps.info.index = index;
    if (facts.api < VK_API_VERSION_1_1)
        GS_TRY(gs__fail(error, GS_ERR_UNSUPPORTED, "%.64s has Vulkan %s but 1.1 or later is needed: update its driver",
                        facts.info.name, facts.info.api_version));
    GS_TRY(read_environment(gpu, &facts));
    GS_TRY(choose_queue(gpu));
    GS_TRY(fill_caps(gpu, &facts));
    GS_TRY(create_device(gpu, &facts));
    *result = gpu;
    return GS_OK;
fail:
    gs__gpu_close(gpu);
    return status;
}

void gs__gpu_close(gs__gpu *gpu) {
    if (!gpu) return;
    if (gpu->attachment.destroy) gpu->attachment.destroy(gpu->attachment.object);
    if (gpu->device) {
        gs__gpu_drain(gpu);
        gs__buffer_destroy(gpu->staging);
        gs__pipeline_cache_save(gpu);
        gs__pipeline_destroy_all(gpu);
        gs__module_destroy_all(gpu);
        for (uint32_t i = 0; i < GS__LAYOUT_COUNT; i++)
            gpu->vk.vkDestroyDescriptorSetLayout(gpu->device, gpu->layouts[i], NULL);
        gpu->vk.vkDestroyFence(gpu->device, gpu->transfer_fence, NULL);
        gpu->vk.vkDestroyCommandPool(gpu->device, gpu->transfer_pool, NULL);
        gpu->vk.vkDestroyPipelineCache(gpu->device, gpu->cache, NULL);
        gs__loader_lock();
        gpu->vk.vkDestroyDevice(gpu->device, NULL);
        gs__loader_unlock();
    }
    free(gpu->cache_dir);
    free(gpu);
}

bool gs__gpu_is_lost(const gs__gpu *gpu) {
    return gpu->failed == GS_ERR_DEVICE_LOST;
}

const gs__gpu_caps *gs__gpu_get_caps(const gs__gpu *gpu) {
    return &gpu->caps;
}

gs__error *gs__gpu_error(gs__gpu *gpu) {
    return gpu->error;
}

gs__gpu_options *gs__gpu_options_of(gs__gpu *gpu) {
    return &gpu->options;
}

void gs__gpu_note(gs__gpu *gpu, const char *format, ...) {
    if (!gpu->options.note) return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    gpu->options.note(gpu->options.note_user, text);
}

gs__attachment *gs__gpu_attachment(gs__gpu *gpu) {
    return &gpu->attachment;
}

gs_status gs__gpu_check(gs__gpu *gpu) {
    return gpu->failed == GS_OK ? GS_OK : gs__fail(gpu->error, gpu->failed, "%s", gpu->failed_message);
}

gs_status gs__gpu_wait_fence(gs__gpu *gpu, VkFence fence) {
    enum { PERIODS = 6, PERIOD_S = 10 };
    gs_status status = gs__gpu_check(gpu);
    if (status != GS_OK) return status;
    VkResult result = VK_TIMEOUT;
    for (int i = 0; i < PERIODS && result == VK_TIMEOUT; i++)
        result = gpu->vk.vkWaitForFences(gpu->device, 1, &fence, VK_TRUE, PERIOD_S * UINT64_C(1000000000));
    // A wait that fails for want of memory leaves the submission running; another way of waiting ends that.
    if (result < 0 && result != VK_ERROR_DEVICE_LOST) result = gpu->vk.vkQueueWaitIdle(gpu->queue);
    if (result != VK_TIMEOUT) return gs__vk_check(gpu, result, "vkWaitForFences");
    gpu->failed = GS_ERR_DEVICE;
    snprintf(gpu->failed_message, sizeof gpu->failed_message,
             "device hang: %.64s did not finish a submission within %d s; restart the program, use smaller batches",
             gpu->caps.info.name, PERIODS * PERIOD_S);
    gs__gpu_abandon(gpu);
    return gs__gpu_check(gpu);
}

void gs__gpu_drain(gs__gpu *gpu) {
    for (gs__commands *c = gpu->commands; c; c = c->next)
        if (c->in_flight) gs__commands_wait(c);
}
