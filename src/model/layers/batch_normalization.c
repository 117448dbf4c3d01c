// BatchNormalization: each channel by the mean and variance of the batch, or by their moving averages.
#include "model/affine.h"
#include "op/attr.h"

static const float default_momentum = 0.99f, default_epsilon = 1e-3f;

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_batch_normalization_params *p = &layer->batch_normalization;
    gs_status status = gs__affine_check(error, &p->affine, p->epsilon);
    if (status != GS_OK) return status;
    if (!(p->momentum <= 1.0f))
        return gs__fail(error, GS_ERR_ARGUMENT, "momentum is %g; it must be from 0 to 1", (double)p->momentum);
    status = gs__initializer_check(error, &p->moving_mean_initializer, "moving_mean_initializer");
    if (status != GS_OK) return status;
    return gs__initializer_check(error, &p->moving_variance_initializer, "moving_variance_initializer");
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_batch_normalization_params *p = &layer->batch_normalization;
    gs_status status = GS_OK;
    int64_t axis = -1;
    GS_TRY(gs__json_get_int(json, config, "axis", GS__JSON_OPTIONAL, -GS_MAX_RANK, GS_MAX_RANK, &axis));
    if (axis != -1)
        return gs__json_fail(json, gs__json_find(config, "axis"), GS_ERR_UNSUPPORTED,
                             "axis %lld is not supported, only the last one (-1)", (long long)axis);
    GS_TRY(gs__positive_from_json(json, config, "momentum", &p->momentum));
    GS_TRY(gs__positive_from_json(json, config, "epsilon", &p->epsilon));
    GS_TRY(gs__affine_from_json(json, config, &p->affine));
    GS_TRY(gs__initializer_from_json(json, config, "moving_mean_initializer", &p->moving_mean_initializer));
    GS_TRY(gs__initializer_from_json(json, config, "moving_variance_initializer", &p->moving_variance_initializer));
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_batch_normalization_params *p = &layer->batch_normalization;
    gs__text_append(text, ", \"axis\": -1, \"momentum\": ");
    gs__text_append_float(text, gs__or_default(p->momentum, default_momentum));
    gs__text_append(text, ", \"epsilon\": ");
    gs__text_append_float(text, gs__or_default(p->epsilon, default_epsilon));
    gs__affine_to_json(text, &p->affine);
    gs__text_append(text, ", \"moving_mean_initializer\": ");
    gs__initializer_to_json(text, &p->moving_mean_initializer, GS_INITIALIZER_ZEROS);
    gs__text_append(text, ", \"moving_variance_initializer\": ");
    gs__initializer_to_json(text, &p->moving_variance_initializer, GS_INITIALIZER_ONES);
    gs__text_append(text, ", \"synchronized\": false");
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    const gs_batch_normalization_params *p = &layer->batch_normalization;
    const gs_shape channels = gs__last_axes_shape(1, x);
    uint32_t count = gs__affine_parameters(&p->affine, &channels, specs);
    specs[count++] = (gs__parameter_spec){.name = "moving_mean",
                                          .shape = channels,
                                          .initializer = p->moving_mean_initializer,
                                          .fallback = GS_INITIALIZER_ZEROS,
                                          .not_trained = true};
    specs[count++] = (gs__parameter_spec){.name = "moving_variance",
                                          .shape = channels,
                                          .initializer = p->moving_variance_initializer,
                                          .fallback = GS_INITIALIZER_ONES,
                                          .not_trained = true};
    return count;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_batch_normalization_params *p = &layer->batch_normalization;
    const gs__batch_norm_attr attr = {
        .momentum = gs__or_default(p->momentum, default_momentum),
        .epsilon = gs__or_default(p->epsilon, default_epsilon),
        .fixed = !build_->training || build_->frozen,
    };
    gs__value inputs[5] = {x}, outputs[GS__MAX_OUTPUTS] = {0};
    const uint32_t moving = gs__affine_values(&p->affine, build_, inputs);
    inputs[3] = build_->parameter[moving];
    inputs[4] = build_->parameter[moving + 1];
    gs_status status = gs__graph_apply(build_->graph, "batch_norm", build_->name, &attr, inputs, 5, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_batch_normalization = {
    .class_name = "BatchNormalization",
    .base_name = "batch_normalization",
    .short_form = "batch_normalization",
    .keys = (const char *const[]){"axis", "momentum", "epsilon", GS__AFFINE_KEYS, "moving_mean_initializer",
                                  "moving_variance_initializer", "renorm_momentum", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .parameters = parameters,
    .build = build,
    .activation = gs__activation_none,
};
