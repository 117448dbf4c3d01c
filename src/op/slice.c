// slice: y = the entries begin .. begin + count - 1 of an axis of x.
//   x (..., N, ...) -> y (..., count, ...).   dx = dy there, 0 elsewhere.   Saves: nothing.
// Shaders: split, concatenate.
#include "op/attr.h"
#include "plan/strips.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__slice_attr *a = gs__node_attr(node, gs__slice_attr);
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "slice: input is %s but must be float32", gs__dtype_name(x[0]->dtype));
    if (a->axis >= x[0]->shape.rank || !a->count || a->begin + (uint64_t)a->count > (uint64_t)x[0]->shape.dim[a->axis])
        return gs__fail(error, GS_ERR_ARGUMENT, "slice: entries %u to %llu of axis %u, which the input does not have",
                        a->begin, (unsigned long long)a->begin + a->count, a->axis);
    y[0].shape = x[0]->shape;
    y[0].shape.dim[a->axis] = a->count;
    if (a->squeeze) {
        if (a->count != 1)
            return gs__fail(error, GS_ERR_INTERNAL, "slice: an axis of %u entries cannot be left out", a->count);
        y[0].shape.rank--;
        for (uint32_t i = a->axis; i < y[0].shape.rank; i++) y[0].shape.dim[i] = x[0]->shape.dim[i + 1];
    }
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs__strip_copy copy_of(const gs__slice_attr *a, const gs_shape *whole) {
    const gs__strips strips = gs__strips_of(whole, a->axis);
    return (gs__strip_copy){
        .width = {a->count * strips.inner},
        .rows = strips.rows,
        .stride = (uint32_t)whole->dim[a->axis] * strips.inner,
        .first = a->begin * strips.inner,
    };
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    gs__strip_copy copy =
        copy_of(gs__node_attr(node, gs__slice_attr), &gs__recorder_value(recorder, node->x[0])->shape);
    copy.whole = node->x[0];
    copy.part[0] = node->y[0];
    return gs__strips_split(recorder, &copy);
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    gs__strip_copy copy =
        copy_of(gs__node_attr(node, gs__slice_attr), &gs__recorder_value(recorder, node->dx[0])->shape);
    copy.whole = node->dx[0];
    copy.part[0] = node->dy[0];
    return gs__strips_join(recorder, &copy, true);
}

static void ref_forward(const gs__reference *r) {
    const gs__strip_copy c = copy_of(gs__node_attr(r->node, gs__slice_attr), &r->x_shape[0]);
    for (uint64_t row = 0; row < c.rows; row++)
        for (uint64_t i = 0; i < c.width[0]; i++) r->y[0][row * c.width[0] + i] = r->x[0][row * c.stride + c.first + i];
}

static void ref_backward(const gs__reference *r) {
    const gs__strip_copy c = copy_of(gs__node_attr(r->node, gs__slice_attr), &r->x_shape[0]);
    for (uint64_t row = 0; row < c.rows; row++)
        for (uint64_t i = 0; i < c.stride; i++) {
            const bool inside = i >= c.first && i < c.first + c.width[0];
            r->dx[0][row * c.stride + i] = inside ? r->dy[0][row * c.width[0] + i - c.first] : 0.0;
        }
}

const gs_op gs__op_slice = {
    .name = "slice",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__slice_attr),
    .differentiable = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
