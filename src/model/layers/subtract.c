// Subtract: the first input minus the second.
#include "model/merge.h"

static gs_status merge_build(const gs__layer_build *build, const gs_layer *layer, const gs__value *x, uint32_t count,
                             gs__value *y) {
    (void)layer;
    return gs__merge_chain(build, GS__MERGE_SUBTRACT, x, count, y);
}

const gs__layer_class gs__layer_subtract = {
    .class_name = "Subtract",
    .base_name = "subtract",
    .max_inputs = 2,
    .merge_shape = gs__merge_shape,
    .merge_build = merge_build,
    .activation = gs__activation_none,
};
