// pointwise_loss: mean squared error, mean absolute error, Huber's loss (Huber 1964), of e = x - t.
//   x (B, ...), targets t (float or int32; as many elements) -> loss (B), storage ROWS
//   MSE:    e^2,                                                      dx = 2 e
//   MAE:    |e|,                                                      dx = sign e
//   Huber:  |e| <= delta ? e^2 / 2 : delta |e| - delta^2 / 2,         dx = |e| <= delta ? e : delta sign e
// Means over all axes but the first; dx is also divided by the rows of the step (State.cur.rows), beyond which
// everything is 0. Shader: element_loss.
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include <float.h>
#include <math.h>

enum { SQUARED = 2, ABSOLUTE, HUBER }; // KIND in element_loss.comp

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__pointwise_loss_attr *a = gs__node_attr(node, gs__pointwise_loss_attr);
    uint64_t count = 0, targets = 0;
    char text[128], target_text[128];
    if (a->kind != GS_LOSS_MSE && a->kind != GS_LOSS_MAE && a->kind != GS_LOSS_HUBER)
        return gs__fail(error, GS_ERR_INTERNAL, "pointwise_loss: %d is no such loss", (int)a->kind);
    if (a->kind == GS_LOSS_HUBER && !(a->delta > 0 && a->delta <= FLT_MAX))
        return gs__fail(error, GS_ERR_ARGUMENT, "huber: delta is %g but must be above 0", (double)a->delta);
    const bool counted = gs__shape_count(&x[0]->shape, &count) && gs__shape_count(&x[1]->shape, &targets);
    if (!counted || count != targets || x[0]->shape.rank < 1 || x[1]->shape.rank < 1 ||
        x[0]->shape.dim[0] != x[1]->shape.dim[0])
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "pointwise_loss: output has shape %s and targets %s; expected as many elements in each row",
                        gs__shape_text(&x[0]->shape, true, text, sizeof text),
                        gs__shape_text(&x[1]->shape, true, target_text, sizeof target_text));
    if (x[0]->dtype != GS_F32 || (x[1]->dtype != GS_F32 && x[1]->dtype != GS_I32))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "pointwise_loss: output is %s and targets %s but must be float32 and float32 or int32",
                        gs__dtype_name(x[0]->dtype), gs__dtype_name(x[1]->dtype));
    y[0].shape = (gs_shape){1, {x[0]->shape.dim[0]}};
    y[0].dtype = GS_F32;
    y[0].storage = GS__STORAGE_ROWS;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__pointwise_loss_attr *a = gs__node_attr(node, gs__pointwise_loss_attr);
    struct gs_push_element_loss push = {.row_count = gs__value_rows(recorder, node->x[0]), .delta = a->delta};
    push.row_length = gs__value_count(recorder, node->x[0]) / push.row_count;
    gs__dispatch d = gs__dispatch_init(&gs__shader_element_loss, GS_SPEC_ELEMENT_LOSS_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_ELEMENT_LOSS_KIND] = a->kind == GS_LOSS_MSE ? SQUARED : a->kind == GS_LOSS_MAE ? ABSOLUTE : HUBER;
    d.spec[GS_SPEC_ELEMENT_LOSS_INTEGER_TARGETS] = gs__recorder_value(recorder, node->x[1])->dtype == GS_I32;
    d.spec[GS_SPEC_ELEMENT_LOSS_WANT_DX] = node->dx[0] != 0;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.loss);
    gs__bind(recorder, &d, 3, GS__WRITE, node->dx[0], &push.dx);
    return gs__rows_record(recorder, &d, push.row_count, 1, push.row_length);
}

// --- reference --------------------------------------------------------------------------------------------------

static double sign(double e) {
    return e > 0 ? 1 : e < 0 ? -1 : e;
}

static double element_loss(const gs__pointwise_loss_attr *a, double e, double *slope) {
    const double delta = (double)a->delta;
    switch (a->kind) {
    case GS_LOSS_MSE:
        *slope = 2 * e;
        return e * e;
    case GS_LOSS_MAE:
        *slope = sign(e);
        return fabs(e);
    default:
        *slope = fabs(e) <= delta ? e : delta * sign(e);
        return fabs(e) <= delta ? e * e / 2 : delta * fabs(e) - delta * delta / 2;
    }
}

static void ref_forward(const gs__reference *r) {
    const gs__pointwise_loss_attr *a = gs__node_attr(r->node, gs__pointwise_loss_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t rows = (uint64_t)r->x_shape[0].dim[0], n = count / rows, live = r->state->cur.rows;
    for (uint64_t row = 0; row < rows; row++) {
        double loss = 0;
        for (uint64_t i = row * n; i < (row + 1) * n; i++) {
            double slope = 0;
            if (row < live) loss += element_loss(a, r->x[0][i] - r->x[1][i], &slope);
            if (r->dx[0]) r->dx[0][i] = row < live ? slope / (double)(n * live) : 0;
        }
        r->y[0][row] = loss / (double)n;
    }
}

const gs_op gs__op_pointwise_loss = {
    .name = "pointwise_loss",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__pointwise_loss_attr),
    .differentiable = 1,
    .self_gradient = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
