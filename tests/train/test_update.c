// Optimizers, clipping, accumulation, averages and schedules in whole trainings: against Keras
// (assets/golden/updates/updates.json, by tools/golden/make_update_vectors.py), and by what must hold.
#include "base/file.h"
#include "base/json.h"
#include "context/context.h"
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

enum { MAX = 256, PARAMETERS = 4 };

struct run {
    gs_context *context;
    gs_model *model;
    gs_data *data;
    double losses[MAX];
    uint32_t loss_count;
    double rates[MAX]; // of each epoch's end
    uint32_t epochs;
};

// One device for all tests: most of their time would go into making its kernels.
static gs_context *device;

static int open_device(void **state) {
    (void)state;
    return gs_context_create(&device, NULL) == GS_OK ? 0 : -1;
}

static int close_device(void **state) {
    (void)state;
    gs_context_destroy(&device);
    return 0;
}

static void ok(const struct run *r, gs_status status, const char *what) {
    if (status != GS_OK) fail_msg("%s: %s: %s", what, gs_status_name(status), gs_context_message(r->context));
}

static bool collect(void *user, const gs_event *event) {
    struct run *r = user;
    for (uint32_t i = 0; i < event->step_loss_count && r->loss_count < MAX; i++)
        r->losses[r->loss_count++] = event->step_losses[i];
    if (event->kind == GS_EVENT_EPOCH && r->epochs < MAX) r->rates[r->epochs++] = event->learning_rate;
    return true;
}

static uint32_t numbers(const struct run *r, gs__json *json, const cJSON *item, const char *key, float *values) {
    const cJSON *number, *array = key ? NULL : item;
    uint32_t count = 0;
    if (key) ok(r, gs__json_get_array(json, item, key, GS__JSON_REQUIRED, &array), key);
    cJSON_ArrayForEach(number, array) {
        double value = 0;
        assert_true(count < MAX);
        ok(r, gs__json_as_number(json, number, &value), "number");
        values[count++] = (float)value;
    }
    return count;
}

static void open_run(struct run *r, const char *layers, const float *x, const float *y, const gs_shape *x_shape,
                     const gs_shape *y_shape, uint32_t count) {
    *r = (struct run){.context = device};
    ok(r, gs_model_from_layers(r->context, layers, 1, &r->model), "model");
    gs_shape xs = {.rank = x_shape->rank + 1, .dim = {count}}, ys = {.rank = y_shape->rank + 1, .dim = {count}};
    for (uint32_t i = 0; i < x_shape->rank; i++) xs.dim[i + 1] = x_shape->dim[i];
    for (uint32_t i = 0; i < y_shape->rank; i++) ys.dim[i + 1] = y_shape->dim[i];
    const gs_data_params params = {.x = x, .x_shape = xs, .x_dtype = GS_F32, .y = y, .y_shape = ys, .y_dtype = GS_F32};
    ok(r, gs_data_create(r->context, &params, &r->data), "data");
}

static void close_run(struct run *r) {
    gs_data_destroy(&r->data);
    gs_model_destroy(&r->model);
}

static void write_weights(struct run *r, gs__json *json, const cJSON *lists) {
    const cJSON *list;
    uint32_t i = 0;
    cJSON_ArrayForEach(list, lists) {
        float values[MAX];
        const uint32_t count = numbers(r, json, list, NULL, values);
        ok(r, gs_model_write_parameter(r->model, i++, values, count), "initial weights");
    }
    assert_int_equal(i, PARAMETERS);
}

static void compare(const char *name, const char *what, double found, double expected, uint32_t i) {
    if (!(fabs(found - expected) <= 2e-6 + 2e-5 * fabs(expected)))
        fail_msg("%s: %s %u is %.9g, Keras has %.9g", name, what, i, found, expected);
}

static void compare_weights(struct run *r, gs__json *json, const cJSON *lists, const char *name) {
    const cJSON *list;
    uint32_t i = 0;
    cJSON_ArrayForEach(list, lists) {
        float expected[MAX], found[MAX];
        char what[32];
        const uint32_t count = numbers(r, json, list, NULL, expected);
        ok(r, gs_model_read_parameter(r->model, i, found, count), "weights");
        snprintf(what, sizeof what, "parameter %u, element", i++);
        for (uint32_t j = 0; j < count; j++) compare(name, what, (double)found[j], (double)expected[j], j);
    }
    assert_int_equal(i, PARAMETERS);
}

static void golden_case(gs__json *json, const cJSON *root, const cJSON *item) {
    struct run r = {.context = device};
    float x[MAX], y[MAX], losses[MAX];
    const char *name, *layers;
    uint64_t epochs = 0, batch = 0;
    ok(&r, gs__json_get_string(json, item, "name", GS__JSON_REQUIRED, &name), "name");
    ok(&r, gs__json_get_string(json, root, "layers", GS__JSON_REQUIRED, &layers), "layers");
    ok(&r, gs__json_get_uint(json, root, "epochs", GS__JSON_REQUIRED, 1, 100, &epochs), "epochs");
    ok(&r, gs__json_get_uint(json, root, "batch_size", GS__JSON_REQUIRED, 1, 100, &batch), "batch_size");
    const uint32_t count = numbers(&r, json, root, "x", x) / 3;
    assert_int_equal(numbers(&r, json, root, "y", y), 2 * count);
    open_run(&r, layers, x, y, &(gs_shape){1, {3}}, &(gs_shape){1, {2}}, count);
    ok(&r, gs__compile_from_json(json, item, &r.model->json_compile), name);
    ok(&r, gs_model_compile(r.model, NULL), name);
    write_weights(&r, json, gs__json_find(root, "initial"));
    const gs_fit_params fit = {
        .epochs = (uint32_t)epochs, .batch_size = (uint32_t)batch, .no_shuffle = true, .callback = collect, .user = &r};
    ok(&r, gs_model_fit(r.model, r.data, &fit, NULL), name);
    assert_int_equal(numbers(&r, json, item, "losses", losses), r.loss_count);
    for (uint32_t i = 0; i < r.loss_count; i++) compare(name, "loss", r.losses[i], (double)losses[i], i);
    compare_weights(&r, json, gs__json_find(item, "final"), name);
    close_run(&r);
}

static void golden(void **state) {
    (void)state;
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    char path[4096], *text;
    size_t bytes;
    gs__error error = {0};
    gs__json *json;
    const cJSON *item;
    uint32_t count = 0;
    snprintf(path, sizeof path, "%s/assets/golden/updates/updates.json", source ? source : ".");
    if (gs__file_read(&error, path, 1 << 20, &text, &bytes) != GS_OK) fail_msg("%s", error.message);
    if (gs__json_parse(&error, text, bytes, path, &json) != GS_OK) fail_msg("%s", error.message);
    cJSON_ArrayForEach(item, gs__json_find(gs__json_root(json), "cases")) {
        golden_case(json, gs__json_root(json), item);
        count++;
    }
    assert_in_range(count, 20, 100);
    gs__json_destroy(json);
    free(text);
}

// --- what must hold -----------------------------------------------------------------------------------------------------
enum { SAMPLES = 48 };

static void open_small(struct run *r) {
    static float x[SAMPLES * 3], y[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        for (int j = 0; j < 3; j++) x[3 * i + j] = (float)sin(i * 1.7 + j * 0.9);
        y[i] = x[3 * i] * x[3 * i + 1] + 0.3f * x[3 * i + 2];
    }
    open_run(r, "3 dense:5:tanh dense:1", x, y, &(gs_shape){1, {3}}, &(gs_shape){1, {1}}, SAMPLES);
}

static void train(struct run *r, const gs_optimizer *o, uint32_t epochs, uint32_t batch, float *weights) {
    ok(r, gs_model_compile(r->model, &(gs_compile_params){.optimizer = *o, .loss = {.kind = GS_LOSS_MSE}}), "compile");
    const gs_fit_params fit = {
        .epochs = epochs, .batch_size = batch, .no_shuffle = true, .callback = collect, .user = r};
    ok(r, gs_model_fit(r->model, r->data, &fit, NULL), "fit");
    ok(r, gs_model_read_parameter(r->model, 0, weights, 15), "weights");
}

// Four batches of 4 rows and one of 16 have the same mean gradient.
static void accumulation_is_a_larger_batch(void **state) {
    (void)state;
    const gs_optimizer cases[] = {
        gs_sgd(.learning_rate = 0.1f, .momentum = 0.9f), gs_adam(.learning_rate = 0.01f, .epsilon = 1e-3f),
        gs_nadam(.learning_rate = 0.01f, .epsilon = 1e-3f), gs_sgd(.learning_rate = 0.5f, .global_clipnorm = 0.1f),
        gs_adafactor(.learning_rate = 0.05f, .epsilon = 1e-4f)};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float once[15], accumulated[15];
        gs_optimizer o = cases[i];
        struct run r;
        open_small(&r);
        train(&r, &o, 5, 16, once);
        close_run(&r);
        o.accumulate = 4;
        open_small(&r);
        train(&r, &o, 5, 4, accumulated);
        close_run(&r);
        for (int j = 0; j < 15; j++)
            if (!(fabsf(once[j] - accumulated[j]) <= 1e-5f + 1e-4f * fabsf(once[j])))
                fail_msg("%s: weight %d is %.9g, with accumulation %.9g", gs_optimizer_name(o.kind), j, (double)once[j],
                         (double)accumulated[j]);
    }
}

// One fit of 4 epochs, and fits of 1, 2 and 1: a schedule, an accumulation and an average go on.
static void fits_go_on(void **state) {
    (void)state;
    const gs_optimizer o = gs_adam(.learning_rate = 0.02f, .accumulate = 5, .global_clipnorm = 0.5f,
                                   .schedule = {.kind = GS_SCHEDULE_COSINE, .decay_steps = 60, .warmup_steps = 7});
    float once[15], parts[15];
    struct run r;
    open_small(&r);
    train(&r, &o, 4, 4, once);
    close_run(&r);
    open_small(&r);
    train(&r, &o, 1, 4, parts);
    const gs_fit_params two = {.epochs = 2, .batch_size = 4, .no_shuffle = true};
    const gs_fit_params last = {.epochs = 1, .batch_size = 4, .no_shuffle = true};
    ok(&r, gs_model_fit(r.model, r.data, &two, NULL), "fit");
    ok(&r, gs_model_fit(r.model, r.data, &last, NULL), "fit");
    ok(&r, gs_model_read_parameter(r.model, 0, parts, 15), "weights");
    assert_memory_equal(once, parts, sizeof once);
    close_run(&r);
}

// Without decay_steps a schedule ends with the first fit, and the model keeps its length.
static void open_schedules_close(void **state) {
    (void)state;
    gs_optimizer o =
        gs_sgd(.learning_rate = 0.1f, .schedule = {.kind = GS_SCHEDULE_POLYNOMIAL, .end_learning_rate = -1});
    float weights[15];
    struct run r;
    gs_compile_params params;
    open_small(&r);
    train(&r, &o, 4, 12, weights);
    gs_model_get_compile(r.model, &params);
    assert_int_equal(params.optimizer.schedule.decay_steps, 16);
    assert_int_equal(r.epochs, 4);
    for (int i = 0; i < 4; i++) assert_true(fabs(r.rates[i] - 0.1 * (13 - 4 * i) / 16) < 1e-7);
    close_run(&r);
}

static void plateau(void **state) {
    (void)state;
    struct run r;
    gs_callback *plateau;
    gs_compile_params params;
    const gs_optimizer o = gs_sgd(.learning_rate = 1e-6f); // improves by less than min_delta
    const gs_reduce_lr_on_plateau_params p = {
        .monitor = "loss", .factor = 0.5, .patience = 2, .min_delta = 1, .cooldown = 1, .min_lr = 2e-7};
    open_small(&r);
    ok(&r, gs_model_compile(r.model, &(gs_compile_params){.optimizer = o, .loss = {.kind = GS_LOSS_MSE}}), "compile");
    ok(&r, gs_reduce_lr_on_plateau_create(r.context, &p, &plateau), "callback");
    const gs_fit_params fit = {.epochs = 12,
                               .batch_size = 16,
                               .callbacks = &plateau,
                               .callback_count = 1,
                               .callback = collect,
                               .user = &r,
                               .no_shuffle = true};
    ok(&r, gs_model_fit(r.model, r.data, &fit, NULL), "fit");
    // The first epoch is the best; two without improvement, then one of cooldown that does not count, and so on.
    static const double factors[] = {1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2, 0.2};
    for (int i = 0; i < 12; i++)
        if (fabs(r.rates[i] / 1e-6 - factors[i]) > 1e-6) fail_msg("epoch %d: rate %g", i + 1, r.rates[i]);
    gs_model_get_compile(r.model, &params);
    assert_true(params.optimizer.learning_rate == 2e-7f);
    gs_callback_destroy(&plateau);
    close_run(&r);
}

static void refused_plateaus(void **state) {
    (void)state;
    static const struct {
        gs_reduce_lr_on_plateau_params params;
        const char *message;
    } cases[] = {
        {{.factor = 1}, "factor is 1; it must be above 0 and below 1"},
        {{.min_delta = INFINITY}, "min_delta is inf"},
        {{.min_lr = -1}, "min_lr -1; they must be finite"},
    };
    struct run r;
    gs_callback *plateau = NULL;
    open_small(&r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gs_reduce_lr_on_plateau_create(r.context, &cases[i].params, &plateau), GS_ERR_ARGUMENT);
        if (!strstr(gs_context_message(r.context), cases[i].message)) fail_msg("%s", gs_context_message(r.context));
    }
    const gs_compile_params params = {.optimizer =
                                          gs_sgd(.schedule = {.kind = GS_SCHEDULE_COSINE, .decay_steps = 1000})};
    const gs_reduce_lr_on_plateau_params p = {.monitor = "loss", .patience = 1};
    ok(&r, gs_model_compile(r.model, &params), "compile");
    ok(&r, gs_reduce_lr_on_plateau_create(r.context, &p, &plateau), "callback");
    const gs_fit_params fit = {.callbacks = &plateau, .callback_count = 1};
    assert_int_equal(gs_model_fit(r.model, r.data, &fit, NULL), GS_ERR_ARGUMENT);
    if (!strstr(gs_context_message(r.context), "ReduceLROnPlateau: the learning rate follows the schedule cosine"))
        fail_msg("%s", gs_context_message(r.context));
    gs_callback_destroy(&plateau);
    close_run(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),     cmocka_unit_test(accumulation_is_a_larger_batch),
        cmocka_unit_test(fits_go_on), cmocka_unit_test(open_schedules_close),
        cmocka_unit_test(plateau),    cmocka_unit_test(refused_plateaus),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
