// nadam: Dozat 2016, as Keras writes it. The State holds the product of the momenta u_t so far.
//   x: parameters (P), gradients (P), slots (2 P)  ->  y: parameters, slots, in place; slots m, v
#include "op/attr.h"
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    return gs__update_shape(error, node->op->name, 2, x, y);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    static const gs__update_kernels kernels = {&gs__shader_nadam, &gs__shader_nadam_cpu, GS_SPEC_NADAM_COUNT};
    return gs__update_record(recorder, node, &kernels, &gs__node_attr(node, gs__tick_attr)->tick, NULL);
}

static double rule(const gs__reference *r, double w, double g, double *slots) {
    const struct gs_settings *set = &r->state->set;
    const struct gs_position *cur = &r->state->cur;
    const double u = (double)set->beta1 * (1 - 0.5 * (double)cur->nadam_decay);
    const double next = (double)set->beta1 * (1 - 0.5 * 0.96 * (double)cur->nadam_decay);
    slots[0] += (g - slots[0]) * (double)set->beta1_rest;
    slots[1] += (g * g - slots[1]) * (double)set->beta2_rest;
    const double m =
        next * slots[0] / (1 - (double)cur->nadam_product * next) + (1 - u) * g / (1 - (double)cur->nadam_product);
    return w - (double)cur->learning_rate * m / (sqrt(slots[1] / (double)cur->beta2_gap) + (double)set->epsilon);
}

static void ref_forward(const gs__reference *r) {
    gs__update_reference(r, &gs__node_attr(r->node, gs__tick_attr)->tick, 2, rule);
}

const gs_op gs__op_nadam = {
    .name = "nadam",
    .inputs = 3,
    .outputs = 2,
    .attr_bytes = sizeof(gs__tick_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
