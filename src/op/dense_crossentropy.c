// dense_crossentropy: a classifier's last product, its loss and their gradients for the layers before, at once. Put
// into graphs by gs__graph_fuse_heads in the place of matmul and sparse_crossentropy.
//   x (B, I), kernel (I, K), bias (K), may be absent, targets (B) int32; K <= 32
//   logits = x kernel + bias
//   -> loss (B), accuracy (B), storage ROWS, as sparse_crossentropy from logits makes them
//      dlogits (B, K) = (softmax(logits) - onehot(target)) / rows of the step
// In mixed precision the factors of both products are rounded; dlogits as it is stored is not.
//   dx (B, I) = dlogits kernel^T, then node->epilogue backwards. The gradients of kernel and bias are left to matmul.
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"
#include <math.h>

enum { X, KERNEL, BIAS, TARGETS };
enum { LOSS, ACCURACY, DLOGITS };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__dense_crossentropy_attr *a = gs__node_attr(node, gs__dense_crossentropy_attr);
    const gs_shape *in = &x[X]->shape, *kernel = &x[KERNEL]->shape, *targets = &x[TARGETS]->shape;
    if (in->rank != 2 || kernel->rank != 2 || in->dim[1] != kernel->dim[0] || kernel->dim[1] > GS__HEAD_MAX_CLASSES)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "dense_crossentropy takes (batch, features) and a kernel (features, K), "
                        "K at most %d",
                        GS__HEAD_MAX_CLASSES);
    if (x[BIAS] && (x[BIAS]->shape.rank != 1 || x[BIAS]->shape.dim[0] != kernel->dim[1]))
        return gs__fail(error, GS_ERR_ARGUMENT, "dense_crossentropy: the bias does not fit the kernel");
    uint64_t count = 0;
    gs__shape_count(targets, &count);
    if (x[TARGETS]->dtype != GS_I32 || count != (uint64_t)in->dim[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "dense_crossentropy takes one int32 class index for each row");
    for (int i = LOSS; i <= ACCURACY; i++) {
        y[i].shape = (gs_shape){1, {in->dim[0]}};
        y[i].storage = GS__STORAGE_ROWS;
    }
    y[DLOGITS].shape = (gs_shape){2, {in->dim[0], kernel->dim[1]}};
    y[ACCURACY].absent = !a->accuracy;
    y[DLOGITS].absent = !a->gradient;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    const gs_shape *kernel = &gs__recorder_value(recorder, node->x[KERNEL])->shape;
    struct gs_push_dense_crossentropy push = {.row_count = gs__value_rows(recorder, node->x[X]),
                                              .features = (uint32_t)kernel->dim[0]};
    const uint32_t classes = (uint32_t)kernel->dim[1];
    const bool cpu = caps->kernel_class == GS__KERNELS_CPU &&
                     gs__storage_fits_texels(recorder, gs__recorder_value(recorder, node->x[X])->storage) &&
                     gs__storage_fits_texels(recorder, gs__recorder_value(recorder, node->x[KERNEL])->storage);
    const gs__shader *shader = &gs__shader_dense_crossentropy;
    if (cpu)
        shader = gs__recorder_shuffles(recorder, node->precision) ? &gs__shader_dense_crossentropy_shuffle
                                                                  : &gs__shader_dense_crossentropy_cpu;
    gs__dispatch d = gs__dispatch_init(shader, GS_SPEC_DENSE_CROSSENTROPY_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_DENSE_CROSSENTROPY_CLASSES] = classes;
    d.spec[GS_SPEC_DENSE_CROSSENTROPY_WANT_ACCURACY] = node->y[ACCURACY] != 0;
    d.spec[GS_SPEC_DENSE_CROSSENTROPY_WANT_DLOGITS] = node->y[DLOGITS] != 0;
    d.spec[GS_SPEC_DENSE_CROSSENTROPY_WANT_DX] = node->dx[X] != 0;
    d.spec[GS_SPEC_DENSE_CROSSENTROPY_BIAS] = node->x[BIAS] != 0;
    uint32_t columns = 1;
    while (columns < classes) columns *= 2;
    if (cpu) d.spec[GS_SPEC_DENSE_CROSSENTROPY_CPU_TAIL] = push.features % 4;
    else d.spec[GS_SPEC_DENSE_CROSSENTROPY_COLUMNS] = columns;
    d.spec[GS__PRECISION_SPEC] = gs__precision_spec(node->precision, true, false);
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, true, d.spec + GS__EPILOGUE_SPEC);
    // The kernel may write behind this binding, even where it writes nothing.
    gs__bind(recorder, &d, 0, node->y[DLOGITS] ? GS__READ : GS__READ | GS__WRITE, node->x[X], &push.x);
    gs__bind(recorder, &d, 0, GS__READ, node->epilogue_y, &push.epilogue_y);
    gs__bind(recorder, &d, 0, GS__WRITE, node->y[DLOGITS], &push.dlogits);
    gs__bind(recorder, &d, 0, GS__WRITE, node->dx[X], &push.dx);
    gs__bind(recorder, &d, 1, GS__READ, node->x[KERNEL], &push.kernel);
    gs__bind(recorder, &d, 1, GS__READ, node->x[BIAS], &push.bias);
    gs__bind(recorder, &d, 2, GS__READ, node->x[TARGETS], &push.targets);
    gs__bind(recorder, &d, 3, GS__WRITE, node->y[LOSS], &push.loss);
    gs__bind(recorder, &d, 3, GS__WRITE, node->y[ACCURACY], &push.accuracy);
    return gs__dispatch_record_1d(recorder, &d, push.row_count, cpu ? 8 : 4);
}

static void ref_row(const gs__reference *r, uint64_t row, uint64_t features, uint64_t classes) {
    double logits[GS__HEAD_MAX_CLASSES], sum = 0, best = -INFINITY;
    const double target = r->x[TARGETS][row], live = r->state->cur.rows;
    const bool inside = target >= 0 && target < (double)classes, counts = (double)row < live;
    uint64_t index = 0;
    for (uint64_t c = 0; c < classes; c++) {
        logits[c] = r->x[BIAS] ? r->x[BIAS][c] : 0;
        for (uint64_t k = 0; k < features; k++)
            logits[c] += gs__narrow(r->node->precision, r->x[X][row * features + k]) *
                         gs__narrow(r->node->precision, r->x[KERNEL][k * classes + c]);
        if (logits[c] > best) best = logits[c], index = c;
    }
    for (uint64_t c = 0; c < classes; c++) sum += exp(logits[c] - best);
    r->y[LOSS][row] = !counts ? 0 : inside ? best + log(sum) - logits[(uint64_t)target] : NAN;
    if (r->y[ACCURACY]) r->y[ACCURACY][row] = counts && (double)index == target;
    for (uint64_t c = 0; c < classes; c++) {
        const double g = (exp(logits[c] - best) / sum - ((double)c == target)) / live;
        logits[c] = counts && inside ? g : 0;
        if (r->y[DLOGITS]) r->y[DLOGITS][row * classes + c] = logits[c];
    }
    for (uint64_t k = 0; r->dx[X] && k < features; k++) {
        double v = 0;
        for (uint64_t c = 0; c < classes; c++)
            v += gs__narrow_gradient(r->node->precision, r->state, logits[c]) *
                 gs__narrow(r->node->precision, r->x[KERNEL][k * classes + c]);
        r->dx[X][row * features + k] = v;
    }
}

static void ref_forward(const gs__reference *r) {
    for (uint64_t row = 0; row < (uint64_t)r->x_shape[X].dim[0]; row++)
        ref_row(r, row, (uint64_t)r->x_shape[X].dim[1], (uint64_t)r->x_shape[KERNEL].dim[1]);
}

const gs_op gs__op_dense_crossentropy = {
    .name = "dense_crossentropy",
    .inputs = 4,
    .outputs = 3,
    .optional = 1u << BIAS,
    .attr_bytes = sizeof(gs__dense_crossentropy_attr),
    .differentiable = 1u << X,
    .self_gradient = true,
    .epilogue_on_gradient = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
