#include "plan/update.h"

#include "state.h"
#include "tensor/shape.h"

// Push constants of update.glsl.
struct push {
    uint32_t count;
    uint32_t parameters, gradients, slots;
    uint32_t tick_row_stride;
    uint32_t tick_sum0, tick_sum1, tick_sum2, tick_sum3, tick_sum4, tick_sum5, tick_sum6;
};

gs_status gs__update_shape(gs__error *error, const char *op, uint32_t slot_count, const gs__value_info *const *x,
                           gs__value_info *y) {
    uint64_t count[3] = {0};
    for (uint32_t i = 0; i < 3; i++) {
        if (x[i] && (x[i]->dtype != GS_F32 || !gs__shape_count(&x[i]->shape, &count[i])))
            return gs__fail(error, GS_ERR_INTERNAL, "op %s: input %u must be float32, and not empty", op, i);
    }
    if (!count[0] || count[0] % 4 || count[1] != count[0] || count[2] != count[0] * slot_count)
        return gs__fail(error, GS_ERR_INTERNAL,
                        "op %s: %llu parameters, %llu gradients and %llu slots; expected a multiple of 4, as many, and "
                        "%u times as many",
                        op, (unsigned long long)count[0], (unsigned long long)count[1], (unsigned long long)count[2],
                        slot_count);
    y[0].shape = x[0]->shape;
    y[0].storage = x[0]->storage;
    if (slot_count) {
        y[1].shape = x[2]->shape;
        y[1].storage = x[2]->storage;
    } else y[1].absent = true;
    return GS_OK;
}

gs_status gs__update_record(gs__recorder *recorder, const gs__node *node, const gs__shader *shader,
                            const gs__tick *tick, const uint32_t *spec, uint32_t spec_count) {
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t local = cpu ? 8 : 128, quads = cpu ? 8 : 1;
    struct push push = {.count = gs__value_count(recorder, node->x[0]) / 4};
    GS__TICK_PUSH(push, tick);
    gs__dispatch d = gs__dispatch_init(shader, spec_count, &push, sizeof push);
    d.spec[0] = local;
    d.spec[1] = quads;
    for (uint32_t i = GS__UPDATE_SPEC; i < spec_count; i++) d.spec[i] = spec[i - GS__UPDATE_SPEC];
    gs__bind(recorder, &d, 0, GS__READ | GS__WRITE, node->x[0], &push.parameters);
    gs__bind(recorder, &d, 1, GS__READ, node->x[1], &push.gradients);
    gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, node->x[2], &push.slots);
    gs__bind_state(recorder, &d, 3, GS__READ | GS__WRITE);
    return gs__dispatch_record_1d(recorder, &d, push.count, local * quads);
}

double gs__update_decayed(const struct gs_state *state, double w) {
    return w - (double)state->cur.learning_rate * (double)state->set.weight_decay * w;
}
