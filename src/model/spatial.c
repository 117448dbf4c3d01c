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
                         "padding \"%s\" is not supported; known are valid and same",
                         gs__text_show(name, shown, sizeof shown));
}

int64_t gs__padding_size(gs_padding padding, int64_t size, int64_t reach, int64_t stride, uint32_t *begin,
                         uint32_t *end) {
    *begin = *end = 0;
    if (padding == GS_PADDING_VALID) return size < reach ? 0 : (size - reach) / stride + 1;
    const int64_t count = (size + stride - 1) / stride, needed = (count - 1) * stride + reach - size;
    if (needed > 0) {
        *begin = (uint32_t)(needed / 2);
        *end = (uint32_t)(needed - needed / 2);
    }
    return count;
}

gs_status gs__spatial_from_json(gs__json *json, const cJSON *config, const char *key, gs__json_need need, uint32_t rank,
                                uint32_t pair[2]) {
    const cJSON *item = NULL, *entry;
    gs_status status = gs__json_get(json, config, key, need, &item);
    if (status != GS_OK || !item) return status;
    uint64_t value = 0;
    uint32_t count = 0;
    if (!cJSON_IsArray(item)) {
        status = gs__json_as_uint(json, item, 1, INT32_MAX, &value);
        pair[0] = pair[1] = (uint32_t)value;
        return status;
    }
    if ((uint32_t)cJSON_GetArraySize(item) != rank)
        return gs__json_fail(json, item, GS_ERR_FORMAT, "expected an integer or a list of %u, found one of %d", rank,
                             cJSON_GetArraySize(item));
    cJSON_ArrayForEach(entry, item) {
        status = gs__json_as_uint(json, entry, 1, INT32_MAX, &value);
        if (status != GS_OK) return status;
        pair[count++] = (uint32_t)value;
    }
    return GS_OK;
}

void gs__spatial_to_json(gs__text *text, const char *key, uint32_t rank, const uint32_t pair[2]) {
    if (rank == 2) gs__text_append(text, ", \"%s\": [%u, %u]", key, pair[0], pair[1]);
    else gs__text_append(text, ", \"%s\": [%u]", key, pair[1]);
}

gs_status gs__data_format_from_json(gs__json *json, const cJSON *config) {
    const char *format = "channels_last";
    gs_status status = gs__json_get_string(json, config, "data_format", GS__JSON_OPTIONAL, &format);
    if (status == GS_OK && strcmp(format, "channels_last") != 0)
        return gs__json_fail(json, gs__json_find(config, "data_format"), GS_ERR_UNSUPPORTED,
                             "only channels_last is supported");
    return status;
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

// --- convolutions -----------------------------------------------------------------------------------------------------
static const uint32_t ones[2] = {1, 1}, twos[2] = {2, 2};

// The sizes of a layer, complete.
struct conv_sizes {
    uint32_t kernel[2], stride[2], dilation[2], groups;
};
static struct conv_sizes conv_sizes(const gs_layer *layer, uint32_t rank) {
    const gs_conv_params *p = &layer->conv;
    struct conv_sizes s = {.groups = p->groups ? p->groups : 1};
    gs__spatial_pair(p->kernel_size, ones, rank, s.kernel);
    gs__spatial_pair(p->strides, ones, rank, s.stride);
    gs__spatial_pair(p->dilation_rate, ones, rank, s.dilation);
    return s;
}

static gs_status check_size(gs__error *error, const uint32_t pair[2], const char *what) {
    for (int i = 0; i < 2; i++)
        if (pair[i] > INT32_MAX)
            return gs__fail(error, GS_ERR_ARGUMENT, "%s is %u; it must be below 2^31", what, pair[i]);
    return GS_OK;
}

gs_status gs__conv_check(gs__error *error, const gs_layer *layer, uint32_t rank) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = conv_sizes(layer, rank);
    gs_status status = GS_OK;
    if (p->filters < 1 || p->filters > INT32_MAX)
        return gs__fail(error, GS_ERR_ARGUMENT, "filters is %u; it must be from 1 to 2^31 - 1", p->filters);
    if (!p->kernel_size[0]) return gs__fail(error, GS_ERR_ARGUMENT, "kernel_size is 0; it must be at least 1");
    GS_TRY(check_size(error, p->kernel_size, "kernel_size"));
    GS_TRY(check_size(error, p->strides, "strides"));
    GS_TRY(check_size(error, p->dilation_rate, "dilation_rate"));
    for (int i = 0; i < 2; i++)
        if ((uint64_t)s.kernel[i] * s.dilation[i] > INT32_MAX)
            return gs__fail(error, GS_ERR_ARGUMENT, "kernel_size %u with dilation_rate %u reaches over 2^31",
                            s.kernel[i], s.dilation[i]);
    GS_TRY(gs__padding_check(error, p->padding));
    if (p->filters % s.groups)
        return gs__fail(error, GS_ERR_ARGUMENT, "filters is %u; groups, %u, must divide it", p->filters, s.groups);
    GS_TRY(gs__activation_check(error, p->activation, p->has_alpha, p->alpha));
    GS_TRY(gs__initializer_check(error, &p->kernel_initializer, "kernel_initializer"));
    GS_TRY(gs__initializer_check(error, &p->bias_initializer, "bias_initializer"));
    GS_TRY(gs__regularizer_check(error, &p->kernel_regularizer, "kernel_regularizer"));
    GS_TRY(gs__regularizer_check(error, &p->bias_regularizer, "bias_regularizer"));
fail:
    return status;
}

gs_status gs__conv_from_json(gs__json *json, const cJSON *config, gs_layer *layer, uint32_t rank) {
    gs_conv_params *p = &layer->conv;
    gs_status status = GS_OK;
    uint64_t filters = 0, groups = 1;
    bool use_bias = true;
    GS_TRY(gs__json_get_uint(json, config, "filters", GS__JSON_REQUIRED, 1, INT32_MAX, &filters));
    GS_TRY(gs__json_get_uint(json, config, "groups", GS__JSON_OPTIONAL, 1, INT32_MAX, &groups));
    GS_TRY(gs__json_get_bool(json, config, "use_bias", GS__JSON_OPTIONAL, &use_bias));
    p->filters = (uint32_t)filters;
    p->groups = (uint32_t)groups;
    p->no_bias = !use_bias;
    GS_TRY(gs__spatial_from_json(json, config, "kernel_size", GS__JSON_REQUIRED, rank, p->kernel_size));
    GS_TRY(gs__spatial_from_json(json, config, "strides", GS__JSON_OPTIONAL, rank, p->strides));
    GS_TRY(gs__spatial_from_json(json, config, "dilation_rate", GS__JSON_OPTIONAL, rank, p->dilation_rate));
    GS_TRY(gs__padding_from_json(json, config, &p->padding));
    GS_TRY(gs__data_format_from_json(json, config));
    GS_TRY(gs__activation_from_json(json, config, "activation", &p->activation, &p->alpha, &p->has_alpha));
    GS_TRY(gs__initializer_from_json(json, config, "kernel_initializer", &p->kernel_initializer));
    GS_TRY(gs__initializer_from_json(json, config, "bias_initializer", &p->bias_initializer));
    GS_TRY(gs__regularizer_from_json(json, config, "kernel_regularizer", &p->kernel_regularizer));
    GS_TRY(gs__regularizer_from_json(json, config, "bias_regularizer", &p->bias_regularizer));
fail:
    return status;
}

void gs__conv_to_json(gs__text *text, const gs_layer *layer, uint32_t rank) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = conv_sizes(layer, rank);
    gs__text_append(text, ", \"filters\": %u", p->filters);
    gs__spatial_to_json(text, "kernel_size", rank, s.kernel);
    gs__spatial_to_json(text, "strides", rank, s.stride);
    gs__text_append(text, ", \"padding\": \"%s\", \"data_format\": \"channels_last\"", gs__padding_name(p->padding));
    gs__spatial_to_json(text, "dilation_rate", rank, s.dilation);
    gs__text_append(text, ", \"groups\": %u, \"activation\": ", s.groups);
    gs__activation_to_json(text, p->activation, p->has_alpha, p->alpha);
    gs__text_append(text, ", \"use_bias\": %s, \"kernel_initializer\": ", p->no_bias ? "false" : "true");
    gs__initializer_to_json(text, &p->kernel_initializer, GS_INITIALIZER_GLOROT_UNIFORM);
    gs__text_append(text, ", \"bias_initializer\": ");
    gs__initializer_to_json(text, &p->bias_initializer, GS_INITIALIZER_ZEROS);
    gs__text_append(text, ", \"kernel_regularizer\": ");
    gs__regularizer_to_json(text, &p->kernel_regularizer);
    gs__text_append(text, ", \"bias_regularizer\": ");
    gs__regularizer_to_json(text, &p->bias_regularizer);
    gs__text_append(text, ", \"activity_regularizer\": null, \"kernel_constraint\": null, \"bias_constraint\": null");
}

gs_status gs__conv_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer,
                              uint32_t rank) {
    gs_conv_params *p = &layer->conv;
    gs_status status = GS_OK;
    uint64_t filters = 0;
    GS_TRY(gs__word_count(error, count, 2, 4, gs__layer_find(layer->class_name)->short_form));
    GS_TRY(gs__word_uint(error, words[0], "filters", 1, INT32_MAX, &filters));
    GS_TRY(gs__spatial_word(error, words[1], "kernel_size", rank, p->kernel_size));
    p->filters = (uint32_t)filters;
    for (uint32_t i = 2; i < count; i++) {
        if (strcmp(words[i], "same") == 0) p->padding = GS_PADDING_SAME;
        else if (strcmp(words[i], "valid") == 0) p->padding = GS_PADDING_VALID;
        else GS_TRY(gs__activation_parse(error, words[i], &p->activation));
    }
fail:
    return status;
}

gs_status gs__conv_shape(gs__error *error, const gs_layer *layer, uint32_t rank, const gs_shape *x, gs_shape *y,
                         gs__conv2d_attr *attr) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = conv_sizes(layer, rank);
    gs__conv2d_attr a = {.groups = s.groups};
    char text[96];
    gs_status status = gs__spatial_check_input(error, rank, x);
    if (status != GS_OK) return status;
    if (x->dim[rank] % s.groups)
        return gs__fail(error, GS_ERR_ARGUMENT, "its input has %lld channels; groups, %u, must divide them",
                        (long long)x->dim[rank], s.groups);
    *y = (gs_shape){.rank = rank + 1};
    y->dim[rank] = p->filters;
    for (uint32_t i = 0; i < 2; i++) {
        a.stride[i] = s.stride[i];
        a.dilation[i] = s.dilation[i];
    }
    for (uint32_t i = 0; i < rank; i++) {
        const uint32_t axis = rank == 2 ? i : 1;
        const int64_t reach = ((int64_t)s.kernel[axis] - 1) * s.dilation[axis] + 1;
        y->dim[i] = gs__padding_size(p->padding, x->dim[i], reach, s.stride[axis], &a.pad[axis], &a.pad_end[axis]);
        if (!y->dim[i])
            return gs__fail(error, GS_ERR_ARGUMENT, "its kernel reaches over %lld but its input is %s",
                            (long long)reach, gs__shape_text(x, false, text, sizeof text));
    }
    if (attr) *attr = a;
    return GS_OK;
}

uint32_t gs__conv_parameters(const gs_layer *layer, uint32_t rank, const gs_shape *x, gs__parameter_spec *specs) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = conv_sizes(layer, rank);
    gs_shape kernel = {.rank = rank + 2};
    for (uint32_t i = 0; i < rank; i++) kernel.dim[i] = s.kernel[rank == 2 ? i : 1];
    kernel.dim[rank] = x->dim[rank] / s.groups;
    kernel.dim[rank + 1] = p->filters;
    specs[0] = (gs__parameter_spec){
        .name = "kernel",
        .shape = kernel,
        .initializer = p->kernel_initializer,
        .fallback = GS_INITIALIZER_GLOROT_UNIFORM,
        .regularizer = p->kernel_regularizer,
    };
    specs[1] = (gs__parameter_spec){
        .name = "bias",
        .shape = {1, {p->filters}},
        .initializer = p->bias_initializer,
        .fallback = GS_INITIALIZER_ZEROS,
        .regularizer = p->bias_regularizer,
    };
    return p->no_bias ? 1 : 2;
}

// The shape of a sample in the graph.
static gs_shape sample_of(const gs__layer_build *build, gs__value x) {
    const gs_shape *full = &build->graph->values[x].shape;
    gs_shape sample = {.rank = full->rank - 1};
    for (uint32_t i = 0; i < sample.rank; i++) sample.dim[i] = full->dim[i + 1];
    return sample;
}

gs_status gs__conv_build(const gs__layer_build *build, const gs_layer *layer, uint32_t rank, gs__value x,
                         gs__value *y) {
    const gs_conv_params *p = &layer->conv;
    const gs_shape sample = sample_of(build, x);
    gs__value inputs[3] = {x, build->parameter[0], build->parameter[1]}, outputs[GS__MAX_OUTPUTS] = {0};
    gs__conv2d_attr attr;
    gs_shape out;
    gs_status status = GS_OK;
    GS_TRY(gs__conv_shape(build->graph->error, layer, rank, &sample, &out, &attr));
    GS_TRY(gs__graph_apply(build->graph, "conv2d", build->name, &attr, inputs, p->no_bias ? 2 : 3, outputs));
    GS_TRY(gs__activation_build(build, p->activation, p->has_alpha, p->alpha, outputs[0], y));
fail:
    return status;
}

// --- pooling ----------------------------------------------------------------------------------------------------------
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
    GS_TRY(check_size(error, size, "pool_size"));
    GS_TRY(check_size(error, stride, "strides"));
    if ((uint64_t)size[0] * size[1] > 1u << 24)
        return gs__fail(error, GS_ERR_ARGUMENT, "pool_size %u x %u has more than 2^24 pixels", size[0], size[1]);
    GS_TRY(gs__padding_check(error, layer->pooling.padding));
fail:
    return status;
}

gs_status gs__pooling_from_json(gs__json *json, const cJSON *config, gs_layer *layer, uint32_t rank) {
    gs_pooling_params *p = &layer->pooling;
    gs_status status = GS_OK;
    GS_TRY(gs__spatial_from_json(json, config, "pool_size", GS__JSON_OPTIONAL, rank, p->pool_size));
    GS_TRY(gs__spatial_from_json(json, config, "strides", GS__JSON_OPTIONAL, rank, p->strides));
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
    const gs_shape sample = sample_of(build, x);
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
