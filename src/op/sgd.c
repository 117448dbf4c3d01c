// sgd: stochastic gradient descent, with momentum and Nesterov's momentum as Keras writes them (Sutskever et al. 2013).
//   x: parameters (P), gradients (P) [, slot v (P)]  ->  y: parameters [, slot], in place
#include "op/attr.h"
#include "plan/update.h"
#include "shaders.h"
#include "state.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    return gs__update_shape(error, node->op->name, gs__node_attr(node, gs__sgd_attr)->momentum ? 1 : 0, x, y);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__sgd_attr *attr = gs__node_attr(node, gs__sgd_attr);
    const uint32_t spec[] = {attr->momentum, attr->nesterov};
    static const gs__update_kernels kernels = {&gs__shader_sgd, &gs__shader_sgd_cpu, GS_SPEC_SGD_COUNT};
    return gs__update_record(recorder, node, &kernels, &attr->tick, spec);
}

static double rule(const gs__reference *r, double w, double g, double *slots) {
    const gs__sgd_attr *attr = gs__node_attr(r->node, gs__sgd_attr);
    const double rate = r->state->cur.learning_rate, momentum = r->state->set.momentum;
    if (!attr->momentum) return w - rate * g;
    const double v = slots[0] = momentum * slots[0] - rate * g;
    return w + (attr->nesterov ? momentum * v - rate * g : v);
}

static void ref_forward(const gs__reference *r) {
    const gs__sgd_attr *attr = gs__node_attr(r->node, gs__sgd_attr);
    gs__update_reference(r, &attr->tick, attr->momentum ? 1 : 0, rule);
}

const gs_op gs__op_sgd = {
    .name = "sgd",
    .inputs = 3,
    .outputs = 2,
    .optional = 1u << 2,
    .attr_bytes = sizeof(gs__sgd_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
