#include "train/nan.h"

#include "base/clock.h"
#include "base/text.h"
#include "plan/interpret.h"
#include "plan/shuffle.h"
#include "plan/tick.h"
#include "schedule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_NS       10000000000ull // between copies
#define MAX_BYTES     (256ull << 20) // of a copy
#define DEFAULT_CAUSE "lower the learning rate, or look for bad values in the data"

// --- keeping -------------------------------------------------------------------------------------------------------
bool gs__all_finite(const float *values, uint64_t bytes) {
    for (uint64_t i = 0; values && i < bytes / sizeof *values; i++)
        if (!isfinite(values[i])) return false;
    return true;
}

static uint64_t slot_bytes_of(const gs_model *model) {
    return model->device_slots ? gs__model_slot_bytes(model) : 0;
}

static bool is_finite(const gs__nan_guard *guard) {
    const gs_model *model = guard->session->model;
    return gs__all_finite(guard->weights, model->parameter_bytes) && gs__all_finite(guard->slots, slot_bytes_of(model));
}

// Room for a copy. False: there is none.
static bool make_room(gs__nan_guard *guard) {
    const gs_model *model = guard->session->model;
    const uint64_t slot_bytes = slot_bytes_of(model);
    guard->weights = malloc(model->parameter_bytes);
    guard->slots = slot_bytes ? malloc(slot_bytes) : NULL;
    return guard->weights && (guard->slots || !slot_bytes);
}

bool gs__nan_due(const gs__nan_guard *guard) {
    return !guard->off && !guard->restores && gs__clock_ns() - guard->taken_ns > KEEP_NS;
}

uint64_t gs__nan_interval(const gs__nan_guard *guard, uint64_t total_step) {
    return guard->restores ? GS__NAN_STEPS - total_step % GS__NAN_STEPS : UINT64_MAX;
}

static gs_status read_back(gs__nan_guard *guard) {
    gs_status status = GS_OK;
    const gs_model *model = guard->session->model;
    if (model->parameter_bytes)
        GS_TRY(gs__buffer_read(model->device_weights, 0, guard->weights, model->parameter_bytes));
    if (guard->slots) GS_TRY(gs__buffer_read(model->device_slots, 0, guard->slots, gs__model_slot_bytes(model)));
    GS_TRY(gs__plan_get_state(guard->session->plan, &guard->state));
fail:
    return status;
}

// Only what is finite takes the place of the copy that there is.
static gs_status keep_finite(gs__nan_guard *guard) {
    gs_status status = GS_OK;
    gs__nan_guard fresh = *guard;
    if (!make_room(&fresh)) {
        status = gs__fail(guard->session->model->error, GS_ERR_MEMORY, "out of host memory for a copy to go back to");
        goto fail;
    }
    GS_TRY(read_back(&fresh));
    if (guard->weights && !is_finite(&fresh)) goto fail;
    fresh.taken_ns = gs__clock_ns();
    gs__nan_guard_deinit(guard);
    *guard = fresh;
    return GS_OK;
fail:
    gs__nan_guard_deinit(&fresh);
    return status;
}

gs_status gs__nan_keep(gs__nan_guard *guard, uint64_t total_step, bool at_begin) {
    const gs_model *model = guard->session->model;
    if (guard->restores) {
        const bool due = !guard->taken_ns || at_begin || total_step % GS__NAN_STEPS == 0;
        return due ? keep_finite(guard) : GS_OK;
    }
    if (guard->off || (guard->taken_ns && !gs__nan_due(guard))) return GS_OK;
    if (!guard->weights) {
        guard->off = model->parameter_bytes + slot_bytes_of(model) > MAX_BYTES || !model->parameter_bytes;
        if (guard->off) return GS_OK;
        guard->off = !make_room(guard); // training matters more than this
        if (guard->off) return GS_OK;
    }
    gs_status status = read_back(guard);
    guard->taken_ns = gs__clock_ns();
    return status;
}

void gs__nan_guard_deinit(gs__nan_guard *guard) {
    free(guard->weights);
    free(guard->slots);
    guard->weights = guard->slots = NULL;
}

// --- going back ----------------------------------------------------------------------------------------------------
static uint64_t step_of(const struct gs_position *p) {
    return (uint64_t)p->step_hi << 32 | p->step_lo;
}

static gs_status restore(gs__nan_guard *guard) {
    gs_status status = GS_OK;
    gs_model *model = guard->session->model;
    GS_TRY(gs__plan_wait(guard->session->plan));
    GS_TRY(gs__buffer_write(model->device_weights, 0, guard->weights, model->parameter_bytes));
    if (guard->slots) GS_TRY(gs__buffer_write(model->device_slots, 0, guard->slots, gs__model_slot_bytes(model)));
    GS_TRY(gs__plan_set_state(guard->session->plan, &guard->state));
fail:
    return status;
}

// Moves the copy on to the last step up to `failing` that begins with finite weights and optimizer state.
static gs_status find_step(gs__nan_guard *guard, uint64_t failing) {
    gs_status status = GS_OK;
    const gs_model *model = guard->session->model;
    gs__nan_guard probe = *guard;
    uint64_t low = step_of(&guard->state.next), high = failing;
    probe.weights = malloc(model->parameter_bytes);
    probe.slots = guard->slots ? malloc(gs__model_slot_bytes(model)) : NULL;
    if (!probe.weights || (guard->slots && !probe.slots))
        GS_TRY(gs__fail(model->error, GS_ERR_MEMORY, "out of host memory"));
    while (low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        gs__run run = {.steps = middle - low};
        GS_TRY(restore(guard));
        while (run.finished < run.steps) GS_TRY(gs__plan_advance(guard->session->plan, &run));
        GS_TRY(read_back(&probe));
        if (is_finite(&probe)) {
            float *weights = guard->weights, *slots = guard->slots;
            guard->weights = probe.weights, guard->slots = probe.slots, guard->state = probe.state;
            probe.weights = weights, probe.slots = slots;
            low = middle;
        } else high = middle - 1;
    }
    GS_TRY(restore(guard));
fail:
    free(probe.weights);
    free(probe.slots);
    return status;
}

// A rate and all that a schedule makes.
static void scale_rates(struct gs_state *state, float factor) {
    state->set.learning_rate *= factor;
    for (uint32_t i = 0; i < GS_MAX_SEGMENTS; i++) {
        state->schedule[i].from *= factor;
        state->schedule[i].to *= factor;
    }
}

gs_status gs__nan_go_back(gs__nan_guard *guard, double factor, struct gs_state *settings, uint64_t *from) {
    gs_status status = GS_OK;
    gs_model *model = guard->session->model;
    const struct gs_position then = guard->state.next;
    const gs__slot_layout layout = gs__model_slot_layout(model);
    struct gs_state now;
    *from = step_of(&then);
    GS_TRY(gs__plan_get_state(guard->session->plan, &now));
    scale_rates(&now, (float)factor);
    scale_rates(settings, (float)factor);
    // What belongs to the optimizer's state goes back with it, the place in the data does not.
    const struct gs_position at = now.next;
    now.next = then;
    now.next.step_lo = at.step_lo, now.next.step_hi = at.step_hi;
    now.next.epoch = at.epoch, now.next.begin = at.begin, now.next.rows = at.rows, now.next.token = at.token;
    now.next.learning_rate = gs_schedule_rate(&now, at.step_lo, at.step_hi);
    now.cur = now.next;
    // A sum of gradients that is not complete is of other steps.
    if (guard->slots && layout.average > layout.accumulator)
        memset((char *)guard->slots + layout.accumulator, 0, layout.average - layout.accumulator);
    guard->state = now;
    GS_TRY(restore(guard));
fail:
    return status;
}

// --- the step on the host ------------------------------------------------------------------------------------------
struct replay {
    gs__model_graph graph; // for one batch
    gs__interpreter *interpreter;
    struct gs_state state;
    char found[400];
};

static void fill_row(const void *from, gs_dtype dtype, uint64_t count, uint64_t sample, double *to) {
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = sample * count + i;
        to[i] = dtype == GS_U8    ? (double)((const uint8_t *)from)[at]
                : dtype == GS_I32 ? (double)((const int32_t *)from)[at]
                                  : (double)((const float *)from)[at];
    }
}

// The rows of the step; false when one of them has a value that is not finite.
static bool fill_batch(const gs__nan_guard *guard, const gs_data_info *info, struct replay *r) {
    const struct gs_settings *set = &guard->state.set;
    const struct gs_position *next = &guard->state.next;
    uint64_t x_count = 1, y_count = 1;
    gs__shape_count(&info->sample_shape, &x_count);
    gs__shape_count(&info->target_shape, &y_count);
    double *x = gs__interpreter_data(r->interpreter, r->graph.samples);
    double *y = gs__interpreter_data(r->interpreter, r->graph.targets);
    for (uint32_t row = 0; row < next->rows; row++) {
        uint32_t sample = next->begin + row;
        if (set->shuffle) sample = gs__shuffled(sample, set->data_count, set->seed_lo, set->seed_hi, next->epoch);
        const uint64_t counts[2] = {x_count, y_count};
        double *to[2] = {x + row * x_count, y ? y + row * y_count : NULL};
        fill_row(gs_data_x(guard->data), info->x_dtype, x_count, sample, to[0]);
        if (y) fill_row(gs_data_y(guard->data), info->y_dtype, y_count, sample, to[1]);
        for (int part = 0; part < 2; part++)
            for (uint64_t i = 0; to[part] && i < counts[part]; i++) {
                if (isfinite(to[part][i])) continue;
                snprintf(r->found, sizeof r->found,
                         "%s %u of the data has the value %g (at %llu of %llu): clean the data",
                         part ? "the target of sample" : "sample", sample, to[part][i], (unsigned long long)i,
                         (unsigned long long)counts[part]);
                return false;
            }
    }
    return true;
}

static void fill_flat(gs__interpreter *interpreter, const gs__graph *graph, gs__storage storage, const float *from) {
    for (gs__value v = 1; v < graph->value_count; v++) {
        const gs__value_info *info = &graph->values[v];
        uint64_t count = 0;
        if (info->storage != storage || info->alias || !gs__shape_count(&info->shape, &count)) continue;
        double *to = gs__interpreter_data(interpreter, v);
        for (uint64_t i = 0; i < count; i++) to[i] = (double)from[info->offset / sizeof *from + i];
    }
}

static const char *parameter_at(const gs_model *model, uint64_t offset) {
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        if (offset >= p->offset && offset < p->offset + p->count * sizeof(float)) return p->name;
    }
    return "a parameter";
}

static void describe(const gs__nan_guard *guard, struct replay *r, const gs__nonfinite *bad) {
    const gs__node *node = bad->node;
    const gs__value_info *info = &r->graph.graph.values[bad->value];
    const bool flat = info->storage == GS__STORAGE_PARAMETER || info->storage == GS__STORAGE_SLOTS;
    char what[200];
    if (flat && info->storage == GS__STORAGE_PARAMETER && !node->layer)
        snprintf(what, sizeof what, "the optimizer (op %s), at parameter \"%.100s\"", node->op->name,
                 parameter_at(guard->session->model, info->offset + bad->index * sizeof(float)));
    else if (flat) snprintf(what, sizeof what, "the optimizer (op %s), in its state", node->op->name);
    else if (!node->layer) snprintf(what, sizeof what, "op %s", node->op->name);
    else if (info->storage == GS__STORAGE_GRADIENT)
        snprintf(what, sizeof what, "parameter \"%.60s\", by layer \"%.40s\" (op %s)",
                 parameter_at(guard->session->model, info->offset + bad->index * sizeof(float)), node->layer,
                 node->op->name);
    else snprintf(what, sizeof what, "layer \"%.100s\" (op %s)", node->layer, node->op->name);
    snprintf(r->found, sizeof r->found,
             "%s%s made the first value that is not finite: %g, %llu of %llu; " DEFAULT_CAUSE,
             node->pass == GS__BACKWARD ? "the gradient of " : "", what, bad->worst, (unsigned long long)bad->bad_count,
             (unsigned long long)bad->count);
}

static gs_status replay(gs__nan_guard *guard, struct replay *r) {
    gs_status status = GS_OK;
    gs_model *model = guard->session->model;
    gs_data_info info;
    gs__nonfinite bad;
    gs_data_get_info(guard->data, &info);
    if (!gs_data_x(guard->data)) return GS_OK;
    r->state = guard->state;
    const uint32_t batch = r->state.set.batch;
    info.count = batch;
    model->unfused = true; // what a fused op keeps to itself is seen, too
    status = gs__model_build(model, GS__MODE_TRAIN, batch, &info, false, &r->graph);
    model->unfused = false;
    if (status != GS_OK) goto fail;
    GS_TRY(gs__interpreter_create(&r->graph.graph, &r->interpreter));
    if (!fill_batch(guard, &info, r)) goto fail;
    fill_flat(r->interpreter, &r->graph.graph, GS__STORAGE_PARAMETER, guard->weights);
    if (guard->slots) fill_flat(r->interpreter, &r->graph.graph, GS__STORAGE_SLOTS, guard->slots);
    // The rows are there in order, and nothing else.
    r->state.set.shuffle = r->state.set.stream = r->state.set.data_begin = r->state.next.begin = 0;
    r->state.set.data_count = batch;
    GS_TRY(gs__interpreter_check(r->interpreter, &r->state, &bad));
    if (bad.node) describe(guard, r, &bad);
fail:
    return status;
}

gs_status gs__nan_explain(gs__nan_guard *guard, uint64_t failing) {
    gs__error *error = guard->session->model->error;
    char message[160];
    struct replay r = {0};
    gs_status status = GS_OK;
    gs__text_show(error->message, message, sizeof message);
    if (!guard->off && guard->taken_ns) {
        status = find_step(guard, failing);
        if (status == GS_OK) status = replay(guard, &r);
    }
    const uint64_t step = step_of(&guard->state.next);
    gs__interpreter_destroy(r.interpreter);
    if (r.graph.graph.values) gs__model_graph_deinit(&r.graph);
    if (status == GS_ERR_DEVICE_LOST) return status;
    if (!r.found[0]) return gs__fail(error, GS_ERR_NAN, "%s: " DEFAULT_CAUSE, message);
    if (step == failing) return gs__fail(error, GS_ERR_NAN, "%s: %s", message, r.found);
    return gs__fail(error, GS_ERR_NAN, "%s: %llu step%s earlier %s", message, (unsigned long long)(failing - step),
                    failing - step == 1 ? "" : "s", r.found);
}

gs_status gs__nan_explain_aside(gs__nan_guard *guard, uint64_t failing) {
    gs_status status = GS_ERR_NAN;
    const gs_model *model = guard->session->model;
    gs__nan_guard now = *guard, copy = *guard;
    const bool room = !guard->off && guard->taken_ns && make_room(&now);
    if (!room || !make_room(&copy)) goto fail; // the message stays without a cause
    const gs__error message = *model->error;
    GS_TRY(read_back(&now));
    *model->error = message;
    memcpy(copy.weights, guard->weights, model->parameter_bytes);
    if (copy.slots) memcpy(copy.slots, guard->slots, slot_bytes_of(model));
    status = gs__nan_explain(&copy, failing);
    if (status != GS_ERR_NAN) goto fail;
    const gs_status back = restore(&now);
    if (back != GS_OK) status = back;
fail:
    if (now.weights != guard->weights) gs__nan_guard_deinit(&now);
    if (copy.weights != guard->weights) gs__nan_guard_deinit(&copy);
    return status;
}
