// Cooperative matrices: what a device has of them, and what must be enabled. Their Vulkan structs are declared here, since
// the headers of older systems lack them.
#include "gpu/internal.h"

#include <stdlib.h>
#include <string.h>

// VK_KHR_cooperative_matrix, VK_KHR_shader_bfloat16 (Vulkan specification, appendix of extensions).
enum {
    COOPERATIVE_MATRIX_FEATURES = 1000506000,
    COOPERATIVE_MATRIX_PROPERTIES = 1000506001,
    BFLOAT16_FEATURES = 1000141000,
    COMPONENT_FLOAT16 = 0,
    COMPONENT_FLOAT32 = 1,
    COMPONENT_BFLOAT16 = 1000141000,
    SCOPE_SUBGROUP = 3
};

struct shape {
    VkStructureType sType;
    void *pNext;
    uint32_t m, n, k;
    int32_t a, b, c, result;
    VkBool32 saturating;
    int32_t scope;
};
typedef VkResult(VKAPI_PTR *get_shapes)(VkPhysicalDevice, uint32_t *, struct shape *);

// 16 x 16 x 16 where there is such a shape, else the largest below.
static gs__matrix_shape choose_shape(const struct shape *shapes, uint32_t count, int32_t factor) {
    gs__matrix_shape best = {0, 0, 0};
    for (uint32_t i = 0; i < count; i++) {
        const struct shape *s = &shapes[i];
        if (s->a != factor || s->b != factor || s->c != COMPONENT_FLOAT32 || s->result != COMPONENT_FLOAT32 ||
            s->scope != SCOPE_SUBGROUP || s->saturating)
            continue;
        const uint32_t sizes[3] = {s->m, s->n, s->k};
        bool fits = true;
        for (int j = 0; j < 3; j++) fits = fits && sizes[j] >= 8 && sizes[j] <= 32 && !(sizes[j] & (sizes[j] - 1));
        const bool square = s->m == 16 && s->n == 16 && s->k == 16;
        if (!fits || (!square && s->m * s->n * s->k <= best.m * best.n * best.k)) continue;
        best = (gs__matrix_shape){s->m, s->n, s->k};
        if (square) break;
    }
    return best;
}

void gs__matrix_query(gs__physical_facts *facts, const gs__instance *instance, VkPhysicalDevice device, bool has_bfloat,
                      bool has_control) {
    const get_shapes get =
        (get_shapes)vkGetInstanceProcAddr(instance->handle, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    if (!get) return;
    gs__matrix_features f = {.matrix = {.sType = (VkStructureType)COOPERATIVE_MATRIX_FEATURES},
                             .bfloat = {.sType = (VkStructureType)BFLOAT16_FEATURES}};
    VkPhysicalDeviceSubgroupSizeControlFeatures control = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceVulkan12Features core = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &core};
    core.pNext = &f.matrix;
    if (has_bfloat) f.matrix.pNext = &f.bfloat;
    if (has_control) {
        control.pNext = core.pNext;
        core.pNext = &control;
    }
    instance->vk.GetPhysicalDeviceFeatures2(device, &features);
    if (!f.matrix.cooperativeMatrix || !core.vulkanMemoryModel) return;

    uint32_t count = 0;
    if (get(device, &count, NULL) != VK_SUCCESS || !count) return;
    struct shape *shapes = calloc(count, sizeof *shapes);
    if (!shapes) return; // then without
    for (uint32_t i = 0; i < count; i++) shapes[i].sType = (VkStructureType)COOPERATIVE_MATRIX_PROPERTIES;
    if (get(device, &count, shapes) == VK_SUCCESS) {
        if (core.shaderFloat16) facts->matrix_half = choose_shape(shapes, count, COMPONENT_FLOAT16);
        if (f.bfloat.shaderBFloat16Type && f.bfloat.shaderBFloat16CooperativeMatrix)
            facts->matrix_bfloat = choose_shape(shapes, count, COMPONENT_BFLOAT16);
    }
    free(shapes);
    if (!facts->matrix_half.m && !facts->matrix_bfloat.m) return;

    // Intel's matrix units work at the least subgroup size, and are slower than without them where that is 8.
    facts->matrix_subgroup = facts->info.subgroup_size;
    VkPhysicalDeviceSubgroupSizeControlProperties sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &sizes};
    if (has_control) instance->vk.GetPhysicalDeviceProperties2(device, &properties);
    const bool can_choose = control.subgroupSizeControl && control.computeFullSubgroups &&
                            sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT;
    if (facts->info.vendor_id == 0x8086) {
        if (can_choose) facts->matrix_subgroup = sizes.minSubgroupSize;
        if (!can_choose || sizes.minSubgroupSize < 16) facts->matrix_subgroup = 0;
    }
    facts->matrix_control = can_choose && sizes.minSubgroupSize <= facts->matrix_subgroup &&
                            facts->matrix_subgroup <= sizes.maxSubgroupSize;
    // Drivers must not choose another size than the kernels are made for.
    if (!facts->matrix_control && sizes.minSubgroupSize != sizes.maxSubgroupSize) facts->matrix_subgroup = 0;
}

const void *gs__matrix_enable(const gs__physical_facts *facts, gs__matrix_features *f, const void *next,
                              const char **extensions, uint32_t *extension_count) {
    if (!facts->matrix_subgroup) return next;
    *f = (gs__matrix_features){
        .matrix = {.sType = (VkStructureType)COOPERATIVE_MATRIX_FEATURES, .cooperativeMatrix = VK_TRUE},
        .bfloat = {.sType = (VkStructureType)BFLOAT16_FEATURES,
                   .shaderBFloat16Type = VK_TRUE,
                   .shaderBFloat16CooperativeMatrix = VK_TRUE},
        .control = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
                    .subgroupSizeControl = VK_TRUE,
                    .computeFullSubgroups = VK_TRUE},
        .core = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                 .shaderFloat16 = facts->matrix_half.m > 0,
                 .vulkanMemoryModel = VK_TRUE},
    };
    f->core.pNext = (void *)(uintptr_t)next;
    f->matrix.pNext = &f->core;
    extensions[(*extension_count)++] = "VK_KHR_cooperative_matrix";
    next = &f->matrix;
    if (facts->matrix_bfloat.m) {
        extensions[(*extension_count)++] = "VK_KHR_shader_bfloat16";
        f->bfloat.pNext = (void *)(uintptr_t)next;
        next = &f->bfloat;
    }
    if (facts->matrix_control) {
        if (facts->api < VK_API_VERSION_1_3)
            extensions[(*extension_count)++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
        f->control.pNext = (void *)(uintptr_t)next;
        next = &f->control;
    }
    return next;
}
