// split_targets: sample weights come from the data set behind the targets of each sample; here they part.
//   x: packed (B, n + 1) int32 or float32, whose last word is a float  ->  y: targets (B, ...) of x's type, weights (B)
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include "tensor/shape.h"

#include <string.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__split_targets_attr *a = gs__node_attr(node, gs__split_targets_attr);
    uint64_t count = 0, packed = 0;
    const int64_t rows = x[0]->shape.dim[0];
    if (!gs__shape_count(&a->shape, &count) || !gs__shape_count(&x[0]->shape, &packed) || a->shape.dim[0] != rows ||
        packed != count + (uint64_t)rows || x[0]->dtype == GS_U8)
        return gs__fail(error, GS_ERR_INTERNAL, "op split_targets: sizes that do not fit together");
    y[0].shape = a->shape;
    y[0].dtype = x[0]->dtype;
    y[1].shape = (gs_shape){1, {rows}};
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const uint32_t count = gs__value_count(recorder, node->x[0]);
    struct gs_push_split_targets push = {.count = count, .row_length = count / gs__value_rows(recorder, node->x[0])};
    gs__dispatch d = gs__dispatch_init(&gs__shader_split_targets, GS_SPEC_SPLIT_TARGETS_COUNT, &push, sizeof push);
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.packed);
    gs__bind(recorder, &d, 1, GS__WRITE, node->y[0], &push.targets);
    gs__bind(recorder, &d, 1, GS__WRITE, node->y[1], &push.weights);
    return gs__dispatch_record_1d(recorder, &d, count, 64);
}

// The weight's word, as the interpreter holds it: the double of an int32 with a float's bits, or of the float.
static double weight_of(double word, gs_dtype dtype) {
    if (dtype == GS_F32) return word;
    const int32_t bits = (int32_t)word;
    float weight;
    memcpy(&weight, &bits, sizeof weight);
    return (double)weight;
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    const uint64_t rows = (uint64_t)r->x_shape[0].dim[0], n = count / rows - 1;
    for (uint64_t row = 0; row < rows; row++) {
        for (uint64_t k = 0; k < n; k++) r->y[0][row * n + k] = r->x[0][row * (n + 1) + k];
        r->y[1][row] = weight_of(r->x[0][row * (n + 1) + n], r->x_dtype[0]);
    }
}

const gs_op gs__op_split_targets = {
    .name = "split_targets",
    .inputs = 1,
    .outputs = 2,
    .attr_bytes = sizeof(gs__split_targets_attr),
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
