// RMSNormalization: each sample divided by the root of the mean square over its last axes.
#include "model/affine.h"
#include "op/attr.h"

static const float default_epsilon = 1e-6f;

static gs_status check(gs__error *error, const gs_layer *layer) {
    return gs__affine_check(error, &(gs_norm_affine){.no_center = true}, layer->rms_normalization.epsilon);
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_status status = gs__last_axes_from_json(json, config, &layer->rms_normalization.axes);
    if (status != GS_OK) return status;
    return gs__positive_from_json(json, config, "epsilon", &layer->rms_normalization.epsilon);
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__last_axes_to_json(text, layer->rms_normalization.axes);
    gs__text_append(text, ", \"epsilon\": ");
    gs__text_append_float(text, gs__or_default(layer->rms_normalization.epsilon, default_epsilon));
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    *y = *x;
    return gs__last_axes_check(error, layer->rms_normalization.axes, x);
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    specs[0] = (gs__parameter_spec){.name = "scale",
                                    .shape = gs__last_axes_shape(layer->rms_normalization.axes, x),
                                    .fallback = GS_INITIALIZER_ONES};
    return 1;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_rms_normalization_params *p = &layer->rms_normalization;
    const gs_shape row = gs__last_axes_shape(p->axes, &build_->graph->values[x].shape);
    uint64_t count = 0;
    gs__shape_count(&row, &count);
    const gs__row_norm_attr attr = {.inner = 1,
                                    .groups = 1,
                                    .depth = (uint32_t)count,
                                    .rms = 1,
                                    .epsilon = gs__or_default(p->epsilon, default_epsilon)};
    gs__value inputs[2] = {x, build_->parameter[0]}, outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = gs__graph_apply(build_->graph, "row_norm", build_->name, &attr, inputs, 2, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_rms_normalization = {
    .class_name = "RMSNormalization",
    .base_name = "rms_normalization",
    .short_form = "rms_normalization",
    .keys = (const char *const[]){"axis", "epsilon", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = gs__activation_none,
};
