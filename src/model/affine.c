#include "model/affine.h"

gs_status gs__positive_from_json(gs__json *json, const cJSON *config, const char *key, float *value) {
    const cJSON *item = gs__json_find(config, key);
    if (!item) return GS_OK;
    gs_status status = gs__json_get_float(json, config, key, GS__JSON_REQUIRED, value);
    if (status != GS_OK) return status;
    if (*value < 0.0f) return gs__json_fail(json, item, GS_ERR_FORMAT, "%g; it must be at least 0", (double)*value);
    if (*value == 0.0f) *value = -1.0f;
    return GS_OK;
}

gs_status gs__affine_check(gs__error *error, const gs_norm_affine *a, float epsilon) {
    gs_status status = GS_OK;
    if (!(epsilon <= 1e30f))
        return gs__fail(error, GS_ERR_ARGUMENT, "epsilon is %g; it must be a number", (double)epsilon);
    GS_TRY(gs__initializer_check(error, &a->gamma_initializer, "gamma_initializer"));
    GS_TRY(gs__initializer_check(error, &a->beta_initializer, "beta_initializer"));
    GS_TRY(gs__regularizer_check(error, &a->gamma_regularizer, "gamma_regularizer"));
    GS_TRY(gs__regularizer_check(error, &a->beta_regularizer, "beta_regularizer"));
fail:
    return status;
}

gs_status gs__affine_from_json(gs__json *json, const cJSON *config, gs_norm_affine *a) {
    gs_status status = GS_OK;
    bool center = true, scale = true;
    GS_TRY(gs__json_get_bool(json, config, "center", GS__JSON_OPTIONAL, &center));
    GS_TRY(gs__json_get_bool(json, config, "scale", GS__JSON_OPTIONAL, &scale));
    a->no_center = !center;
    a->no_scale = !scale;
    GS_TRY(gs__initializer_from_json(json, config, "beta_initializer", &a->beta_initializer));
    GS_TRY(gs__initializer_from_json(json, config, "gamma_initializer", &a->gamma_initializer));
    GS_TRY(gs__regularizer_from_json(json, config, "beta_regularizer", &a->beta_regularizer));
    GS_TRY(gs__regularizer_from_json(json, config, "gamma_regularizer", &a->gamma_regularizer));
fail:
    return status;
}

void gs__affine_to_json(gs__text *text, const gs_norm_affine *a) {
    gs__text_append(text, ", \"center\": %s, \"scale\": %s", a->no_center ? "false" : "true",
                    a->no_scale ? "false" : "true");
    gs__text_append(text, ", \"beta_initializer\": ");
    gs__initializer_to_json(text, &a->beta_initializer, GS_INITIALIZER_ZEROS);
    gs__text_append(text, ", \"gamma_initializer\": ");
    gs__initializer_to_json(text, &a->gamma_initializer, GS_INITIALIZER_ONES);
    gs__text_append(text, ", \"beta_regularizer\": ");
    gs__regularizer_to_json(text, &a->beta_regularizer);
    gs__text_append(text, ", \"gamma_regularizer\": ");
    gs__regularizer_to_json(text, &a->gamma_regularizer);
    gs__text_append(text, ", \"beta_constraint\": null, \"gamma_constraint\": null");
}

uint32_t gs__affine_parameters(const gs_norm_affine *a, const gs_shape *shape, gs__parameter_spec *specs) {
    uint32_t count = 0;
    if (!a->no_scale)
        specs[count++] = (gs__parameter_spec){.name = "gamma",
                                              .shape = *shape,
                                              .initializer = a->gamma_initializer,
                                              .fallback = GS_INITIALIZER_ONES,
                                              .regularizer = a->gamma_regularizer};
    if (!a->no_center)
        specs[count++] = (gs__parameter_spec){.name = "beta",
                                              .shape = *shape,
                                              .initializer = a->beta_initializer,
                                              .fallback = GS_INITIALIZER_ZEROS,
                                              .regularizer = a->beta_regularizer};
    return count;
}

uint32_t gs__affine_values(const gs_norm_affine *a, const gs__layer_build *build, gs__value x[3]) {
    uint32_t count = 0;
    x[1] = a->no_scale ? 0 : build->parameter[count++];
    x[2] = a->no_center ? 0 : build->parameter[count++];
    return count;
}

gs_status gs__last_axes_from_json(gs__json *json, const cJSON *config, uint32_t *axes) {
    const cJSON *item = gs__json_find(config, "axis"), *entry;
    gs_status status = GS_OK;
    *axes = 1;
    if (!item) return GS_OK;
    int64_t axis = 0;
    bool last = true;
    if (cJSON_IsArray(item)) {
        *axes = (uint32_t)cJSON_GetArraySize(item);
        bool seen[GS_MAX_RANK + 1] = {false};
        last = *axes >= 1 && *axes < GS_MAX_RANK;
        cJSON_ArrayForEach(entry, item) {
            GS_TRY(gs__json_as_int(json, entry, -GS_MAX_RANK, GS_MAX_RANK, &axis));
            last = last && axis < 0 && -axis <= (int64_t)*axes && !seen[-axis];
            if (last) seen[-axis] = true;
        }
    } else {
        GS_TRY(gs__json_as_int(json, item, -GS_MAX_RANK, GS_MAX_RANK, &axis));
        last = axis == -1;
    }
    if (!last)
        return gs__json_fail(json, item, GS_ERR_UNSUPPORTED,
                             "only the last axes are supported, counted from the end: -1, or [-2, -1]");
fail:
    return status;
}

void gs__last_axes_to_json(gs__text *text, uint32_t axes) {
    gs__text_append(text, ", \"axis\": [");
    for (uint32_t i = axes ? axes : 1; i > 0; i--) gs__text_append(text, "-%u%s", i, i > 1 ? ", " : "]");
}

gs_status gs__last_axes_check(gs__error *error, uint32_t axes, const gs_shape *x) {
    if (axes <= x->rank) return GS_OK;
    char text[96];
    return gs__fail(error, GS_ERR_ARGUMENT, "it normalizes the last %u axes, but its input is %s", axes,
                    gs__shape_text(x, false, text, sizeof text));
}

gs_shape gs__last_axes_shape(uint32_t axes, const gs_shape *x) {
    gs_shape shape = {.rank = axes ? axes : 1};
    for (uint32_t i = 0; i < shape.rank; i++) shape.dim[i] = x->dim[x->rank - shape.rank + i];
    return shape;
}
