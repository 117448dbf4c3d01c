#include "train/training.h"

#include "base/memory.h"
#include "context/context.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT, BEST, BEST_EPOCH, HAS_BEST, HAS_WEIGHTS, STATE_COUNT };

struct early_stopping {
    gs_callback callback; // first
    gs_early_stopping_params params;
    char *monitor;
    bool rises;
    double state[STATE_COUNT];
    uint64_t count; // parameters
};

static gs_status copy_weights(struct early_stopping *s, gs_training *training, bool back) {
    gs_status status = GS_OK;
    gs_model *model = gs_training_model(training);
    gs_model_info info;
    gs_model_get_info(model, &info);
    float *at = s->callback.weights;
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        gs_parameter_info p;
        GS_TRY(gs_model_get_parameter(model, i, &p));
        GS_TRY(back ? gs_model_write_parameter(model, i, at, p.count) : gs_model_read_parameter(model, i, at, p.count));
        at += p.count;
    }
fail:
    return status;
}

static gs_status train_begin(void *user, gs_training *training) {
    struct early_stopping *s = user;
    gs_model_info info;
    memset(s->state, 0, sizeof s->state);
    gs_model_get_info(gs_training_model(training), &info);
    if (!s->params.restore_best_weights) return GS_OK;
    if (s->count != info.parameter_count) free(s->callback.weights), s->callback.weights = NULL;
    s->count = info.parameter_count;
    if (!s->callback.weights)
        s->callback.weights = gs__allocate(training->model->error, s->count, sizeof(float), "the best weights");
    return s->callback.weights ? GS_OK : GS_ERR_MEMORY;
}

static gs_status epoch_end(void *user, gs_training *training, const gs_event *event) {
    struct early_stopping *s = user;
    gs_status status = GS_OK;
    double value = 0;
    GS_TRY(gs__monitor_value(training, event, s->monitor, &value));
    if (event->epoch < s->params.start_from_epoch) return GS_OK;
    const bool first = s->state[HAS_BEST] == 0; // NaN is no improvement, but the first value always is
    const bool better = first || gs__monitor_better(s->rises, value, s->state[BEST], s->params.min_delta);
    s->state[WAIT]++;
    if (better) {
        s->state[BEST] = value;
        s->state[HAS_BEST] = 1;
        s->state[BEST_EPOCH] = event->epoch;
        if (s->params.restore_best_weights) {
            GS_TRY(copy_weights(s, training, false));
            s->state[HAS_WEIGHTS] = 1;
        }
        if (!s->params.has_baseline || gs__monitor_better(s->rises, value, s->params.baseline, s->params.min_delta))
            s->state[WAIT] = 0;
        return GS_OK;
    }
    if (s->state[WAIT] < s->params.patience || event->epoch == 0) return GS_OK;
    char reason[256];
    snprintf(reason, sizeof reason, "early stopping after epoch %u: %.100s was %.6g at its best, in epoch %.0f%s",
             event->epoch + 1, s->monitor, s->state[BEST], s->state[BEST_EPOCH] + 1,
             s->state[HAS_WEIGHTS] != 0 ? ", whose weights are restored" : "");
    gs_training_stop(training, reason);
fail:
    return status;
}

static gs_status train_end(void *user, gs_training *training, gs_status outcome) {
    struct early_stopping *s = user;
    if (outcome != GS_OK || s->state[HAS_WEIGHTS] == 0) return GS_OK;
    return copy_weights(s, training, true);
}

static void destroy(void *user) {
    struct early_stopping *s = user;
    free(s->callback.weights);
    free(s->monitor);
    free(s);
}

gs_status gs_early_stopping_create(gs_context *context, const gs_early_stopping_params *params,
                                   gs_callback **callback) {
    if (!context || !callback) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    struct early_stopping *s;
    *callback = NULL;
    const gs_early_stopping_params p = params ? *params : (gs_early_stopping_params){0};
    if (!isfinite(p.min_delta) || !isfinite(p.baseline))
        return gs__fail(error, GS_ERR_ARGUMENT, "EarlyStopping: %s is not finite",
                        isfinite(p.min_delta) ? "the baseline" : "min_delta");
    gs_status status = gs__callback_make(context, "EarlyStopping", sizeof *s, &s);
    if (status != GS_OK) return status;
    s->params = p;
    s->params.min_delta = fabs(p.min_delta);
    s->callback.train_begin = train_begin;
    s->callback.epoch_end = epoch_end;
    s->callback.train_end = train_end;
    s->callback.destroy = destroy;
    s->callback.state = s->state;
    s->callback.state_count = STATE_COUNT;
    s->monitor = gs__text_copy(error, p.monitor ? p.monitor : "val_loss");
    *callback = &s->callback;
    if (s->monitor) {
        s->rises = gs_monitor_rises(s->monitor, p.mode);
        return GS_OK;
    }
    gs_callback_destroy(callback);
    return GS_ERR_MEMORY;
}
