// RandomBrightness: in training factor[0] to factor[1] times the value range is added to each
// image, which is then clipped to the range.
#include "model/augment.h"

static void ranges(const gs_random_brightness_params *p, float range[2]) {
    const bool given = p->value_range[0] < p->value_range[1];
    range[0] = given ? p->value_range[0] : 0;
    range[1] = given ? p->value_range[1] : 255;
}

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_random_brightness_params *p = &layer->random_brightness;
    if (!(p->value_range[0] <= p->value_range[1]))
        return gs__fail(error, GS_ERR_ARGUMENT, "value_range is %g to %g", (double)p->value_range[0],
                        (double)p->value_range[1]);
    if (p->factor[0] >= -1 && p->factor[0] <= p->factor[1] && p->factor[1] <= 1) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "factor is %g and %g; it must lie within -1 to 1", (double)p->factor[0],
                    (double)p->factor[1]);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_random_brightness_params *p = &layer->random_brightness;
    gs_status status = gs__data_format_from_json(json, config);
    if (status == GS_OK) status = gs__factor_from_json(json, config, "factor", -1, p->factor);
    if (status == GS_OK && gs__json_find(config, "value_range"))
        status = gs__factor_from_json(json, config, "value_range", 0, p->value_range);
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_random_brightness_params *p = &layer->random_brightness;
    float range[2];
    ranges(p, range);
    gs__text_append(text, ", \"data_format\": \"channels_last\"");
    gs__pair_to_json(text, "factor", p->factor);
    gs__pair_to_json(text, "value_range", range);
    gs__text_append(text, ", \"seed\": null");
}

// The range is asked for, since it is that of the samples: bytes count as 0 to 1.
static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_random_brightness_params *p = &layer->random_brightness;
    gs_status status = GS_OK;
    GS_TRY(gs__word_count(error, count, 3, 3, gs__layer_find("RandomBrightness")->short_form));
    GS_TRY(gs__word_float(error, words[0], "factor", &p->factor[1]));
    GS_TRY(gs__word_float(error, words[1], "low", &p->value_range[0]));
    GS_TRY(gs__word_float(error, words[2], "high", &p->value_range[1]));
    p->factor[0] = -p->factor[1];
fail:
    return status;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_random_brightness_params *p = &layer->random_brightness;
    gs__augment_attr attr = {0};
    *y = x;
    if (!build_->training) return GS_OK;
    ranges(p, attr.range);
    for (int i = 0; i < 2; i++) attr.brightness[i] = p->factor[i] * (attr.range[1] - attr.range[0]);
    return gs__augment_layer(build_, &attr, x, y);
}

const gs__layer_class gs__layer_random_brightness = {
    .class_name = "RandomBrightness",
    .base_name = "random_brightness",
    .short_form = "random_brightness:FACTOR:LOW:HIGH",
    .keys = (const char *const[]){"factor", "value_range", "seed", "data_format", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = gs__augment_layer_shape,
    .build = build,
};
