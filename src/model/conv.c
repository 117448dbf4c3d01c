// Conv1D, Conv2D, Conv2DTranspose, DepthwiseConv2D: what their files in layers/ share.
#include "model/spatial.h"

#include <string.h>

static const uint32_t ones[2] = {1, 1};

// The sizes of a layer, complete.
struct conv_sizes {
    uint32_t kernel[2], stride[2], dilation[2], groups, multiplier;
};
static struct conv_sizes sizes_of(const gs_layer *layer, const gs__conv_form *form) {
    const gs_conv_params *p = &layer->conv;
    struct conv_sizes s = {.groups = p->groups ? p->groups : 1,
                           .multiplier = p->depth_multiplier ? p->depth_multiplier : 1};
    gs__spatial_pair(p->kernel_size, ones, form->rank, s.kernel);
    gs__spatial_pair(p->strides, ones, form->rank, s.stride);
    gs__spatial_pair(p->dilation_rate, ones, form->rank, s.dilation);
    return s;
}

// Name of the kernel's fields.
static const char *kernel_key(const gs__conv_form *form, bool regularizer) {
    if (form->kind == GS__CONV_DEPTHWISE) return regularizer ? "depthwise_regularizer" : "depthwise_initializer";
    return regularizer ? "kernel_regularizer" : "kernel_initializer";
}

static gs_status check_form(gs__error *error, const gs_layer *layer, const gs__conv_form *form) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = sizes_of(layer, form);
    if (form->kind != GS__CONV_DEPTHWISE && (p->filters < 1 || p->filters > INT32_MAX))
        return gs__fail(error, GS_ERR_ARGUMENT, "filters is %u; it must be from 1 to 2^31 - 1", p->filters);
    if (form->kind == GS__CONV_PLAIN && p->filters % s.groups)
        return gs__fail(error, GS_ERR_ARGUMENT, "filters is %u; groups, %u, must divide it", p->filters, s.groups);
    if (form->kind == GS__CONV_DEPTHWISE && s.multiplier > INT32_MAX)
        return gs__fail(error, GS_ERR_ARGUMENT, "depth_multiplier is %u; it must be below 2^31", s.multiplier);
    if (p->padding == GS_PADDING_CAUSAL && form->rank != 1)
        return gs__fail(error, GS_ERR_ARGUMENT, "padding causal is for Conv1D");
    for (int i = 0; i < 2; i++)
        if (form->kind == GS__CONV_TRANSPOSE && p->has_output_padding && p->output_padding[i] >= s.stride[i])
            return gs__fail(error, GS_ERR_ARGUMENT, "output_padding is %u; it must be below the stride, %u",
                            p->output_padding[i], s.stride[i]);
    return GS_OK;
}

gs_status gs__conv_check(gs__error *error, const gs_layer *layer, const gs__conv_form *form) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = sizes_of(layer, form);
    gs_status status = GS_OK;
    if (!p->kernel_size[0]) return gs__fail(error, GS_ERR_ARGUMENT, "kernel_size is 0; it must be at least 1");
    GS_TRY(gs__spatial_check_size(error, p->kernel_size, "kernel_size"));
    GS_TRY(gs__spatial_check_size(error, p->strides, "strides"));
    GS_TRY(gs__spatial_check_size(error, p->dilation_rate, "dilation_rate"));
    for (int i = 0; i < 2; i++)
        if ((uint64_t)s.kernel[i] * s.dilation[i] > INT32_MAX)
            return gs__fail(error, GS_ERR_ARGUMENT, "kernel_size %u with dilation_rate %u reaches over 2^31",
                            s.kernel[i], s.dilation[i]);
    GS_TRY(gs__padding_check(error, p->padding));
    GS_TRY(check_form(error, layer, form));
    GS_TRY(gs__activation_check(error, p->activation, p->has_alpha, p->alpha));
    GS_TRY(gs__initializer_check(error, &p->kernel_initializer, kernel_key(form, false)));
    GS_TRY(gs__initializer_check(error, &p->bias_initializer, "bias_initializer"));
    GS_TRY(gs__regularizer_check(error, &p->kernel_regularizer, kernel_key(form, true)));
    GS_TRY(gs__regularizer_check(error, &p->bias_regularizer, "bias_regularizer"));
fail:
    return status;
}

static gs_status counts_from_json(gs__json *json, const cJSON *config, gs_conv_params *p, const gs__conv_form *form) {
    gs_status status = GS_OK;
    uint64_t filters = 0, groups = 1, multiplier = 1;
    if (form->kind != GS__CONV_DEPTHWISE)
        GS_TRY(gs__json_get_uint(json, config, "filters", GS__JSON_REQUIRED, 1, INT32_MAX, &filters));
    if (form->kind == GS__CONV_PLAIN)
        GS_TRY(gs__json_get_uint(json, config, "groups", GS__JSON_OPTIONAL, 1, INT32_MAX, &groups));
    if (form->kind == GS__CONV_DEPTHWISE)
        GS_TRY(gs__json_get_uint(json, config, "depth_multiplier", GS__JSON_OPTIONAL, 1, INT32_MAX, &multiplier));
    if (form->kind == GS__CONV_TRANSPOSE && gs__json_find(config, "output_padding")) {
        GS_TRY(
            gs__spatial_from_json(json, config, "output_padding", GS__JSON_OPTIONAL, 0, form->rank, p->output_padding));
        p->has_output_padding = true;
    }
    p->filters = (uint32_t)filters;
    p->groups = (uint32_t)groups;
    p->depth_multiplier = (uint32_t)multiplier;
fail:
    return status;
}

gs_status gs__conv_from_json(gs__json *json, const cJSON *config, gs_layer *layer, const gs__conv_form *form) {
    gs_conv_params *p = &layer->conv;
    gs_status status = GS_OK;
    bool use_bias = true;
    GS_TRY(counts_from_json(json, config, p, form));
    GS_TRY(gs__json_get_bool(json, config, "use_bias", GS__JSON_OPTIONAL, &use_bias));
    p->no_bias = !use_bias;
    GS_TRY(gs__spatial_from_json(json, config, "kernel_size", GS__JSON_REQUIRED, 1, form->rank, p->kernel_size));
    GS_TRY(gs__spatial_from_json(json, config, "strides", GS__JSON_OPTIONAL, 1, form->rank, p->strides));
    GS_TRY(gs__spatial_from_json(json, config, "dilation_rate", GS__JSON_OPTIONAL, 1, form->rank, p->dilation_rate));
    GS_TRY(gs__padding_from_json(json, config, &p->padding));
    GS_TRY(gs__data_format_from_json(json, config));
    GS_TRY(gs__activation_from_json(json, config, "activation", &p->activation, &p->alpha, &p->has_alpha));
    GS_TRY(gs__initializer_from_json(json, config, kernel_key(form, false), &p->kernel_initializer));
    GS_TRY(gs__initializer_from_json(json, config, "bias_initializer", &p->bias_initializer));
    GS_TRY(gs__regularizer_from_json(json, config, kernel_key(form, true), &p->kernel_regularizer));
    GS_TRY(gs__regularizer_from_json(json, config, "bias_regularizer", &p->bias_regularizer));
fail:
    return status;
}

void gs__conv_to_json(gs__text *text, const gs_layer *layer, const gs__conv_form *form) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = sizes_of(layer, form);
    const char *kernel = form->kind == GS__CONV_DEPTHWISE ? "depthwise" : "kernel";
    if (form->kind == GS__CONV_DEPTHWISE) gs__text_append(text, ", \"depth_multiplier\": %u", s.multiplier);
    else gs__text_append(text, ", \"filters\": %u", p->filters);
    gs__spatial_to_json(text, "kernel_size", form->rank, s.kernel);
    gs__spatial_to_json(text, "strides", form->rank, s.stride);
    gs__text_append(text, ", \"padding\": \"%s\"", gs__padding_name(p->padding));
    if (form->kind == GS__CONV_TRANSPOSE && p->has_output_padding)
        gs__spatial_to_json(text, "output_padding", form->rank, p->output_padding);
    else if (form->kind == GS__CONV_TRANSPOSE) gs__text_append(text, ", \"output_padding\": null");
    gs__text_append(text, ", \"data_format\": \"channels_last\"");
    gs__spatial_to_json(text, "dilation_rate", form->rank, s.dilation);
    if (form->kind == GS__CONV_PLAIN) gs__text_append(text, ", \"groups\": %u", s.groups);
    gs__text_append(text, ", \"activation\": ");
    gs__activation_to_json(text, p->activation, p->has_alpha, p->alpha);
    gs__text_append(text, ", \"use_bias\": %s, \"%s_initializer\": ", p->no_bias ? "false" : "true", kernel);
    gs__initializer_to_json(text, &p->kernel_initializer, GS_INITIALIZER_GLOROT_UNIFORM);
    gs__text_append(text, ", \"bias_initializer\": ");
    gs__initializer_to_json(text, &p->bias_initializer, GS_INITIALIZER_ZEROS);
    gs__text_append(text, ", \"%s_regularizer\": ", kernel);
    gs__regularizer_to_json(text, &p->kernel_regularizer);
    gs__text_append(text, ", \"bias_regularizer\": ");
    gs__regularizer_to_json(text, &p->bias_regularizer);
    gs__text_append(text, ", \"activity_regularizer\": null, \"%s_constraint\": null, \"bias_constraint\": null",
                    kernel);
}

gs_status gs__conv_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer,
                              const gs__conv_form *form) {
    gs_conv_params *p = &layer->conv;
    gs_status status = GS_OK;
    uint64_t filters = 0;
    uint32_t used = 0;
    const uint32_t least = form->kind == GS__CONV_PLAIN ? 2 : form->kind == GS__CONV_TRANSPOSE ? 3 : 1;
    GS_TRY(gs__word_count(error, count, least, least + 2, gs__layer_find(layer->class_name)->short_form));
    if (form->kind != GS__CONV_DEPTHWISE)
        GS_TRY(gs__word_uint(error, words[used++], "filters", 1, INT32_MAX, &filters));
    GS_TRY(gs__spatial_word(error, words[used++], "kernel_size", form->rank, p->kernel_size));
    if (form->kind == GS__CONV_TRANSPOSE)
        GS_TRY(gs__spatial_word(error, words[used++], "strides", form->rank, p->strides));
    p->filters = (uint32_t)filters;
    for (; used < count; used++) {
        if (strcmp(words[used], "same") == 0) p->padding = GS_PADDING_SAME;
        else if (strcmp(words[used], "valid") == 0) p->padding = GS_PADDING_VALID;
        else if (strcmp(words[used], "causal") == 0) p->padding = GS_PADDING_CAUSAL;
        else GS_TRY(gs__activation_parse(error, words[used], &p->activation));
    }
fail:
    return status;
}

// Size of a transposed convolution's output along one axis, and what is cut off in front: Keras's.
static int64_t transposed_size(const gs_conv_params *p, int axis, int64_t size, int64_t reach, int64_t stride,
                               uint32_t *begin) {
    const bool same = p->padding == GS_PADDING_SAME;
    int64_t out = size * stride + (!same && reach > stride ? reach - stride : 0);
    if (p->has_output_padding) out = (size - 1) * stride + reach - (same ? reach / 2 * 2 : 0) + p->output_padding[axis];
    const int64_t cut = (size - 1) * stride + reach - out; // as the convolution from the output would be padded
    *begin = same && cut > 0 ? (uint32_t)(cut / 2) : 0;
    return out;
}

gs_status gs__conv_shape(gs__error *error, const gs_layer *layer, const gs__conv_form *form, const gs_shape *x,
                         gs_shape *y, gs__conv2d_attr *attr) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = sizes_of(layer, form);
    const uint32_t rank = form->rank;
    const bool plain = form->kind == GS__CONV_PLAIN, transposed = form->kind == GS__CONV_TRANSPOSE;
    gs__conv2d_attr a = {.groups = plain ? s.groups : 1};
    char text[96];
    gs_status status = gs__spatial_check_input(error, rank, x);
    if (status != GS_OK) return status;
    if (plain && x->dim[rank] % s.groups)
        return gs__fail(error, GS_ERR_ARGUMENT, "its input has %lld channels; groups, %u, must divide them",
                        (long long)x->dim[rank], s.groups);
    *y = (gs_shape){.rank = rank + 1};
    y->dim[rank] = form->kind == GS__CONV_DEPTHWISE ? x->dim[rank] * s.multiplier : p->filters;
    for (uint32_t i = 0; i < 2; i++) {
        a.stride[i] = s.stride[i];
        a.dilation[i] = s.dilation[i];
    }
    for (uint32_t i = 0; i < rank; i++) {
        const uint32_t axis = rank == 2 ? i : 1;
        const int64_t reach = ((int64_t)s.kernel[axis] - 1) * s.dilation[axis] + 1;
        if (transposed) y->dim[i] = transposed_size(p, (int)axis, x->dim[i], reach, s.stride[axis], &a.pad[axis]);
        else y->dim[i] = gs__padding_size(p->padding, x->dim[i], reach, s.stride[axis], &a.pad[axis], &a.pad_end[axis]);
        if (y->dim[i] < 1 || y->dim[i] > INT32_MAX)
            return gs__fail(error, GS_ERR_ARGUMENT, "its kernel reaches over %lld but its input is %s",
                            (long long)reach, gs__shape_text(x, false, text, sizeof text));
    }
    if (attr) *attr = a;
    return GS_OK;
}

uint32_t gs__conv_parameters(const gs_layer *layer, const gs__conv_form *form, const gs_shape *x,
                             gs__parameter_spec *specs) {
    const gs_conv_params *p = &layer->conv;
    const struct conv_sizes s = sizes_of(layer, form);
    const int64_t channels = x->dim[form->rank];
    const bool depthwise = form->kind == GS__CONV_DEPTHWISE, transposed = form->kind == GS__CONV_TRANSPOSE;
    gs_shape kernel = {.rank = form->rank + 2};
    for (uint32_t i = 0; i < form->rank; i++) kernel.dim[i] = s.kernel[form->rank == 2 ? i : 1];
    kernel.dim[form->rank] = depthwise ? channels : transposed ? p->filters : channels / s.groups;
    kernel.dim[form->rank + 1] = depthwise ? s.multiplier : transposed ? channels : p->filters;
    specs[0] = (gs__parameter_spec){
        .name = "kernel",
        .shape = kernel,
        .initializer = p->kernel_initializer,
        .fallback = GS_INITIALIZER_GLOROT_UNIFORM,
        .regularizer = p->kernel_regularizer,
    };
    specs[1] = (gs__parameter_spec){
        .name = "bias",
        .shape = {1, {depthwise ? channels * s.multiplier : p->filters}},
        .initializer = p->bias_initializer,
        .fallback = GS_INITIALIZER_ZEROS,
        .regularizer = p->bias_regularizer,
    };
    return p->no_bias ? 1 : 2;
}

gs_status gs__conv_build(const gs__layer_build *build, const gs_layer *layer, const gs__conv_form *form, gs__value x,
                         gs__value *y) {
    static const char *const ops[] = {"conv2d", "depthwise_conv2d", "conv2d_transpose"};
    const gs_conv_params *p = &layer->conv;
    const gs_shape sample = gs__spatial_sample(build, x);
    gs__value inputs[3] = {x, build->parameter[0], build->parameter[1]}, outputs[GS__MAX_OUTPUTS] = {0};
    gs__conv2d_attr attr;
    gs_shape out;
    gs_status status = GS_OK;
    GS_TRY(gs__conv_shape(build->graph->error, layer, form, &sample, &out, &attr));
    const gs__conv2d_transpose_attr transposed = {.stride = {attr.stride[0], attr.stride[1]},
                                                  .dilation = {attr.dilation[0], attr.dilation[1]},
                                                  .pad = {attr.pad[0], attr.pad[1]},
                                                  .size = {(uint32_t)out.dim[0], (uint32_t)out.dim[1]}};
    const void *used = form->kind == GS__CONV_TRANSPOSE ? (const void *)&transposed : &attr;
    GS_TRY(gs__graph_apply(build->graph, ops[form->kind], build->name, used, inputs, p->no_bias ? 2 : 3, outputs));
    GS_TRY(gs__activation_build(build, p->activation, p->has_alpha, p->alpha, outputs[0], y));
fail:
    return status;
}
