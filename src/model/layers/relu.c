// ReLU: max(x, 0); with a slope, Keras's negative_slope, x < 0 gives slope x.
#include "model/layer.h"

static gs_activation activation(const gs_layer *layer) {
    const gs_activation_params *p = &layer->activation;
    return p->has_alpha && p->alpha != 0.0f ? GS_ACTIVATION_LEAKY_RELU : GS_ACTIVATION_RELU;
}

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__activation_check(error, activation(layer), layer->activation.has_alpha, layer->activation.alpha);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_activation_params *p = &layer->activation;
    gs_status status = GS_OK;
    float threshold = 0.0f;
    GS_TRY(gs__json_refuse(json, config, "max_value"));
    GS_TRY(gs__json_get_float(json, config, "threshold", GS__JSON_OPTIONAL, &threshold));
    if (threshold != 0.0f)
        return gs__json_fail(json, gs__json_find(config, "threshold"), GS_ERR_UNSUPPORTED,
                             "a threshold other than 0 is not supported");
    GS_TRY(gs__json_get_float(json, config, "negative_slope", GS__JSON_OPTIONAL, &p->alpha));
    p->has_alpha = p->alpha != 0.0f;
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"max_value\": null, \"negative_slope\": ");
    gs__text_append_float(text, layer->activation.has_alpha ? layer->activation.alpha : 0.0f);
    gs__text_append(text, ", \"threshold\": 0.0");
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__activation_build(build_, activation(layer), true, layer->activation.alpha, x, y);
}

const gs__layer_class gs__layer_relu = {
    .class_name = "ReLU",
    .base_name = "re_lu",
    .short_form = "relu",
    .keys = (const char *const[]){"max_value", "negative_slope", "threshold", NULL},
    .is_activation = true,
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .build = build,
    .activation = activation,
};
