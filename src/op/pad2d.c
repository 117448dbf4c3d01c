// pad2d: zeros around an image, or its edges cut off.
//   x (B, H, W, C) -> y (B, begin + H + end, begin + W + end, C)   or x (B, W, C) -> y (B, begin + W + end, C)
//   dx: dy with as much cut off, or zeros where x was.   Saves: nothing.
#include "op/attr.h"
#include "plan/quads.h"
#include "shaders.h"
#include "tensor/shape.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__pad2d_attr *a = gs__node_attr(node, gs__pad2d_attr);
    const gs_shape *in = &x[0]->shape;
    char text[96];
    gs__shape_text(in, false, text, sizeof text);
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "input is %s but must be float32", gs__dtype_name(x[0]->dtype));
    if (in->rank != 3 && in->rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "input has shape %s but must be (batch, rows, columns, channels) or (batch, steps, channels)",
                        text);
    y[0].shape = *in;
    y[0].dtype = GS_F32;
    for (uint32_t i = in->rank == 4 ? 0 : 1; i < 2; i++) {
        int64_t *size = &y[0].shape.dim[in->rank == 4 ? 1 + i : 1];
        *size += (int64_t)a->begin[i] + a->end[i];
        if (*size < 1)
            return gs__fail(error, GS_ERR_ARGUMENT, "nothing is left of the input %s with %d and %d cut off", text,
                            -a->begin[i], -a->end[i]);
    }
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, bool backward) {
    const gs__pad2d_attr *a = gs__node_attr(node, gs__pad2d_attr);
    const gs__value from = backward ? node->dy[0] : node->x[0], to = backward ? node->dx[0] : node->y[0];
    const gs_shape source = gs__image_of(&gs__recorder_value(recorder, from)->shape);
    const gs_shape result = gs__image_of(&gs__recorder_value(recorder, to)->shape);
    const uint32_t vector = gs__quads_vector(&result);
    const int32_t sign = backward ? 1 : -1;
    struct gs_push_pad2d push = {
        .count = gs__value_count(recorder, to) / vector,
        .h = (uint32_t)source.dim[1],
        .w = (uint32_t)source.dim[2],
        .top = sign * a->begin[0],
        .left = sign * a->begin[1],
    };
    const bool texels = gs__quads_texels(recorder, (gs__value[]){from, node->epilogue_y}, 2);
    gs__dispatch d =
        gs__dispatch_init(texels ? &gs__shader_pad2d_cpu : &gs__shader_pad2d, GS_SPEC_PAD2D_COUNT, &push, sizeof push);
    gs__quads_spec(&d, &result, vector);
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

// Every element of `to` from the pixel `begin` further down and right.
static void shift(const gs__pad2d_attr *a, int64_t sign, const gs_shape *from_shape, const double *from,
                  const gs_shape *to_shape, double *to) {
    const gs_shape f = gs__image_of(from_shape), t = gs__image_of(to_shape);
    int64_t e = 0;
    for (int64_t b = 0; b < t.dim[0]; b++)
        for (int64_t h = 0; h < t.dim[1]; h++)
            for (int64_t w = 0; w < t.dim[2]; w++)
                for (int64_t c = 0; c < t.dim[3]; c++) {
                    const int64_t i = h + sign * a->begin[0], j = w + sign * a->begin[1];
                    const bool inside = i >= 0 && j >= 0 && i < f.dim[1] && j < f.dim[2];
                    to[e++] = inside ? from[((b * f.dim[1] + i) * f.dim[2] + j) * f.dim[3] + c] : 0;
                }
}

static void ref_forward(const gs__reference *r) {
    shift(gs__node_attr(r->node, gs__pad2d_attr), -1, &r->x_shape[0], r->x[0], &r->y_shape[0], r->y[0]);
}
static void ref_backward(const gs__reference *r) {
    shift(gs__node_attr(r->node, gs__pad2d_attr), 1, &r->y_shape[0], r->dy[0], &r->x_shape[0], r->dx[0]);
}

const gs_op gs__op_pad2d = {
    .name = "pad2d",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__pad2d_attr),
    .differentiable = 1,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
