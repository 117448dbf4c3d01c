// concatenate: the inputs behind each other along an axis.
//   x[i] (..., N_i, ...) -> y (..., sum of N_i, ...).   dx[i] = its part of dy.   Saves: nothing.
// Shaders: concatenate, split; three inputs a dispatch.
#include "op/attr.h"
#include "plan/strips.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__concatenate_attr *a = gs__node_attr(node, gs__concatenate_attr);
    char first[128], other[128];
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    if (a->axis >= x[0]->shape.rank)
        return gs__fail(error, GS_ERR_ARGUMENT, "concatenate: axis %u of inputs of rank %u", a->axis, x[0]->shape.rank);
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
        if (!x[i]) continue;
        if (x[i]->shape.rank > a->axis && x[i]->shape.dim[a->axis] != a->size[i])
            return gs__fail(error, GS_ERR_INTERNAL, "concatenate: input %u has not the size that is told", i);
        if (x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "concatenate: input %u is %s but must be float32", i,
                            gs__dtype_name(x[i]->dtype));
        bool fits = x[i]->shape.rank == x[0]->shape.rank;
        for (uint32_t d = 0; d < x[0]->shape.rank && fits; d++)
            fits = d == a->axis || x[i]->shape.dim[d] == x[0]->shape.dim[d];
        if (!fits)
            return gs__fail(error, GS_ERR_ARGUMENT,
                            "concatenate: inputs have shapes %s and %s but must differ in axis %u only",
                            gs__shape_text(&x[0]->shape, true, first, sizeof first),
                            gs__shape_text(&x[i]->shape, true, other, sizeof other), a->axis);
        if (i) y[0].shape.dim[a->axis] += x[i]->shape.dim[a->axis];
    }
    return GS_OK;
}

// Joins (forward) or splits (backward), as many tensors at a time as a dispatch takes.
static gs_status record(gs__recorder *recorder, const gs__node *node, const gs__value *parts, gs__value whole,
                        bool join) {
    const gs__concatenate_attr *a = gs__node_attr(node, gs__concatenate_attr);
    const gs_shape *w = &gs__recorder_value(recorder, whole)->shape;
    const gs__strips strips = gs__strips_of(w, a->axis);
    const gs__strip_copy none = {
        .whole = whole, .rows = strips.rows, .stride = (uint32_t)w->dim[a->axis] * strips.inner};
    gs__strip_copy copy = none;
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
        if (parts[i]) {
            if (!count) copy.first = at;
            copy.part[count] = parts[i];
            copy.width[count++] = a->size[i] * strips.inner;
        }
        at += a->size[i] * strips.inner;
        // A gradient that is not wanted, or the last, ends a dispatch.
        const bool ends = !parts[i] || i + 1 == GS__MAX_INPUTS || count == GS__STRIP_PARTS;
        if (!count || !ends) continue;
        gs_status status = join ? gs__strips_join(recorder, &copy, false) : gs__strips_split(recorder, &copy);
        if (status != GS_OK) return status;
        copy = none;
        count = 0;
    }
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, node->x, node->y[0], true);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, node->dx, node->dy[0], false);
}

static void ref_copy(const gs__reference *r, bool join) {
    const gs__concatenate_attr *a = gs__node_attr(r->node, gs__concatenate_attr);
    const gs__strips strips = gs__strips_of(&r->y_shape[0], a->axis);
    const uint64_t stride = (uint64_t)r->y_shape[0].dim[a->axis] * strips.inner;
    uint64_t first = 0;
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
        const uint64_t width = (uint64_t)a->size[i] * strips.inner;
        for (uint64_t row = 0; row < strips.rows; row++)
            for (uint64_t k = 0; k < width; k++) {
                const uint64_t at = row * stride + first + k;
                if (join) r->y[0][at] = r->x[i][row * width + k];
                else if (r->dx[i]) r->dx[i][row * width + k] = r->dy[0][at];
            }
        first += width;
    }
}

static void ref_forward(const gs__reference *r) {
    ref_copy(r, true);
}
static void ref_backward(const gs__reference *r) {
    ref_copy(r, false);
}

const gs_op gs__op_concatenate = {
    .name = "concatenate",
    .inputs = GS__MAX_INPUTS,
    .outputs = 1,
    .optional = 0xFE,
    .attr_bytes = sizeof(gs__concatenate_attr),
    .differentiable = 0xFF,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
_Static_assert(GS__MAX_INPUTS == 8, "the masks above are for eight inputs");
