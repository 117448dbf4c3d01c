// Data sets whose samples a function of the user's gives.
#include "base/memory.h"
#include "context/context.h"
#include "data/data.h"
#include "tensor/shape.h"

#include <stdlib.h>
#include <string.h>

void gs__source_release(gs__source *source) {
    if (!source || --source->references) return;
    pthread_mutex_destroy(&source->lock);
    free(source);
}

static gs_status batch_shape(gs__error *error, const char *name, const char *what, uint64_t count,
                             const gs_shape *sample, gs_shape *shape) {
    uint64_t elements;
    char text[96];
    *shape = (gs_shape){.rank = 1, .dim = {(int64_t)count}};
    const bool fits = sample->rank < GS_MAX_RANK && gs__shape_count(sample, &elements) && count >= 1 &&
                      count <= UINT32_MAX && elements <= INT32_MAX;
    if (!fits)
        return gs__fail(
            error, GS_ERR_ARGUMENT,
            "%s: %llu samples with %s of shape %s: expected 1 to 2^32 - 1, dimensions of at least 1, and at "
            "most 2^31 - 1 elements of each",
            name, (unsigned long long)count, what, gs__shape_text(sample, false, text, sizeof text));
    for (uint32_t i = 0; i < sample->rank; i++) shape->dim[shape->rank++] = sample->dim[i];
    return GS_OK;
}

static gs_status make(gs__error *error, const char *name, gs_data **data) {
    gs_data *made = gs__allocate(error, 1, sizeof *made, "data set");
    if (!made) return GS_ERR_MEMORY;
    made->name = gs__text_copy(error, name);
    if (!made->name) {
        free(made);
        return GS_ERR_MEMORY;
    }
    *data = made;
    return GS_OK;
}

// Bytes of all samples, which nobody holds at once.
static void set_bytes(gs_data *data) {
    uint64_t x = 1, y = 1;
    for (uint32_t i = 1; i < data->x_shape.rank; i++) x *= (uint64_t)data->x_shape.dim[i];
    for (uint32_t i = 1; i < data->y_shape.rank; i++) y *= (uint64_t)data->y_shape.dim[i];
    data->x_bytes = data->count * x * gs__dtype_bytes(data->x_dtype);
    data->y_bytes = data->has_targets ? data->count * y * gs__dtype_bytes(data->y_dtype) : 0;
}

gs_status gs_data_from_callback(gs_context *context, const gs_data_callback_params *params, gs_data **data) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    gs_data *made = NULL;
    gs_shape x_shape, y_shape = {0};
    if (!params || !data || !params->fill)
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_data_from_callback: an argument, or fill, is NULL");
    const gs_data_callback_params *p = params;
    const char *name = p->name ? p->name : "callback";
    if ((p->x_dtype != GS_F32 && p->x_dtype != GS_U8) ||
        (p->has_targets && p->y_dtype != GS_F32 && (p->y_dtype != GS_I32 || !p->class_count)))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "%s: samples are float32 or uint8, targets float32, or int32 with a class_count", name);
    if (p->class_count > INT32_MAX)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: %u classes are too many", name, p->class_count);
    GS_TRY(batch_shape(error, name, "samples", p->count, &p->sample_shape, &x_shape));
    if (p->has_targets) GS_TRY(batch_shape(error, name, "targets", p->count, &p->target_shape, &y_shape));
    GS_TRY(make(error, name, &made));
    made->count = p->count;
    made->x_shape = x_shape;
    made->x_dtype = p->x_dtype;
    made->has_targets = p->has_targets;
    made->y_shape = y_shape;
    made->y_dtype = p->y_dtype;
    made->max_class = p->has_targets && p->y_dtype == GS_I32 ? (int64_t)p->class_count - 1 : -1;
    set_bytes(made);
    made->source = gs__allocate(error, 1, sizeof *made->source, "data set");
    if (!made->source || pthread_mutex_init(&made->source->lock, NULL) != 0) {
        free(made->source);
        made->source = NULL;
        gs_data_destroy(&made);
        return gs__fail(error, GS_ERR_MEMORY, "%s: out of host memory", name);
    }
    made->source->fill = p->fill;
    made->source->user = p->user;
    made->source->references = 1;
    *data = made;
fail:
    return status;
}

gs_status gs__data_slice_source(gs__error *error, const gs_data *data, uint64_t begin, uint64_t count,
                                gs_data **slice) {
    gs_status status = make(error, data->name, slice);
    if (status != GS_OK) return status;
    char *name = (*slice)->name;
    **slice = *data;
    (*slice)->name = name;
    (*slice)->names = NULL;
    (*slice)->class_names = NULL;
    (*slice)->class_count = 0;
    (*slice)->source->references++;
    (*slice)->first = data->first + begin;
    (*slice)->count = count;
    (*slice)->x_shape.dim[0] = (int64_t)count;
    if (data->has_targets) (*slice)->y_shape.dim[0] = (int64_t)count;
    set_bytes(*slice);
    return GS_OK;
}

static gs_status check_classes(gs__error *error, const gs_data *data, const uint64_t *samples, uint32_t count,
                               const int32_t *y) {
    const uint64_t each = data->y_bytes / data->count / sizeof *y;
    for (uint64_t i = 0; i < count * each; i++)
        if (y[i] < 0 || y[i] > data->max_class)
            return gs__fail(error, GS_ERR_ARGUMENT, "%s: sample %llu has class index %d: expected 0 to %lld",
                            data->name, (unsigned long long)samples[i / each], (int)y[i], (long long)data->max_class);
    return GS_OK;
}

gs_status gs__data_fill(gs__error *error, const gs_data *data, const uint64_t *indices, uint32_t count, void *x,
                        void *y) {
    gs__source *source = data->source;
    uint64_t *samples = gs__allocate(error, count, sizeof *samples, "numbers of samples");
    if (!samples) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++) samples[i] = data->first + indices[i];
    pthread_mutex_lock(&source->lock);
    const bool good = source->fill(source->user, samples, count, x, y);
    pthread_mutex_unlock(&source->lock);
    gs_status status = GS_OK;
    if (!good) status = gs__fail(error, GS_ERR_ARGUMENT, "%s: the callback failed to give its samples", data->name);
    else if (y && data->y_dtype == GS_I32) status = check_classes(error, data, samples, count, y);
    free(samples);
    return status;
}
