// check_finite: sets State.cur.skip when an element of x, the gradients of all parameters, is infinite or not a number.
// The update then leaves everything as it is, and the loss scale is halved (plan/tick.h).
//   x (P) float32, P a multiple of 4
#include "plan/record.h"
#include "shaders.h"
#include "tensor/shape.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    (void)y;
    uint64_t count = 0;
    if (x[0]->dtype != GS_F32 || !gs__shape_count(&x[0]->shape, &count) || count % 4)
        return gs__fail(error, GS_ERR_INTERNAL,
                        "op check_finite: %llu elements of %s; expected a multiple of 4, float32",
                        (unsigned long long)count, gs__dtype_name(x[0]->dtype));
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    const bool cpu = caps->kernel_class == GS__KERNELS_CPU;
    const uint32_t local = cpu ? 8 : 128, quads = cpu ? 32 : 4, count = gs__value_count(recorder, node->x[0]) / 4;
    // What a binding can hold; a window may begin, and end, a little outside of it.
    const uint64_t most = (caps->max_storage_range - 2 * (uint64_t)caps->offset_align) / 16;
    const uint32_t part = most < count ? (uint32_t)most : count;
    for (uint32_t first = 0; first < count; first += part) {
        struct gs_push_check_finite push = {.count = count - first < part ? count - first : part};
        gs__dispatch d = gs__dispatch_init(&gs__shader_check_finite, GS_SPEC_CHECK_FINITE_COUNT, &push, sizeof push);
        d.spec[GS_SPEC_CHECK_FINITE_LOCAL_SIZE_X] = local;
        d.spec[GS_SPEC_CHECK_FINITE_QUADS] = quads;
        gs__bind_part(recorder, &d, 0, GS__READ, node->x[0], 4 * first, 4 * push.count, &push.x);
        gs__bind_state(recorder, &d, 1, GS__READ | GS__WRITE);
        gs_status status = gs__dispatch_record_1d(recorder, &d, push.count, local * quads);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

// What it does to the State is no tensor: tests/op/test_check_finite.c reads it.
static void ref_forward(const gs__reference *r) {
    (void)r;
}

const gs_op gs__op_check_finite = {
    .name = "check_finite",
    .inputs = 1,
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
