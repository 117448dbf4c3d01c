// matmul_gradients: the gradients of several layers' kernels and biases at once, which is one dispatch on CPU drivers.
// Put into graphs by gs__graph_group_gradients in the place of matmul's backward nodes.
//   x_i (..., I_i), dy_i (..., O_i), M rows each -> dkernel_i = x_i^T dy_i (I_i, O_i), dbias_i = column sums of dy_i (O_i)
#include "op/attr.h"
#include "plan/gradients.h"
#include "plan/product.h"
#include "shaders.h"
#include "tensor/shape.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__matmul_gradients_attr *a = gs__node_attr(node, gs__matmul_gradients_attr);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < GS__GRADIENTS_MAX; i++) {
        y[2 * i].absent = y[2 * i + 1].absent = true;
        if (i >= a->count) continue;
        const gs__value_info *in = x[2 * i], *dy = x[2 * i + 1];
        uint64_t in_count = 0, dy_count = 0;
        if (!in || !dy || !in->shape.rank || !dy->shape.rank)
            return gs__fail(error, GS_ERR_ARGUMENT, "matmul_gradients: pair %u is missing", i);
        gs__shape_count(&in->shape, &in_count);
        gs__shape_count(&dy->shape, &dy_count);
        const int64_t features = in->shape.dim[in->shape.rank - 1], outputs = dy->shape.dim[dy->shape.rank - 1];
        if (i == 0) rows = in_count / (uint64_t)features;
        if (in_count != rows * (uint64_t)features || dy_count != rows * (uint64_t)outputs)
            return gs__fail(error, GS_ERR_ARGUMENT, "matmul_gradients: pair %u has not the rows of the first", i);
        y[2 * i].shape = (gs_shape){2, {features, outputs}};
        y[2 * i + 1].shape = (gs_shape){1, {outputs}};
        y[2 * i].absent = false;
        y[2 * i + 1].absent = a->no_bias >> i & 1u;
    }
    return a->count ? GS_OK : gs__fail(error, GS_ERR_ARGUMENT, "matmul_gradients: no pairs");
}

// --- CPU drivers: one dispatch --------------------------------------------------------------------------------------
struct push {
    uint32_t k;
    gs__gradient_product product[GS__GRADIENTS_MAX];
};
_Static_assert(sizeof(struct push) == sizeof(struct gs_push_matmul_gradients_cpu) &&
                   sizeof(struct push) == sizeof(struct gs_push_matmul_gradients_shuffle) &&
                   (int)GS_SPEC_MATMUL_GRADIENTS_CPU_ROWS == (int)GS__GRADIENT_SPEC_ROWS &&
                   (int)GS_SPEC_MATMUL_GRADIENTS_CPU_TAIL == (int)GS__GRADIENT_SPEC_TAIL &&
                   (int)GS_SPEC_MATMUL_GRADIENTS_CPU_ALIGNED == (int)GS__GRADIENT_SPEC_ALIGNED &&
                   (int)GS_SPEC_MATMUL_GRADIENTS_CPU_ANY_ROWS == (int)GS__GRADIENT_SPEC_ANY_ROWS,
               "the shader's interface");

static gs_status record_cpu(gs__recorder *recorder, const gs__node *node, uint32_t count) {
    const bool shuffle = gs__recorder_shuffles(recorder);
    struct push push = {0};
    gs__dispatch d =
        gs__dispatch_init(shuffle ? &gs__shader_matmul_gradients_shuffle : &gs__shader_matmul_gradients_cpu,
                          GS_SPEC_MATMUL_GRADIENTS_CPU_COUNT, &push, sizeof push);
    for (uint32_t i = 0; i < count; i++) {
        gs__gradient_product *p = &push.product[i];
        push.k = gs__gradient_size(recorder, node->x[2 * i], node->x[2 * i + 1], p);
        gs__bind(recorder, &d, 0, GS__READ, node->x[2 * i], &p->a);
        gs__bind(recorder, &d, 1, GS__READ, node->x[2 * i + 1], &p->b);
        gs__bind(recorder, &d, 2, GS__WRITE, node->y[2 * i], &p->c);
        gs__bind(recorder, &d, 2, GS__WRITE, node->y[2 * i + 1], &p->sums);
        if (!node->y[2 * i + 1]) p->sums = GS__NO_SUMS;
    }
    return gs__dispatch_record_1d(recorder, &d, gs__gradient_tiles(&d, push.product, count, GS__GRADIENTS_MAX, push.k),
                                  1);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const uint32_t count = gs__node_attr(node, gs__matmul_gradients_attr)->count;
    bool texels = true;
    for (uint32_t i = 0; i < 2 * count; i++)
        texels = texels && gs__gradients_use_texels(recorder, gs__recorder_value(recorder, node->x[i])->storage);
    if (texels) return record_cpu(recorder, node, count);
    // GPUs run dispatches without barriers between them side by side.
    for (uint32_t i = 0; i < count; i++) {
        gs__gradient_product p;
        const uint32_t k = gs__gradient_size(recorder, node->x[2 * i], node->x[2 * i + 1], &p);
        gs_status status = gs__product_record_gradients(recorder, node->x[2 * i], node->x[2 * i + 1], k, p.m, p.n,
                                                        node->y[2 * i], node->y[2 * i + 1]);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static void ref_forward(const gs__reference *r) {
    for (uint32_t p = 0; p < gs__node_attr(r->node, gs__matmul_gradients_attr)->count; p++) {
        const uint64_t m = (uint64_t)r->y_shape[2 * p].dim[0], n = (uint64_t)r->y_shape[2 * p].dim[1];
        uint64_t count = 0;
        gs__shape_count(&r->x_shape[2 * p], &count);
        for (uint64_t i = 0; i < m; i++)
            for (uint64_t o = 0; o < n; o++) {
                double sum = 0;
                for (uint64_t row = 0; row < count / m; row++)
                    sum += r->x[2 * p][row * m + i] * r->x[2 * p + 1][row * n + o];
                r->y[2 * p][i * n + o] = sum;
            }
        for (uint64_t o = 0; r->y[2 * p + 1] && o < n; o++) {
            double sum = 0;
            for (uint64_t row = 0; row < count / m; row++) sum += r->x[2 * p + 1][row * n + o];
            r->y[2 * p + 1][o] = sum;
        }
    }
}

const gs_op gs__op_matmul_gradients = {
    .name = "matmul_gradients",
    .inputs = 2 * GS__GRADIENTS_MAX,
    .outputs = 2 * GS__GRADIENTS_MAX,
    .optional = 0xFC, // all pairs but the first
    .attr_bytes = sizeof(gs__matmul_gradients_attr),
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
