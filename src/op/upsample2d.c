// upsample2d: an image made larger by whole factors.
//   x (B, H, W, C) -> y (B, H f, W g, C)   or x (B, W, C) -> y (B, W g, C)
//   nearest: y[i] = x[i / f].   bilinear: between the two pixels around (i + 0.5) / f - 0.5, along each axis, the edge
//   repeated beyond it: Keras's image.resize.   dx: the adjoint.   Saves: nothing.
#include "op/attr.h"
#include "plan/quads.h"
#include "shaders.h"
#include "tensor/shape.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__upsample2d_attr *a = gs__node_attr(node, gs__upsample2d_attr);
    const gs_shape *in = &x[0]->shape;
    char text[96];
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "input is %s but must be float32", gs__dtype_name(x[0]->dtype));
    if (in->rank != 3 && in->rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "input has shape %s but must be (batch, rows, columns, channels) or (batch, steps, channels)",
                        gs__shape_text(in, false, text, sizeof text));
    // The kernel counts in 32 bits.
    for (int i = 0; i < 2; i++)
        if (a->factor[i] < 1 || a->factor[i] > 1 << 14)
            return gs__fail(error, GS_ERR_ARGUMENT, "factor %u must be from 1 to 16384", a->factor[i]);
    y[0].shape = *in;
    y[0].dtype = GS_F32;
    if (in->rank == 4) y[0].shape.dim[1] *= a->factor[0];
    y[0].shape.dim[in->rank - 2] *= a->factor[1];
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, bool backward) {
    const gs__upsample2d_attr *a = gs__node_attr(node, gs__upsample2d_attr);
    const gs__value from = backward ? node->dy[0] : node->x[0], to = backward ? node->dx[0] : node->y[0];
    const gs_shape source = gs__image_of(&gs__recorder_value(recorder, from)->shape);
    const gs_shape result = gs__image_of(&gs__recorder_value(recorder, to)->shape);
    const uint32_t vector = gs__quads_vector(&result);
    struct gs_push_upsample2d push = {
        .count = gs__value_count(recorder, to) / vector,
        .h = (uint32_t)source.dim[1],
        .w = (uint32_t)source.dim[2],
    };
    const bool texels = gs__quads_texels(recorder, (gs__value[]){from, node->epilogue_y}, 2);
    gs__dispatch d = gs__dispatch_init(texels ? &gs__shader_upsample2d_cpu : &gs__shader_upsample2d,
                                       GS_SPEC_UPSAMPLE2D_COUNT, &push, sizeof push);
    gs__quads_spec(&d, &result, vector);
    d.spec[GS_SPEC_UPSAMPLE2D_BILINEAR] = a->bilinear;
    d.spec[GS_SPEC_UPSAMPLE2D_BACKWARD] = backward;
    d.spec[GS_SPEC_UPSAMPLE2D_FACTOR_H] = a->factor[0];
    d.spec[GS_SPEC_UPSAMPLE2D_FACTOR_W] = a->factor[1];
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

// Pixels and their shares that pixel i of the larger image is made of, along one axis.
struct mix {
    int64_t pixel[2];
    double share[2];
};
static struct mix mix_of(const gs__upsample2d_attr *a, int axis, int64_t i, int64_t length) {
    if (!a->bilinear) return (struct mix){{i / a->factor[axis], 0}, {1, 0}};
    const double place = ((double)i + 0.5) / a->factor[axis] - 0.5, below = floor(place);
    const int64_t first = (int64_t)below;
    return (struct mix){{first < 0 ? 0 : first, first + 1 < length ? first + 1 : length - 1},
                        {1 - (place - below), place - below}};
}

// Calls visit for each element of the larger image and of the smaller one that it is made of.
typedef void visit_pair(void *user, int64_t larger, int64_t smaller, double share);
static void each_pair(const gs__reference *r, visit_pair *visit, void *user) {
    const gs__upsample2d_attr *a = gs__node_attr(r->node, gs__upsample2d_attr);
    const gs_shape x = gs__image_of(&r->x_shape[0]), y = gs__image_of(&r->y_shape[0]);
    int64_t e = 0;
    for (int64_t b = 0; b < y.dim[0]; b++)
        for (int64_t h = 0; h < y.dim[1]; h++)
            for (int64_t w = 0; w < y.dim[2]; w++)
                for (int64_t c = 0; c < y.dim[3]; c++, e++) {
                    const struct mix rows = mix_of(a, 0, h, x.dim[1]), columns = mix_of(a, 1, w, x.dim[2]);
                    for (int i = 0; i < 4; i++) {
                        const int64_t line = b * x.dim[1] + rows.pixel[i / 2];
                        const double share = rows.share[i / 2] * columns.share[i % 2];
                        if (share != 0) visit(user, e, (line * x.dim[2] + columns.pixel[i % 2]) * x.dim[3] + c, share);
                    }
                }
}

static void add_larger(void *user, int64_t larger, int64_t smaller, double share) {
    const gs__reference *r = user;
    r->y[0][larger] += share * r->x[0][smaller];
}
static void add_smaller(void *user, int64_t larger, int64_t smaller, double share) {
    const gs__reference *r = user;
    r->dx[0][smaller] += share * r->dy[0][larger];
}

static void clear(const gs_shape *shape, double *values) {
    uint64_t count = 0;
    gs__shape_count(shape, &count);
    for (uint64_t i = 0; i < count; i++) values[i] = 0;
}

static void ref_forward(const gs__reference *r) {
    gs__reference copy = *r;
    clear(&r->y_shape[0], r->y[0]);
    each_pair(r, add_larger, &copy);
}
static void ref_backward(const gs__reference *r) {
    gs__reference copy = *r;
    clear(&r->x_shape[0], r->dx[0]);
    each_pair(r, add_smaller, &copy);
}

const gs_op gs__op_upsample2d = {
    .name = "upsample2d",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__upsample2d_attr),
    .differentiable = 1,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
