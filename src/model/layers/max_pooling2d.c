// MaxPooling2D: the largest of windows of an image.
#include "model/spatial.h"

enum { RANK = 2, AVERAGE = 0 };

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__pooling_check(error, layer, RANK);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    return gs__pooling_from_json(json, config, layer, RANK);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__pooling_to_json(text, layer, RANK);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    return gs__pooling_from_words(error, words, count, layer, RANK);
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    return gs__pooling_shape(error, layer, RANK, x, y, NULL);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__pooling_build(build_, layer, RANK, AVERAGE, x, y);
}

const gs__layer_class gs__layer_max_pooling2d = {
    .class_name = "MaxPooling2D",
    .base_name = "max_pooling2d",
    .short_form = "maxpool2d[:POOL_SIZE]",
    .keys = (const char *const[]){"pool_size", "strides", "padding", "data_format", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .build = build,
};
