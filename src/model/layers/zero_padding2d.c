// ZeroPadding2D: zeros around an image.
#include "model/spatial.h"

static const gs__padding_form form = {.rank = 2, .cuts = false, .key = "padding", .fallback = 1};

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__padding_layer_check(error, layer, &form);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    return gs__padding_layer_from_json(json, config, layer, &form);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__padding_layer_to_json(text, layer, &form);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    return gs__padding_layer_from_words(error, words, count, layer, &form);
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    return gs__padding_layer_shape(error, layer, &form, x, y);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__padding_layer_build(build_, layer, &form, x, y);
}

const gs__layer_class gs__layer_zero_padding2d = {
    .class_name = "ZeroPadding2D",
    .base_name = "zero_padding2d",
    .short_form = "zeropadding2d:PADDING",
    .keys = (const char *const[]){"padding", "data_format", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .build = build,
};
