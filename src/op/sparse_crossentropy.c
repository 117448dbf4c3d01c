// sparse_crossentropy: cross-entropy against a class index.
//   x (B, ..., K) logits or probabilities, targets (B, ...) int32 -> loss (B) [, accuracy (B)], storage ROWS
//   from logits:         loss = log sum exp x - x[target],   dx = softmax(x) - onehot(target)
//   from probabilities:  q = clip(x / sum x, 1e-7, 1 - 1e-7) as in Keras; loss = -log q[target],
//                        dx[k] = (1 - (k == target) / q[target]) / sum x, 0 where q[target] was clipped
// Smoothed: the one-hot target becomes t (1 - smoothing) + smoothing / K. Ignored positions: loss 0, dx 0, no hit.
//   accuracy = (first index of the largest x) == target
// Means over the axes between; dx is also divided by the rows of the step (State.cur.rows), beyond which everything
// is 0. A target outside 0 .. K - 1: loss NaN, dx 0. Shader: crossentropy.
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__sparse_crossentropy_attr *a = gs__node_attr(node, gs__sparse_crossentropy_attr);
    const gs_shape *s = &x[0]->shape;
    uint64_t count = 0, targets = 0;
    char text[128], target_text[128];
    const bool counted = gs__shape_count(s, &count) && gs__shape_count(&x[1]->shape, &targets);
    if (!counted || s->rank < 2 || x[1]->shape.rank < 1 || x[1]->shape.dim[0] != s->dim[0] ||
        targets * (uint64_t)s->dim[s->rank - 1] != count)
        return gs__fail(
            error, GS_ERR_ARGUMENT,
            "sparse_crossentropy: output has shape %s and targets %s; expected (batch, ..., classes) and one "
            "class index for each distribution",
            gs__shape_text(s, true, text, sizeof text),
            gs__shape_text(&x[1]->shape, true, target_text, sizeof target_text));
    if (x[0]->dtype != GS_F32 || x[1]->dtype != GS_I32)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "sparse_crossentropy: output is %s and targets %s but must be float32 and int32",
                        gs__dtype_name(x[0]->dtype), gs__dtype_name(x[1]->dtype));
    for (int i = 0; i < 2; i++) {
        y[i].shape = (gs_shape){1, {s->dim[0]}};
        y[i].dtype = GS_F32;
        y[i].storage = GS__STORAGE_ROWS;
    }
    y[1].absent = !a->accuracy;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__sparse_crossentropy_attr *a = gs__node_attr(node, gs__sparse_crossentropy_attr);
    const gs_shape *s = &gs__recorder_value(recorder, node->x[0])->shape;
    struct gs_push_crossentropy push = {
        .row_count = gs__value_rows(recorder, node->x[0]), .smoothing = a->smoothing, .ignored = a->ignored};
    push.classes = (uint32_t)s->dim[s->rank - 1];
    push.positions = gs__value_count(recorder, node->x[0]) / push.row_count / push.classes;
    gs__dispatch d = gs__dispatch_init(&gs__shader_crossentropy, GS_SPEC_CROSSENTROPY_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_CROSSENTROPY_SPARSE] = 1;
    d.spec[GS_SPEC_CROSSENTROPY_FROM_PROBABILITIES] = a->from_probabilities != 0;
    d.spec[GS_SPEC_CROSSENTROPY_WANT_DX] = node->dx[0] != 0;
    d.spec[GS_SPEC_CROSSENTROPY_WANT_ACCURACY] = node->y[1] != 0;
    d.spec[GS_SPEC_CROSSENTROPY_SMOOTH] = a->smoothing > 0.0f;
    d.spec[GS_SPEC_CROSSENTROPY_IGNORES] = a->ignores != 0;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.loss);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[1], &push.accuracy);
    gs__bind(recorder, &d, 3, GS__WRITE, node->dx[0], &push.dx);
    return gs__rows_record(recorder, &d, push.row_count, push.positions, push.classes);
}

// --- reference --------------------------------------------------------------------------------------------------

static const double low = (double)1e-7f, high = (double)(1.0f - 1e-7f);

static double target_of(double smoothing, uint64_t k, uint64_t target, uint64_t n) {
    return (k == target ? 1 - smoothing : 0) + smoothing / (double)n;
}

static double logits_loss(const double *x, double *dx, uint64_t n, uint64_t target, double smoothing) {
    double best = -INFINITY, sum = 0, loss = 0;
    for (uint64_t k = 0; k < n; k++) best = x[k] > best ? x[k] : best;
    for (uint64_t k = 0; k < n; k++) sum += exp(x[k] - best);
    for (uint64_t k = 0; dx && k < n; k++) dx[k] = exp(x[k] - best) / sum - target_of(smoothing, k, target, n);
    if (smoothing == 0) return best + log(sum) - x[target];
    for (uint64_t k = 0; k < n; k++) loss += target_of(smoothing, k, target, n) * (best + log(sum) - x[k]);
    return loss;
}

static double probabilities_loss(const double *x, double *dx, uint64_t n, uint64_t target, double smoothing) {
    double sum = 0, loss = 0, inner = 0;
    for (uint64_t k = 0; k < n; k++) sum += x[k];
    for (uint64_t k = 0; k < n; k++) {
        const double q = x[k] / sum, t = target_of(smoothing, k, target, n);
        if (t != 0) loss -= t * log(q < low ? low : q > high ? high : q);
        if (!(q < low || q > high)) inner += t;
    }
    for (uint64_t k = 0; dx && k < n; k++) {
        const double q = x[k] / sum, t = target_of(smoothing, k, target, n);
        dx[k] = (inner - (q < low || q > high || t == 0 ? 0 : t / q)) / sum;
    }
    return loss;
}

static bool is_best(const double *x, uint64_t n, uint64_t target) {
    for (uint64_t k = 0; k < n; k++)
        if (x[k] > x[target] || (x[k] == x[target] && k < target)) return false;
    return true;
}

static void ref_forward(const gs__reference *r) {
    const gs__sparse_crossentropy_attr *a = gs__node_attr(r->node, gs__sparse_crossentropy_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t rows = (uint64_t)r->x_shape[0].dim[0], n = (uint64_t)r->x_shape[0].dim[r->x_shape[0].rank - 1];
    const uint64_t positions = count / rows / n, live = r->state->cur.rows;
    for (uint64_t row = 0; row < rows; row++) {
        double loss = 0, hits = 0;
        for (uint64_t p = row * positions; p < (row + 1) * positions; p++) {
            const double *x = r->x[0] + p * n, target = r->x[1][p];
            double *dx = r->dx[0] ? r->dx[0] + p * n : NULL;
            const bool ignored = a->ignores && target == a->ignored;
            const bool inside = target >= 0 && target < (double)n && !ignored;
            if (row < live && inside) {
                const uint64_t t = (uint64_t)target;
                const double smoothing = (double)a->smoothing;
                loss += a->from_probabilities ? probabilities_loss(x, dx, n, t, smoothing)
                                              : logits_loss(x, dx, n, t, smoothing);
                hits += is_best(x, n, t);
            } else if (row < live && !ignored) {
                loss = NAN;
            }
            for (uint64_t k = 0; dx && k < n; k++)
                dx[k] = row < live && inside ? dx[k] / (double)(positions * live) : 0;
        }
        r->y[0][row] = loss / (double)positions;
        if (r->y[1]) r->y[1][row] = hits / (double)positions;
    }
}

const gs_op gs__op_sparse_crossentropy = {
    .name = "sparse_crossentropy",
    .inputs = 2,
    .outputs = 2,
    .attr_bytes = sizeof(gs__sparse_crossentropy_attr),
    .differentiable = 1,
    .self_gradient = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
