// rmsprop: Tieleman and Hinton 2012 (lecture 6.5), as Keras writes it: epsilon is under the root, and the momentum's
// velocity holds the learning rate. rho is the State's beta2.
//   x: parameters (P), gradients (P), slots v (P) or v and velocity (2 P)  ->  y: parameters, slots, in place
#include "op/attr.h"
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

#include <math.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    return gs__update_shape(error, node->op->name, gs__node_attr(node, gs__rmsprop_attr)->momentum ? 2 : 1, x, y);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__rmsprop_attr *attr = gs__node_attr(node, gs__rmsprop_attr);
    const uint32_t spec[] = {attr->momentum};
    static const gs__update_kernels kernels = {&gs__shader_rmsprop, &gs__shader_rmsprop_cpu, GS_SPEC_RMSPROP_COUNT};
    return gs__update_record(recorder, node, &kernels, &attr->tick, spec);
}

static double rule(const gs__reference *r, double w, double g, double *slots) {
    const gs__rmsprop_attr *attr = gs__node_attr(r->node, gs__rmsprop_attr);
    const struct gs_settings *set = &r->state->set;
    const double v = slots[0] = (double)set->beta2 * slots[0] + (double)set->beta2_rest * g * g;
    double step = (double)r->state->cur.learning_rate * g / sqrt(v + (double)set->epsilon);
    if (attr->momentum) step = slots[1] = step + (double)set->momentum * slots[1];
    return w - step;
}

static void ref_forward(const gs__reference *r) {
    const gs__rmsprop_attr *attr = gs__node_attr(r->node, gs__rmsprop_attr);
    gs__update_reference(r, &attr->tick, attr->momentum ? 2 : 1, rule);
}

const gs_op gs__op_rmsprop = {
    .name = "rmsprop",
    .inputs = 3,
    .outputs = 2,
    .attr_bytes = sizeof(gs__rmsprop_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
