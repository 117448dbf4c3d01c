// Concatenate: its inputs behind each other along an axis.
#include "model/layer.h"
#include "op/attr.h"

static gs_status from_json(gs__json *json, const cJSON *config, gs_layer *layer) {
    int64_t axis = -1;
    gs_status status = gs__json_get_int(json, config, "axis", GS__JSON_OPTIONAL, -GS_MAX_RANK, GS_MAX_RANK, &axis);
    if (status == GS_OK && axis == 0)
        return gs__json_fail(json, gs__json_find(config, "axis"), GS_ERR_UNSUPPORTED,
                             "axis 0 is the batch, along which nothing is concatenated");
    layer->concatenate.axis = (int32_t)axis;
    return status;
}

static int32_t axis_of(const gs_layer *layer) {
    return layer->concatenate.axis ? layer->concatenate.axis : -1;
}

static void to_json(gs__text *text, const gs_layer *layer) {
    gs__text_append(text, ", \"axis\": %d", (int)axis_of(layer));
}

static gs_status merge_shape(gs__error *error, const gs_layer *layer, const gs_shape *x, uint32_t count, gs_shape *y) {
    const int32_t axis = axis_of(layer), at = axis < 0 ? axis + (int32_t)x[0].rank : axis - 1;
    char first[96], other[96];
    *y = x[0];
    if (at < 0 || at >= (int32_t)x[0].rank)
        return gs__fail(error, GS_ERR_ARGUMENT, "its axis is %d, but its input is %s", (int)axis,
                        gs__shape_text(&x[0], false, first, sizeof first));
    for (uint32_t i = 1; i < count; i++) {
        bool fits = x[i].rank == x[0].rank;
        for (uint32_t d = 0; d < x[0].rank && fits; d++) fits = d == (uint32_t)at || x[i].dim[d] == x[0].dim[d];
        if (!fits)
            return gs__fail(error, GS_ERR_ARGUMENT, "its inputs are %s and %s; they may differ along axis %d only",
                            gs__shape_text(&x[0], false, first, sizeof first),
                            gs__shape_text(&x[i], false, other, sizeof other), (int)axis);
        y->dim[at] += x[i].dim[at];
    }
    return GS_OK;
}

// The op takes GS__MAX_INPUTS at a time: the result is then the first of the next.
static gs_status merge_build(const gs__layer_build *build, const gs_layer *layer, const gs__value *x, uint32_t count,
                             gs__value *y) {
    const gs_shape first = build->graph->values[x[0]].shape;
    const int32_t axis = axis_of(layer);
    gs__concatenate_attr attr = {.axis = (uint32_t)(axis < 0 ? axis + (int32_t)first.rank : axis)};
    gs__value all = x[0];
    for (uint32_t i = 1; i < count;) {
        gs__value inputs[GS__MAX_INPUTS] = {all}, outputs[GS__MAX_OUTPUTS] = {0};
        uint32_t taken = 1;
        while (taken < GS__MAX_INPUTS && i < count) inputs[taken++] = x[i++];
        for (uint32_t k = 0; k < GS__MAX_INPUTS; k++)
            attr.size[k] = k < taken ? (uint32_t)build->graph->values[inputs[k]].shape.dim[attr.axis] : 0;
        gs_status status = gs__graph_apply(build->graph, "concatenate", build->name, &attr, inputs, taken, outputs);
        if (status != GS_OK) return status;
        all = outputs[0];
    }
    *y = all;
    return GS_OK;
}

const gs__layer_class gs__layer_concatenate = {
    .class_name = "Concatenate",
    .base_name = "concatenate",
    .keys = (const char *const[]){"axis", NULL},
    .max_inputs = GS__LAYER_MAX_INPUTS,
    .from_json = from_json,
    .to_json = to_json,
    .merge_shape = merge_shape,
    .merge_build = merge_build,
    .activation = gs__activation_none,
};
