// accumulate: sums the gradients of several steps; at the last of them, by the State, the gradients become the mean.
//   x: gradients (P), sums (P)  ->  y: the same, in place
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    (void)y;
    if (gs__shape_equal(&x[0]->shape, &x[1]->shape) && x[0]->shape.dim[0] % 4 == 0) return GS_OK;
    return gs__fail(error, GS_ERR_INTERNAL, "op %s: expected two flat arrays of a multiple of 4", "accumulate");
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return gs__flat_record(recorder, node, &gs__shader_accumulate, GS_SPEC_ACCUMULATE_COUNT);
}

static void ref_forward(const gs__reference *r) {
    const bool last = gs__update_is_due(r->state);
    const double steps = r->state->set.accumulate ? r->state->set.accumulate : 1;
    for (int64_t i = 0; i < r->x_shape[0].dim[0]; i++) {
        const double sum = r->x[1][i] + (r->state->cur.skip ? 0 : r->x[0][i]);
        r->y[0][i] = last ? sum / steps : sum;
        r->y[1][i] = last ? 0 : sum;
    }
}

const gs_op gs__op_accumulate = {
    .name = "accumulate",
    .inputs = 2,
    .outputs = 2,
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
