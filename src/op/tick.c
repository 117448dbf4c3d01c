// tick: ends a step that updates nothing, as an optimizer ends the others (plan/tick.h). No tensors: it reads what
// losses and metrics left in the row slots, and writes the ring and the State.
#include "op/attr.h"
#include "plan/record.h"
#include "shaders.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)x;
    (void)y;
    if (!gs__node_attr(node, gs__tick_attr)->tick.row_stride)
        return gs__fail(error, GS_ERR_INTERNAL, "op tick: row_stride is 0, but must be the batch size");
    return GS_OK;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    struct gs_push_tick push = {0};
    GS__TICK_PUSH(push, &gs__node_attr(node, gs__tick_attr)->tick);
    gs__dispatch d = gs__dispatch_init(&gs__shader_tick, GS_SPEC_TICK_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_TICK_LOCAL_SIZE_X] = cpu ? 8 : 128;
    gs__bind_state(recorder, &d, 0, GS__READ | GS__WRITE);
    return gs__dispatch_record(recorder, &d, 1, 1, 1);
}

// What it does to the State is specified by gs__tick_next.
static void ref_forward(const gs__reference *r) {
    (void)r;
}

const gs_op gs__op_tick = {
    .name = "tick",
    .attr_bytes = sizeof(gs__tick_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
