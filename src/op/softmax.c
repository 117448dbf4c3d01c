// softmax over the last axis: y[k] = exp(x[k] - max x) / sum exp(x - max x).
//   x (..., K) -> y (..., K).   dx = y * (dy - sum(dy * y)).   Saves: y.
#include "plan/rows.h"
#include "shaders.h"
#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    if (x[0]->shape.rank < 1 || x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "softmax: input is %s of rank %u but must be float32 of rank >= 1",
                        gs__dtype_name(x[0]->dtype), x[0]->shape.rank);
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, bool backward) {
    const gs__value out = backward ? node->dx[0] : node->y[0];
    const gs_shape *s = &gs__recorder_value(recorder, out)->shape;
    struct gs_push_softmax push = {.row_length = (uint32_t)s->dim[s->rank - 1]};
    push.row_count = gs__value_count(recorder, out) / push.row_length;
    gs__dispatch d = gs__dispatch_init(&gs__shader_softmax, GS_SPEC_SOFTMAX_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_SOFTMAX_BACKWARD] = backward;
    gs__bind(recorder, &d, 0, GS__READ, backward ? node->dy[0] : node->x[0], &push.a);
    if (backward) gs__bind(recorder, &d, 1, GS__READ, node->y[0], &push.y);
    gs__bind(recorder, &d, 2, GS__WRITE, out, &push.out_);
    return gs__rows_record(recorder, &d, push.row_count, 1, push.row_length);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, false);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, true);
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t n = (uint64_t)r->x_shape[0].dim[r->x_shape[0].rank - 1];
    for (uint64_t i = 0; i < count; i += n) {
        const double *x = r->x[0] + i;
        double *y = r->y[0] + i, best = -INFINITY, sum = 0;
        for (uint64_t k = 0; k < n; k++) best = x[k] > best ? x[k] : best;
        for (uint64_t k = 0; k < n; k++) sum += exp(x[k] - best);
        for (uint64_t k = 0; k < n; k++) y[k] = exp(x[k] - best) / sum;
    }
}

static void ref_backward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t n = (uint64_t)r->x_shape[0].dim[r->x_shape[0].rank - 1];
    for (uint64_t i = 0; i < count; i += n) {
        const double *y = r->y[0] + i, *dy = r->dy[0] + i;
        double *dx = r->dx[0] + i, sum = 0;
        for (uint64_t k = 0; k < n; k++) sum += dy[k] * y[k];
        for (uint64_t k = 0; k < n; k++) dx[k] = y[k] * (dy[k] - sum);
    }
}

const gs_op gs__op_softmax = {
    .name = "softmax",
    .inputs = 1,
    .outputs = 1,
    .needs_y = 1,
    .differentiable = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
