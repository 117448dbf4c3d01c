// gather_classifier: gather, a hidden layer and dense_crossentropy at once, which leaves the gradients of the parameters as
// the only other dispatch of a small net's step. Put into graphs by gs__graph_fuse_for, for CPU drivers only.
//   samples (N, I) uint8, I a multiple of 16, targets (N) int32, kernel (I, H), bias (H), head's kernel (H, K), bias (K)
//   -> hidden (B, H) = epilogue(rows kernel + bias), rows (B, I) float32, target rows (B) and what dense_crossentropy makes of hidden:
//      dlogits (B, K), loss (B), accuracy (B), dhidden (B, H) with the epilogue backwards
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

#include <string.h>

enum { SAMPLES, TARGETS, KERNEL, BIAS, HEAD_KERNEL, HEAD_BIAS };
enum { HIDDEN, ROWS, TARGET_ROWS, DLOGITS, LOSS, ACCURACY, DHIDDEN };
enum { MAX_TILE_ROWS = 16 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)y;
    const gs_shape *samples = &x[SAMPLES]->shape, *kernel = &x[KERNEL]->shape, *head = &x[HEAD_KERNEL]->shape;
    if (x[SAMPLES]->dtype != GS_U8 || samples->rank != 2 || kernel->rank != 2 || samples->dim[1] != kernel->dim[0] ||
        samples->dim[1] % 16 || kernel->dim[1] % 4 || head->rank != 2 || head->dim[0] != kernel->dim[1])
        return gs__fail(error, GS_ERR_INTERNAL, "op %s: samples or kernels of another kind", node->op->name);
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__gather_classifier_attr *attr = gs__node_attr(node, gs__gather_classifier_attr);
    const gs_shape *kernel = &gs__recorder_value(recorder, node->x[KERNEL])->shape;
    struct gs_push_gather_classifier_shuffle push = {
        .m = attr->gather.batch,
        .n = (uint32_t)kernel->dim[1],
        .k = (uint32_t)kernel->dim[0],
        .scale = attr->gather.scale,
    };
    uint32_t rows = MAX_TILE_ROWS;
    while (rows > push.m) rows /= 2;
    GS__EPILOGUE_PUSH(push, &attr->epilogue);
    gs__dispatch d = gs__dispatch_init(&gs__shader_gather_classifier_shuffle, GS_SPEC_GATHER_CLASSIFIER_SHUFFLE_COUNT,
                                       &push, sizeof push);
    d.spec[GS_SPEC_GATHER_CLASSIFIER_SHUFFLE_ROWS] = rows;
    d.spec[GS_SPEC_GATHER_CLASSIFIER_SHUFFLE_BIAS] = node->x[BIAS] != 0;
    d.spec[GS_SPEC_GATHER_CLASSIFIER_SHUFFLE_CLASSES] =
        (uint32_t)gs__recorder_value(recorder, node->x[HEAD_KERNEL])->shape.dim[1];
    d.spec[GS_SPEC_GATHER_CLASSIFIER_SHUFFLE_BIAS_OF_HEAD] = node->x[HEAD_BIAS] != 0;
    d.spec[GS_SPEC_GATHER_CLASSIFIER_SHUFFLE_WANT_ACCURACY] = node->y[ACCURACY] != 0;
    d.spec[GS_SPEC_GATHER_CLASSIFIER_SHUFFLE_WANT_GRADIENT] = node->y[DLOGITS] != 0;
    gs__epilogue_spec(&attr->epilogue, false, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, node->x[SAMPLES], &push.samples);
    gs__bind(recorder, &d, 0, GS__READ, node->x[TARGETS], &push.targets);
    gs__bind(recorder, &d, 1, GS__READ, node->x[KERNEL], &push.kernel);
    gs__bind(recorder, &d, 1, GS__READ, node->x[BIAS], &push.bias);
    gs__bind(recorder, &d, 1, GS__READ, node->x[HEAD_KERNEL], &push.head_kernel);
    gs__bind(recorder, &d, 1, GS__READ, node->x[HEAD_BIAS], &push.head_bias);
    gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, node->y[HIDDEN], &push.hidden);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[ROWS], &push.rows);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[TARGET_ROWS], &push.target_rows);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[DLOGITS], &push.dlogits);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[DHIDDEN], &push.dhidden);
    gs__bind(recorder, &d, 3, GS__WRITE, node->y[LOSS], &push.loss);
    gs__bind(recorder, &d, 3, GS__WRITE, node->y[ACCURACY], &push.accuracy);
    gs__bind_state(recorder, &d, 3, GS__WRITE);
    return gs__dispatch_record(recorder, &d, (push.m + rows - 1) / rows, 1, 1);
}

// By the references of the ops that it stands for.
static void ref_forward(const gs__reference *r) {
    const gs__gather_classifier_attr *attr = gs__node_attr(r->node, gs__gather_classifier_attr);
    gs__node product = {.op = gs__op_find("gather_matmul")}, head = {.op = gs__op_find("dense_crossentropy")};
    uint64_t count = 0;
    memcpy(product.attr.bytes, &attr->gather, sizeof attr->gather);
    product.op->ref_forward(&(gs__reference){
        .node = &product,
        .x = {r->x[SAMPLES], r->x[TARGETS], r->x[KERNEL], r->x[BIAS]},
        .x_shape = {r->x_shape[SAMPLES], r->x_shape[TARGETS], r->x_shape[KERNEL], r->x_shape[BIAS]},
        .x_dtype = {r->x_dtype[SAMPLES], r->x_dtype[TARGETS]},
        .y = {r->y[HIDDEN], r->y[ROWS], r->y[TARGET_ROWS]},
        .y_shape = {r->y_shape[HIDDEN], r->y_shape[ROWS], r->y_shape[TARGET_ROWS]},
        .state = r->state,
    });
    gs__shape_count(&r->y_shape[HIDDEN], &count);
    gs__epilogue_forward(&attr->epilogue, r->state, r->y[HIDDEN], count);
    head.op->ref_forward(&(gs__reference){
        .node = &head,
        .x = {r->y[HIDDEN], r->x[HEAD_KERNEL], r->x[HEAD_BIAS], r->y[TARGET_ROWS]},
        .x_shape = {r->y_shape[HIDDEN], r->x_shape[HEAD_KERNEL], r->x_shape[HEAD_BIAS], r->y_shape[TARGET_ROWS]},
        .y = {r->y[LOSS], r->y[ACCURACY], r->y[DLOGITS]},
        .dx = {r->y[DHIDDEN]},
        .state = r->state,
    });
    if (r->y[DHIDDEN]) gs__epilogue_backward(&attr->epilogue, r->state, r->y[HIDDEN], r->y[DHIDDEN], count);
}

const gs_op gs__op_gather_classifier = {
    .name = "gather_classifier",
    .inputs = 6,
    .outputs = 7,
    .optional = 1u << BIAS | 1u << HEAD_BIAS,
    .attr_bytes = sizeof(gs__gather_classifier_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
