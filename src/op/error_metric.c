// error_metric: mean squared or mean absolute error of each row, over all axes but the first. Not differentiable.
//   x: output (B, ...), targets (the same number of elements) float32 or int32  ->  y: (B)
#include "op/attr.h"
#include "plan/rows.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs_metric_kind kind = gs__node_attr(node, gs__error_metric_attr)->kind;
    char outputs[96], targets[96];
    uint64_t count = 0, target_count = 0;
    if (kind != GS_METRIC_MSE && kind != GS_METRIC_MAE)
        return gs__fail(error, GS_ERR_INTERNAL, "op error_metric: kind %d is neither MSE nor MAE", (int)kind);
    if (x[0]->shape.rank < 1 || x[0]->dtype != GS_F32 || x[1]->dtype == GS_U8 ||
        !gs__shape_count(&x[0]->shape, &count) || !gs__shape_count(&x[1]->shape, &target_count) ||
        x[1]->shape.rank < 1 || x[1]->shape.dim[0] != x[0]->shape.dim[0] || count != target_count)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "metric %s: outputs are %s %s, targets %s %s; it needs as many targets, float32 or int32",
                        kind == GS_METRIC_MSE ? "mean_squared_error" : "mean_absolute_error",
                        gs__dtype_name(x[0]->dtype), gs__shape_text(&x[0]->shape, true, outputs, sizeof outputs),
                        gs__dtype_name(x[1]->dtype), gs__shape_text(&x[1]->shape, true, targets, sizeof targets));
    y[0].shape = (gs_shape){1, {x[0]->shape.dim[0]}};
    y[0].storage = GS__STORAGE_ROWS;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const uint32_t batch = gs__value_rows(recorder, node->x[0]);
    struct gs_push_error_metric push = {.batch = batch, .count = gs__value_count(recorder, node->x[0]) / batch};
    gs__dispatch d = gs__dispatch_init(&gs__shader_error_metric, GS_SPEC_ERROR_METRIC_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_ERROR_METRIC_ABSOLUTE] = gs__node_attr(node, gs__error_metric_attr)->kind == GS_METRIC_MAE;
    d.spec[GS_SPEC_ERROR_METRIC_INT_TARGETS] = gs__recorder_value(recorder, node->x[1])->dtype == GS_I32;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.y);
    return gs__rows_record(recorder, &d, batch, 1, push.count);
}

static void ref_forward(const gs__reference *r) {
    const bool absolute = gs__node_attr(r->node, gs__error_metric_attr)->kind == GS_METRIC_MAE;
    const uint64_t batch = (uint64_t)r->x_shape[0].dim[0];
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    count /= batch;
    for (uint64_t row = 0; row < batch; row++) {
        double sum = 0.0;
        for (uint64_t i = row * count; i < (row + 1) * count; i++) {
            const double d = r->x[0][i] - r->x[1][i];
            sum += absolute ? fabs(d) : d * d;
        }
        r->y[0][row] = row < r->state->cur.rows ? sum / (double)count : 0.0;
    }
}

const gs_op gs__op_error_metric = {
    .name = "error_metric",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__error_metric_attr),
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
