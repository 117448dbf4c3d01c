// add: y = a + b, elementwise, and the layer Add. The backward pass sums the gradients of a value with several readers by it.
//   a, b (any shape, the same) -> y (same shape).   da = db = dy.   Saves: nothing.
#include "plan/record.h"
#include "shaders.h"
#include <string.h>

enum { PER_GROUP = 4 * 64 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    char a[128], b[128];
    if (!gs__shape_equal(&x[0]->shape, &x[1]->shape))
        return gs__fail(error, GS_ERR_ARGUMENT, "add: inputs have shapes %s and %s but must have the same",
                        gs__shape_text(&x[0]->shape, true, a, sizeof a),
                        gs__shape_text(&x[1]->shape, true, b, sizeof b));
    for (int i = 0; i < 2; i++)
        if (x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "add: input %d is %s but must be float32", i,
                            gs__dtype_name(x[i]->dtype));
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    struct gs_push_add push = {.count = gs__value_count(recorder, node->y[0])};
    gs__dispatch d = gs__dispatch_init(&gs__shader_add, GS_SPEC_ADD_COUNT, &push, sizeof push);
    GS__EPILOGUE_PUSH(push, &node->epilogue);
    gs__epilogue_spec(&node->epilogue, false, d.spec + GS__EPILOGUE_SPEC);
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.a);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.b);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.y);
    return gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
}

// A copy for each input, where the graph does not see to it: pointwise with nothing to do.
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    for (int i = 0; i < 2; i++) {
        if (!node->dx[i]) continue;
        struct gs_push_pointwise push = {.count = gs__value_count(recorder, node->dx[i])};
        gs__dispatch d = gs__dispatch_init(&gs__shader_pointwise, GS_SPEC_POINTWISE_COUNT, &push, sizeof push);
        if (i == 0) {
            GS__EPILOGUE_PUSH(push, &node->epilogue);
            gs__epilogue_spec(&node->epilogue, true, d.spec + GS__EPILOGUE_SPEC);
            gs__bind(recorder, &d, 2, GS__READ, node->epilogue_y, &push.y);
        }
        gs__bind(recorder, &d, 0, GS__READ, node->dy[0], &push.v);
        gs__bind(recorder, &d, 3, GS__WRITE, node->dx[i], &push.out_);
        gs_status status = gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static void ref_forward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < count; i++) r->y[0][i] = r->x[0][i] + r->x[1][i];
}

static void ref_backward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (int i = 0; i < 2; i++)
        if (r->dx[i]) memcpy(r->dx[i], r->dy[0], count * sizeof(double));
}

const gs_op gs__op_add = {
    .name = "add",
    .inputs = 2,
    .outputs = 1,
    .differentiable = 3,
    .takes_epilogue = true,
    .passes_gradient = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
