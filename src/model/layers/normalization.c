// Normalization: (x - mean) / deviation by numbers that are given, or measured by gs_model_adapt.
#include "model/affine.h"
#include "op/attr.h"

#include <math.h>
#include <stdlib.h>

static const float least_deviation = 1e-7f; // as Keras

static uint32_t arrays(gs_layer *layer, gs__layer_array *arrays_) {
    gs_normalization_params *p = &layer->normalization;
    arrays_[0] = (gs__layer_array){&p->mean, p->count};
    arrays_[1] = (gs__layer_array){&p->variance, p->count};
    return 2;
}

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_normalization_params *p = &layer->normalization;
    if (!p->mean != !p->variance || (p->mean && !p->count))
        return gs__fail(error, GS_ERR_ARGUMENT, "mean and variance are given together, with their count");
    for (uint32_t i = 0; p->mean && i < p->count; i++)
        if (!isfinite(p->mean[i]) || !isfinite(p->variance[i]) || p->variance[i] < 0.0f)
            return gs__fail(error, GS_ERR_ARGUMENT,
                            "mean[%u] is %g and variance %g; they must be numbers, variance >= 0", i,
                            (double)p->mean[i], (double)p->variance[i]);
    return GS_OK;
}

// A number, or a list of such in lists of one entry, as Keras writes it.
static gs_status read_numbers(gs__json *json, const cJSON *config, const char *key, const float **values,
                              uint32_t *count) {
    gs_status status = GS_OK;
    const cJSON *item = gs__json_find(config, key), *entry;
    while (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1 && cJSON_IsArray(item->child)) item = item->child;
    *count = cJSON_IsArray(item) ? (uint32_t)cJSON_GetArraySize(item) : 1;
    if (!*count) return gs__json_fail(json, item, GS_ERR_FORMAT, "an empty list");
    float *made = malloc(*count * sizeof *made);
    if (!made) return gs__json_fail(json, item, GS_ERR_MEMORY, "out of host memory");
    *values = made;
    uint32_t i = 0;
    double number = 0;
    if (cJSON_IsArray(item)) {
        cJSON_ArrayForEach(entry, item) {
            GS_TRY(gs__json_as_number(json, entry, &number));
            made[i++] = (float)number;
        }
    } else {
        GS_TRY(gs__json_as_number(json, item, &number));
        made[0] = (float)number;
    }
fail:
    return status;
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    gs_normalization_params *p = &layer->normalization;
    gs_status status = GS_OK;
    uint32_t axes = 1, count = 0;
    GS_TRY(gs__last_axes_from_json(json, config, &axes));
    if (axes != 1)
        return gs__json_fail(json, gs__json_find(config, "axis"), GS_ERR_UNSUPPORTED,
                             "only the last axis is supported");
    GS_TRY(gs__json_get_bool(json, config, "invert", GS__JSON_OPTIONAL, &p->invert));
    if (gs__json_find(config, "mean")) GS_TRY(read_numbers(json, config, "mean", &p->mean, &p->count));
    if (gs__json_find(config, "variance")) GS_TRY(read_numbers(json, config, "variance", &p->variance, &count));
    if (!p->mean != !p->variance || count != p->count)
        return gs__json_fail(json, config, GS_ERR_FORMAT, "%u means and %u variances", p->count, count);
fail:
    return status;
}

static void write_numbers(gs__text *text, const char *key, const float *values, uint32_t count) {
    const bool list = values && count > 1;
    gs__text_append(text, ", \"%s\": %s", key, list ? "[" : values ? "" : "null");
    for (uint32_t i = 0; values && i < count; i++) {
        if (i) gs__text_append(text, ", ");
        gs__text_append_float(text, values[i]);
    }
    if (list) gs__text_append(text, "]");
}

static void to_json(gs__text *text, const gs_layer *layer) {
    const gs_normalization_params *p = &layer->normalization;
    gs__text_append(text, ", \"axis\": [-1], \"invert\": %s", p->invert ? "true" : "false");
    write_numbers(text, "mean", p->mean, p->count);
    write_numbers(text, "variance", p->variance, p->count);
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    const gs_normalization_params *p = &layer->normalization;
    *y = *x;
    if (!p->mean || p->count == 1 || p->count == x->dim[x->rank - 1]) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "it has %u means for the %lld entries of its input's last axis", p->count,
                    (long long)x->dim[x->rank - 1]);
}

static uint32_t parameters(const gs_layer *layer, const gs_shape *x, gs__parameter_spec *specs) {
    const gs_normalization_params *p = &layer->normalization;
    const bool each = p->mean && p->count > 1, one = p->mean && p->count == 1;
    for (int i = 0; i < 2; i++) {
        const float *values = i ? p->variance : p->mean;
        specs[i] = (gs__parameter_spec){.name = i ? "variance" : "mean",
                                        .shape = gs__last_axes_shape(1, x),
                                        .fallback = i ? GS_INITIALIZER_ONES : GS_INITIALIZER_ZEROS,
                                        .not_trained = true,
                                        .values = each ? values : NULL};
        if (one) specs[i].initializer = (gs_initializer){.kind = GS_INITIALIZER_CONSTANT, .a = values[0]};
    }
    return 2;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    const gs__batch_norm_attr attr = {
        .epsilon = least_deviation, .fixed = 1, .max_scale = 1, .invert = layer->normalization.invert};
    gs__value inputs[5] = {x, 0, 0, build_->parameter[0], build_->parameter[1]}, outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = gs__graph_apply(build_->graph, "batch_norm", build_->name, &attr, inputs, 5, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_normalization = {
    .class_name = "Normalization",
    .base_name = "normalization",
    .short_form = "normalization",
    .keys = (const char *const[]){"axis", "invert", "mean", "variance", NULL},
    .raw_input = true,
    .arrays = arrays,
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .shape = shape,
    .parameters = parameters,
    .build = build,
    .activation = gs__activation_none,
};
