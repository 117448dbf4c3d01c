// pool2d: the largest, or the mean, of windows of an image, each channel by itself.
//   x (B, H, W, C) -> y (B, P, Q, C) [, places (B, P, Q, C)]   or x (B, W, C) -> y (B, Q, C): series, images of one row
//   P = (H + padding - size) / stride + 1, rounded down; Q likewise. What lies in the padding counts for nothing.
//   places: which pixel of its window was the largest, its number counted row by row: the first one of equals, a NaN before
//   all others.
//   dx: of the largest, dy to that pixel; of the mean, dy / pixels of the window to each.   Saves: places.
#include "op/attr.h"
#include "plan/quads.h"
#include "shaders.h"
#include "tensor/shape.h"

#include <math.h>

enum { MAX_PLACES = 1 << 24 }; // numbers that a float holds

// Windows along one axis; 0: the window is larger than the image.
static int64_t window_count(int64_t size, const gs__pool2d_attr *a, int axis) {
    const int64_t padded = size + a->pad[axis] + a->pad_end[axis];
    return padded < a->size[axis] ? 0 : (padded - a->size[axis]) / a->stride[axis] + 1;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__pool2d_attr *a = gs__node_attr(node, gs__pool2d_attr);
    const gs_shape *in = &x[0]->shape;
    char text[96];
    gs__shape_text(in, false, text, sizeof text);
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "input is %s but must be float32", gs__dtype_name(x[0]->dtype));
    if (in->rank != 3 && in->rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "input has shape %s but must be (batch, rows, columns, channels) or (batch, steps, channels)",
                        text);
    for (int i = 0; i < 2; i++)
        if (!a->size[i] || !a->stride[i] || a->pad[i] >= a->size[i] || a->pad_end[i] >= a->size[i])
            return gs__fail(error, GS_ERR_ARGUMENT,
                            "size %u and stride %u must be at least 1, padding %u and %u below the size", a->size[i],
                            a->stride[i], a->pad[i], a->pad_end[i]);
    if ((uint64_t)a->size[0] * a->size[1] > MAX_PLACES)
        return gs__fail(error, GS_ERR_ARGUMENT, "size %u x %u has more than 2^24 pixels", a->size[0], a->size[1]);
    const gs_shape image = gs__image_of(in);
    const int64_t p = window_count(image.dim[1], a, 0), q = window_count(image.dim[2], a, 1);
    if (!p || !q)
        return gs__fail(error, GS_ERR_ARGUMENT, "size %u x %u is larger than the input %s", a->size[0], a->size[1],
                        text);
    y[0].shape =
        in->rank == 4 ? (gs_shape){4, {in->dim[0], p, q, in->dim[3]}} : (gs_shape){3, {in->dim[0], q, in->dim[2]}};
    y[0].dtype = GS_F32;
    y[1] = y[0];
    y[1].absent = a->average || !a->places;
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, gs__value image, gs__value windows) {
    const gs_shape xs = gs__image_of(&gs__recorder_value(recorder, image)->shape), *x = &xs;
    const gs_shape ys = gs__image_of(&gs__recorder_value(recorder, windows)->shape), *y = &ys;
    const gs__pool2d_attr *a = gs__node_attr(node, gs__pool2d_attr);
    const bool backward = node->pass == GS__BACKWARD;
    const gs__value from = backward ? node->dy[0] : node->x[0], to = backward ? node->dx[0] : node->y[0];
    const gs__value places = backward && !a->average ? node->y[1] : 0;
    const uint32_t vector = gs__quads_vector(x);
    struct gs_push_pool2d push = {
        .count = gs__value_count(recorder, to) / vector,
        .h = (uint32_t)x->dim[1],
        .w = (uint32_t)x->dim[2],
        .p = (uint32_t)y->dim[1],
        .q = (uint32_t)y->dim[2],
        .pad_h = a->pad[0],
        .pad_w = a->pad[1],
    };
    _Static_assert(sizeof push == sizeof(struct gs_push_pool2d_cpu), "push constants");
    const gs__value read[] = {from, places, node->epilogue_y};
    const bool texels = gs__quads_texels(recorder, read, 3);
    gs__dispatch d = gs__dispatch_init(texels ? &gs__shader_pool2d_cpu : &gs__shader_pool2d, GS_SPEC_POOL2D_COUNT,
                                       &push, sizeof push);
    const bool stores = !backward && node->y[1];
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, backward, d.spec + GS__EPILOGUE_SPEC);
    gs__quads_spec(&d, backward ? x : y, vector);
    d.spec[GS_SPEC_POOL2D_AVERAGE] = a->average;
    d.spec[GS_SPEC_POOL2D_BACKWARD] = backward;
    d.spec[GS_SPEC_POOL2D_PLACES] = stores;
    d.spec[GS_SPEC_POOL2D_SIZE_H] = a->size[0];
    d.spec[GS_SPEC_POOL2D_SIZE_W] = a->size[1];
    d.spec[GS_SPEC_POOL2D_STRIDE_H] = a->stride[0];
    d.spec[GS_SPEC_POOL2D_STRIDE_W] = a->stride[1];
    gs__bind(recorder, &d, 0, GS__READ, from, &push.v);
    gs__bind(recorder, &d, 1, GS__READ, places, &push.places);
    gs__bind(recorder, &d, 2, GS__READ, node->epilogue_y, &push.y);
    gs__bind(recorder, &d, 3, GS__WRITE, to, &push.out_);
    if (stores) gs__bind(recorder, &d, 3, GS__WRITE, node->y[1], &push.out_places);
    return gs__quads_record(recorder, &d, push.count * vector, vector);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, node->x[0], node->y[0]);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, node->dx[0], node->dy[0]);
}

// The window of element `e` of y: its pixels first[i] .. end[i] - 1 that lie in the image.
struct window {
    uint64_t plane; // first element of the image
    int64_t first[2], end[2], begin[2];
};
static struct window window_of(const gs__pool2d_attr *a, const gs_shape *x, const gs_shape *y, uint64_t e) {
    const uint64_t pixel = e / (uint64_t)y->dim[3], line = pixel / (uint64_t)y->dim[2];
    const int64_t at[2] = {(int64_t)(line % (uint64_t)y->dim[1]), (int64_t)(pixel % (uint64_t)y->dim[2])};
    struct window w = {.plane = line / (uint64_t)y->dim[1] * (uint64_t)(x->dim[1] * x->dim[2] * x->dim[3]) +
                                e % (uint64_t)y->dim[3]};
    for (int i = 0; i < 2; i++) {
        w.begin[i] = at[i] * a->stride[i] - a->pad[i];
        w.first[i] = w.begin[i] < 0 ? 0 : w.begin[i];
        w.end[i] = w.begin[i] + a->size[i] > x->dim[i + 1] ? x->dim[i + 1] : w.begin[i] + a->size[i];
    }
    return w;
}

static double pixels_of(const struct window *w) {
    return (double)((w->end[0] - w->first[0]) * (w->end[1] - w->first[1]));
}

static void ref_forward(const gs__reference *r) {
    const gs__pool2d_attr *a = gs__node_attr(r->node, gs__pool2d_attr);
    const gs_shape xs = gs__image_of(&r->x_shape[0]), ys = gs__image_of(&r->y_shape[0]), *x = &xs, *y = &ys;
    uint64_t count = 0;
    gs__shape_count(y, &count);
    for (uint64_t e = 0; e < count; e++) {
        const struct window w = window_of(a, x, y, e);
        double sum = 0, largest = 0;
        int64_t place = -1;
        for (int64_t h = w.first[0]; h < w.end[0]; h++)
            for (int64_t v = w.first[1]; v < w.end[1]; v++) {
                const double value = r->x[0][w.plane + (uint64_t)((h * x->dim[2] + v) * x->dim[3])];
                sum += value;
                if (place >= 0 && !(value > largest) && !isnan(value)) continue;
                largest = value;
                place = (h - w.begin[0]) * a->size[1] + v - w.begin[1];
            }
        r->y[0][e] = a->average ? sum / pixels_of(&w) : largest;
        if (r->y[1]) r->y[1][e] = (double)place;
    }
}

static void ref_backward(const gs__reference *r) {
    const gs__pool2d_attr *a = gs__node_attr(r->node, gs__pool2d_attr);
    const gs_shape xs = gs__image_of(&r->x_shape[0]), ys = gs__image_of(&r->y_shape[0]), *x = &xs, *y = &ys;
    uint64_t x_count = 0, y_count = 0;
    gs__shape_count(x, &x_count);
    gs__shape_count(y, &y_count);
    for (uint64_t i = 0; i < x_count; i++) r->dx[0][i] = 0;
    for (uint64_t e = 0; e < y_count; e++) {
        const struct window w = window_of(a, x, y, e);
        for (int64_t h = w.first[0]; h < w.end[0]; h++)
            for (int64_t v = w.first[1]; v < w.end[1]; v++) {
                double *dx = &r->dx[0][w.plane + (uint64_t)((h * x->dim[2] + v) * x->dim[3])];
                const int64_t place = (h - w.begin[0]) * a->size[1] + v - w.begin[1];
                if (a->average) *dx += r->dy[0][e] / pixels_of(&w);
                else if (r->y[1][e] == (double)place) *dx += r->dy[0][e];
            }
    }
}

const gs_op gs__op_pool2d = {
    .name = "pool2d",
    .inputs = 1,
    .outputs = 2,
    .attr_bytes = sizeof(gs__pool2d_attr),
    .needs_y = 1u << 1,
    .differentiable = 1,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
