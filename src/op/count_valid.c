// count_valid: by what losses are multiplied such that their mean is over the positions that are not ignored.
//   x: targets (B, ...) int32  ->  y: (1) = positions of the step's rows / (those of them that are not ignored + 1e-7)
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    if (x[0]->dtype != GS_I32) return gs__fail(error, GS_ERR_INTERNAL, "op count_valid: targets must be int32");
    y[0].shape = (gs_shape){1, {1}};
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    struct gs_push_count_valid push = {.row_length =
                                           gs__value_count(recorder, node->x[0]) / gs__value_rows(recorder, node->x[0]),
                                       .ignored = gs__node_attr(node, gs__count_valid_attr)->ignored};
    gs__dispatch d = gs__dispatch_init(&gs__shader_count_valid, GS_SPEC_COUNT_VALID_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_COUNT_VALID_LOCAL_SIZE_X] = cpu ? 8 : 128;
    d.spec[GS_SPEC_COUNT_VALID_LANES] = cpu ? 1 : 128;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.targets);
    gs__bind(recorder, &d, 1, GS__WRITE, node->y[0], &push.y);
    return gs__dispatch_record(recorder, &d, 1, 1, 1);
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0, valid = 0;
    gs__shape_count(&r->x_shape[0], &count);
    count = count / (uint64_t)r->x_shape[0].dim[0] * r->state->cur.rows;
    for (uint64_t i = 0; i < count; i++) valid += r->x[0][i] != gs__node_attr(r->node, gs__count_valid_attr)->ignored;
    r->y[0][0] = (double)count / ((double)valid + 1e-7);
}

const gs_op gs__op_count_valid = {
    .name = "count_valid",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__count_valid_attr),
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
