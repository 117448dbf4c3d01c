// GroupNormalization: the channels of each sample in groups, each by its mean and variance.
#include "model/affine.h"
#include "op/attr.h"

static const float default_epsilon = 1e-3f;

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_group_normalization_params *p = &layer->group_normalization;
    if (p->groups < -1)
        return gs__fail(error, GS_ERR_ARGUMENT, "groups is %d; it must be at least 1, or -1", (int)p->groups);
    return gs__affine_check(error, &p->affine, p->epsilon);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_group_normalization_params *p = &layer->group_normalization;
    gs_status status = GS_OK;
    int64_t groups = 32, axis = -1;
    GS_TRY(gs__json_get_int(json, config, "groups", GS__JSON_OPTIONAL, -1, INT32_MAX, &groups));
    if (!groups) return gs__json_fail(json, gs__json_find(config, "groups"), GS_ERR_FORMAT, "0 groups");
    GS_TRY(gs__json_get_int(json, config, "axis", GS__JSON_OPTIONAL, -GS_MAX_RANK, GS_MAX_RANK, &axis));
    if (axis != -1)
        return gs__json_fail(json, gs__json_find(config, "axis"), GS_ERR_UNSUPPORTED,
                             "axis %lld is not supported, only the last one (-1)", (long long)axis);
    p->groups = (int32_t)groups;
    GS_TRY(gs__positive_from_json(json, config, "epsilon", &p->epsilon));
    GS_TRY(gs__affine_from_json(json, config, &p->affine));
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_group_normalization_params *p = &layer->group_normalization;
    gs__text_append(text, ", \"groups\": %d, \"axis\": -1, \"epsilon\": ", p->groups ? (int)p->groups : 32);
    gs__text_append_float(text, gs__or_default(p->epsilon, default_epsilon));
    gs__affine_to_json(text, &p->affine);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    uint64_t groups = 32;
    gs_status status = gs__word_count(error, count, 0, 1, gs__layer_find("GroupNormalization")->short_form);
    if (status == GS_OK && count) status = gs__word_uint(error, words[0], "groups", 1, INT32_MAX, &groups);
    layer->group_normalization.groups = (int32_t)groups;
    return status;
}

static int64_t groups_of(const gs_layer *layer, const gs_shape *x) {
    const int32_t groups = layer->group_normalization.groups;
    return groups < 0 ? x->dim[x->rank - 1] : groups ? groups : 32;
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    const int64_t channels = x->dim[x->rank - 1], groups = groups_of(layer, x);
    *y = *x;
    if (channels % groups == 0) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "%lld channels do not make %lld groups of one size", (long long)channels,
                    (long long)groups);
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    const gs_shape channels = gs__last_axes_shape(1, x);
    return gs__affine_parameters(&layer->group_normalization.affine, &channels, specs);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_group_normalization_params *p = &layer->group_normalization;
    const gs_shape *full = &build_->graph->values[x].shape;
    const int64_t groups = groups_of(layer, full);
    gs__row_norm_attr attr = {.inner = 1,
                              .groups = (uint32_t)groups,
                              .depth = (uint32_t)(full->dim[full->rank - 1] / groups),
                              .epsilon = gs__or_default(p->epsilon, default_epsilon)};
    for (uint32_t i = 1; i + 1 < full->rank; i++) attr.inner *= (uint32_t)full->dim[i];
    gs__value inputs[3] = {x}, outputs[GS__MAX_OUTPUTS] = {0};
    gs__affine_values(&p->affine, build_, inputs);
    gs_status status = gs__graph_apply(build_->graph, "row_norm", build_->name, &attr, inputs, 3, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_group_normalization = {
    .class_name = "GroupNormalization",
    .base_name = "group_normalization",
    .short_form = "group_normalization[:GROUPS]",
    .keys = (const char *const[]){"groups", "axis", "epsilon", GS__AFFINE_KEYS, NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = gs__activation_none,
};
