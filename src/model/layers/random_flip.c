// RandomFlip: in training each image is mirrored with probability 1/2, in each direction that `mode` names.
#include "model/augment.h"

#include <string.h>

static const char *const modes[] = {"horizontal_and_vertical", "horizontal", "vertical"};

static gs_status check(gs__error *error, const gs_layer *layer) {
    if ((unsigned)layer->random_flip.mode <= GS_FLIP_VERTICAL) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "mode %d is unknown", (int)layer->random_flip.mode);
}

static bool find_mode(const char *word, gs_layer *layer) {
    for (int i = 0; i < 3; i++)
        if (strcmp(modes[i], word) == 0) {
            layer->random_flip.mode = (gs_flip)i;
            return true;
        }
    return false;
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    const char *mode = modes[0];
    gs_status status = gs__data_format_from_json(json, config);
    if (status == GS_OK) status = gs__json_get_string(json, config, "mode", GS__JSON_OPTIONAL, &mode);
    if (status != GS_OK || find_mode(mode, layer)) return status;
    return gs__json_fail(json, gs__json_find(config, "mode"), GS_ERR_FORMAT,
                         "expected horizontal, vertical or horizontal_and_vertical, found \"%.40s\"", mode);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"data_format\": \"channels_last\", \"seed\": null, \"mode\": \"%s\"",
                    modes[layer->random_flip.mode]);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = gs__word_count(error, count, 0, 1, gs__layer_find("RandomFlip")->short_form);
    if (status != GS_OK || count == 0 || find_mode(words[0], layer)) return status;
    return gs__fail(error, GS_ERR_ARGUMENT, "mode \"%.40s\": expected horizontal, vertical or horizontal_and_vertical",
                    words[0]);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    *y = x;
    if (!build_->training) return GS_OK;
    const gs_flip mode = layer->random_flip.mode;
    gs__augment_attr attr = {.flips = (uint8_t)((mode != GS_FLIP_VERTICAL ? GS__FLIP_HORIZONTAL : 0) |
                                                (mode != GS_FLIP_HORIZONTAL ? GS__FLIP_VERTICAL : 0))};
    return gs__augment_layer(build_, &attr, x, y);
}

const gs__layer_class gs__layer_random_flip = {
    .class_name = "RandomFlip",
    .base_name = "random_flip",
    .short_form = "random_flip[:MODE]",
    .keys = (const char *const[]){"mode", "seed", "data_format", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = gs__augment_layer_shape,
    .build = build,
};
