// gs_model_plan: a recorded step in terms of the public header.
#include "plan/plan.h"
#include "base/memory.h"
#include "context/context.h"
#include "model/fuse.h"
#include "plan/place.h"
#include "tensor/shape.h"
#include "train/device_data.h"
#include <gradsmith/train.h>

#include <stdio.h>
#include <stdlib.h>

static const char *const uses[GS__STORAGE_COUNT] = {
    [GS__STORAGE_ACTIVATION] = "activation",
    [GS__STORAGE_PARAMETER] = "parameter",
    [GS__STORAGE_GRADIENT] = "gradient",
    [GS__STORAGE_SLOTS] = "optimizer state",
    [GS__STORAGE_SAMPLES] = "samples",
    [GS__STORAGE_TARGETS] = "targets",
    [GS__STORAGE_ROWS] = "rows",
    [GS__STORAGE_STATE] = "State",
};
static const char *const memory_names[GS__STORAGE_COUNT] = {
    [GS__STORAGE_ACTIVATION] = "arena", [GS__STORAGE_PARAMETER] = "parameters",
    [GS__STORAGE_GRADIENT] = "arena",   [GS__STORAGE_SLOTS] = "optimizer state",
    [GS__STORAGE_SAMPLES] = "data",     [GS__STORAGE_TARGETS] = "data",
    [GS__STORAGE_ROWS] = "arena",       [GS__STORAGE_STATE] = "arena",
};

enum { MAX_MEMORY = GS__STORAGE_COUNT + 1 };

// What gs_plan_destroy frees.
struct plan {
    gs_plan public;
    gs_plan_dispatch *dispatches;
    gs_plan_value *values;
    gs_plan_memory memory[MAX_MEMORY];
};

struct work {
    gs_model *model;
    gs__model_graph built;
    gs__device_data data;
    gs__plan *recorded;
    struct plan *plan;
    const gs__buffer *buffers[MAX_MEMORY]; // the allocations
    struct entry *entries;                 // by value of the graph
};

// A value of the graph on its way into the list.
struct entry {
    gs_plan_value value;
    uint32_t index; // in the list
    bool used;
};

// --- names ------------------------------------------------------------------------------------------------------------
static gs_plan_value *value_of(struct work *w, gs__value value) {
    return &w->entries[gs__graph_owner(&w->built.graph, value)].value;
}

// "dense/matmul", and "dense/matmul:1" for a second result.
static void name_result(gs_plan_value *value, const gs__node *node, uint32_t output) {
    char number[16] = "";
    if (value->name[0]) return;
    if (output) snprintf(number, sizeof number, ":%u", output);
    snprintf(value->name, sizeof value->name, "%.60s%s%s%s", node->layer ? node->layer : "", node->layer ? "/" : "",
             node->op->name, number);
}

// The gradient of a parameter lies where the parameter does.
static gs__value parameter_of(const gs__graph *graph, const gs__value_info *gradient) {
    if (gradient->storage != GS__STORAGE_GRADIENT) return 0;
    for (gs__value v = 1; v < graph->value_count; v++) {
        const gs__value_info *info = &graph->values[v];
        if (info->storage == GS__STORAGE_PARAMETER && info->offset == gradient->offset &&
            gs__shape_equal(&info->shape, &gradient->shape))
            return v;
    }
    return 0;
}

// A backward node names only those inputs that it reads.
static void name_gradient(struct work *w, const gs__node *node, uint32_t input) {
    gs_plan_value *gradient = value_of(w, node->dx[input]);
    if (gradient->name[0]) return;
    if (node->x[input]) snprintf(gradient->name, sizeof gradient->name, "d %.90s", value_of(w, node->x[input])->name);
    else
        snprintf(gradient->name, sizeof gradient->name, "d input of %.80s", node->layer ? node->layer : node->op->name);
}

static void name_values(struct work *w) {
    const gs__graph *graph = &w->built.graph;
    snprintf(w->entries[0].value.name, sizeof w->entries[0].value.name, "State");
    for (gs__value v = 1; v < graph->value_count; v++)
        if (graph->values[v].name) {
            gs_plan_value *value = &w->entries[v].value;
            snprintf(value->name, sizeof value->name, "%.90s", graph->values[v].name);
        }
    for (gs__value v = 1; v < graph->value_count; v++) {
        gs_plan_value *value = &w->entries[v].value;
        const gs__value parameter = parameter_of(graph, &graph->values[v]);
        if (!value->name[0] && parameter)
            snprintf(value->name, sizeof value->name, "d %.90s", w->entries[parameter].value.name);
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const gs__node *node = &graph->nodes[i];
        for (uint32_t y = 0; y < GS__MAX_OUTPUTS && node->pass == GS__FORWARD; y++)
            if (node->y[y]) name_result(value_of(w, node->y[y]), node, y);
        for (uint32_t x = 0; x < GS__MAX_INPUTS; x++)
            if (node->dx[x]) name_gradient(w, node, x);
        for (uint32_t s = 0; s < GS__MAX_SCRATCH; s++)
            if (node->scratch[s])
                snprintf(value_of(w, node->scratch[s])->name, sizeof value_of(w, 0)->name, "%.60s%s%s, parts",
                         node->layer ? node->layer : "", node->layer ? "/" : "", node->op->name);
    }
    // What is left are the flat arrays of the optimizer.
    for (gs__value v = 1; v < graph->value_count; v++) {
        gs_plan_value *value = &w->entries[v].value;
        const gs__storage storage = graph->values[v].storage;
        if (!value->name[0])
            snprintf(value->name, sizeof value->name, "all %s%s", uses[storage],
                     storage == GS__STORAGE_SLOTS ? "" : "s");
    }
}

// --- memory and values ------------------------------------------------------------------------------------------------
static uint32_t memory_of(const struct work *w, gs__storage storage) {
    uint64_t offset;
    const gs__buffer *buffer = gs__plan_memory(w->recorded, storage, &offset);
    uint32_t i = 0;
    while (i < w->plan->public.memory_count && w->buffers[i] != buffer) i++;
    return i;
}

static void list_memory(struct work *w) {
    static const gs__storage order[] = {GS__STORAGE_PARAMETER, GS__STORAGE_SLOTS, GS__STORAGE_ACTIVATION,
                                        GS__STORAGE_GRADIENT,  GS__STORAGE_STATE, GS__STORAGE_SAMPLES};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        uint64_t offset;
        const gs__buffer *buffer = gs__plan_memory(w->recorded, order[i], &offset);
        const uint32_t count = w->plan->public.memory_count;
        if (!buffer || memory_of(w, order[i]) < count) continue;
        w->buffers[count] = buffer;
        w->plan->memory[count] = (gs_plan_memory){memory_names[order[i]], gs__buffer_bytes(buffer)};
        w->plan->public.memory_count++;
    }
}

static void fill_values(struct work *w) {
    const gs__graph *graph = &w->built.graph;
    for (gs__value v = 0; v < graph->value_count; v++) {
        const gs__value_info *info = &graph->values[v];
        const gs__storage storage = v ? info->storage : GS__STORAGE_STATE;
        gs_plan_value *value = &w->entries[v].value;
        uint64_t base, count = 0;
        if (!gs__plan_memory(w->recorded, storage, &base)) continue;
        if (v) gs__shape_count(&info->shape, &count);
        value->use = uses[storage];
        value->shape = info->shape;
        value->dtype = info->dtype;
        value->memory = memory_of(w, storage);
        value->offset = base + info->offset;
        value->bytes = v ? count * gs__dtype_bytes(info->dtype) : graph->storage_bytes[GS__STORAGE_STATE];
    }
}

static void note_use(struct work *w, gs__value v, uint32_t dispatch) {
    struct entry *entry = &w->entries[gs__graph_owner(&w->built.graph, v)];
    if (!entry->used) entry->value.first = dispatch;
    entry->value.last = dispatch;
    entry->used = true;
}

static int by_place(const void *a, const void *b) {
    const gs_plan_value *x = &(*(const struct entry *const *)a)->value, *y = &(*(const struct entry *const *)b)->value;
    if (x->memory != y->memory) return x->memory < y->memory ? -1 : 1;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

static gs_status list_values(struct work *w) {
    const uint32_t count = w->built.graph.value_count;
    struct entry **sorted = gs__allocate(w->model->error, count, sizeof *sorted, "values of a plan");
    w->plan->values = gs__allocate(w->model->error, count, sizeof *w->plan->values, "values of a plan");
    if (!sorted || !w->plan->values) {
        free(sorted);
        return GS_ERR_MEMORY;
    }
    uint32_t used = 0;
    for (uint32_t v = 0; v < count; v++)
        if (w->entries[v].used) sorted[used++] = &w->entries[v];
    qsort(sorted, used, sizeof(struct entry *), by_place);
    for (uint32_t i = 0; i < used; i++) {
        sorted[i]->index = i;
        w->plan->values[i] = sorted[i]->value;
    }
    w->plan->public.value_count = used;
    w->plan->public.values = w->plan->values;
    free(sorted);
    return GS_OK;
}

// --- dispatches -------------------------------------------------------------------------------------------------------
_Static_assert(GS_PLAN_MAX_ACCESSES >= GS__MAX_TENSORS_PER_DISPATCH + 1, "room for what a dispatch uses");

static void fill_dispatch(struct work *w, const gs__plan_dispatch *from, gs_plan_dispatch *to) {
    *to = (gs_plan_dispatch){.op = from->op,
                             .kernel = from->kernel,
                             .backward = from->pass == GS__BACKWARD,
                             .barrier = from->barrier,
                             .groups = {from->groups[0], from->groups[1], from->groups[2]}};
    if (from->layer) snprintf(to->layer, sizeof to->layer, "%.90s", from->layer);
    for (uint32_t i = 0; i < from->tensor_count; i++) {
        const gs__plan_tensor *t = &from->tensors[i];
        const gs__value owner = gs__graph_owner(&w->built.graph, t->value);
        const gs__storage storage = t->value ? w->built.graph.values[t->value].storage : GS__STORAGE_STATE;
        uint64_t base;
        gs__plan_memory(w->recorded, storage, &base);
        const gs_plan_access access = {.value = w->entries[owner].index,
                                       .reads = t->access & GS__READ,
                                       .writes = t->access & GS__WRITE,
                                       .offset = base + t->offset,
                                       .bytes = t->bytes};
        // Once, although it may stand behind several bindings.
        gs_plan_access *same = to->accesses, *end = to->accesses + to->access_count;
        while (same < end && (same->value != access.value || same->offset != access.offset)) same++;
        if (same == end) to->accesses[to->access_count++] = access;
        same->reads = same->reads || access.reads;
        same->writes = same->writes || access.writes;
        if (access.bytes > same->bytes) same->bytes = access.bytes;
    }
}

static gs_status fill_dispatches(struct work *w) {
    gs_status status = GS_OK;
    const uint32_t count = gs__plan_dispatch_count(w->recorded);
    w->plan->dispatches = gs__allocate(w->model->error, count, sizeof *w->plan->dispatches, "dispatches of a plan");
    if (!w->plan->dispatches) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        const gs__plan_dispatch *d = gs__plan_get_dispatch(w->recorded, i);
        for (uint32_t t = 0; t < d->tensor_count; t++) note_use(w, d->tensors[t].value, i);
    }
    GS_TRY(list_values(w));
    for (uint32_t i = 0; i < count; i++)
        fill_dispatch(w, gs__plan_get_dispatch(w->recorded, i), &w->plan->dispatches[i]);
    w->plan->public.dispatch_count = count;
    w->plan->public.dispatches = w->plan->dispatches;
fail:
    return status;
}

static void fill_sums(struct work *w) {
    gs_plan *plan = &w->plan->public;
    const gs__graph *graph = &w->built.graph;
    plan->activation_bytes = graph->storage_bytes[GS__STORAGE_ACTIVATION];
    plan->gradient_bytes = graph->storage_bytes[GS__STORAGE_GRADIENT];
    plan->state_bytes = graph->storage_bytes[GS__STORAGE_STATE];
    for (gs__value v = 1; v < graph->value_count; v++)
        if (w->entries[v].used && graph->values[v].storage == GS__STORAGE_ACTIVATION)
            plan->unshared_activation_bytes +=
                (w->entries[v].value.bytes + GS__ACTIVATION_ALIGN - 1) / GS__ACTIVATION_ALIGN * GS__ACTIVATION_ALIGN;
}

// --- the whole --------------------------------------------------------------------------------------------------------
static gs_status record(struct work *w, uint32_t batch_size) {
    gs_status status = GS_OK;
    gs__gpu *gpu;
    GS_TRY(gs__model_build_example(w->model, batch_size, &w->built));
    GS_TRY(gs__context_gpu(w->model->context, &gpu));
    GS_TRY(gs__graph_fuse_for(&w->built.graph, gs__gpu_get_caps(gpu)));
    GS_TRY(gs__model_upload(w->model));
    if (w->built.graph.training) GS_TRY(gs__model_make_slots(w->model));
    GS_TRY(gs__device_data_make(w->model, &w->built, 0, &w->data));
    gs__plan_params params = {.gpu = gpu, .graph = &w->built.graph};
    params.buffers[GS__STORAGE_PARAMETER] = w->model->device_weights;
    params.buffers[GS__STORAGE_SLOTS] = w->model->device_slots;
    gs__device_data_bind(&w->data, &params);
    GS_TRY(gs__plan_create(w->model->error, &params, &w->recorded));
    w->plan->public.device = gs__gpu_get_caps(gpu)->info;
    w->plan->public.batch_size = batch_size;
fail:
    return status;
}

gs_status gs_model_plan(gs_model *model, uint32_t batch_size, gs_plan **out) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!out) return gs__fail(model->error, GS_ERR_ARGUMENT, "gs_model_plan: plan is NULL");
    gs_status status = GS_OK;
    *out = NULL;
    struct work w = {.model = model};
    w.plan = gs__allocate(model->error, 1, sizeof *w.plan, "a plan");
    if (!w.plan) return GS_ERR_MEMORY;
    *w.plan = (struct plan){.public.memory = w.plan->memory};
    GS_TRY(record(&w, batch_size));
    const uint32_t count = w.built.graph.value_count;
    w.entries = gs__allocate(model->error, count, sizeof *w.entries, "values of a plan");
    if (!w.entries) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    name_values(&w);
    list_memory(&w);
    fill_values(&w);
    GS_TRY(fill_dispatches(&w));
    fill_sums(&w);
    w.plan->memory[w.plan->public.memory_count++] = (gs_plan_memory){"read-back", gs__plan_readback_bytes(w.recorded)};
    GS_TRY(gs__context_check_validation(model->context));
    *out = &w.plan->public;
    w.plan = NULL;
fail:
    gs__plan_destroy(w.recorded);
    gs__device_data_deinit(&w.data);
    gs__model_graph_deinit(&w.built);
    free(w.entries);
    if (w.plan) gs_plan_destroy(&(gs_plan *){&w.plan->public});
    return status;
}

void gs_plan_destroy(gs_plan **plan) {
    if (!plan || !*plan) return;
    struct plan *whole = (struct plan *)(void *)*plan; // its first member
    free(whole->dispatches);
    free(whole->values);
    free(whole);
    *plan = NULL;
}
