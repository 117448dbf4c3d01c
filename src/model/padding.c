// ZeroPadding1D, ZeroPadding2D, Cropping1D, Cropping2D: what their files in layers/ share.
#include "model/spatial.h"

// In front and behind, of rows and of columns; 1D: of columns.
struct sides {
    uint32_t begin[2], end[2];
};
static struct sides sides_of(const gs_layer *layer, const gs__padding_form *form) {
    const gs_padding_params *p = &layer->padding;
    struct sides s = {{p->rows[0], p->columns[0]}, {p->rows[1], p->columns[1]}};
    const bool none = !p->rows[0] && !p->rows[1] && !p->columns[0] && !p->columns[1] && !p->none;
    for (int i = 0; none && i < 2; i++) s.begin[i] = s.end[i] = form->fallback;
    if (form->rank == 1) s.begin[0] = s.end[0] = 0;
    return s;
}

gs_status gs__padding_layer_check(gs__error *error, const gs_layer *layer, const gs__padding_form *form) {
    const struct sides s = sides_of(layer, form);
    for (int i = 0; i < 2; i++)
        if (s.begin[i] > INT32_MAX / 4 || s.end[i] > INT32_MAX / 4)
            return gs__fail(error, GS_ERR_ARGUMENT, "%s of %u and %u; at most 2^29 are supported", form->key,
                            s.begin[i], s.end[i]);
    return GS_OK;
}

static gs_status read_side(gs__json *json, const cJSON *item, uint32_t *side) {
    uint64_t value = 0;
    gs_status status = gs__json_as_uint(json, item, 0, INT32_MAX / 4, &value);
    *side = (uint32_t)value;
    return status;
}

// A number for both sides, or a list of two.
static gs_status read_sides(gs__json *json, const cJSON *item, uint32_t sides[2]) {
    gs_status status = GS_OK;
    if (!cJSON_IsArray(item)) {
        GS_TRY(read_side(json, item, &sides[0]));
        sides[1] = sides[0];
        return GS_OK;
    }
    if (cJSON_GetArraySize(item) != 2)
        return gs__json_fail(json, item, GS_ERR_FORMAT, "expected an integer or a list of 2, found one of %d",
                             cJSON_GetArraySize(item));
    GS_TRY(read_side(json, cJSON_GetArrayItem(item, 0), &sides[0]));
    GS_TRY(read_side(json, cJSON_GetArrayItem(item, 1), &sides[1]));
fail:
    return status;
}

gs_status gs__padding_layer_from_json(gs__json *json, const cJSON *config, gs_layer *layer,
                                      const gs__padding_form *form) {
    gs_padding_params *p = &layer->padding;
    const cJSON *item = NULL;
    gs_status status = GS_OK;
    GS_TRY(gs__data_format_from_json(json, config));
    GS_TRY(gs__json_get(json, config, form->key, GS__JSON_OPTIONAL, &item));
    if (!item) return GS_OK;
    if (form->rank == 1 || !cJSON_IsArray(item)) {
        GS_TRY(read_sides(json, item, p->columns));
        p->rows[0] = p->columns[0];
        p->rows[1] = p->columns[1];
    } else {
        if (cJSON_GetArraySize(item) != 2)
            return gs__json_fail(json, item, GS_ERR_FORMAT, "expected an integer or a list of 2, found one of %d",
                                 cJSON_GetArraySize(item));
        GS_TRY(read_sides(json, cJSON_GetArrayItem(item, 0), p->rows));
        GS_TRY(read_sides(json, cJSON_GetArrayItem(item, 1), p->columns));
    }
    p->none = !p->rows[0] && !p->rows[1] && !p->columns[0] && !p->columns[1];
fail:
    return status;
}

void gs__padding_layer_to_json(gs__text *text, const gs_layer *layer, const gs__padding_form *form) {
    const struct sides s = sides_of(layer, form);
    if (form->rank == 1) gs__text_append(text, ", \"%s\": [%u, %u]", form->key, s.begin[1], s.end[1]);
    else gs__text_append(text, ", \"%s\": [[%u, %u], [%u, %u]]", form->key, s.begin[0], s.end[0], s.begin[1], s.end[1]);
    // Cropping1D has none.
    if (form->rank == 2 || !form->cuts) gs__text_append(text, ", \"data_format\": \"channels_last\"");
}

gs_status gs__padding_layer_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer,
                                       const gs__padding_form *form) {
    gs_padding_params *p = &layer->padding;
    uint32_t pair[2];
    gs_status status = GS_OK;
    GS_TRY(gs__word_count(error, count, 1, 1, gs__layer_find(layer->class_name)->short_form));
    GS_TRY(gs__spatial_word(error, words[0], form->key, form->rank, pair));
    p->rows[0] = p->rows[1] = pair[0];
    p->columns[0] = p->columns[1] = pair[1] ? pair[1] : pair[0];
fail:
    return status;
}

gs_status gs__padding_layer_shape(gs__error *error, const gs_layer *layer, const gs__padding_form *form,
                                  const gs_shape *x, gs_shape *y) {
    const struct sides s = sides_of(layer, form);
    char text[96];
    gs_status status = gs__spatial_check_input(error, form->rank, x);
    if (status != GS_OK) return status;
    *y = *x;
    for (uint32_t i = 0; i < form->rank; i++) {
        const uint32_t axis = form->rank == 2 ? i : 1;
        const int64_t change = (int64_t)s.begin[axis] + s.end[axis];
        y->dim[i] += form->cuts ? -change : change;
        if (y->dim[i] < 1)
            return gs__fail(error, GS_ERR_ARGUMENT, "nothing is left of its input %s with %u and %u cut off",
                            gs__shape_text(x, false, text, sizeof text), s.begin[axis], s.end[axis]);
    }
    return GS_OK;
}

gs_status gs__padding_layer_build(const gs__layer_build *build, const gs_layer *layer, const gs__padding_form *form,
                                  gs__value x, gs__value *y) {
    const struct sides s = sides_of(layer, form);
    const int32_t sign = form->cuts ? -1 : 1;
    gs__pad2d_attr attr = {0};
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    for (int i = 0; i < 2; i++) {
        attr.begin[i] = sign * (int32_t)s.begin[i];
        attr.end[i] = sign * (int32_t)s.end[i];
    }
    gs_status status = gs__graph_apply(build->graph, "pad2d", build->name, &attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}
