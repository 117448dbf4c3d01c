// The driver's pipeline cache, kept on disk from run to run.
#include "base/cache.h"
#include "gpu/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Enough to tell devices and drivers apart: a driver changes the UUID with what it compiles.
static void device_key(const gs__gpu *gpu, char key[GS__DEVICE_KEY_BYTES]) {
    const gs_device_info *info = &gpu->caps.info;
    uint64_t names = gs__hash(0, info->name, strlen(info->name));
    names = gs__hash(names, info->driver, strlen(info->driver));
    names = gs__hash(names, info->driver_version, strlen(info->driver_version));
    int length = snprintf(key, GS__DEVICE_KEY_BYTES, "%04x-%04x-%08x-", (unsigned)info->vendor_id,
                          (unsigned)info->device_id, (unsigned)(names ^ names >> 32));
    for (size_t i = 0; i < sizeof info->uuid; i++)
        length += snprintf(key + length, GS__DEVICE_KEY_BYTES - (size_t)length, "%02x", info->uuid[i]);
}

// The line in front of a file's content, and the file's name.
static void describe_file(const gs__gpu *gpu, const char *kind, char head[GS__CACHE_TEXT_BYTES],
                          char name[GS__CACHE_TEXT_BYTES]) {
    snprintf(head, GS__CACHE_TEXT_BYTES, "%s 1 %s", kind, gpu->device_key);
    snprintf(name, GS__CACHE_TEXT_BYTES, "%s-%s", kind, gpu->device_key);
}

bool gs__gpu_has_cache(const gs__gpu *gpu) {
    return gpu->cache_dir != NULL;
}

bool gs__gpu_cache_read(const gs__gpu *gpu, const char *kind, char **data, size_t *bytes) {
    char head[GS__CACHE_TEXT_BYTES], name[GS__CACHE_TEXT_BYTES];
    if (!gpu->cache_dir) return false;
    describe_file(gpu, kind, head, name);
    return gs__cache_read(gpu->cache_dir, name, head, data, bytes);
}

bool gs__gpu_cache_write(const gs__gpu *gpu, const char *kind, const void *data, size_t bytes) {
    char head[GS__CACHE_TEXT_BYTES], name[GS__CACHE_TEXT_BYTES];
    if (!gpu->cache_dir) return false;
    describe_file(gpu, kind, head, name);
    return gs__cache_write(gpu->cache_dir, name, head, data, bytes);
}

gs_status gs__pipeline_cache_open(gs__gpu *gpu) {
    device_key(gpu, gpu->device_key);
    gpu->cache_dir = gs__cache_dir();
    char *data = NULL;
    size_t bytes = 0;
    if (gs__gpu_cache_read(gpu, "pipelines", &data, &bytes)) gpu->cached_bytes = bytes;
    VkPipelineCacheCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = bytes,
        .pInitialData = data,
    };
    VkResult result = gpu->vk.vkCreatePipelineCache(gpu->device, &create, NULL, &gpu->cache);
    free(data);
    if (result != VK_SUCCESS && bytes) {
        create.initialDataSize = gpu->cached_bytes = 0;
        create.pInitialData = NULL;
        result = gpu->vk.vkCreatePipelineCache(gpu->device, &create, NULL, &gpu->cache);
    }
    return gs__vk_check(gpu, result, "vkCreatePipelineCache");
}

void gs__pipeline_cache_save(gs__gpu *gpu) {
    if (!gpu->cache_dir || !gpu->uncached_pipelines) return;
    gpu->uncached_pipelines = false;
    size_t bytes = 0;
    // Of the same size as before: nothing was added. A driver that keeps its pipelines elsewhere gives a header only.
    if (gpu->vk.vkGetPipelineCacheData(gpu->device, gpu->cache, &bytes, NULL) != VK_SUCCESS ||
        bytes <= sizeof(VkPipelineCacheHeaderVersionOne) || bytes == gpu->cached_bytes)
        return;
    void *data = malloc(bytes);
    if (data && gpu->vk.vkGetPipelineCacheData(gpu->device, gpu->cache, &bytes, data) == VK_SUCCESS &&
        gs__gpu_cache_write(gpu, "pipelines", data, bytes))
        gpu->cached_bytes = bytes;
    free(data);
}
