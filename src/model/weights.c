// The weights: on the host in one flat array, on the device in one buffer of the same layout.
#include "base/memory.h"
#include "context/context.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

// A device buffer of that size in `buffer`, when there is none yet.
static gs_status make_buffer(gs_model *model, uint64_t bytes, const char *label, gs__buffer **buffer) {
    gs__gpu *gpu;
    gs_status status = gs__context_gpu(model->context, &gpu);
    return status == GS_OK ? gs__buffer_create(gpu, GS__MEMORY_DEVICE, bytes, label, buffer) : status;
}

void gs__model_leave_device(gs_model *model) {
    gs__model_forget_training(model);
    gs__buffer_destroy(model->device_weights);
    model->device_weights = NULL;
}

// What lay on a device that was lost is gone.
static gs_status leave_lost(gs_model *model) {
    if (!model->device_weights || !gs__gpu_is_lost(gs__buffer_gpu(model->device_weights))) return GS_OK;
    if (model->host_stale)
        return gs__fail(model->error, GS_ERR_DEVICE_LOST,
                        "the weights were lost with the device: load them, or train with checkpoints");
    gs__model_leave_device(model);
    return GS_OK;
}

gs_status gs__model_upload(gs_model *model) {
    gs_status status = GS_OK;
    if (model->parameter_bytes == 0) return GS_OK;
    GS_TRY(leave_lost(model));
    bool is_new = !model->device_weights;
    if (is_new) GS_TRY(make_buffer(model, model->parameter_bytes, "weights", &model->device_weights));
    if (is_new || model->device_stale) {
        model->device_stale = true;
        GS_TRY(gs__buffer_write(model->device_weights, 0, model->weights, model->parameter_bytes));
    }
    model->device_stale = false;
fail:
    return status;
}

gs_status gs__model_download(gs_model *model) {
    gs_status status = GS_OK;
    if (model->host_stale && model->device_weights)
        GS_TRY(gs__buffer_read(model->device_weights, 0, model->weights, model->parameter_bytes));
    model->host_stale = false;
fail:
    return status;
}

uint64_t gs__model_slot_bytes(const gs_model *model) {
    return gs__model_slot_layout(model).bytes;
}

// Adagrad's sum of squares begins above 0, all else at 0.
gs_status gs__model_make_slots(gs_model *model) {
    gs_status status = GS_OK;
    const uint64_t bytes = gs__model_slot_bytes(model);
    const gs_optimizer *o = &model->compile.optimizer;
    float *values = NULL;
    if (model->device_slots || bytes == 0) return GS_OK;
    GS_TRY(make_buffer(model, bytes, "optimizer state", &model->device_slots));
    if (o->kind != GS_OPTIMIZER_ADAGRAD || !(o->initial_accumulator > 0.0f)) return GS_OK;
    values = gs__allocate(model->error, model->trainable_bytes / sizeof *values, sizeof *values, "optimizer state");
    if (!values) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    for (uint64_t i = 0; i < model->trainable_bytes / sizeof *values; i++) values[i] = o->initial_accumulator;
    status = gs__buffer_write(model->device_slots, 0, values, model->trainable_bytes);
fail:
    if (status != GS_OK) {
        gs__buffer_destroy(model->device_slots);
        model->device_slots = NULL;
    }
    free(values);
    return status;
}

gs_status gs__model_take_average(gs_model *model) {
    const struct gs_position *p = &model->position;
    if (!model->compile.optimizer.use_ema || !model->device_slots || !(p->step_lo || p->step_hi)) return GS_OK;
    gs_status status = gs__model_download(model); // what is not trained has no average
    if (status != GS_OK) return status;
    status = gs__buffer_read(model->device_slots, gs__model_slot_layout(model).average, model->weights,
                             model->trainable_bytes);
    if (status != GS_OK) return status;
    model->host_stale = false;
    model->device_stale = true;
    return GS_OK;
}

static gs_status find_parameter(gs_model *model, uint32_t index, const gs__model_parameter **parameter) {
    if (!model) return GS_ERR_ARGUMENT;
    if (index >= model->parameter_count)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "parameter %u of %u", index, model->parameter_count);
    *parameter = &model->parameters[index];
    return GS_OK;
}

static gs_status check_values(gs_model *model, const gs__model_parameter *p, const float *values, uint64_t count) {
    if (values && count == p->count) return GS_OK;
    char text[96];
    return gs__fail(model->error, GS_ERR_ARGUMENT, "parameter \"%s\" %s has %llu elements, not %llu", p->name,
                    gs__shape_text(&p->shape, false, text, sizeof text), (unsigned long long)p->count,
                    (unsigned long long)(values ? count : 0));
}

gs_status gs_model_get_parameter(gs_model *model, uint32_t index, gs_parameter_info *info) {
    const gs__model_parameter *p = NULL;
    gs_status status = info ? find_parameter(model, index, &p) : GS_ERR_ARGUMENT;
    if (status == GS_OK) *info = (gs_parameter_info){.name = p->name, .shape = p->shape, .count = p->count};
    return status;
}

gs_status gs_model_read_parameter(gs_model *model, uint32_t index, float *values, uint64_t count) {
    gs_status status = GS_OK;
    const gs__model_parameter *p = NULL;
    GS_TRY(find_parameter(model, index, &p));
    GS_TRY(check_values(model, p, values, count));
    GS_TRY(gs__model_download(model));
    memcpy(values, model->weights + p->offset / sizeof(float), p->count * sizeof(float));
fail:
    return status;
}

gs_status gs_model_write_parameter(gs_model *model, uint32_t index, const float *values, uint64_t count) {
    gs_status status = GS_OK;
    const gs__model_parameter *p = NULL;
    GS_TRY(find_parameter(model, index, &p));
    GS_TRY(check_values(model, p, values, count));
    GS_TRY(gs__model_download(model)); // the other parameters
    memcpy(model->weights + p->offset / sizeof(float), values, p->count * sizeof(float));
    model->device_stale = true;
fail:
    return status;
}
