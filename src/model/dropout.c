#include "model/dropout.h"

#include "op/attr.h"

gs_status gs__dropout_check(gs__error *error, const gs_layer *layer) {
    const float rate = layer->dropout.rate;
    if (rate >= 0.0f && rate < 1.0f) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "rate is %g; it must be at least 0 and below 1", (double)rate);
}

gs_status gs__dropout_from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    return gs__json_get_float(json, config, "rate", GS__JSON_REQUIRED, &layer->dropout.rate);
}

void gs__dropout_to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"rate\": ");
    gs__text_append_float(text, layer->dropout.rate);
    gs__text_append(text, ", \"seed\": null");
}

gs_status gs__dropout_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = gs__word_count(error, count, 1, 1, gs__layer_find(layer->class_name)->short_form);
    return status == GS_OK ? gs__word_float(error, words[0], "rate", &layer->dropout.rate) : status;
}

gs_status gs__dropout_build(const gs__layer_build *build, const gs_layer *layer, const char *op, gs__value x,
                            gs__value *y) {
    gs__value outputs[GS__MAX_OUTPUTS] = {x};
    const gs__dropout_attr attr = {.rate = layer->dropout.rate, .key = build->key};
    gs_status status = GS_OK;
    if (build->training && attr.rate > 0.0f)
        status = gs__graph_apply(build->graph, op, build->name, &attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}
