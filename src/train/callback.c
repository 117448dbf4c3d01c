// Calls the hooks of callbacks, and is what they call back.
#include "train/training.h"

#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gs_callback_destroy(gs_callback **callback) {
    if (!callback || !*callback) return;
    gs_callback *made = *callback;
    *callback = NULL;
    if (made->destroy) made->destroy(made->user);
}

const char *gs__callback_name(const gs_callback *callback) {
    return callback && callback->name ? callback->name : "callback";
}

// --- calling -------------------------------------------------------------------------------------------------------
static gs_status call(gs_training *training, const gs_callback *c, gs__hook hook, const gs_event *event) {
    switch (hook) {
    case GS__TRAIN_BEGIN:
        return c->train_begin ? c->train_begin(c->user, training) : GS_OK;
    case GS__EPOCH_BEGIN:
        return c->epoch_begin ? c->epoch_begin(c->user, training) : GS_OK;
    case GS__STEPS:
        return c->steps ? c->steps(c->user, training, event) : GS_OK;
    case GS__AT_STEP:
        return c->at_step ? c->at_step(c->user, training, event) : GS_OK;
    case GS__EPOCH_END:
        return c->epoch_end ? c->epoch_end(c->user, training, event) : GS_OK;
    }
    return GS_ERR_INTERNAL;
}

// A hook of the user's may fail without a word.
static gs_status explain(gs_training *training, gs_status status) {
    gs__error *error = training->model->error;
    if (status == GS_OK || error->status == status) return status;
    return gs__fail(error, status, "callback \"%s\" returned %s", gs__callback_name(training->caller),
                    gs_status_name(status));
}

gs_status gs__callbacks_call(gs_training *training, gs__hook hook, const gs_event *event) {
    const gs_fit_params *params = training->params;
    gs_status status = GS_OK;
    training->in_flight = hook == GS__STEPS;
    for (uint32_t i = 0; i < params->callback_count && status == GS_OK; i++) {
        const gs_callback *c = params->callbacks[i];
        if (hook == GS__AT_STEP && (!c->at_step || !c->interval || event->total_step % c->interval != 0)) continue;
        if (hook == GS__TRAIN_BEGIN) training->begun = i + 1;
        training->caller = c;
        training->model->error->status = GS_OK;
        status = explain(training, call(training, c, hook, event));
    }
    training->in_flight = false;
    // A hook may have written weights.
    return status == GS_OK && hook != GS__STEPS ? gs__model_upload(training->model) : status;
}

gs_status gs__callbacks_end(gs_training *training, gs_status outcome) {
    gs__error *error = training->model->error, first = *error;
    gs_status status = outcome;
    for (uint32_t i = 0; i < training->begun; i++) {
        const gs_callback *c = training->params->callbacks[i];
        if (!c->train_end) continue;
        training->caller = c;
        error->status = GS_OK;
        const gs_status ended = explain(training, c->train_end(c->user, training, outcome));
        if (ended == GS_OK || (status != GS_OK && status != GS_STOPPED)) continue;
        status = ended;
        first = *error;
    }
    training->begun = 0;
    if (status != GS_OK) *error = first;
    return status;
}

uint64_t gs__callbacks_interval(const gs_training *training, uint64_t total_step) {
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < training->params->callback_count; i++) {
        const gs_callback *c = training->params->callbacks[i];
        if (!c->at_step || !c->interval) continue;
        const uint64_t left = c->interval - total_step % c->interval;
        if (left < least) least = left;
    }
    return least;
}

// --- for hooks -----------------------------------------------------------------------------------------------------
void gs_training_get_info(const gs_training *training, gs_training_info *info) {
    *info = training->info;
}

gs_model *gs_training_model(gs_training *training) {
    return training->model;
}

void gs_training_note(gs_training *training, const char *text) {
    gs__context_note(training->model->context, text);
}

void gs_training_stop(gs_training *training, const char *reason) {
    if (!training->stop && reason) gs_training_note(training, reason);
    training->stop = true;
}

gs_status gs_training_fail(gs_training *training, gs_status status, const char *text) {
    return gs__fail(training->model->error, status, "%s: %s", gs__callback_name(training->caller), text);
}

gs_status gs_training_get_learning_rate(gs_training *training, double *rate) {
    struct gs_state state;
    if (training->in_flight)
        return gs_training_fail(training, GS_ERR_ARGUMENT, "the learning rate cannot be read while steps are running");
    gs_status status = gs__plan_get_state(training->session->plan, &state);
    if (status == GS_OK) *rate = (double)state.next.learning_rate;
    return status;
}

gs_status gs_training_set_learning_rate(gs_training *training, double rate) {
    struct gs_state state;
    gs_model *model = training->model;
    if (training->in_flight)
        return gs_training_fail(training, GS_ERR_ARGUMENT, "the learning rate cannot be set while steps are running");
    if (!((float)rate > 0.0f) || !(rate <= (double)FLT_MAX))
        return gs__fail(model->error, GS_ERR_ARGUMENT, "%s: learning rate %g: expected a number above 0",
                        gs__callback_name(training->caller), rate);
    const gs_schedule *schedule = &model->compile.optimizer.schedule;
    if (schedule->kind != GS_SCHEDULE_CONSTANT || schedule->warmup_steps)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "%s: the learning rate follows the schedule %s; one that is set must have none",
                        gs__callback_name(training->caller), gs_schedule_name(schedule->kind));
    gs_status status = gs__plan_get_state(training->session->plan, &state);
    if (status != GS_OK) return status;
    state.set.learning_rate = state.next.learning_rate = (float)rate;
    model->compile.optimizer.learning_rate = (float)rate; // what a save and a further fit begin with
    return gs__plan_set_state(training->session->plan, &state);
}

static bool result_value(const gs_result *result, const char *name, double *value) {
    if (strcmp(name, "loss") == 0) {
        *value = result->loss;
        return true;
    }
    for (uint32_t i = 0; i < result->metric_count; i++) {
        if (strcmp(name, result->metric_names[i]) != 0) continue;
        *value = result->metrics[i];
        return true;
    }
    return false;
}

bool gs_event_value(const gs_event *event, const char *name, double *value) {
    if (result_value(&event->train, name, value)) return true;
    if (strncmp(name, "val_", 4) == 0)
        return event->has_validation && result_value(&event->validation, name + 4, value);
    if (strcmp(name, "learning_rate") != 0 || !(event->learning_rate > 0)) return false;
    *value = event->learning_rate;
    return true;
}

// --- monitors ------------------------------------------------------------------------------------------------------
bool gs_monitor_rises(const char *monitor, gs_monitor_mode mode) {
    static const char *const rising[] = {"acc", "auc", "precision", "recall", "f1", "r2", "cosine_similarity", NULL};
    if (mode != GS_MONITOR_AUTO) return mode == GS_MONITOR_MAX;
    for (size_t i = 0; rising[i]; i++)
        if (strstr(monitor, rising[i])) return true;
    return false;
}

bool gs__monitor_better(bool rises, double value, double reference, double min_delta) {
    return rises ? value - min_delta > reference : value + min_delta < reference;
}

gs_status gs__monitor_value(gs_training *training, const gs_event *event, const char *monitor, double *value) {
    if (gs_event_value(event, monitor, value)) return GS_OK;
    gs__text known = {0};
    gs__text_append(&known, "loss");
    for (uint32_t i = 0; i < event->train.metric_count; i++)
        gs__text_append(&known, ", %s", event->train.metric_names[i]);
    if (event->has_validation) gs__text_append(&known, ", val_loss");
    for (uint32_t i = 0; event->has_validation && i < event->validation.metric_count; i++)
        gs__text_append(&known, ", val_%s", event->validation.metric_names[i]);
    const bool needs_validation = strncmp(monitor, "val_", 4) == 0 && !event->has_validation;
    gs_status status =
        gs__fail(training->model->error, GS_ERR_ARGUMENT, "%s: there is no \"%s\" to monitor%s; there is %s",
                 gs__callback_name(training->caller), monitor, needs_validation ? " without validation data" : "",
                 known.data ? known.data : "loss");
    gs__text_deinit(&known);
    return status;
}

// --- for the callbacks of the library ------------------------------------------------------------------------------
gs_status gs__callback_make(gs_context *context, const char *name, size_t bytes, void *made) {
    gs_callback *callback = gs__allocate(gs__context_error(context), 1, bytes, name);
    if (!callback) return GS_ERR_MEMORY;
    callback->name = name;
    callback->user = callback;
    callback->destroy = free;
    memcpy(made, &callback, sizeof callback);
    return GS_OK;
}
