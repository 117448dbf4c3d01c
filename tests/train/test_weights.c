// Weights of samples and classes, ignored classes, smoothed labels: trainings against Keras's
// (assets/golden/updates/weights.json, by tools/golden/make_update_vectors.py), and what is refused.
#include "base/file.h"
#include "base/json.h"
#include "model/model.h"
#include <gradsmith/gradsmith.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MAX = 128, CLASSES = 3, PARAMETERS = 4 };

static gs_context *context;

struct epochs {
    double loss[MAX], validation[MAX];
    uint32_t count;
};

static int open_device(void **state) {
    (void)state;
    return gs_context_create(&context, NULL) == GS_OK ? 0 : -1;
}

static int close_device(void **state) {
    (void)state;
    gs_context_destroy(&context);
    return 0;
}

static void ok(gs_status status, const char *what) {
    if (status != GS_OK) fail_msg("%s: %s: %s", what, gs_status_name(status), gs_context_message(context));
}

static bool collect(void *user, const gs_event *event) {
    struct epochs *e = user;
    if (event->kind != GS_EVENT_EPOCH || e->count == MAX) return true;
    e->loss[e->count] = event->train.loss;
    e->validation[e->count++] = event->validation.loss;
    return true;
}

static uint32_t numbers(gs__json *json, const cJSON *array, float *values) {
    const cJSON *number;
    uint32_t count = 0;
    cJSON_ArrayForEach(number, array) {
        double value = 0;
        assert_true(count < MAX);
        ok(gs__json_as_number(json, number, &value), "number");
        values[count++] = (float)value;
    }
    return count;
}

static void compare(const char *name, const char *what, double found, double expected) {
    if (!(fabs(found - expected) <= 2e-6 + 2e-5 * fabs(expected)))
        fail_msg("%s: %s is %.9g, Keras has %.9g", name, what, found, expected);
}

static gs_data *make_data(gs__json *json, const cJSON *root, bool one_hot) {
    float x[MAX], y[MAX], hot[MAX * CLASSES] = {0};
    int32_t labels[MAX];
    gs_data *data;
    numbers(json, gs__json_find(root, "x"), x);
    const uint32_t count = numbers(json, gs__json_find(root, "y"), y);
    for (uint32_t i = 0; i < count; i++) {
        labels[i] = (int32_t)y[i];
        hot[CLASSES * i + (uint32_t)labels[i]] = 1;
    }
    gs_data_params params = {.x = x, .x_shape = {2, {count, 3}}, .x_dtype = GS_F32, .y = labels, .y_dtype = GS_I32};
    params.y_shape = (gs_shape){1, {count}};
    if (one_hot) {
        params.y = hot;
        params.y_dtype = GS_F32;
        params.y_shape = (gs_shape){2, {count, CLASSES}};
    }
    ok(gs_data_create(context, &params, &data), "data");
    return data;
}

static void check_case(gs__json *json, const cJSON *root, const cJSON *item) {
    const char *name = "";
    bool weighted = false, one_hot = false;
    float weights[MAX], classes[MAX], expected[MAX];
    struct epochs e = {.count = 0};
    gs_model *model;
    const cJSON *list;
    uint32_t i = 0;
    ok(gs__json_get_string(json, item, "name", GS__JSON_REQUIRED, &name), "name");
    ok(gs__json_get_bool(json, item, "weighted", GS__JSON_REQUIRED, &weighted), "weighted");
    ok(gs__json_get_bool(json, item, "one_hot", GS__JSON_REQUIRED, &one_hot), "one_hot");
    gs_data *data = make_data(json, root, one_hot);
    ok(gs_model_from_layers(context, "3 dense:6:tanh dense:3", 1, &model), "model");
    ok(gs__compile_from_json(json, item, &model->json_compile), name);
    ok(gs_model_compile(model, NULL), name);
    cJSON_ArrayForEach(list, gs__json_find(root, "initial"))
        ok(gs_model_write_parameter(model, i++, expected, numbers(json, list, expected)), "initial");
    gs_fit_params fit = {.epochs = 3, .batch_size = 4, .no_shuffle = true, .callback = collect, .user = &e};
    double evaluated = 0;
    gs_result result;
    const uint32_t samples = numbers(json, gs__json_find(root, "sample_weight"), weights);
    ok(gs__json_get_number(json, item, "evaluated", GS__JSON_REQUIRED, &evaluated), "evaluated");
    ok(gs_model_evaluate_weighted(model, data, 4, weights, samples, &result), name);
    compare(name, "loss of evaluate", result.loss, evaluated);
    ok(gs__json_get_number(json, item, "validation_split", GS__JSON_REQUIRED, &fit.validation_split), "split");
    if (weighted) {
        fit.sample_weight_count = samples;
        fit.sample_weight = weights;
    }
    fit.class_weight_count = numbers(json, gs__json_find(item, "class_weight"), classes);
    if (fit.class_weight_count) fit.class_weight = classes;
    ok(gs_model_fit(model, data, &fit, NULL), name);
    const uint32_t count = numbers(json, gs__json_find(item, "losses"), expected);
    assert_int_equal(count, e.count);
    for (i = 0; i < count; i++) compare(name, "loss of an epoch", e.loss[i], (double)expected[i]);
    const uint32_t validations = numbers(json, gs__json_find(item, "validation"), expected);
    for (i = 0; i < validations; i++) compare(name, "loss of validation", e.validation[i], (double)expected[i]);
    i = 0;
    cJSON_ArrayForEach(list, gs__json_find(item, "final")) {
        float found[MAX];
        const uint32_t elements = numbers(json, list, expected);
        ok(gs_model_read_parameter(model, i++, found, elements), "weights");
        for (uint32_t j = 0; j < elements; j++) compare(name, "a weight", (double)found[j], (double)expected[j]);
    }
    assert_int_equal(i, PARAMETERS);
    gs_data_destroy(&data);
    gs_model_destroy(&model);
}

static gs__json *load(gs__error *error, char **text) {
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    char path[4096];
    size_t bytes;
    gs__json *json = NULL;
    snprintf(path, sizeof path, "%s/assets/golden/updates/weights.json", source ? source : ".");
    if (gs__file_read(error, path, 1 << 20, text, &bytes) != GS_OK) fail_msg("%s", error->message);
    if (gs__json_parse(error, *text, bytes, path, &json) != GS_OK) fail_msg("%s", error->message);
    return json;
}

static void golden(void **state) {
    (void)state;
    gs__error error = {0};
    char *text;
    gs__json *json = load(&error, &text);
    const cJSON *item;
    uint32_t count = 0;
    cJSON_ArrayForEach(item, gs__json_find(gs__json_root(json), "cases")) {
        check_case(json, gs__json_root(json), item);
        count++;
    }
    assert_in_range(count, 8, 100);
    gs__json_destroy(json);
    free(text);
}

// --- metrics of a whole pass ---------------------------------------------------------------------------------------------
static void initial_weights(gs__json *json, const cJSON *root, gs_model *model, uint32_t outputs) {
    const cJSON *list;
    uint32_t i = 0;
    cJSON_ArrayForEach(list, gs__json_find(root, "initial")) {
        float values[MAX], cut[MAX];
        const uint32_t count = numbers(json, list, values), kept = i < 2 ? count : count / CLASSES * outputs;
        for (uint32_t k = 0; k < kept; k++) cut[k] = i < 2 ? values[k] : values[k / outputs * CLASSES + k % outputs];
        ok(gs_model_write_parameter(model, i++, cut, kept), "initial");
    }
}

static void check_metrics(gs__json *json, const char *layers, uint32_t outputs, const gs_compile_params *params,
                          const gs_data *data, const char *prefix) {
    const cJSON *root = gs__json_root(json), *metrics = gs__json_find(root, "metrics");
    gs_model *model;
    gs_result result;
    ok(gs_model_from_layers(context, layers, 1, &model), "model");
    ok(gs_model_compile(model, params), "compile");
    initial_weights(json, root, model, outputs);
    for (uint32_t batch = 5; batch <= 22; batch += 17) { // several batches, the last not full; one
        ok(gs_model_evaluate(model, data, batch, &result), "evaluate");
        for (uint32_t i = 0; i < result.metric_count; i++) {
            char key[64];
            double expected = 0;
            snprintf(key, sizeof key, "%s%s", prefix, result.metric_names[i]);
            ok(gs__json_get_number(json, metrics, key, GS__JSON_REQUIRED, &expected), key);
            compare(key, "the metric", result.metrics[i], expected);
        }
    }
    gs_model_destroy(&model);
}

static void metrics_of_a_pass(void **state) {
    (void)state;
    gs__error error = {0};
    char *text;
    gs__json *json = load(&error, &text);
    const cJSON *root = gs__json_root(json);
    gs_data *labels = make_data(json, root, false), *one_hot = make_data(json, root, true), *first;
    const gs_compile_params counted = {
        .metrics = {{GS_METRIC_PRECISION, 0}, {GS_METRIC_RECALL, 0}, {GS_METRIC_F1, 0}, {GS_METRIC_AUC, 0}}};
    gs_compile_params with = counted;
    check_metrics(json, "3 dense:6:tanh dense:3", 3, &with, labels, "");
    with.loss.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY;
    check_metrics(json, "3 dense:6:tanh dense:3", 3, &with, one_hot, "");
    check_metrics(json, "3 dense:6:tanh dense:3:softmax", 3, &with, one_hot, "");
    const gs_compile_params squares = {.loss = {.kind = GS_LOSS_MSE}, .metrics = {{GS_METRIC_R2, 0}}};
    check_metrics(json, "3 dense:6:tanh dense:3", 3, &squares, one_hot, "");

    float x[MAX], y[MAX];
    numbers(json, gs__json_find(root, "x"), x);
    const uint32_t count = numbers(json, gs__json_find(root, "y"), y);
    for (uint32_t i = 0; i < count; i++) y[i] = y[i] == 0.0f;
    const gs_data_params params = {
        .x = x, .x_shape = {2, {count, 3}}, .y = y, .y_shape = {2, {count, 1}}, .y_dtype = GS_F32};
    ok(gs_data_create(context, &params, &first), "data");
    with.loss.kind = GS_LOSS_BINARY_CROSSENTROPY;
    check_metrics(json, "3 dense:6:tanh dense:1", 1, &with, first, "binary ");
    check_metrics(json, "3 dense:6:tanh dense:1:sigmoid", 1, &with, first, "binary ");
    gs_data_destroy(&first);
    gs_data_destroy(&labels);
    gs_data_destroy(&one_hot);
    gs__json_destroy(json);
    free(text);
}

static void confusion(void **state) {
    (void)state;
    gs__error error = {0};
    char *text;
    gs__json *json = load(&error, &text);
    const cJSON *root = gs__json_root(json);
    float expected[MAX];
    uint64_t matrix[9];
    gs_model *model;
    gs_data *data = make_data(json, root, false), *one_hot = make_data(json, root, true);
    numbers(json, gs__json_find(gs__json_find(root, "metrics"), "confusion"), expected);
    ok(gs_model_from_layers(context, "3 dense:6:tanh dense:3", 1, &model), "model");
    initial_weights(json, root, model, 3);
    ok(gs_model_confusion(model, data, 5, matrix, 3), "confusion");
    for (int i = 0; i < 9; i++) assert_int_equal(matrix[i], (uint64_t)expected[i]);
    ok(gs_model_compile(model, &(gs_compile_params){.loss = {.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY}}), "compile");
    ok(gs_model_confusion(model, one_hot, 0, matrix, 3), "confusion");
    for (int i = 0; i < 9; i++) assert_int_equal(matrix[i], (uint64_t)expected[i]);
    assert_int_equal(gs_model_confusion(model, one_hot, 0, matrix, 4), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "a matrix of 4 classes, but the model's output has 3"));
    assert_int_equal(gs_model_confusion(model, one_hot, 0, NULL, 3), GS_ERR_ARGUMENT);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_data_destroy(&one_hot);
    gs__json_destroy(json);
    free(text);
}

// Each epoch counts anew, in training too.
static bool check_epoch(void *user, const gs_event *event) {
    if (event->kind == GS_EVENT_PROGRESS) {
        assert_true(isnan(event->train.metrics[0]));
        return true;
    }
    const double *m = event->train.metrics;
    assert_true(m[0] >= 0 && m[0] <= 1 && m[1] >= 0 && m[1] <= 1);
    ++*(uint32_t *)user;
    return true;
}

static void metrics_in_training(void **state) {
    (void)state;
    gs__error error = {0};
    char *text;
    gs__json *json = load(&error, &text);
    gs_data *data = make_data(json, gs__json_root(json), false);
    gs_model *model;
    uint32_t epochs = 0;
    gs_result trained, evaluated;
    const gs_compile_params params = {.optimizer = gs_sgd(.learning_rate = 1e-12f),
                                      .metrics = {{GS_METRIC_F1, 0}, {GS_METRIC_AUC, 0}}};
    ok(gs_model_from_layers(context, "3 dense:6:tanh dense:3", 1, &model), "model");
    ok(gs_model_compile(model, &params), "compile");
    const gs_fit_params fit = {.epochs = 3, .batch_size = 5, .callback = check_epoch, .user = &epochs};
    ok(gs_model_fit(model, data, &fit, &trained), "fit");
    assert_int_equal(epochs, 3);
    ok(gs_model_evaluate(model, data, 0, &evaluated), "evaluate");
    for (int i = 0; i < 2; i++) compare("training", "the metric", trained.metrics[i], evaluated.metrics[i]);
    // R2 needs values.
    const gs_compile_params bad = {.loss = {.kind = GS_LOSS_SPARSE_CROSSENTROPY}, .metrics = {{GS_METRIC_R2, 0}}};
    ok(gs_model_compile(model, &bad), "compile");
    assert_int_equal(gs_model_evaluate(model, data, 0, &evaluated), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "metric r2_score needs targets of the output's shape"));
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs__json_destroy(json);
    free(text);
}

static void train(const gs_fit_params *params, float weights[18]) {
    gs__error error = {0};
    char *text;
    gs__json *json = load(&error, &text);
    gs_data *data = make_data(json, gs__json_root(json), false);
    gs_model *model;
    ok(gs_model_from_layers(context, "3 dense:6:tanh dense:3", 1, &model), "model");
    ok(gs_model_fit(model, data, params, NULL), "fit");
    ok(gs_model_read_parameter(model, 0, weights, 18), "weights");
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs__json_destroy(json);
    free(text);
}

// Streamed batches have the weights of their samples; weights of 1 change nothing.
static void streamed_and_plain(void **state) {
    (void)state;
    float weights[22], whole[18], streamed[18], ones[18], none[18];
    for (int i = 0; i < 22; i++) weights[i] = (float)(i % 5) / 2;
    gs_fit_params fit = {.epochs = 2, .batch_size = 4, .sample_weight = weights, .sample_weight_count = 22};
    train(&fit, whole);
    assert_int_equal(setenv("GRADSMITH_DATA_BUDGET", "64", 1), 0);
    train(&fit, streamed);
    assert_int_equal(unsetenv("GRADSMITH_DATA_BUDGET"), 0);
    assert_memory_equal(whole, streamed, sizeof whole);
    for (int i = 0; i < 22; i++) weights[i] = 1;
    train(&fit, ones);
    fit.sample_weight = NULL;
    train(&fit, none);
    for (int i = 0; i < 18; i++) assert_true(fabsf(ones[i] - none[i]) <= 1e-5f);
    assert_memory_not_equal(whole, none, sizeof whole);
}

static void refused(void **state) {
    (void)state;
    float weights[22] = {0}, classes[3] = {1, 1, -1};
    weights[7] = NAN;
    const struct {
        gs_fit_params params;
        const char *message;
    } cases[] = {
        {{.sample_weight = weights, .sample_weight_count = 21}, "21 sample weights for 22 samples"},
        {{.sample_weight = weights, .sample_weight_count = 22}, "sample weight 7 is nan"},
        {{.class_weight = classes, .class_weight_count = 3}, "weight of class 2 is -1"},
        {{.class_weight = classes, .class_weight_count = 1}, "there are weights for 1 classes"},
        {{.sample_weight = weights, .sample_weight_count = 22, .class_weight = classes}, "exclude each other"},
    };
    gs__error error = {0};
    char *text;
    gs__json *json = load(&error, &text);
    gs_data *data = make_data(json, gs__json_root(json), false);
    gs_model *model;
    ok(gs_model_from_layers(context, "3 dense:3", 1, &model), "model");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gs_model_fit(model, data, &cases[i].params, NULL), GS_ERR_ARGUMENT);
        if (!strstr(gs_context_message(context), cases[i].message)) fail_msg("%s", gs_context_message(context));
    }
    gs_result result;
    assert_int_equal(gs_model_evaluate_weighted(model, data, 0, weights, 21, &result), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "21 sample weights for 22 samples"));
    assert_int_equal(gs_model_evaluate_weighted(model, data, 0, NULL, 22, &result), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "sample_weight is NULL"));
    weights[3] = -1;
    assert_int_equal(gs_model_evaluate_weighted(model, data, 0, weights, 22, &result), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "sample weight 3 is -1"));
    static const struct {
        gs_loss loss;
        const char *message;
    } bad[] = {
        {{.kind = GS_LOSS_MSE, .label_smoothing = 0.1f}, "loss mean_squared_error has no label_smoothing"},
        {{.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY, .label_smoothing = 1}, "label_smoothing is 1; it must be"},
        {{.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY, .ignores = true}, "has no ignore_class"},
        {{.kind = GS_LOSS_CATEGORICAL_FOCAL, .alpha = 2}, "alpha is 2; it must be a finite number above 0"},
        {{.kind = GS_LOSS_CATEGORICAL_FOCAL, .gamma = INFINITY}, "gamma is inf"},
        {{.kind = GS_LOSS_CATEGORICAL_FOCAL, .class_balancing = true}, "has no class_balancing"},
        {{.kind = GS_LOSS_HINGE, .gamma = 1}, "loss hinge has no gamma"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(gs_model_compile(model, &(gs_compile_params){.loss = bad[i].loss}), GS_ERR_ARGUMENT);
        if (!strstr(gs_context_message(context), bad[i].message)) fail_msg("%s", gs_context_message(context));
    }
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs__json_destroy(json);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden),
                                       cmocka_unit_test(metrics_of_a_pass),
                                       cmocka_unit_test(confusion),
                                       cmocka_unit_test(metrics_in_training),
                                       cmocka_unit_test(streamed_and_plain),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
