// SpatialDropout2D: in training whole channels of a sample are 0 with probability `rate`, else divided by 1 - rate.
#include "model/spatial.h"

enum { RANK = 2 };

static gs_status check(gs__error *error, const gs_layer *layer) {
    float rate = layer->dropout.rate;
    if (rate >= 0.0f && rate < 1.0f) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "rate is %g; it must be at least 0 and below 1", (double)rate);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_status status = gs__data_format_from_json(json, config);
    if (status != GS_OK) return status;
    // The seed is ignored: masks are drawn from the seed of the training.
    return gs__json_get_float(json, config, "rate", GS__JSON_REQUIRED, &layer->dropout.rate);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"rate\": ");
    gs__text_append_float(text, layer->dropout.rate);
    gs__text_append(text, ", \"seed\": null, \"data_format\": \"channels_last\"");
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = gs__word_count(error, count, 1, 1, gs__layer_find("SpatialDropout2D")->short_form);
    return status == GS_OK ? gs__word_float(error, words[0], "rate", &layer->dropout.rate) : status;
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    (void)layer;
    *y = *x;
    return gs__spatial_check_input(error, RANK, x);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    gs__value outputs[GS__MAX_OUTPUTS] = {x};
    gs__spatial_dropout_attr attr = {.rate = layer->dropout.rate, .key = build_->key};
    gs_status status = GS_OK;
    if (build_->training && attr.rate > 0.0f)
        status = gs__graph_apply(build_->graph, "spatial_dropout", build_->name, &attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_spatial_dropout2d = {
    .class_name = "SpatialDropout2D",
    .base_name = "spatial_dropout2d",
    .short_form = "spatial_dropout2d:RATE",
    .keys = (const char *const[]){"rate", "seed", "data_format", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .build = build,
};
