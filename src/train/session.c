#include "train/counts.h"

#include "base/clock.h"
#include "base/memory.h"
#include "context/context.h"
#include "model/fuse.h"
#include "plan/tick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Builds the graph, for the whole data set or for a ring of its rows, and sees to the memory that is no plan's.
static gs_status open_data(gs__session *session, const gs__session_params *params) {
    gs_status status = GS_OK;
    gs_model *model = session->model;
    const bool shares = params->shared && !params->shared->ring_steps;
    uint32_t ring_steps = 0;
    gs_data_info info;
    gs_data_get_info(params->data, &info);
    const uint64_t count = info.count;
    gs__device_data_params data = {params->data, params->begin, params->count, params->weights, &session->graph};
    const bool weighted = params->weights != NULL;
    info.count = params->batch;
    GS_TRY(gs__model_build_weighted(model, params->mode, params->batch, &info, params->softmax, weighted,
                                    &session->graph));
    GS_TRY(gs__model_upload(model));
    if (params->mode == GS__MODE_TRAIN) GS_TRY(gs__model_make_slots(model));
    if (!shares) GS_TRY(gs__device_data_choose(model, &data, &ring_steps));
    gs__model_graph_deinit(&session->graph);
    info.count = ring_steps ? (uint64_t)ring_steps * params->batch : count;
    GS_TRY(gs__model_build_weighted(model, params->mode, params->batch, &info, params->softmax, weighted,
                                    &session->graph));
    session->owns_data = !shares;
    if (shares) session->data = *params->shared;
    else GS_TRY(gs__device_data_create(model, &data, ring_steps, &session->data));
fail:
    return status;
}

static gs_status open_once(gs_model *model, const gs__session_params *params, gs__session *session) {
    gs_status status = GS_OK;
    gs__gpu *gpu;
    *session = (gs__session){.model = model, .count = params->count};
    session->steps = (params->count + params->batch - 1) / params->batch;
    if (params->count > UINT32_MAX)
        GS_TRY(gs__fail(model->error, GS_ERR_UNSUPPORTED, "%llu samples: at most %u are possible",
                        (unsigned long long)params->count, UINT32_MAX));
    GS_TRY(open_data(session, params));
    GS_TRY(gs__context_gpu(model->context, &gpu));
    GS_TRY(gs__graph_fuse_for(&session->graph.graph, gs__gpu_get_caps(gpu)));
    gs__plan_params plan = {.gpu = gpu, .graph = &session->graph.graph, .profile = params->profile};
    plan.buffers[GS__STORAGE_PARAMETER] = model->device_weights;
    plan.buffers[GS__STORAGE_SLOTS] = model->device_slots;
    gs__device_data_bind(&session->data, &plan);
    if (params->max_steps && (!plan.max_steps || plan.max_steps > params->max_steps))
        plan.max_steps = params->max_steps;
    GS_TRY(gs__plan_create(model->error, &plan, &session->plan));
    struct gs_settings *set = &session->state.set;
    set->stream = session->data.ring_steps;
    set->data_begin = set->stream ? 0 : (uint32_t)params->begin;
    set->data_count = (uint32_t)params->count;
    set->batch = params->batch;
    gs__model_settings(model, &session->state);
    gs__state_start(&session->state);
    return GS_OK;
fail:
    gs__session_close(session);
    return status;
}

// Whether a batch really fits: kernels have limits of their own.
static bool opens(gs_model *model, const gs__session_params *params, uint32_t batch) {
    gs__session session;
    gs__session_params smaller = *params;
    smaller.batch = batch;
    const gs_status status = open_once(model, &smaller, &session);
    gs__session_close(&session);
    return status == GS_OK;
}

static gs_status advise(gs_model *model, const gs__session_params *params, gs_status failure) {
    if (failure != GS_ERR_DEVICE_MEMORY && failure != GS_ERR_UNSUPPORTED) return failure;
    const gs__error said = *model->error;
    uint32_t batch = gs__session_guess_batch(model, params);
    while (batch && !opens(model, params, batch)) batch -= batch / 8 + 1;
    *model->error = said;
    if (!batch) return failure; // nothing of it is due to the batch
    return gs__fail(model->error, failure, "%.400s; a batch of %u fits", said.message, batch);
}

gs_status gs__session_open(gs_model *model, const gs__session_params *params, gs__session *session) {
    const gs_status status = open_once(model, params, session);
    return status == GS_OK ? GS_OK : advise(model, params, status);
}

void gs__session_close(gs__session *session) {
    if (!session->model) return;
    gs__plan_destroy(session->plan);
    if (session->owns_data) gs__device_data_deinit(&session->data);
    gs__model_graph_deinit(&session->graph);
    *session = (gs__session){0};
}

double gs__sums_loss(const float *entry, bool *skipped) {
    const float rows = entry[GS_RING_SUMS - 1];
    *skipped = rows < 0;
    return (double)entry[0] / (double)fabsf(rows) + (double)entry[1];
}

void gs__sums_add(gs__sums *sums, const float *entry, uint32_t metric_count) {
    const double rows = (double)fabsf(entry[GS_RING_SUMS - 1]);
    sums->loss += (double)entry[0];
    sums->penalties += (double)entry[1] * rows;
    for (uint32_t i = 0; i < metric_count; i++) sums->metrics[i] += (double)entry[2 + i];
    sums->rows += rows;
}

void gs__sums_result(const gs__sums *sums, const gs__model_graph *graph, double seconds, gs_result *result) {
    const double rows = sums->rows > 0 ? sums->rows : 1;
    *result = (gs_result){.loss = sums->rows > 0 ? (sums->loss + sums->penalties) / rows : (double)NAN,
                          .metric_count = graph->metric_count,
                          .sample_count = (uint64_t)sums->rows,
                          .seconds = seconds};
    for (uint32_t i = 0; i < graph->metric_count; i++) {
        result->metrics[i] = graph->counts[i] ? (double)NAN : sums->metrics[i] / rows;
        result->metric_names[i] = graph->metric_names[i];
    }
}

gs_status gs__session_evaluate(gs__session *session, gs_result *result) {
    const uint64_t begin = gs__clock_ns();
    gs__sums sums = {0};
    gs__state_start(&session->state);
    gs_status status = gs__plan_set_state(session->plan, &session->state);
    if (status == GS_OK) status = gs__counts_reset(session);
    gs__run run = {.steps = session->steps};
    while (status == GS_OK && run.finished < run.steps) {
        status = gs__plan_advance(session->plan, &run);
        for (uint32_t i = 0; i < run.entry_count && status == GS_OK; i++)
            gs__sums_add(&sums, run.entries + (size_t)i * GS_RING_SUMS, session->graph.metric_count);
    }
    if (status != GS_OK) return status;
    gs__sums_result(&sums, &session->graph, (double)(gs__clock_ns() - begin) * 1e-9, result);
    return gs__counts_finish(session, result);
}

gs_status gs__batch_size(gs_model *model, uint32_t wanted, uint32_t fallback, uint64_t count, uint32_t *batch) {
    if (wanted > 1u << 24)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "batch size %u: expected at most %u", wanted, 1u << 24);
    *batch = wanted ? wanted : fallback;
    if (*batch > count) *batch = (uint32_t)count;
    return GS_OK;
}

// --- profile ----------------------------------------------------------------------------------------------------
struct profile {
    uint32_t count;
    gs_profile_entry entries[];
};

gs_status gs__profile_keep(gs__session *session) {
    gs_model *model = session->model;
    const uint32_t count = gs__plan_dispatch_count(session->plan);
    struct profile *profile =
        gs__allocate(model->error, 1, sizeof *profile + count * sizeof *profile->entries, "profile");
    if (!profile) return GS_ERR_MEMORY;
    double total = 0;
    profile->count = count;
    for (uint32_t i = 0; i < count; i++) {
        gs__plan_timing timing;
        gs_profile_entry *entry = &profile->entries[i];
        gs_status status = gs__plan_get_timing(session->plan, i, &timing);
        if (status != GS_OK) {
            free(profile);
            return status;
        }
        snprintf(entry->name, sizeof entry->name, "%s%s%s%s", timing.layer ? timing.layer : "", timing.layer ? " " : "",
                 timing.op, timing.pass == GS__BACKWARD ? " backward" : "");
        entry->median_ns = timing.median_ns;
        entry->bytes = timing.bytes;
        total += timing.median_ns;
    }
    for (uint32_t i = 0; i < count; i++)
        profile->entries[i].share = total > 0 ? profile->entries[i].median_ns / total : 0;
    if (model->plans) model->destroy_plans(model->plans);
    model->plans = profile;
    model->destroy_plans = free;
    return GS_OK;
}

gs_status gs_model_profile(gs_model *model, gs_profile_entry *entries, uint32_t capacity, uint32_t *count) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!count || (capacity && !entries))
        return gs__fail(model->error, GS_ERR_ARGUMENT, "gs_model_profile: %s is NULL", count ? "entries" : "count");
    const struct profile *profile = model->plans;
    if (!profile)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "there is no profile: call gs_model_fit with .profile = true first");
    *count = profile->count;
    for (uint32_t i = 0; i < profile->count && i < capacity; i++) entries[i] = profile->entries[i];
    return GS_OK;
}
