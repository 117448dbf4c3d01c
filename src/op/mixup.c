// mixup (Zhang et al. 2017): rows and targets mixed with those of another row of the batch,
//   y[r] = s x[r] + (1 - s) x[(r + shift) mod rows],   s of each row from Beta(alpha, alpha), shift of the step.
//   x = { rows (B, ...), targets (B, ...) }, float32 -> y of the same shapes. Without gradient: it stands between the
//   data and the layers. Random numbers: functions of seed, step, key and row (shaders/include/augment.glsl).
#include "base/rng.h"
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"
#include "state.h"
#include <math.h>

enum { TRIES = 16 };

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__mixup_attr *a = gs__node_attr(node, gs__mixup_attr);
    if (!(a->alpha > 0 && a->alpha <= 1))
        return gs__fail(error, GS_ERR_ARGUMENT, "mixup: alpha is %g but must be above 0 and at most 1",
                        (double)a->alpha);
    if (x[1]->dtype != GS_F32)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "mixup needs targets that can be mixed: values, or one-hot rows (--one-hot) for the loss "
                        "categorical_crossentropy");
    if (x[0]->dtype != GS_F32 || x[0]->wants_grad)
        return gs__fail(error, GS_ERR_UNSUPPORTED, "mixup is for the rows of the data");
    for (int i = 0; i < 2; i++) y[i] = (gs__value_info){.shape = x[i]->shape, .dtype = GS_F32};
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__mixup_attr *a = gs__node_attr(node, gs__mixup_attr);
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t batch = gs__value_rows(recorder, node->x[0]);
    struct gs_push_mixup push = {
        .batch = batch,
        .count = gs__value_count(recorder, node->x[0]) / batch,
        .target_count = gs__value_count(recorder, node->x[1]) / batch,
        .part_count = cpu ? 1024 : 8,
        .key = a->key,
        .exponent = 1 / a->alpha,
    };
    push.parts = (push.count + push.part_count - 1) / push.part_count;
    gs__dispatch d = gs__dispatch_init(&gs__shader_mixup, GS_SPEC_MIXUP_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_MIXUP_LOCAL_SIZE_X] = cpu ? 8 : 64;
    gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.x);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.targets);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[0], &push.y);
    gs__bind(recorder, &d, 2, GS__WRITE, node->y[1], &push.mixed);
    return gs__dispatch_record_1d(recorder, &d, (uint64_t)batch * push.parts, cpu ? 8 : 64);
}

static void random4(const gs__reference *r, uint32_t counter, uint32_t key, uint32_t out[4]) {
    const struct gs_state *s = r->state;
    gs__philox((const uint32_t[4]){counter, s->cur.step_lo, s->cur.step_hi, key},
               (const uint32_t[2]){s->set.seed_lo, s->set.seed_hi}, out);
}

static double share_of(const gs__reference *r, const gs__mixup_attr *a, uint32_t row) {
    for (uint32_t i = 0; i < TRIES; i++) {
        uint32_t word[4];
        random4(r, TRIES * row + i, a->key, word);
        const double u = (double)(word[0] >> 8) * 0x1p-24, v = (double)(word[1] >> 8) * 0x1p-24;
        const double x = pow(u, 1 / (double)a->alpha), y = pow(v, 1 / (double)a->alpha);
        if (x + y > 1) continue;
        return x + y > 0 ? x / (x + y) : u > v ? 1 : 0;
    }
    return 0.5;
}

static void ref_forward(const gs__reference *r) {
    const gs__mixup_attr *a = gs__node_attr(r->node, gs__mixup_attr);
    const uint64_t batch = (uint64_t)r->x_shape[0].dim[0], rows = r->state->cur.rows;
    uint32_t word[4];
    random4(r, UINT32_MAX, a->key, word);
    for (uint64_t row = 0; row < batch; row++) {
        const double share = row < rows ? share_of(r, a, (uint32_t)row) : 0;
        const uint64_t other = row < rows ? (row + 1 + (word[0] * (rows - 1) >> 32)) % rows : 0;
        for (int k = 0; k < 2; k++) {
            uint64_t count = 0;
            gs__shape_count(&r->x_shape[k], &count);
            count /= batch;
            for (uint64_t i = 0; i < count; i++)
                r->y[k][row * count + i] =
                    row < rows ? share * r->x[k][row * count + i] + (1 - share) * r->x[k][other * count + i] : 0;
        }
    }
}

const gs_op gs__op_mixup = {
    .name = "mixup",
    .inputs = 2,
    .outputs = 2,
    .attr_bytes = sizeof(gs__mixup_attr),
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
