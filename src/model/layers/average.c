// Average: the mean of its inputs.
#include "model/merge.h"

static gs_status merge_build(const gs__layer_build *build, const gs_layer *layer, const gs__value *x, uint32_t count,
                             gs__value *y) {
    (void)layer;
    gs__value sum = 0, outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = gs__merge_chain(build, -1, x, count, &sum);
    if (status != GS_OK) return status;
    const gs__rescale_attr attr = {.scale = 1.0f / (float)count};
    status = gs__graph_apply(build->graph, "rescale", build->name, &attr, &sum, 1, outputs);
    *y = outputs[0];
    return status;
}

const gs__layer_class gs__layer_average = {
    .class_name = "Average",
    .base_name = "average",
    .max_inputs = GS__LAYER_MAX_INPUTS,
    .merge_shape = gs__merge_shape,
    .merge_build = merge_build,
    .activation = gs__activation_none,
};
