// RandomRotation: in training each image is turned around its middle, by factor[0] to factor[1] full turns.
#include "model/augment.h"

#include <string.h>

// By gs_fill_mode, and what the op calls it.
static const char *const modes[] = {"reflect", "constant", "nearest", "wrap"};
static const uint8_t fills[] = {GS__FILL_REFLECT, GS__FILL_CONSTANT, GS__FILL_NEAREST, GS__FILL_WRAP};

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_random_rotation_params *p = &layer->random_rotation;
    if ((unsigned)p->fill_mode > GS_FILL_WRAP || !(p->fill_value >= -3e38f && p->fill_value <= 3e38f))
        return gs__fail(error, GS_ERR_ARGUMENT, "fill_mode %d or fill_value %g is not one", (int)p->fill_mode,
                        (double)p->fill_value);
    if (p->factor[0] >= -1 && p->factor[0] <= p->factor[1] && p->factor[1] <= 1) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "factor is %g to %g; it must lie within -1 to 1", (double)p->factor[0],
                    (double)p->factor[1]);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_random_rotation_params *p = &layer->random_rotation;
    const char *mode = modes[0], *interpolation = "bilinear";
    unsigned found = 0;
    gs_status status = GS_OK;
    GS_TRY(gs__data_format_from_json(json, config));
    GS_TRY(gs__factor_from_json(json, config, "factor", -1, p->factor));
    GS_TRY(gs__json_get_string(json, config, "fill_mode", GS__JSON_OPTIONAL, &mode));
    GS_TRY(gs__json_get_string(json, config, "interpolation", GS__JSON_OPTIONAL, &interpolation));
    GS_TRY(gs__json_get_float(json, config, "fill_value", GS__JSON_OPTIONAL, &p->fill_value));
    while (found < 4 && strcmp(modes[found], mode) != 0) found++;
    if (found == 4)
        GS_TRY(gs__json_fail(json, gs__json_find(config, "fill_mode"), GS_ERR_FORMAT,
                             "expected reflect, constant, nearest or wrap, found \"%.40s\"", mode));
    if (strcmp(interpolation, "bilinear") != 0)
        GS_TRY(gs__json_fail(json, gs__json_find(config, "interpolation"), GS_ERR_UNSUPPORTED,
                             "only bilinear is supported"));
    p->fill_mode = (gs_fill_mode)found;
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_random_rotation_params *p = &layer->random_rotation;
    gs__text_append(text, ", \"data_format\": \"channels_last\"");
    gs__pair_to_json(text, "factor", p->factor);
    gs__text_append(text, ", \"fill_mode\": \"%s\", \"fill_value\": ", modes[p->fill_mode]);
    gs__text_append_float(text, p->fill_value);
    gs__text_append(text, ", \"interpolation\": \"bilinear\", \"seed\": null");
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    float *factor = layer->random_rotation.factor;
    gs_status status = gs__word_count(error, count, 1, 1, gs__layer_find("RandomRotation")->short_form);
    if (status == GS_OK) status = gs__word_float(error, words[0], "factor", &factor[1]);
    factor[0] = -factor[1];
    return status;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_random_rotation_params *p = &layer->random_rotation;
    *y = x;
    if (!build_->training) return GS_OK;
    gs__augment_attr attr = {
        .turn = {p->factor[0], p->factor[1]}, .fill = fills[p->fill_mode], .fill_value = p->fill_value};
    return gs__augment_layer(build_, &attr, x, y);
}

const gs__layer_class gs__layer_random_rotation = {
    .class_name = "RandomRotation",
    .base_name = "random_rotation",
    .short_form = "random_rotation:FACTOR",
    .keys = (const char *const[]){"factor", "fill_mode", "fill_value", "interpolation", "seed", "data_format", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = gs__augment_layer_shape,
    .build = build,
};
