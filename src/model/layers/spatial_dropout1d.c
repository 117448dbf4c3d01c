// SpatialDropout1D: in training whole channels of a sample are 0 with probability `rate`, else divided by 1 - rate.
#include "model/dropout.h"
#include "model/spatial.h"

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_status status = gs__data_format_from_json(json, config);
    return status == GS_OK ? gs__dropout_from_json(json, config, layer) : status;
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    (void)layer;
    *y = *x;
    return gs__spatial_check_input(error, 1, x);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__dropout_build(build_, layer, "spatial_dropout", x, y);
}

const gs__layer_class gs__layer_spatial_dropout1d = {
    .class_name = "SpatialDropout1D",
    .base_name = "spatial_dropout1d",
    .short_form = "spatial_dropout1d:RATE",
    .keys = (const char *const[]){"rate", "seed", "data_format", NULL},
    .check = gs__dropout_check,
    .from_json = from_json,
    .to_json = gs__dropout_to_json,
    .from_words = gs__dropout_from_words,
    .shape = shape,
    .build = build,
};
