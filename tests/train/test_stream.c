// Data sets that do not fit in device memory: streamed, they give the very bits that they give lying there whole.
#include "context/context.h"
#include "data/data.h"
#include "gpu/gpu.h"
#include "plan/shuffle.h"
#include "train/session.h"
#include <gradsmith/gradsmith.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 203, MAX_FEATURES = 15, CLASSES = 3, EPOCHS = 4, MAX_LOSSES = 4096 };

static void ok(gs_context *context, gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

// What a data set looks like, and how it is used.
struct variant {
    const char *layers;
    gs_loss loss;
    gs_dtype x_dtype, y_dtype;
    int64_t features, outputs; // outputs: of a target; 0: class indices
    uint32_t batch;
    bool no_shuffle;
    double validation_split;
    bool other_validation;
};

static gs_data *make_data(gs_context *context, const struct variant *v, uint32_t seed) {
    static uint8_t bytes[COUNT * MAX_FEATURES], classes[COUNT];
    static float floats[COUNT * MAX_FEATURES], values[COUNT * CLASSES];
    gs_data *data;
    for (uint32_t i = 0; i < COUNT * v->features; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
        floats[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    const uint32_t class_count = v->loss.kind == GS_LOSS_BINARY_CROSSENTROPY ? 2 : CLASSES;
    for (uint32_t i = 0; i < COUNT; i++) classes[i] = (uint8_t)(bytes[i * v->features] % class_count);
    for (uint32_t i = 0; i < COUNT * CLASSES; i++) values[i] = (float)bytes[i % sizeof bytes] / 255.0f;
    gs_data_params params = {
        .x = v->x_dtype == GS_U8 ? (const void *)bytes : floats,
        .x_shape = {2, {COUNT, v->features}},
        .x_dtype = v->x_dtype,
        .y = v->y_dtype == GS_U8 ? (const void *)classes : values,
        .y_shape = {1, {COUNT}},
        .y_dtype = v->y_dtype,
    };
    if (v->outputs) params.y_shape = (gs_shape){2, {COUNT, v->outputs}};
    ok(context, gs_data_create(context, &params, &data));
    return data;
}

// Everything that a training leaves behind, and what evaluation and prediction make of it.
struct outcome {
    float weights[1024], predictions[COUNT * CLASSES];
    uint64_t weight_count, loss_count;
    double losses[MAX_LOSSES], validation_losses[2 * EPOCHS];
    uint32_t validation_count;
    gs_result evaluation;
    uint32_t streamed, events;
};

static bool record(void *user, const gs_event *event) {
    struct outcome *o = user;
    o->events++;
    o->streamed += event->streamed;
    for (uint32_t i = 0; i < event->step_loss_count && o->loss_count < MAX_LOSSES; i++)
        o->losses[o->loss_count++] = event->step_losses[i];
    if (event->has_validation) o->validation_losses[o->validation_count++] = event->validation.loss;
    return true;
}

static void read_weights(gs_context *context, gs_model *model, struct outcome *o) {
    gs_model_info info;
    gs_model_get_info(model, &info);
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        gs_parameter_info p;
        ok(context, gs_model_get_parameter(model, i, &p));
        assert_true(o->weight_count + p.count <= sizeof o->weights / sizeof *o->weights);
        ok(context, gs_model_read_parameter(model, i, o->weights + o->weight_count, p.count));
        o->weight_count += p.count;
    }
}

// Two fits of a model in a context of its own, so that the second begins at an odd step. `budget`: of the data set's
// bytes; NULL: as much as there is.
static void train(const struct variant *v, const char *budget, struct outcome *o) {
    gs_context *context;
    gs_model *model;
    *o = (struct outcome){0};
    if (budget) setenv("GRADSMITH_DATA_BUDGET", budget, 1);
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context, v, 1), *other = make_data(context, v, 2);
    ok(context, gs_model_from_layers(context, v->layers, 5, &model));
    ok(context,
       gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 0.01f), .loss = v->loss}));
    for (int i = 0; i < 2; i++) {
        gs_fit_params fit = {.epochs = EPOCHS, .batch_size = v->batch, .no_shuffle = v->no_shuffle, .seed = 9};
        fit.validation_split = v->validation_split;
        fit.validation = v->other_validation ? other : NULL;
        fit.callback = record;
        fit.user = o;
        if (i == 0) fit.epochs = EPOCHS - 1, fit.max_steps = 17;
        ok(context, gs_model_fit(model, data, &fit, NULL));
    }
    read_weights(context, model, o);
    ok(context, gs_model_evaluate(model, data, 64, &o->evaluation));
    o->evaluation.seconds = 0;
    gs_model_info info;
    gs_model_get_info(model, &info);
    gs_predict_params predict = {.batch_size = 32};
    ok(context, gs_model_predict(model, data, &predict, o->predictions, COUNT * (uint64_t)info.output_shape.dim[0]));
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_data_destroy(&other);
    gs_context_destroy(&context);
    unsetenv("GRADSMITH_DATA_BUDGET");
}

static const struct variant variants[] = {
    {"12 dense:17:relu dropout:0.1 dense:3", {0}, GS_F32, GS_U8, 12, 0, 16, false, 0.2, false},
    {"7 dense:9:tanh dense:3", {0}, GS_U8, GS_U8, 7, 0, 13, false, 0, true},
    {"15 dense:3", {.kind = GS_LOSS_MSE}, GS_U8, GS_F32, 15, 3, 1, true, 0, false},
    {"5 dense:8:relu dense:1", {.kind = GS_LOSS_BINARY_CROSSENTROPY}, GS_F32, GS_U8, 5, 0, 32, false, 0.5, false},
};

static void expect_same(const struct outcome *a, const struct outcome *b) {
    assert_true(a->loss_count > 0 && a->weight_count > 0);
    assert_int_equal(a->loss_count, b->loss_count);
    assert_memory_equal(a->losses, b->losses, a->loss_count * sizeof *a->losses);
    assert_int_equal(a->validation_count, b->validation_count);
    assert_memory_equal(a->validation_losses, b->validation_losses, a->validation_count * sizeof(double));
    assert_memory_equal(a->weights, b->weights, a->weight_count * sizeof *a->weights);
    assert_memory_equal(a->predictions, b->predictions, sizeof a->predictions);
    assert_true(a->evaluation.loss == b->evaluation.loss && a->evaluation.sample_count == b->evaluation.sample_count);
    assert_memory_equal(a->evaluation.metrics, b->evaluation.metrics, sizeof a->evaluation.metrics);
}

static void same_bits(void **state) {
    (void)state;
    static struct outcome whole, streamed;
    // Rings of two steps, and of 2 to 64.
    static const char *const budgets[] = {"0", "2000"};
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        train(&variants[i], NULL, &whole);
        assert_int_equal(whole.streamed, 0);
        if (variants[i].validation_split > 0 || variants[i].other_validation) assert_true(whole.validation_count > 0);
        for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
            train(&variants[i], budgets[b], &streamed);
            assert_int_equal(streamed.streamed, streamed.events);
            expect_same(&whole, &streamed);
        }
    }
}

// Where the host cannot write to device memory, the ring lies in its own.
static void same_bits_staged(void **state) {
    (void)state;
    static struct outcome whole, staged;
    train(&variants[0], NULL, &whole);
    setenv("GRADSMITH_MEMORY", "staged", 1);
    train(&variants[0], NULL, &staged);
    assert_int_equal(staged.streamed, 0);
    expect_same(&whole, &staged);
    train(&variants[0], "3000", &staged);
    assert_int_equal(staged.streamed, staged.events);
    expect_same(&whole, &staged);
    unsetenv("GRADSMITH_MEMORY");
}

struct watch {
    gs_context *context;
    uint32_t stop_after, seen;
    uint64_t bytes;
    uint32_t allocations;
    bool streamed;
};

static bool watch_memory(void *user, const gs_event *event) {
    struct watch *watch = user;
    gs__gpu *gpu;
    ok(watch->context, gs__context_gpu(watch->context, &gpu));
    const gs__memory_use use = gs__gpu_memory_use(gpu);
    watch->bytes = use.bytes;
    watch->allocations = use.count;
    watch->streamed = event->streamed;
    return ++watch->seen != watch->stop_after;
}

// The ring is what the device holds of the data set; a training that was stopped goes on.
static void takes_little_memory(void **state) {
    (void)state;
    gs_context *context;
    gs_model *model;
    gs_data *data;
    enum { SAMPLES = 5000, FEATURES = 400 };
    float *x = calloc(SAMPLES * FEATURES, sizeof *x);
    int32_t *y = calloc(SAMPLES, sizeof *y);
    assert_true(x && y);
    for (uint32_t i = 0; i < SAMPLES; i++) x[i * FEATURES + i % FEATURES] = 1, y[i] = (int32_t)(i % 2);
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data_params params = {
        .x = x, .x_shape = {2, {SAMPLES, FEATURES}}, .y = y, .y_shape = {1, {SAMPLES}}, .y_dtype = GS_I32};
    ok(context, gs_data_create(context, &params, &data));
    ok(context, gs_model_from_layers(context, "400 dense:2", 1, &model));
    struct watch whole = {.context = context}, little = {.context = context};
    gs_fit_params fit = {.batch_size = 20, .callback = watch_memory, .user = &whole};
    ok(context, gs_model_fit(model, data, &fit, NULL));
    assert_false(whole.streamed);
    setenv("GRADSMITH_DATA_BUDGET", "1000000", 1);
    fit.user = &little;
    little.stop_after = 2;
    assert_int_equal(gs_model_fit(model, data, &fit, NULL), GS_STOPPED);
    little.stop_after = 0;
    ok(context, gs_model_fit(model, data, &fit, NULL));
    assert_true(little.streamed);
    assert_in_range(little.allocations, 1, 5);
    // 8 MB of samples, or at most 1 MB of them.
    const uint64_t data_bytes = SAMPLES * (FEATURES + 1) * sizeof(float);
    assert_true(whole.bytes - little.bytes >= data_bytes - 1000000 && whole.bytes - little.bytes < data_bytes);

    setenv("GRADSMITH_DATA_BUDGET", "lots", 1);
    assert_int_equal(gs_model_fit(model, data, &fit, NULL), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "GRADSMITH_DATA_BUDGET=lots"));
    unsetenv("GRADSMITH_DATA_BUDGET");
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
    free(x), free(y);
}

// --- more elements than 31 bits count -----------------------------------------------------------------------------------
enum { WIDTH = 784, STEPS = 3, BATCH = 32 };

static void fill_row(uint8_t *row, int32_t *y, uint32_t seed) {
    for (uint32_t i = 0; i < WIDTH; i++) {
        seed = seed * 1664525u + 1013904223u;
        row[i] = (uint8_t)(seed >> 24);
    }
    *y = row[0] % 10;
}

static bool keep_event(void *user, const gs_event *event) {
    *(gs_event *)user = *event;
    return true;
}

static gs_model *train_steps(gs_context *context, const gs_data *data, const gs_fit_params *fit, gs_event *last) {
    gs_model *model;
    gs_fit_params params = *fit;
    params.batch_size = BATCH;
    params.max_steps = STEPS;
    params.callback = keep_event;
    params.user = last;
    ok(context, gs_model_from_layers(context, "784 dense:10", 1, &model));
    ok(context, gs_model_fit(model, data, &params, NULL));
    return model;
}

// Rows from all over 2.4 GB, most of which nobody ever touches: they train as the same rows alone do.
static void very_large(void **state) {
    (void)state;
    const uint64_t count = 3100000;
    struct gs_data large = {.name = (char[]){"large"}, .count = count, .max_class = 9};
    large.x_shape = (gs_shape){2, {(int64_t)count, WIDTH}};
    large.y_shape = (gs_shape){1, {(int64_t)count}};
    large.x_dtype = GS_U8;
    large.y_dtype = GS_I32;
    large.x_bytes = count * WIDTH;
    large.y_bytes = count * sizeof(int32_t);
    large.x = calloc(count, WIDTH);
    large.y = calloc(count, sizeof(int32_t));
    if (!large.x || !large.y) {
        print_message("skipped: no address space for a data set of 2.4 GB\n");
        free(large.x), free(large.y);
        skip();
    }
    static uint8_t x[STEPS * BATCH * WIDTH];
    static int32_t y[STEPS * BATCH];
    uint64_t farthest = 0;
    for (uint32_t i = 0; i < STEPS * BATCH; i++) {
        const uint64_t at = gs__shuffled(i, (uint32_t)count, 7, 0, 0);
        if (at > farthest) farthest = at;
        fill_row(x + i * WIDTH, &y[i], i);
        memcpy((uint8_t *)large.x + at * WIDTH, x + i * WIDTH, WIDTH);
        ((int32_t *)large.y)[at] = y[i];
    }
    assert_true(farthest * WIDTH > INT32_MAX);
    gs_context *context;
    gs_data *small;
    gs_event last = {0};
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data_params params = {
        .x = x, .x_shape = {2, {STEPS * BATCH, WIDTH}}, .x_dtype = GS_U8, .y = y, .y_shape = {1, {STEPS * BATCH}}};
    params.y_dtype = GS_I32;
    ok(context, gs_data_create(context, &params, &small));
    gs_model *a = train_steps(context, &large, &(gs_fit_params){.seed = 7}, &last);
    assert_true(last.streamed);
    gs_model *b = train_steps(context, small, &(gs_fit_params){.no_shuffle = true}, &last);
    assert_false(last.streamed);
    static float weights[2][WIDTH * 10];
    ok(context, gs_model_read_parameter(a, 0, weights[0], WIDTH * 10));
    ok(context, gs_model_read_parameter(b, 0, weights[1], WIDTH * 10));
    assert_memory_equal(weights[0], weights[1], sizeof weights[0]);

    // As a validation split's session: the last 31 rows, at a first sample that 31 bits of bytes do not reach.
    gs_data *end;
    gs_result expected, found;
    gs__session session;
    for (uint32_t i = 0; i < 31; i++)
        fill_row((uint8_t *)large.x + (count - 31 + i) * WIDTH, (int32_t *)large.y + count - 31 + i, 1000 + i);
    ok(context, gs_data_slice(context, &large, count - 31, 31, &end));
    ok(context, gs_model_evaluate(a, end, 7, &expected));
    const gs__session_params last_rows = {
        .mode = GS__MODE_EVALUATE, .data = &large, .begin = count - 31, .count = 31, .batch = 7};
    ok(context, gs__session_open(a, &last_rows, &session));
    ok(context, gs__session_evaluate(&session, &found));
    gs__session_close(&session);
    assert_true(found.loss == expected.loss && found.metrics[0] == expected.metrics[0]);
    assert_int_equal(found.sample_count, 31);
    gs_model_destroy(&a);
    gs_model_destroy(&b);
    gs_data_destroy(&small);
    gs_data_destroy(&end);
    gs_context_destroy(&context);
    free(large.x), free(large.y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits),
        cmocka_unit_test(same_bits_staged),
        cmocka_unit_test(takes_little_memory),
        cmocka_unit_test(very_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
