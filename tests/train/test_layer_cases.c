// Models of every kind of layer against Keras: predictions, ten steps of training, predictions after them.
// assets/golden/layers, made by tools/golden/make_layer_cases.py.
#include "base/file.h"
#include "base/json.h"
#include "context/context.h"
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

#define PREDICTION_TOLERANCE 1e-4
#define LOSS_TOLERANCE       1e-4

enum { MAX_STEPS = 100 };

struct test_case {
    gs_context *context;
    char dir[1024];
    gs_model *model;
    gs_data *data;
    double losses[MAX_STEPS];
    uint32_t loss_count;
};

static void ok(const struct test_case *c, gs_status status, const char *what) {
    if (status != GS_OK)
        fail_msg("%s: %s: %s: %s", c->dir, what, gs_status_name(status), gs_context_message(c->context));
}

static const char *path_of(const struct test_case *c, const char *name) {
    static char path[2][1200];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", c->dir, name);
    return path[turn];
}

static void load(struct test_case *c) {
    char spec[4096], *json;
    size_t bytes;
    ok(c, gs__file_read(gs__context_error(c->context), path_of(c, "model.json"), 1u << 20, &json, &bytes), "read");
    ok(c, gs_model_from_json(c->context, json, bytes, 0, &c->model), "model.json");
    free(json);
    ok(c, gs_model_load_weights(c->model, path_of(c, "init.safetensors")), "weights");
    snprintf(spec, sizeof spec, "npy:%s,%s", path_of(c, "x.npy"), path_of(c, "y.npy"));
    ok(c, gs_data_load(c->context, spec, NULL, &c->data), "data");
}

// Predictions against those in a file, at a batch size that leaves a part of a batch.
static double compare_predictions(const struct test_case *c, const char *name) {
    gs_data *expected;
    gs_data_info info;
    gs_model_info model;
    gs_model_get_info(c->model, &model);
    ok(c, gs_data_load_input(c->context, path_of(c, name), &model.output_shape, &expected), name);
    gs_data_get_info(expected, &info);
    uint64_t count = info.count;
    for (uint32_t i = 0; i < info.sample_shape.rank; i++) count *= (uint64_t)info.sample_shape.dim[i];
    float *found = malloc(count * sizeof *found);
    assert_non_null(found);
    ok(c, gs_model_predict(c->model, c->data, &(gs_predict_params){.batch_size = 7}, found, count), "predict");
    double worst = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double difference = fabs((double)found[i] - (double)((const float *)gs_data_x(expected))[i]);
        if (!(difference <= PREDICTION_TOLERANCE))
            fail_msg("%s: %s[%llu]: %.9g, Keras %.9g", c->dir, name, (unsigned long long)i, (double)found[i],
                     (double)((const float *)gs_data_x(expected))[i]);
        worst = fmax(worst, difference);
    }
    free(found);
    gs_data_destroy(&expected);
    return worst;
}

static bool collect(void *user, const gs_event *event) {
    struct test_case *c = user;
    for (uint32_t i = 0; i < event->step_loss_count && c->loss_count < MAX_STEPS; i++)
        c->losses[c->loss_count++] = event->step_losses[i];
    return true;
}

// Trains as the case says; returns the largest relative difference of a loss.
static double train(struct test_case *c) {
    char *text;
    size_t bytes;
    gs__json *json;
    gs__error *error = gs__context_error(c->context);
    gs_compile_params compile = {.no_metrics = true};
    const char *name;
    double rate = 0, momentum = 0, decay = 0, expected, worst = 0;
    uint64_t batch;
    const cJSON *losses, *item;
    ok(c, gs__file_read(error, path_of(c, "case.json"), 1u << 20, &text, &bytes), "read");
    ok(c, gs__json_parse(error, text, bytes, "case.json", &json), "case.json");
    const cJSON *root = gs__json_root(json), *optimizer = gs__json_find(root, "optimizer");
    ok(c, gs__json_get_string(json, optimizer, "name", GS__JSON_REQUIRED, &name), "name");
    ok(c, gs_optimizer_parse(name, &compile.optimizer), "optimizer");
    ok(c, gs__json_get_number(json, optimizer, "learning_rate", GS__JSON_REQUIRED, &rate), "learning_rate");
    ok(c, gs__json_get_number(json, optimizer, "momentum", GS__JSON_OPTIONAL, &momentum), "momentum");
    ok(c, gs__json_get_number(json, optimizer, "weight_decay", GS__JSON_OPTIONAL, &decay), "weight_decay");
    ok(c, gs__json_get_string(json, root, "loss", GS__JSON_REQUIRED, &name), "loss");
    ok(c, gs_loss_parse(name, &compile.loss), "loss");
    ok(c, gs__json_get_uint(json, root, "batch_size", GS__JSON_REQUIRED, 1, 1000, &batch), "batch_size");
    ok(c, gs__json_get_array(json, root, "losses", GS__JSON_REQUIRED, &losses), "losses");
    compile.optimizer.learning_rate = (float)rate;
    compile.optimizer.momentum = (float)momentum;
    compile.optimizer.weight_decay = (float)decay;
    ok(c, gs_model_compile(c->model, &compile), "compile");
    const uint32_t steps = (uint32_t)cJSON_GetArraySize(losses);
    ok(c,
       gs_model_fit(c->model, c->data,
                    &(gs_fit_params){.epochs = steps,
                                     .max_steps = steps,
                                     .batch_size = (uint32_t)batch,
                                     .no_shuffle = true,
                                     .callback = collect,
                                     .user = c},
                    NULL),
       "fit");
    assert_int_equal(c->loss_count, steps);
    uint32_t step = 0;
    cJSON_ArrayForEach(item, losses) {
        ok(c, gs__json_as_number(json, item, &expected), "losses");
        const double difference = fabs(c->losses[step] - expected) / fabs(expected);
        if (!(difference <= LOSS_TOLERANCE))
            fail_msg("%s: step %u: loss %.9g, Keras %.9g", c->dir, step, c->losses[step], expected);
        worst = fmax(worst, difference);
        step++;
    }
    gs__json_destroy(json);
    free(text);
    return worst;
}

static void run_case(const char *name) {
    struct test_case c = {0};
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    snprintf(c.dir, sizeof c.dir, "%s/assets/golden/layers/%s", source ? source : ".", name);
    assert_int_equal(gs_context_create(&c.context, NULL), GS_OK);
    load(&c);
    const double before = compare_predictions(&c, "predictions.npy"), loss = train(&c);
    const double after = compare_predictions(&c, "trained.npy");
    print_message("  predictions: at most %.2g and, trained, %.2g from Keras; losses %.2g, relative\n", before, after,
                  loss);
    gs_data_destroy(&c.data);
    gs_model_destroy(&c.model);
    gs_context_destroy(&c.context);
}

// One test for each.
#define CASES(X)                                                                                                       \
    X(batch_norm)                                                                                                      \
    X(batch_norm_images)                                                                                               \
    X(batch_norm_frozen)                                                                                               \
    X(layer_norm)                                                                                                      \
    X(layer_norm_axes)                                                                                                 \
    X(group_norm)                                                                                                      \
    X(rms_norm)                                                                                                        \
    X(scaling)                                                                                                         \
    X(merges)                                                                                                          \
    X(two_inputs)                                                                                                      \
    X(skips)                                                                                                           \
    X(embedding)                                                                                                       \
    X(simple_rnn)                                                                                                      \
    X(lstm)                                                                                                            \
    X(gru)                                                                                                             \
    X(bidirectional)                                                                                                   \
    X(text)                                                                                                            \
    X(frozen)

#define CASE(name)                                                                                                     \
    static void name(void **state) {                                                                                   \
        (void)state;                                                                                                   \
        run_case(#name);                                                                                               \
    }
CASES(CASE)

int main(void) {
#define TEST(name) cmocka_unit_test(name),
    const struct CMUnitTest tests[] = {CASES(TEST)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
