// Training as gs_model_fit does it: samples a second over stretches of a training that goes on.
#include "base/clock.h"
#include "base/memory.h"
#include "bench/bench.h"
#include "plan/shuffle.h"
#include <gradsmith/train.h>

#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 60000, FEATURES = 784, CLASSES = 10 };

struct workload {
    const char *name, *layers;
    uint32_t batch;
};

// A training under way. Progress comes after each submission, so a stretch is some hundredths of a second longer than
// asked for; its samples are counted to its very end.
struct stretches {
    uint64_t epoch_samples;
    double stretch_s, warm_up_s;
    uint32_t wanted;
    bool warm;
    uint64_t begin_ns, begin_samples;
    uint64_t begin_step, steps;
    double rates[GS__BENCH_MAX_REPEATS];
    uint32_t count;
    double loss;
};

static bool on_event(void *user, const gs_event *event) {
    struct stretches *s = user;
    const uint64_t now = gs__clock_ns();
    const uint64_t samples = event->epoch * s->epoch_samples + event->train.sample_count;
    if (event->kind != GS_EVENT_PROGRESS) return true;
    s->loss = event->train.loss;
    if (!s->begin_ns) { // the first submission compiles
        s->begin_ns = now;
        return true;
    }
    const double passed_s = (double)(now - s->begin_ns) * 1e-9;
    if (passed_s < (s->warm ? s->stretch_s : s->warm_up_s)) return true;
    if (s->warm) s->rates[s->count++] = (double)(samples - s->begin_samples) / passed_s;
    if (s->warm && s->count == 1) s->steps = event->total_step - s->begin_step;
    s->warm = true;
    s->begin_ns = now;
    s->begin_samples = samples;
    s->begin_step = event->total_step;
    return s->count < s->wanted;
}

// Bytes and classes without meaning, of Fashion-MNIST's shape.
static gs_status make_random_data(gs__bench *bench, gs_data **data) {
    uint8_t *x = gs__allocate(bench->error, SAMPLES, FEATURES, "random samples");
    uint8_t *y = gs__allocate(bench->error, SAMPLES, 1, "random classes");
    gs_status status = GS_ERR_MEMORY;
    if (x && y) {
        for (uint32_t i = 0; i < SAMPLES * FEATURES; i++) x[i] = (uint8_t)gs__mix32(i);
        for (uint32_t i = 0; i < SAMPLES; i++) y[i] = (uint8_t)(gs__mix32(~i) % CLASSES);
        status = gs_data_create(bench->context,
                                &(gs_data_params){.x = x,
                                                  .x_shape = {3, {SAMPLES, 28, 28}},
                                                  .x_dtype = GS_U8,
                                                  .y = y,
                                                  .y_shape = {1, {SAMPLES}},
                                                  .y_dtype = GS_U8,
                                                  .name = "random data of its shape"},
                                data);
    }
    free(x);
    free(y);
    return status;
}

static gs_status measure(gs__bench *bench, const struct workload *w, const gs_data *data) {
    gs_status status = GS_OK;
    const bool quick = bench->params->quick;
    gs_data_info info;
    gs_data_get_info(data, &info);
    struct stretches s = {.epoch_samples = info.count,
                          .stretch_s = quick ? 0.4 : 1.5,
                          .warm_up_s = quick ? 0.3 : 1,
                          .wanted = quick ? 3 : 5};
    gs_bench_result result = {.kind = GS_BENCH_TRAINING, .batch = w->batch};
    gs_model *model = NULL;
    snprintf(result.name, sizeof result.name, "%s", w->name);
    GS_TRY(gs_model_from_layers(bench->context, w->layers, 0, &model));
    GS_TRY(
        gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(), .precision = bench->params->precision}));
    status = gs_model_fit(model, data,
                          &(gs_fit_params){.epochs = UINT32_MAX,
                                           .batch_size = w->batch,
                                           .callback = on_event,
                                           .user = &s,
                                           .stop = bench->params->stop},
                          NULL);
    if (status == GS_STOPPED && s.count == s.wanted) status = GS_OK;
    if (status != GS_OK) goto fail;
    result.value = gs__bench_spread_of(s.rates, s.count);
    result.per_repeat = (uint32_t)s.steps;
    result.loss = s.loss;
    snprintf(result.detail, sizeof result.detail, "%s, adam, %s", w->layers, info.name);
fail:
    gs_model_destroy(&model);
    return status == GS_OK ? gs__bench_add(bench, &result) : gs__bench_skip_failed(bench, status, &result);
}

gs_status gs__bench_train(gs__bench *bench) {
    static const struct workload workloads[] = {
        {"W1", "784 dense:64:relu dropout:0.2 dense:10", 32},
        {"W1b", "784 dense:64:relu dropout:0.2 dense:10", 1024},
        {"W2", "784 dense:512:relu dropout:0.2 dense:512:relu dense:10", 128},
        {"W3",
         "28x28x1 conv2d:32:3:relu maxpool2d:2 conv2d:64:3:relu maxpool2d:2 flatten dense:128:relu dropout:0.5 "
         "dense:10",
         64},
    };
    gs_data *data = NULL;
    gs_status status = gs_data_load(bench->context, "fashion-mnist", bench->params->data_dir, &data);
    // A folder that was named must hold the files; where none was, random data trains as fast.
    if (status == GS_ERR_FILE && !bench->params->data_dir) status = make_random_data(bench, &data);
    for (uint32_t i = 0; i < sizeof workloads / sizeof workloads[0] && status == GS_OK; i++)
        status = measure(bench, &workloads[i], data);
    gs_data_destroy(&data);
    return status;
}
