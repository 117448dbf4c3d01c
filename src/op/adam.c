// adam: Adam and, with the State's weight_decay, AdamW. Kingma and Ba 2015; Loshchilov and Hutter 2019. Both ways to
// add epsilon: include/gradsmith/optimizer.h.
//   x: parameters (P), gradients (P), slots m and v (2 P)  ->  y: parameters, slots, in place
#include "op/attr.h"
#include "plan/update.h"
#include "shaders.h"

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    return gs__update_shape(error, node->op->name, 2, x, y);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__adam_attr *attr = gs__node_attr(node, gs__adam_attr);
    const uint32_t spec[] = {attr->paper_epsilon};
    static const gs__update_kernels kernels = {&gs__shader_adam, &gs__shader_adam_cpu, GS_SPEC_ADAM_COUNT};
    return gs__update_record(recorder, node, &kernels, &attr->tick, spec);
}

static double rule(const gs__reference *r, double w, double g, double *slots) {
    return gs__adam_reference(r->state, gs__node_attr(r->node, gs__adam_attr)->paper_epsilon, w, g, slots);
}

static void ref_forward(const gs__reference *r) {
    gs__update_reference(r, &gs__node_attr(r->node, gs__adam_attr)->tick, 2, rule);
}

const gs_op gs__op_adam = {
    .name = "adam",
    .inputs = 3,
    .outputs = 2,
    .attr_bytes = sizeof(gs__adam_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
