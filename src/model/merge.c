#include "model/merge.h"

gs_status gs__merge_shape(gs__error *error, const gs_layer *layer, const gs_shape *x, uint32_t count, gs_shape *y) {
    (void)layer;
    char first[96], other[96];
    *y = x[0];
    for (uint32_t i = 1; i < count; i++)
        if (!gs__shape_equal(&x[i], &x[0]))
            return gs__fail(error, GS_ERR_ARGUMENT, "its inputs are %s and %s; they must have one shape",
                            gs__shape_text(&x[0], false, first, sizeof first),
                            gs__shape_text(&x[i], false, other, sizeof other));
    return GS_OK;
}

gs_status gs__merge_chain(const gs__layer_build *build, int kind, const gs__value *x, uint32_t count, gs__value *y) {
    const gs__merge_attr attr = {.kind = kind < 0 ? GS__MERGE_SUBTRACT : (gs__merge_kind)kind};
    gs__value sum = x[0];
    for (uint32_t i = 1; i < count; i++) {
        gs__value inputs[2] = {sum, x[i]}, outputs[GS__MAX_OUTPUTS] = {0};
        gs_status status = gs__graph_apply(build->graph, kind < 0 ? "add" : "merge", build->name,
                                           kind < 0 ? NULL : &attr, inputs, 2, outputs);
        if (status != GS_OK) return status;
        sum = outputs[0];
    }
    *y = sum;
    return GS_OK;
}
