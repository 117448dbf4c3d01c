// pointwise_loss: losses between elements. e = x - t.
//   x (B, ...), targets t (float or int32; as many elements) -> loss (B), storage ROWS
//   MSE:    e^2,                                                      dx = 2 e
//   MAE:    |e|,                                                      dx = sign e
//   Huber:  |e| <= delta ? e^2 / 2 : delta |e| - delta^2 / 2,         dx = |e| <= delta ? e : delta sign e (Huber 1964)
//   KL divergence:  t log(t / x), both clipped to [1e-7, 1],          dx = -t / x, 0 where x was clipped
//   Poisson:        x - t log(x + 1e-7),                              dx = 1 - t / (x + 1e-7)
//   log-cosh:       log cosh e,                                       dx = tanh e
//   hinge:          m = max(1 - t x, 0), t = -1 for 0,                dx = -t where m > 0
//   squared hinge:  m^2,                                              dx = -2 t m
//   binary focal:   w (1 - q)^gamma b (Lin et al. 2017), b the binary cross-entropy, q = t p + (1 - t) (1 - p),
//                   w = alpha t + (1 - alpha) (1 - t) or 1; t smoothed as in binary_crossentropy
// Means over all axes but the first (KL divergence: the sum over the last one); dx is also divided by the rows of the step (State.cur.rows), beyond which
// everything is 0. Shader: element_loss.
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include <float.h>
#include <math.h>

// KIND in element_loss.comp
enum { SQUARED = 2, ABSOLUTE, HUBER, KL, POISSON, LOG_COSH, HINGE, SQUARED_HINGE, FOCAL_LOGITS, FOCAL_PROBABILITIES };

static uint32_t kind_of(const gs__pointwise_loss_attr *a) {
    switch (a->kind) {
    case GS_LOSS_MSE:
        return SQUARED;
    case GS_LOSS_MAE:
        return ABSOLUTE;
    case GS_LOSS_HUBER:
        return HUBER;
    case GS_LOSS_KL_DIVERGENCE:
        return KL;
    case GS_LOSS_POISSON:
        return POISSON;
    case GS_LOSS_LOG_COSH:
        return LOG_COSH;
    case GS_LOSS_HINGE:
        return HINGE;
    case GS_LOSS_SQUARED_HINGE:
        return SQUARED_HINGE;
    case GS_LOSS_BINARY_FOCAL:
        return a->from_probabilities ? FOCAL_PROBABILITIES : FOCAL_LOGITS;
    default:
        return 0;
    }
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__pointwise_loss_attr *a = gs__node_attr(node, gs__pointwise_loss_attr);
    uint64_t count = 0, targets = 0;
    char text[128], target_text[128];
    if (!kind_of(a)) return gs__fail(error, GS_ERR_INTERNAL, "pointwise_loss: %d is no such loss", (int)a->kind);
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

// What the sum over a row is divided by.
static uint64_t divisor(const gs__pointwise_loss_attr *a, const gs_shape *s, uint64_t row_length) {
    return a->kind == GS_LOSS_KL_DIVERGENCE && s->rank > 1 ? row_length / (uint64_t)s->dim[s->rank - 1] : row_length;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__pointwise_loss_attr *a = gs__node_attr(node, gs__pointwise_loss_attr);
    const gs_shape *s = &gs__recorder_value(recorder, node->x[0])->shape;
    struct gs_push_element_loss push = {.row_count = gs__value_rows(recorder, node->x[0]), .delta = a->delta};
    push.row_length = gs__value_count(recorder, node->x[0]) / push.row_count;
    push.mean = 1.0f / (float)divisor(a, s, push.row_length);
    if (a->kind == GS_LOSS_BINARY_FOCAL) push.delta = a->gamma, push.alpha = a->alpha, push.smoothing = a->smoothing;
    gs__dispatch d = gs__dispatch_init(&gs__shader_element_loss, GS_SPEC_ELEMENT_LOSS_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_ELEMENT_LOSS_KIND] = kind_of(a);
    d.spec[GS_SPEC_ELEMENT_LOSS_SMOOTH] = push.smoothing > 0.0f;
    d.spec[GS_SPEC_ELEMENT_LOSS_BALANCED] = a->balanced != 0;
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

static double clip(double p, double low, double high) {
    return p < low ? low : p > high ? high : p;
}

static double focal_loss(const gs__pointwise_loss_attr *a, double x, double target, double *slope) {
    const double low = (double)1e-7f, high = (double)(1.0f - 1e-7f), gamma = (double)a->gamma;
    const double t = target * (1 - (double)a->smoothing) + (double)a->smoothing / 2;
    const double w = a->balanced ? t * (double)a->alpha + (1 - t) * (1 - (double)a->alpha) : 1, e = exp(-fabs(x));
    double p = x, dp = 1, loss, dloss;
    if (a->from_probabilities) {
        const double q = clip(x, low, high);
        loss = -t * log(q) - (1 - t) * log(1 - q);
        dloss = q != x ? 0 : (x - t) / (x * (1 - x));
    } else {
        p = (x < 0 ? e : 1) / (1 + e);
        dp = p * (1 - p);
        loss = fmax(x, 0) - x * t + log1p(e);
        dloss = p - t;
    }
    const double rest = fmax(1 - (t * p + (1 - t) * (1 - p)), 0);
    const double inner = gamma == 0 ? 0 : gamma * pow(fmax(rest, low), gamma - 1);
    *slope = w * (pow(rest, gamma) * dloss - inner * (2 * t - 1) * dp * loss);
    return w * pow(rest, gamma) * loss;
}

static double element_loss(const gs__pointwise_loss_attr *a, double x, double t, double *slope) {
    const double delta = (double)a->delta, e = x - t, low = (double)1e-7f, hinge = t == 0 ? -1 : t;
    const double margin = fmax(1 - hinge * x, 0), q = clip(t, low, 1), p = clip(x, low, 1);
    switch (a->kind) {
    case GS_LOSS_MSE:
        *slope = 2 * e;
        return e * e;
    case GS_LOSS_MAE:
        *slope = sign(e);
        return fabs(e);
    case GS_LOSS_HUBER:
        *slope = fabs(e) <= delta ? e : delta * sign(e);
        return fabs(e) <= delta ? e * e / 2 : delta * fabs(e) - delta * delta / 2;
    case GS_LOSS_KL_DIVERGENCE:
        *slope = p != x ? 0 : -q / x;
        return q * log(q / p);
    case GS_LOSS_POISSON:
        *slope = 1 - t / (x + low);
        return x - t * log(x + low);
    case GS_LOSS_LOG_COSH:
        *slope = tanh(e);
        return fabs(e) + log1p(exp(-2 * fabs(e))) - log(2);
    case GS_LOSS_HINGE:
        *slope = margin > 0 ? -hinge : 0;
        return margin;
    case GS_LOSS_SQUARED_HINGE:
        *slope = -2 * hinge * margin;
        return margin * margin;
    default:
        return focal_loss(a, x, t, slope);
    }
}

static void ref_forward(const gs__reference *r) {
    const gs__pointwise_loss_attr *a = gs__node_attr(r->node, gs__pointwise_loss_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t rows = (uint64_t)r->x_shape[0].dim[0], n = count / rows, live = r->state->cur.rows;
    const double parts = (double)divisor(a, &r->x_shape[0], n);
    for (uint64_t row = 0; row < rows; row++) {
        double loss = 0;
        for (uint64_t i = row * n; i < (row + 1) * n; i++) {
            double slope = 0;
            if (row < live) loss += element_loss(a, r->x[0][i], r->x[1][i], &slope);
            if (r->dx[0]) r->dx[0][i] = row < live ? slope / (parts * (double)live) : 0;
        }
        r->y[0][row] = loss / parts;
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
