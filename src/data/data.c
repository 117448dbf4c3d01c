#include "data/data.h"
#include "base/file.h"
#include "base/memory.h"
#include "context/context.h"
#include "tensor/shape.h"

#include <stdlib.h>
#include <string.h>

// A column of class indices is a list of them.
static void squeeze_indices(gs__array *y) {
    if (y->data && y->dtype == GS_I32 && y->shape.rank == 2 && y->shape.dim[1] == 1) y->shape.rank = 1;
}

static gs_status check_indices(gs__error *error, gs_status bad, const char *name, const gs__array *y, uint64_t count,
                               int64_t *max_class) {
    const int32_t *index = y->data;
    int32_t max = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (index[i] < 0)
            return gs__fail(error, bad, "%s: target %llu is %d: class indices must not be negative", name,
                            (unsigned long long)i, (int)index[i]);
        if (index[i] > max) max = index[i];
    }
    *max_class = max;
    return GS_OK;
}

static gs_status check_pair(gs__error *error, gs_status bad, const char *name, const gs__array *x, const gs__array *y) {
    char shape[128];
    if (x->shape.rank < 1 || (y->data && y->shape.rank < 1))
        return gs__fail(error, bad, "%s: a single number is no set of samples: the shape must be (samples, ...)", name);
    if (y->data && x->shape.dim[0] != y->shape.dim[0])
        return gs__fail(error, bad, "%s: there are %lld samples but %lld targets (shape %s)", name,
                        (long long)x->shape.dim[0], (long long)y->shape.dim[0],
                        gs__shape_text(&y->shape, false, shape, sizeof shape));
    return GS_OK;
}

gs_status gs__data_adopt(gs__error *error, gs_status bad, const char *name, gs__array *x, gs__array *y,
                         gs_data **data) {
    uint64_t x_count = 0, y_count = 0;
    gs_status status = GS_ERR_MEMORY;
    gs_data *made = NULL;
    squeeze_indices(y);
    GS_TRY(check_pair(error, bad, name, x, y));
    if (!gs__shape_count(&x->shape, &x_count) || (y->data && !gs__shape_count(&y->shape, &y_count))) {
        status = gs__fail(error, bad, "%s: bad shape", name);
        goto fail;
    }
    status = GS_ERR_MEMORY;
    made = gs__allocate(error, 1, sizeof *made, "data set");
    if (!made) goto fail;
    made->max_class = -1;
    made->name = gs__text_copy(error, name);
    if (!made->name) goto fail;
    if (y->data && y->dtype == GS_I32) GS_TRY(check_indices(error, bad, name, y, y_count, &made->max_class));
    made->count = (uint64_t)x->shape.dim[0];
    made->x_shape = x->shape;
    made->x_dtype = x->dtype;
    made->x_bytes = x_count * gs__dtype_bytes(x->dtype);
    made->x = x->data;
    made->map = x->map;
    made->map_bytes = x->map_bytes;
    made->y_shape = y->shape;
    made->y_dtype = y->dtype;
    made->y_bytes = y->data ? y_count * gs__dtype_bytes(y->dtype) : 0;
    made->y = y->data;
    *data = made;
    return GS_OK;
fail:
    if (made) free(made->name);
    free(made);
    gs__array_deinit(x);
    gs__array_deinit(y);
    return status;
}

static gs_status copy_array(gs__error *error, const char *name, const char *what, const void *from,
                            const gs_shape *shape, gs_dtype dtype, gs__array *array) {
    uint64_t count;
    char text[128];
    if (shape->rank < 1 || !gs__shape_count(shape, &count))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "%s: the shape %s of %s is not (samples, ...) with every dimension at least 1", name,
                        gs__shape_text(shape, false, text, sizeof text), what);
    array->shape = *shape;
    array->dtype = dtype;
    array->data = gs__allocate(error, count, gs__dtype_bytes(dtype), what);
    if (!array->data) return GS_ERR_MEMORY;
    memcpy(array->data, from, (size_t)count * gs__dtype_bytes(dtype));
    return GS_OK;
}

// Bytes of class indices become int32, as everywhere inside.
static gs_status widen_targets(gs__error *error, gs__array *y) {
    uint64_t count = 0;
    gs__shape_count(&y->shape, &count);
    int32_t *wide = gs__allocate(error, count, sizeof *wide, "targets");
    if (!wide) return GS_ERR_MEMORY;
    for (uint64_t i = 0; i < count; i++) wide[i] = ((const uint8_t *)y->data)[i];
    free(y->data);
    y->data = wide;
    y->dtype = GS_I32;
    return GS_OK;
}

gs_status gs_data_create(gs_context *context, const gs_data_params *params, gs_data **data) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!params || !data || !params->x)
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_data_create: %s is NULL",
                        !params ? "params"
                        : !data ? "data"
                                : "params->x");
    const char *name = params->name ? params->name : "data";
    if (params->x_dtype != GS_F32 && params->x_dtype != GS_U8)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: x_dtype is %s: samples are float32 or uint8", name,
                        gs__dtype_name(params->x_dtype));
    if (params->y && params->y_dtype != GS_F32 && params->y_dtype != GS_I32 && params->y_dtype != GS_U8)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: y_dtype is %d: targets are float32, int32 or uint8", name,
                        (int)params->y_dtype);
    gs__array x = {0}, y = {0};
    gs_status status;
    GS_TRY(copy_array(error, name, "x", params->x, &params->x_shape, params->x_dtype, &x));
    if (params->y) {
        GS_TRY(copy_array(error, name, "y", params->y, &params->y_shape, params->y_dtype, &y));
        if (y.dtype == GS_U8) GS_TRY(widen_targets(error, &y));
    }
    return gs__data_adopt(error, GS_ERR_ARGUMENT, name, &x, &y, data);
fail:
    gs__array_deinit(&x);
    gs__array_deinit(&y);
    return status;
}

gs_status gs_data_slice(gs_context *context, const gs_data *data, uint64_t begin, uint64_t count, gs_data **slice) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!data || !slice) return gs__fail(error, GS_ERR_ARGUMENT, "gs_data_slice: %s is NULL", data ? "slice" : "data");
    if (count < 1 || begin >= data->count || count > data->count - begin)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: cannot take %llu samples from sample %llu on: there are %llu",
                        data->name, (unsigned long long)count, (unsigned long long)begin,
                        (unsigned long long)data->count);
    if (data->source) return gs__data_slice_source(error, data, begin, count, slice);
    gs__array x = {0}, y = {0};
    gs_shape x_shape = data->x_shape, y_shape = data->y_shape;
    x_shape.dim[0] = (int64_t)count;
    gs_status status;
    GS_TRY(copy_array(error, data->name, "samples", (const char *)data->x + data->x_bytes / data->count * begin,
                      &x_shape, data->x_dtype, &x));
    if (data->y) {
        y_shape.dim[0] = (int64_t)count;
        GS_TRY(copy_array(error, data->name, "targets", (const char *)data->y + data->y_bytes / data->count * begin,
                          &y_shape, data->y_dtype, &y));
    }
    status = gs__data_adopt(error, GS_ERR_ARGUMENT, data->name, &x, &y, slice);
    if (status != GS_OK) return status;
    status = gs__data_set_names(error, *slice, data->class_names, data->class_count);
    if (status != GS_OK) gs_data_destroy(slice);
    return status;
fail:
    gs__array_deinit(&x);
    gs__array_deinit(&y);
    return status;
}

gs_status gs__data_set_names(gs__error *error, gs_data *data, const char *const *names, uint32_t count) {
    if (!names || !count) return GS_OK;
    uint64_t bytes = count * sizeof *names;
    for (uint32_t i = 0; i < count; i++) bytes += strlen(names[i]) + 1;
    const char **copies = gs__allocate(error, bytes, 1, "names of classes");
    if (!copies) return GS_ERR_MEMORY;
    char *to = (char *)(copies + count);
    for (uint32_t i = 0; i < count; i++) {
        copies[i] = to;
        strcpy(to, names[i]);
        to += strlen(to) + 1;
    }
    free(data->names);
    data->names = copies;
    data->class_names = copies;
    data->class_count = count;
    return GS_OK;
}

void gs__data_release_x(gs_data *data) {
    if (data->map) gs__file_unmap(data->map, data->map_bytes);
    else free(data->x);
    data->map = NULL;
    data->x = NULL;
}

void gs_data_destroy(gs_data **data) {
    if (!data || !*data) return;
    gs__source_release((*data)->source);
    free((*data)->name);
    gs__data_release_x(*data);
    free((*data)->y);
    free((*data)->names);
    free(*data);
    *data = NULL;
}

static gs_shape without_first(const gs_shape *shape) {
    gs_shape rest = {.rank = shape->rank ? shape->rank - 1 : 0};
    for (uint32_t i = 0; i < rest.rank; i++) rest.dim[i] = shape->dim[i + 1];
    return rest;
}

void gs_data_get_info(const gs_data *data, gs_data_info *info) {
    *info = (gs_data_info){
        .name = data->name,
        .count = data->count,
        .sample_shape = without_first(&data->x_shape),
        .x_dtype = data->x_dtype,
        .has_targets = data->source ? data->has_targets : data->y != NULL,
        .target_shape = without_first(&data->y_shape),
        .y_dtype = data->y_dtype,
        .max_class = data->max_class,
    };
}

const void *gs_data_x(const gs_data *data) {
    return data->x;
}
const void *gs_data_y(const gs_data *data) {
    return data->y;
}

const char *const *gs_data_class_names(const gs_data *data, uint32_t *count) {
    if (count) *count = data->class_count;
    return data->class_names;
}
