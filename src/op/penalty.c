// penalty: L1 and L2 regularization of one parameter, as Keras.
//   x: w (any shape)  ->  y: (B), adding up to l1 sum |w| + l2 sum w^2
// Its own gradient: dx = l1 sign(w) + 2 l2 w, with sign(0) = 0.
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include "tensor/shape.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__penalty_attr *attr = gs__node_attr(node, gs__penalty_attr);
    if (x[0]->dtype != GS_F32 || !attr->batch)
        return gs__fail(error, GS_ERR_INTERNAL,
                        "op penalty: it takes a float32 parameter, and a batch size of at least 1");
    y[0].shape = (gs_shape){1, {attr->batch}};
    y[0].storage = GS__STORAGE_ROWS;
    return GS_OK;
}

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__penalty_attr *attr = gs__node_attr(node, gs__penalty_attr);
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t local = cpu ? 8 : 128, lanes = cpu ? 1 : local;
    struct gs_push_penalty push = {
        .count = gs__value_count(recorder, node->x[0]),
        .batch = attr->batch,
        .l1 = attr->l1,
        .l2 = attr->l2,
    };
    push.parts = smaller(attr->batch, (push.count + 4 * lanes - 1) / (4 * lanes));
    push.parts = smaller(push.parts, 4096);
    gs__dispatch d = gs__dispatch_init(&gs__shader_penalty, GS_SPEC_PENALTY_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_PENALTY_LOCAL_SIZE_X] = local;
    d.spec[GS_SPEC_PENALTY_LANES] = lanes;
    d.spec[GS_SPEC_PENALTY_GRADIENT] = node->dx[0] != 0;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__WRITE, node->dx[0], &push.dx);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.y);
    return gs__dispatch_record_1d(recorder, &d, push.parts, local / lanes);
}

// Which part of the sum a row holds is left open: the reference puts all of it into row 0.
static void ref_forward(const gs__reference *r) {
    const gs__penalty_attr *attr = gs__node_attr(r->node, gs__penalty_attr);
    const double l1 = attr->l1, l2 = attr->l2;
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint32_t row = 0; row < attr->batch; row++) r->y[0][row] = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        const double w = r->x[0][i];
        r->y[0][0] += l1 * fabs(w) + l2 * w * w;
        if (r->dx[0]) r->dx[0][i] = l1 * ((w > 0.0) - (w < 0.0)) + 2.0 * l2 * w;
    }
}

const gs_op gs__op_penalty = {
    .name = "penalty",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__penalty_attr),
    .differentiable = 1u << 0,
    .self_gradient = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
