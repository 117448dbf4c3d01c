// spatial_dropout: whole channels of a sample are 0 with probability `rate`, else divided by 1 - rate (Tompson et al. 2015).
//   x (B, H, W, C) or (B, W, C) -> y (same shape).   dx = dy * (the same mask).   Saves: nothing.
// The mask of channel c of row b is that of element b C + c of dropout.
#include "op/attr.h"
#include "plan/quads.h"
#include "shaders.h"
#include "tensor/shape.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__dropout_attr *a = gs__node_attr(node, gs__dropout_attr);
    char text[96];
    if (!(a->rate >= 0 && a->rate < 1))
        return gs__fail(error, GS_ERR_ARGUMENT, "spatial_dropout: rate is %g but must be at least 0 and below 1",
                        (double)a->rate);
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "input is %s but must be float32", gs__dtype_name(x[0]->dtype));
    if (x[0]->shape.rank != 3 && x[0]->shape.rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "input has shape %s but must be (batch, rows, columns, channels) or (batch, steps, channels)",
                        gs__shape_text(&x[0]->shape, false, text, sizeof text));
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, bool backward) {
    const gs__dropout_attr *a = gs__node_attr(node, gs__dropout_attr);
    const gs__value from = backward ? node->dy[0] : node->x[0], to = backward ? node->dx[0] : node->y[0];
    const gs_shape image = gs__image_of(&gs__recorder_value(recorder, to)->shape);
    const uint32_t vector = gs__quads_vector(&image);
    struct gs_push_spatial_dropout push = {
        .count = gs__value_count(recorder, to) / vector,
        .scale = gs__dropout_scale(a->rate),
        .threshold = gs__dropout_threshold(a->rate),
        .key = a->key,
    };
    const bool texels = gs__quads_texels(recorder, (gs__value[]){from, node->epilogue_y}, 2);
    gs__dispatch d = gs__dispatch_init(texels ? &gs__shader_spatial_dropout_cpu : &gs__shader_spatial_dropout,
                                       GS_SPEC_SPATIAL_DROPOUT_COUNT, &push, sizeof push);
    gs__quads_spec(&d, &image, vector);
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, backward, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, from, &push.v);
    gs__bind(recorder, &d, 1, GS__READ, node->epilogue_y, &push.y);
    gs__bind(recorder, &d, 2, GS__WRITE, to, &push.out_);
    return gs__quads_record(recorder, &d, push.count * vector, vector);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, false);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, true);
}

static void apply_mask(const gs__reference *r, const double *from, double *to) {
    const gs__dropout_attr *a = gs__node_attr(r->node, gs__dropout_attr);
    const gs_shape image = gs__image_of(&r->x_shape[0]);
    const uint64_t pixels = (uint64_t)(image.dim[1] * image.dim[2]), channels = (uint64_t)image.dim[3];
    for (uint64_t e = 0; e < (uint64_t)image.dim[0] * pixels * channels; e++) {
        const uint64_t mask = e / (pixels * channels) * channels + e % channels;
        to[e] = from[e] * gs__dropout_factor(r->state, a->key, a->rate, mask);
    }
}

static void ref_forward(const gs__reference *r) {
    apply_mask(r, r->x[0], r->y[0]);
}
static void ref_backward(const gs__reference *r) {
    apply_mask(r, r->dy[0], r->dx[0]);
}

const gs_op gs__op_spatial_dropout = {
    .name = "spatial_dropout",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__dropout_attr),
    .differentiable = 1,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
