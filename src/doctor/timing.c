// A short training as gs_model_fit does it, on random data.
#include "base/clock.h"
#include "base/memory.h"
#include "context/context.h"
#include "doctor/doctor.h"
#include "plan/shuffle.h"
#include <gradsmith/train.h>

#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 8192, FEATURES = 784, CLASSES = 10 };
#define WARM_UP_S 0.15
#define TIMED_S   0.4

struct watch {
    uint64_t begin_ns, begin_step, end_ns, end_step;
    uint32_t submissions;
    double loss;
};

static bool on_event(void *user, const gs_event *event) {
    struct watch *w = user;
    const uint64_t now = gs__clock_ns();
    if (event->kind != GS_EVENT_PROGRESS) return true;
    w->loss = event->train.loss;
    // The first submission compiles; clocks rise in some that follow.
    if (!w->submissions++ || !w->begin_step) {
        if (!w->begin_ns) w->begin_ns = now;
        if ((double)(now - w->begin_ns) * 1e-9 < WARM_UP_S && w->submissions > 1) return true;
        if (w->submissions > 1) w->begin_step = event->total_step;
        w->begin_ns = now;
        return true;
    }
    w->end_ns = now;
    w->end_step = event->total_step;
    return (double)(now - w->begin_ns) * 1e-9 < TIMED_S;
}

gs_status gs__doctor_time(gs_context *context, uint32_t batch, const volatile int *stop, double *samples_per_second) {
    gs_status status = GS_ERR_MEMORY;
    gs__error *error = gs__context_error(context);
    uint8_t *x = gs__allocate(error, SAMPLES, FEATURES, "random samples");
    uint8_t *y = gs__allocate(error, SAMPLES, 1, "random classes");
    gs_data *data = NULL;
    gs_model *model = NULL;
    struct watch w = {0};
    *samples_per_second = 0;
    if (!x || !y) goto fail;
    for (uint32_t i = 0; i < SAMPLES * FEATURES; i++) x[i] = (uint8_t)gs__mix32(i);
    for (uint32_t i = 0; i < SAMPLES; i++) y[i] = (uint8_t)(gs__mix32(~i) % CLASSES);
    GS_TRY(gs_data_create(context,
                          &(gs_data_params){.x = x,
                                            .x_shape = {2, {SAMPLES, FEATURES}},
                                            .x_dtype = GS_U8,
                                            .y = y,
                                            .y_shape = {1, {SAMPLES}},
                                            .y_dtype = GS_U8},
                          &data));
    GS_TRY(gs_model_from_layers(context, "784 dense:64:relu dropout:0.2 dense:10", 0, &model));
    GS_TRY(gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 0)}));
    status = gs_model_fit(
        model, data,
        &(gs_fit_params){.epochs = UINT32_MAX, .batch_size = batch, .callback = on_event, .user = &w, .stop = stop},
        NULL);
    if (status == GS_STOPPED && !(stop && *stop)) status = GS_OK;
    if (status != GS_OK) goto fail;
    *samples_per_second =
        (double)(w.end_step - w.begin_step) * batch / ((double)(w.end_ns - w.begin_ns) * 1e-9 + 1e-12);
    if (!isfinite(w.loss)) status = gs__fail(error, GS_ERR_NAN, "the loss of the timed training is not finite");
fail:
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    free(x);
    free(y);
    return status;
}
