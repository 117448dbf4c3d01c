// Rescaling: scale * x + offset, for inputs that are not in the range a model was made for.
#include "model/layer.h"
#include "op/attr.h"

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_status status = gs__json_get_float(json, config, "scale", GS__JSON_REQUIRED, &layer->rescaling.scale);
    if (status != GS_OK) return status;
    return gs__json_get_float(json, config, "offset", GS__JSON_OPTIONAL, &layer->rescaling.offset);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"scale\": ");
    gs__text_append_float(text, layer->rescaling.scale);
    gs__text_append(text, ", \"offset\": ");
    gs__text_append_float(text, layer->rescaling.offset);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = GS_OK;
    GS_TRY(gs__word_count(error, count, 1, 2, gs__layer_find("Rescaling")->short_form));
    GS_TRY(gs__word_float(error, words[0], "scale", &layer->rescaling.scale));
    if (count == 2) GS_TRY(gs__word_float(error, words[1], "offset", &layer->rescaling.offset));
fail:
    return status;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs__rescale_attr attr = {.scale = layer->rescaling.scale, .offset = layer->rescaling.offset};
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = gs__graph_apply(build_->graph, "rescale", build_->name, &attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_rescaling = {
    .class_name = "Rescaling",
    .base_name = "rescaling",
    .short_form = "rescaling:SCALE[:OFFSET]",
    .keys = (const char *const[]){"scale", "offset", NULL},
    .raw_input = true,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .build = build,
};
