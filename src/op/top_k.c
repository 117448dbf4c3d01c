// top_k: sparse top-k categorical accuracy of each row, as Keras and TensorFlow's in_top_k: a target counts when fewer
// than k classes are strictly greater, so classes that tie with it at the boundary do no harm; never when a value of its
// position is not finite or the target is no class. Not differentiable.
//   x: output (B, ..., K), targets (B, ...) or (B, ..., 1) int32  ->  y: (B), the mean over the positions of a row
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs_shape *s = &x[0]->shape;
    char outputs[96], targets[96];
    uint64_t count = 0, target_count = 0;
    if (!gs__node_attr(node, gs__top_k_attr)->k)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "metric sparse_top_k_categorical_accuracy: k is 0; it must be 1 or more");
    if (s->rank < 2 || x[0]->dtype != GS_F32 || x[1]->dtype != GS_I32 || !gs__shape_count(s, &count) ||
        !gs__shape_count(&x[1]->shape, &target_count) || x[1]->shape.rank < 1 || x[1]->shape.dim[0] != s->dim[0] ||
        target_count != count / (uint64_t)s->dim[s->rank - 1])
        return gs__fail(
            error, GS_ERR_ARGUMENT,
            "metric sparse_top_k_categorical_accuracy: outputs are %s %s, targets %s %s; it needs one int32 "
            "target for each row of classes",
            gs__dtype_name(x[0]->dtype), gs__shape_text(s, true, outputs, sizeof outputs), gs__dtype_name(x[1]->dtype),
            gs__shape_text(&x[1]->shape, true, targets, sizeof targets));
    y[0].shape = (gs_shape){1, {s->dim[0]}};
    y[0].storage = GS__STORAGE_ROWS;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs_shape *s = &gs__recorder_value(recorder, node->x[0])->shape;
    const uint32_t k = gs__node_attr(node, gs__top_k_attr)->k;
    struct gs_push_top_k push = {.batch = (uint32_t)s->dim[0], .classes = (uint32_t)s->dim[s->rank - 1]};
    push.positions = gs__value_count(recorder, node->x[0]) / push.batch / push.classes;
    push.k = k < push.classes ? k : push.classes;
    gs__dispatch d = gs__dispatch_init(&gs__shader_top_k, GS_SPEC_TOP_K_COUNT, &push, sizeof push);
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.y);
    return gs__rows_record(recorder, &d, push.batch, push.positions, push.classes);
}

static bool in_top_k(const double *x, int64_t classes, double target, uint32_t k) {
    if (!(target >= 0.0 && target < (double)classes)) return false;
    const double limit = x[(int64_t)target];
    uint64_t greater = 0;
    for (int64_t i = 0; i < classes; i++) {
        if (!isfinite(x[i])) return false;
        greater += x[i] > limit;
    }
    return greater < k;
}

static void ref_forward(const gs__reference *r) {
    const gs_shape *s = &r->x_shape[0];
    const int64_t classes = s->dim[s->rank - 1];
    uint64_t positions = 0;
    gs__shape_count(s, &positions);
    positions /= (uint64_t)(classes * s->dim[0]);
    for (uint64_t row = 0; row < (uint64_t)s->dim[0]; row++) {
        uint64_t hits = 0;
        for (uint64_t p = row * positions; p < (row + 1) * positions; p++)
            hits += in_top_k(r->x[0] + p * (uint64_t)classes, classes, r->x[1][p],
                             gs__node_attr(r->node, gs__top_k_attr)->k);
        r->y[0][row] = row < r->state->cur.rows ? (double)hits / (double)positions : 0.0;
    }
}

const gs_op gs__op_top_k = {
    .name = "top_k",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__top_k_attr),
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
