// Models of every kind of layer against Keras: predictions, the loss of evaluate, ten steps of training, predictions
// after them. assets/golden/layers, made by tools/golden/make_layer_cases.py. Models with random layers whose rate is
// not 0 are not trained: Keras's random numbers are others.
#include "base/file.h"
#include "base/json.h"
#include "context/context.h"
#include "model/layer.h"
#include <gradsmith/gradsmith.h>

#include <dirent.h>
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

enum { MAX_STEPS = 100, LEAST_CASES = 20 };

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

// How the case is trained; the optimizer is null where it is not.
static void compile(const struct test_case *c, gs__json *json) {
    gs_compile_params compile = {.no_metrics = true};
    const char *name;
    double rate = 0, momentum = 0, decay = 0;
    const cJSON *root = gs__json_root(json), *optimizer = gs__json_find(root, "optimizer");
    if (optimizer) {
        ok(c, gs__json_get_string(json, optimizer, "name", GS__JSON_REQUIRED, &name), "name");
        ok(c, gs_optimizer_parse(name, &compile.optimizer), "optimizer");
        ok(c, gs__json_get_number(json, optimizer, "learning_rate", GS__JSON_REQUIRED, &rate), "learning_rate");
        ok(c, gs__json_get_number(json, optimizer, "momentum", GS__JSON_OPTIONAL, &momentum), "momentum");
        ok(c, gs__json_get_number(json, optimizer, "weight_decay", GS__JSON_OPTIONAL, &decay), "weight_decay");
    }
    ok(c, gs__json_get_string(json, root, "loss", GS__JSON_REQUIRED, &name), "loss");
    ok(c, gs_loss_parse(name, &compile.loss), "loss");
    compile.optimizer.learning_rate = (float)rate;
    compile.optimizer.momentum = (float)momentum;
    compile.optimizer.weight_decay = (float)decay;
    ok(c, gs_model_compile(c->model, &compile), "compile");
}

static double difference(const struct test_case *c, const char *what, uint32_t step, double found, double keras) {
    const double relative = fabs(found - keras) / fabs(keras);
    if (!(relative <= LOSS_TOLERANCE)) fail_msg("%s: %s %u: loss %.9g, Keras %.9g", c->dir, what, step, found, keras);
    return relative;
}

// Returns the largest relative difference of the loss of a step; -1: the case is not trained.
static double train(struct test_case *c, gs__json *json) {
    const cJSON *losses, *item;
    uint64_t batch;
    uint32_t step = 0;
    double worst = 0, expected;
    ok(c, gs__json_get_uint(json, gs__json_root(json), "batch_size", GS__JSON_REQUIRED, 1, 1000, &batch), "batch_size");
    ok(c, gs__json_get_array(json, gs__json_root(json), "losses", GS__JSON_REQUIRED, &losses), "losses");
    const uint32_t steps = (uint32_t)cJSON_GetArraySize(losses);
    if (!gs__json_find(gs__json_root(json), "optimizer")) {
        assert_int_equal(steps, 0);
        return -1;
    }
    assert_in_range(steps, 10, MAX_STEPS);
    const gs_fit_params fit = {.epochs = steps,
                               .max_steps = steps,
                               .batch_size = (uint32_t)batch,
                               .no_shuffle = true,
                               .callback = collect,
                               .user = c};
    ok(c, gs_model_fit(c->model, c->data, &fit, NULL), "fit");
    assert_int_equal(c->loss_count, steps);
    cJSON_ArrayForEach(item, losses) {
        ok(c, gs__json_as_number(json, item, &expected), "losses");
        worst = fmax(worst, difference(c, "step", step, c->losses[step], expected));
        step++;
    }
    return worst;
}

static const char *source_dir(void) {
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    return source ? source : ".";
}

static void run_case(const char *name) {
    struct test_case c = {0};
    gs__json *json;
    gs_result result;
    char *text;
    size_t bytes;
    double evaluated = 0;
    snprintf(c.dir, sizeof c.dir, "%s/assets/golden/layers/%s", source_dir(), name);
    assert_int_equal(gs_context_create(&c.context, NULL), GS_OK);
    gs__error *error = gs__context_error(c.context);
    load(&c);
    ok(&c, gs__file_read(error, path_of(&c, "case.json"), 1u << 20, &text, &bytes), "read");
    ok(&c, gs__json_parse(error, text, bytes, "case.json", &json), "case.json");
    compile(&c, json);
    print_message("  predictions: at most %.2g from Keras", compare_predictions(&c, "predictions.npy"));
    ok(&c, gs__json_get_number(json, gs__json_root(json), "evaluated", GS__JSON_REQUIRED, &evaluated), "evaluated");
    ok(&c, gs_model_evaluate(c.model, c.data, 7, &result), "evaluate");
    print_message("; loss %.2g, relative", difference(&c, "evaluate", 0, result.loss, evaluated));
    const double worst = train(&c, json);
    if (worst >= 0)
        print_message("; of each step %.2g; then predictions %.2g", worst, compare_predictions(&c, "trained.npy"));
    print_message("\n");
    gs__json_destroy(json);
    free(text);
    gs_data_destroy(&c.data);
    gs_model_destroy(&c.model);
    gs_context_destroy(&c.context);
}

// One test for each. Around one layer, and whole networks.
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
    X(frozen)                                                                                                          \
    X(residual)                                                                                                        \
    X(unet)                                                                                                            \
    X(separable)                                                                                                       \
    X(siamese)                                                                                                         \
    X(sentiment)                                                                                                       \
    X(table)                                                                                                           \
    X(forecast)                                                                                                        \
    X(augmented)

#define CASE(name)                                                                                                     \
    static void name(void **state) {                                                                                   \
        (void)state;                                                                                                   \
        run_case(#name);                                                                                               \
    }
CASES(CASE)

// Every folder is a test here, there are enough of them, and together they hold every layer.
static void every_layer(void **state) {
    (void)state;
#define NAME(name) #name,
    static const char *const names[] = {CASES(NAME)};
#undef NAME
    const size_t count = sizeof names / sizeof names[0];
    bool seen[200] = {false};
    char path[1200];
    size_t folders = 0, kinds = 0;
    snprintf(path, sizeof path, "%s/assets/golden/layers", source_dir());
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) folders += entry->d_name[0] != '.';
    closedir(dir);
    assert_int_equal(folders, count);
    assert_true(count >= LEAST_CASES);
    for (size_t i = 0; i < count; i++) {
        char *text, quoted[80];
        size_t bytes;
        gs__error error = {0};
        snprintf(path, sizeof path, "%s/assets/golden/layers/%s/model.json", source_dir(), names[i]);
        if (gs__file_read(&error, path, 1u << 20, &text, &bytes) != GS_OK) fail_msg("%s", error.message);
        for (size_t k = 0; gs__layer_table()[k]; k++) {
            assert_true(k < sizeof seen);
            snprintf(quoted, sizeof quoted, "\"class_name\": \"%s\"", gs__layer_table()[k]->class_name);
            seen[k] = seen[k] || strstr(text, quoted);
        }
        free(text);
    }
    for (; gs__layer_table()[kinds]; kinds++)
        if (!seen[kinds]) fail_msg("no case has a %s", gs__layer_table()[kinds]->class_name);
    print_message("  %zu layers in %zu models\n", kinds, count);
}

int main(void) {
#define TEST(name) cmocka_unit_test(name),
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_layer), CASES(TEST)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
