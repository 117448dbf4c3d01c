// conv2d_transpose: y = the adjoint of a convolution, of x, + bias: images made larger by the stride.
//   x (B, P, Q, I), kernel (KH, KW, O, I), bias (O), may be absent -> y (B, H, W, O), of the size that the attributes give
//   The convolution is conv2d from y to x, with the kernel's channels O and filters I: dx is that of dy, dkernel its
//   dkernel with dy for the image and x for the map, dbias = sums of dy.   Saves: x, kernel.
#include "op/attr.h"
#include "plan/convolution.h"
#include "plan/graph.h"
#include "plan/product.h"
#include "tensor/shape.h"

static gs__convolution convolution(const gs__conv2d_transpose_attr *a, const gs_shape *x, const gs_shape *kernel) {
    return (gs__convolution){
        .batch = (uint32_t)x->dim[0],
        .h = a->size[0],
        .w = a->size[1],
        .c = (uint32_t)kernel->dim[2],
        .p = (uint32_t)x->dim[1],
        .q = (uint32_t)x->dim[2],
        .o = (uint32_t)x->dim[3],
        .kh = (uint32_t)kernel->dim[0],
        .kw = (uint32_t)kernel->dim[1],
        .stride = {a->stride[0], a->stride[1]},
        .dilation = {a->dilation[0], a->dilation[1]},
        .pad = {a->pad[0], a->pad[1]},
        .groups = 1,
    };
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    static const char *const names[] = {"input", "kernel", "bias"};
    const gs__conv2d_transpose_attr *a = gs__node_attr(node, gs__conv2d_transpose_attr);
    const gs_shape *in = &x[0]->shape, *kernel = &x[1]->shape;
    char text[96];
    for (int i = 0; i < 3; i++)
        if (x[i] && x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "%s is %s but must be float32", names[i],
                            gs__dtype_name(x[i]->dtype));
    if (in->rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT, "input has shape %s but must be (batch, rows, columns, channels)",
                        gs__shape_text(in, false, text, sizeof text));
    if (kernel->rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT, "kernel has shape %s but must be (rows, columns, filters, channels)",
                        gs__shape_text(kernel, false, text, sizeof text));
    for (int i = 0; i < 2; i++)
        if (!a->stride[i] || !a->dilation[i] || !a->size[i] || a->size[i] > INT32_MAX)
            return gs__fail(error, GS_ERR_ARGUMENT, "strides, dilation and size must be at least 1");
    if (in->dim[3] != kernel->dim[3])
        return gs__fail(error, GS_ERR_ARGUMENT, "input has %lld channels but the kernel expects %lld",
                        (long long)in->dim[3], (long long)kernel->dim[3]);
    if (x[2] && (x[2]->shape.rank != 1 || x[2]->shape.dim[0] != kernel->dim[2]))
        return gs__fail(error, GS_ERR_ARGUMENT, "bias has shape %s but the kernel has %lld filters",
                        gs__shape_text(&x[2]->shape, false, text, sizeof text), (long long)kernel->dim[2]);
    y[0].shape = (gs_shape){4, {in->dim[0], a->size[0], a->size[1], kernel->dim[2]}};
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs__convolution recorded(const gs__recorder *recorder, const gs__node *node) {
    return convolution(gs__node_attr(node, gs__conv2d_transpose_attr), &gs__recorder_value(recorder, node->x[0])->shape,
                       &gs__recorder_value(recorder, node->x[1])->shape);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__convolution v = recorded(recorder, node);
    return gs__convolution_record_adjoint(recorder, &v, node->x[0], node->x[1], node->y[0],
                                          &(gs__convolution_end){.bias = node->x[2], .epilogue = node->epilogue});
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    gs_status status = GS_OK;
    const gs__convolution v = recorded(recorder, node);
    const gs__convolution_end end = {.epilogue = node->epilogue, .backward = true, .epilogue_y = node->epilogue_y};
    if (node->dx[0]) GS_TRY(gs__convolution_record(recorder, &v, node->dy[0], node->x[1], node->dx[0], &end));
    if (node->dx[1])
        GS_TRY(gs__convolution_record_kernel(recorder, &v, node->dy[0], node->x[0], node->dx[1], 0, node->scratch[0]));
    if (node->dx[2])
        GS_TRY(gs__product_record_gradients(recorder, 0, node->dy[0], v.batch * v.h * v.w, 1, v.c, 0, node->dx[2],
                                            GS_PRECISION_FLOAT32));
fail:
    return status;
}

static void scratch(const gs__graph *graph, const gs__gpu_caps *caps, const gs__node *node,
                    gs_shape shapes[GS__MAX_SCRATCH]) {
    (void)caps;
    if (node->pass != GS__BACKWARD || !node->dx[1]) return;
    const gs__convolution v = convolution(gs__node_attr(node, gs__conv2d_transpose_attr),
                                          &graph->values[node->x[0]].shape, &graph->values[node->x[1]].shape);
    const uint64_t count = gs__convolution_scratch(&v);
    if (count) shapes[0] = (gs_shape){1, {(int64_t)count}};
}

static void ref_forward(const gs__reference *r) {
    const gs__convolution v =
        convolution(gs__node_attr(r->node, gs__conv2d_transpose_attr), &r->x_shape[0], &r->x_shape[1]);
    gs__convolution_ref_adjoint(&v, r->x[0], r->x[1], r->x[2], r->y[0]);
}

static void ref_backward(const gs__reference *r) {
    const gs__convolution v =
        convolution(gs__node_attr(r->node, gs__conv2d_transpose_attr), &r->x_shape[0], &r->x_shape[1]);
    if (r->dx[0]) gs__convolution_ref(&v, r->dy[0], r->x[1], NULL, r->dx[0]);
    gs__convolution_ref_kernel(&v, r->dy[0], r->x[0], r->dx[1], NULL);
    if (!r->dx[2]) return;
    for (uint64_t o = 0; o < v.c; o++) r->dx[2][o] = 0;
    for (uint64_t i = 0; i < (uint64_t)v.batch * v.h * v.w * v.c; i++) r->dx[2][i % v.c] += r->dy[0][i];
}

const gs_op gs__op_conv2d_transpose = {
    .name = "conv2d_transpose",
    .inputs = 3,
    .outputs = 1,
    .optional = 1u << 2,
    .attr_bytes = sizeof(gs__conv2d_transpose_attr),
    .needs_x = 3,
    .differentiable = 7,
    .takes_epilogue = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .scratch = scratch,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
