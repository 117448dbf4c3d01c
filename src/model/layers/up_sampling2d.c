// UpSampling2D: every pixel repeated, or those between computed.
#include "model/spatial.h"

#include <string.h>

enum { RANK = 2 };

static const uint32_t twos[2] = {2, 2};

static gs_status check(gs__error *error, const gs_layer *layer) {
    uint32_t size[2];
    gs__spatial_pair(layer->up_sampling.size, twos, RANK, size);
    if (size[0] <= 1 << 14 && size[1] <= 1 << 14) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "size is %u x %u; at most 16384 are supported", size[0], size[1]);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_status status = GS_OK;
    GS_TRY(gs__spatial_from_json(json, config, "size", GS__JSON_OPTIONAL, 1, RANK, layer->up_sampling.size));
    const char *interpolation = "nearest";
    GS_TRY(gs__data_format_from_json(json, config));
    GS_TRY(gs__json_get_string(json, config, "interpolation", GS__JSON_OPTIONAL, &interpolation));
    layer->up_sampling.bilinear = strcmp(interpolation, "bilinear") == 0;
    if (!layer->up_sampling.bilinear && strcmp(interpolation, "nearest") != 0) {
        char shown[40];
        return gs__json_fail(json, gs__json_find(config, "interpolation"), GS_ERR_UNSUPPORTED,
                             "interpolation \"%s\" is not supported; known are nearest and bilinear",
                             gs__text_show(interpolation, shown, sizeof shown));
    }
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    uint32_t size[2];
    gs__spatial_pair(layer->up_sampling.size, twos, RANK, size);
    gs__spatial_to_json(text, "size", RANK, size);
    gs__text_append(text, ", \"data_format\": \"channels_last\", \"interpolation\": \"%s\"",
                    layer->up_sampling.bilinear ? "bilinear" : "nearest");
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = GS_OK;
    GS_TRY(gs__word_count(error, count, 0, 2, gs__layer_find("UpSampling2D")->short_form));
    if (count) GS_TRY(gs__spatial_word(error, words[0], "size", RANK, layer->up_sampling.size));
    if (count == 2 && strcmp(words[1], "nearest") != 0) {
        layer->up_sampling.bilinear = strcmp(words[1], "bilinear") == 0;
        if (!layer->up_sampling.bilinear)
            return gs__fail(error, GS_ERR_ARGUMENT, "expected %s", gs__layer_find("UpSampling2D")->short_form);
    }
fail:
    return status;
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    uint32_t size[2];
    gs_status status = gs__spatial_check_input(error, RANK, x);
    if (status != GS_OK) return status;
    gs__spatial_pair(layer->up_sampling.size, twos, RANK, size);
    *y = *x;
    for (uint32_t i = 0; i < RANK; i++) y->dim[i] *= size[RANK == 2 ? i : 1];
    return GS_OK;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    gs__upsample2d_attr attr = {.bilinear = layer->up_sampling.bilinear};
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    gs__spatial_pair(layer->up_sampling.size, twos, RANK, attr.factor);
    gs_status status = gs__graph_apply(build_->graph, "upsample2d", build_->name, &attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_up_sampling2d = {
    .class_name = "UpSampling2D",
    .base_name = "up_sampling2d",
    .short_form = "upsampling2d[:SIZE][:bilinear]",
    .keys = (const char *const[]){"size", "data_format", "interpolation", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .build = build,
};
