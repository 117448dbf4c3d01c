// reshape: y = x, with another shape of as many elements. The batch dimension stays.
//   x (B, ...) -> y (B, ...).   dx = dy, with x's shape. A view: no kernel, no copy; so is its backward.
#include "op/attr.h"
#include "plan/op.h"
#include <string.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__reshape_attr *a = gs__node_attr(node, gs__reshape_attr);
    uint64_t from = 0, to = 0;
    char from_text[128], to_text[128];
    const bool counted = gs__shape_count(&x[0]->shape, &from) && gs__shape_count(&a->shape, &to);
    const bool same_batch = x[0]->shape.rank > 0 && a->shape.rank > 0 && x[0]->shape.dim[0] == a->shape.dim[0];
    if (!counted || !same_batch || from != to)
        return gs__fail(error, GS_ERR_ARGUMENT, "reshape: input has shape %s, which cannot become %s",
                        gs__shape_text(&x[0]->shape, same_batch, from_text, sizeof from_text),
                        gs__shape_text(&a->shape, same_batch, to_text, sizeof to_text));
    y[0].shape = a->shape;
    y[0].dtype = x[0]->dtype;
    return GS_OK;
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    memcpy(r->y[0], r->x[0], count * sizeof(double));
}

static void ref_backward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    memcpy(r->dx[0], r->dy[0], count * sizeof(double));
}

const gs_op gs__op_reshape = {
    .name = "reshape",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__reshape_attr),
    .differentiable = 1,
    .view = true,
    .shape = shape,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
