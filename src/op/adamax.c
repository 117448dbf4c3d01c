// adamax: Kingma and Ba 2015, algorithm 2, as Keras writes it: epsilon is added to u.
//   x: parameters (P), gradients (P), slots (2 P)  ->  y: parameters, slots, in place; slots m, u
#include "op/attr.h"
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    return gs__update_shape(error, node->op->name, 2, x, y);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    static const gs__update_kernels kernels = {&gs__shader_adamax, &gs__shader_adamax_cpu, GS_SPEC_ADAMAX_COUNT};
    return gs__update_record(recorder, node, &kernels, &gs__node_attr(node, gs__tick_attr)->tick, NULL);
}

static double rule(const gs__reference *r, double w, double g, double *slots) {
    const struct gs_settings *set = &r->state->set;
    slots[0] += (g - slots[0]) * (double)set->beta1_rest;
    slots[1] = fmax((double)set->beta2 * slots[1], fabs(g));
    const double rate = (double)r->state->cur.learning_rate / (double)r->state->cur.beta1_gap;
    return w - rate * slots[0] / (slots[1] + (double)set->epsilon);
}

static void ref_forward(const gs__reference *r) {
    gs__update_reference(r, &gs__node_attr(r->node, gs__tick_attr)->tick, 2, rule);
}

const gs_op gs__op_adamax = {
    .name = "adamax",
    .inputs = 3,
    .outputs = 2,
    .attr_bytes = sizeof(gs__tick_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
