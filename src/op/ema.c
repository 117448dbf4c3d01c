// ema: a moving average of the weights, as Keras keeps it; the first step's weights begin it. Every so many updates, by
// the State, the weights become the average.
//   x: parameters (P), averages (P)  ->  y: the same, in place
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    (void)y;
    if (gs__shape_equal(&x[0]->shape, &x[1]->shape) && x[0]->shape.dim[0] % 4 == 0) return GS_OK;
    return gs__fail(error, GS_ERR_INTERNAL, "op %s: expected two flat arrays of a multiple of 4", "ema");
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return gs__flat_record(recorder, node, &gs__shader_ema, GS_SPEC_EMA_COUNT);
}

static void ref_forward(const gs__reference *r) {
    const struct gs_state *s = r->state;
    const double momentum = s->cur.updates ? (double)s->set.ema_momentum : 0;
    const bool overwrites = s->set.ema_overwrite && (s->cur.updates + 1) % s->set.ema_overwrite == 0;
    for (int64_t i = 0; i < r->x_shape[0].dim[0]; i++) {
        const double average = momentum * r->x[1][i] + (1 - momentum) * r->x[0][i];
        r->y[0][i] = overwrites ? average : r->x[0][i];
        r->y[1][i] = average;
    }
}

const gs_op gs__op_ema = {
    .name = "ema",
    .inputs = 2,
    .outputs = 2,
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
