// Flatten: all dimensions of a sample into one.
#include "model/layer.h"
#include "op/attr.h"

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    (void)layer;
    return gs__data_format_from_json(json, config);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    (void)layer;
    gs__text_append(text, ", \"data_format\": \"channels_last\"");
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    (void)error;
    (void)layer;
    uint64_t count = 0;
    gs__shape_count(x, &count);
    *y = (gs_shape){1, {(int64_t)count}};
    return GS_OK;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    (void)layer;
    gs_shape full = build_->graph->values[x].shape;
    gs__reshape_attr attr = {.shape = {2, {full.dim[0], 1}}};
    for (uint32_t i = 1; i < full.rank; i++) attr.shape.dim[1] *= full.dim[i];
    gs__value outputs[GS__MAX_OUTPUTS] = {x};
    gs_status status = GS_OK;
    if (full.rank != 2) status = gs__graph_apply(build_->graph, "reshape", build_->name, &attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_flatten = {
    .class_name = "Flatten",
    .base_name = "flatten",
    .short_form = "flatten",
    .keys = (const char *const[]){"data_format", NULL},
    .from_json = from_json,
    .to_json = to_json,
    .shape = shape,
    .build = build,
};
