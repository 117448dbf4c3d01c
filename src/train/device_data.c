#include "train/device_data.h"

#include "base/memory.h"
#include "context/context.h"
#include "tensor/shape.h"

#include <stdlib.h>

static uint64_t value_bytes(const gs__model_graph *graph, gs__value value) {
    const gs__value_info *info = &graph->graph.values[value];
    uint64_t count = 0;
    gs__shape_count(&info->shape, &count);
    return count * gs__dtype_bytes(info->dtype);
}

static gs_status write_targets(gs_model *model, const gs_data *data, const gs__model_graph *graph,
                               const gs__device_data *out) {
    gs_data_info info;
    gs_data_get_info(data, &info);
    const uint64_t bytes = value_bytes(graph, graph->targets), offset = out->targets_offset;
    if (graph->graph.values[graph->targets].dtype == info.y_dtype)
        return gs__buffer_write(out->buffer, offset, gs_data_y(data), bytes);
    // Class indices for a loss that takes values.
    const uint64_t count = bytes / sizeof(float);
    float *values = gs__allocate(model->error, count, sizeof *values, "targets");
    if (!values) return GS_ERR_MEMORY;
    const int32_t *classes = gs_data_y(data);
    for (uint64_t i = 0; i < count; i++) values[i] = (float)classes[i];
    gs_status status = gs__buffer_write(out->buffer, offset, values, bytes);
    free(values);
    return status;
}

gs_status gs__device_data_make(gs_model *model, const gs__model_graph *graph, gs__device_data *out) {
    gs__gpu *gpu;
    gs_status status = gs__context_gpu(model->context, &gpu);
    if (status != GS_OK) return status;
    const uint64_t align = gs__gpu_get_caps(gpu)->offset_align, sample_bytes = value_bytes(graph, graph->samples);
    uint64_t total = sample_bytes;
    if (graph->targets) {
        out->targets_offset = (sample_bytes + align - 1) / align * align;
        total = out->targets_offset + value_bytes(graph, graph->targets);
    }
    // Windows end at whole vec4.
    return gs__buffer_create(gpu, GS__MEMORY_DEVICE, (total + 15) / 16 * 16, "data set", &out->buffer);
}

gs_status gs__device_data_create(gs_model *model, const gs_data *data, const gs__model_graph *graph,
                                 gs__device_data *out) {
    gs_status status = GS_OK;
    GS_TRY(gs__device_data_make(model, graph, out));
    GS_TRY(gs__buffer_write(out->buffer, 0, gs_data_x(data), value_bytes(graph, graph->samples)));
    if (graph->targets) GS_TRY(write_targets(model, data, graph, out));
    return GS_OK;
fail:
    gs__device_data_deinit(out);
    return status;
}

void gs__device_data_bind(const gs__device_data *data, gs__plan_params *params) {
    params->buffers[GS__STORAGE_SAMPLES] = params->buffers[GS__STORAGE_TARGETS] = data->buffer;
    params->offsets[GS__STORAGE_TARGETS] = data->targets_offset;
}

void gs__device_data_deinit(gs__device_data *data) {
    gs__buffer_destroy(data->buffer);
    *data = (gs__device_data){0};
}
