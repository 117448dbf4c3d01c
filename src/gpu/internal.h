// Structs that the files of this folder share. volk.h brings Vulkan's headers without prototypes.
#ifndef GS_GPU_INTERNAL_H
#define GS_GPU_INTERNAL_H

#include "gpu/gpu.h"
#include <pthread.h>
#include <volk.h>

// --- loader.c -------------------------------------------------------------------------------------------------
// Loads libvulkan once per process. Thread-safe.
gs_status gs__loader_open(gs__error *error);
// Around what makes or destroys instances and devices, and around looking up a device's functions: the loader walks its
// list of instances for names that it does not know, without a lock of its own (seen crash in 1.3.239).
void gs__loader_lock(void);
void gs__loader_unlock(void);
// What volk needs before volkLoadDeviceTable; called with the first instance. Thread-safe.
void gs__loader_set_instance(VkInstance instance);

// --- result.c -------------------------------------------------------------------------------------------------
const char *gs__result_name(VkResult result);
gs_status gs__result_status(VkResult result);
// Turns a VkResult into a status and a message with the call's name. A lost device is remembered.
gs_status gs__vk_check(gs__gpu *gpu, VkResult result, const char *call);
#define VK_TRY(gpu, call) GS_TRY(gs__vk_check(gpu, call, #call))

// --- instance.c -----------------------------------------------------------------------------------------------
// Instance functions are kept per instance, so that volk's globals are written only once.
#define GS__INSTANCE_CALLS(X)                                                                                          \
    X(CreateDevice)                                                                                                    \
    X(DestroyInstance)                                                                                                 \
    X(EnumerateDeviceExtensionProperties)                                                                              \
    X(EnumeratePhysicalDevices)                                                                                        \
    X(GetPhysicalDeviceFeatures2)                                                                                      \
    X(GetPhysicalDeviceMemoryProperties)                                                                               \
    X(GetPhysicalDeviceMemoryProperties2)                                                                              \
    X(GetPhysicalDeviceProperties)                                                                                     \
    X(GetPhysicalDeviceProperties2)                                                                                    \
    X(GetPhysicalDeviceQueueFamilyProperties)

struct gs__instance {
    VkInstance handle;
    uint32_t api; // what the instance was made with
#define GS__INSTANCE_CALL(name) PFN_vk##name name;
    struct {
        GS__INSTANCE_CALLS(GS__INSTANCE_CALL)
        PFN_vkCreateDebugUtilsMessengerEXT CreateDebugUtilsMessengerEXT;   // NULL without validation
        PFN_vkDestroyDebugUtilsMessengerEXT DestroyDebugUtilsMessengerEXT; // NULL without validation
    } vk;
#undef GS__INSTANCE_CALL
    VkDebugUtilsMessengerEXT messenger;
    pthread_mutex_t lock; // of the two below: layers may call from any thread
    uint64_t validation_errors;
    char first_error[1024];
    VkPhysicalDevice *devices;
    gs_device_info *infos;
    uint32_t device_count;
};

// --- info.c ---------------------------------------------------------------------------------------------------
// What is asked of a physical device, once.
typedef struct gs__physical_facts {
    gs_device_info info;
    uint32_t api; // usable: the lower of the instance's and the device's; below 1.1: only `info` is filled
    VkPhysicalDeviceLimits limits;
    VkPhysicalDeviceMemoryProperties memory;
    uint64_t max_allocation_bytes;
    bool subgroup_shuffle;
    bool wave64_only;           // AMD, subgroups of 64 lanes and no other
    bool portability_subset;    // must be enabled when there
    bool executable_properties; // VK_KHR_pipeline_executable_properties
    bool memory_budget;         // VK_EXT_memory_budget
    // caps.matrix_*; `matrix_control`: the subgroup size is asked for.
    gs__matrix_shape matrix_half, matrix_bfloat;
    uint32_t matrix_subgroup;
    bool matrix_control;
} gs__physical_facts;

// --- matrix.c -------------------------------------------------------------------------------------------------
// As VkPhysicalDeviceCooperativeMatrixFeaturesKHR and VkPhysicalDeviceShaderBfloat16FeaturesKHR.
typedef struct gs__matrix_features {
    struct {
        VkStructureType sType;
        void *pNext;
        VkBool32 cooperativeMatrix, cooperativeMatrixRobustBufferAccess;
    } matrix;
    struct {
        VkStructureType sType;
        void *pNext;
        VkBool32 shaderBFloat16Type, shaderBFloat16DotProduct, shaderBFloat16CooperativeMatrix;
    } bfloat;
    VkPhysicalDeviceSubgroupSizeControlFeatures control;
    VkPhysicalDeviceVulkan12Features core;
} gs__matrix_features;

// Fills in the matrix_* of `facts`; for devices of Vulkan 1.2 with VK_KHR_cooperative_matrix.
void gs__matrix_query(gs__physical_facts *facts, const gs__instance *instance, VkPhysicalDevice device, bool has_bfloat,
                      bool has_control);
// Adds to a device's features and extensions (at most 3) what the matrices need; returns the new chain.
const void *gs__matrix_enable(const gs__physical_facts *facts, gs__matrix_features *features, const void *next,
                              const char **extensions, uint32_t *extension_count);

gs_status gs__physical_query(gs__error *error, const gs__instance *instance, VkPhysicalDevice device,
                             gs__physical_facts *facts);
const char *gs__vendor_name(uint32_t vendor_id); // NULL when unknown
// `driver_id`: a VkDriverId, or 0 when the driver does not say.
void gs__driver_version_text(uint32_t vendor_id, uint32_t driver_id, uint32_t version, char *text, size_t bytes);

// --- choose.c: no Vulkan calls --------------------------------------------------------------------------------
// gs__instance_choose on a list. `environment`: value of $GRADSMITH_DEVICE, or NULL.
gs_status gs__choose_device(gs__error *error, const gs_device_info *infos, uint32_t count, const char *select,
                            const char *environment, uint32_t *index, char *reason, size_t reason_bytes);

// --- device.c -------------------------------------------------------------------------------------------------
enum { GS__DEVICE_KEY_BYTES = 64, GS__CACHE_TEXT_BYTES = 96 };
enum { GS__LAYOUT_COUNT = (GS__MAX_BINDINGS + 1) * 2 << GS__MAX_BINDINGS };

struct gs__gpu {
    gs__instance *instance;
    gs__error *error;
    gs__gpu_caps caps;
    VkPhysicalDevice physical;
    VkDevice device;
    struct VolkDeviceTable vk;
    VkQueue queue;
    uint32_t queue_family;
    uint64_t timestamp_mask;
    VkPhysicalDeviceMemoryProperties memory;
    uint32_t main_heap; // largest device-local heap
    uint64_t max_uniform_range;
    bool staged;         // device memory is not mapped
    bool hides_map;      // $GRADSMITH_MEMORY=staged
    bool statistics;     // pipelines are created with statistics
    bool has_budget;     // VK_EXT_memory_budget
    bool matrix_control; // kernels with matrices ask for their subgroup size
    gs_status failed;    // GS_OK, or why nothing can be submitted any more
    char failed_message[256];

    gs__gpu_options options;
    gs__attachment attachment;

    VkPipelineCache cache;
    char *cache_dir; // NULL: nothing is kept on disk
    char device_key[GS__DEVICE_KEY_BYTES];
    size_t cached_bytes;     // of the pipelines on disk
    bool uncached_pipelines; // some were compiled since
    VkDescriptorSetLayout layouts[GS__LAYOUT_COUNT];
    struct gs__module *modules;
    struct gs__pipeline *pipelines;
    struct gs__commands *commands; // all of them

    // Blocking copies and fills.
    VkCommandPool transfer_pool;
    VkCommandBuffer transfer;
    VkFence transfer_fence;
    gs__buffer *staging; // made at the first staged copy

    uint32_t allocation_count; // of buffers that live
    uint64_t allocation_bytes;
};

// GS_OK, or the sticky failure with its message.
gs_status gs__gpu_check(gs__gpu *gpu);
// Waits for a fence, for at most a minute: a device that takes longer is treated as hung, for good.
gs_status gs__gpu_wait_fence(gs__gpu *gpu, VkFence fence);
// Lets everything of the device and its instance live as long as the process.
void gs__gpu_abandon(gs__gpu *gpu);
// Waits for every submission in flight; failures are ignored.
void gs__gpu_drain(gs__gpu *gpu);

// --- memory.c -------------------------------------------------------------------------------------------------
struct gs__buffer {
    gs__gpu *gpu;
    VkBuffer handle;
    VkDeviceMemory memory;
    uint64_t bytes;
    uint64_t padded_bytes; // of `handle`: a multiple of 16
    void *map;             // NULL: staged
    bool cached;           // the host reads `map` at full speed
};

// --- pipeline.c, module.c -------------------------------------------------------------------------------------
typedef struct gs__module {
    struct gs__module *next;
    const gs__shader *shader;
    VkShaderModule handle;
} gs__module;

// Finds or makes the module of a shader, from $GRADSMITH_SHADER_DIR where that has one.
gs_status gs__module_get(gs__gpu *gpu, const gs__shader *shader, VkShaderModule *module);
void gs__module_destroy_all(gs__gpu *gpu);
// Whether words are SPIR-V with no other bindings than the shader has. `path` is for messages.
gs_status gs__module_check(gs__error *error, const gs__shader *shader, const uint32_t *words, size_t word_count,
                           const char *path);

struct gs__pipeline {
    struct gs__pipeline *next;
    gs__gpu *gpu;
    const gs__shader *shader;
    uint32_t spec[GS__MAX_SPEC];
    uint32_t spec_count;
    VkDescriptorSetLayout set_layout; // the gpu's
    VkPipelineLayout layout;
    VkPipeline handle;
};

void gs__pipeline_destroy_all(gs__gpu *gpu);

// --- cache.c --------------------------------------------------------------------------------------------------
// Makes the driver's cache, filled with what an earlier run kept.
gs_status gs__pipeline_cache_open(gs__gpu *gpu);
// Writes it when pipelines were added. Failures are ignored.
void gs__pipeline_cache_save(gs__gpu *gpu);

// --- command.c, descriptor.c ----------------------------------------------------------------------------------
// What a descriptor set holds: equal keys share a set. Compared as bytes.
typedef struct gs__set_key {
    VkDescriptorSetLayout layout;
    uint64_t texel_words; // of the shader
    struct {
        VkBuffer buffer;
        uint64_t offset, bytes;
    } range[GS__MAX_BINDINGS + 1]; // the last: State
} gs__set_key;

typedef struct gs__set {
    gs__set_key key;
    VkDescriptorSet handle; // VK_NULL_HANDLE: a free slot
} gs__set;

typedef struct gs__view {
    VkBuffer buffer;
    uint64_t offset, bytes;
    VkFormat format;
    VkBufferView handle;
} gs__view;

struct gs__commands {
    gs__gpu *gpu;
    struct gs__commands *previous, *next; // in the gpu's list
    VkCommandPool pool;
    VkCommandBuffer handle;
    VkFence fence;
    bool in_flight, recording, recorded;
    gs_status status; // first failure of a call that returns nothing

    // What was recorded since the last barrier towards compute [0] and transfer [1]; `pending` says which of the two
    // wants one before its next command.
    VkPipelineStageFlags unsynced[2];
    bool pending[2];

    VkPipeline bound_pipeline;
    VkDescriptorSet bound_set;

    VkQueryPool queries; // VK_NULL_HANDLE without timestamps
    uint32_t timestamp_count;
    uint32_t *stamped; // bit mask of the timestamps that were recorded

    // Descriptors, valid until the next begin.
    VkDescriptorPool *pools;
    uint32_t pool_count, pool_used; // pools[pool_used] is the one that sets are taken from
    uint32_t sets_in_pool;          // taken from it
    gs__set *sets;                  // open addressing
    uint32_t set_count, set_capacity;
    gs__view *views;
    uint32_t view_count, view_capacity;
};

// The descriptor set for these ranges (checked by the caller). Owned by the commands.
gs_status gs__descriptor_get(gs__commands *commands, const gs__pipeline *pipeline, const gs__range *ranges,
                             const gs__range *state, VkDescriptorSet *set);
void gs__descriptor_reset(gs__commands *commands);
void gs__descriptor_destroy(gs__commands *commands);

#endif
