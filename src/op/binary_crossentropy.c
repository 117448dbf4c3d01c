// binary_crossentropy: elementwise cross-entropy of a yes-or-no probability.
//   x (B, ...) logits or probabilities, targets t (float or int32; as many elements) -> loss (B), storage ROWS
//   from logits:         loss = max(x, 0) - x t + log(1 + exp(-|x|)),   dx = sigmoid(x) - t
//   from probabilities:  p = clip(x, 1e-7, 1 - 1e-7) as in Keras;   loss = -t log p - (1 - t) log(1 - p),
//                        dx = (p - t) / (p (1 - p)), 0 where it was clipped
// Smoothed: t (1 - smoothing) + smoothing / 2 in the place of t.
// Means over all axes but the first; dx is also divided by the rows of the step (State.cur.rows), beyond which
// everything is 0. Shader: element_loss.
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include <math.h>

enum { BINARY_LOGITS, BINARY_PROBABILITIES }; // KIND in element_loss.comp

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    uint64_t count = 0, targets = 0;
    char text[128], target_text[128];
    const bool counted = gs__shape_count(&x[0]->shape, &count) && gs__shape_count(&x[1]->shape, &targets);
    if (!counted || count != targets || x[0]->shape.rank < 1 || x[1]->shape.rank < 1 ||
        x[0]->shape.dim[0] != x[1]->shape.dim[0])
        return gs__fail(
            error, GS_ERR_ARGUMENT,
            "binary_crossentropy: output has shape %s and targets %s; expected as many elements in each row",
            gs__shape_text(&x[0]->shape, true, text, sizeof text),
            gs__shape_text(&x[1]->shape, true, target_text, sizeof target_text));
    if (x[0]->dtype != GS_F32 || (x[1]->dtype != GS_F32 && x[1]->dtype != GS_I32))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "binary_crossentropy: output is %s and targets %s but must be float32 and float32 or int32",
                        gs__dtype_name(x[0]->dtype), gs__dtype_name(x[1]->dtype));
    y[0].shape = (gs_shape){1, {x[0]->shape.dim[0]}};
    y[0].dtype = GS_F32;
    y[0].storage = GS__STORAGE_ROWS;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__crossentropy_attr *a = gs__node_attr(node, gs__crossentropy_attr);
    struct gs_push_element_loss push = {.row_count = gs__value_rows(recorder, node->x[0])};
    push.row_length = gs__value_count(recorder, node->x[0]) / push.row_count;
    push.mean = 1.0f / (float)push.row_length;
    push.smoothing = a->smoothing;
    gs__dispatch d = gs__dispatch_init(&gs__shader_element_loss, GS_SPEC_ELEMENT_LOSS_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_ELEMENT_LOSS_KIND] = a->from_probabilities ? BINARY_PROBABILITIES : BINARY_LOGITS;
    d.spec[GS_SPEC_ELEMENT_LOSS_INTEGER_TARGETS] = gs__recorder_value(recorder, node->x[1])->dtype == GS_I32;
    d.spec[GS_SPEC_ELEMENT_LOSS_WANT_DX] = node->dx[0] != 0;
    d.spec[GS_SPEC_ELEMENT_LOSS_SMOOTH] = a->smoothing > 0.0f;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.loss);
    gs__bind(recorder, &d, 3, GS__WRITE, node->dx[0], &push.dx);
    return gs__rows_record(recorder, &d, push.row_count, 1, push.row_length);
}

// --- reference --------------------------------------------------------------------------------------------------

static double logits_loss(double x, double t, double *slope) {
    const double e = exp(-fabs(x));
    *slope = (x < 0 ? e : 1) / (1 + e) - t;
    return (x < 0 ? 0 : x) - x * t + log1p(e);
}

static double probabilities_loss(double x, double t, double *slope) {
    const double low = (double)1e-7f, high = (double)(1.0f - 1e-7f);
    const double p = x < low ? low : x > high ? high : x;
    *slope = x < low || x > high ? 0 : (x - t) / (x * (1 - x));
    return -t * log(p) - (1 - t) * log(1 - p);
}

static void ref_forward(const gs__reference *r) {
    const gs__crossentropy_attr *a = gs__node_attr(r->node, gs__crossentropy_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t rows = (uint64_t)r->x_shape[0].dim[0], n = count / rows, live = r->state->cur.rows;
    for (uint64_t row = 0; row < rows; row++) {
        double loss = 0;
        for (uint64_t i = row * n; i < (row + 1) * n; i++) {
            const double x = r->x[0][i], t = r->x[1][i] * (1 - (double)a->smoothing) + (double)a->smoothing / 2;
            double slope = 0;
            if (row < live)
                loss += a->from_probabilities ? probabilities_loss(x, t, &slope) : logits_loss(x, t, &slope);
            if (r->dx[0]) r->dx[0][i] = row < live ? slope / (double)(n * live) : 0;
        }
        r->y[0][row] = loss / (double)n;
    }
}

const gs_op gs__op_binary_crossentropy = {
    .name = "binary_crossentropy",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__crossentropy_attr),
    .differentiable = 1,
    .self_gradient = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
