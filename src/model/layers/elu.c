// ELU: x > 0 ? x : alpha (exp(x) - 1), alpha 1 by default. Clevert, Unterthiner, Hochreiter 2015.
#include "model/layer.h"

static float alpha(const gs_layer *layer) {
    return layer->activation.has_alpha ? layer->activation.alpha : 1.0f;
}

static gs_activation activation(const gs_layer *layer) {
    (void)layer;
    return GS_ACTIVATION_ELU;
}

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__activation_check(error, GS_ACTIVATION_ELU, true, alpha(layer));
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_activation_params *p = &layer->activation;
    *p = (gs_activation_params){.name = p->name, .alpha = 1.0f, .has_alpha = true};
    return gs__json_get_float(json, config, "alpha", GS__JSON_OPTIONAL, &p->alpha);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"alpha\": ");
    gs__text_append_float(text, alpha(layer));
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = gs__word_count(error, count, 0, 1, gs__layer_find("ELU")->short_form);
    layer->activation.has_alpha = count == 1;
    return status == GS_OK && count ? gs__word_float(error, words[0], "alpha", &layer->activation.alpha) : status;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__activation_build(build_, GS_ACTIVATION_ELU, true, alpha(layer), x, y);
}

const gs__layer_class gs__layer_elu = {
    .class_name = "ELU",
    .base_name = "elu",
    .short_form = "elu[:ALPHA]",
    .keys = (const char *const[]){"alpha", NULL},
    .is_activation = true,
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .build = build,
    .activation = activation,
};
