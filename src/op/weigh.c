// weigh: sample weights, and means over what is not ignored, applied to a loss: its rows, and the gradient that it made.
//   x: loss (B), storage ROWS [, dx (B, ...)] [, weights (B)] [, factor (1)]  ->  y: loss [, dx], in place
#include "plan/record.h"
#include "shaders.h"
#include "tensor/shape.h"

enum { LOSS, DX, WEIGHTS, FACTOR };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    y[LOSS].shape = x[LOSS]->shape;
    if (x[DX]) y[DX].shape = x[DX]->shape;
    y[DX].absent = !x[DX];
    const int64_t rows = x[LOSS]->shape.dim[0];
    if ((x[DX] && x[DX]->shape.dim[0] != rows) || (x[WEIGHTS] && x[WEIGHTS]->shape.dim[0] != rows))
        return gs__fail(error, GS_ERR_INTERNAL, "op weigh: sizes that do not fit together");
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    struct gs_push_weigh push = {.row_count = gs__value_count(recorder, node->x[LOSS])};
    push.row_length = gs__value_count(recorder, node->x[DX]) / push.row_count;
    gs__dispatch d = gs__dispatch_init(&gs__shader_weigh, GS_SPEC_WEIGH_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_WEIGH_WEIGHTED] = node->x[WEIGHTS] != 0;
    d.spec[GS_SPEC_WEIGH_SCALED] = node->x[FACTOR] != 0;
    gs__bind(recorder, &d, 0, GS__READ | GS__WRITE, node->x[LOSS], &push.rows);
    gs__bind(recorder, &d, 1, GS__READ | GS__WRITE, node->x[DX], &push.dx);
    gs__bind(recorder, &d, 2, GS__READ, node->x[WEIGHTS], &push.weights);
    gs__bind(recorder, &d, 3, GS__READ, node->x[FACTOR], &push.factor);
    return gs__dispatch_record_1d(recorder, &d, (uint64_t)push.row_count * (push.row_length + 1), 64);
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    const uint64_t rows = (uint64_t)r->x_shape[LOSS].dim[0];
    if (r->x[DX]) gs__shape_count(&r->x_shape[DX], &count);
    for (uint64_t row = 0; row < rows; row++) {
        const double by = (r->x[WEIGHTS] ? r->x[WEIGHTS][row] : 1) * (r->x[FACTOR] ? r->x[FACTOR][0] : 1);
        r->y[LOSS][row] = by * r->x[LOSS][row];
        for (uint64_t i = row * (count / rows); i < (row + 1) * (count / rows); i++) r->y[DX][i] = by * r->x[DX][i];
    }
}

const gs_op gs__op_weigh = {
    .name = "weigh",
    .inputs = 4,
    .outputs = 2,
    .optional = 1u << DX | 1u << WEIGHTS | 1u << FACTOR,
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
