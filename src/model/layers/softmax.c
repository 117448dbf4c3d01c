// Softmax: exp(x) / sum exp(x), over the last axis.
#include "model/layer.h"

static gs_activation activation(const gs_layer *layer) {
    (void)layer;
    return GS_ACTIVATION_SOFTMAX;
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    (void)layer;
    int64_t axis = -1;
    gs_status status = gs__json_get_int(json, config, "axis", GS__JSON_OPTIONAL, -GS_MAX_RANK, GS_MAX_RANK, &axis);
    if (status == GS_OK && axis != -1)
        return gs__json_fail(json, gs__json_find(config, "axis"), GS_ERR_UNSUPPORTED,
                             "axis %lld is not supported, only the last one (-1)", (long long)axis);
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    (void)layer;
    gs__text_append(text, ", \"axis\": -1");
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    (void)layer;
    return gs__activation_build(build_, GS_ACTIVATION_SOFTMAX, false, 0.0f, x, y);
}

const gs__layer_class gs__layer_softmax = {
    .class_name = "Softmax",
    .base_name = "softmax",
    .short_form = "softmax",
    .keys = (const char *const[]){"axis", NULL},
    .is_activation = true,
    .from_json = from_json,
    .to_json = to_json,
    .build = build,
    .activation = activation,
};
