// dropout: y = 0 with probability `rate`, else x / (1 - rate), elementwise (Srivastava et al. 2014, inverted form).
//   x (any shape) -> y (same shape).   dx = dy * (the same mask).   Saves: nothing.
// The mask is recomputed from the State's seed and step, the layer's key and the element: see epilogue.glsl. Graphs
// for evaluation have no dropout. Shader: pointwise, by its epilogue.
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"

enum { PER_GROUP = 4 * 64 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__dropout_attr *a = gs__node_attr(node, gs__dropout_attr);
    if (!(a->rate >= 0 && a->rate < 1))
        return gs__fail(error, GS_ERR_ARGUMENT, "dropout: rate is %g but must be at least 0 and below 1",
                        (double)a->rate);
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "dropout: input is %s but must be float32",
                        gs__dtype_name(x[0]->dtype));
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

// Both passes multiply by the mask.
static gs_status record(gs__recorder *recorder, const gs__node *node, gs__value from, gs__value to) {
    const gs__dropout_attr *a = gs__node_attr(node, gs__dropout_attr);
    const gs__epilogue mask = {.rate = a->rate, .key = a->key};
    struct gs_push_pointwise push = {.count = gs__value_count(recorder, to)};
    gs__dispatch d = gs__dispatch_init(&gs__shader_pointwise, GS_SPEC_POINTWISE_COUNT, &push, sizeof push);
    GS__EPILOGUE_PUSH(push, &mask);
    gs__epilogue_spec(&mask, false, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, from, &push.v);
    gs__bind(recorder, &d, 3, GS__WRITE, to, &push.out_);
    return gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, node->x[0], node->y[0]);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, node->dy[0], node->dx[0]);
}

static void apply_mask(const gs__reference *r, const double *from, double *to) {
    const gs__dropout_attr *a = gs__node_attr(r->node, gs__dropout_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < count; i++)
        to[i] = a->rate == 0.0f ? from[i] : from[i] * gs__dropout_factor(r->state, a->key, a->rate, i);
}

static void ref_forward(const gs__reference *r) {
    apply_mask(r, r->x[0], r->y[0]);
}
static void ref_backward(const gs__reference *r) {
    apply_mask(r, r->dy[0], r->dx[0]);
}

static bool fold(const gs__node *node, bool training, gs__epilogue *epilogue) {
    (void)training;
    const gs__dropout_attr *a = gs__node_attr(node, gs__dropout_attr);
    if (epilogue->rate != 0.0f) return false;
    epilogue->rate = a->rate;
    epilogue->key = a->key;
    return true;
}

const gs_op gs__op_dropout = {
    .name = "dropout",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__dropout_attr),
    .differentiable = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .fold = fold,
};
