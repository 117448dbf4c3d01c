// Reshape: a sample into another shape with as many elements.
#include "model/layer.h"
#include "op/attr.h"

static gs_status check(gs__error *error, const gs_layer *layer) {
    const gs_shape *target = &layer->reshape.shape;
    uint32_t inferred = 0;
    if (target->rank < 1 || target->rank >= GS_MAX_RANK)
        return gs__fail(error, GS_ERR_ARGUMENT, "its shape has %u dimensions; it must have 1 to %d", target->rank,
                        GS_MAX_RANK - 1);
    for (uint32_t i = 0; i < target->rank; i++) {
        if (target->dim[i] == -1) inferred++;
        else if (target->dim[i] < 1 || target->dim[i] > INT32_MAX)
            return gs__fail(error, GS_ERR_ARGUMENT, "dimension %u of its shape is %lld; it must be at least 1, or -1",
                            i, (long long)target->dim[i]);
    }
    if (inferred > 1)
        return gs__fail(error, GS_ERR_ARGUMENT, "%u dimensions of its shape are -1; one may be", inferred);
    return GS_OK;
}

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    const cJSON *target = NULL;
    gs_status status = gs__json_get_array(json, config, "target_shape", GS__JSON_REQUIRED, &target);
    return status == GS_OK ? gs__shape_from_json(json, target, false, true, &layer->reshape.shape) : status;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"target_shape\": ");
    gs__shape_to_json(text, &layer->reshape.shape, false);
}

static gs_status from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer) {
    gs_status status = gs__word_count(error, count, 1, 1, gs__layer_find("Reshape")->short_form);
    return status == GS_OK ? gs__word_shape(error, words[0], true, &layer->reshape.shape) : status;
}

static gs_status shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y) {
    uint64_t elements = 0, known = 1;
    gs__shape_count(x, &elements);
    *y = layer->reshape.shape;
    uint32_t inferred = y->rank;
    for (uint32_t i = 0; i < y->rank; i++) {
        if (y->dim[i] == -1) inferred = i;
        else known = known > elements ? known : known * (uint64_t)y->dim[i]; // cannot overflow: both below 2^32
    }
    char from[96], to[96];
    bool fits = inferred < y->rank ? known <= elements && elements % known == 0 : known == elements;
    if (!fits)
        return gs__fail(error, GS_ERR_ARGUMENT, "its input %s of %llu elements cannot become %s",
                        gs__shape_text(x, false, from, sizeof from), (unsigned long long)elements,
                        gs__shape_text(y, false, to, sizeof to));
    if (inferred < y->rank) y->dim[inferred] = (int64_t)(elements / known);
    return GS_OK;
}

static gs_status build(const gs__layer_build *build_, const gs_layer *layer, gs__value x, gs__value *y) {
    gs_shape full = build_->graph->values[x].shape, sample = {.rank = full.rank - 1}, target = {0};
    for (uint32_t i = 0; i < sample.rank; i++) sample.dim[i] = full.dim[i + 1];
    gs_status status = shape(build_->graph->error, layer, &sample, &target);
    if (status != GS_OK) return status;
    gs__reshape_attr attr = {.shape = {target.rank + 1, {full.dim[0]}}};
    for (uint32_t i = 0; i < target.rank; i++) attr.shape.dim[i + 1] = target.dim[i];
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    status = gs__graph_apply(build_->graph, "reshape", build_->name, &attr, &x, 1, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_reshape = {
    .class_name = "Reshape",
    .base_name = "reshape",
    .short_form = "reshape:SHAPE",
    .keys = (const char *const[]){"target_shape", NULL},
    .check = check,
    .from_json = from_json,
    .to_json = to_json,
    .from_words = from_words,
    .shape = shape,
    .build = build,
};
