#include "plan/interpret.h"

#include "base/memory.h"
#include "plan/epilogue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct gs__interpreter {
    gs__graph *graph;
    double **own;                    // by value; NULL: an alias, or a part of a flat storage
    double *flat[GS__STORAGE_COUNT]; // PARAMETER, GRADIENT, SLOTS, ROWS
};

static bool is_flat(gs__storage storage) {
    return storage == GS__STORAGE_PARAMETER || storage == GS__STORAGE_GRADIENT || storage == GS__STORAGE_SLOTS ||
           storage == GS__STORAGE_ROWS;
}

gs_status gs__interpreter_create(gs__graph *graph, gs__interpreter **out) {
    *out = NULL;
    gs__interpreter *made = gs__allocate(graph->error, 1, sizeof *made, "an interpreter");
    if (!made) return GS_ERR_MEMORY;
    made->graph = graph;
    made->own = gs__allocate(graph->error, graph->value_count, sizeof *made->own, "values of an interpreter");
    if (!made->own) goto fail;
    for (int storage = 0; storage < GS__STORAGE_COUNT; storage++) {
        uint64_t count = graph->storage_bytes[storage] / sizeof(float);
        if (storage == GS__STORAGE_ROWS) count = (uint64_t)graph->row_slots * graph->batch;
        if (!is_flat((gs__storage)storage) || !count) continue;
        made->flat[storage] = gs__allocate(graph->error, count, sizeof(double), "storage of an interpreter");
        if (!made->flat[storage]) goto fail;
    }
    for (gs__value v = 1; v < graph->value_count; v++) {
        if (graph->values[v].alias || is_flat(graph->values[v].storage)) continue;
        made->own[v] =
            gs__allocate(graph->error, gs__graph_count(graph, v), sizeof(double), "a value of an interpreter");
        if (!made->own[v]) goto fail;
    }
    *out = made;
    return GS_OK;
fail:
    gs__interpreter_destroy(made);
    return GS_ERR_MEMORY;
}

void gs__interpreter_destroy(gs__interpreter *interpreter) {
    if (!interpreter) return;
    for (gs__value v = 1; interpreter->own && v < interpreter->graph->value_count; v++) free(interpreter->own[v]);
    for (int storage = 0; storage < GS__STORAGE_COUNT; storage++) free(interpreter->flat[storage]);
    free(interpreter->own);
    free(interpreter);
}

double *gs__interpreter_data(gs__interpreter *interpreter, gs__value value) {
    if (!value) return NULL;
    const gs__value owner = gs__graph_owner(interpreter->graph, value);
    const gs__value_info *info = &interpreter->graph->values[owner];
    if (!is_flat(info->storage)) return interpreter->own[owner];
    uint64_t offset = info->offset / sizeof(float);
    if (info->storage == GS__STORAGE_ROWS) offset -= GS_STATE_ROWS_OFFSET;
    return interpreter->flat[info->storage] + offset;
}

static void run_node(gs__interpreter *interpreter, const gs__node *node, const struct gs_state *state) {
    const gs__graph *graph = interpreter->graph;
    gs__reference ref = {.node = node, .state = state};
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
        // A backward node keeps only the inputs that it reads; its gradients have their shapes.
        const gs__value shaped = node->x[i] ? node->x[i] : node->dx[i];
        ref.x[i] = gs__interpreter_data(interpreter, node->x[i]);
        ref.dx[i] = gs__interpreter_data(interpreter, node->dx[i]);
        if (!shaped) continue;
        ref.x_shape[i] = graph->values[shaped].shape;
        ref.x_dtype[i] = graph->values[shaped].dtype;
    }
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) {
        const gs__value shaped = node->y[i] ? node->y[i] : node->dy[i];
        ref.y[i] = gs__interpreter_data(interpreter, node->y[i]);
        ref.dy[i] = gs__interpreter_data(interpreter, node->dy[i]);
        if (shaped) ref.y_shape[i] = graph->values[shaped].shape;
    }
    const bool forward = node->pass == GS__FORWARD;
    (forward ? node->op->ref_forward : node->op->ref_backward)(&ref);
    if (gs__epilogue_empty(&node->epilogue)) return;
    if (forward && !node->op->epilogue_on_gradient)
        gs__epilogue_forward(&node->epilogue, state, ref.y[0], gs__graph_count(graph, node->y[0]));
    else
        gs__epilogue_backward(&node->epilogue, state, gs__interpreter_data(interpreter, node->epilogue_y), ref.dx[0],
                              gs__graph_count(graph, node->dx[0]));
}

static gs_status step_node(gs__interpreter *interpreter, const gs__node *node, const struct gs_state *state) {
    if (node->op->view) return GS_OK;
    if (node->pass == GS__FORWARD ? !node->op->ref_forward : !node->op->ref_backward)
        return gs__fail(interpreter->graph->error, GS_ERR_INTERNAL, "op %s has no reference", node->op->name);
    run_node(interpreter, node, state);
    return GS_OK;
}

gs_status gs__interpreter_node(gs__interpreter *interpreter, uint32_t index, const struct gs_state *state) {
    return step_node(interpreter, &interpreter->graph->nodes[index], state);
}

gs_status gs__interpreter_step(gs__interpreter *interpreter, struct gs_state *state) {
    const gs__graph *graph = interpreter->graph;
    state->cur = state->next;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        gs_status status = step_node(interpreter, &graph->nodes[i], state);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

struct check {
    gs__interpreter *interpreter;
    gs__nonfinite *found;
    const gs__node *node;
};

static void check_value(void *user, gs__value value, bool is_write) {
    struct check *c = user;
    if (!is_write || c->found->node) return;
    double *data = gs__interpreter_data(c->interpreter, value);
    gs__nonfinite found = {.node = c->node, .value = value, .count = gs__graph_count(c->interpreter->graph, value)};
    for (uint64_t i = 0; data && i < found.count; i++) {
        data[i] = (double)(float)data[i];
        if (isfinite(data[i])) continue;
        if (!found.bad_count++) found.index = i, found.worst = data[i];
    }
    if (found.bad_count) *c->found = found;
}

gs_status gs__interpreter_check(gs__interpreter *interpreter, struct gs_state *state, gs__nonfinite *found) {
    const gs__graph *graph = interpreter->graph;
    *found = (gs__nonfinite){0};
    state->cur = state->next;
    for (uint32_t i = 0; i < graph->node_count && !found->node; i++) {
        gs_status status = step_node(interpreter, &graph->nodes[i], state);
        if (status != GS_OK) return status;
        gs__node_visit(&graph->nodes[i], check_value, &(struct check){interpreter, found, &graph->nodes[i]});
    }
    return GS_OK;
}

double gs__interpreter_row_sum(const gs__interpreter *interpreter, uint32_t slot) {
    const uint32_t batch = interpreter->graph->batch;
    double sum = 0;
    for (uint32_t i = 0; i < batch; i++) sum += interpreter->flat[GS__STORAGE_ROWS][(uint64_t)slot * batch + i];
    return sum;
}
