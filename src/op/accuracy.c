// accuracy: how many predictions of each row are right, as Keras counts them. Not differentiable.
//   sparse:      x: output (B, ..., K), targets (B, ...) or (B, ..., 1) int32: argmax(output) == target
//   categorical: x: output (B, ..., K), targets (B, ..., K) float32: argmax(output) == argmax(target)
//   binary:      x: output (B, ...), as many targets, float32 or int32: (output > threshold) == target
//   y: (B), the mean over the positions of a row
// argmax is the first of the greatest values; NaN is never the greatest.
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

#include <math.h>

static int64_t classes_of(gs__accuracy_kind kind, const gs_shape *s) {
    return kind == GS__ACCURACY_BINARY ? 1 : s->dim[s->rank - 1];
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__accuracy_kind kind = gs__node_attr(node, gs__accuracy_attr)->kind;
    static const char *const needs[] = {
        [GS__ACCURACY_SPARSE] = "sparse: outputs (batch, ..., classes), and an int32 target for each row of classes",
        [GS__ACCURACY_CATEGORICAL] =
            "categorical: outputs (batch, ..., classes), and float32 targets of the same shape",
        [GS__ACCURACY_BINARY] = "binary: as many outputs as targets, which are float32 or int32",
    };
    char outputs[96], targets[96];
    const gs_shape *s = &x[0]->shape;
    if ((unsigned)kind > GS__ACCURACY_BINARY)
        return gs__fail(error, GS_ERR_INTERNAL, "op accuracy: there is no kind %d", (int)kind);
    uint64_t count = 0, target_count = 0;
    bool fits = s->rank >= (kind == GS__ACCURACY_BINARY ? 1 : 2) && x[0]->dtype == GS_F32 && x[1]->shape.rank >= 1 &&
                gs__shape_count(s, &count) && gs__shape_count(&x[1]->shape, &target_count) &&
                x[1]->shape.dim[0] == s->dim[0];
    if (kind == GS__ACCURACY_SPARSE)
        fits = fits && x[1]->dtype == GS_I32 && target_count == count / (uint64_t)classes_of(kind, s);
    if (kind == GS__ACCURACY_CATEGORICAL) fits = fits && x[1]->dtype == GS_F32 && gs__shape_equal(s, &x[1]->shape);
    if (kind == GS__ACCURACY_BINARY) fits = fits && x[1]->dtype != GS_U8 && target_count == count;
    if (!fits)
        return gs__fail(error, GS_ERR_ARGUMENT, "metric accuracy: outputs are %s %s, targets %s %s; it needs, %s",
                        gs__dtype_name(x[0]->dtype), gs__shape_text(s, true, outputs, sizeof outputs),
                        gs__dtype_name(x[1]->dtype), gs__shape_text(&x[1]->shape, true, targets, sizeof targets),
                        needs[kind]);
    y[0].shape = (gs_shape){1, {s->dim[0]}};
    y[0].storage = GS__STORAGE_ROWS;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__accuracy_attr *attr = gs__node_attr(node, gs__accuracy_attr);
    const gs_shape *s = &gs__recorder_value(recorder, node->x[0])->shape;
    struct gs_push_accuracy push = {
        .batch = (uint32_t)s->dim[0],
        .classes = (uint32_t)classes_of(attr->kind, s),
        .threshold = attr->threshold,
    };
    push.positions = gs__value_count(recorder, node->x[0]) / push.batch / push.classes;
    gs__dispatch d = gs__dispatch_init(&gs__shader_accuracy, GS_SPEC_ACCURACY_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_ACCURACY_KIND] = attr->kind;
    d.spec[GS_SPEC_ACCURACY_INT_TARGETS] = gs__recorder_value(recorder, node->x[1])->dtype == GS_I32;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.y);
    return gs__rows_record(recorder, &d, push.batch, push.positions, push.classes);
}

// -1 where all is NaN.
static int64_t argmax(const double *x, int64_t count) {
    int64_t best = -1;
    for (int64_t i = 0; i < count; i++)
        if (!isnan(x[i]) && (best < 0 || x[i] > x[best])) best = i;
    return best;
}

static void ref_forward(const gs__reference *r) {
    const gs__accuracy_attr *attr = gs__node_attr(r->node, gs__accuracy_attr);
    const gs_shape *s = &r->x_shape[0];
    const int64_t classes = classes_of(attr->kind, s), batch = s->dim[0];
    uint64_t count = 0;
    gs__shape_count(s, &count);
    const int64_t positions = (int64_t)count / classes / batch;
    for (int64_t row = 0; row < batch; row++) {
        int64_t hits = 0;
        for (int64_t p = row * positions; p < (row + 1) * positions; p++) {
            const double *x = r->x[0] + p * classes;
            if (attr->kind == GS__ACCURACY_BINARY) {
                hits += (x[0] > (double)attr->threshold ? 1.0 : 0.0) == r->x[1][p];
                continue;
            }
            const int64_t found = argmax(x, classes);
            if (attr->kind == GS__ACCURACY_SPARSE) hits += found >= 0 && (double)found == r->x[1][p];
            else hits += found >= 0 && found == argmax(r->x[1] + p * classes, classes);
        }
        r->y[0][row] = row < (int64_t)r->state->cur.rows ? (double)hits / (double)positions : 0.0;
    }
}

const gs_op gs__op_accuracy = {
    .name = "accuracy",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__accuracy_attr),
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
