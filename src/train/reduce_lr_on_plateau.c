// Keras's ReduceLROnPlateau.
#include "train/training.h"

#include "base/memory.h"
#include "context/context.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT, COOLDOWN, BEST, HAS_BEST, STATE_COUNT };

struct plateau {
    gs_callback callback; // first
    gs_reduce_lr_on_plateau_params params;
    char *monitor;
    bool rises;
    double state[STATE_COUNT];
};

static gs_status train_begin(void *user, gs_training *training) {
    struct plateau *p = user;
    const gs_schedule *schedule = &training->model->compile.optimizer.schedule;
    memset(p->state, 0, sizeof p->state);
    if (schedule->kind == GS_SCHEDULE_CONSTANT && !schedule->warmup_steps) return GS_OK;
    return gs__fail(training->model->error, GS_ERR_ARGUMENT,
                    "%s: the learning rate follows the schedule %s; one that is reduced must have none",
                    p->callback.name, gs_schedule_name(schedule->kind));
}

static gs_status reduce(struct plateau *p, gs_training *training, uint32_t epoch) {
    double rate = 0;
    gs_status status = gs_training_get_learning_rate(training, &rate);
    if (status != GS_OK || rate <= p->params.min_lr) return status;
    const double reduced = fmax(rate * p->params.factor, p->params.min_lr);
    char note[256];
    snprintf(note, sizeof note, "epoch %u: %.100s is on a plateau; the learning rate becomes %g", epoch + 1, p->monitor,
             reduced);
    p->state[COOLDOWN] = p->params.cooldown;
    p->state[WAIT] = 0;
    status = gs_training_set_learning_rate(training, reduced);
    if (status == GS_OK) gs_training_note(training, note);
    return status;
}

static gs_status epoch_end(void *user, gs_training *training, const gs_event *event) {
    struct plateau *p = user;
    double value = 0;
    gs_status status = gs__monitor_value(training, event, p->monitor, &value);
    if (status != GS_OK) return status;
    if (p->state[COOLDOWN] > 0) {
        p->state[COOLDOWN]--;
        p->state[WAIT] = 0;
    }
    if (p->state[HAS_BEST] == 0 || gs__monitor_better(p->rises, value, p->state[BEST], p->params.min_delta)) {
        p->state[BEST] = value;
        p->state[HAS_BEST] = 1;
        p->state[WAIT] = 0;
        return GS_OK;
    }
    if (p->state[COOLDOWN] > 0 || ++p->state[WAIT] < p->params.patience) return GS_OK;
    return reduce(p, training, event->epoch);
}

static void destroy(void *user) {
    struct plateau *p = user;
    free(p->monitor);
    free(p);
}

gs_status gs_reduce_lr_on_plateau_create(gs_context *context, const gs_reduce_lr_on_plateau_params *params,
                                         gs_callback **callback) {
    if (!context || !callback) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    struct plateau *p;
    *callback = NULL;
    gs_reduce_lr_on_plateau_params q = params ? *params : (gs_reduce_lr_on_plateau_params){0};
    if (q.factor == 0) q.factor = 0.1;
    if (!q.patience) q.patience = 10;
    q.min_delta = q.min_delta == 0 ? 1e-4 : q.min_delta < 0 ? 0 : q.min_delta;
    if (!(q.factor > 0) || !(q.factor < 1))
        return gs__fail(error, GS_ERR_ARGUMENT, "ReduceLROnPlateau: factor is %g; it must be above 0 and below 1",
                        q.factor);
    if (!isfinite(q.min_delta) || !(q.min_lr >= 0) || !isfinite(q.min_lr))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "ReduceLROnPlateau: min_delta is %g and min_lr %g; they must be finite, min_lr at least 0",
                        q.min_delta, q.min_lr);
    gs_status status = gs__callback_make(context, "ReduceLROnPlateau", sizeof *p, &p);
    if (status != GS_OK) return status;
    p->params = q;
    p->callback.train_begin = train_begin;
    p->callback.epoch_end = epoch_end;
    p->callback.destroy = destroy;
    p->callback.state = p->state;
    p->callback.state_count = STATE_COUNT;
    p->monitor = gs__text_copy(error, q.monitor ? q.monitor : "val_loss");
    *callback = &p->callback;
    if (p->monitor) {
        p->rises = gs_monitor_rises(p->monitor, q.mode);
        return GS_OK;
    }
    gs_callback_destroy(callback);
    return GS_ERR_MEMORY;
}
