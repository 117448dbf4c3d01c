// Activation: a function of each element (softmax: over the last axis).
#include "model/layer.h"

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_activation_params *p = &layer->activation;
    return gs__activation_check(error, p->activation, p->has_alpha, p->alpha);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_activation_params *p = &layer->activation;
    return gs__activation_from_json(json, config, "activation", &p->activation, &p->alpha, &p->has_alpha);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_activation_params *p = &layer->activation;
    gs__text_append(text, ", \"activation\": ");
    gs__activation_to_json(text, p->activation, p->has_alpha, p->alpha);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = gs__word_count(error, count, 1, 1, gs__layer_find("Activation")->short_form);
    return status == GS_OK ? gs__activation_parse(error, words[0], &layer->activation.activation) : status;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_activation_params *p = &layer->activation;
    return gs__activation_build(build_, p->activation, p->has_alpha, p->alpha, x, y);
}

static gs_activation activation(const gs_layer *layer) {
    return layer->activation.activation;
}

const gs__layer_class gs__layer_activation = {
    .class_name = "Activation",
    .base_name = "activation",
    .short_form = "activation:NAME",
    .keys = (const char *const[]){"activation", NULL},
    .is_activation = true,
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .build = build,
    .activation = activation,
};
