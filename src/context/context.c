#include "context/context.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A device that was lost, with the instance that it was opened in: some drivers open it in a new one only.
struct lost {
    gs__gpu *gpu;
    gs__instance *instance;
    struct lost *next;
};

struct gs_context {
    gs__error error;
    gs__instance *instance; // made when first needed
    gs__gpu *gpu;           // likewise
    struct lost *lost;
    char reason[200]; // why this gpu
    char *device;     // as wanted; NULL: automatic
    bool validate;
    gs__gpu_options options;
    const struct gs_key *key; // borrowed; NULL: none
    unsigned key_use;
};

gs_status gs_context_create(gs_context **context, const gs_context_params *params) {
    if (!context) return GS_ERR_ARGUMENT;
    *context = NULL;
    gs_context *made = calloc(1, sizeof *made);
    if (!made) return GS_ERR_MEMORY;
    const char *validate = getenv("GRADSMITH_VALIDATE");
    made->validate = (params && params->validate) || (validate && strcmp(validate, "1") == 0);
    if (params)
        made->options =
            (gs__gpu_options){.no_autotune = params->no_autotune, .note = params->note, .note_user = params->note_user};
    if (params && params->device) {
        made->device = gs__text_copy(&made->error, params->device);
        if (!made->device) {
            free(made);
            return GS_ERR_MEMORY;
        }
    }
    *context = made;
    return GS_OK;
}

void gs_context_destroy(gs_context **context) {
    if (!context || !*context) return;
    gs__gpu_close((*context)->gpu);
    gs__instance_destroy((*context)->instance);
    for (struct lost *l = (*context)->lost, *next; l; l = next) {
        next = l->next;
        gs__gpu_close(l->gpu);
        gs__instance_destroy(l->instance);
        free(l);
    }
    free((*context)->device);
    free(*context);
    *context = NULL;
}

const char *gs_context_message(const gs_context *context) {
    return context ? context->error.message : "";
}

gs__error *gs__context_error(gs_context *context) {
    return &context->error;
}

void gs__context_put_key(gs_context *context, const struct gs_key *key, unsigned use) {
    context->key = key;
    context->key_use = use;
}

unsigned gs__context_get_key(const gs_context *context, const struct gs_key **key) {
    *key = context->key;
    return context->key_use;
}

void gs__context_note(gs_context *context, const char *text) {
    if (context->options.note) context->options.note(context->options.note_user, text);
}

static gs_status open_instance(gs_context *context) {
    if (context->instance) return GS_OK;
    return gs__instance_create(&context->error, &(gs__instance_params){.validate = context->validate},
                               &context->instance);
}

gs_status gs__context_gpu(gs_context *context, gs__gpu **gpu) {
    gs_status status;
    if (!context->gpu) {
        uint32_t index = 0;
        GS_TRY(open_instance(context));
        GS_TRY(gs__instance_choose(&context->error, context->instance, context->device, &index, context->reason,
                                   sizeof context->reason));
        GS_TRY(gs__gpu_open(&context->error, context->instance, index, &context->gpu));
        *gs__gpu_options_of(context->gpu) = context->options;
    }
    *gpu = context->gpu;
    return GS_OK;
fail:
    return status;
}

gs_status gs__context_forget_lost(gs_context *context) {
    if (!context->gpu || !gs__gpu_is_lost(context->gpu)) return GS_OK;
    struct lost *lost = gs__allocate(&context->error, 1, sizeof *lost, "lost device");
    if (!lost) return GS_ERR_MEMORY;
    *lost = (struct lost){context->gpu, context->instance, context->lost};
    context->lost = lost;
    context->gpu = NULL;
    context->instance = NULL;
    return GS_OK;
}

gs_status gs__context_check_validation(gs_context *context) {
    const char *first = NULL;
    uint64_t count = context->instance ? gs__instance_validation_errors(context->instance, &first) : 0;
    if (count == 0) return GS_OK;
    return gs__fail(&context->error, GS_ERR_INTERNAL, "%llu Vulkan validation messages, the first: %.400s",
                    (unsigned long long)count, first ? first : "");
}

gs_status gs_device_list(gs_context *context, gs_device_info *infos, uint32_t capacity, uint32_t *count) {
    if (!context) return GS_ERR_ARGUMENT;
    if (!count || (capacity && !infos))
        return gs__fail(&context->error, GS_ERR_ARGUMENT, "gs_device_list: %s is NULL", count ? "infos" : "count");
    gs_status status = open_instance(context);
    if (status != GS_OK) return status;
    return gs__instance_list(&context->error, context->instance, infos, capacity, count);
}

gs_status gs_device_get(gs_context *context, gs_device_info *info, char *reason, size_t reason_bytes) {
    if (!context) return GS_ERR_ARGUMENT;
    if (!info) return gs__fail(&context->error, GS_ERR_ARGUMENT, "gs_device_get: info is NULL");
    gs_device_info *infos = NULL;
    gs_status status;
    uint32_t index = 0, count = 0;
    if (context->gpu) {
        // Open already: that one, even if the environment has changed since.
        *info = gs__gpu_get_caps(context->gpu)->info;
        if (reason && reason_bytes) snprintf(reason, reason_bytes, "%s", context->reason);
        return GS_OK;
    }
    GS_TRY(open_instance(context));
    GS_TRY(gs__instance_choose(&context->error, context->instance, context->device, &index, reason, reason_bytes));
    GS_TRY(gs__instance_list(&context->error, context->instance, NULL, 0, &count));
    infos = gs__allocate(&context->error, count, sizeof *infos, "list of devices");
    if (!infos) return GS_ERR_MEMORY;
    uint32_t capacity = count;
    GS_TRY(gs__instance_list(&context->error, context->instance, infos, capacity, &count));
    if (index >= capacity || index >= count) {
        status = gs__fail(&context->error, GS_ERR_DEVICE, "the list of devices changed while it was read: try again");
        goto fail;
    }
    *info = infos[index];
fail:
    free(infos);
    return status;
}
