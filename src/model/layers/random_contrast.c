// RandomContrast: in training the distance of each pixel from the mean of its channel in the image is multiplied by
// 1 - factor[0] to 1 + factor[1]; then the image is clipped to the value range.
#include "model/augment.h"

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_random_contrast_params *p = &layer->random_contrast;
    gs_status status = gs__value_range_check(error, p->value_range);
    if (status != GS_OK) return status;
    if (p->factor[0] >= 0 && p->factor[0] <= 1 && p->factor[1] >= 0 && p->factor[1] <= 1) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "factor is %g and %g; both must lie within 0 to 1", (double)p->factor[0],
                    (double)p->factor[1]);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_random_contrast_params *p = &layer->random_contrast;
    return gs__clipped_from_json(json, config, 0, p->factor, p->value_range);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__clipped_to_json(text, layer->random_contrast.factor, layer->random_contrast.value_range);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_random_contrast_params *p = &layer->random_contrast;
    const char *form = gs__layer_find("RandomContrast")->short_form;
    return gs__clipped_from_words(error, words, count, form, 1, p->factor, p->value_range);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_random_contrast_params *p = &layer->random_contrast;
    gs__augment_attr attr = {0};
    *y = x;
    if (!build_->training) return GS_OK;
    gs__value_range(p->value_range, attr.range);
    attr.contrast[0] = -p->factor[0];
    attr.contrast[1] = p->factor[1];
    return gs__augment_layer(build_, &attr, x, y);
}

const gs__layer_class gs__layer_random_contrast = {
    .class_name = "RandomContrast",
    .base_name = "random_contrast",
    .short_form = "random_contrast:FACTOR:LOW:HIGH",
    .keys = (const char *const[]){"factor", "value_range", "seed", "data_format", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = gs__augment_layer_shape,
    .build = build,
};
