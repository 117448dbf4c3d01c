#include "plan/graph.h"

#include "state.h"
#include <stdlib.h>
#include <string.h>

void gs__graph_init(gs__graph *graph, gs__error *error, bool training, uint32_t batch) {
    *graph = (gs__graph){.error = error, .training = training, .batch = batch};
    graph->storage_bytes[GS__STORAGE_STATE] = GS_STATE_ROWS_OFFSET * sizeof(float);
}

void gs__graph_deinit(gs__graph *graph) {
    free(graph->values);
    free(graph->nodes);
    *graph = (gs__graph){0};
}

// Makes room for one more entry of an array; entry 0 of the values is "none".
static gs_status reserve(gs__error *error, void **entries, uint32_t count, uint32_t *capacity, size_t entry_bytes) {
    if (count < *capacity) return GS_OK;
    uint32_t wanted = *capacity ? 2 * *capacity : 64;
    void *bigger = wanted > *capacity ? realloc(*entries, (size_t)wanted * entry_bytes) : NULL;
    if (!bigger) return gs__fail(error, GS_ERR_MEMORY, "out of host memory for a graph of %u entries", wanted);
    *entries = bigger;
    *capacity = wanted;
    return GS_OK;
}

static gs_status append_value(gs__graph *graph, const gs__value_info *info, gs__value *value) {
    void *values = graph->values;
    uint32_t count = graph->value_count ? graph->value_count : 1;
    gs_status status = reserve(graph->error, &values, count, &graph->value_capacity, sizeof *graph->values);
    graph->values = values;
    if (status != GS_OK) return status;
    if (count == 1) graph->values[0] = (gs__value_info){0};
    graph->values[count] = *info;
    graph->value_count = count + 1;
    *value = count;
    return GS_OK;
}

gs_status gs__graph_append(gs__graph *graph, const gs__node *node) {
    void *nodes = graph->nodes;
    gs_status status = reserve(graph->error, &nodes, graph->node_count, &graph->node_capacity, sizeof *graph->nodes);
    graph->nodes = nodes;
    if (status != GS_OK) return status;
    graph->nodes[graph->node_count++] = *node;
    return GS_OK;
}

static uint64_t align_up(uint64_t bytes, uint64_t to) {
    return (bytes + to - 1) / to * to;
}

// Gives a value outside the arena its place.
static void place(gs__graph *graph, gs__value_info *info, uint64_t bytes) {
    uint64_t *used = &graph->storage_bytes[info->storage];
    switch (info->storage) {
    case GS__STORAGE_PARAMETER:
        info->offset = *used;
        *used = align_up(*used + bytes, GS__PARAMETER_ALIGN);
        break;
    case GS__STORAGE_ROWS: {
        uint64_t slot_bytes = (uint64_t)graph->batch * sizeof(float);
        info->offset = GS_STATE_ROWS_OFFSET * sizeof(float) + graph->row_slots++ * slot_bytes;
        graph->storage_bytes[GS__STORAGE_STATE] = info->offset + slot_bytes;
        break;
    }
    case GS__STORAGE_SAMPLES:
    case GS__STORAGE_TARGETS:
        if (bytes > *used) *used = bytes;
        break;
    default:
        break;
    }
}

gs_status gs__graph_value(gs__graph *graph, const gs_shape *shape, gs_dtype dtype, gs__storage storage,
                          const char *name, gs__value *value) {
    uint64_t count;
    if (!gs__shape_count(shape, &count) || count > INT32_MAX) {
        char text[128];
        return gs__fail(graph->error, GS_ERR_UNSUPPORTED, "tensor of shape %s has no, or more than 2^31 - 1, elements",
                        gs__shape_text(shape, false, text, sizeof text));
    }
    gs__value_info info = {.shape = *shape, .dtype = dtype, .storage = storage, .name = name};
    info.wants_grad = storage == GS__STORAGE_PARAMETER;
    place(graph, &info, count * gs__dtype_bytes(dtype));
    return append_value(graph, &info, value);
}

gs_status gs__graph_alias(gs__graph *graph, gs__value of, const gs_shape *shape, gs__value *value) {
    gs__value_info info = graph->values[of];
    info.alias = of;
    info.shape = *shape;
    info.name = NULL;
    return append_value(graph, &info, value);
}

gs_status gs__graph_flat(gs__graph *graph, gs__storage storage, uint64_t offset, uint64_t count, const char *name,
                         gs__value *value) {
    const gs_shape shape = {1, {(int64_t)count}};
    gs_status status = gs__graph_value(graph, &shape, GS_F32, GS__STORAGE_ACTIVATION, name, value);
    if (status != GS_OK) return status;
    graph->values[*value].storage = storage;
    graph->values[*value].offset = offset;
    return GS_OK;
}

uint32_t gs__graph_row_slot(const gs__graph *graph, gs__value value) {
    uint64_t begin = graph->values[value].offset - GS_STATE_ROWS_OFFSET * sizeof(float);
    return (uint32_t)(begin / ((uint64_t)graph->batch * sizeof(float)));
}

gs__value gs__graph_owner(const gs__graph *graph, gs__value value) {
    while (graph->values[value].alias) value = graph->values[value].alias;
    return value;
}

uint64_t gs__graph_count(const gs__graph *graph, gs__value value) {
    uint64_t count = 0;
    if (value) gs__shape_count(&graph->values[value].shape, &count);
    return count;
}

static gs_status check_inputs(gs__graph *graph, const gs_op *op, const gs__value *x, uint32_t x_count,
                              const gs__value_info **infos) {
    if (x_count > op->inputs)
        return gs__fail(graph->error, GS_ERR_INTERNAL, "op %s takes %u inputs, not %u", op->name, op->inputs, x_count);
    for (uint32_t i = 0; i < op->inputs; i++) {
        gs__value value = i < x_count ? x[i] : 0;
        if (value >= graph->value_count && value)
            return gs__fail(graph->error, GS_ERR_INTERNAL, "op %s: input %u is not a value of this graph", op->name, i);
        if (!value && !(op->optional & 1u << i))
            return gs__fail(graph->error, GS_ERR_INTERNAL, "op %s: input %u is missing", op->name, i);
        infos[i] = value ? &graph->values[value] : NULL;
    }
    return GS_OK;
}

static gs_status make_outputs(gs__graph *graph, gs__node *node, gs__value_info *y, bool wants_grad) {
    for (uint32_t i = 0; i < node->op->outputs; i++) {
        if (y[i].absent) continue;
        gs_status status = GS_OK;
        if (node->op->view) status = gs__graph_alias(graph, node->x[0], &y[i].shape, &node->y[i]);
        else if (node->op->in_place & 1u << i)
            status = gs__graph_alias(graph, node->x[i], &graph->values[node->x[i]].shape, &node->y[i]);
        else status = gs__graph_value(graph, &y[i].shape, y[i].dtype, y[i].storage, NULL, &node->y[i]);
        if (status != GS_OK) return status;
        graph->values[node->y[i]].wants_grad = wants_grad && !(node->op->in_place & 1u << i);
    }
    return GS_OK;
}

gs_status gs__graph_apply(gs__graph *graph, const char *op_name, const char *layer, const void *attr,
                          const gs__value *x, uint32_t x_count, gs__value *y) {
    gs_status status = GS_OK;
    const gs_op *op = gs__op_find(op_name);
    if (!op) return gs__fail(graph->error, GS_ERR_INTERNAL, "there is no op \"%s\"", op_name);
    gs__node node = {.op = op, .pass = GS__FORWARD, .layer = layer, .precision = graph->precision};
    if (attr && op->attr_bytes) memcpy(node.attr.bytes, attr, op->attr_bytes);

    const gs__value_info *infos[GS__MAX_INPUTS] = {0};
    gs__value_info outputs[GS__MAX_OUTPUTS] = {0};
    GS_TRY(check_inputs(graph, op, x, x_count, infos));
    bool wants_grad = false;
    for (uint32_t i = 0; i < x_count; i++) {
        node.x[i] = x[i];
        if (infos[i] && infos[i]->wants_grad && op->differentiable & 1u << i) wants_grad = true;
    }
    GS_TRY(op->shape(graph->error, &node, infos, outputs));
    GS_TRY(make_outputs(graph, &node, outputs, wants_grad));
    GS_TRY(gs__graph_append(graph, &node));
    if (y) memcpy(y, node.y, op->outputs * sizeof *y);
    return GS_OK;
fail:
    return layer ? gs__fail_at(graph->error, status, "layer \"%s\"", layer) : status;
}

gs_status gs__graph_in_place(gs__graph *graph, const char *op_name, const void *attr, const gs__value *x,
                             uint32_t x_count, uint32_t outputs) {
    gs_status status = GS_OK;
    const gs_op *op = gs__op_find(op_name);
    if (!op) return gs__fail(graph->error, GS_ERR_INTERNAL, "there is no op \"%s\"", op_name);
    gs__node node = {.op = op, .pass = GS__FORWARD};
    const gs__value_info *infos[GS__MAX_INPUTS] = {0};
    gs__value_info ignored[GS__MAX_OUTPUTS] = {0};
    if (attr && op->attr_bytes) memcpy(node.attr.bytes, attr, op->attr_bytes);
    GS_TRY(check_inputs(graph, op, x, x_count, infos));
    GS_TRY(op->shape(graph->error, &node, infos, ignored));
    memcpy(node.x, x, x_count * sizeof *x);
    for (uint32_t i = 0; i < outputs; i++) {
        const gs_shape shape = graph->values[x[i]].shape;
        GS_TRY(gs__graph_alias(graph, x[i], &shape, &node.y[i]));
    }
    GS_TRY(gs__graph_append(graph, &node));
fail:
    return status;
}

void gs__node_visit(const gs__node *node, gs__visit *visit, void *user) {
    bool forward = node->pass == GS__FORWARD;
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
        if (node->x[i]) visit(user, node->x[i], false);
        if (node->dx[i]) visit(user, node->dx[i], true);
    }
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) {
        if (node->y[i]) visit(user, node->y[i], forward);
        if (node->dy[i]) visit(user, node->dy[i], false);
    }
    if (node->epilogue_y) visit(user, node->epilogue_y, false);
    for (uint32_t i = 0; i < GS__MAX_SCRATCH; i++)
        if (node->scratch[i]) visit(user, node->scratch[i], true);
}

// --- fusion -----------------------------------------------------------------------------------------------------
struct reader_count {
    const gs__graph *graph;
    uint32_t *counts;
};

static void count_reader(void *user, gs__value value, bool is_write) {
    struct reader_count *r = user;
    if (!is_write) r->counts[value]++;
}

static gs__node *find_producer(gs__graph *graph, gs__value value, uint32_t before) {
    for (uint32_t i = before; i-- > 0;)
        for (uint32_t j = 0; j < GS__MAX_OUTPUTS; j++)
            if (graph->nodes[i].pass == GS__FORWARD && graph->nodes[i].y[j] == value) return &graph->nodes[i];
    return NULL;
}

static bool fold_into_producer(gs__graph *graph, uint32_t index, const uint32_t *readers) {
    const gs__node *node = &graph->nodes[index];
    gs__value input = node->x[0];
    if (node->pass != GS__FORWARD || !node->op->fold || !gs__epilogue_empty(&node->epilogue)) return false;
    if (readers[input] != 1 || graph->values[input].pinned) return false;
    gs__node *producer = find_producer(graph, input, index);
    if (!producer || !producer->op->takes_epilogue || producer->y[0] != input) return false;
    // Its backward would read the result before the epilogue, which would no longer be stored.
    if (graph->training && producer->op->needs_y & 1u) return false;
    gs__epilogue epilogue = producer->epilogue;
    if (!node->op->fold(node, graph->training, &epilogue)) return false;
    producer->epilogue = epilogue;
    producer->y[0] = node->y[0];
    return true;
}

gs_status gs__graph_fuse(gs__graph *graph) {
    uint32_t *readers = calloc(graph->value_count + 1, sizeof *readers);
    if (!readers) return gs__fail(graph->error, GS_ERR_MEMORY, "out of host memory to fuse a graph");
    for (uint32_t i = 0; i < graph->node_count; i++)
        gs__node_visit(&graph->nodes[i], count_reader, &(struct reader_count){graph, readers});
    uint32_t kept = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        graph->nodes[kept] = graph->nodes[i];
        if (!fold_into_producer(graph, kept, readers)) kept++;
    }
    graph->node_count = kept;
    free(readers);
    return GS_OK;
}

// --- pruning ----------------------------------------------------------------------------------------------------
struct liveness {
    const gs__graph *graph;
    bool *live; // by owner
    bool found;
};

static void find_live_write(void *user, gs__value value, bool is_write) {
    struct liveness *l = user;
    const gs__value_info *info = &l->graph->values[value];
    gs__value owner = gs__graph_owner(l->graph, value);
    if (is_write && (info->storage != GS__STORAGE_ACTIVATION || info->pinned || l->live[owner])) l->found = true;
}

static void mark_read(void *user, gs__value value, bool is_write) {
    struct liveness *l = user;
    if (!is_write) l->live[gs__graph_owner(l->graph, value)] = true;
}

gs_status gs__graph_prune(gs__graph *graph) {
    struct liveness l = {graph, calloc(graph->value_count + 1, sizeof(bool)), false};
    if (!l.live) return gs__fail(graph->error, GS_ERR_MEMORY, "out of host memory to prune a graph");
    for (uint32_t i = 1; i < graph->value_count; i++)
        if (graph->values[i].pinned) l.live[gs__graph_owner(graph, i)] = true;
    uint32_t begin = graph->node_count;
    for (uint32_t i = graph->node_count; i-- > 0;) {
        const gs__node node = graph->nodes[i];
        l.found = node.op->has_side_effect;
        gs__node_visit(&node, find_live_write, &l);
        if (!l.found) continue;
        gs__node_visit(&node, mark_read, &l);
        graph->nodes[--begin] = node;
    }
    graph->node_count -= begin;
    memmove(graph->nodes, graph->nodes + begin, graph->node_count * sizeof *graph->nodes);
    free(l.live);
    return GS_OK;
}
