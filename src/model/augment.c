#include "model/augment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of what is asked for beside the model; its layers have their numbers as keys.
enum { KEY_AUGMENT = 0xA00000, KEY_MIXUP = 0xA00001 };

// --- text --------------------------------------------------------------------------------------------------------

#define KNOWN                                                                                                          \
    "flip, flip_vertical, crop=PIXELS, rotate=DEGREES, contrast=F, brightness=F, cutout=PIXELS and mixup=ALPHA"

enum { FLIP, FLIP_VERTICAL, CROP, ROTATE, CONTRAST, BRIGHTNESS, CUTOUT, MIXUP, WORDS };

static const struct {
    const char *name;
    bool has_value, whole;
    double most;
} words[WORDS] = {
    [FLIP] = {"flip", false, false, 0},
    [FLIP_VERTICAL] = {"flip_vertical", false, false, 0},
    [CROP] = {"crop", true, true, GS__AUGMENT_MAX_SIDE},
    [ROTATE] = {"rotate", true, false, 360},
    [CONTRAST] = {"contrast", true, false, 1},
    [BRIGHTNESS] = {"brightness", true, false, 1e6},
    [CUTOUT] = {"cutout", true, true, GS__AUGMENT_MAX_SIDE},
    [MIXUP] = {"mixup", true, false, 1},
};

static void set_word(gs_augment *augment, int word, double value) {
    switch (word) {
    case FLIP:
        augment->flip_horizontal = true;
        break;
    case FLIP_VERTICAL:
        augment->flip_vertical = true;
        break;
    case CROP:
        augment->crop = (uint32_t)value;
        break;
    case ROTATE:
        augment->rotation = (float)(value / 360);
        break;
    case CONTRAST:
        augment->contrast = (float)value;
        break;
    case BRIGHTNESS:
        augment->brightness = (float)value;
        break;
    case CUTOUT:
        augment->cutout = (uint32_t)value;
        break;
    default:
        augment->mixup = (float)value;
    }
}

static gs_status parse_word(gs__error *error, const char *word, unsigned *seen, gs_augment *augment) {
    char shown[48], *equals = strchr(word, '=');
    const size_t length = equals ? (size_t)(equals - word) : strlen(word);
    int which = 0;
    float value = 0;
    while (which < WORDS && (strlen(words[which].name) != length || memcmp(words[which].name, word, length) != 0))
        which++;
    gs__text_show(word, shown, sizeof shown);
    if (which == WORDS) return gs__fail(error, GS_ERR_ARGUMENT, "unknown augmentation \"%s\": known are " KNOWN, shown);
    if (*seen & 1u << which) return gs__fail(error, GS_ERR_ARGUMENT, "\"%s\" stands there twice", words[which].name);
    *seen |= 1u << which;
    if ((equals != NULL) != words[which].has_value)
        return gs__fail(error, GS_ERR_ARGUMENT, "\"%s\": %s", shown,
                        equals ? "it takes no value" : "it needs a value; known are " KNOWN);
    if (equals) {
        gs_status status = gs__word_float(error, equals + 1, words[which].name, &value);
        if (status != GS_OK) return status;
        if (!(value > 0) || (double)value > words[which].most || (words[which].whole && floorf(value) < value))
            return gs__fail(error, GS_ERR_ARGUMENT, "\"%s\": expected %s above 0 and at most %g", shown,
                            words[which].whole ? "a whole number" : "a number", words[which].most);
    }
    set_word(augment, which, (double)value);
    return GS_OK;
}

gs_status gs_augment_parse(const char *text, gs_augment *augment, char *message, size_t message_bytes) {
    gs__error error = {0};
    gs_augment made = {0};
    unsigned seen = 0;
    gs_status status = GS_OK;
    char *copy = text && augment ? strdup(text) : NULL;
    if (!text || !augment) status = gs__fail(&error, GS_ERR_ARGUMENT, "gs_augment_parse: an argument is NULL");
    else if (!copy) status = gs__fail(&error, GS_ERR_MEMORY, "out of host memory");
    for (char *word = copy; word && status == GS_OK;) {
        char *comma = strchr(word, ',');
        if (comma) *comma++ = 0;
        status = parse_word(&error, word, &seen, &made);
        word = comma;
    }
    free(copy);
    if (status == GS_OK) *augment = made;
    if (message && message_bytes) snprintf(message, message_bytes, "%s", error.message);
    return status;
}

// --- graphs ------------------------------------------------------------------------------------------------------

gs_status gs__augment_check(gs__error *error, const gs_augment *a) {
    if (!(a->rotation >= 0 && a->rotation <= 1) || !(a->contrast >= 0 && a->contrast <= 1) ||
        !(a->brightness >= 0 && isfinite(a->brightness)) || !(a->mixup >= 0 && a->mixup <= 1))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "augmentation: rotation %g, contrast %g, brightness %g, mixup %g: expected 0 to 1 (brightness: "
                        "at least 0)",
                        (double)a->rotation, (double)a->contrast, (double)a->brightness, (double)a->mixup);
    if (a->crop > GS__AUGMENT_MAX_SIDE || a->cutout > GS__AUGMENT_MAX_SIDE)
        return gs__fail(error, GS_ERR_ARGUMENT, "augmentation: crop %u, cutout %u: at most %d pixels", a->crop,
                        a->cutout, GS__AUGMENT_MAX_SIDE);
    return GS_OK;
}

static bool changes_images(const gs_augment *a) {
    return a->flip_horizontal || a->flip_vertical || a->crop || a->rotation > 0 || a->contrast > 0 ||
           a->brightness > 0 || a->cutout;
}

// The samples as images, by their own shape or else by the model's.
static gs_status image_shape(gs__graph *graph, const gs_data_info *data, const gs_shape *input, gs_shape *image) {
    const gs_shape *s = data->sample_shape.rank == 2 || data->sample_shape.rank == 3 ? &data->sample_shape : input;
    char text[96];
    *image = (gs_shape){4, {graph->batch, s->dim[0], s->dim[1], s->rank == 3 ? s->dim[2] : 1}};
    if (s->rank == 2 || s->rank == 3) return GS_OK;
    return gs__fail(
        graph->error, GS_ERR_ARGUMENT,
        "augmentation: data \"%s\" has samples of shape %s, which are no images (height, width[, channels])",
        data->name, gs__shape_text(&data->sample_shape, false, text, sizeof text));
}

static gs_status reshape(gs__graph *graph, const gs_shape *shape, gs__value *x) {
    const gs__reshape_attr attr = {.shape = *shape};
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = gs__graph_apply(graph, "reshape", "augment", &attr, x, 1, outputs);
    *x = outputs[0];
    return status;
}

static gs_status build_images(gs__graph *graph, const gs_augment *a, const gs_data_info *data, const gs_shape *input,
                              gs__value *x) {
    const int16_t pad = (int16_t)a->crop;
    const gs__augment_attr attr = {
        .key = KEY_AUGMENT,
        .flips = (uint8_t)((a->flip_horizontal ? GS__FLIP_HORIZONTAL : 0) | (a->flip_vertical ? GS__FLIP_VERTICAL : 0)),
        .top = (int16_t)-pad,
        .left = (int16_t)-pad,
        .down = (uint16_t)(2 * pad),
        .right = (uint16_t)(2 * pad),
        .cutout = (uint16_t)a->cutout,
        .turn = {-a->rotation, a->rotation},
        .contrast = {-a->contrast, a->contrast},
        .brightness = {-a->brightness, a->brightness},
        .range = {0, data->x_dtype == GS_U8 ? 1 : 0},
    };
    const gs_shape before = graph->values[*x].shape;
    gs_shape image;
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = GS_OK;
    GS_TRY(image_shape(graph, data, input, &image));
    GS_TRY(reshape(graph, &image, x));
    GS_TRY(gs__graph_apply(graph, "augment", "augment", &attr, x, 1, outputs));
    *x = outputs[0];
    GS_TRY(reshape(graph, &before, x));
fail:
    return status;
}

gs_status gs__augment_build(gs__graph *graph, const gs_augment *augment, const gs_data_info *data,
                            const gs_shape *input, gs__value *x, gs__value *targets) {
    gs_status status = GS_OK;
    GS_TRY(gs__augment_check(graph->error, augment));
    if (changes_images(augment)) GS_TRY(build_images(graph, augment, data, input, x));
    if (!(augment->mixup > 0)) return GS_OK;
    const gs__mixup_attr attr = {.key = KEY_MIXUP, .alpha = augment->mixup};
    gs__value inputs[2] = {*x, *targets}, outputs[GS__MAX_OUTPUTS] = {0};
    GS_TRY(gs__graph_apply(graph, "mixup", "augment", &attr, inputs, 2, outputs));
    *x = outputs[0];
    *targets = outputs[1];
fail:
    return status;
}

// --- layers ------------------------------------------------------------------------------------------------------

gs_status gs__augment_layer(const gs__layer_build *build, gs__augment_attr *attr, gs__value x, gs__value *y) {
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    attr->key = build->key;
    gs_status status = gs__graph_apply(build->graph, "augment", build->name, attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

gs_status gs__augment_layer_shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    char text[96];
    (void)layer;
    *y = *x;
    if (x->rank == 3) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "its input must be an image (height, width, channels), found %s",
                    gs__shape_text(x, false, text, sizeof text));
}

gs_status gs__factor_from_json(gs__json *json, const cJSON *config, const char *key, float below, float factor[2]) {
    gs_status status = GS_OK;
    const cJSON *item = gs__json_find(config, key);
    double values[2];
    if (item && cJSON_IsArray(item)) {
        if (cJSON_GetArraySize(item) != 2) return gs__json_fail(json, item, GS_ERR_FORMAT, "expected two numbers");
        GS_TRY(gs__json_as_number(json, item->child, &values[0]));
        GS_TRY(gs__json_as_number(json, item->child->next, &values[1]));
    } else {
        GS_TRY(gs__json_get_number(json, config, key, GS__JSON_REQUIRED, &values[1]));
        values[0] = values[1] * (double)below;
    }
    for (int i = 0; i < 2; i++) factor[i] = (float)values[i];
    if (!isfinite(factor[0]) || !isfinite(factor[1]) || factor[0] > factor[1])
        GS_TRY(gs__json_fail(json, item, GS_ERR_FORMAT, "expected a lower and an upper bound"));
fail:
    return status;
}

void gs__pair_to_json(gs__text *text, const char *key, const float pair[2]) {
    gs__text_append(text, ", \"%s\": [", key);
    gs__text_append_float(text, pair[0]);
    gs__text_append(text, ", ");
    gs__text_append_float(text, pair[1]);
    gs__text_append(text, "]");
}

void gs__value_range(const float given[2], float range[2]) {
    const bool is_given = given[0] < given[1];
    range[0] = is_given ? given[0] : 0;
    range[1] = is_given ? given[1] : 255;
}

gs_status gs__value_range_check(gs__error *error, const float given[2]) {
    if (given[0] <= given[1]) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "value_range is %g to %g", (double)given[0], (double)given[1]);
}

gs_status gs__clipped_from_json(gs__json *json, const cJSON *config, float below, float factor[2], float range[2]) {
    gs_status status = gs__data_format_from_json(json, config);
    if (status == GS_OK) status = gs__factor_from_json(json, config, "factor", below, factor);
    if (status == GS_OK && gs__json_find(config, "value_range"))
        status = gs__factor_from_json(json, config, "value_range", 0, range);
    return status;
}

void gs__clipped_to_json(gs__text *text, const float factor[2], const float range[2]) {
    float clipped[2];
    gs__value_range(range, clipped);
    gs__text_append(text, ", \"data_format\": \"channels_last\"");
    gs__pair_to_json(text, "factor", factor);
    gs__pair_to_json(text, "value_range", clipped);
    gs__text_append(text, ", \"seed\": null");
}

gs_status gs__clipped_from_words(gs__error *error, const char *const *parts, uint32_t count, const char *form,
                                 float below, float factor[2], float range[2]) {
    gs_status status = GS_OK;
    GS_TRY(gs__word_count(error, count, 3, 3, form));
    GS_TRY(gs__word_float(error, parts[0], "factor", &factor[1]));
    GS_TRY(gs__word_float(error, parts[1], "low", &range[0]));
    GS_TRY(gs__word_float(error, parts[2], "high", &range[1]));
    factor[0] = below * factor[1];
fail:
    return status;
}
