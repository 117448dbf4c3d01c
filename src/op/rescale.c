// rescale: y = scale * x + offset, elementwise.
//   x (any shape) -> y (same shape).   dx = scale * dy.   Saves: nothing.
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"

#include <math.h>

enum { PER_GROUP = 4 * 64 }; // elements of a workgroup

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__rescale_attr *a = gs__node_attr(node, gs__rescale_attr);
    if (!isfinite(a->scale) || !isfinite(a->offset))
        return gs__fail(error, GS_ERR_ARGUMENT, "rescale: scale is %g and offset %g but both must be finite",
                        (double)a->scale, (double)a->offset);
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "rescale: input is %s but must be float32",
                        gs__dtype_name(x[0]->dtype));
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, bool backward) {
    const gs__rescale_attr *a = gs__node_attr(node, gs__rescale_attr);
    const gs__value from = backward ? node->dy[0] : node->x[0], to = backward ? node->dx[0] : node->y[0];
    struct gs_push_rescale push = {
        .count = gs__value_count(recorder, to),
        .scale = a->scale,
        .offset = backward ? 0.0f : a->offset,
    };
    gs__dispatch d = gs__dispatch_init(&gs__shader_rescale, GS_SPEC_RESCALE_COUNT, &push, sizeof push);
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, backward, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, from, &push.v);
    gs__bind(recorder, &d, 1, GS__READ, node->epilogue_y, &push.y); // 0 when there is none
    gs__bind(recorder, &d, 2, GS__WRITE, to, &push.out_);
    return gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, false);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, true);
}

static void ref_forward(const gs__reference *r) {
    const gs__rescale_attr *a = gs__node_attr(r->node, gs__rescale_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < count; i++) r->y[0][i] = (double)a->scale * r->x[0][i] + (double)a->offset;
}

static void ref_backward(const gs__reference *r) {
    const gs__rescale_attr *a = gs__node_attr(r->node, gs__rescale_attr);
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < count; i++) r->dx[0][i] = (double)a->scale * r->dy[0][i];
}

const gs_op gs__op_rescale = {
    .name = "rescale",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__rescale_attr),
    .differentiable = 1u << 0,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
