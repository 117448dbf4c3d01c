// GaussianNoise: in training x + stddev * a normal random number; else x.
#include "model/layer.h"
#include "op/attr.h"

#include <math.h>

static gs_status check(gs__error *error, const gs_layer *layer) {
    const float stddev = layer->gaussian_noise.stddev;
    if (stddev >= 0.0f && isfinite(stddev)) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "stddev is %g; it must be a number of at least 0", (double)stddev);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    // The seed is ignored: the noise is drawn from the seed of the training.
    return gs__json_get_float(json, config, "stddev", GS__JSON_REQUIRED, &layer->gaussian_noise.stddev);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"stddev\": ");
    gs__text_append_float(text, layer->gaussian_noise.stddev);
    gs__text_append(text, ", \"seed\": null");
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = gs__word_count(error, count, 1, 1, gs__layer_find("GaussianNoise")->short_form);
    return status == GS_OK ? gs__word_float(error, words[0], "stddev", &layer->gaussian_noise.stddev) : status;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    gs__value outputs[GS__MAX_OUTPUTS] = {x};
    const gs__gaussian_noise_attr attr = {.stddev = layer->gaussian_noise.stddev, .key = build_->key};
    gs_status status = GS_OK;
    if (build_->training && attr.stddev > 0.0f)
        status = gs__graph_apply(build_->graph, "gaussian_noise", build_->name, &attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_gaussian_noise = {
    .class_name = "GaussianNoise",
    .base_name = "gaussian_noise",
    .short_form = "gaussian_noise:STDDEV",
    .keys = (const char *const[]){"stddev", "seed", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .build = build,
};
