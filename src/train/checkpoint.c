#include "base/file.h"
#include "base/memory.h"
#include "context/context.h"
#include "data/safetensors.h"
#include "model/model.h"
#include "protect/protect.h"
#include "tensor/shape.h"
#include <gradsmith/checkpoint.h>

#include <stdlib.h>
#include <string.h>

#define MAX_JSON_BYTES (64u << 20)

gs_status gs_model_save_weights(gs_model *model, const char *path) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!path) return gs__fail(model->error, GS_ERR_ARGUMENT, "save: the path is NULL");
    gs_status status = gs__model_download(model);
    if (status != GS_OK) return status;
    gs__safetensors_entry *entries =
        gs__allocate(model->error, model->parameter_count, sizeof *entries, "list of parameters");
    if (!entries) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        entries[i] = (gs__safetensors_entry){
            .name = p->name, .shape = p->shape, .values = model->weights + p->offset / sizeof(float)};
    }
    status = gs__safetensors_write_in(model->context, path, NULL, NULL, entries, model->parameter_count);
    free(entries);
    return status;
}

static gs_status save_json(gs_model *model, const char *path) {
    size_t bytes = 0;
    gs_status status = gs_model_to_json(model, NULL, 0, &bytes);
    if (status != GS_OK) return status;
    char *json = gs__allocate(model->error, bytes, 1, "model's JSON");
    if (!json) return GS_ERR_MEMORY;
    status = gs_model_to_json(model, json, bytes, NULL);
    if (status == GS_OK) status = gs__context_write_file(model->context, path, json, strlen(json));
    free(json);
    return status;
}

gs_status gs_model_save(gs_model *model, const char *dir) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!dir) return gs__fail(model->error, GS_ERR_ARGUMENT, "save: the folder is NULL");
    gs_status status = GS_OK;
    char *json = gs__path_join(model->error, dir, "model.json");
    char *weights = gs__path_join(model->error, dir, "model.safetensors");
    if (!json || !weights) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(gs__dir_make(model->error, dir));
    GS_TRY(save_json(model, json));
    GS_TRY(gs_model_save_weights(model, weights));
fail:
    free(json);
    free(weights);
    return status;
}

// The tensor of a parameter, checked.
static gs_status find_parameter(gs_model *model, const gs__safetensors *file, const gs__model_parameter *p,
                                uint32_t *index) {
    char found[128], wanted[128];
    gs__safetensors_info info;
    const int64_t at = gs__safetensors_find(file, p->name);
    if (at < 0) {
        if (!gs__safetensors_count(file))
            return gs__fail(model->error, GS_ERR_ARGUMENT, "there is no tensor \"%s\": the file is empty", p->name);
        gs__safetensors_get(file, 0, &info);
        return gs__fail(
            model->error, GS_ERR_ARGUMENT,
            "there is no tensor \"%s\" among its %u (the first is \"%s\"); names must be those of the model", p->name,
            gs__safetensors_count(file), info.name);
    }
    *index = (uint32_t)at;
    gs__safetensors_get(file, *index, &info);
    if (gs__shape_equal(&info.shape, &p->shape)) return GS_OK;
    return gs__fail(model->error, GS_ERR_ARGUMENT, "tensor \"%s\" is %s but the model's is %s", p->name,
                    gs__shape_text(&info.shape, false, found, sizeof found),
                    gs__shape_text(&p->shape, false, wanted, sizeof wanted));
}

static bool has_parameter(const gs_model *model, const char *name) {
    for (uint32_t i = 0; i < model->parameter_count; i++)
        if (strcmp(model->parameters[i].name, name) == 0) return true;
    return false;
}

gs_status gs_model_load_weights(gs_model *model, const char *path) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!path) return gs__fail(model->error, GS_ERR_ARGUMENT, "load: the path is NULL");
    gs_status status = GS_OK;
    gs__safetensors *file = NULL;
    float *weights = NULL;
    GS_TRY(gs__safetensors_open_in(model->context, path, &file));
    weights = gs__allocate(model->error, model->parameter_bytes / sizeof(float) + 1, sizeof(float), "weights");
    if (!weights) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        uint32_t index = 0;
        status = find_parameter(model, file, p, &index);
        if (status != GS_OK) {
            gs__fail_at(model->error, status, "%s", gs__path_show(path));
            goto fail;
        }
        GS_TRY(gs__safetensors_read_f32(file, index, weights + p->offset / sizeof(float)));
    }
    for (uint32_t i = 0; i < gs__safetensors_count(file); i++) {
        gs__safetensors_info info;
        gs__safetensors_get(file, i, &info);
        if (has_parameter(model, info.name)) continue;
        status = gs__fail(model->error, GS_ERR_ARGUMENT, "%s: tensor \"%s\" is no parameter of the model",
                          gs__path_show(path), info.name);
        goto fail;
    }
    memcpy(model->weights, weights, model->parameter_bytes);
    model->host_stale = false;
    model->device_stale = true;
fail:
    gs__safetensors_close(file);
    free(weights);
    return status;
}

// The most parameters that model.json may ask for. A model that is a little different gets a message about what differs;
// one that asks for far more than the file of its weights holds gets no memory.
static gs_status limit_parameters(gs_context *context, const char *path, uint64_t *count) {
    gs__safetensors *file = NULL;
    gs_status status = gs__safetensors_open_in(context, path, &file);
    *count = 1 << 20;
    for (uint32_t i = 0; status == GS_OK && i < gs__safetensors_count(file); i++) {
        gs__safetensors_info info;
        gs__safetensors_get(file, i, &info);
        *count += 2 * info.count;
    }
    gs__safetensors_close(file);
    return status;
}

gs_status gs_model_load(gs_context *context, const char *dir, gs_model **model) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!dir || !model) return gs__fail(error, GS_ERR_ARGUMENT, "load: %s is NULL", dir ? "model" : "the folder");
    gs_status status = GS_OK;
    char *json_path = gs__path_join(error, dir, "model.json"), *json = NULL;
    char *weights_path = gs__path_join(error, dir, "model.safetensors");
    size_t bytes = 0;
    uint64_t most = 0;
    *model = NULL;
    if (!json_path || !weights_path) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(gs__context_read_file(context, json_path, MAX_JSON_BYTES, &json, &bytes));
    GS_TRY(limit_parameters(context, weights_path, &most));
    status = gs__model_from_json(context, json, bytes,
                                 &(gs__model_params){.max_parameters = most, .zero_weights = true}, model);
    if (status != GS_OK) {
        gs__fail_at(error, status, "%s", gs__path_show(json_path));
        goto fail;
    }
    GS_TRY(gs_model_load_weights(*model, weights_path));
fail:
    if (status != GS_OK && model) gs_model_destroy(model);
    gs__protect_free(json, bytes);
    free(json_path);
    free(weights_path);
    return status;
}
