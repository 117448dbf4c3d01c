// lion: Chen et al. 2023, "Symbolic discovery of optimization algorithms".
//   x: parameters (P), gradients (P), slots (P)  ->  y: parameters, slots, in place; slot m
#include "op/attr.h"
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    return gs__update_shape(error, node->op->name, 1, x, y);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    static const gs__update_kernels kernels = {&gs__shader_lion, &gs__shader_lion_cpu, GS_SPEC_LION_COUNT};
    return gs__update_record(recorder, node, &kernels, &gs__node_attr(node, gs__tick_attr)->tick, NULL);
}

static double rule(const gs__reference *r, double w, double g, double *slots) {
    const struct gs_settings *set = &r->state->set;
    const double direction = slots[0] * (double)set->beta1 + g * (double)set->beta1_rest;
    slots[0] = slots[0] * (double)set->beta2 + g * (double)set->beta2_rest;
    return w - (double)r->state->cur.learning_rate * ((direction > 0) - (direction < 0));
}

static void ref_forward(const gs__reference *r) {
    gs__update_reference(r, &gs__node_attr(r->node, gs__tick_attr)->tick, 1, rule);
}

const gs_op gs__op_lion = {
    .name = "lion",
    .inputs = 3,
    .outputs = 2,
    .attr_bytes = sizeof(gs__tick_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
