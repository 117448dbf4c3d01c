// activation: y = f(x), elementwise (formulas: include/gradsmith/layer.h).
//   x (any shape) -> y (same shape).   dx = dy * f'(x).   Saves: x.
// Shader: pointwise.
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include <float.h>

enum { PER_GROUP = 4 * 64 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__activation_attr *a = gs__node_attr(node, gs__activation_attr);
    if ((unsigned)a->kind > GS_ACTIVATION_SOFTPLUS)
        return gs__fail(error, GS_ERR_ARGUMENT, "activation: %d is not an elementwise activation", (int)a->kind);
    // Then the sign of y tells the sign of x, which is all that the derivative needs.
    const bool takes_alpha = a->kind == GS_ACTIVATION_LEAKY_RELU || a->kind == GS_ACTIVATION_ELU;
    if (takes_alpha && !(a->alpha >= 0 && a->alpha <= FLT_MAX))
        return gs__fail(error, GS_ERR_ARGUMENT, "activation: alpha is %g but must be a number >= 0", (double)a->alpha);
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "activation: input is %s but must be float32",
                        gs__dtype_name(x[0]->dtype));
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, bool backward) {
    const gs__activation_attr *a = gs__node_attr(node, gs__activation_attr);
    const gs__value out = backward ? node->dx[0] : node->y[0];
    struct gs_push_pointwise push = {.count = gs__value_count(recorder, out), .alpha = a->alpha};
    gs__dispatch d = gs__dispatch_init(&gs__shader_pointwise, GS_SPEC_POINTWISE_COUNT, &push, sizeof push);
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, backward, d.spec + GS__EPILOGUE_SPEC);
    d.spec[GS_SPEC_POINTWISE_BACKWARD] = backward;
    d.spec[GS_SPEC_POINTWISE_ACTIVATION] = (uint32_t)a->kind;
    gs__bind(recorder, &d, 0, GS__READ, backward ? node->dy[0] : node->x[0], &push.v);
    if (backward) gs__bind(recorder, &d, 1, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 2, GS__READ, node->epilogue_y, &push.y);
    gs__bind(recorder, &d, 3, GS__WRITE, out, &push.out_);
    return gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, false);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, true);
}

static uint64_t count_of(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    return count;
}

static void ref_forward(const gs__reference *r) {
    const gs__activation_attr *a = gs__node_attr(r->node, gs__activation_attr);
    for (uint64_t i = 0; i < count_of(r); i++) r->y[0][i] = gs__activate(a->kind, r->x[0][i], (double)a->alpha);
}

static void ref_backward(const gs__reference *r) {
    const gs__activation_attr *a = gs__node_attr(r->node, gs__activation_attr);
    for (uint64_t i = 0; i < count_of(r); i++) {
        const double x = r->x[0][i], y = gs__activate(a->kind, x, (double)a->alpha);
        r->dx[0][i] = r->dy[0][i] * gs__activate_grad(a->kind, x, y, (double)a->alpha);
    }
}

static bool fold(const gs__node *node, bool training, gs__epilogue *epilogue) {
    const gs__activation_attr *a = gs__node_attr(node, gs__activation_attr);
    if (!gs__epilogue_empty(epilogue)) return false;
    if (training && gs__activation_grad_needs_x(a->kind)) return false;
    epilogue->activation = a->kind;
    epilogue->alpha = a->alpha;
    return true;
}

const gs_op gs__op_activation = {
    .name = "activation",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__activation_attr),
    .needs_x = 1,
    .differentiable = 1,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .fold = fold,
};
