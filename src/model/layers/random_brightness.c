// RandomBrightness: in training factor[0] to factor[1] times the value range is added to each
// image, which is then clipped to the range.
#include "model/augment.h"

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_random_brightness_params *p = &layer->random_brightness;
    gs_status status = gs__value_range_check(error, p->value_range);
    if (status != GS_OK) return status;
    if (p->factor[0] >= -1 && p->factor[0] <= p->factor[1] && p->factor[1] <= 1) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "factor is %g and %g; it must lie within -1 to 1", (double)p->factor[0],
                    (double)p->factor[1]);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_random_brightness_params *p = &layer->random_brightness;
    return gs__clipped_from_json(json, config, -1, p->factor, p->value_range);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__clipped_to_json(text, layer->random_brightness.factor, layer->random_brightness.value_range);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_random_brightness_params *p = &layer->random_brightness;
    const char *form = gs__layer_find("RandomBrightness")->short_form;
    return gs__clipped_from_words(error, words, count, form, -1, p->factor, p->value_range);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_random_brightness_params *p = &layer->random_brightness;
    gs__augment_attr attr = {0};
    *y = x;
    if (!build_->training) return GS_OK;
    gs__value_range(p->value_range, attr.range);
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
