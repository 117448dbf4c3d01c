// Training step by step against PyTorch: assets/golden/CASE, made by tools/golden/make_golden.py. The cases called keras-*
// are Keras's own (make_keras_layers.py), and compare what the untrained model predicts, too.
#include "base/file.h"
#include "base/json.h"
#include "context/context.h"
#include "data/safetensors.h"
#include <gradsmith/gradsmith.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// What must hold (issue and README): every loss, and the final weights as one vector.
#define LOSS_TOLERANCE       1e-4
#define WEIGHT_TOLERANCE     1e-3
// Of predictions, absolute and relative.
#define PREDICTION_TOLERANCE 1e-4

enum { MAX_STEPS = 1000 };

struct golden {
    gs_context *context;
    gs__json *json;
    const cJSON *root;
    char dir[1024];
    double losses[MAX_STEPS];
    uint32_t loss_count;
};

static void ok(const struct golden *g, gs_status status, const char *what) {
    if (status != GS_OK) fail_msg("%s: %s: %s", what, gs_status_name(status), gs_context_message(g->context));
}

static const char *text(const struct golden *g, const cJSON *object, const char *key) {
    const char *value = NULL;
    ok(g, gs__json_get_string(g->json, object, key, GS__JSON_REQUIRED, &value), key);
    return value;
}

static double number(const struct golden *g, const cJSON *object, const char *key, double fallback) {
    double value = fallback;
    ok(g, gs__json_get_number(g->json, object, key, GS__JSON_OPTIONAL, &value), key);
    return value;
}

static bool flag(const struct golden *g, const cJSON *object, const char *key) {
    bool value = false;
    ok(g, gs__json_get_bool(g->json, object, key, GS__JSON_OPTIONAL, &value), key);
    return value;
}

static void path_of(const struct golden *g, const char *name, char *path, size_t bytes) {
    assert_true((size_t)snprintf(path, bytes, "%s/%s", g->dir, name) < bytes);
}

static gs_model *load_model(const struct golden *g) {
    char path[2048], *json;
    size_t bytes;
    gs_model *model;
    path_of(g, text(g, g->root, "model"), path, sizeof path);
    ok(g, gs__file_read(gs__context_error(g->context), path, 1u << 20, &json, &bytes), path);
    ok(g, gs_model_from_json(g->context, json, bytes, 0, &model), path);
    free(json);
    path_of(g, text(g, g->root, "init"), path, sizeof path);
    ok(g, gs_model_load_weights(model, path), path);
    return model;
}

static void compile(const struct golden *g, gs_model *model) {
    const cJSON *o = gs__json_find(g->root, "optimizer");
    gs_compile_params params = {.no_metrics = true};
    const char *formula = gs__json_find(o, "formula") ? text(g, o, "formula") : "keras";
    ok(g, gs_optimizer_parse(text(g, o, "name"), &params.optimizer), "optimizer");
    params.optimizer.learning_rate = (float)number(g, o, "learning_rate", 0);
    params.optimizer.momentum = (float)number(g, o, "momentum", 0);
    params.optimizer.nesterov = flag(g, o, "nesterov");
    params.optimizer.beta1 = (float)number(g, o, "beta_1", 0);
    params.optimizer.beta2 = (float)number(g, o, "beta_2", 0);
    params.optimizer.rho = (float)number(g, o, "rho", 0);
    params.optimizer.epsilon = (float)number(g, o, "epsilon", 0);
    params.optimizer.weight_decay = (float)number(g, o, "weight_decay", 0);
    params.optimizer.paper_epsilon = strcmp(formula, "torch") == 0;
    ok(g, gs_loss_parse(text(g, g->root, "loss"), &params.loss), "loss");
    params.loss.from_probabilities =
        strstr(text(g, g->root, "loss"), "crossentropy") && !flag(g, g->root, "from_logits");
    ok(g, gs_model_compile(model, &params), "compile");
}

static gs_data *load_data(const struct golden *g) {
    const cJSON *d = gs__json_find(g->root, "data");
    char spec[4096], x[1500], y[1500];
    gs_data *all, *used;
    if (strcmp(text(g, d, "kind"), "npy") == 0) {
        path_of(g, text(g, d, "x"), x, sizeof x);
        path_of(g, text(g, d, "y"), y, sizeof y);
        snprintf(spec, sizeof spec, "npy:%s,%s", x, y);
    } else {
        snprintf(spec, sizeof spec, "fashion-mnist:%s", text(g, d, "split"));
    }
    ok(g, gs_data_load(g->context, spec, NULL, &all), spec);
    const uint64_t count = (uint64_t)number(g, g->root, "sample_count", 0);
    ok(g, gs_data_slice(g->context, all, 0, count, &used), "sample_count");
    gs_data_destroy(&all);
    return used;
}

static bool collect(void *user, const gs_event *event) {
    struct golden *g = user;
    for (uint32_t i = 0; i < event->step_loss_count && g->loss_count < MAX_STEPS; i++)
        g->losses[g->loss_count++] = event->step_losses[i];
    return true;
}

static void compare_losses(const struct golden *g, uint32_t steps) {
    char path[2048];
    gs_data *golden;
    path_of(g, text(g, g->root, "losses"), path, sizeof path);
    ok(g, gs_data_load_input(g->context, path, &(gs_shape){.rank = 0}, &golden), path);
    gs_data_info info;
    gs_data_get_info(golden, &info);
    assert_int_equal(info.count, steps);
    assert_int_equal(g->loss_count, steps);
    const float *expected = gs_data_x(golden);
    double worst = 0;
    for (uint32_t i = 0; i < steps; i++) {
        const double difference = fabs(g->losses[i] - (double)expected[i]) / fabs((double)expected[i]);
        if (!(difference <= LOSS_TOLERANCE))
            fail_msg("step %u: loss %.9g, expected %.9g", i, g->losses[i], (double)expected[i]);
        worst = fmax(worst, difference);
    }
    print_message("  losses of %u steps: at most %.2g off, relative\n", steps, worst);
    gs_data_destroy(&golden);
}

static void compare_predictions(const struct golden *g, gs_model *model, const gs_data *data) {
    char path[2048];
    gs_data *golden;
    gs_data_info info, golden_info;
    if (!gs__json_find(g->root, "predictions")) return;
    path_of(g, text(g, g->root, "predictions"), path, sizeof path);
    ok(g, gs_data_load_input(g->context, path, &(gs_shape){.rank = 0}, &golden), path);
    gs_data_get_info(data, &info);
    gs_data_get_info(golden, &golden_info);
    const uint64_t count = golden_info.count; // all in a row
    assert_int_equal(count % info.count, 0);
    float *found = malloc(count * sizeof *found);
    assert_non_null(found);
    ok(g, gs_model_predict(model, data, NULL, found, count), "predict");
    const float *expected = gs_data_x(golden);
    double worst = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double difference = fabs((double)found[i] - (double)expected[i]) / (1 + fabs((double)expected[i]));
        if (!(difference <= PREDICTION_TOLERANCE))
            fail_msg("prediction %llu: %.9g, expected %.9g", (unsigned long long)i, (double)found[i],
                     (double)expected[i]);
        worst = fmax(worst, difference);
    }
    print_message("  predictions: at most %.2g off\n", worst);
    free(found);
    gs_data_destroy(&golden);
}

static void compare_weights(const struct golden *g, gs_model *model) {
    char path[2048];
    gs__safetensors *file;
    gs_model_info info;
    double difference = 0, norm = 0;
    path_of(g, text(g, g->root, "final"), path, sizeof path);
    ok(g, gs__safetensors_open(gs__context_error(g->context), path, &file), path);
    gs_model_get_info(model, &info);
    assert_int_equal(info.parameter_tensor_count, gs__safetensors_count(file));
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        gs_parameter_info p;
        ok(g, gs_model_get_parameter(model, i, &p), "parameter");
        float *found = malloc(p.count * sizeof *found), *expected = malloc(p.count * sizeof *expected);
        const int64_t index = gs__safetensors_find(file, p.name);
        assert_true(index >= 0);
        ok(g, gs_model_read_parameter(model, i, found, p.count), p.name);
        ok(g, gs__safetensors_read_f32(file, (uint32_t)index, expected), p.name);
        for (uint64_t j = 0; j < p.count; j++) {
            difference += pow((double)found[j] - (double)expected[j], 2);
            norm += pow((double)expected[j], 2);
        }
        free(found);
        free(expected);
    }
    gs__safetensors_close(file);
    print_message("  final weights: %.2g off, relative L2\n", sqrt(difference / norm));
    assert_true(sqrt(difference / norm) <= WEIGHT_TOLERANCE);
}

static void run_case(const char *name) {
    struct golden g = {0};
    char path[2048], *json;
    size_t bytes;
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    snprintf(g.dir, sizeof g.dir, "%s/assets/golden/%s", source ? source : ".", name);
    assert_int_equal(gs_context_create(&g.context, NULL), GS_OK);
    path_of(&g, "case.json", path, sizeof path);
    ok(&g, gs__file_read(gs__context_error(g.context), path, 1u << 20, &json, &bytes), path);
    ok(&g, gs__json_parse(gs__context_error(g.context), json, bytes, path, &g.json), path);
    g.root = gs__json_root(g.json);
    gs_model *model = load_model(&g);
    gs_data *data = load_data(&g);
    const uint32_t steps = (uint32_t)number(&g, g.root, "steps", 0);
    compile(&g, model);
    compare_predictions(&g, model, data);
    const gs_fit_params fit = {.epochs = steps,
                               .max_steps = steps,
                               .batch_size = (uint32_t)number(&g, g.root, "batch_size", 0),
                               .no_shuffle = true,
                               .callback = collect,
                               .user = &g};
    ok(&g, gs_model_fit(model, data, &fit, NULL), "fit");
    compare_losses(&g, steps);
    compare_weights(&g, model);
    gs_data_destroy(&data);
    gs_model_destroy(&model);
    gs__json_destroy(g.json);
    free(json);
    gs_context_destroy(&g.context);
}

#define CASE(function, name)                                                                                           \
    static void function(void **state) {                                                                               \
        (void)state;                                                                                                   \
        run_case(name);                                                                                                \
    }
CASE(adam, "fashion-mlp-adam")
CASE(adam_torch, "fashion-mlp-adam-torch")
CASE(sgd, "fashion-mlp-sgd")
CASE(sgd_nesterov, "fashion-mlp-sgd-nesterov")
CASE(adamw, "fashion-mlp-adamw")
CASE(adamw_torch, "fashion-mlp-adamw-torch")
CASE(rmsprop, "fashion-mlp-rmsprop")
CASE(tanh_regression, "tanh-regression")
CASE(regularized, "regularized")
CASE(activations, "activations")
CASE(torch_cnn, "torch-cnn")
CASE(keras_cnn, "keras-cnn")
CASE(keras_conv2d, "keras-conv2d")
CASE(keras_pooling, "keras-pooling")
CASE(keras_global_pooling, "keras-global-pooling")
CASE(keras_series, "keras-series")
CASE(keras_series_mean, "keras-series-mean")
CASE(keras_depthwise, "keras-depthwise")
CASE(keras_autoencoder, "keras-autoencoder")
CASE(keras_resizing, "keras-resizing")
CASE(keras_series_resizing, "keras-series-resizing")

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torch_cnn),
        cmocka_unit_test(keras_cnn),
        cmocka_unit_test(keras_conv2d),
        cmocka_unit_test(keras_pooling),
        cmocka_unit_test(keras_global_pooling),
        cmocka_unit_test(keras_series),
        cmocka_unit_test(keras_series_mean),
        cmocka_unit_test(keras_depthwise),
        cmocka_unit_test(keras_autoencoder),
        cmocka_unit_test(keras_resizing),
        cmocka_unit_test(keras_series_resizing),
        cmocka_unit_test(adam),
        cmocka_unit_test(adam_torch),
        cmocka_unit_test(sgd),
        cmocka_unit_test(sgd_nesterov),
        cmocka_unit_test(adamw),
        cmocka_unit_test(adamw_torch),
        cmocka_unit_test(rmsprop),
        cmocka_unit_test(regularized),
        cmocka_unit_test(activations),
        cmocka_unit_test(tanh_regression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
