#include "plan/place.h"

#include "plan/plan.h"
#include <stdlib.h>

// First and last node that touch a value's memory.
struct life {
    gs__value value;
    uint32_t first, last;
    uint64_t bytes, offset;
};

struct lives {
    const gs__graph *graph;
    struct life *of; // by owner
    uint32_t node;
};

static void touch(void *user, gs__value value, bool is_write) {
    (void)is_write;
    struct lives *l = user;
    struct life *life = &l->of[gs__graph_owner(l->graph, value)];
    if (l->node < life->first) life->first = l->node;
    if (l->node > life->last) life->last = l->node;
}

static int larger_first(const void *a, const void *b) {
    const struct life *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->value < y->value ? -1 : x->value > y->value;
}

static int lower_first(const void *a, const void *b) {
    const struct life *x = *(const struct life *const *)a, *y = *(const struct life *const *)b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

// The lowest gap that holds `life` among `placed[0 .. count)`, those that live at the same time.
static uint64_t lowest_gap(struct life **placed, uint32_t count, uint64_t bytes) {
    uint64_t offset = 0;
    qsort(placed, count, sizeof *placed, lower_first);
    for (uint32_t i = 0; i < count; i++) {
        if (placed[i]->offset >= offset + bytes) break;
        uint64_t end = placed[i]->offset + placed[i]->bytes;
        if (end > offset) offset = end;
    }
    return offset;
}

gs_status gs__graph_add_scratch(gs__graph *graph, const struct gs__gpu_caps *caps) {
    gs_status status = GS_OK;
    for (uint32_t n = 0; n < graph->node_count; n++) {
        gs_shape shapes[GS__MAX_SCRATCH] = {0};
        const gs_op *op = graph->nodes[n].op;
        if (op->scratch) op->scratch(graph, caps, &graph->nodes[n], shapes);
        for (uint32_t i = 0; i < GS__MAX_SCRATCH; i++) {
            gs__value *value = &graph->nodes[n].scratch[i];
            *value = 0;
            if (shapes[i].rank) GS_TRY(gs__graph_value(graph, &shapes[i], GS_F32, GS__STORAGE_ACTIVATION, NULL, value));
        }
    }
fail:
    return status;
}

// Greedy by size (Pisarchyk and Lee 2020, "Efficient memory management for deep neural net inference", algorithm 3).
gs_status gs__graph_place(gs__graph *graph) {
    gs_status status = GS_OK;
    const uint32_t count = graph->value_count;
    struct life *lives = calloc(count + 1, sizeof *lives), **placed = calloc(count + 1, sizeof(struct life *));
    uint32_t life_count = 0;
    if (!lives || !placed) {
        status = gs__fail(graph->error, GS_ERR_MEMORY, "out of host memory to place %u tensors", count);
        goto fail;
    }
    for (uint32_t v = 0; v < count; v++) lives[v] = (struct life){.value = v, .first = UINT32_MAX};
    struct lives all = {graph, lives, 0};
    for (; all.node < graph->node_count; all.node++) gs__node_visit(&graph->nodes[all.node], touch, &all);
    for (gs__value v = 1; v < count; v++) {
        struct life *life = &lives[gs__graph_owner(graph, v)];
        if (graph->values[v].pinned) life->first = 0, life->last = UINT32_MAX;
    }
    for (gs__value v = 1; v < count; v++) {
        const gs__value_info *info = &graph->values[v];
        if (info->alias || info->storage != GS__STORAGE_ACTIVATION || lives[v].first == UINT32_MAX) continue;
        uint64_t elements = 0;
        gs__shape_count(&info->shape, &elements);
        uint64_t bytes = elements * gs__dtype_bytes(info->dtype);
        lives[life_count] = lives[v];
        lives[life_count++].bytes = (bytes + GS__ACTIVATION_ALIGN - 1) / GS__ACTIVATION_ALIGN * GS__ACTIVATION_ALIGN;
    }
    qsort(lives, life_count, sizeof *lives, larger_first);
    uint64_t total = 0;
    for (uint32_t i = 0; i < life_count; i++) {
        uint32_t together = 0;
        for (uint32_t j = 0; j < i; j++)
            if (lives[j].first <= lives[i].last && lives[i].first <= lives[j].last) placed[together++] = &lives[j];
        lives[i].offset = lowest_gap(placed, together, lives[i].bytes);
        graph->values[lives[i].value].offset = lives[i].offset;
        if (lives[i].offset + lives[i].bytes > total) total = lives[i].offset + lives[i].bytes;
    }
    // Aliases lie where their owners do, whatever storage that is.
    for (gs__value v = 1; v < count; v++) graph->values[v].offset = graph->values[gs__graph_owner(graph, v)].offset;
    graph->storage_bytes[GS__STORAGE_ACTIVATION] = total;
fail:
    free(lives);
    free(placed);
    return status;
}

gs_status gs__plan_activation_bytes(gs__graph *graph, uint64_t *bytes) {
    gs_status status = gs__graph_place(graph);
    *bytes = graph->storage_bytes[GS__STORAGE_ACTIVATION];
    return status;
}
