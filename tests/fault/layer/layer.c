// A Vulkan layer that lets calls fail, for tests of whole programs:
//
//     VK_LAYER_PATH=build/tests/fault VK_INSTANCE_LAYERS=VK_LAYER_GRADSMITH_faults
//     GRADSMITH_FAULT=CALL:N:RESULT[:COUNT]
//
// CALL  a call's name without vk, or * for all of the list below
// N     which of these calls fails, from 0; with COUNT so many from there on (default 1)
// RESULT OUT_OF_HOST_MEMORY, OUT_OF_DEVICE_MEMORY, DEVICE_LOST or TIMEOUT: the call is not made, and returns that. A
//       device that was lost stays so: its submissions and waits fail from then on. DROP: a submission does nothing, and
//       says that it did, as drivers that ran into their watchdog were seen to do
//
// GRADSMITH_FAULT_LOG=FILE receives how many of the calls there were.
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#define CALLS(X)                                                                                                       \
    X(AllocateCommandBuffers)                                                                                          \
    X(AllocateDescriptorSets)                                                                                          \
    X(AllocateMemory)                                                                                                  \
    X(BeginCommandBuffer)                                                                                              \
    X(BindBufferMemory)                                                                                                \
    X(CreateBuffer)                                                                                                    \
    X(CreateBufferView)                                                                                                \
    X(CreateCommandPool)                                                                                               \
    X(CreateComputePipelines)                                                                                          \
    X(CreateDescriptorPool)                                                                                            \
    X(CreateDescriptorSetLayout)                                                                                       \
    X(CreateFence)                                                                                                     \
    X(CreatePipelineCache)                                                                                             \
    X(CreatePipelineLayout)                                                                                            \
    X(CreateQueryPool)                                                                                                 \
    X(CreateShaderModule)                                                                                              \
    X(EndCommandBuffer)                                                                                                \
    X(GetPipelineCacheData)                                                                                            \
    X(GetQueryPoolResults)                                                                                             \
    X(MapMemory)                                                                                                       \
    X(QueueSubmit)                                                                                                     \
    X(QueueWaitIdle)                                                                                                   \
    X(ResetCommandPool)                                                                                                \
    X(ResetDescriptorPool)                                                                                             \
    X(ResetFences)                                                                                                     \
    X(WaitForFences)

// --- which call fails -----------------------------------------------------------------------------------------------
static struct {
    char call[64], log[512];
    long first, count;
    VkResult result; // VK_SUCCESS: dropped
    atomic_long calls;
    atomic_bool lost;
} fault;

static void fault_read(void) {
    static const struct {
        const char *name;
        VkResult result;
    } results[] = {{"OUT_OF_HOST_MEMORY", VK_ERROR_OUT_OF_HOST_MEMORY},
                   {"OUT_OF_DEVICE_MEMORY", VK_ERROR_OUT_OF_DEVICE_MEMORY},
                   {"DEVICE_LOST", VK_ERROR_DEVICE_LOST},
                   {"TIMEOUT", VK_TIMEOUT},
                   {"DROP", VK_SUCCESS}};
    const char *text = getenv("GRADSMITH_FAULT"), *log = getenv("GRADSMITH_FAULT_LOG");
    char name[64];
    if (fault.call[0]) return; // a second instance
    snprintf(fault.log, sizeof fault.log, "%s", log ? log : "");
    fault.first = -1;
    fault.count = 1;
    snprintf(fault.call, sizeof fault.call, "*");
    if (!text) return;
    const int fields = sscanf(text, "%63[^:]:%ld:%63[^:]:%ld", fault.call, &fault.first, name, &fault.count);
    for (size_t i = 0; fields >= 3 && i < sizeof results / sizeof results[0]; i++)
        if (strcmp(name, results[i].name) == 0) {
            fault.result = results[i].result;
            return;
        }
    fprintf(stderr, "VK_LAYER_GRADSMITH_faults: GRADSMITH_FAULT=%s is not CALL:N:RESULT[:COUNT]\n", text);
    exit(99);
}

static void lose_device(void);

static bool fails(const char *call) {
    if (fault.lost && (strcmp(call, "QueueSubmit") == 0 || strcmp(call, "WaitForFences") == 0)) return true;
    if (strcmp(fault.call, "*") != 0 && strcmp(fault.call, call) != 0) return false;
    const long n = atomic_fetch_add(&fault.calls, 1);
    if (fault.first < 0 || n < fault.first || n >= fault.first + fault.count) return false;
    if (fault.result == VK_ERROR_DEVICE_LOST) lose_device();
    return true;
}

static void fault_log(void) {
    FILE *file = fault.log[0] ? fopen(fault.log, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", (long)fault.calls);
    fclose(file);
}

// --- the chain ------------------------------------------------------------------------------------------------------
// Of the newest instance and device: the program has one of each at a time.
static PFN_vkGetInstanceProcAddr next_instance_call;
static PFN_vkGetDeviceProcAddr next_device_call;
#define NEXT(name) static PFN_vk##name next_##name;
CALLS(NEXT)
#undef NEXT
static PFN_vkDestroyInstance next_DestroyInstance;
static PFN_vkDeviceWaitIdle next_DeviceWaitIdle;
static VkDevice device_now;

// What is in flight on a lost device is over, one way or another.
static void lose_device(void) {
    next_DeviceWaitIdle(device_now);
    fault.lost = true;
}

#define FAILING(name, parameters, arguments)                                                                           \
    static VKAPI_ATTR VkResult VKAPI_CALL do_##name parameters {                                                       \
        return fails(#name) ? fault.result : next_##name arguments;                                                    \
    }
#define CREATING(name, info, handle)                                                                                   \
    FAILING(name, (VkDevice d, const info *i, const VkAllocationCallbacks *a, handle *h), (d, i, a, h))

CREATING(AllocateMemory, VkMemoryAllocateInfo, VkDeviceMemory)
CREATING(CreateBuffer, VkBufferCreateInfo, VkBuffer)
CREATING(CreateBufferView, VkBufferViewCreateInfo, VkBufferView)
CREATING(CreateCommandPool, VkCommandPoolCreateInfo, VkCommandPool)
CREATING(CreateDescriptorPool, VkDescriptorPoolCreateInfo, VkDescriptorPool)
CREATING(CreateDescriptorSetLayout, VkDescriptorSetLayoutCreateInfo, VkDescriptorSetLayout)
CREATING(CreateFence, VkFenceCreateInfo, VkFence)
CREATING(CreatePipelineCache, VkPipelineCacheCreateInfo, VkPipelineCache)
CREATING(CreatePipelineLayout, VkPipelineLayoutCreateInfo, VkPipelineLayout)
CREATING(CreateQueryPool, VkQueryPoolCreateInfo, VkQueryPool)
CREATING(CreateShaderModule, VkShaderModuleCreateInfo, VkShaderModule)
FAILING(AllocateCommandBuffers, (VkDevice d, const VkCommandBufferAllocateInfo *i, VkCommandBuffer *h), (d, i, h))
FAILING(AllocateDescriptorSets, (VkDevice d, const VkDescriptorSetAllocateInfo *i, VkDescriptorSet *h), (d, i, h))
FAILING(BeginCommandBuffer, (VkCommandBuffer c, const VkCommandBufferBeginInfo *i), (c, i))
FAILING(BindBufferMemory, (VkDevice d, VkBuffer b, VkDeviceMemory m, VkDeviceSize o), (d, b, m, o))
FAILING(CreateComputePipelines,
        (VkDevice d, VkPipelineCache c, uint32_t n, const VkComputePipelineCreateInfo *i,
         const VkAllocationCallbacks *a, VkPipeline *h),
        (d, c, n, i, a, h))
FAILING(EndCommandBuffer, (VkCommandBuffer c), (c))
FAILING(GetPipelineCacheData, (VkDevice d, VkPipelineCache c, size_t *n, void *p), (d, c, n, p))
FAILING(GetQueryPoolResults,
        (VkDevice d, VkQueryPool q, uint32_t i, uint32_t n, size_t b, void *p, VkDeviceSize s, VkQueryResultFlags f),
        (d, q, i, n, b, p, s, f))
FAILING(MapMemory, (VkDevice d, VkDeviceMemory m, VkDeviceSize o, VkDeviceSize s, VkMemoryMapFlags f, void **p),
        (d, m, o, s, f, p))
FAILING(QueueWaitIdle, (VkQueue q), (q))
FAILING(ResetCommandPool, (VkDevice d, VkCommandPool p, VkCommandPoolResetFlags f), (d, p, f))
FAILING(ResetDescriptorPool, (VkDevice d, VkDescriptorPool p, VkDescriptorPoolResetFlags f), (d, p, f))
FAILING(ResetFences, (VkDevice d, uint32_t n, const VkFence *f), (d, n, f))
FAILING(WaitForFences, (VkDevice d, uint32_t n, const VkFence *f, VkBool32 all, uint64_t t), (d, n, f, all, t))

static VKAPI_ATTR VkResult VKAPI_CALL do_QueueSubmit(VkQueue q, uint32_t n, const VkSubmitInfo *i, VkFence f) {
    if (!fails("QueueSubmit")) return next_QueueSubmit(q, n, i, f);
    const VkResult result = fault.lost ? VK_ERROR_DEVICE_LOST : fault.result;
    return result == VK_SUCCESS ? next_QueueSubmit(q, 0, NULL, f) : result;
}

static VKAPI_ATTR VkResult VKAPI_CALL do_CreateInstance(const VkInstanceCreateInfo *info,
                                                        const VkAllocationCallbacks *allocator, VkInstance *instance) {
    VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext; // the loader's, for us to move on
    while (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO)
        link = (VkLayerInstanceCreateInfo *)link->pNext;
    fault_read();
    next_instance_call = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const PFN_vkCreateInstance create = (PFN_vkCreateInstance)next_instance_call(NULL, "vkCreateInstance");
    const VkResult result = create(info, allocator, instance);
    if (result == VK_SUCCESS)
        next_DestroyInstance = (PFN_vkDestroyInstance)next_instance_call(*instance, "vkDestroyInstance");
    return result;
}

static VKAPI_ATTR void VKAPI_CALL do_DestroyInstance(VkInstance instance, const VkAllocationCallbacks *allocator) {
    fault_log();
    next_DestroyInstance(instance, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL do_CreateDevice(VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkDevice *device) {
    VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
    while (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO)
        link = (VkLayerDeviceCreateInfo *)link->pNext;
    const PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    next_device_call = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const VkResult result = ((PFN_vkCreateDevice)next(NULL, "vkCreateDevice"))(physical, info, allocator, device);
    if (result != VK_SUCCESS) return result;
    fault.lost = false;
    device_now = *device;
    next_DeviceWaitIdle = (PFN_vkDeviceWaitIdle)next_device_call(*device, "vkDeviceWaitIdle");
#define RESOLVE(name) next_##name = (PFN_vk##name)next_device_call(*device, "vk" #name);
    CALLS(RESOLVE)
#undef RESOLVE
    return VK_SUCCESS;
}

// --- what the loader asks for ---------------------------------------------------------------------------------------
static PFN_vkVoidFunction device_call(const char *name) {
#define OURS(call)                                                                                                     \
    if (strcmp(name, "vk" #call) == 0) return (PFN_vkVoidFunction)do_##call;
    CALLS(OURS)
    return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL do_GetDeviceProcAddr(VkDevice device, const char *name) {
    if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (PFN_vkVoidFunction)do_GetDeviceProcAddr;
    const PFN_vkVoidFunction ours = device_call(name);
    return ours ? ours : next_device_call(device, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL do_GetInstanceProcAddr(VkInstance instance, const char *name) {
    OURS(CreateInstance)
    OURS(DestroyInstance)
    OURS(CreateDevice)
    OURS(GetInstanceProcAddr)
    OURS(GetDeviceProcAddr)
    const PFN_vkVoidFunction ours = device_call(name);
    return ours ? ours : next_instance_call(instance, name);
}

VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *version);
VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *version) {
    if (version->loaderLayerInterfaceVersion > 2) version->loaderLayerInterfaceVersion = 2;
    version->pfnGetInstanceProcAddr = do_GetInstanceProcAddr;
    version->pfnGetDeviceProcAddr = do_GetDeviceProcAddr;
    version->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
