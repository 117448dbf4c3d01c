#include "plan/internal.h"
#include "tensor/shape.h"

#include <stdlib.h>
#include <string.h>

const gs__gpu_caps *gs__recorder_caps(const gs__recorder *recorder) {
    return gs__gpu_get_caps(recorder->plan->gpu);
}

gs__error *gs__recorder_error(gs__recorder *recorder) {
    return recorder->plan->error;
}

const gs__value_info *gs__recorder_value(const gs__recorder *recorder, gs__value value) {
    return value ? &recorder->plan->graph->values[value] : NULL;
}

bool gs__recorder_shuffles(const gs__recorder *recorder, gs_precision precision) {
    return precision <= GS_PRECISION_FLOAT32 && gs__caps_shuffle(gs__recorder_caps(recorder));
}

bool gs__storage_fits_texels(const gs__recorder *recorder, gs__storage storage) {
    return recorder->plan->graph->storage_bytes[storage] <=
           (uint64_t)gs__recorder_caps(recorder)->max_texel_elements * 16;
}

bool gs__storage_fits_binding(const gs__recorder *recorder, gs__storage storage) {
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    return recorder->plan->graph->storage_bytes[storage] + caps->offset_align + 16 <= caps->max_storage_range;
}

const gs__graph *gs__recorder_graph(const gs__recorder *recorder) {
    return recorder->plan->graph;
}

uint32_t gs__value_count(const gs__recorder *recorder, gs__value value) {
    return (uint32_t)gs__graph_count(recorder->plan->graph, value);
}

uint32_t gs__value_rows(const gs__recorder *recorder, gs__value value) {
    const gs__value_info *info = gs__recorder_value(recorder, value);
    if (!info) return 0;
    return info->shape.rank ? (uint32_t)info->shape.dim[0] : 1;
}

gs__dispatch gs__dispatch_init(const gs__shader *shader, uint32_t spec_count, void *push, uint32_t push_bytes) {
    return (gs__dispatch){.shader = shader, .push = push, .push_bytes = push_bytes, .spec_count = spec_count};
}

void gs__bind_part(gs__recorder *recorder, gs__dispatch *dispatch, uint32_t binding, uint32_t access, gs__value value,
                   uint32_t first, uint32_t count, uint32_t *offset) {
    (void)recorder;
    if (offset) *offset = 0;
    if (!value) return;
    // Too many tensors: recording fails, since the count says so.
    uint32_t i = dispatch->tensor_count++;
    if (i >= GS__MAX_TENSORS_PER_DISPATCH) return;
    dispatch->tensor[i].binding = binding;
    dispatch->tensor[i].access = access;
    dispatch->tensor[i].value = value;
    dispatch->tensor[i].first = first;
    dispatch->tensor[i].count = count;
    dispatch->tensor[i].offset = offset;
}

void gs__bind(gs__recorder *recorder, gs__dispatch *dispatch, uint32_t binding, uint32_t access, gs__value value,
              uint32_t *offset) {
    gs__bind_part(recorder, dispatch, binding, access, value, 0, 0, offset);
}

// The State buffer has no value in the graph: value 0 stands for it.
void gs__bind_state(gs__recorder *recorder, gs__dispatch *dispatch, uint32_t binding, uint32_t access) {
    (void)recorder;
    uint32_t i = dispatch->tensor_count++;
    if (i >= GS__MAX_TENSORS_PER_DISPATCH) return;
    dispatch->tensor[i].binding = binding;
    dispatch->tensor[i].access = access;
    dispatch->tensor[i].value = 0;
    dispatch->tensor[i].offset = NULL;
}

struct window {
    gs__storage storage; // ROWS count as STATE, which they lie in
    gs__buffer *buffer;  // NULL: nothing is bound
    uint64_t begin, end;
    uint32_t access;
};

static gs_status internal_error(gs__recorder *r, const gs__dispatch *d, const char *what) {
    return gs__fail(r->plan->error, GS_ERR_INTERNAL, "kernel %s: %s", d->shader->name, what);
}

static struct window state_window(const gs__plan *plan, uint64_t bytes) {
    const uint64_t begin = plan->base[GS__STORAGE_STATE];
    return (struct window){GS__STORAGE_STATE, plan->buffers[GS__STORAGE_STATE], begin, begin + bytes, 0};
}

// Bytes of tensor `i` of a dispatch.
static void tensor_range(const gs__recorder *r, const gs__dispatch *d, uint32_t i, struct window *range) {
    const gs__plan *plan = r->plan;
    const gs__value value = d->tensor[i].value;
    if (!value) {
        *range = state_window(plan, plan->graph->storage_bytes[GS__STORAGE_STATE]);
        return;
    }
    const gs__value_info *info = &plan->graph->values[value];
    uint64_t count = d->tensor[i].count;
    if (!count) gs__shape_count(&info->shape, &count);
    range->storage = info->storage == GS__STORAGE_ROWS ? GS__STORAGE_STATE : info->storage;
    range->buffer = plan->buffers[info->storage];
    range->begin = plan->base[info->storage] + info->offset + d->tensor[i].first * gs__dtype_bytes(info->dtype);
    range->end = range->begin + count * gs__dtype_bytes(info->dtype);
}

// Puts the dispatch's tensors into one window for each binding.
static gs_status make_windows(gs__recorder *r, const gs__dispatch *d, struct window windows[GS__MAX_BINDINGS]) {
    const gs__gpu_caps *caps = gs__recorder_caps(r);
    for (uint32_t i = 0; i < d->tensor_count; i++) {
        if (d->tensor[i].binding >= d->shader->binding_count) return internal_error(r, d, "no such binding");
        struct window *w = &windows[d->tensor[i].binding], range = {0};
        tensor_range(r, d, i, &range);
        if (w->buffer && w->buffer != range.buffer)
            return internal_error(r, d, "tensors of two buffers share a binding");
        if (!w->buffer) *w = range;
        if (range.begin < w->begin) w->begin = range.begin;
        if (range.end > w->end) w->end = range.end;
        w->access |= d->tensor[i].access;
    }
    for (uint32_t i = 0; i < d->shader->binding_count; i++) {
        struct window *w = &windows[i];
        const bool reads = d->shader->binding_reads & 1u << i, writes = d->shader->binding_writes & 1u << i;
        if (!w->buffer) {
            *w = state_window(r->plan, sizeof(struct gs_state));
            w->access = writes ? GS__WRITE : GS__READ;
            continue;
        }
        if ((w->access & GS__WRITE && !writes) || (!(w->access & GS__WRITE) && writes) ||
            (w->access & GS__READ && !reads))
            return internal_error(r, d, "the op's declared access is not the shader's");
        w->begin = w->begin / caps->offset_align * caps->offset_align;
        w->end = (w->end + 15) / 16 * 16;
        const uint64_t buffer_end = (gs__buffer_bytes(w->buffer) + 15) / 16 * 16;
        if (w->end > buffer_end) w->end = buffer_end;
        if (w->end - w->begin > caps->max_storage_range)
            return gs__fail(r->plan->error, GS_ERR_UNSUPPORTED,
                            "kernel %s needs %llu bytes behind one binding but %s allows %llu; use a smaller batch, "
                            "model or data set",
                            d->shader->name, (unsigned long long)(w->end - w->begin), caps->info.name,
                            (unsigned long long)caps->max_storage_range);
    }
    return GS_OK;
}

static bool conflicts(const gs__recorder *r, const struct window *w) {
    for (uint32_t i = 0; i < r->access_count; i++) {
        const struct gs__access *a = &r->accesses[i];
        if (a->buffer == w->buffer && (a->write || w->access & GS__WRITE) && a->begin < w->end && w->begin < a->end)
            return true;
    }
    return false;
}

// Room for one more element; NULL without memory.
static void *grow(gs__recorder *r, void *list, uint32_t count, uint32_t *capacity, size_t bytes) {
    if (count < *capacity) return list;
    const uint32_t wanted = *capacity ? 2 * *capacity : 32;
    void *bigger = realloc(list, wanted * bytes);
    if (bigger) *capacity = wanted;
    else gs__fail(r->plan->error, GS_ERR_MEMORY, "out of host memory to record a plan");
    return bigger;
}

static gs_status note_access(gs__recorder *r, const struct window *w) {
    struct gs__access *list = grow(r, r->accesses, r->access_count, &r->access_capacity, sizeof *list);
    if (!list) return GS_ERR_MEMORY;
    r->accesses = list;
    r->accesses[r->access_count++] = (struct gs__access){w->buffer, w->begin, w->end, w->access & GS__WRITE};
    return GS_OK;
}

// A barrier where this dispatch touches what an earlier one wrote, or writes what an earlier one touches. Counted are
// whole windows, as the validation layers do: a window may hold more than the tensors in it.
static gs_status synchronize(gs__recorder *r, const gs__dispatch *d, const struct window windows[GS__MAX_BINDINGS]) {
    struct window state = state_window(r->plan, sizeof(struct gs_state));
    state.access = GS__READ;
    r->barrier = d->shader->reads_state && conflicts(r, &state);
    for (uint32_t i = 0; i < d->shader->binding_count && !r->barrier; i++) r->barrier = conflicts(r, &windows[i]);
    if (r->barrier) {
        gs__commands_barrier(r->commands, false);
        r->access_count = 0;
    }
    gs_status status = GS_OK;
    if (d->shader->reads_state) status = note_access(r, &state);
    for (uint32_t i = 0; i < d->shader->binding_count && status == GS_OK; i++) status = note_access(r, &windows[i]);
    return status;
}

// What summary and profile tell of the dispatch that is about to be recorded.
static gs_status describe(gs__recorder *r, const gs__dispatch *d, const uint32_t groups[3]) {
    gs__plan *plan = r->plan;
    gs__plan_dispatch *list = grow(r, plan->dispatches, plan->dispatch_count, &plan->dispatch_capacity, sizeof *list);
    if (!list) return GS_ERR_MEMORY;
    plan->dispatches = list;
    gs__plan_dispatch info = {.layer = r->node->layer,
                              .op = r->node->op->name,
                              .kernel = d->shader->name,
                              .pass = r->node->pass,
                              .barrier = r->barrier,
                              .groups = {groups[0], groups[1], groups[2]}};
    for (uint32_t i = 0; i < d->tensor_count; i++) {
        struct window range = {0};
        tensor_range(r, d, i, &range);
        const gs__value value = d->tensor[i].value;
        const uint32_t access = d->tensor[i].access;
        info.tensors[info.tensor_count++] =
            (gs__plan_tensor){value, access, range.begin - plan->base[range.storage], range.end - range.begin};
        const uint64_t bytes = value ? range.end - range.begin : sizeof(struct gs_state);
        info.bytes += bytes * ((access & GS__READ ? 1u : 0u) + (access & GS__WRITE ? 1u : 0u));
    }
    bool has_state = false;
    for (uint32_t i = 0; i < d->tensor_count; i++) has_state = has_state || !d->tensor[i].value;
    if (d->shader->reads_state && !has_state)
        info.tensors[info.tensor_count++] = (gs__plan_tensor){0, GS__READ, 0, sizeof(struct gs_state)};
    plan->dispatches[plan->dispatch_count++] = info;
    return GS_OK;
}

// Writes each tensor's first element in its window to where the op wants it: into the push constants.
static void set_offsets(const gs__recorder *r, const gs__dispatch *d, const struct window windows[GS__MAX_BINDINGS]) {
    for (uint32_t i = 0; i < d->tensor_count; i++) {
        struct window range = {0};
        tensor_range(r, d, i, &range);
        if (d->tensor[i].offset)
            *d->tensor[i].offset = (uint32_t)((range.begin - windows[d->tensor[i].binding].begin) / sizeof(float));
    }
}

static gs_status note_kernel(gs__recorder *r, const gs__dispatch *d) {
    gs__kernel *list = grow(r, r->kernels, r->kernel_count, &r->kernel_capacity, sizeof *list);
    if (!list) return GS_ERR_MEMORY;
    r->kernels = list;
    gs__kernel *kernel = &r->kernels[r->kernel_count++];
    *kernel = (gs__kernel){.shader = d->shader, .spec_count = d->spec_count};
    memcpy(kernel->spec, d->spec, sizeof kernel->spec);
    return GS_OK;
}

gs_status gs__dispatch_record(gs__recorder *r, gs__dispatch *d, uint64_t groups_x, uint64_t groups_y,
                              uint64_t groups_z) {
    gs_status status = GS_OK;
    const gs__gpu_caps *caps = gs__recorder_caps(r);
    const uint64_t wanted[3] = {groups_x, groups_y, groups_z};
    if (!groups_x || !groups_y || !groups_z) return GS_OK;
    if (d->tensor_count > GS__MAX_TENSORS_PER_DISPATCH) return internal_error(r, d, "too many tensors");
    if (d->push_bytes != d->shader->push_bytes) return internal_error(r, d, "push constants of another size");
    for (uint32_t i = 0; i < 3; i++)
        if (wanted[i] > caps->max_groups[i])
            return gs__fail(r->plan->error, GS_ERR_UNSUPPORTED, "kernel %s needs %llu workgroups but %s allows %u",
                            d->shader->name, (unsigned long long)wanted[i], caps->info.name, caps->max_groups[i]);
    if (!r->commands) return note_kernel(r, d);

    struct window windows[GS__MAX_BINDINGS] = {0};
    gs__range ranges[GS__MAX_BINDINGS],
        state = {r->plan->buffers[GS__STORAGE_STATE], r->plan->base[GS__STORAGE_STATE], sizeof(struct gs_state)};
    GS_TRY(make_windows(r, d, windows));
    for (uint32_t i = 0; i < d->shader->binding_count; i++)
        ranges[i] = (gs__range){windows[i].buffer, windows[i].begin, windows[i].end - windows[i].begin};
    set_offsets(r, d, windows);
    gs__pipeline *pipeline;
    GS_TRY(gs__pipeline_get(r->plan->gpu, d->shader, d->spec, d->spec_count, &pipeline));
    GS_TRY(synchronize(r, d, windows));
    const uint32_t groups[3] = {(uint32_t)groups_x, (uint32_t)groups_y, (uint32_t)groups_z};
    if (r->describe) GS_TRY(describe(r, d, groups));
    if (r->plan->profile && !r->describe) gs__commands_timestamp(r->commands, 2 * r->dispatch_count);
    GS_TRY(gs__commands_dispatch(r->commands, pipeline, ranges, &state, d->push, d->push_bytes, groups));
    if (r->plan->profile && !r->describe) gs__commands_timestamp(r->commands, 2 * r->dispatch_count + 1);
    r->dispatch_count++;
fail:
    return status;
}

gs_status gs__dispatch_record_1d(gs__recorder *r, gs__dispatch *d, uint64_t items, uint32_t per_group) {
    uint64_t groups = (items + per_group - 1) / per_group, row = gs__recorder_caps(r)->max_groups[0];
    if (groups <= row) return gs__dispatch_record(r, d, groups, 1, 1);
    return gs__dispatch_record(r, d, row, (groups + row - 1) / row, 1);
}

// --- choices --------------------------------------------------------------------------------------------------------
static bool overlap(const struct window *a, const struct window *b) {
    return a->buffer == b->buffer && a->begin < b->end && b->begin < a->end;
}

// Whether a dispatch can run in buffers of its own, one for each binding, filled with numbers: no tensor that it writes
// is behind another binding too.
static bool separable(const gs__recorder *r, const gs__dispatch *d, const struct window windows[GS__MAX_BINDINGS]) {
    for (uint32_t i = 0; i < d->shader->binding_count; i++) {
        if (windows[i].storage == GS__STORAGE_STATE) {
            const uint64_t bytes = windows[i].end - r->plan->base[GS__STORAGE_STATE];
            if (windows[i].access & GS__WRITE || bytes > sizeof(struct gs_state)) return false;
        }
    }
    for (uint32_t i = 0; i < d->tensor_count; i++)
        for (uint32_t j = 0; j < d->tensor_count; j++) {
            struct window a = {0}, b = {0};
            if (d->tensor[i].binding == d->tensor[j].binding || !(d->tensor[i].access & GS__WRITE)) continue;
            tensor_range(r, d, i, &a);
            tensor_range(r, d, j, &b);
            if (overlap(&a, &b)) return false;
        }
    return true;
}

// Keeps a choice that is to be measured.
static gs_status note_choice(gs__recorder *r, const gs__dispatch *d, const gs__choice *choice) {
    gs_status status = GS_OK;
    struct window windows[GS__MAX_BINDINGS] = {0};
    GS_TRY(make_windows(r, d, windows));
    if (!separable(r, d, windows) || d->push_bytes > GS__MAX_PUSH_BYTES) return GS_OK;
    set_offsets(r, d, windows);
    gs__tuning *list = grow(r, r->tunings, r->tuning_count, &r->tuning_capacity, sizeof *list);
    if (!list) return GS_ERR_MEMORY;
    r->tunings = list;
    gs__tuning *t = &r->tunings[r->tuning_count++];
    *t = (gs__tuning){.choice = *choice,
                      .push_bytes = d->push_bytes,
                      .tensor_count = d->tensor_count,
                      .batch = r->plan->graph->batch};
    memcpy(t->push, d->push, d->push_bytes);
    for (uint32_t i = 0; i < d->shader->binding_count; i++) {
        t->window[i].bytes = windows[i].end - windows[i].begin;
        t->window[i].buffer_bytes = gs__buffer_bytes(windows[i].buffer);
        t->window[i].access = windows[i].access;
    }
    for (uint32_t i = 0; i < d->tensor_count; i++) {
        struct window range = {0};
        tensor_range(r, d, i, &range);
        t->tensor[i].binding = d->tensor[i].binding;
        t->tensor[i].access = d->tensor[i].access;
        t->tensor[i].begin = range.begin - windows[d->tensor[i].binding].begin;
        t->tensor[i].bytes = range.end - range.begin;
        t->tensor[i].dtype = d->tensor[i].value ? gs__recorder_value(r, d->tensor[i].value)->dtype : GS_I32;
    }
fail:
    return status;
}

static void take_way(gs__dispatch *d, const gs__way *way) {
    d->shader = way->shader;
    d->spec_count = way->spec_count;
    memcpy(d->spec, way->spec, sizeof d->spec);
}

gs_status gs__dispatch_record_choice(gs__recorder *r, gs__dispatch *d, const gs__choice *choice) {
    gs_status status = GS_OK;
    gs__tuner *tuner = gs__tuner_get(r->plan->gpu);
    if (!tuner) return gs__fail(r->plan->error, GS_ERR_MEMORY, "out of host memory to choose kernels");
    const gs__way *way = gs__tuner_find(tuner, choice);
    take_way(d, way);
    const bool doubts = choice->unproven && !gs__tuner_tried(tuner, choice->ways[0].shader);
    if (!r->commands && (doubts || gs__tuner_wants(tuner, choice))) GS_TRY(note_choice(r, d, choice));
    GS_TRY(gs__dispatch_record_1d(r, d, way->groups, 1));
fail:
    return status;
}

static gs_status record_step(gs__recorder *r) {
    const gs__graph *graph = r->plan->graph;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const gs__node *node = r->node = &graph->nodes[i];
        if (node->op->view) continue;
        gs_status status = (node->pass == GS__FORWARD ? node->op->forward : node->op->backward)(r, node);
        if (status == GS_OK) continue;
        if (node->layer) gs__fail_at(r->plan->error, status, "layer \"%s\"", node->layer);
        return status;
    }
    return GS_OK;
}

gs_status gs__record_steps(gs__plan *plan, gs__commands *commands, uint32_t steps, bool describe) {
    gs__recorder r = {.plan = plan, .commands = commands, .describe = describe};
    gs_status status = GS_OK;
    for (uint32_t i = 0; i < steps && status == GS_OK; i++) status = record_step(&r);
    free(r.accesses);
    return status;
}

gs_status gs__record_kernels(gs__plan *plan) {
    gs__recorder r = {.plan = plan};
    gs_status status = record_step(&r);
    if (status == GS_OK) status = gs__pipeline_prepare(plan->gpu, r.kernels, r.kernel_count);
    if (status == GS_OK) status = gs__tune(plan->gpu, r.tunings, r.tuning_count);
    free(r.tunings);
    free(r.kernels);
    return status;
}
