#include "base/clock.h"
#include "base/digest.h"
#include "base/memory.h"
#include "context/context.h"
#include "data/data.h"
#include "plan/tick.h"
#include "schedule.h"
#include "train/checkpoint_file.h"
#include "train/checkpoints.h"
#include "train/counts.h"
#include "train/nan.h"
#include "train/sample_weights.h"
#include "train/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A training under way.
struct fit {
    gs_model *model;
    const gs_fit_params *params;
    uint32_t epochs, epoch;
    gs__session train, validation;
    float *weights; // of all samples; may be NULL
    bool validates;
    uint64_t steps_left; // of max_steps
    double *step_losses; // of the last advance
    bool stopped;        // by the caller
    bool epoch_over;     // nothing of an epoch stands alone
    gs_result last;
    gs_training training; // what callbacks see
    gs__nan_guard guard;
    gs__checkpoints *checkpoints; // may be NULL
    uint64_t checkpointed;        // the newest step on disk, of this training; 0: none
    uint32_t told;                // epochs that the caller knows already, from before a device was lost
    uint32_t max_steps;           // of a submission; 0: no limit
    uint32_t bad_in_row;          // steps that were skipped
    uint64_t unexplained;         // the first of them, before which so many steps were done; UINT64_MAX: none
    bool explained;
    gs__error bad; // what is said of it
};

static gs_status check_params(gs_model *model, const gs_data *data, const gs_fit_params *p) {
    if (!data) return gs__fail(model->error, GS_ERR_ARGUMENT, "fit: data is NULL");
    gs_data_info info;
    gs_data_get_info(data, &info);
    if (!info.has_targets)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "data \"%s\" has no targets to train for", info.name);
    if (!(p->validation_split >= 0) || !(p->validation_split < 1))
        return gs__fail(model->error, GS_ERR_ARGUMENT, "validation split %g: expected 0 <= split < 1",
                        p->validation_split);
    if (p->validation_split > 0 && p->validation)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "both validation data and a validation split are given");
    if ((int)p->on_nan < 0 || p->on_nan > GS_NAN_RESTORE || !(p->nan_factor >= 0) || !(p->nan_factor < 1))
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "on_nan %d with factor %g: expected one of gs_nan_policy, and "
                        "0 <= factor < 1",
                        (int)p->on_nan, p->nan_factor);
    return GS_OK;
}

// Splits off the end of the data, as Keras does: int(n * (1 - split)) samples are for training.
static gs_status split(struct fit *f, const gs_data_info *info, uint64_t *train_count) {
    const double split = f->params->validation_split;
    *train_count = info->count;
    if (split <= 0) return GS_OK;
    *train_count = (uint64_t)((double)info->count * (1 - split));
    if (*train_count > 0 && *train_count < info->count) return GS_OK;
    return gs__fail(f->model->error, GS_ERR_ARGUMENT, "validation split %g of %llu samples leaves nothing to %s", split,
                    (unsigned long long)info->count, *train_count ? "validate with" : "train with");
}

static gs_status check_callbacks(gs_model *model, const gs_fit_params *p) {
    if (p->callback_count && !p->callbacks)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "fit: %u callbacks, but callbacks is NULL", p->callback_count);
    for (uint32_t i = 0; i < p->callback_count; i++)
        if (!p->callbacks[i]) return gs__fail(model->error, GS_ERR_ARGUMENT, "fit: callback %u is NULL", i);
    return GS_OK;
}

static gs_status open_sessions(struct fit *f, const gs_data *data) {
    gs_status status = GS_OK;
    const gs_fit_params *p = f->params;
    gs_data_info info;
    gs_data_get_info(data, &info);
    uint64_t train_count;
    uint32_t batch;
    GS_TRY(split(f, &info, &train_count));
    GS_TRY(gs__batch_size(f->model, p->batch_size, 32, train_count, &batch));
    GS_TRY(gs__sample_weights(f->model, data, p, train_count, &f->weights));
    GS_TRY(gs__session_open(f->model,
                            &(gs__session_params){.mode = GS__MODE_TRAIN,
                                                  .data = data,
                                                  .count = train_count,
                                                  .batch = batch,
                                                  .profile = p->profile,
                                                  .weights = f->weights,
                                                  .max_steps = f->max_steps},
                            &f->train));
    f->validates = p->validation || p->validation_split > 0;
    if (!f->validates) return GS_OK;
    const gs_data *other = p->validation ? p->validation : data;
    gs__session_params validation = {.mode = GS__MODE_EVALUATE, .data = other};
    gs_data_get_info(other, &info);
    validation.begin = p->validation ? 0 : train_count;
    validation.count = info.count - validation.begin;
    validation.shared = p->validation ? NULL : &f->train.data;
    validation.weights = p->validation ? NULL : f->weights;
    GS_TRY(gs__batch_size(f->model, 0, batch > 256 ? batch : 256, validation.count, &validation.batch));
    status = gs__session_open(f->model, &validation, &f->validation);
    if (status != GS_OK && p->validation) gs__fail_at(f->model->error, status, "validation data");
fail:
    return status;
}

// Goes on where an earlier fit ended: its step (Adam's bias correction, dropout) and its epochs (order of samples).
static void start_position(struct fit *f) {
    struct gs_state *state = &f->train.state;
    const struct gs_position *before = &f->model->position;
    state->set.seed_lo = (uint32_t)f->params->seed;
    state->set.seed_hi = (uint32_t)(f->params->seed >> 32);
    state->set.shuffle = !f->params->no_shuffle;
    gs__state_start(state);
    if (!before->step_lo && !before->step_hi) return;
    const uint32_t rows = state->next.rows;
    state->next = *before;
    state->next.epoch += before->begin > 0; // an epoch that was cut short is over
    state->next.begin = 0;
    state->next.rows = rows;
    state->next.learning_rate = gs_schedule_rate(state, state->next.step_lo, state->next.step_hi);
    state->cur = state->next;
}

// A schedule without decay_steps ends with the first fit; its length is kept.
static void close_schedule(struct fit *f) {
    gs_schedule *schedule = &f->model->compile.optimizer.schedule;
    if (!gs__schedule_is_open(schedule)) return;
    uint64_t steps = f->train.steps * f->epochs;
    if (steps > f->steps_left) steps = f->steps_left;
    steps = steps > schedule->warmup_steps ? steps - schedule->warmup_steps : 1;
    schedule->decay_steps = steps < 1u << 30 ? (uint32_t)steps : 1u << 30;
    gs__model_settings(f->model, &f->train.state);
}

// `done`: steps of the epoch before this run. seconds: of the epoch so far.
static void fill_event(struct fit *f, const gs__run *run, uint64_t done, double seconds, gs_event *event) {
    const gs__sums *sums = &f->training.sums;
    f->training.seconds = seconds;
    *event = (gs_event){.kind = GS_EVENT_PROGRESS,
                        .epoch = f->epoch,
                        .epochs = f->epochs,
                        .step = done + run->finished,
                        .steps = f->train.steps,
                        .total_step = f->training.info.total_step,
                        .streamed = f->train.data.ring_steps > 0,
                        .step_losses = f->step_losses,
                        .step_loss_count = run->entry_count};
    gs__sums_result(sums, &f->train.graph, seconds, &event->train);
    const uint64_t step = event->total_step - (event->total_step > 0);
    struct gs_state state = f->train.state;
    state.set.learning_rate = f->model->compile.optimizer.learning_rate; // a callback may have changed it
    event->learning_rate = (double)gs_schedule_rate(&state, (uint32_t)step, (uint32_t)(step >> 32));
    event->samples_per_second = seconds > 0 ? sums->rows / seconds : 0;
}

static uint32_t nan_limit(const struct fit *f) {
    return f->params->nan_limit ? f->params->nan_limit : 10;
}

// Back to the copy, with a lower rate; what is in flight is of no use. The run is over.
static gs_status lower_rate(struct fit *f, gs__run *run, uint64_t failing) {
    gs_status status = GS_OK;
    gs_training *t = &f->training;
    gs_optimizer *o = &f->model->compile.optimizer;
    const double factor = f->params->nan_factor > 0 ? f->params->nan_factor : 0.5;
    const gs__error message = *f->model->error;
    const uint64_t in_flight = run->submitted - run->finished;
    uint64_t from = 0;
    char note[sizeof message.message + 120];
    GS_TRY(gs__plan_wait(f->train.plan));
    GS_TRY(gs__checkpoints_drop(f->checkpoints));
    *f->model->error = message;
    status = gs__nan_explain_aside(&f->guard, failing);
    if (status != GS_ERR_NAN || t->restores >= nan_limit(f)) goto fail;
    snprintf(note, sizeof note, "%s", f->model->error->message);
    GS_TRY(gs__nan_go_back(&f->guard, factor, &f->train.state, &from));
    if (!f->train.state.set.segments) o->learning_rate = f->train.state.set.learning_rate;
    t->restores++;
    t->info.total_step += run->entry_count + in_flight;
    run->finished = run->steps = run->submitted;
    run->entry_count = 0;
    snprintf(note + strlen(note), sizeof note - strlen(note),
             "; goes back to the weights of step %llu, with learning rates times %g (%u of %u times)",
             (unsigned long long)from, factor, t->restores, nan_limit(f));
    gs_training_note(t, note);
fail:
    return status;
}

// *over: the rest of the entries is gone.
static gs_status bad_loss(struct fit *f, gs__run *run, uint64_t done, uint32_t i, bool skipped, bool *over) {
    const uint64_t failing = f->training.info.total_step + i;
    gs__fail(f->model->error, GS_ERR_NAN, "the loss is %s at step %llu of epoch %u",
             isnan(f->step_losses[i]) ? "not a number" : "infinite",
             (unsigned long long)(done + run->finished - run->entry_count + i + 1), f->epoch + 1);
    *over = f->params->on_nan == GS_NAN_RESTORE;
    if (*over) return lower_rate(f, run, failing);
    if (f->params->on_nan != GS_NAN_SKIP || !skipped || ++f->bad_in_row > nan_limit(f))
        return gs__nan_explain(&f->guard, failing);
    if (!f->explained && f->unexplained == UINT64_MAX) {
        f->unexplained = failing;
        f->bad = *f->model->error;
    }
    return GS_OK;
}

static gs_status take_entries(struct fit *f, gs__run *run, uint64_t done) {
    for (uint32_t i = 0; i < run->entry_count; i++) {
        const float *entry = run->entries + (size_t)i * GS_RING_SUMS;
        bool skipped, over;
        f->step_losses[i] = gs__sums_loss(entry, &skipped);
        f->training.skipped += skipped;
        if (isfinite(f->step_losses[i])) {
            gs__sums_add(&f->training.sums, entry, f->train.graph.metric_count);
            f->bad_in_row = 0;
            continue;
        }
        gs_status status = bad_loss(f, run, done, i, skipped, &over);
        if (status != GS_OK || over) return status;
    }
    f->training.info.total_step += run->entry_count;
    return GS_OK;
}

// With nothing in flight: says of the first step that was skipped what was wrong with it.
static gs_status explain_skipped(struct fit *f) {
    char note[sizeof f->bad.message + 60];
    if (f->unexplained == UINT64_MAX) return GS_OK;
    *f->model->error = f->bad;
    const gs_status status = gs__nan_explain_aside(&f->guard, f->unexplained);
    f->unexplained = UINT64_MAX;
    f->explained = true;
    if (status != GS_ERR_NAN) return status;
    snprintf(note, sizeof note, "%s; the step is skipped, as others like it", f->model->error->message);
    gs_training_note(&f->training, note);
    return GS_OK;
}

static bool caller_stops(struct fit *f, const gs_event *event) {
    const gs_fit_params *p = f->params;
    const bool known = event->kind == GS_EVENT_EPOCH && event->epoch < f->told;
    if (p->callback && !f->stopped && !known && !p->callback(p->user, event)) f->stopped = true;
    if (event->kind == GS_EVENT_EPOCH && !known) f->told = event->epoch + 1;
    if (p->stop && *p->stop) f->stopped = true;
    return f->stopped;
}

// Steps of the epoch without a look at the model in between, after `done` that are finished.
static gs_status run_segment(struct fit *f, gs__run *run, uint64_t done, uint64_t begin, gs_event *event) {
    gs_status status = GS_OK;
    f->model->host_stale = true;
    while (run->finished < run->steps) {
        GS_TRY(gs__plan_advance(f->train.plan, run));
        GS_TRY(take_entries(f, run, done));
        fill_event(f, run, done, (double)(gs__clock_ns() - begin) * 1e-9, event);
        GS_TRY(gs__callbacks_call(&f->training, GS__STEPS, event));
        GS_TRY(gs__checkpoints_poll(f->checkpoints, run));
        if (caller_stops(f, event) || f->training.stop || gs__nan_due(&f->guard) || f->unexplained != UINT64_MAX)
            run->steps = run->submitted;
    }
fail:
    return status;
}

// Trains one epoch from step `done` on, or less when it is stopped.
static gs_status train_epoch(struct fit *f, uint64_t done, gs_event *event) {
    gs_status status = GS_OK;
    const uint64_t begin = gs__clock_ns() - (uint64_t)(f->training.seconds * 1e9), left = f->train.steps - done;
    const uint64_t end = done + (left < f->steps_left ? left : f->steps_left);
    if (!done) GS_TRY(gs__counts_reset(&f->train));
    while (done < end && !f->stopped && !f->training.stop) {
        const uint64_t step = f->training.info.total_step;
        const uint64_t callbacks = gs__callbacks_interval(&f->training, step);
        const uint64_t copies = gs__nan_interval(&f->guard, step), most = callbacks < copies ? callbacks : copies;
        gs__run run = {.steps = end - done < most ? end - done : most};
        GS_TRY(gs__nan_keep(&f->guard, step, done == 0));
        gs__checkpoints_mark(f->checkpoints, &run, done);
        GS_TRY(run_segment(f, &run, done, begin, event));
        done += run.finished;
        f->steps_left -= run.finished;
        GS_TRY(explain_skipped(f));
        GS_TRY(gs__callbacks_call(&f->training, GS__AT_STEP, event));
        if (done < f->train.steps) GS_TRY(gs__checkpoints_step(f->checkpoints));
    }
    if (event->steps) GS_TRY(gs__counts_finish(&f->train, &event->train));
    f->last = event->train;
fail:
    return status;
}

static gs_status end_epoch(struct fit *f, gs_event *event) {
    gs_status status = GS_OK;
    struct gs_state state;
    event->kind = GS_EVENT_EPOCH;
    event->step_losses = NULL;
    event->step_loss_count = 0;
    GS_TRY(gs__plan_get_state(f->train.plan, &state));
    event->learning_rate = (double)state.cur.learning_rate;
    if (f->validates) {
        GS_TRY(gs__session_evaluate(&f->validation, &event->validation));
        event->has_validation = true;
    }
    f->training.sums = (gs__sums){0};
    f->training.seconds = 0;
    caller_stops(f, event);
    GS_TRY(gs__callbacks_call(&f->training, GS__EPOCH_END, event));
    GS_TRY(gs__history_add(f->model->error, &f->training.history, event));
    f->epoch_over = true;
    GS_TRY(gs__checkpoints_epoch(f->checkpoints));
fail:
    return status;
}

static gs_status run_epochs(struct fit *f, uint64_t done) {
    gs_status status = GS_OK;
    for (; f->epoch < f->epochs && !f->stopped && !f->training.stop && f->steps_left; f->epoch++, done = 0) {
        gs_event event = {0};
        f->training.info.epoch = f->epoch;
        f->epoch_over = false;
        GS_TRY(gs__callbacks_call(&f->training, GS__EPOCH_BEGIN, NULL));
        if (f->training.stop) break;
        GS_TRY(train_epoch(f, done, &event));
        if (event.step < event.steps) break;
        GS_TRY(end_epoch(f, &event));
    }
fail:
    return status;
}

// What the model keeps of the device's state, also after a failure where the device still answers.
static gs_status keep_position(struct fit *f) {
    struct gs_state state;
    gs_status status = gs__plan_get_state(f->train.plan, &state);
    if (status != GS_OK) return status;
    f->model->position = state.next;
    return GS_OK;
}

// Goes on from a checkpoint, where there is one. The caller hears of the epochs that are over.
static gs_status resume(struct fit *f) {
    gs_status status = GS_OK;
    gs_training_info *info = &f->training.info;
    gs__safetensors *file = NULL;
    gs_event event;
    char note[80];
    GS_TRY(gs__checkpoints_newest(&f->training, f->params->resume, &file));
    if (!file) return GS_OK;
    status = gs__checkpoint_restore(&f->training, file, &f->train.state);
    gs__safetensors_close(file);
    if (status != GS_OK) return gs__fail_at(f->model->error, status, "%.200s", f->params->resume);
    info->resumed = true;
    snprintf(note, sizeof note, "goes on from the checkpoint of step %llu", (unsigned long long)info->total_step);
    gs_training_note(&f->training, note);
    f->epoch = info->epoch = info->first_epoch;
    const uint64_t done = info->total_step - f->training.first_step;
    if (f->params->max_steps) f->steps_left = f->params->max_steps > done ? f->params->max_steps - done : 0;
    for (uint32_t i = 0; i < f->training.history.rows; i++) {
        gs__history_event(&f->training.history, i, &event);
        event.epochs = f->epochs;
        event.step = event.steps = f->train.steps;
        f->last = event.train;
        if (f->params->callback && event.epoch >= f->told) f->params->callback(f->params->user, &event);
    }
fail:
    return status;
}

// The State at the start, or that of a checkpoint; *done: steps of the epoch that it had finished.
static gs_status begin_training(struct fit *f, uint64_t *done) {
    gs_status status = GS_OK;
    struct gs_state *state = &f->train.state;
    gs_training_info *info = &f->training.info;
    close_schedule(f);
    start_position(f);
    f->training.first_step = info->total_step = (uint64_t)state->next.step_hi << 32 | state->next.step_lo;
    GS_TRY(gs__plan_set_state(f->train.plan, state));
    GS_TRY(gs__callbacks_call(&f->training, GS__TRAIN_BEGIN, NULL));
    *done = 0;
    if (!f->params->resume) return GS_OK;
    GS_TRY(resume(f));
    GS_TRY(gs__plan_set_state(f->train.plan, state));
    *done = state->next.begin / state->set.batch;
fail:
    return status;
}

enum { DIGEST_ALL_BYTES = 1 << 28, DIGEST_PARTS = 4096, DIGEST_PART_BYTES = 1 << 16 };

// All of it, or parts of what is so large that reading it would take long.
static void add_to_digest(gs__digest *digest, const char *data, uint64_t bytes) {
    if (bytes <= DIGEST_ALL_BYTES) {
        gs__digest_add(digest, data, (size_t)bytes);
        return;
    }
    const uint64_t stride = (bytes - DIGEST_PART_BYTES) / (DIGEST_PARTS - 1);
    for (uint64_t i = 0; i < DIGEST_PARTS; i++) gs__digest_add(digest, data + i * stride, DIGEST_PART_BYTES);
}

// So that a training does not go on with other data.
static gs_status digest_data(struct fit *f, const gs_data *data) {
    if ((!f->params->checkpoints && !f->params->resume) || !data->x) return GS_OK;
    gs__digest *digest = gs__digest_begin();
    if (!digest) return gs__fail(f->model->error, GS_ERR_MEMORY, "out of host memory for a checksum");
    add_to_digest(digest, data->x, data->x_bytes);
    if (data->y) add_to_digest(digest, data->y, data->y_bytes);
    f->training.data_digest = gs__digest_value(digest);
    gs__digest_destroy(digest);
    return GS_OK;
}

static void fill_info(struct fit *f) {
    gs_training *t = &f->training;
    t->model = f->model;
    t->params = f->params;
    t->session = &f->train;
    t->info = (gs_training_info){.epochs = f->epochs,
                                 .steps = f->train.steps,
                                 .batch_size = f->train.state.set.batch,
                                 .has_validation = f->validates,
                                 .metric_count = f->train.graph.metric_count};
    for (uint32_t i = 0; i < t->info.metric_count; i++) t->info.metric_names[i] = f->train.graph.metric_names[i];
    gs__history_begin(&t->history, t->info.metric_names, t->info.metric_count, f->validates);
}

static gs_status run_training(struct fit *f, gs_result *result) {
    gs_status status = GS_OK;
    uint64_t done = 0;
    gs_model *model = f->model;
    status = begin_training(f, &done);
    model->host_stale = status == GS_OK || model->host_stale;
    if (status == GS_OK) status = run_epochs(f, done);
    const gs_status kept = keep_position(f);
    if (status == GS_OK) status = kept;
    gs_status checkpoint = GS_OK; // when that fails, the model is trained all the same
    if (status == GS_OK) checkpoint = gs__checkpoints_finish(f->checkpoints, f->epoch_over);
    const gs__error why = *model->error;
    if (checkpoint != GS_ERR_FILE && status == GS_OK) status = checkpoint;
    if (status == GS_OK) status = gs__model_take_average(model);
    if (status == GS_OK && f->params->profile) status = gs__profile_keep(&f->train);
    if (status == GS_OK) status = gs__context_check_validation(model->context);
    if (status == GS_OK && result) *result = f->last;
    if (status == GS_OK && f->stopped) status = gs__fail(model->error, GS_STOPPED, "training was stopped");
    status = gs__callbacks_end(&f->training, status);
    if (checkpoint == GS_OK || (status != GS_OK && status != GS_STOPPED)) return status;
    *model->error = why;
    return checkpoint;
}

// Once, on one device.
static gs_status fit(struct fit *f, const gs_data *data, gs_result *result) {
    gs_status status = GS_OK;
    gs_model *model = f->model;
    f->steps_left = f->params->max_steps ? f->params->max_steps : UINT64_MAX;
    f->step_losses = malloc(GS_RING_ENTRIES * sizeof *f->step_losses);
    if (!f->step_losses) {
        status = gs__fail(model->error, GS_ERR_MEMORY, "out of host memory for the losses of the steps");
        goto fail;
    }
    model->augment = f->params->augment;
    model->skips = f->params->on_nan == GS_NAN_SKIP;
    f->unexplained = UINT64_MAX;
    GS_TRY(open_sessions(f, data));
    fill_info(f);
    GS_TRY(digest_data(f, data));
    GS_TRY(gs__checkpoints_open(&f->training, f->params->checkpoints, &f->checkpoints));
    f->guard = (gs__nan_guard){.session = &f->train, .data = data, .restores = f->params->on_nan == GS_NAN_RESTORE};
    model->fitting = true;
    status = run_training(f, result);
    model->fitting = false;
fail:
    f->checkpointed = gs__checkpoints_close(f->checkpoints);
    gs__history_deinit(&f->training.history);
    gs__nan_guard_deinit(&f->guard);
    model->augment = NULL;
    model->skips = false;
    gs__session_close(&f->validation);
    gs__session_close(&f->train);
    free(f->step_losses);
    free(f->weights);
    return status;
}

// --- devices that are lost ------------------------------------------------------------------------------------------
// What a training began with, to begin it again.
struct start {
    float *weights;
    struct gs_position position;
};

static gs_status keep_start(gs_model *model, const gs_fit_params *params, struct start *start) {
    gs_status status = GS_OK;
    start->position = model->position;
    if (!params->checkpoints || !model->parameter_bytes) return GS_OK;
    GS_TRY(gs__model_download(model));
    start->weights = gs__allocate(model->error, model->parameter_bytes, 1, "weights at the start");
    if (!start->weights) return GS_ERR_MEMORY;
    memcpy(start->weights, model->weights, model->parameter_bytes);
fail:
    return status;
}

// To where the training began; what follows goes on from a checkpoint, if there is one.
static gs_status go_back(gs_model *model, const struct start *start) {
    if (start->weights) memcpy(model->weights, start->weights, model->parameter_bytes);
    model->host_stale = false;
    gs__model_leave_device(model);
    model->position = start->position;
    return gs__context_forget_lost(model->context);
}

// After a loss: whether to try again, and from where. Says so to the user, or in the error.
static bool tries_again(struct fit *f, const struct start *start, gs_fit_params *now, uint32_t *losses) {
    enum { MOST_LOSSES = 3, FIRST_LIMIT = 16 };
    gs__error *error = f->model->error;
    char text[sizeof error->message + 120];
    const bool fresh = !start->position.step_lo && !start->position.step_hi;
    if (!f->params->checkpoints || (!f->checkpointed && !now->resume && !fresh)) return false;
    *losses = f->checkpointed ? 1 : *losses + 1;
    if (f->checkpointed) now->resume = f->params->checkpoints->dir;
    if (*losses == MOST_LOSSES) {
        snprintf(text, sizeof text, "%s", error->message);
        gs__fail(error, GS_ERR_DEVICE_LOST,
                 "%.360s; %d times in a row: update the driver, or use a smaller batch or another device", text,
                 MOST_LOSSES);
        return false;
    }
    f->max_steps = f->max_steps ? f->max_steps / 4 : FIRST_LIMIT;
    if (!f->max_steps) f->max_steps = 1;
    snprintf(text, sizeof text, "%s; it is opened again, and gets %u step%s at a time", error->message, f->max_steps,
             f->max_steps > 1 ? "s at most" : "");
    gs__context_note(f->model->context, text);
    return true;
}

gs_status gs_model_fit(gs_model *model, const gs_data *data, const gs_fit_params *params, gs_result *result) {
    if (!model) return GS_ERR_ARGUMENT;
    gs_status status = GS_OK;
    static const gs_fit_params defaults;
    gs_fit_params now = params ? *params : defaults;
    struct start start = {0};
    struct fit f = {0};
    uint32_t losses = 0;
    if (model->fitting)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "fit: a callback of a training must not train the model itself");
    GS_TRY(check_params(model, data, &now));
    GS_TRY(check_callbacks(model, &now));
    GS_TRY(gs__context_forget_lost(model->context));
    GS_TRY(keep_start(model, &now, &start));
    for (;;) {
        f = (struct fit){.model = model,
                         .params = &now,
                         .epochs = now.epochs ? now.epochs : 1,
                         .told = f.told,
                         .max_steps = f.max_steps};
        status = fit(&f, data, result);
        if (status != GS_ERR_DEVICE_LOST || !tries_again(&f, &start, &now, &losses)) break;
        GS_TRY(go_back(model, &start));
    }
fail:
    free(start.weights);
    return status;
}
