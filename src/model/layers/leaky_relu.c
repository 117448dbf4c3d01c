// LeakyReLU: x > 0 ? x : slope x. As a layer its slope is 0.3 by default; activation="leaky_relu" has 0.2.
#include "model/layer.h"

static float slope(const gs_layer *layer) {
    return layer->activation.has_alpha ? layer->activation.alpha : 0.3f;
}

static gs_activation activation(const gs_layer *layer) {
    (void)layer;
    return GS_ACTIVATION_LEAKY_RELU;
}

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__activation_check(error, GS_ACTIVATION_LEAKY_RELU, true, slope(layer));
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_activation_params *p = &layer->activation;
    *p = (gs_activation_params){.name = p->name, .alpha = 0.3f, .has_alpha = true};
    const char *key = gs__json_find(config, "negative_slope") ? "negative_slope" : "alpha"; // alpha: Keras 2
    return gs__json_get_float(json, config, key, GS__JSON_OPTIONAL, &p->alpha);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"negative_slope\": ");
    gs__text_append_float(text, slope(layer));
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = gs__word_count(error, count, 0, 1, gs__layer_find("LeakyReLU")->short_form);
    layer->activation.has_alpha = count == 1;
    return status == GS_OK && count ? gs__word_float(error, words[0], "slope", &layer->activation.alpha) : status;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__activation_build(build_, GS_ACTIVATION_LEAKY_RELU, true, slope(layer), x, y);
}

const gs__layer_class gs__layer_leaky_relu = {
    .class_name = "LeakyReLU",
    .base_name = "leaky_re_lu",
    .short_form = "leaky_relu[:SLOPE]",
    .keys = (const char *const[]){"negative_slope", "alpha", NULL},
    .is_activation = true,
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .build = build,
    .activation = activation,
};
