// The backward pass, generated from the ops' own gradient rules (reverse-mode differentiation: Griewank, Walther,
// "Evaluating Derivatives", chapter 3).
#include "plan/graph.h"

#include <stdlib.h>
#include <string.h>

gs_status gs__graph_backward_node(gs__graph *graph, uint32_t forward, const gs__value *dy, gs__node **made) {
    gs_status status = GS_OK;
    const gs__node f = graph->nodes[forward];
    gs__node node = {.op = f.op, .pass = GS__BACKWARD, .attr = f.attr, .layer = f.layer, .precision = f.precision};
    for (uint32_t i = 0; i < f.op->inputs; i++) {
        if (f.op->needs_x & 1u << i) node.x[i] = f.x[i];
        if (!f.x[i] || !(f.op->differentiable & 1u << i) || !graph->values[f.x[i]].wants_grad) continue;
        const gs_shape shape = graph->values[f.x[i]].shape;
        GS_TRY(gs__graph_value(graph, &shape, GS_F32, GS__STORAGE_ACTIVATION, NULL, &node.dx[i]));
    }
    for (uint32_t i = 0; i < f.op->outputs; i++) {
        if (f.op->needs_y & 1u << i) node.y[i] = f.y[i];
        node.dy[i] = dy[i];
    }
    GS_TRY(gs__graph_append(graph, &node));
    if (made) *made = &graph->nodes[graph->node_count - 1];
    return GS_OK;
fail:
    return status;
}

struct backward {
    gs__graph *graph;
    gs__value *gradient; // by value: the sum of the contributions so far, 0 while there is none
    uint32_t value_count;
};

static gs_status contribute(struct backward *b, gs__value to, gs__value gradient) {
    if (!gradient) return GS_OK;
    gs__value *sum = &b->gradient[to];
    if (!*sum) {
        *sum = gradient;
        return GS_OK;
    }
    return gs__graph_apply(b->graph, "add", NULL, NULL, (gs__value[]){*sum, gradient}, 2, sum);
}

// A loss's forward writes its gradients itself.
static gs_status self_gradient(struct backward *b, uint32_t index) {
    for (uint32_t i = 0; i < b->graph->nodes[index].op->inputs; i++) {
        const gs__node *node = &b->graph->nodes[index];
        gs__value x = node->x[i], dx = 0;
        if (!x || !(node->op->differentiable & 1u << i) || !b->graph->values[x].wants_grad) continue;
        const gs_shape shape = b->graph->values[x].shape;
        gs_status status = gs__graph_value(b->graph, &shape, GS_F32, GS__STORAGE_ACTIVATION, NULL, &dx);
        if (status != GS_OK) return status;
        b->graph->nodes[index].dx[i] = dx;
        status = contribute(b, x, dx);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

// The backward kernel that makes `dy`, when an epilogue can ride on it.
static gs__node *carrier(gs__graph *graph, gs__value dy, uint32_t forward_count) {
    gs__value owner = gs__graph_owner(graph, dy);
    if (graph->values[owner].shared) return NULL;
    for (uint32_t i = graph->node_count; i-- > forward_count;) {
        gs__node *node = &graph->nodes[i];
        if (node->pass == GS__BACKWARD && node->dx[0] == owner)
            return node->op->takes_epilogue && gs__epilogue_empty(&node->epilogue) ? node : NULL;
    }
    return NULL;
}

// From the gradient of the stored result to that of the value before the epilogue.
static gs_status through_epilogue(struct backward *b, const gs__node *forward, uint32_t forward_count, gs__value *dy) {
    gs__graph *graph = b->graph;
    gs__node *node = carrier(graph, *dy, forward_count);
    if (node) {
        node->epilogue = forward->epilogue;
        node->epilogue_y = forward->y[0];
        return GS_OK;
    }
    gs__node made = {.op = gs__op_find("epilogue"), .pass = GS__BACKWARD, .layer = forward->layer};
    if (!made.op) return gs__fail(graph->error, GS_ERR_INTERNAL, "there is no op \"epilogue\"");
    memcpy(made.attr.bytes, &forward->epilogue, sizeof forward->epilogue);
    made.y[0] = forward->y[0];
    made.dy[0] = *dy;
    const gs_shape shape = graph->values[forward->y[0]].shape;
    gs_status status = gs__graph_value(graph, &shape, GS_F32, GS__STORAGE_ACTIVATION, NULL, &made.dx[0]);
    if (status != GS_OK) return status;
    *dy = made.dx[0];
    return gs__graph_append(graph, &made);
}

// Each input gets the output's gradient itself, under a name of its own.
static gs_status pass_gradient(struct backward *b, const gs__node *node, gs__value dy) {
    gs__graph *graph = b->graph;
    graph->values[gs__graph_owner(graph, dy)].shared = true;
    for (uint32_t i = 0; i < node->op->inputs; i++) {
        if (!node->x[i] || !(node->op->differentiable & 1u << i) || !graph->values[node->x[i]].wants_grad) continue;
        const gs_shape shape = graph->values[node->x[i]].shape;
        gs__value dx;
        gs_status status = gs__graph_alias(graph, dy, &shape, &dx);
        if (status == GS_OK) status = contribute(b, node->x[i], dx);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static gs_status differentiate(struct backward *b, uint32_t index, uint32_t forward_count) {
    gs_status status = GS_OK;
    gs__graph *graph = b->graph;
    const gs__node node = graph->nodes[index];
    if (node.op->self_gradient) return self_gradient(b, index);

    gs__value dy[GS__MAX_OUTPUTS] = {0};
    bool reached = false, wanted = false;
    for (uint32_t i = 0; i < node.op->outputs; i++) {
        dy[i] = node.y[i] ? b->gradient[node.y[i]] : 0;
        reached |= dy[i] != 0;
    }
    for (uint32_t i = 0; i < node.op->inputs; i++)
        wanted |= node.x[i] && node.op->differentiable & 1u << i && graph->values[node.x[i]].wants_grad;
    if (!reached || !wanted) return GS_OK;

    if (!gs__epilogue_empty(&node.epilogue)) GS_TRY(through_epilogue(b, &node, forward_count, &dy[0]));
    if (node.op->view) {
        gs__value dx;
        const gs_shape shape = graph->values[node.x[0]].shape;
        GS_TRY(gs__graph_alias(graph, dy[0], &shape, &dx));
        return contribute(b, node.x[0], dx);
    }
    if (node.op->passes_gradient) return pass_gradient(b, &node, dy[0]);
    gs__node *made;
    GS_TRY(gs__graph_backward_node(graph, index, dy, &made));
    const gs__node backward = *made;
    for (uint32_t i = 0; i < node.op->inputs; i++)
        if (backward.dx[i]) GS_TRY(contribute(b, node.x[i], backward.dx[i]));
    return GS_OK;
fail:
    return status;
}

static uint64_t trainable_bytes(const gs__graph *graph) {
    return graph->trainable_bytes ? graph->trainable_bytes : graph->storage_bytes[GS__STORAGE_PARAMETER];
}

// A parameter's gradient gets the place that the optimizer reads.
static gs_status place_gradients(struct backward *b) {
    gs__graph *graph = b->graph;
    graph->storage_bytes[GS__STORAGE_GRADIENT] = trainable_bytes(graph);
    for (gs__value v = 1; v < b->value_count; v++) {
        if (graph->values[v].storage != GS__STORAGE_PARAMETER || !b->gradient[v]) continue;
        for (gs__value g = b->gradient[v]; g; g = graph->values[g].alias) {
            if (graph->values[g].storage != GS__STORAGE_ACTIVATION)
                return gs__fail(graph->error, GS_ERR_INTERNAL, "the gradient of \"%s\" is shared with another",
                                graph->values[v].name ? graph->values[v].name : "a parameter");
            graph->values[g].storage = GS__STORAGE_GRADIENT;
            graph->values[g].offset = graph->values[v].offset;
        }
    }
    return GS_OK;
}

gs_status gs__graph_backward(gs__graph *graph) {
    gs_status status = GS_OK;
    struct backward b = {graph, calloc(graph->value_count + 1, sizeof(gs__value)), graph->value_count};
    if (!b.gradient) return gs__fail(graph->error, GS_ERR_MEMORY, "out of host memory for a backward pass");
    const uint32_t forward_count = graph->node_count;
    for (uint32_t i = forward_count; i-- > 0;) GS_TRY(differentiate(&b, i, forward_count));
    GS_TRY(place_gradients(&b));
fail:
    free(b.gradient);
    return status;
}

gs_status gs__graph_check_finite(gs__graph *graph) {
    gs_status status = GS_OK;
    gs__node node = {.op = gs__op_find("check_finite"), .pass = GS__FORWARD};
    if (!node.op) return gs__fail(graph->error, GS_ERR_INTERNAL, "there is no op \"check_finite\"");
    const gs_shape flat = {1, {(int64_t)(trainable_bytes(graph) / sizeof(float))}};
    graph->storage_bytes[GS__STORAGE_GRADIENT] = trainable_bytes(graph);
    GS_TRY(gs__graph_value(graph, &flat, GS_F32, GS__STORAGE_GRADIENT, "gradients", &node.x[0]));
    GS_TRY(gs__graph_append(graph, &node));
fail:
    return status;
}

gs_status gs__graph_update(gs__graph *graph, const char *op_name, const void *attr, uint32_t slot_count) {
    gs_status status = GS_OK;
    const gs_op *op = gs__op_find(op_name);
    if (!op) return gs__fail(graph->error, GS_ERR_INTERNAL, "there is no op \"%s\"", op_name);
    const uint64_t bytes = trainable_bytes(graph);
    gs__node node = {.op = op, .pass = GS__FORWARD};
    if (attr) memcpy(node.attr.bytes, attr, op->attr_bytes);
    if (!bytes) return gs__fail(graph->error, GS_ERR_INTERNAL, "an update of a graph without parameters");
    const gs_shape flat = {1, {(int64_t)(bytes / sizeof(float))}};
    const gs_shape slots = {1, {flat.dim[0] * (int64_t)slot_count}};
    graph->storage_bytes[GS__STORAGE_GRADIENT] = bytes;
    graph->storage_bytes[GS__STORAGE_SLOTS] = bytes * slot_count;
    GS_TRY(gs__graph_value(graph, &flat, GS_F32, GS__STORAGE_GRADIENT, "gradients", &node.x[1]));
    // gs__graph_value would place another parameter.
    GS_TRY(gs__graph_alias(graph, node.x[1], &flat, &node.x[0]));
    graph->values[node.x[0]] = (gs__value_info){.shape = flat, .storage = GS__STORAGE_PARAMETER, .name = "parameters"};
    GS_TRY(gs__graph_alias(graph, node.x[0], &flat, &node.y[0]));
    if (slot_count) {
        GS_TRY(gs__graph_value(graph, &slots, GS_F32, GS__STORAGE_SLOTS, "slots", &node.x[2]));
        GS_TRY(gs__graph_alias(graph, node.x[2], &slots, &node.y[1]));
    }
    GS_TRY(gs__graph_append(graph, &node));
fail:
    return status;
}
