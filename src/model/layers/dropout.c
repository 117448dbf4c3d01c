// Dropout, inverted: in training an element is 0 with probability `rate`, else divided by 1 - rate.
#include "model/dropout.h"

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_status status = gs__json_refuse(json, config, "noise_shape");
    return status == GS_OK ? gs__dropout_from_json(json, config, layer) : status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__dropout_to_json(text, layer);
    gs__text_append(text, ", \"noise_shape\": null");
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__dropout_build(build_, layer, "dropout", x, y);
}

const gs__layer_class gs__layer_dropout = {
    .class_name = "Dropout",
    .base_name = "dropout",
    .short_form = "dropout:RATE",
    .keys = (const char *const[]){"rate", "seed", "noise_shape", NULL},
    .check = gs__dropout_check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = gs__dropout_from_words,
    .build = build,
};
