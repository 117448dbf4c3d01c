// fit, evaluate and predict by the public API: determinism, ragged batches, validation, stopping, bad input, threads.
#include <gradsmith/gradsmith.h>

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 203, FEATURES = 12, CLASSES = 4 };

static void ok(gs_context *context, gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

// Classes that a small net can learn: the class is where the largest of four sums lies.
static void make_samples(float *x, int32_t *y) {
    uint32_t seed = 1;
    for (int i = 0; i < COUNT; i++) {
        float sums[CLASSES] = {0};
        for (int j = 0; j < FEATURES; j++) {
            seed = seed * 1664525u + 1013904223u;
            x[i * FEATURES + j] = (float)(seed >> 8) / 8388608.0f - 1.0f;
            sums[j % CLASSES] += x[i * FEATURES + j];
        }
        y[i] = 0;
        for (int k = 1; k < CLASSES; k++)
            if (sums[k] > sums[y[i]]) y[i] = k;
    }
}

static gs_data *make_data(gs_context *context) {
    float x[COUNT * FEATURES];
    int32_t y[COUNT];
    gs_data *data;
    make_samples(x, y);
    ok(context, gs_data_create(context,
                               &(gs_data_params){.x = x,
                                                 .x_shape = {2, {COUNT, FEATURES}},
                                                 .x_dtype = GS_F32,
                                                 .y = y,
                                                 .y_shape = {1, {COUNT}},
                                                 .y_dtype = GS_I32},
                               &data));
    return data;
}

static gs_model *make_model(gs_context *context, uint64_t seed) {
    gs_model *model;
    gs_layer layers[] = {gs_input(.shape = {1, {FEATURES}}), gs_dense(.units = 17, .activation = GS_ACTIVATION_RELU),
                         gs_dropout(.rate = 0.1f), gs_dense(.units = CLASSES)};
    ok(context,
       gs_model_sequential(context, &(gs_sequential_params){.layers = layers, .layer_count = 4, .seed = seed}, &model));
    ok(context, gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 0.01f)}));
    return model;
}

static float *weights_of(gs_context *context, gs_model *model, uint64_t *count) {
    gs_model_info info;
    gs_model_get_info(model, &info);
    float *weights = malloc(info.parameter_count * sizeof *weights), *at = weights;
    assert_non_null(weights);
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        gs_parameter_info p;
        ok(context, gs_model_get_parameter(model, i, &p));
        ok(context, gs_model_read_parameter(model, i, at, p.count));
        at += p.count;
    }
    *count = info.parameter_count;
    return weights;
}

// A whole training in a context of its own; the weights it ends with.
static float *train(uint64_t seed, uint32_t fits, uint32_t epochs, uint64_t *count) {
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    gs_model *model = make_model(context, 7);
    for (uint32_t i = 0; i < fits; i++)
        ok(context,
           gs_model_fit(model, data, &(gs_fit_params){.epochs = epochs, .batch_size = 16, .seed = seed}, NULL));
    float *weights = weights_of(context, model, count);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
    return weights;
}

static void same_seed_same_bits(void **state) {
    (void)state;
    uint64_t count;
    float *a = train(3, 1, 4, &count), *b = train(3, 1, 4, &count), *other = train(4, 1, 4, &count);
    float *in_two = train(3, 2, 2, &count);
    assert_memory_equal(a, b, count * sizeof *a);
    assert_true(memcmp(a, other, count * sizeof *a) != 0);
    // A second fit goes on where the first ended: step, order of the samples, optimizer state.
    assert_memory_equal(a, in_two, count * sizeof *a);
    free(a), free(b), free(other), free(in_two);
}

static void learns(void **state) {
    (void)state;
    gs_context *context;
    gs_result result, trained;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    gs_model *model = make_model(context, 1);
    ok(context, gs_model_fit(model, data, &(gs_fit_params){.epochs = 60, .batch_size = 20, .seed = 1}, &trained));
    ok(context, gs_model_evaluate(model, data, 64, &result));
    assert_int_equal(result.sample_count, COUNT);
    assert_int_equal(result.metric_count, 1);
    assert_string_equal(result.metric_names[0], "accuracy");
    assert_true(result.metrics[0] > 0.95);
    assert_true(trained.loss < 0.5);

    // Evaluation is the mean over samples, whatever the batch size; predictions agree with it.
    gs_result other;
    static float y[COUNT * CLASSES], p[COUNT * CLASSES];
    ok(context, gs_model_evaluate(model, data, 7, &other));
    assert_true(fabs(other.loss - result.loss) < 1e-5 && fabs(other.metrics[0] - result.metrics[0]) < 1e-9);
    ok(context, gs_model_predict(model, data, NULL, y, COUNT * CLASSES));
    ok(context,
       gs_model_predict(model, data, &(gs_predict_params){.batch_size = 9, .softmax = true}, p, COUNT * CLASSES));
    double loss = 0, correct = 0;
    const int32_t *classes = gs_data_y(data);
    for (int i = 0; i < COUNT; i++) {
        double sum = 0, total = 0;
        int best = 0;
        for (int k = 0; k < CLASSES; k++) {
            sum += exp((double)y[i * CLASSES + k]);
            total += (double)p[i * CLASSES + k];
            if (y[i * CLASSES + k] > y[i * CLASSES + best]) best = k;
        }
        const double q = exp((double)y[i * CLASSES + classes[i]]) / sum;
        assert_true(fabs(total - 1) < 1e-5 && fabs((double)p[i * CLASSES + classes[i]] - q) < 1e-5);
        loss -= log(q) / COUNT;
        correct += best == classes[i];
    }
    assert_true(fabs(loss - result.loss) < 1e-5);
    assert_true(fabs(correct / COUNT - result.metrics[0]) < 1e-9);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

struct log {
    uint32_t epochs, progress;
    uint64_t steps, losses;
    bool validated;
    double val_loss;
    uint64_t train_samples;
    uint32_t stop_after; // epochs; 0: never
};

static bool record(void *user, const gs_event *event) {
    struct log *log = user;
    if (event->kind == GS_EVENT_PROGRESS) {
        log->progress++;
        log->losses += event->step_loss_count;
        return true;
    }
    log->epochs++;
    log->steps = event->steps;
    log->validated = event->has_validation;
    log->val_loss = event->validation.loss;
    log->train_samples = event->train.sample_count;
    return log->epochs != log->stop_after;
}

static void validation_split_takes_the_end(void **state) {
    (void)state;
    gs_context *context;
    gs_data *head, *tail;
    struct log a = {0}, b = {0};
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    ok(context, gs_data_slice(context, data, 0, 162, &head)); // int(203 * 0.8)
    ok(context, gs_data_slice(context, data, 162, COUNT - 162, &tail));
    gs_model *one = make_model(context, 1), *two = make_model(context, 1);
    gs_fit_params fit = {.epochs = 3, .batch_size = 16, .seed = 2, .callback = record, .user = &a};
    fit.validation_split = 0.2;
    ok(context, gs_model_fit(one, data, &fit, NULL));
    fit.validation_split = 0;
    fit.validation = tail;
    fit.user = &b;
    ok(context, gs_model_fit(two, head, &fit, NULL));
    assert_true(a.validated && b.validated && a.epochs == 3 && b.epochs == 3);
    assert_int_equal(a.train_samples, 162);
    assert_int_equal(a.steps, 11);
    assert_int_equal(a.losses, 33);
    assert_true(a.val_loss == b.val_loss);
    uint64_t count;
    float *w1 = weights_of(context, one, &count), *w2 = weights_of(context, two, &count);
    assert_memory_equal(w1, w2, count * sizeof *w1);
    free(w1), free(w2);
    gs_model_destroy(&one);
    gs_model_destroy(&two);
    gs_data_destroy(&head);
    gs_data_destroy(&tail);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

static void stops_on_request(void **state) {
    (void)state;
    gs_context *context;
    struct log log = {.stop_after = 2};
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    gs_model *model = make_model(context, 1);
    gs_fit_params fit = {.epochs = 1000, .batch_size = 8, .callback = record, .user = &log};
    assert_int_equal(gs_model_fit(model, data, &fit, NULL), GS_STOPPED);
    assert_int_equal(log.epochs, 2);
    volatile int stop = 1;
    fit = (gs_fit_params){.epochs = 1000, .batch_size = 8, .stop = &stop};
    assert_int_equal(gs_model_fit(model, data, &fit, NULL), GS_STOPPED);
    // The model is usable afterwards.
    gs_result result;
    ok(context, gs_model_evaluate(model, data, 0, &result));
    fit = (gs_fit_params){.epochs = 1000, .batch_size = 8, .max_steps = 5, .callback = record, .user = &log};
    log = (struct log){0};
    ok(context, gs_model_fit(model, data, &fit, NULL));
    assert_int_equal(log.losses, 5);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

static void expect(gs_context *context, gs_status found, gs_status wanted, const char *words) {
    if (found != wanted || !strstr(gs_context_message(context), words))
        fail_msg("%s: \"%s\", expected %s: \"%s\"", gs_status_name(found), gs_context_message(context),
                 gs_status_name(wanted), words);
}

static void bad_input_is_refused(void **state) {
    (void)state;
    gs_context *context;
    gs_result result;
    float y[COUNT * CLASSES];
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    gs_model *model = make_model(context, 1), *small;
    gs_fit_params fit = {.validation_split = 1};
    expect(context, gs_model_fit(model, data, &fit, NULL), GS_ERR_ARGUMENT, "validation split 1");
    fit = (gs_fit_params){.validation_split = (double)NAN};
    expect(context, gs_model_fit(model, data, &fit, NULL), GS_ERR_ARGUMENT, "validation split");
    fit = (gs_fit_params){.validation_split = 0.1, .validation = data};
    expect(context, gs_model_fit(model, data, &fit, NULL), GS_ERR_ARGUMENT, "both");
    fit = (gs_fit_params){.batch_size = UINT32_MAX};
    expect(context, gs_model_fit(model, data, &fit, NULL), GS_ERR_ARGUMENT, "batch size");
    expect(context, gs_model_fit(model, NULL, NULL, NULL), GS_ERR_ARGUMENT, "NULL");
    expect(context, gs_model_evaluate(model, data, 0, NULL), GS_ERR_ARGUMENT, "NULL");
    expect(context, gs_model_predict(model, data, NULL, y, 3), GS_ERR_ARGUMENT, "holds 3 values");
    assert_int_equal(gs_model_fit(NULL, data, NULL, NULL), GS_ERR_ARGUMENT);

    ok(context, gs_model_from_layers(context, "12 dense:3", 0, &small));
    expect(context, gs_model_fit(small, data, NULL, NULL), GS_ERR_ARGUMENT, "3");
    gs_model_destroy(&small);
    ok(context, gs_model_from_layers(context, "11 dense:4", 0, &small));
    expect(context, gs_model_evaluate(small, data, 0, &result), GS_ERR_ARGUMENT, "12");
    gs_model_destroy(&small);

    // A rate that makes it diverge: a message, not silent nonsense.
    ok(context, gs_model_compile(model, &(gs_compile_params){.optimizer = gs_sgd(.learning_rate = 1e30f)}));
    expect(context, gs_model_fit(model, data, &(gs_fit_params){.epochs = 10}, NULL), GS_ERR_NAN, "learning rate");
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

static void *train_in_thread(void *seed) {
    uint64_t count;
    return train(*(uint64_t *)seed, 1, 3, &count);
}

static void contexts_run_in_threads(void **state) {
    (void)state;
    pthread_t threads[3];
    uint64_t seeds[3] = {1, 2, 1}, count;
    float *weights[3], *alone = train(2, 1, 3, &count);
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, train_in_thread, &seeds[i]), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_join(threads[i], (void **)&weights[i]), 0);
    assert_memory_equal(weights[0], weights[2], count * sizeof(float));
    assert_memory_equal(weights[1], alone, count * sizeof(float));
    for (int i = 0; i < 3; i++) free(weights[i]);
    free(alone);
}

// The reference model's step, and its profile.
static void count_dispatches(const char *kernels) {
    setenv("GRADSMITH_KERNELS", kernels, 1);
    gs_context *context;
    gs_data *data;
    gs_model *model;
    gs_profile_entry entries[32];
    uint32_t count = 0;
    static uint8_t x[64 * 784], y[64];
    for (uint32_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)(i * 37);
    for (uint32_t i = 0; i < sizeof y; i++) y[i] = (uint8_t)(i % 10);
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    ok(context,
       gs_data_create(
           context,
           &(gs_data_params){
               .x = x, .x_shape = {2, {64, 784}}, .x_dtype = GS_U8, .y = y, .y_shape = {1, {64}}, .y_dtype = GS_U8},
           &data));
    ok(context, gs_model_from_layers(context, "784 dense:64:relu dropout:0.2 dense:10", 0, &model));
    expect(context, gs_model_profile(model, entries, 32, &count), GS_ERR_ARGUMENT, "profile");
    ok(context, gs_model_fit(model, data, &(gs_fit_params){.epochs = 3, .batch_size = 32, .profile = true}, NULL));
    ok(context, gs_model_profile(model, entries, 32, &count));
    unsetenv("GRADSMITH_KERNELS");
    assert_true(count > 0 && count <= 5);
    double share = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(entries[i].median_ns > 0 && entries[i].bytes > 0 && entries[i].name[0]);
        share += entries[i].share;
    }
    assert_true(fabs(share - 1) < 1e-9);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

static void few_dispatches(void **state) {
    (void)state;
    count_dispatches("cpu");
    count_dispatches("gpu");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bits),
        cmocka_unit_test(learns),
        cmocka_unit_test(validation_split_takes_the_end),
        cmocka_unit_test(stops_on_request),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(contexts_run_in_threads),
        cmocka_unit_test(few_dispatches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
