#include "plan/update.h"

#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

#include <math.h>

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

// Quads of one dispatch, such that every binding is within the device's limits.
static uint32_t part_quads(const gs__gpu_caps *caps, bool texels, uint32_t slot_count) {
    uint64_t bytes = caps->max_storage_range;
    if (texels && caps->max_texel_elements * UINT64_C(16) < bytes) bytes = caps->max_texel_elements * UINT64_C(16);
    // A window may begin, and end, a little outside of the tensor.
    bytes -= bytes > 2 * (uint64_t)caps->offset_align ? 2 * (uint64_t)caps->offset_align : bytes / 2;
    const uint64_t quads = bytes / 16 / (slot_count > 1 ? slot_count : 1);
    return quads > INT32_MAX ? INT32_MAX : quads ? (uint32_t)quads : 1;
}

gs_status gs__update_record(gs__recorder *recorder, const gs__node *node, const gs__update_kernels *kernels,
                            const gs__tick *tick, const uint32_t *spec) {
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    const bool cpu = caps->kernel_class == GS__KERNELS_CPU;
    // On a CPU, beginning a workgroup costs as much as ten quads.
    const uint32_t local = cpu ? 8 : 128, quads = cpu ? 32 : 1;
    const uint32_t count = gs__value_count(recorder, node->x[0]) / 4;
    const uint32_t slot_count = gs__value_count(recorder, node->x[2]) / 4 / count;
    const uint32_t part = part_quads(caps, cpu, slot_count);
    for (uint32_t first = 0; first < count; first += part) {
        struct push push = {.count = count - first < part ? count - first : part};
        if (first + push.count == count) GS__TICK_PUSH(push, tick);
        gs__dispatch d = gs__dispatch_init(cpu ? kernels->cpu : kernels->gpu, kernels->spec_count, &push, sizeof push);
        d.spec[0] = local;
        d.spec[1] = quads;
        d.spec[2] = tick->accumulates;
        for (uint32_t i = GS__UPDATE_SPEC; i < kernels->spec_count; i++) d.spec[i] = spec[i - GS__UPDATE_SPEC];
        const uint32_t begin = 4 * first, length = 4 * push.count;
        gs__bind_part(recorder, &d, 0, GS__READ | GS__WRITE, node->x[0], begin, length, &push.parameters);
        gs__bind_part(recorder, &d, 1, GS__READ, node->x[1], begin, length, &push.gradients);
        gs__bind_part(recorder, &d, 2, GS__READ | GS__WRITE, node->x[2], begin * slot_count, length * slot_count,
                      &push.slots);
        gs__bind_state(recorder, &d, 3, GS__READ | GS__WRITE);
        gs_status status = gs__dispatch_record_1d(recorder, &d, push.count, local * quads);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

double gs__update_decayed(const struct gs_state *state, double w) {
    return w - (double)state->cur.learning_rate * (double)state->set.weight_decay * w;
}

bool gs__update_is_due(const struct gs_state *state) {
    const uint32_t steps = state->set.accumulate ? state->set.accumulate : 1;
    return steps == 1 ? !state->cur.skip : state->cur.step_lo % steps == steps - 1;
}

void gs__update_reference(const gs__reference *r, const gs__tick *tick, uint32_t slot_count, gs__update_rule *rule) {
    const bool skips = tick->accumulates ? !gs__update_is_due(r->state) : r->state->cur.skip != 0;
    for (int64_t i = 0; i < r->x_shape[0].dim[0]; i++) {
        double slots[4];
        for (uint32_t s = 0; s < slot_count; s++) slots[s] = r->x[2][gs__update_slot((uint64_t)i, s, slot_count)];
        r->y[0][i] = skips ? r->x[0][i] : rule(r, gs__update_decayed(r->state, r->x[0][i]), r->x[1][i], slots);
        for (uint32_t s = 0; s < slot_count; s++) r->y[1][gs__update_slot((uint64_t)i, s, slot_count)] = slots[s];
    }
}

gs_status gs__flat_record(gs__recorder *recorder, const gs__node *node, const gs__shader *shader, uint32_t spec_count) {
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    const bool cpu = caps->kernel_class == GS__KERNELS_CPU;
    const uint32_t local = cpu ? 8 : 128, quads = cpu ? 32 : 1;
    const uint32_t count = gs__value_count(recorder, node->x[0]) / 4, part = part_quads(caps, false, 1);
    for (uint32_t first = 0; first < count; first += part) {
        struct gs_push_ema push = {.count = count - first < part ? count - first : part}; // all of flat.glsl have these
        gs__dispatch d = gs__dispatch_init(shader, spec_count, &push, sizeof push);
        d.spec[0] = local;
        d.spec[1] = quads;
        gs__bind_part(recorder, &d, 0, GS__READ | GS__WRITE, node->x[0], 4 * first, 4 * push.count, &push.a);
        gs__bind_part(recorder, &d, 1, GS__READ | GS__WRITE, node->x[1], 4 * first, 4 * push.count, &push.b);
        gs_status status = gs__dispatch_record_1d(recorder, &d, push.count, local * quads);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

double gs__adam_reference(const struct gs_state *state, bool paper_epsilon, double w, double g, double *slots) {
    const double rate = (double)state->cur.learning_rate, epsilon = (double)state->set.epsilon;
    const double gap1 = (double)state->cur.beta1_gap, gap2 = (double)state->cur.beta2_gap;
    const double m = slots[0] += (g - slots[0]) * (double)state->set.beta1_rest;
    const double v = slots[1] += (g * g - slots[1]) * (double)state->set.beta2_rest;
    if (paper_epsilon) return w - rate * (m / gap1) / (sqrt(v / gap2) + epsilon);
    return w - rate * sqrt(gap2) / gap1 * m / (sqrt(v) + epsilon);
}
