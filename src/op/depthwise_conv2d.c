// depthwise_conv2d: each channel of an image convolved with M kernels of its own.
//   x (B, H, W, C), kernel (KH, KW, C, M), bias (C M), may be absent -> y (B, P, Q, C M); channel c M + m of y is that of
//   channel c of x with kernel m. P and Q as conv2d has them.   dx, dkernel, dbias: as conv2d's.   Saves: x, kernel.
// It is conv2d with C groups, whose kernels want many channels to a group; here a product has one.
#include "op/attr.h"
#include "plan/graph.h"
#include "plan/quads.h"
#include "shaders.h"
#include "tensor/shape.h"

// Size of y along one axis; 0: the kernel is larger than the image.
static int64_t map_size(int64_t size, int64_t kernel, const gs__conv2d_attr *a, int axis) {
    const int64_t reach = (kernel - 1) * a->dilation[axis] + 1, padded = size + a->pad[axis] + a->pad_end[axis];
    return padded < reach ? 0 : (padded - reach) / a->stride[axis] + 1;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    static const char *const names[] = {"input", "kernel", "bias"};
    const gs__conv2d_attr *a = gs__node_attr(node, gs__conv2d_attr);
    const gs_shape *in = &x[0]->shape, *kernel = &x[1]->shape;
    char text[96], kernel_text[96];
    gs__shape_text(in, false, text, sizeof text);
    gs__shape_text(kernel, false, kernel_text, sizeof kernel_text);
    for (int i = 0; i < 3; i++)
        if (x[i] && x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "%s is %s but must be float32", names[i],
                            gs__dtype_name(x[i]->dtype));
    if (in->rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT, "input has shape %s but must be (batch, rows, columns, channels)",
                        text);
    if (kernel->rank != 4)
        return gs__fail(error, GS_ERR_ARGUMENT, "kernel has shape %s but must be (rows, columns, channels, multiplier)",
                        kernel_text);
    if (!a->stride[0] || !a->stride[1] || !a->dilation[0] || !a->dilation[1])
        return gs__fail(error, GS_ERR_ARGUMENT, "strides and dilation must be at least 1");
    if (in->dim[3] != kernel->dim[2])
        return gs__fail(error, GS_ERR_ARGUMENT, "input has %lld channels but the kernel expects %lld",
                        (long long)in->dim[3], (long long)kernel->dim[2]);
    const int64_t filters = kernel->dim[2] * kernel->dim[3];
    y[0].shape = (gs_shape){
        4,
        {in->dim[0], map_size(in->dim[1], kernel->dim[0], a, 0), map_size(in->dim[2], kernel->dim[1], a, 1), filters}};
    y[0].dtype = GS_F32;
    if (!y[0].shape.dim[1] || !y[0].shape.dim[2])
        return gs__fail(error, GS_ERR_ARGUMENT, "kernel %s with its dilation is larger than the input %s", kernel_text,
                        text);
    if (x[2] && (x[2]->shape.rank != 1 || x[2]->shape.dim[0] != filters))
        return gs__fail(error, GS_ERR_ARGUMENT, "bias has shape %s but there are %lld filters",
                        gs__shape_text(&x[2]->shape, false, text, sizeof text), (long long)filters);
    return GS_OK;
}

static uint32_t vector_of(const gs_shape *kernel) {
    return kernel->dim[3] == 1 && kernel->dim[2] % 4 == 0 ? 4 : 1;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, gs__value from, gs__value to, bool backward) {
    const gs__conv2d_attr *a = gs__node_attr(node, gs__conv2d_attr);
    const gs_shape *source = &gs__recorder_value(recorder, from)->shape;
    const gs_shape *result = &gs__recorder_value(recorder, to)->shape;
    const gs_shape *kernel = &gs__recorder_value(recorder, node->x[1])->shape;
    const gs__value bias = backward ? 0 : node->x[2];
    const uint32_t vector = vector_of(kernel);
    struct gs_push_depthwise_conv2d push = {
        .count = gs__value_count(recorder, to) / vector,
        .h = (uint32_t)source->dim[1],
        .w = (uint32_t)source->dim[2],
        .dilation_h = a->dilation[0],
        .dilation_w = a->dilation[1],
        .pad_h = a->pad[0],
        .pad_w = a->pad[1],
    };
    const bool texels = gs__quads_texels(recorder, (gs__value[]){from, node->x[1], bias, node->epilogue_y}, 4);
    gs__dispatch d = gs__dispatch_init(texels ? &gs__shader_depthwise_conv2d_cpu : &gs__shader_depthwise_conv2d,
                                       GS_SPEC_DEPTHWISE_CONV2D_COUNT, &push, sizeof push);
    gs__quads_spec(&d, result, vector);
    d.spec[GS_SPEC_DEPTHWISE_CONV2D_BACKWARD] = backward;
    d.spec[GS_SPEC_DEPTHWISE_CONV2D_MULTIPLIER] = (uint32_t)kernel->dim[3];
    d.spec[GS_SPEC_DEPTHWISE_CONV2D_SIZE_H] = (uint32_t)kernel->dim[0];
    d.spec[GS_SPEC_DEPTHWISE_CONV2D_SIZE_W] = (uint32_t)kernel->dim[1];
    d.spec[GS_SPEC_DEPTHWISE_CONV2D_STRIDE_H] = a->stride[0];
    d.spec[GS_SPEC_DEPTHWISE_CONV2D_STRIDE_W] = a->stride[1];
    d.spec[GS_SPEC_DEPTHWISE_CONV2D_BIAS] = bias != 0;
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, backward, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, from, &push.v);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.kernel);
    gs__bind(recorder, &d, 2, GS__READ, bias ? bias : node->epilogue_y, &push.extra);
    gs__bind(recorder, &d, 3, GS__WRITE, to, &push.out_);
    return gs__quads_record(recorder, &d, push.count * vector, vector);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, node->x[0], node->y[0], false);
}

// --- gradients of kernel and bias: sums over dy's pixels in parts, as many as make WANTED invocations, added up by a second
// dispatch. A part has the kernel's elements, and behind them those of the bias, from multiples of 4 on.
enum { WANTED = 1 << 15, LEAST_PIXELS = 64 };

struct parts {
    uint64_t count, pixels, second, stride; // parts, pixels of each; where the bias is in a part; elements of a part
};
static struct parts parts_of(const gs_shape *kernel, uint64_t pixels) {
    const uint64_t filters = (uint64_t)(kernel->dim[2] * kernel->dim[3]);
    const uint64_t elements = (uint64_t)(kernel->dim[0] * kernel->dim[1]) * filters;
    struct parts p = {.count = (WANTED + elements - 1) / elements, .second = (elements + 3) / 4 * 4};
    const uint64_t most = (pixels + LEAST_PIXELS - 1) / LEAST_PIXELS;
    if (p.count > most) p.count = most;
    p.pixels = (pixels + p.count - 1) / p.count;
    p.count = (pixels + p.pixels - 1) / p.pixels;
    p.stride = p.second + (filters + 3) / 4 * 4;
    return p;
}

static gs_status record_kernel(gs__recorder *recorder, const gs__node *node) {
    const gs__conv2d_attr *a = gs__node_attr(node, gs__conv2d_attr);
    const gs_shape *x = &gs__recorder_value(recorder, node->x[0])->shape;
    const gs_shape *dy = &gs__recorder_value(recorder, node->dy[0])->shape;
    const gs_shape *kernel = &gs__recorder_value(recorder, node->x[1])->shape;
    const uint32_t vector = vector_of(kernel), taps = (uint32_t)(kernel->dim[0] * kernel->dim[1]);
    const uint32_t filters = (uint32_t)dy->dim[3], pixels = gs__value_count(recorder, node->dy[0]) / filters;
    const struct parts parts = parts_of(kernel, pixels);
    const gs_shape made = {4, {1, (int64_t)parts.count, taps + 1, filters}};
    struct gs_push_depthwise_kernel push = {
        .count = (uint32_t)(parts.count * (taps + 1) * filters / vector),
        .taps = taps,
        .h = (uint32_t)x->dim[1],
        .w = (uint32_t)x->dim[2],
        .p = (uint32_t)dy->dim[1],
        .q = (uint32_t)dy->dim[2],
        .stride_h = a->stride[0],
        .stride_w = a->stride[1],
        .dilation_h = a->dilation[0],
        .dilation_w = a->dilation[1],
        .pad_h = a->pad[0],
        .pad_w = a->pad[1],
        .pixels = pixels,
        .part_pixels = (uint32_t)parts.pixels,
        .part_stride = (uint32_t)parts.stride,
        .second = (uint32_t)parts.second,
    };
    const bool texels = gs__quads_texels(recorder, (gs__value[]){node->x[0], node->dy[0]}, 2);
    gs__dispatch d = gs__dispatch_init(texels ? &gs__shader_depthwise_kernel_cpu : &gs__shader_depthwise_kernel,
                                       GS_SPEC_DEPTHWISE_KERNEL_COUNT, &push, sizeof push);
    gs__quads_spec(&d, &made, vector);
    d.spec[GS_SPEC_DEPTHWISE_KERNEL_MULTIPLIER] = (uint32_t)kernel->dim[3];
    d.spec[GS_SPEC_DEPTHWISE_KERNEL_SIZE_W] = (uint32_t)kernel->dim[1];
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.v);
    gs__bind(recorder, &d, 1, GS__READ, node->dy[0], &push.dy);
    gs__bind(recorder, &d, 2, GS__WRITE, node->scratch[0], &push.out_);
    gs_status status = gs__quads_record(recorder, &d, push.count * vector, vector);
    if (status != GS_OK) return status;
    struct gs_push_sum_parts sum = {
        .parts = (uint32_t)parts.count,
        .stride = (uint32_t)parts.stride,
        .count = node->dx[1] ? taps * filters : 0,
        .second = (uint32_t)parts.second,
        .second_count = node->dx[2] ? filters : 0,
    };
    gs__dispatch s = gs__dispatch_init(&gs__shader_sum_parts, GS_SPEC_SUM_PARTS_COUNT, &sum, sizeof sum);
    gs__bind(recorder, &s, 0, GS__READ, node->scratch[0], &sum.part);
    gs__bind(recorder, &s, 1, GS__WRITE, node->dx[1], &sum.y);
    gs__bind(recorder, &s, 2, GS__WRITE, node->dx[2], &sum.z);
    return gs__dispatch_record_1d(recorder, &s, sum.second + sum.second_count, 4 * 64);
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    gs_status status = node->dx[0] ? record(recorder, node, node->dy[0], node->dx[0], true) : GS_OK;
    if (status != GS_OK || (!node->dx[1] && !node->dx[2])) return status;
    return record_kernel(recorder, node);
}

static void scratch(const gs__graph *graph, const gs__gpu_caps *caps, const gs__node *node,
                    gs_shape shapes[GS__MAX_SCRATCH]) {
    (void)caps;
    if (node->pass != GS__BACKWARD || (!node->dx[1] && !node->dx[2])) return;
    const gs_shape *dy = &graph->values[node->dy[0]].shape;
    const struct parts p = parts_of(&graph->values[node->x[1]].shape, (uint64_t)(dy->dim[0] * dy->dim[1] * dy->dim[2]));
    shapes[0] = (gs_shape){1, {(int64_t)(p.count * p.stride)}};
}

// --- references -------------------------------------------------------------------------------------------------------
// Calls visit for each product of elements of x, kernel and y.
typedef void visit_product(const gs__reference *r, uint64_t x, uint64_t kernel, uint64_t y);
static void each_product(const gs__reference *r, visit_product *visit) {
    const gs__conv2d_attr *a = gs__node_attr(r->node, gs__conv2d_attr);
    const gs_shape *x = &r->x_shape[0], *k = &r->x_shape[1], *y = &r->y_shape[0];
    uint64_t count = 0;
    gs__shape_count(y, &count);
    for (uint64_t e = 0; e < count; e++) {
        const int64_t filter = (int64_t)e % y->dim[3], pixel = (int64_t)e / y->dim[3], line = pixel / y->dim[2];
        for (int64_t i = 0; i < k->dim[0]; i++)
            for (int64_t j = 0; j < k->dim[1]; j++) {
                const int64_t h = line % y->dim[1] * a->stride[0] + i * a->dilation[0] - a->pad[0];
                const int64_t w = pixel % y->dim[2] * a->stride[1] + j * a->dilation[1] - a->pad[1];
                if (h < 0 || w < 0 || h >= x->dim[1] || w >= x->dim[2]) continue;
                const int64_t from = ((line / y->dim[1] * x->dim[1] + h) * x->dim[2] + w) * x->dim[3];
                visit(r, (uint64_t)(from + filter / k->dim[3]), (uint64_t)((i * k->dim[1] + j) * y->dim[3] + filter),
                      e);
            }
    }
}

static void add_y(const gs__reference *r, uint64_t x, uint64_t kernel, uint64_t y) {
    r->y[0][y] += r->x[0][x] * r->x[1][kernel];
}
static void add_gradients(const gs__reference *r, uint64_t x, uint64_t kernel, uint64_t y) {
    if (r->dx[0]) r->dx[0][x] += r->dy[0][y] * r->x[1][kernel];
    if (r->dx[1]) r->dx[1][kernel] += r->dy[0][y] * r->x[0][x];
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->y_shape[0], &count);
    const uint64_t filters = (uint64_t)r->y_shape[0].dim[3];
    for (uint64_t e = 0; e < count; e++) r->y[0][e] = r->x[2] ? r->x[2][e % filters] : 0;
    each_product(r, add_y);
}

static void ref_backward(const gs__reference *r) {
    const uint64_t filters = (uint64_t)r->y_shape[0].dim[3];
    for (int i = 0; i < 3; i++) {
        uint64_t count = 0;
        gs__shape_count(&r->x_shape[i], &count);
        for (uint64_t e = 0; r->dx[i] && e < count; e++) r->dx[i][e] = 0;
    }
    each_product(r, add_gradients);
    uint64_t count = 0;
    gs__shape_count(&r->y_shape[0], &count);
    for (uint64_t e = 0; r->dx[2] && e < count; e++) r->dx[2][e % filters] += r->dy[0][e];
}

const gs_op gs__op_depthwise_conv2d = {
    .name = "depthwise_conv2d",
    .inputs = 3,
    .outputs = 1,
    .optional = 1u << 2,
    .attr_bytes = sizeof(gs__conv2d_attr),
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
