// Conv2D: y = activation(x * kernel + bias), on images.
#include "model/spatial.h"

static const gs__conv_form form = {GS__CONV_PLAIN, 2};

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__conv_check(error, layer, &form);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    return gs__conv_from_json(json, config, layer, &form);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__conv_to_json(text, layer, &form);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    return gs__conv_from_words(error, words, count, layer, &form);
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    return gs__conv_shape(error, layer, &form, x, y, NULL);
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    return gs__conv_parameters(layer, &form, x, specs);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__conv_build(build_, layer, &form, x, y);
}

static gs_activation activation(const gs_layer *layer) {
    return layer->conv.activation;
}

const gs__layer_class gs__layer_conv2d = {
    .class_name = "Conv2D",
    .base_name = "conv2d",
    .short_form = "conv2d:FILTERS:KERNEL_SIZE[:ACTIVATION][:same]",
    .keys = (const char *const[]){GS__CONV_KEYS, "filters", "kernel_initializer", "kernel_regularizer", "groups", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = activation,
};
