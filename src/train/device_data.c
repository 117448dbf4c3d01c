#include "train/device_data.h"

#include "base/memory.h"
#include "context/context.h"
#include "data/data.h"
#include "plan/place.h"
#include "plan/shuffle.h"
#include "tensor/shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Two submissions of 512 steps, but no more than this: enough to hide the host's work behind the device's, and within
// the small part of memory that hosts see of most GPUs.
enum { MAX_RING_STEPS = 1024, MAX_RING_BYTES = 64 << 20 };

static uint64_t value_bytes(const gs__model_graph *graph, gs__value value) {
    return value ? gs__graph_count(&graph->graph, value) * gs__dtype_bytes(graph->graph.values[value].dtype) : 0;
}

static uint64_t align_up(uint64_t bytes, uint64_t align) {
    return (bytes + align - 1) / align * align;
}

// --- whole or streamed ------------------------------------------------------------------------------------------------
// $GRADSMITH_DATA_BUDGET; *given: whether it is set.
static gs_status read_budget(gs_model *model, bool *given, uint64_t *bytes) {
    const char *text = getenv("GRADSMITH_DATA_BUDGET");
    *given = text && text[0];
    if (!*given) return GS_OK;
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    *bytes = value;
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno) return GS_OK;
    return gs__fail(model->error, GS_ERR_ARGUMENT, "GRADSMITH_DATA_BUDGET=%.64s: expected a number of bytes", text);
}

gs_status gs__device_data_choose(gs_model *model, const gs__device_data_params *params, uint32_t *ring_steps) {
    gs_status status = GS_OK;
    gs__gpu *gpu;
    bool given;
    uint64_t budget = 0;
    gs__graph *graph = &params->graph->graph;
    GS_TRY(gs__context_gpu(model->context, &gpu));
    GS_TRY(read_budget(model, &given, &budget));
    if (!given) {
        GS_TRY(gs__graph_place(graph));
        const uint64_t needed = graph->storage_bytes[GS__STORAGE_ACTIVATION] +
                                graph->storage_bytes[GS__STORAGE_GRADIENT] + graph->storage_bytes[GS__STORAGE_STATE];
        const uint64_t free_now = gs__gpu_memory_free(gpu);
        budget = free_now > needed ? free_now - needed : 0;
    }
    const gs__gpu_caps *caps = gs__gpu_get_caps(gpu);
    const uint64_t batch = graph->batch, align = caps->offset_align;
    const uint64_t x_bytes = value_bytes(params->graph, params->graph->samples) / batch;
    const uint64_t y_bytes = value_bytes(params->graph, params->graph->targets) / batch;
    gs_data_info info;
    gs_data_get_info(params->data, &info);
    const uint64_t x_elements = x_bytes / gs__dtype_bytes(info.x_dtype), y_elements = y_bytes / sizeof(float);
    const uint64_t total = align_up(info.count * x_bytes, align) + info.count * y_bytes;
    const bool fits = !params->data->source && total <= budget && total <= caps->max_buffer_bytes &&
                      info.count <= INT32_MAX / x_elements &&
                      (!y_elements || (info.count <= INT32_MAX / y_elements &&
                                       info.count * y_bytes <= caps->max_storage_range - align));
    *ring_steps = 0;
    if (fits) return GS_OK;
    uint64_t most = MAX_RING_BYTES;
    if (given && budget < most) most = budget;
    *ring_steps = 2;
    while (*ring_steps < MAX_RING_STEPS && 2 * *ring_steps * batch * (x_bytes + y_bytes) <= most) *ring_steps *= 2;
fail:
    return status;
}

// Copies targets as they lie in the data, or class indices as floats.
static void copy_targets(bool to_float, unsigned char *y, const unsigned char *from, uint64_t bytes) {
    if (!to_float) {
        memcpy(y, from, bytes);
        return;
    }
    for (uint64_t i = 0; i < bytes; i += sizeof(float)) {
        int32_t class;
        memcpy(&class, from + i, sizeof class);
        const float value = (float)class;
        memcpy(y + i, &value, sizeof value);
    }
}

// --- whole ------------------------------------------------------------------------------------------------------------
// Targets of all the data as the graph takes them, where they are not as they lie in it: class indices as floats, or each
// sample's weight behind its targets.
static gs_status pack_targets(gs_model *model, const gs__device_data_params *params, gs__device_data *out) {
    gs_data_info info;
    uint64_t n = 1;
    gs_data_get_info(params->data, &info);
    gs__shape_count(&info.target_shape, &n);
    const uint64_t row = n + 1;
    out->packed = gs__allocate(model->error, info.count * row, sizeof(float), "targets with weights");
    if (!out->packed) return GS_ERR_MEMORY;
    const unsigned char *from = gs_data_y(params->data);
    for (uint64_t i = 0; i < info.count; i++) {
        unsigned char *to = out->packed + i * row * sizeof(float);
        copy_targets(out->y_to_float, to, from + i * n * sizeof(float), n * sizeof(float));
        memcpy(to + n * sizeof(float), params->weights + i, sizeof(float));
    }
    out->y_to_float = false;
    return GS_OK;
}

static gs_status write_targets(gs_model *model, const gs_data *data, const gs__model_graph *graph,
                               const gs__device_data *out) {
    const uint64_t bytes = value_bytes(graph, graph->targets), offset = out->targets_offset;
    if (out->packed) return gs__buffer_write(out->buffer, offset, out->packed, bytes);
    if (!out->y_to_float) return gs__buffer_write(out->buffer, offset, gs_data_y(data), bytes);
    unsigned char *values = gs__allocate(model->error, bytes, 1, "targets");
    if (!values) return GS_ERR_MEMORY;
    copy_targets(true, values, gs_data_y(data), bytes);
    gs_status status = gs__buffer_write(out->buffer, offset, values, bytes);
    free(values);
    return status;
}

gs_status gs__device_data_make(gs_model *model, const gs__model_graph *graph, uint32_t ring_steps,
                               gs__device_data *out) {
    gs__gpu *gpu;
    gs_status status = gs__context_gpu(model->context, &gpu);
    if (status != GS_OK) return status;
    const uint64_t sample_bytes = value_bytes(graph, graph->samples);
    *out = (gs__device_data){.ring_steps = ring_steps};
    uint64_t total = sample_bytes;
    if (graph->targets) {
        out->targets_offset = align_up(sample_bytes, gs__gpu_get_caps(gpu)->offset_align);
        total = out->targets_offset + value_bytes(graph, graph->targets);
    }
    // Windows end at whole vec4.
    return gs__buffer_create(gpu, ring_steps ? GS__MEMORY_UPLOAD : GS__MEMORY_DEVICE, align_up(total, 16),
                             ring_steps ? "ring of samples" : "data set", &out->buffer);
}

gs_status gs__device_data_create(gs_model *model, const gs__device_data_params *params, uint32_t ring_steps,
                                 gs__device_data *out) {
    gs_status status = GS_OK;
    const gs__model_graph *graph = params->graph;
    gs_data_info info;
    gs_data_get_info(params->data, &info);
    GS_TRY(gs__device_data_make(model, graph, ring_steps, out));
    out->y_to_float = graph->targets && graph->graph.values[graph->targets].dtype != info.y_dtype;
    if (graph->weighted) GS_TRY(pack_targets(model, params, out));
    if (ring_steps) {
        const uint64_t rows = (uint64_t)ring_steps * graph->graph.batch;
        out->x_bytes = value_bytes(graph, graph->samples) / rows;
        out->y_bytes = value_bytes(graph, graph->targets) / rows;
        out->error = model->error;
        if (params->data->source) {
            GS_TRY(gs__feeder_create(model->error, params->data, params->begin, graph->graph.batch, graph->targets != 0,
                                     &out->feeder));
        } else {
            out->x = (const unsigned char *)gs_data_x(params->data) + params->begin * out->x_bytes;
            const unsigned char *y = out->packed ? out->packed : gs_data_y(params->data);
            if (graph->targets) out->y = y + params->begin * out->y_bytes;
        }
        if (gs__buffer_map(out->buffer)) return GS_OK;
        GS_TRY(gs__fail(model->error, GS_ERR_INTERNAL, "the ring of samples is not host-visible"));
    }
    GS_TRY(gs__buffer_write(out->buffer, 0, gs_data_x(params->data), value_bytes(graph, graph->samples)));
    if (graph->targets) GS_TRY(write_targets(model, params->data, graph, out));
    return GS_OK;
fail:
    gs__device_data_deinit(out);
    return status;
}

// --- streamed ---------------------------------------------------------------------------------------------------------
static void feed_row(const gs__device_data *data, unsigned char *x, unsigned char *y, uint64_t sample) {
    memcpy(x, data->x + sample * data->x_bytes, data->x_bytes);
    if (y) copy_targets(data->y_to_float, y, data->y + sample * data->y_bytes, data->y_bytes);
}

// The rows that gather takes in the step that begins at `state->next`, in the order in which it would take them.
static gs_status feed(void *user, const struct gs_state *state) {
    const gs__device_data *data = user;
    const struct gs_settings *set = &state->set;
    const struct gs_position *next = &state->next;
    const uint64_t slot = (uint64_t)(next->step_lo & (data->ring_steps - 1)) * set->batch;
    unsigned char *map = gs__buffer_map(data->buffer);
    unsigned char *x = map + slot * data->x_bytes;
    const bool wants_y = data->feeder ? data->targets_offset > 0 : data->y != NULL;
    unsigned char *y = wants_y ? map + data->targets_offset + slot * data->y_bytes : NULL;
    if (data->feeder) {
        const void *from, *targets;
        gs_status status = gs__feeder_take(data->feeder, data->error, state, &from, &targets);
        if (status != GS_OK) return status;
        memcpy(x, from, next->rows * data->x_bytes);
        if (y) copy_targets(data->y_to_float, y, targets, next->rows * data->y_bytes);
        return GS_OK;
    }
    for (uint32_t row = 0; row < next->rows; row++) {
        uint32_t sample = next->begin + row;
        if (set->shuffle) sample = gs__shuffled(sample, set->data_count, set->seed_lo, set->seed_hi, next->epoch);
        feed_row(data, x + row * data->x_bytes, y ? y + row * data->y_bytes : NULL, sample);
    }
    return GS_OK;
}

void gs__device_data_bind(gs__device_data *data, gs__plan_params *params) {
    params->buffers[GS__STORAGE_SAMPLES] = params->buffers[GS__STORAGE_TARGETS] = data->buffer;
    params->offsets[GS__STORAGE_TARGETS] = data->targets_offset;
    if (!data->ring_steps) return;
    params->feed = feed;
    params->feed_user = data;
    params->max_steps = data->ring_steps / 2;
}

void gs__device_data_deinit(gs__device_data *data) {
    gs__feeder_destroy(data->feeder);
    gs__buffer_destroy(data->buffer);
    free(data->packed);
    *data = (gs__device_data){0};
}
