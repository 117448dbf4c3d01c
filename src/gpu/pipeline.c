#include "base/parallel.h"
#include "gpu/internal.h"

#include <stdlib.h>
#include <string.h>

static gs_status check_shader(gs__gpu *gpu, const gs__shader *shader, uint32_t spec_count) {
    if (shader->binding_count > GS__MAX_BINDINGS || shader->push_bytes > GS__MAX_PUSH_BYTES ||
        shader->push_bytes % 4 != 0 || shader->texel_mask >> shader->binding_count != 0 || spec_count > GS__MAX_SPEC)
        return gs__fail(gpu->error, GS_ERR_INTERNAL,
                        "kernel %s: %u bindings (at most %d), %u push bytes (at most %d), texel mask 0x%x, "
                        "%u specialization constants (at most %d)",
                        shader->name, (unsigned)shader->binding_count, GS__MAX_BINDINGS, (unsigned)shader->push_bytes,
                        GS__MAX_PUSH_BYTES, (unsigned)shader->texel_mask, (unsigned)spec_count, GS__MAX_SPEC);
    return GS_OK;
}

// Kernels with the same kinds of bindings share a layout, and so can share descriptor sets.
static gs_status get_set_layout(gs__gpu *gpu, const gs__shader *shader, VkDescriptorSetLayout *layout) {
    gs_status status = GS_OK;
    uint32_t index =
        (shader->binding_count * 2 + (shader->reads_state ? 1u : 0u)) << GS__MAX_BINDINGS | shader->texel_mask;
    if (!gpu->layouts[index]) {
        VkDescriptorSetLayoutBinding bindings[2 * GS__MAX_BINDINGS + 1];
        uint32_t count = 0;
        for (uint32_t i = 0; i < shader->binding_count; i++)
            bindings[count++] = (VkDescriptorSetLayoutBinding){i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                                                               VK_SHADER_STAGE_COMPUTE_BIT, NULL};
        if (shader->reads_state)
            bindings[count++] = (VkDescriptorSetLayoutBinding){GS__STATE_BINDING, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1,
                                                               VK_SHADER_STAGE_COMPUTE_BIT, NULL};
        for (uint32_t i = 0; i < shader->binding_count; i++)
            if (shader->texel_mask & UINT32_C(1) << i)
                bindings[count++] =
                    (VkDescriptorSetLayoutBinding){GS__TEXEL_BINDING + i, VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, 1,
                                                   VK_SHADER_STAGE_COMPUTE_BIT, NULL};
        VkDescriptorSetLayoutCreateInfo create = {
            .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
            .bindingCount = count,
            .pBindings = bindings,
        };
        VK_TRY(gpu, gpu->vk.vkCreateDescriptorSetLayout(gpu->device, &create, NULL, &gpu->layouts[index]));
    }
    *layout = gpu->layouts[index];
fail:
    return status;
}

static gs_status create_layout(gs__pipeline *pipeline) {
    gs__gpu *gpu = pipeline->gpu;
    gs_status status = GS_OK;
    GS_TRY(get_set_layout(gpu, pipeline->shader, &pipeline->set_layout));
    VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, pipeline->shader->push_bytes};
    VkPipelineLayoutCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &pipeline->set_layout,
        .pushConstantRangeCount = push.size ? 1 : 0,
        .pPushConstantRanges = &push,
    };
    VK_TRY(gpu, gpu->vk.vkCreatePipelineLayout(gpu->device, &create, NULL, &pipeline->layout));
fail:
    return status;
}

// Touches nothing but its pipeline: called from several threads at once, as is the driver's cache.
static VkResult compile(gs__pipeline *pipeline, VkShaderModule module) {
    gs__gpu *gpu = pipeline->gpu;
    VkSpecializationMapEntry entries[GS__MAX_SPEC];
    for (uint32_t i = 0; i < pipeline->spec_count; i++)
        entries[i] = (VkSpecializationMapEntry){.constantID = i, .offset = 4 * i, .size = 4};
    VkSpecializationInfo spec = {
        .mapEntryCount = pipeline->spec_count,
        .pMapEntries = entries,
        .dataSize = 4 * (size_t)pipeline->spec_count,
        .pData = pipeline->spec,
    };
    const VkPipelineCreateFlags statistics_flags =
        VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
    // All subgroups full, and of the size that the kernel is made for.
    const bool control = pipeline->shader->matrices && gpu->matrix_control;
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = gpu->caps.matrix_subgroup,
    };
    VkComputePipelineCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = gpu->statistics ? statistics_flags : 0,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = control ? &size : NULL,
                .flags =
                    control
                        ? (VkPipelineShaderStageCreateFlags)VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT
                        : 0,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = pipeline->spec_count ? &spec : NULL,
            },
        .layout = pipeline->layout,
    };
    return gpu->vk.vkCreateComputePipelines(gpu->device, gpu->cache, 1, &create, NULL, &pipeline->handle);
}

static void pipeline_destroy(gs__pipeline *pipeline) {
    gs__gpu *gpu = pipeline->gpu;
    gpu->vk.vkDestroyPipeline(gpu->device, pipeline->handle, NULL);
    gpu->vk.vkDestroyPipelineLayout(gpu->device, pipeline->layout, NULL);
    free(pipeline);
}

static gs__pipeline *find(gs__pipeline *list, const gs__shader *shader, const uint32_t *spec, uint32_t spec_count) {
    for (gs__pipeline *p = list; p; p = p->next)
        if (p->shader == shader && p->spec_count == spec_count &&
            (!spec_count || memcmp(p->spec, spec, spec_count * sizeof *spec) == 0))
            return p;
    return NULL;
}

// All but the compiling itself.
static gs_status begin(gs__gpu *gpu, const gs__shader *shader, const uint32_t *spec, uint32_t spec_count,
                       gs__pipeline **result, VkShaderModule *module) {
    gs_status status = GS_OK;
    gs__pipeline *pipeline = NULL;
    GS_TRY(gs__gpu_check(gpu));
    GS_TRY(check_shader(gpu, shader, spec_count));
    pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: kernel %s", shader->name);
    pipeline->gpu = gpu;
    pipeline->shader = shader;
    pipeline->spec_count = spec_count;
    if (spec_count) memcpy(pipeline->spec, spec, spec_count * sizeof *spec);
    status = create_layout(pipeline);
    if (status == GS_OK) status = gs__module_get(gpu, shader, module);
    if (status != GS_OK) {
        gs__fail_at(gpu->error, status, "kernel %s", shader->name);
        pipeline_destroy(pipeline);
        return status;
    }
    *result = pipeline;
fail:
    return status;
}

// Keeps a pipeline that compiled, destroys one that did not.
static gs_status end(gs__pipeline *pipeline, VkResult result) {
    gs__gpu *gpu = pipeline->gpu;
    gs_status status = gs__vk_check(gpu, result, "vkCreateComputePipelines");
    if (status != GS_OK) {
        gs__fail_at(gpu->error, status, "kernel %s", pipeline->shader->name);
        pipeline_destroy(pipeline);
        return status;
    }
    gpu->uncached_pipelines = true;
    pipeline->next = gpu->pipelines;
    gpu->pipelines = pipeline;
    return GS_OK;
}

gs_status gs__pipeline_get(gs__gpu *gpu, const gs__shader *shader, const uint32_t *spec, uint32_t spec_count,
                           gs__pipeline **result) {
    VkShaderModule module;
    *result = find(gpu->pipelines, shader, spec, spec_count);
    if (*result) return GS_OK;
    gs_status status = begin(gpu, shader, spec, spec_count, result, &module);
    if (status == GS_OK) status = end(*result, compile(*result, module));
    if (status != GS_OK) *result = NULL;
    return status;
}

struct compilation {
    gs__pipeline *pipeline;
    VkShaderModule module;
    VkResult result;
};

static void compile_one(void *user, uint32_t index) {
    struct compilation *c = (struct compilation *)user + index;
    c->result = compile(c->pipeline, c->module);
}

gs_status gs__pipeline_prepare(gs__gpu *gpu, const gs__kernel *kernels, uint32_t count) {
    gs_status status = GS_OK;
    uint32_t begun = 0;
    gs__pipeline *made = NULL; // all that are begun, as a list
    struct compilation *compilations = calloc(count ? count : 1, sizeof *compilations);
    if (!compilations) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: %u kernels", (unsigned)count);
    for (uint32_t i = 0; i < count && status == GS_OK; i++) {
        const gs__kernel *k = &kernels[i];
        if (find(gpu->pipelines, k->shader, k->spec, k->spec_count) || find(made, k->shader, k->spec, k->spec_count))
            continue;
        struct compilation *c = &compilations[begun];
        status = begin(gpu, k->shader, k->spec, k->spec_count, &c->pipeline, &c->module);
        if (status != GS_OK) break;
        c->pipeline->next = made;
        made = c->pipeline;
        begun++;
    }
    if (status == GS_OK) gs__parallel(begun, compile_one, compilations);
    // The first failure is reported; what compiled all the same is kept.
    for (uint32_t i = 0; i < begun; i++) {
        if (status == GS_OK) {
            status = end(compilations[i].pipeline, compilations[i].result);
        } else if (compilations[i].pipeline->handle) {
            end(compilations[i].pipeline, VK_SUCCESS);
        } else {
            pipeline_destroy(compilations[i].pipeline);
        }
    }
    free(compilations);
    // Now rather than at the end: a training that is killed has compiled its kernels all the same.
    if (begun) gs__pipeline_cache_save(gpu);
    return status;
}

void gs__pipeline_destroy_all(gs__gpu *gpu) {
    while (gpu->pipelines) {
        gs__pipeline *pipeline = gpu->pipelines;
        gpu->pipelines = pipeline->next;
        pipeline_destroy(pipeline);
    }
}

static double statistic_value(const VkPipelineExecutableStatisticKHR *statistic) {
    switch (statistic->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
        return statistic->value.b32 ? 1 : 0;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
        return (double)statistic->value.i64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
        return (double)statistic->value.u64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR:
        return statistic->value.f64;
    default:
        return 0;
    }
}

static gs_status check_statistics(gs__gpu *gpu) {
    if (gpu->statistics) return GS_OK;
    return gs__fail(gpu->error, GS_ERR_UNSUPPORTED,
                    "no compiler statistics: set GRADSMITH_KERNEL_STATISTICS=1 before the device is opened; "
                    "%.64s must have VK_KHR_pipeline_executable_properties",
                    gpu->caps.info.name);
}

// A compute pipeline is one executable, index 0.
static VkPipelineExecutableInfoKHR executable_of(const gs__pipeline *pipeline) {
    return (VkPipelineExecutableInfoKHR){
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
        .pipeline = pipeline->handle,
    };
}

gs_status gs__pipeline_statistics(gs__pipeline *pipeline, void (*visit)(void *user, const char *name, double value),
                                  void *user) {
    gs_status status = GS_OK;
    gs__gpu *gpu = pipeline->gpu;
    VkPipelineExecutableStatisticKHR *list = NULL;
    const VkPipelineExecutableInfoKHR info = executable_of(pipeline);
    uint32_t count = 0;
    GS_TRY(check_statistics(gpu));
    VK_TRY(gpu, gpu->vk.vkGetPipelineExecutableStatisticsKHR(gpu->device, &info, &count, NULL));
    if (count == 0) return GS_OK;
    list = calloc(count, sizeof *list);
    if (!list) return gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: compiler statistics");
    for (uint32_t i = 0; i < count; i++) list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    VK_TRY(gpu, gpu->vk.vkGetPipelineExecutableStatisticsKHR(gpu->device, &info, &count, list));
    for (uint32_t i = 0; i < count; i++) visit(user, list[i].name, statistic_value(&list[i]));
fail:
    free(list);
    return status;
}

gs_status gs__pipeline_texts(gs__pipeline *pipeline, void (*visit)(void *user, const char *name, const char *text),
                             void *user) {
    enum { MOST = 16 };
    gs_status status = GS_OK;
    gs__gpu *gpu = pipeline->gpu;
    VkPipelineExecutableInternalRepresentationKHR list[MOST] = {0};
    const VkPipelineExecutableInfoKHR info = executable_of(pipeline);
    uint32_t count = 0;
    GS_TRY(check_statistics(gpu));
    VK_TRY(gpu, gpu->vk.vkGetPipelineExecutableInternalRepresentationsKHR(gpu->device, &info, &count, NULL));
    if (count > MOST) count = MOST;
    for (uint32_t i = 0; i < count; i++)
        list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
    // First the sizes, then the texts.
    VK_TRY(gpu, gpu->vk.vkGetPipelineExecutableInternalRepresentationsKHR(gpu->device, &info, &count, list));
    for (uint32_t i = 0; i < count; i++) {
        list[i].pData = calloc(list[i].dataSize + 1, 1);
        if (!list[i].pData) GS_TRY(gs__fail(gpu->error, GS_ERR_MEMORY, "out of host memory: texts of a kernel"));
    }
    VK_TRY(gpu, gpu->vk.vkGetPipelineExecutableInternalRepresentationsKHR(gpu->device, &info, &count, list));
    for (uint32_t i = 0; i < count; i++)
        if (list[i].isText) visit(user, list[i].name, list[i].pData);
fail:
    for (uint32_t i = 0; i < MOST; i++) free(list[i].pData);
    return status;
}
