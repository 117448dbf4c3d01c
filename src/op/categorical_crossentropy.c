// categorical_crossentropy: cross-entropy against a distribution t.
//   x (B, ..., K) logits or probabilities, targets t (B, ..., K) float -> loss (B), storage ROWS
//   from logits:         loss = sum_k t[k] (log sum exp x - x[k]),   dx = softmax(x) sum t - t
//   from probabilities:  q = clip(x / sum x, 1e-7, 1 - 1e-7) as in Keras;   loss = -sum_k t[k] log q[k],
//                        dx = (g - sum g q) / sum x,   g[k] = -t[k] / q[k], 0 where it was clipped
// Smoothed: t (1 - smoothing) + smoothing / K in the place of t.
// Means over the axes between; dx is also divided by the rows of the step (State.cur.rows), beyond which everything
// is 0. Shader: crossentropy.
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    char text[128], target_text[128];
    if (x[0]->shape.rank < 2 || !gs__shape_equal(&x[0]->shape, &x[1]->shape))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "categorical_crossentropy: output has shape %s and targets %s; expected (batch, ..., classes) "
                        "for both",
                        gs__shape_text(&x[0]->shape, true, text, sizeof text),
                        gs__shape_text(&x[1]->shape, true, target_text, sizeof target_text));
    for (int i = 0; i < 2; i++)
        if (x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "categorical_crossentropy: the %s are %s but must be float32",
                            i ? "targets" : "outputs", gs__dtype_name(x[i]->dtype));
    y[0].shape = (gs_shape){1, {x[0]->shape.dim[0]}};
    y[0].dtype = GS_F32;
    y[0].storage = GS__STORAGE_ROWS;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__crossentropy_attr *a = gs__node_attr(node, gs__crossentropy_attr);
    const gs_shape *s = &gs__recorder_value(recorder, node->x[0])->shape;
    struct gs_push_crossentropy push = {.row_count = gs__value_rows(recorder, node->x[0]), .smoothing = a->smoothing};
    push.classes = (uint32_t)s->dim[s->rank - 1];
    push.positions = gs__value_count(recorder, node->x[0]) / push.row_count / push.classes;
    gs__dispatch d = gs__dispatch_init(&gs__shader_crossentropy, GS_SPEC_CROSSENTROPY_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_CROSSENTROPY_FROM_PROBABILITIES] = a->from_probabilities != 0;
    d.spec[GS_SPEC_CROSSENTROPY_WANT_DX] = node->dx[0] != 0;
    d.spec[GS_SPEC_CROSSENTROPY_SMOOTH] = a->smoothing > 0.0f;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.loss);
    gs__bind(recorder, &d, 3, GS__WRITE, node->dx[0], &push.dx);
    return gs__rows_record(recorder, &d, push.row_count, push.positions, push.classes);
}

// --- reference --------------------------------------------------------------------------------------------------

static double smoothed(double t, double smoothing, uint64_t n) {
    return t * (1 - smoothing) + smoothing / (double)n;
}

static double logits_loss(const double *x, const double *targets, double *dx, uint64_t n, double smoothing) {
    double best = -INFINITY, sum = 0, weight = 0, loss = 0;
    for (uint64_t k = 0; k < n; k++) best = x[k] > best ? x[k] : best;
    for (uint64_t k = 0; k < n; k++) sum += exp(x[k] - best);
    for (uint64_t k = 0; k < n; k++) {
        const double t = smoothed(targets[k], smoothing, n);
        weight += t;
        loss += t * (best + log(sum) - x[k]);
    }
    for (uint64_t k = 0; dx && k < n; k++) dx[k] = exp(x[k] - best) / sum * weight - smoothed(targets[k], smoothing, n);
    return loss;
}

static double probabilities_loss(const double *x, const double *targets, double *dx, uint64_t n, double smoothing) {
    const double low = (double)1e-7f, high = (double)(1.0f - 1e-7f);
    double sum = 0, inner = 0, loss = 0;
    for (uint64_t k = 0; k < n; k++) sum += x[k];
    for (uint64_t k = 0; k < n; k++) {
        const double q = x[k] / sum, t = smoothed(targets[k], smoothing, n);
        loss -= t * log(q < low ? low : q > high ? high : q);
        if (!(q < low || q > high)) inner -= t;
    }
    for (uint64_t k = 0; dx && k < n; k++) {
        const double q = x[k] / sum, g = q < low || q > high ? 0 : -smoothed(targets[k], smoothing, n) / q;
        dx[k] = (g - inner) / sum;
    }
    return loss;
}

static void ref_forward(const gs__reference *r) {
    const gs__crossentropy_attr *a = gs__node_attr(r->node, gs__crossentropy_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t rows = (uint64_t)r->x_shape[0].dim[0], n = (uint64_t)r->x_shape[0].dim[r->x_shape[0].rank - 1];
    const uint64_t positions = count / rows / n, live = r->state->cur.rows;
    for (uint64_t row = 0; row < rows; row++) {
        double loss = 0;
        for (uint64_t p = row * positions; p < (row + 1) * positions; p++) {
            const double *x = r->x[0] + p * n, *t = r->x[1] + p * n;
            double *dx = r->dx[0] ? r->dx[0] + p * n : NULL;
            const double smoothing = (double)a->smoothing;
            if (row < live)
                loss += a->from_probabilities ? probabilities_loss(x, t, dx, n, smoothing)
                                              : logits_loss(x, t, dx, n, smoothing);
            for (uint64_t k = 0; dx && k < n; k++) dx[k] = row < live ? dx[k] / (double)(positions * live) : 0;
        }
        r->y[0][row] = loss / (double)positions;
    }
}

const gs_op gs__op_categorical_crossentropy = {
    .name = "categorical_crossentropy",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__crossentropy_attr),
    .differentiable = 1,
    .self_gradient = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
