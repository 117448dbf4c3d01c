// embedding: y = rows of a table, chosen by tokens.
//   tokens (B, ...), table (V, D) -> y (B, ..., D).   dtable[v] = sum of dy where the token is v.   Saves: tokens.
// Tokens are floats, as samples are; a fraction is cut off. One outside of 0 .. V - 1 gives NaN, which ends the training.
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    char text[128];
    const gs_shape *tokens = &x[0]->shape, *table = &x[1]->shape;
    if (x[0]->dtype != GS_F32 || x[1]->dtype != GS_F32 || table->rank != 2 || tokens->rank + 1 > GS_MAX_RANK)
        return gs__fail(
            error, GS_ERR_ARGUMENT,
            "embedding: tokens of shape %s and a table of rank %u, but both must be float32, a table of rank 2",
            gs__shape_text(tokens, true, text, sizeof text), table->rank);
    if (table->dim[0] > 1 << 24)
        return gs__fail(error, GS_ERR_UNSUPPORTED,
                        "embedding: a table of %lld rows, but tokens are floats, which are exact up to 2^24",
                        (long long)table->dim[0]);
    y[0].shape = *tokens;
    y[0].shape.dim[y[0].shape.rank++] = table->dim[1];
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status record(gs__recorder *recorder, const gs__node *node, bool backward) {
    const gs__value table = backward ? node->dx[1] : node->x[1];
    const gs_shape *t = &gs__recorder_value(recorder, table)->shape;
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t local = cpu ? 8 : 64;
    struct gs_push_embedding push = {
        .count = gs__value_count(recorder, node->x[0]),
        .rows = (uint32_t)t->dim[0],
        .width = (uint32_t)t->dim[1],
    };
    gs__dispatch d = gs__dispatch_init(&gs__shader_embedding, GS_SPEC_EMBEDDING_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_EMBEDDING_LOCAL_SIZE_X] = local;
    d.spec[GS_SPEC_EMBEDDING_BACKWARD] = backward;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.tokens);
    gs__bind(recorder, &d, 1, GS__READ, backward ? node->dy[0] : node->x[1], &push.in_);
    gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, backward ? node->dx[1] : node->y[0], &push.out_);
    if (!backward) return gs__dispatch_record_1d(recorder, &d, (uint64_t)push.count * ((push.width + 3) / 4), local);
    // Each range goes through all tokens: few ranges on a CPU, enough to fill a GPU.
    const uint32_t wanted = cpu ? 64 : 65536, ranges = wanted / push.width > 1 ? wanted / push.width : 1;
    push.range = (push.rows + ranges - 1) / ranges;
    const uint64_t used = (push.rows + push.range - 1) / push.range;
    return gs__dispatch_record_1d(recorder, &d, used * push.width, local);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, false);
}
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    return record(recorder, node, true);
}

static void ref_forward(const gs__reference *r) {
    const uint64_t rows = (uint64_t)r->x_shape[1].dim[0], width = (uint64_t)r->x_shape[1].dim[1];
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < count; i++) {
        const double token = r->x[0][i];
        const bool known = token >= 0 && token < (double)rows;
        for (uint64_t k = 0; k < width; k++)
            r->y[0][i * width + k] = known ? r->x[1][(uint64_t)token * width + k] : (double)NAN;
    }
}

static void ref_backward(const gs__reference *r) {
    const uint64_t rows = (uint64_t)r->x_shape[1].dim[0], width = (uint64_t)r->x_shape[1].dim[1];
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < rows * width; i++) r->dx[1][i] = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double token = r->x[0][i];
        if (!(token >= 0 && token < (double)rows)) continue;
        for (uint64_t k = 0; k < width; k++) r->dx[1][(uint64_t)token * width + k] += r->dy[0][i * width + k];
    }
}

const gs_op gs__op_embedding = {
    .name = "embedding",
    .inputs = 2,
    .outputs = 1,
    .needs_x = 1,
    .differentiable = 2,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
