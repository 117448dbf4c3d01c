// A device that does not answer may still work, on memory that must therefore stay: from then on nothing is given back.
#include "gpu/internal.h"

#define LEFT_ALONE(name, type)                                                                                         \
    static VKAPI_ATTR void VKAPI_CALL leave_##name(VkDevice device, type handle,                                       \
                                                   const VkAllocationCallbacks *allocator) {                           \
        (void)device, (void)handle, (void)allocator;                                                                   \
    }
#define HANDLES(X)                                                                                                     \
    X(DestroyBuffer, VkBuffer)                                                                                         \
    X(DestroyBufferView, VkBufferView)                                                                                 \
    X(DestroyCommandPool, VkCommandPool)                                                                               \
    X(DestroyDescriptorPool, VkDescriptorPool)                                                                         \
    X(DestroyDescriptorSetLayout, VkDescriptorSetLayout)                                                               \
    X(DestroyFence, VkFence)                                                                                           \
    X(DestroyPipeline, VkPipeline)                                                                                     \
    X(DestroyPipelineCache, VkPipelineCache)                                                                           \
    X(DestroyPipelineLayout, VkPipelineLayout)                                                                         \
    X(DestroyQueryPool, VkQueryPool)                                                                                   \
    X(DestroyShaderModule, VkShaderModule)                                                                             \
    X(FreeMemory, VkDeviceMemory)
HANDLES(LEFT_ALONE)

static VKAPI_ATTR void VKAPI_CALL leave_device(VkDevice device, const VkAllocationCallbacks *allocator) {
    (void)device, (void)allocator;
}

void gs__gpu_abandon(gs__gpu *gpu) {
#define LEAVE(name, type) gpu->vk.vk##name = leave_##name;
    HANDLES(LEAVE)
#undef LEAVE
    gpu->vk.vkDestroyDevice = leave_device;
    gpu->instance->vk.DestroyInstance = NULL; // it has the device still
}
