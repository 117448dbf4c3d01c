// LayerNormalization: each sample by the mean and variance over its last axes.
#include "model/affine.h"
#include "op/attr.h"

static const float default_epsilon = 1e-3f;

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__affine_check(error, &layer->layer_normalization.affine, layer->layer_normalization.epsilon);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_layer_normalization_params *p = &layer->layer_normalization;
    gs_status status = GS_OK;
    GS_TRY(gs__last_axes_from_json(json, config, &p->axes));
    GS_TRY(gs__positive_from_json(json, config, "epsilon", &p->epsilon));
    GS_TRY(gs__affine_from_json(json, config, &p->affine));
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_layer_normalization_params *p = &layer->layer_normalization;
    gs__last_axes_to_json(text, p->axes);
    gs__text_append(text, ", \"epsilon\": ");
    gs__text_append_float(text, gs__or_default(p->epsilon, default_epsilon));
    gs__affine_to_json(text, &p->affine);
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    *y = *x;
    return gs__last_axes_check(error, layer->layer_normalization.axes, x);
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    const gs_layer_normalization_params *p = &layer->layer_normalization;
    const gs_shape channels = gs__last_axes_shape(p->axes, x);
    return gs__affine_parameters(&p->affine, &channels, specs);
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_layer_normalization_params *p = &layer->layer_normalization;
    const gs_shape row = gs__last_axes_shape(p->axes, &build_->graph->values[x].shape);
    uint64_t count = 0;
    gs__shape_count(&row, &count);
    const gs__row_norm_attr attr = {
        .inner = 1, .groups = 1, .depth = (uint32_t)count, .epsilon = gs__or_default(p->epsilon, default_epsilon)};
    gs__value inputs[3] = {x}, outputs[GS__MAX_OUTPUTS] = {0};
    gs__affine_values(&p->affine, build_, inputs);
    gs_status status = gs__graph_apply(build_->graph, "row_norm", build_->name, &attr, inputs, 3, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_layer_normalization = {
    .class_name = "LayerNormalization",
    .base_name = "layer_normalization",
    .short_form = "layer_normalization",
    .keys = (const char *const[]){"axis", "epsilon", GS__AFFINE_KEYS, NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = gs__activation_none,
};
