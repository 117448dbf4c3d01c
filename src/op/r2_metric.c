// r2_metric: what the coefficient of determination is made of, summed over the steps of a pass, for each output.
//   x: outputs (B, ..., K), targets (as many)  ->  y: (3, 2, K) added to: of t, t^2, (t - x)^2; the second row of each is
//   what rounding lost, 0 in the reference
#include "plan/record.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    uint64_t count = 0, targets = 0;
    const gs_shape *s = &x[0]->shape;
    const bool counted = gs__shape_count(s, &count) && gs__shape_count(&x[1]->shape, &targets);
    if (!counted || s->rank < 2 || count != targets)
        return gs__fail(error, GS_ERR_ARGUMENT, "metric r2_score: it needs as many targets as outputs");
    y[0].shape = (gs_shape){3, {3, 2, s->dim[s->rank - 1]}};
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    struct gs_push_r2_metric push = {.columns = gs__value_count(recorder, node->y[0]) / 6};
    push.positions = gs__value_count(recorder, node->x[0]) / push.columns / gs__value_rows(recorder, node->x[0]);
    gs__dispatch d = gs__dispatch_init(&gs__shader_r2_metric, GS_SPEC_R2_METRIC_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_R2_METRIC_INT_TARGETS] = gs__recorder_value(recorder, node->x[1])->dtype == GS_I32;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, node->y[0], &push.sums);
    return gs__dispatch_record_1d(recorder, &d, push.columns, 64);
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t n = (uint64_t)r->x_shape[0].dim[r->x_shape[0].rank - 1];
    count = count / (uint64_t)r->x_shape[0].dim[0] * r->state->cur.rows;
    for (uint64_t i = 0; i < count; i++) {
        const double t = r->x[1][i], e = t - r->x[0][i];
        r->y[0][i % n] += t;
        r->y[0][2 * n + i % n] += t * t;
        r->y[0][4 * n + i % n] += e * e;
    }
}

const gs_op gs__op_r2_metric = {
    .name = "r2_metric",
    .inputs = 2,
    .outputs = 1,
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
