#include "model/spatial.h"

#include <string.h>

static const char *const padding_names[] = {
#define ENTRY(constant, value, text) [constant] = text,
    GS_PADDING_MAP(ENTRY)
#undef ENTRY
};
enum { PADDING_COUNT = sizeof padding_names / sizeof padding_names[0] };

void gs__spatial_pair(const uint32_t given[2], const uint32_t fallback[2], uint32_t rank, uint32_t pair[2]) {
    pair[0] = given[0] ? given[0] : fallback[0];
    pair[1] = given[1] ? given[1] : given[0] ? given[0] : fallback[1];
    if (rank == 2) return;
    pair[1] = pair[0];
    pair[0] = 1;
}

gs_status gs__padding_check(gs__error *error, gs_padding padding) {
    if ((int)padding >= 0 && (int)padding < PADDING_COUNT) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "padding %d is not one of gs_padding", (int)padding);
}

const char *gs__padding_name(gs_padding padding) {
    return padding_names[padding];
}

gs_status gs__padding_from_json(gs__json *json, const cJSON *config, gs_padding *padding) {
    const char *name = padding_names[0];
    gs_status status = gs__json_get_string(json, config, "padding", GS__JSON_OPTIONAL, &name);
    if (status != GS_OK) return status;
    for (int i = 0; i < PADDING_COUNT; i++)
        if (strcmp(name, padding_names[i]) == 0) {
            *padding = (gs_padding)i;
            return GS_OK;
        }
    char shown[40];
    return gs__json_fail(json, gs__json_find(config, "padding"), GS_ERR_UNSUPPORTED,
                         "padding \"%s\" is not supported; known are valid, same and, for Conv1D, causal",
                         gs__text_show(name, shown, sizeof shown));
}

int64_t gs__padding_size(gs_padding padding, int64_t size, int64_t reach, int64_t stride, uint32_t *begin,
                         uint32_t *end) {
    *begin = *end = 0;
    if (padding == GS_PADDING_CAUSAL) {
        *begin = (uint32_t)(reach - 1);
        return (size - 1) / stride + 1;
    }
    if (padding == GS_PADDING_VALID) return size < reach ? 0 : (size - reach) / stride + 1;
    const int64_t count = (size + stride - 1) / stride, needed = (count - 1) * stride + reach - size;
    if (needed > 0) {
        *begin = (uint32_t)(needed / 2);
        *end = (uint32_t)(needed - needed / 2);
    }
    return count;
}

gs_status gs__spatial_from_json(gs__json *json, const cJSON *config, const char *key, gs__json_need need, uint64_t min,
                                uint32_t rank, uint32_t pair[2]) {
    const cJSON *item = NULL, *entry;
    gs_status status = gs__json_get(json, config, key, need, &item);
    if (status != GS_OK || !item) return status;
    uint64_t value = 0;
    uint32_t count = 0;
    if (!cJSON_IsArray(item)) {
        status = gs__json_as_uint(json, item, min, INT32_MAX, &value);
        pair[0] = pair[1] = (uint32_t)value;
        return status;
    }
    if ((uint32_t)cJSON_GetArraySize(item) != rank)
        return gs__json_fail(json, item, GS_ERR_FORMAT, "expected an integer or a list of %u, found one of %d", rank,
                             cJSON_GetArraySize(item));
    cJSON_ArrayForEach(entry, item) {
        status = gs__json_as_uint(json, entry, min, INT32_MAX, &value);
        if (status != GS_OK) return status;
        pair[count++] = (uint32_t)value;
    }
    return GS_OK;
}

void gs__spatial_to_json(gs__text *text, const char *key, uint32_t rank, const uint32_t pair[2]) {
    if (rank == 2) gs__text_append(text, ", \"%s\": [%u, %u]", key, pair[0], pair[1]);
    else gs__text_append(text, ", \"%s\": [%u]", key, pair[1]);
}

gs_status gs__spatial_word(gs__error *error, const char *word, const char *what, uint32_t rank, uint32_t pair[2]) {
    gs_shape shape;
    gs_status status = gs__word_shape(error, word, false, &shape);
    if (status != GS_OK) return gs__fail_at(error, status, "%s", what);
    if (shape.rank > rank)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s \"%s\" has %u sizes; at most %u are expected", what, word,
                        shape.rank, rank);
    pair[0] = (uint32_t)shape.dim[0];
    pair[1] = shape.rank == 2 ? (uint32_t)shape.dim[1] : 0;
    return GS_OK;
}

gs_status gs__spatial_check_input(gs__error *error, uint32_t rank, const gs_shape *x) {
    char text[96];
    if (x->rank == rank + 1) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "its input is %s; it must be %s",
                    gs__shape_text(x, false, text, sizeof text),
                    rank == 2 ? "(rows, columns, channels)" : "(steps, channels)");
}

gs_status gs__spatial_check_size(gs__error *error, const uint32_t pair[2], const char *what) {
    for (int i = 0; i < 2; i++)
        if (pair[i] > INT32_MAX)
            return gs__fail(error, GS_ERR_ARGUMENT, "%s is %u; it must be below 2^31", what, pair[i]);
    return GS_OK;
}

gs_shape gs__spatial_sample(const gs__layer_build *build, gs__value x) {
    const gs_shape *full = &build->graph->values[x].shape;
    gs_shape sample = {.rank = full->rank - 1};
    for (uint32_t i = 0; i < sample.rank; i++) sample.dim[i] = full->dim[i + 1];
    return sample;
}

// --- pooling ----------------------------------------------------------------------------------------------------------
static const uint32_t ones[2] = {1, 1}, twos[2] = {2, 2};

static void pooling_sizes(const gs_layer *layer, uint32_t rank, uint32_t size[2], uint32_t stride[2]) {
    const gs_pooling_params *p = &layer->pooling;
    gs__spatial_pair(p->pool_size, twos, rank, size);
    if (p->strides[0]) gs__spatial_pair(p->strides, ones, rank, stride);
    else memcpy(stride, size, 2 * sizeof *stride);
}

gs_status gs__pooling_check(gs__error *error, const gs_layer *layer, uint32_t rank) {
    gs_status status = GS_OK;
    uint32_t size[2], stride[2];
    pooling_sizes(layer, rank, size, stride);
    GS_TRY(gs__spatial_check_size(error, size, "pool_size"));
    GS_TRY(gs__spatial_check_size(error, stride, "strides"));
    if ((uint64_t)size[0] * size[1] > 1u << 24)
        return gs__fail(error, GS_ERR_ARGUMENT, "pool_size %u x %u has more than 2^24 pixels", size[0], size[1]);
    GS_TRY(gs__padding_check(error, layer->pooling.padding));
    if (layer->pooling.padding == GS_PADDING_CAUSAL)
        return gs__fail(error, GS_ERR_ARGUMENT, "padding causal is for Conv1D");
fail:
    return status;
}

gs_status gs__pooling_from_json(gs__json *json, const cJSON *config, gs_layer *layer, uint32_t rank) {
    gs_pooling_params *p = &layer->pooling;
    gs_status status = GS_OK;
    GS_TRY(gs__spatial_from_json(json, config, "pool_size", GS__JSON_OPTIONAL, 1, rank, p->pool_size));
    GS_TRY(gs__spatial_from_json(json, config, "strides", GS__JSON_OPTIONAL, 1, rank, p->strides));
    GS_TRY(gs__padding_from_json(json, config, &p->padding));
    GS_TRY(gs__data_format_from_json(json, config));
fail:
    return status;
}

void gs__pooling_to_json(gs__text *text, const gs_layer *layer, uint32_t rank) {
    uint32_t size[2], stride[2];
    pooling_sizes(layer, rank, size, stride);
    gs__spatial_to_json(text, "pool_size", rank, size);
    gs__text_append(text, ", \"padding\": \"%s\"", gs__padding_name(layer->pooling.padding));
    gs__spatial_to_json(text, "strides", rank, stride);
    gs__text_append(text, ", \"data_format\": \"channels_last\"");
}

gs_status gs__pooling_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer,
                                 uint32_t rank) {
    gs_status status = gs__word_count(error, count, 0, 1, gs__layer_find(layer->class_name)->short_form);
    return status == GS_OK && count ? gs__spatial_word(error, words[0], "pool_size", rank, layer->pooling.pool_size)
                                    : status;
}

gs_status gs__pooling_shape(gs__error *error, const gs_layer *layer, uint32_t rank, const gs_shape *x, gs_shape *y,
                            gs__pool2d_attr *attr) {
    gs__pool2d_attr a = {0};
    char text[96];
    gs_status status = gs__spatial_check_input(error, rank, x);
    if (status != GS_OK) return status;
    pooling_sizes(layer, rank, a.size, a.stride);
    *y = *x;
    for (uint32_t i = 0; i < rank; i++) {
        const uint32_t axis = rank == 2 ? i : 1;
        y->dim[i] = gs__padding_size(layer->pooling.padding, x->dim[i], a.size[axis], a.stride[axis], &a.pad[axis],
                                     &a.pad_end[axis]);
        if (!y->dim[i])
            return gs__fail(error, GS_ERR_ARGUMENT, "its pool_size is %u but its input is %s", a.size[axis],
                            gs__shape_text(x, false, text, sizeof text));
    }
    if (attr) *attr = a;
    return GS_OK;
}

static gs_status build_pool(const gs__layer_build *build, gs__pool2d_attr *attr, bool average, gs__value x,
                            gs__value *y) {
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    attr->average = average;
    attr->places = !average && build->training;
    gs_status status = gs__graph_apply(build->graph, "pool2d", build->name, attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

gs_status gs__pooling_build(const gs__layer_build *build, const gs_layer *layer, uint32_t rank, bool average,
                            gs__value x, gs__value *y) {
    const gs_shape sample = gs__spatial_sample(build, x);
    gs__pool2d_attr attr;
    gs_shape out;
    gs_status status = gs__pooling_shape(build->graph->error, layer, rank, &sample, &out, &attr);
    return status == GS_OK ? build_pool(build, &attr, average, x, y) : status;
}

gs_status gs__global_pooling_from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_status status = GS_OK;
    GS_TRY(gs__data_format_from_json(json, config));
    GS_TRY(gs__json_get_bool(json, config, "keepdims", GS__JSON_OPTIONAL, &layer->global_pooling.keepdims));
fail:
    return status;
}

void gs__global_pooling_to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"data_format\": \"channels_last\", \"keepdims\": %s",
                    layer->global_pooling.keepdims ? "true" : "false");
}

gs_status gs__global_pooling_shape(gs__error *error, const gs_layer *layer, uint32_t rank, const gs_shape *x,
                                   gs_shape *y) {
    gs_status status = gs__spatial_check_input(error, rank, x);
    if (status != GS_OK) return status;
    if (rank == 2 ? x->dim[0] * x->dim[1] > 1 << 24 : x->dim[0] > 1 << 24)
        return gs__fail(error, GS_ERR_ARGUMENT, "its input has more than 2^24 pixels");
    *y = (gs_shape){1, {x->dim[rank]}};
    if (layer->global_pooling.keepdims)
        *y = rank == 2 ? (gs_shape){3, {1, 1, x->dim[2]}} : (gs_shape){2, {1, x->dim[1]}};
    return GS_OK;
}

gs_status gs__global_pooling_build(const gs__layer_build *build, const gs_layer *layer, uint32_t rank, bool average,
                                   gs__value x, gs__value *y) {
    const gs_shape *full = &build->graph->values[x].shape;
    gs__pool2d_attr attr = {.size = {1, 1}, .stride = {1, 1}};
    for (uint32_t i = 0; i < rank; i++) attr.size[rank == 2 ? i : 1] = (uint32_t)full->dim[i + 1];
    const gs__reshape_attr flat = {.shape = {2, {full->dim[0], full->dim[rank + 1]}}};
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = build_pool(build, &attr, average, x, y);
    if (status != GS_OK || layer->global_pooling.keepdims) return status;
    status = gs__graph_apply(build->graph, "reshape", build->name, &flat, y, 1, outputs);
    *y = outputs[0];
    return status;
}
