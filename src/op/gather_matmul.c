// gather_matmul: gather, and the product that takes its rows, at once: a dispatch less, and the rows need not be loaded.
// Put into graphs by gs__graph_fuse_for, for CPU drivers only.
//   samples (N, I) uint8, I a multiple of 16 [, targets (N, ...) int32 or float32], kernel (I, O) [, bias (O)]
//   -> y (B, O) = rows kernel + bias, rows (B, I) float32 [, target rows (B, ...)]; rows: src/op/gather.c
#include "op/attr.h"
#include "plan/record.h"
#include "plan/shuffle.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

enum { SAMPLES, TARGETS, KERNEL, BIAS };
enum { PRODUCT, ROWS, TARGET_ROWS };
enum { COLUMNS = 32, MAX_TILE_ROWS = 16 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)y;
    const gs_shape *samples = &x[SAMPLES]->shape, *kernel = &x[KERNEL]->shape;
    if (x[SAMPLES]->dtype != GS_U8 || samples->rank != 2 || kernel->rank != 2 || samples->dim[1] != kernel->dim[0] ||
        samples->dim[1] % 16)
        return gs__fail(error, GS_ERR_INTERNAL, "op %s: samples or kernel of another kind", node->op->name);
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__gather_attr *attr = gs__node_attr(node, gs__gather_attr);
    const gs_shape *kernel = &gs__recorder_value(recorder, node->x[KERNEL])->shape;
    struct gs_push_gather_matmul_shuffle push = {
        .m = attr->batch,
        .n = (uint32_t)kernel->dim[1],
        .k = (uint32_t)kernel->dim[0],
        .target_count = gs__value_count(recorder, node->y[TARGET_ROWS]) / attr->batch,
        .scale = attr->scale,
    };
    uint32_t rows = MAX_TILE_ROWS;
    while (rows > push.m) rows /= 2;
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__dispatch d =
        gs__dispatch_init(&gs__shader_gather_matmul_shuffle, GS_SPEC_GATHER_MATMUL_SHUFFLE_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_GATHER_MATMUL_SHUFFLE_ROWS] = rows;
    d.spec[GS_SPEC_GATHER_MATMUL_SHUFFLE_BIAS] = node->x[BIAS] != 0;
    d.spec[GS_SPEC_GATHER_MATMUL_SHUFFLE_ALIGNED] = push.n % 4 == 0;
    gs__epilogue_spec(&node->epilogue, false, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, node->x[SAMPLES], &push.samples);
    gs__bind(recorder, &d, 0, GS__READ, node->x[TARGETS], &push.targets);
    gs__bind(recorder, &d, 1, GS__READ, node->x[KERNEL], &push.kernel);
    gs__bind(recorder, &d, 1, GS__READ, node->x[BIAS], &push.bias);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[PRODUCT], &push.product);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[ROWS], &push.rows);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[TARGET_ROWS], &push.target_rows);
    gs__bind_state(recorder, &d, 3, GS__WRITE);
    const uint64_t tiles = (uint64_t)((push.m + rows - 1) / rows) * ((push.n + COLUMNS - 1) / COLUMNS);
    return gs__dispatch_record_1d(recorder, &d, tiles, 1);
}

// Gather by its own reference, then the product.
static void ref_forward(const gs__reference *r) {
    gs__reference gather = {.node = r->node, .state = r->state};
    for (uint32_t i = 0; i < 2; i++) {
        gather.x[i] = r->x[i];
        gather.x_shape[i] = r->x_shape[i];
        gather.x_dtype[i] = r->x_dtype[i];
        gather.y[i] = r->y[ROWS + i];
        gather.y_shape[i] = r->y_shape[ROWS + i];
    }
    gs__op_find("gather")->ref_forward(&gather);
    const uint64_t k = (uint64_t)r->x_shape[KERNEL].dim[0], n = (uint64_t)r->x_shape[KERNEL].dim[1];
    for (uint64_t row = 0; row < (uint64_t)r->y_shape[PRODUCT].dim[0]; row++)
        for (uint64_t o = 0; o < n; o++) {
            double sum = r->x[BIAS] ? r->x[BIAS][o] : 0;
            for (uint64_t i = 0; i < k; i++) sum += r->y[ROWS][row * k + i] * r->x[KERNEL][i * n + o];
            r->y[PRODUCT][row * n + o] = sum;
        }
}

const gs_op gs__op_gather_matmul = {
    .name = "gather_matmul",
    .inputs = 4,
    .outputs = 3,
    .optional = 1u << TARGETS | 1u << BIAS,
    .attr_bytes = sizeof(gs__gather_attr),
    .takes_epilogue = true,
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
