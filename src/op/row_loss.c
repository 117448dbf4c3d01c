// row_loss: losses of whole vectors, over the last axis.
//   x (B, ..., K), targets t (B, ..., K) float -> loss (B), storage ROWS
//   cosine similarity:  -sum x t / (|x| |t|), a norm being at least 1e-7;    dx = (sum x t / |x|^2 x - t) / (|x| |t|)
//   categorical hinge:  max(max (1 - t) x - sum t x + 1, 0);                 dx = (1 - t at the largest) - t
//   categorical focal:  -alpha sum t (1 - q)^gamma log q (Lin et al. 2017);  q = softmax(x), or, from probabilities,
//                       x / sum x, clipped to [1e-7, 1 - 1e-7] as in Keras; t smoothed as in categorical_crossentropy
// Means over the axes between; dx is also divided by the rows of the step (State.cur.rows), beyond which everything
// is 0. Shader: row_loss.
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include <math.h>

enum { COSINE, CATEGORICAL_HINGE, FOCAL_LOGITS, FOCAL_PROBABILITIES }; // KIND in row_loss.comp

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__row_loss_attr *a = gs__node_attr(node, gs__row_loss_attr);
    char text[128], target_text[128];
    if (x[0]->shape.rank < 2 || !gs__shape_equal(&x[0]->shape, &x[1]->shape))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "loss %s: output has shape %s and targets %s; expected (batch, ..., classes) for both",
                        gs_loss_name(a->kind), gs__shape_text(&x[0]->shape, true, text, sizeof text),
                        gs__shape_text(&x[1]->shape, true, target_text, sizeof target_text));
    for (int i = 0; i < 2; i++)
        if (x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "loss %s: the %s are %s but must be float32", gs_loss_name(a->kind),
                            i ? "targets" : "outputs", gs__dtype_name(x[i]->dtype));
    y[0].shape = (gs_shape){1, {x[0]->shape.dim[0]}};
    y[0].dtype = GS_F32;
    y[0].storage = GS__STORAGE_ROWS;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__row_loss_attr *a = gs__node_attr(node, gs__row_loss_attr);
    const gs_shape *s = &gs__recorder_value(recorder, node->x[0])->shape;
    struct gs_push_row_loss push = {.row_count = gs__value_rows(recorder, node->x[0]),
                                    .classes = (uint32_t)s->dim[s->rank - 1],
                                    .alpha = a->alpha,
                                    .gamma = a->gamma,
                                    .smoothing = a->smoothing};
    push.positions = gs__value_count(recorder, node->x[0]) / push.row_count / push.classes;
    gs__dispatch d = gs__dispatch_init(&gs__shader_row_loss, GS_SPEC_ROW_LOSS_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_ROW_LOSS_KIND] = a->kind == GS_LOSS_COSINE_SIMILARITY   ? COSINE
                                    : a->kind == GS_LOSS_CATEGORICAL_HINGE ? CATEGORICAL_HINGE
                                    : a->from_probabilities                ? FOCAL_PROBABILITIES
                                                                           : FOCAL_LOGITS;
    d.spec[GS_SPEC_ROW_LOSS_WANT_DX] = node->dx[0] != 0;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.loss);
    gs__bind(recorder, &d, 3, GS__WRITE, node->dx[0], &push.dx);
    return gs__rows_record(recorder, &d, push.row_count, push.positions, push.classes);
}

// --- reference --------------------------------------------------------------------------------------------------
static double cosine(const double *x, const double *t, double *dx, uint64_t n) {
    double xx = 0, tt = 0, xt = 0;
    for (uint64_t k = 0; k < n; k++) xx += x[k] * x[k], tt += t[k] * t[k], xt += x[k] * t[k];
    const double of_x = fmin(1 / sqrt(xx), 1e7), of_t = fmin(1 / sqrt(tt), 1e7);
    const double inner = 1 / sqrt(xx) > 1e7 ? 0 : xt * of_x * of_x;
    for (uint64_t k = 0; dx && k < n; k++) dx[k] = of_x * of_t * (inner * x[k] - t[k]);
    return -xt * of_x * of_t;
}

static double categorical_hinge(const double *x, const double *t, double *dx, uint64_t n) {
    double positive = 0, negative = -INFINITY;
    uint64_t index = 0;
    for (uint64_t k = 0; k < n; k++) {
        positive += t[k] * x[k];
        if ((1 - t[k]) * x[k] > negative) negative = (1 - t[k]) * x[k], index = k;
    }
    const double margin = negative - positive + 1;
    for (uint64_t k = 0; dx && k < n; k++) dx[k] = margin > 0 ? (k == index ? 1 - t[k] : 0) - t[k] : 0;
    return fmax(margin, 0);
}

// The term of one class, and q times its derivative by q.
static double focal_term(const gs__row_loss_attr *a, double q, double log_q, double t, double *slope) {
    const double gamma = (double)a->gamma, alpha = (double)a->alpha, rest = 1 - q;
    const double inner = gamma == 0 ? 0 : gamma * q * pow(fmax(rest, (double)1e-7f), gamma - 1);
    *slope = -alpha * t * (pow(rest, gamma) - inner * log_q);
    return -alpha * t * pow(rest, gamma) * log_q;
}

static double focal(const gs__row_loss_attr *a, const double *x, const double *t, double *dx, uint64_t n) {
    const double low = (double)1e-7f, high = (double)(1.0f - 1e-7f), smoothing = (double)a->smoothing;
    const bool logits = !a->from_probabilities;
    double best = -INFINITY, sum = 0, loss = 0, inner = 0;
    for (uint64_t k = 0; k < n; k++) best = fmax(best, x[k]);
    for (uint64_t k = 0; k < n; k++) sum += logits ? exp(x[k] - best) : x[k];
    for (int round = 0; round < (dx ? 2 : 1); round++)
        for (uint64_t k = 0; k < n; k++) {
            const double target = t[k] * (1 - smoothing) + smoothing / (double)n;
            const double q = (logits ? exp(x[k] - best) : x[k]) / sum;
            const bool clips = !logits && (q < low || q > high);
            const double kept = clips ? (q < low ? low : high) : q;
            double slope;
            const double term = focal_term(a, kept, logits ? x[k] - best - log(sum) : log(kept), target, &slope);
            if (clips) slope = 0;
            if (!round) {
                loss += term;
                inner += slope;
            } else if (logits) {
                dx[k] = slope - q * inner;
            } else {
                dx[k] = ((clips ? 0 : slope / q) - inner) / sum;
            }
        }
    return loss;
}

static void ref_forward(const gs__reference *r) {
    const gs__row_loss_attr *a = gs__node_attr(r->node, gs__row_loss_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t rows = (uint64_t)r->x_shape[0].dim[0], n = (uint64_t)r->x_shape[0].dim[r->x_shape[0].rank - 1];
    const uint64_t positions = count / rows / n, live = r->state->cur.rows;
    for (uint64_t row = 0; row < rows; row++) {
        double loss = 0;
        for (uint64_t p = row * positions; p < (row + 1) * positions; p++) {
            const double *x = r->x[0] + p * n, *t = r->x[1] + p * n;
            double *dx = r->dx[0] ? r->dx[0] + p * n : NULL;
            if (row < live)
                loss += a->kind == GS_LOSS_COSINE_SIMILARITY   ? cosine(x, t, dx, n)
                        : a->kind == GS_LOSS_CATEGORICAL_HINGE ? categorical_hinge(x, t, dx, n)
                                                               : focal(a, x, t, dx, n);
            for (uint64_t k = 0; dx && k < n; k++) dx[k] = row < live ? dx[k] / (double)(positions * live) : 0;
        }
        r->y[0][row] = loss / (double)positions;
    }
}

const gs_op gs__op_row_loss = {
    .name = "row_loss",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__row_loss_attr),
    .differentiable = 1,
    .self_gradient = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
