// Features and limits of a device, and what gradsmith makes of them.
#include "doctor/doctor.h"

#include <stdio.h>

struct list {
    gs_doctor_fact *facts;
    uint32_t count;
};

static gs_doctor_fact *add(struct list *list, const char *name, const char *use, gs_doctor_grade grade) {
    gs_doctor_fact *fact = &list->facts[list->count++];
    *fact = (gs_doctor_fact){.name = name, .use = use, .grade = grade};
    snprintf(fact->found, sizeof fact->found, "%s", grade == GS_DOCTOR_GOOD ? "yes" : "no");
    return fact;
}

static void add_feature(struct list *list, const char *name, const char *use, bool is_there) {
    add(list, name, use, is_there ? GS_DOCTOR_GOOD : GS_DOCTOR_ABSENT);
}

// What Vulkan promises is the least that the kernels need.
static void add_limit(struct list *list, const char *name, const char *use, uint64_t found, uint64_t least) {
    gs_doctor_fact *fact = add(list, name, use, found < least ? GS_DOCTOR_BAD : GS_DOCTOR_GOOD);
    snprintf(fact->found, sizeof fact->found, "%llu%s%llu", (unsigned long long)found,
             found < least ? ", less than the needed " : ", needed ", (unsigned long long)least);
}

static void add_matrices(struct list *list, const gs__gpu_caps *caps) {
    const gs__matrix_shape *half = &caps->matrix_half, *bfloat = &caps->matrix_bfloat;
    gs_doctor_fact *fact =
        add(list, "cooperative matrix", "products of mixed precision by matrix units, with the Vulkan memory model",
            half->m || bfloat->m ? GS_DOCTOR_GOOD : GS_DOCTOR_ABSENT);
    if (half->m || bfloat->m)
        snprintf(fact->found, sizeof fact->found, "float16 %ux%ux%u, bfloat16 %ux%ux%u", half->m, half->n, half->k,
                 bfloat->m, bfloat->n, bfloat->k);
    else if (caps->info.cooperative_matrix)
        snprintf(fact->found, sizeof fact->found, "yes, but no shape or memory model that is used");
}

uint32_t gs__doctor_facts(const gs__gpu_caps *caps, gs_doctor_fact facts[GS__DOCTOR_MAX_FACTS]) {
    struct list list = {facts, 0};
    gs_doctor_fact *fact = add(&list, "kernels", "shapes of the kernels, by the type of the device", GS_DOCTOR_GOOD);
    snprintf(fact->found, sizeof fact->found, "%s",
             caps->kernel_class == GS__KERNELS_CPU ? "for CPUs"
             : caps->kind == GS__GPU_INTEGRATED    ? "for integrated GPUs"
             : caps->kind == GS__GPU_GCN           ? "for GPUs of AMD's GCN"
                                                   : "for discrete GPUs");
    fact = add(&list, "subgroups", "width; CPU kernels for 8 lanes, matrix units",
               caps->info.subgroup_size ? GS_DOCTOR_GOOD : GS_DOCTOR_ABSENT);
    if (caps->info.subgroup_size) snprintf(fact->found, sizeof fact->found, "%u lanes", caps->info.subgroup_size);
    add_feature(&list, "subgroup shuffle", "quicker kernels on CPU drivers with subgroups of 8 lanes",
                caps->subgroup_shuffle);
    add_feature(&list, "timestamps", "train --profile, bench and tuning by the device's clock", caps->timestamps);
    add_feature(&list, "float16", "arithmetic and storage; mixed_float16 works without, not faster", caps->info.fp16);
    add_matrices(&list, caps);
    add_feature(&list, "unified memory", "nothing is staged between host and device", caps->unified);
    add_limit(&list, "shared memory", "bytes for a workgroup", caps->max_shared_bytes, 16384);
    add_limit(&list, "workgroup", "invocations", caps->max_invocations, 128);
    add_limit(&list, "workgroups", "of a dispatch, along x", caps->max_groups[0], 65535);
    add_limit(&list, "binding", "bytes of a storage buffer that a kernel sees at once", caps->max_storage_range,
              (uint64_t)1 << 27);
    add_limit(&list, "texel view", "elements of a texel buffer", caps->max_texel_elements, 65536);
    return list.count;
}
