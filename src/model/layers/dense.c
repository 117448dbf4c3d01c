// Dense: y = activation(x kernel + bias), over the last axis of x.
#include "model/layer.h"

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_dense_params *p = &layer->dense;
    gs_status status = GS_OK;
    if (p->units < 1 || p->units > INT32_MAX)
        return gs__fail(error, GS_ERR_ARGUMENT, "units is %u; it must be from 1 to 2^31 - 1", p->units);
    GS_TRY(gs__activation_check(error, p->activation, p->has_alpha, p->alpha));
    GS_TRY(gs__initializer_check(error, &p->kernel_initializer, "kernel_initializer"));
    GS_TRY(gs__initializer_check(error, &p->bias_initializer, "bias_initializer"));
    GS_TRY(gs__regularizer_check(error, &p->kernel_regularizer, "kernel_regularizer"));
    GS_TRY(gs__regularizer_check(error, &p->bias_regularizer, "bias_regularizer"));
fail:
    return status;
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_dense_params *p = &layer->dense;
    gs_status status = GS_OK;
    uint64_t units = 0;
    bool use_bias = true;
    GS_TRY(gs__json_get_uint(json, config, "units", GS__JSON_REQUIRED, 1, INT32_MAX, &units));
    GS_TRY(gs__json_get_bool(json, config, "use_bias", GS__JSON_OPTIONAL, &use_bias));
    p->units = (uint32_t)units;
    p->no_bias = !use_bias;
    GS_TRY(gs__activation_from_json(json, config, "activation", &p->activation, &p->alpha, &p->has_alpha));
    GS_TRY(gs__initializer_from_json(json, config, "kernel_initializer", &p->kernel_initializer));
    GS_TRY(gs__initializer_from_json(json, config, "bias_initializer", &p->bias_initializer));
    GS_TRY(gs__regularizer_from_json(json, config, "kernel_regularizer", &p->kernel_regularizer));
    GS_TRY(gs__regularizer_from_json(json, config, "bias_regularizer", &p->bias_regularizer));
fail:
    return status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_dense_params *p = &layer->dense;
    gs__text_append(text, ", \"units\": %u, \"activation\": ", p->units);
    gs__activation_to_json(text, p->activation, p->has_alpha, p->alpha);
    gs__text_append(text, ", \"use_bias\": %s, \"kernel_initializer\": ", p->no_bias ? "false" : "true");
    gs__initializer_to_json(text, &p->kernel_initializer, GS_INITIALIZER_GLOROT_UNIFORM);
    gs__text_append(text, ", \"bias_initializer\": ");
    gs__initializer_to_json(text, &p->bias_initializer, GS_INITIALIZER_ZEROS);
    gs__text_append(text, ", \"kernel_regularizer\": ");
    gs__regularizer_to_json(text, &p->kernel_regularizer);
    gs__text_append(text, ", \"bias_regularizer\": ");
    gs__regularizer_to_json(text, &p->bias_regularizer);
    gs__text_append(text, ", \"kernel_constraint\": null, \"bias_constraint\": null");
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = GS_OK;
    uint64_t units = 0;
    GS_TRY(gs__word_count(error, count, 1, 2, gs__layer_find("Dense")->short_form));
    GS_TRY(gs__word_uint(error, words[0], "units", 1, INT32_MAX, &units));
    layer->dense.units = (uint32_t)units;
    if (count == 2) GS_TRY(gs__activation_parse(error, words[1], &layer->dense.activation));
fail:
    return status;
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    (void)error;
    *y = *x;
    y->dim[y->rank - 1] = layer->dense.units;
    return GS_OK;
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    const gs_dense_params *p = &layer->dense;
    specs[0] = (gs__parameter_spec){
        .name = "kernel",
        .shape = {2, {x->dim[x->rank - 1], p->units}},
        .initializer = p->kernel_initializer,
        .fallback = GS_INITIALIZER_GLOROT_UNIFORM,
        .regularizer = p->kernel_regularizer,
    };
    specs[1] = (gs__parameter_spec){
        .name = "bias",
        .shape = {1, {p->units}},
        .initializer = p->bias_initializer,
        .fallback = GS_INITIALIZER_ZEROS,
        .regularizer = p->bias_regularizer,
    };
    return p->no_bias ? 1 : 2;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs_dense_params *p = &layer->dense;
    gs__value inputs[3] = {x, build_->parameter[0], build_->parameter[1]}, outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status =
        gs__graph_apply(build_->graph, "matmul", build_->name, NULL, inputs, p->no_bias ? 2 : 3, outputs);
    if (status != GS_OK) return status;
    return gs__activation_build(build_, p->activation, p->has_alpha, p->alpha, outputs[0], y);
}

static gs_activation activation(const gs_layer *layer) {
    return layer->dense.activation;
}

const gs__layer_class gs__layer_dense = {
    .class_name = "Dense",
    .base_name = "dense",
    .short_form = "dense:UNITS[:ACTIVATION]",
    .keys = (const char *const[]){"units", "activation", "use_bias", "kernel_initializer", "bias_initializer",
                                  "kernel_regularizer", "bias_regularizer", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = activation,
};
