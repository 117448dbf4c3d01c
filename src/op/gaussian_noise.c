// gaussian_noise: y = x + stddev * n, n normal with mean 0 and variance 1.
//   x (any shape) -> y (same shape).   dx = dy.   Saves: nothing.
// n is a function of the State's seed and step, the layer's key and the element, as dropout's mask is.
#include "base/rng.h"
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include "state.h"

#include <math.h>
#include <string.h>

enum { PER_GROUP = 4 * 64 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__gaussian_noise_attr *a = gs__node_attr(node, gs__gaussian_noise_attr);
    if (!(a->stddev >= 0) || !isfinite(a->stddev))
        return gs__fail(error, GS_ERR_ARGUMENT, "gaussian_noise: stddev is %g but must be a number >= 0",
                        (double)a->stddev);
    if (x[0]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT, "gaussian_noise: input is %s but must be float32",
                        gs__dtype_name(x[0]->dtype));
    y[0].shape = x[0]->shape;
    y[0].dtype = GS_F32;
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__gaussian_noise_attr *a = gs__node_attr(node, gs__gaussian_noise_attr);
    struct gs_push_gaussian_noise push = {
        .count = gs__value_count(recorder, node->y[0]), .stddev = a->stddev, .key = a->key};
    gs__dispatch d = gs__dispatch_init(&gs__shader_gaussian_noise, GS_SPEC_GAUSSIAN_NOISE_COUNT, &push, sizeof push);
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__WRITE, node->y[0], &push.out_);
    return gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
}

// A copy, where the graph does not see to it: pointwise with nothing to do.
static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    struct gs_push_pointwise push = {.count = gs__value_count(recorder, node->dx[0])};
    gs__dispatch d = gs__dispatch_init(&gs__shader_pointwise, GS_SPEC_POINTWISE_COUNT, &push, sizeof push);
    gs__bind(recorder, &d, 0, GS__READ, node->dy[0], &push.v);
    gs__bind(recorder, &d, 3, GS__WRITE, node->dx[0], &push.out_);
    return gs__dispatch_record_1d(recorder, &d, push.count, PER_GROUP);
}

static void ref_forward(const gs__reference *r) {
    const gs__gaussian_noise_attr *a = gs__node_attr(r->node, gs__gaussian_noise_attr);
    const struct gs_state *s = r->state;
    const uint32_t key[2] = {s->set.seed_lo, s->set.seed_hi};
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t counter[4] = {(uint32_t)(i / 4), s->cur.step_lo, s->cur.step_hi, a->key};
        uint32_t word[4];
        gs__philox(counter, key, word);
        const uint32_t *pair = word + (i & 2);
        const double u = ((double)(pair[0] >> 8) + 0.5) / 16777216.0, pi = 3.14159265358979323846;
        const double angle = (double)(pair[1] >> 8) / 16777216.0 * 2 * pi;
        r->y[0][i] = r->x[0][i] + (double)a->stddev * sqrt(-2 * log(u)) * (i & 1 ? sin(angle) : cos(angle));
    }
}

static void ref_backward(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    memcpy(r->dx[0], r->dy[0], count * sizeof(double));
}

const gs_op gs__op_gaussian_noise = {
    .name = "gaussian_noise",
    .inputs = 1,
    .outputs = 1,
    .attr_bytes = sizeof(gs__gaussian_noise_attr),
    .differentiable = 1,
    .passes_gradient = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
