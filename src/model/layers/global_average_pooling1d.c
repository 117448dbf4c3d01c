// GlobalAveragePooling1D: the mean of each channel of a series.
#include "model/spatial.h"

enum { RANK = 1, AVERAGE = 1 };

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    return gs__global_pooling_shape(error, layer, RANK, x, y);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__global_pooling_build(build_, layer, RANK, AVERAGE, x, y);
}

const gs__layer_class gs__layer_global_average_pooling1d = {
    .class_name = "GlobalAveragePooling1D",
    .base_name = "global_average_pooling1d",
    .short_form = "global_avgpool1d",
    .keys = (const char *const[]){"data_format", "keepdims", NULL},
    .from_json = gs__global_pooling_from_json,
    .to_json = gs__global_pooling_to_json,
    .shape = shape,
    .build = build,
};
