// What of a model is trained: the place of its parameters, freezing layers, weights of another model.
#include "base/memory.h"
#include "data/safetensors.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

bool gs__model_is_trained(const gs_model *model, const gs__model_parameter *parameter) {
    return !parameter->not_trained && !model->layers[parameter->layer].params.frozen;
}

gs_status gs__model_place_parameters(gs_model *model) {
    uint64_t bytes = 0;
    for (int trained = 1; trained >= 0; trained--) {
        for (uint32_t i = 0; i < model->parameter_count; i++) {
            gs__model_parameter *p = &model->parameters[i];
            if (gs__model_is_trained(model, p) != (trained == 1)) continue;
            p->offset = bytes;
            bytes += (p->count * sizeof(float) + GS__PARAMETER_ALIGN - 1) / GS__PARAMETER_ALIGN * GS__PARAMETER_ALIGN;
        }
        if (trained) model->trainable_bytes = bytes;
    }
    model->parameter_bytes = bytes;
    if (bytes / sizeof(float) <= INT32_MAX) return GS_OK;
    const gs__model_parameter *last = &model->parameters[model->parameter_count - 1];
    char text[96];
    return gs__fail(model->error, GS_ERR_ARGUMENT,
                    "with its %s of shape %s the model has more than 2^31 - 1 parameters", strrchr(last->name, '/') + 1,
                    gs__shape_text(&last->shape, false, text, sizeof text));
}

// Moves the weights to where the parameters lie now.
static gs_status replace_parameters(gs_model *model) {
    gs_status status = GS_OK;
    float *old = model->weights, *weights = NULL;
    uint64_t *before = gs__allocate(model->error, model->parameter_count, sizeof *before, "places of parameters");
    if (!before) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < model->parameter_count; i++) before[i] = model->parameters[i].offset;
    GS_TRY(gs__model_download(model));
    weights = gs__allocate(model->error, model->parameter_bytes, 1, "weights");
    if (!weights) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(gs__model_place_parameters(model)); // the padded sizes are the same: so is the sum
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        memcpy(weights + p->offset / sizeof(float), old + before[i] / sizeof(float), p->count * sizeof(float));
    }
    model->weights = weights;
    model->device_stale = true;
    weights = old;
fail:
    free(weights);
    free(before);
    return status;
}

static bool matches(const char *name, const char *pattern) {
    const size_t length = strlen(pattern);
    if (length && pattern[length - 1] == '*') return strncmp(name, pattern, length - 1) == 0;
    return strcmp(name, pattern) == 0;
}

gs_status gs_model_set_trainable(gs_model *model, const char *layers, bool trainable, uint32_t *count) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!layers) return gs__fail(model->error, GS_ERR_ARGUMENT, "gs_model_set_trainable: layers is NULL");
    if (model->fitting)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "gs_model_set_trainable: the model is being trained; wait for fit to return");
    uint32_t found = 0, changed = 0;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        gs__model_layer *layer = &model->layers[i];
        if (!matches(layer->name, layers) || gs__layer_is_input(&layer->params)) continue;
        found++;
        changed += layer->params.frozen == trainable;
        layer->params.frozen = !trainable;
    }
    if (count) *count = found;
    if (!found)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "the model has no layer \"%s\"; its last is \"%s\"", layers,
                        model->layers[model->layer_count - 1].name);
    if (!changed) return GS_OK;
    gs_status status = replace_parameters(model);
    if (status == GS_OK) gs__model_forget_training(model);
    return status;
}

// --- weights of another model --------------------------------------------------------------------------------------
// Whether the file has all parameters of a layer, in the same shapes; *named: whether it has any of these names.
static bool has_layer(const gs_model *model, const gs__model_layer *layer, const gs__safetensors *file, bool *named) {
    bool all = true;
    *named = false;
    for (uint32_t i = 0; i < layer->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[layer->first_parameter + i];
        const int64_t at = gs__safetensors_find(file, p->name);
        gs__safetensors_info info;
        if (at >= 0) gs__safetensors_get(file, (uint32_t)at, &info);
        *named = *named || at >= 0;
        all = all && at >= 0 && gs__shape_equal(&info.shape, &p->shape);
    }
    return all;
}

gs_status gs_model_transfer_weights(gs_model *model, const char *path, gs_transfer_info *info) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!path) return gs__fail(model->error, GS_ERR_ARGUMENT, "transfer: the path is NULL");
    gs_status status = GS_OK;
    gs__safetensors *file = NULL;
    gs_transfer_info found = {0};
    GS_TRY(gs__safetensors_open_in(model->context, path, &file));
    GS_TRY(gs__model_download(model));
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const gs__model_layer *layer = &model->layers[i];
        bool named = false;
        if (!layer->parameter_count) continue;
        if (!has_layer(model, layer, file, &named)) {
            if (named) found.other_shape_count++;
            else found.missing_count++;
            continue;
        }
        for (uint32_t p = layer->first_parameter; p < layer->first_parameter + layer->parameter_count; p++) {
            const int64_t at = gs__safetensors_find(file, model->parameters[p].name);
            GS_TRY(gs__safetensors_read_f32(file, (uint32_t)at,
                                            model->weights + model->parameters[p].offset / sizeof(float)));
        }
        model->device_stale = true;
        found.layer_count++;
    }
    if (!found.layer_count)
        status = gs__fail(model->error, GS_ERR_ARGUMENT,
                          "%s: no layer of the model has all its weights there, by name and shape", path);
    if (info) *info = found;
fail:
    gs__safetensors_close(file);
    return status;
}
