// GRU: a recurrent layer over the first axis of a sample.
#include "model/rnn.h"

static const char *const names[3] = {"kernel", "recurrent_kernel", "bias"};

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__rnn_check(error, GS__RNN_GRU, &layer->rnn);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    return gs__rnn_from_json(json, config, GS__RNN_GRU, &layer->rnn);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__rnn_to_json(text, GS__RNN_GRU, &layer->rnn);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    return gs__rnn_from_words(error, words, count, gs__layer_find("GRU")->short_form, &layer->rnn);
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    return gs__rnn_shape(error, &layer->rnn, x, y);
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    return gs__rnn_parameters(GS__RNN_GRU, &layer->rnn, x, names, specs);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    return gs__rnn_build(build_, GS__RNN_GRU, &layer->rnn, build_->parameter, x, y);
}

const gs__layer_class gs__layer_gru = {
    .class_name = "GRU",
    .base_name = "gru",
    .short_form = "gru:UNITS[:sequences]",
    .keys = (const char *const[]){GS__RNN_KEYS, NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = gs__activation_none,
};
