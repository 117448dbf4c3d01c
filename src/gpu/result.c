#include "gpu/internal.h"

#include <stdio.h>
#include <string.h>

const char *gs__result_name(VkResult result) {
    switch (result) {
#define NAME(name)                                                                                                     \
    case name:                                                                                                         \
        return #name;
        NAME(VK_SUCCESS)
        NAME(VK_NOT_READY)
        NAME(VK_TIMEOUT)
        NAME(VK_INCOMPLETE)
        NAME(VK_ERROR_OUT_OF_HOST_MEMORY)
        NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY)
        NAME(VK_ERROR_INITIALIZATION_FAILED)
        NAME(VK_ERROR_DEVICE_LOST)
        NAME(VK_ERROR_MEMORY_MAP_FAILED)
        NAME(VK_ERROR_LAYER_NOT_PRESENT)
        NAME(VK_ERROR_EXTENSION_NOT_PRESENT)
        NAME(VK_ERROR_FEATURE_NOT_PRESENT)
        NAME(VK_ERROR_INCOMPATIBLE_DRIVER)
        NAME(VK_ERROR_TOO_MANY_OBJECTS)
        NAME(VK_ERROR_FRAGMENTED_POOL)
        NAME(VK_ERROR_OUT_OF_POOL_MEMORY)
        NAME(VK_ERROR_FRAGMENTATION)
        NAME(VK_ERROR_INVALID_EXTERNAL_HANDLE)
        NAME(VK_ERROR_INVALID_SHADER_NV)
        NAME(VK_ERROR_UNKNOWN)
#undef NAME
    default:
        return "an unnamed VkResult";
    }
}

gs_status gs__result_status(VkResult result) {
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return GS_ERR_MEMORY;
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_TOO_MANY_OBJECTS:
    case VK_ERROR_FRAGMENTATION:
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
        return GS_ERR_DEVICE_MEMORY;
    case VK_ERROR_DEVICE_LOST:
        return GS_ERR_DEVICE_LOST;
    case VK_ERROR_LAYER_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_FEATURE_NOT_PRESENT:
        return GS_ERR_UNSUPPORTED;
    default:
        return result >= 0 ? GS_OK : GS_ERR_DEVICE;
    }
}

gs_status gs__vk_check(gs__gpu *gpu, VkResult result, const char *call) {
    if (result == VK_SUCCESS) return GS_OK;
    // "gpu->vk.vkQueueSubmit(gpu->queue, ...)" -> "vkQueueSubmit"
    const char *name = strstr(call, "vk.");
    name = name ? name + 3 : call;
    int length = (int)strcspn(name, "(");
    const char *prefix = strncmp(name, "vk", 2) == 0 ? "" : "vk";
    gs_status status = gs__result_status(result);
    if (status == GS_OK) status = GS_ERR_DEVICE; // VK_TIMEOUT and its like where success was needed
    if (status == GS_ERR_DEVICE_LOST && gpu->failed == GS_OK) {
        gpu->failed = status;
        snprintf(gpu->failed_message, sizeof gpu->failed_message,
                 "device lost: %s%.*s on %.64s; the driver reset the device (see the system log)", prefix, length, name,
                 gpu->caps.info.name);
    }
    if (status == GS_ERR_DEVICE_LOST) return gs__fail(gpu->error, status, "%s", gpu->failed_message);
    return gs__fail(gpu->error, status, "%s%.*s failed on %.64s: %s (%d)", prefix, length, name, gpu->caps.info.name,
                    gs__result_name(result), (int)result);
}
