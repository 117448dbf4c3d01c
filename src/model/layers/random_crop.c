// RandomCrop: in training a random part of each image, else the part in its middle.
#include "model/augment.h"

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_random_crop_params *p = &layer->random_crop;
    if (p->height >= 1 && p->width >= 1 && p->height <= GS__AUGMENT_MAX_SIDE && p->width <= GS__AUGMENT_MAX_SIDE)
        return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "height %u and width %u must be from 1 to %d", p->height, p->width,
                    GS__AUGMENT_MAX_SIDE);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    uint64_t height, width;
    gs_status status = gs__data_format_from_json(json, config);
    if (status == GS_OK)
        status = gs__json_get_uint(json, config, "height", GS__JSON_REQUIRED, 1, GS__AUGMENT_MAX_SIDE, &height);
    if (status == GS_OK)
        status = gs__json_get_uint(json, config, "width", GS__JSON_REQUIRED, 1, GS__AUGMENT_MAX_SIDE, &width);
    if (status != GS_OK) return status;
    layer->random_crop.height = (uint32_t)height;
    layer->random_crop.width = (uint32_t)width;
    return GS_OK;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"data_format\": \"channels_last\", \"height\": %u, \"width\": %u, \"seed\": null",
                    layer->random_crop.height, layer->random_crop.width);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_shape shape;
    gs_status status = gs__word_count(error, count, 1, 1, gs__layer_find("RandomCrop")->short_form);
    if (status == GS_OK) status = gs__word_shape(error, words[0], false, &shape);
    if (status != GS_OK) return status;
    if (shape.rank != 2) return gs__word_count(error, shape.rank, 2, 2, gs__layer_find("RandomCrop")->short_form);
    layer->random_crop.height = (uint32_t)shape.dim[0];
    layer->random_crop.width = (uint32_t)shape.dim[1];
    return GS_OK;
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    char text[96];
    gs_status status = gs__augment_layer_shape(error, layer, x, y);
    if (status != GS_OK) return status;
    if (x->dim[0] < layer->random_crop.height || x->dim[1] < layer->random_crop.width)
        return gs__fail(error, GS_ERR_ARGUMENT, "its input %s is smaller than the crop, %u x %u",
                        gs__shape_text(x, false, text, sizeof text), layer->random_crop.height,
                        layer->random_crop.width);
    y->dim[0] = layer->random_crop.height;
    y->dim[1] = layer->random_crop.width;
    return GS_OK;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_shape *in = &build_->graph->values[x].shape;
    const uint32_t height = layer->random_crop.height, width = layer->random_crop.width;
    if (in->dim[1] > GS__AUGMENT_MAX_SIDE || in->dim[2] > GS__AUGMENT_MAX_SIDE)
        return gs__fail(build_->graph->error, GS_ERR_UNSUPPORTED, "its input has more than %d pixels a side",
                        GS__AUGMENT_MAX_SIDE);
    const uint16_t down = (uint16_t)(in->dim[1] - height), right = (uint16_t)(in->dim[2] - width);
    gs__augment_attr attr = {.height = (uint16_t)height, .width = (uint16_t)width};
    if (build_->training) {
        attr.down = down;
        attr.right = right;
    } else {
        attr.top = (int16_t)(down / 2);
        attr.left = (int16_t)(right / 2);
    }
    return gs__augment_layer(build_, &attr, x, y);
}

const gs__layer_class gs__layer_random_crop = {
    .class_name = "RandomCrop",
    .base_name = "random_crop",
    .short_form = "random_crop:HxW",
    .keys = (const char *const[]){"height", "width", "seed", "data_format", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .build = build,
};
