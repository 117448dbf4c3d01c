// clip: gradients within the State's bound, each by itself, or all scaled by their L2 norm where that is larger.
//   x: gradients (N) [, sums of squares of op square_sum]  ->  y: gradients, in place
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    (void)y;
    if (x[0]->shape.rank == 1 && x[0]->shape.dim[0] % 4 == 0) return GS_OK;
    return gs__fail(error, GS_ERR_INTERNAL, "op clip: expected a flat array of a multiple of 4");
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t count = gs__value_count(recorder, node->x[0]);
    for (uint32_t first = 0; first < count; first += GS__SQUARE_SUM_ELEMENTS) {
        const uint32_t length = count - first < GS__SQUARE_SUM_ELEMENTS ? count - first : GS__SQUARE_SUM_ELEMENTS;
        struct gs_push_clip push = {.count = length / 4, .parts = gs__value_count(recorder, node->x[1])};
        gs__dispatch d = gs__dispatch_init(&gs__shader_clip, GS_SPEC_CLIP_COUNT, &push, sizeof push);
        d.spec[GS_SPEC_CLIP_LOCAL_SIZE_X] = cpu ? 8 : 128;
        d.spec[GS_SPEC_CLIP_QUADS] = 32; // each invocation adds up the sums
        d.spec[GS_SPEC_CLIP_BY_NORM] = node->x[1] != 0;
        gs__bind_part(recorder, &d, 0, GS__READ | GS__WRITE, node->x[0], first, length, &push.a);
        gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.b);
        gs_status status = gs__dispatch_record_1d(recorder, &d, push.count, 32 * (cpu ? 8 : 128));
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static void ref_forward(const gs__reference *r) {
    const double bound = r->state->set.clip;
    double scale = 1, sum = 0;
    for (int64_t i = 0; i < r->x_shape[1].dim[0] && r->x[1]; i++) sum += r->x[1][i];
    if (sqrt(sum) > bound) scale = bound / sqrt(sum);
    for (int64_t i = 0; i < r->x_shape[0].dim[0]; i++)
        r->y[0][i] = r->x[1] ? scale * r->x[0][i] : fmax(fmin(r->x[0][i], bound), -bound);
}

const gs_op gs__op_clip = {
    .name = "clip",
    .inputs = 2,
    .outputs = 1,
    .optional = 1u << 1,
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
