// merge: y = a - b, a * b, max(a, b) or min(a, b), elementwise.
//   a, b (any shape, the same) -> y (same shape).   Saves: a, b.
// Where a and b are equal their maximum and minimum pass half of the gradient to each, as PyTorch's do.
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"

enum { PER_GROUP = 4 * 64 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    char a[128], b[128];
    if ((unsigned)gs__node_attr(node, gs__merge_attr)->kind > GS__MERGE_MINIMUM)
        return gs__fail(error, GS_ERR_INTERNAL, "merge: kind %d is unknown",
                        (int)gs__node_attr(node, gs__merge_attr)->kind);
    if (!gs__shape_equal(&x[0]->shape, &x[1]->shape))
        return gs__fail(error, GS_ERR_ARGUMENT, "merge: inputs have shapes %s and %s but must have the same",
                        gs__shape_text(&x[0]->shape, true, a, sizeof a),
                        gs__shape_text(&x[1]->shape, true, b, sizeof b));
    for (int i = 0; i < 2; i++)
        if (x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "merge: input %d is %s but must be float32", i,
                            gs__dtype_name(x[i]->dtype));
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, uint32_t want, gs__value out) {
    struct gs_push_merge push = {.count = gs__value_count(recorder, out)};
    gs__dispatch d = gs__dispatch_init(&gs__shader_merge, GS_SPEC_MERGE_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_MERGE_KIND] = (uint32_t)gs__node_attr(node, gs__merge_attr)->kind;
    d.spec[GS_SPEC_MERGE_WANT] = want;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.a);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.b);
    if (want) gs__bind(recorder, &d, 2, GS__READ, node->dy[0], &push.dy);
    gs__bind(recorder, &d, 3, GS__WRITE, out, &push.out_);
    return gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, 0, node->y[0]);
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    gs_status status = GS_OK;
    for (uint32_t i = 0; i < 2 && status == GS_OK; i++)
        if (node->dx[i]) status = record(recorder, node, 1 + i, node->dx[i]);
    return status;
}

static void ref_forward(const gs__reference *r) {
    const gs__merge_kind kind = gs__node_attr(r->node, gs__merge_attr)->kind;
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < count; i++) {
        const double a = r->x[0][i], b = r->x[1][i];
        double y = a - b;
        if (kind == GS__MERGE_MULTIPLY) y = a * b;
        else if (kind == GS__MERGE_MAXIMUM) y = a != a || b != b ? a + b : a > b ? a : b;
        else if (kind == GS__MERGE_MINIMUM) y = a != a || b != b ? a + b : a < b ? a : b;
        r->y[0][i] = y;
    }
}

// dy/da and dy/db.
static void slopes(gs__merge_kind kind, double a, double b, double slope[2]) {
    const double first = a == b ? 0.5 : a > b ? 1.0 : 0.0; // of the maximum
    slope[0] = kind == GS__MERGE_MULTIPLY ? b : kind == GS__MERGE_MAXIMUM ? first : 1 - first;
    slope[1] = kind == GS__MERGE_MULTIPLY ? a : kind == GS__MERGE_MAXIMUM ? 1 - first : first;
    if (kind != GS__MERGE_SUBTRACT) return;
    slope[0] = 1;
    slope[1] = -1;
}

static void ref_backward(const gs__reference *r) {
    const gs__merge_kind kind = gs__node_attr(r->node, gs__merge_attr)->kind;
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < count; i++) {
        double slope[2];
        slopes(kind, r->x[0][i], r->x[1][i], slope);
        for (int k = 0; k < 2; k++)
            if (r->dx[k]) r->dx[k][i] = slope[k] * r->dy[0][i];
    }
}

const gs_op gs__op_merge = {
    .name = "merge",
    .inputs = 2,
    .outputs = 1,
    .attr_bytes = sizeof(gs__merge_attr),
    .needs_x = 3,
    .differentiable = 3,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
