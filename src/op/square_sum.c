// square_sum: sums of squares of parts of an array, in a fixed order; op clip adds them up.
//   x (N)  ->  y: GS__SQUARE_SUM_PARTS sums for each GS__SQUARE_SUM_ELEMENTS elements. Only their sum is specified.
#include "plan/update.h"
#include "shaders.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    const int64_t count = x[0]->shape.dim[0], rounds = (count - 1) / GS__SQUARE_SUM_ELEMENTS + 1;
    if (x[0]->shape.rank != 1 || count % 4)
        return gs__fail(error, GS_ERR_INTERNAL, "op square_sum: expected a flat array of a multiple of 4");
    y[0].shape = (gs_shape){1, {rounds * GS__SQUARE_SUM_PARTS}};
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t count = gs__value_count(recorder, node->x[0]);
    for (uint32_t first = 0, round = 0; first < count; first += GS__SQUARE_SUM_ELEMENTS, round++) {
        const uint32_t length = count - first < GS__SQUARE_SUM_ELEMENTS ? count - first : GS__SQUARE_SUM_ELEMENTS;
        struct gs_push_square_sum push = {.count = length / 4, .parts = GS__SQUARE_SUM_PARTS};
        gs__dispatch d = gs__dispatch_init(&gs__shader_square_sum, GS_SPEC_SQUARE_SUM_COUNT, &push, sizeof push);
        d.spec[GS_SPEC_SQUARE_SUM_LOCAL_SIZE_X] = cpu ? 8 : 128;
        d.spec[GS_SPEC_SQUARE_SUM_LANES] = cpu ? 1 : 128;
        gs__bind_part(recorder, &d, 0, GS__READ, node->x[0], first, length, &push.x);
        gs__bind_part(recorder, &d, 1, GS__WRITE, node->y[0], round * push.parts, push.parts, &push.sums);
        gs_status status = gs__dispatch_record_1d(recorder, &d, push.parts, cpu ? 8 : 1);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static void ref_forward(const gs__reference *r) {
    for (int64_t i = 0; i < r->y_shape[0].dim[0]; i++) r->y[0][i] = 0;
    for (int64_t i = 0; i < r->x_shape[0].dim[0]; i++) r->y[0][0] += r->x[0][i] * r->x[0][i];
}

const gs_op gs__op_square_sum = {
    .name = "square_sum",
    .inputs = 1,
    .outputs = 1,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
