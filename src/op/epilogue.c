// epilogue: y = dropout(activate(x)), elementwise; what src/plan/epilogue.h describes, as an op of its own.
//   x (any shape) -> y (same shape).   dx = activate'(y) * dropout(dy).   Saves: y.
// Not made by models: the backward pass puts it where the gradient of a folded epilogue is a sum, which no kernel
// writes that could apply it on the way. Shader: pointwise, by its epilogue.
#include "plan/epilogue.h"
#include "plan/record.h"
#include "shaders.h"
#include <string.h>

enum { PER_GROUP = 4 * 64 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__epilogue *e = gs__node_attr(node, gs__epilogue);
    if (gs__activation_grad_needs_x(e->activation))
        return gs__fail(error, GS_ERR_INTERNAL, "epilogue: the derivative of activation %d needs more than the result",
                        (int)e->activation);
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, bool backward) {
    const gs__epilogue *e = gs__node_attr(node, gs__epilogue);
    const gs__value out = backward ? node->dx[0] : node->y[0];
    struct gs_push_pointwise push = {.count = gs__value_count(recorder, out)};
    gs__dispatch d = gs__dispatch_init(&gs__shader_pointwise, GS_SPEC_POINTWISE_COUNT, &push, sizeof push);
    GS__EPILOGUE_PUSH(push, e);
    gs__epilogue_spec(e, backward, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, backward ? node->dy[0] : node->x[0], &push.v);
    if (backward) gs__bind(recorder, &d, 2, GS__READ, node->y[0], &push.y);
    gs__bind(recorder, &d, 3, GS__WRITE, out, &push.out_);
    return gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, false);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, true);
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    memcpy(r->y[0], r->x[0], count * sizeof(double));
    gs__epilogue_forward(gs__node_attr(r->node, gs__epilogue), r->state, r->y[0], count);
}

static void ref_backward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->y_shape[0], &count);
    memcpy(r->dx[0], r->dy[0], count * sizeof(double));
    gs__epilogue_backward(gs__node_attr(r->node, gs__epilogue), r->state, r->y[0], r->dx[0], count);
}

const gs_op gs__op_epilogue = {
    .name = "epilogue",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__epilogue),
    .needs_y = 1,
    .differentiable = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
