// gather: the first op of a step. Makes State.next current and copies the step's rows out of the data set: row r is
// sample data_begin + s(begin + r), s being the order of the epoch (shuffle.h) or, without shuffle, the identity. When
// the data set is streamed, the host has done that: row r is row r of the step's slot (State.set.stream).
//   x: samples (N, ...) uint8, int32 or float32 [, targets (N, ...) int32 or float32]
//   y: rows (B, ...) float32 = sample * scale [, targets (B, ...)]; rows that the step does not have are zeros
#include "op/attr.h"
#include "plan/record.h"
#include "plan/shuffle.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

static float scale_of(const gs__gather_attr *attr, gs_dtype dtype) {
    if (attr->scale != 0.0f) return attr->scale;
    return dtype == GS_U8 ? 1.0f / 255.0f : 1.0f;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__gather_attr *attr = gs__node_attr(node, gs__gather_attr);
    if (!attr->batch) return gs__fail(error, GS_ERR_ARGUMENT, "the batch size is 0; it must be at least 1");
    for (uint32_t i = 0; i < 2; i++) {
        if (!x[i]) continue;
        if (x[i]->shape.rank < 1)
            return gs__fail(error, GS_ERR_ARGUMENT, "samples and targets need a first axis over the samples");
        y[i].shape = x[i]->shape;
        y[i].shape.dim[0] = attr->batch;
        y[i].dtype = i == 0 ? GS_F32 : x[i]->dtype;
    }
    y[1].absent = !x[1];
    if (!x[1]) return GS_OK;
    if (x[1]->dtype == GS_U8)
        return gs__fail(error, GS_ERR_ARGUMENT, "targets are uint8; they must be int32 or float32");
    if (x[1]->shape.dim[0] != x[0]->shape.dim[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "%lld samples but %lld targets; there must be one target a sample",
                        (long long)x[0]->shape.dim[0], (long long)x[1]->shape.dim[0]);
    return GS_OK;
}

static uint32_t items_of(uint32_t elements, uint32_t per_item) {
    return (elements + per_item - 1) / per_item;
}

// Samples of one dispatch: those that a binding can hold, a multiple of 4 such that windows begin at whole words.
static uint32_t window_samples(const gs__gpu_caps *caps, const gs__value_info *samples, uint32_t row_elements) {
    const uint64_t count = (uint64_t)samples->shape.dim[0], row_bytes = row_elements * gs__dtype_bytes(samples->dtype);
    const uint64_t limit = caps->max_storage_range;
    if (count * row_bytes <= limit || limit <= 2 * (uint64_t)caps->offset_align) return (uint32_t)count;
    const uint64_t window = (limit - 2 * (uint64_t)caps->offset_align) / row_bytes / 4 * 4;
    return window ? (uint32_t)window : (uint32_t)count;
}

// Whether rows are whole texels, and any part of the data set that a dispatch binds is within the device's limits.
static bool takes_texels(const gs__recorder *recorder, const gs__value_info *samples, uint32_t row_elements) {
    return gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU &&
           row_elements * gs__dtype_bytes(samples->dtype) % 16 == 0 && samples->offset % 16 == 0 &&
           gs__storage_fits_texels(recorder, samples->storage);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__gather_attr *attr = gs__node_attr(node, gs__gather_attr);
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    const gs__value_info *samples = gs__recorder_value(recorder, node->x[0]);
    const bool cpu = caps->kernel_class == GS__KERNELS_CPU;
    const uint32_t local = cpu ? 8 : 64, per_item = cpu ? 128 : 4;
    struct gs_push_gather push = {
        .batch = attr->batch,
        .sample_count = gs__value_count(recorder, node->y[0]) / attr->batch,
        .target_count = gs__value_count(recorder, node->y[1]) / attr->batch,
        .scale = scale_of(attr, samples->dtype),
    };
    push.sample_items = items_of(push.sample_count, per_item);
    const bool texels = takes_texels(recorder, samples, push.sample_count);
    const uint32_t count = (uint32_t)samples->shape.dim[0], window = window_samples(caps, samples, push.sample_count);
    for (uint32_t first = 0; first < count; first += push.window_count) {
        push.window_first = first;
        push.window_count = count - first < window ? count - first : window;
        push.target_items = first ? 0 : items_of(push.target_count, per_item);
        gs__dispatch d = gs__dispatch_init(texels ? &gs__shader_gather_cpu : &gs__shader_gather, GS_SPEC_GATHER_COUNT,
                                           &push, sizeof push);
        d.spec[GS_SPEC_GATHER_LOCAL_SIZE_X] = local;
        d.spec[GS_SPEC_GATHER_DTYPE] = samples->dtype;
        d.spec[GS_SPEC_GATHER_ALIGNED] = push.sample_count % 4 == 0;
        gs__bind_part(recorder, &d, 0, GS__READ, node->x[0], first * push.sample_count,
                      push.window_count * push.sample_count, &push.samples);
        gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
        gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.x);
        gs__bind(recorder, &d, 2, GS__WRITE, node->y[1], &push.y);
        gs__bind_state(recorder, &d, 3, GS__WRITE);
        const uint64_t items = (uint64_t)attr->batch * (push.sample_items + push.target_items);
        gs_status status = gs__dispatch_record_1d(recorder, &d, items, local);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static void ref_forward(const gs__reference *r) {
    const gs__gather_attr *attr = gs__node_attr(r->node, gs__gather_attr);
    const struct gs_position *next = &r->state->next;
    const struct gs_settings *set = &r->state->set;
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t count = 0;
        if (!r->y[i] || !gs__shape_count(&r->y_shape[i], &count)) continue;
        count /= attr->batch;
        const double scale = i == 0 ? (double)scale_of(attr, r->x_dtype[0]) : 1.0;
        for (uint32_t row = 0; row < attr->batch; row++) {
            uint32_t index = next->begin + row;
            if (row < next->rows && set->shuffle)
                index = gs__shuffled(index, set->data_count, set->seed_lo, set->seed_hi, next->epoch);
            uint64_t sample = set->data_begin + (uint64_t)index;
            if (set->stream) sample = next->step_lo % set->stream * (uint64_t)set->batch + row;
            const double *from = r->x[i] + sample * count;
            for (uint64_t j = 0; j < count; j++) r->y[i][row * count + j] = row < next->rows ? scale * from[j] : 0.0;
        }
    }
}

const gs_op gs__op_gather = {
    .name = "gather",
    .inputs = 2,
    .outputs = 2,
    .optional = 1u << 1,
    .attr_bytes = sizeof(gs__gather_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
