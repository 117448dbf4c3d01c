// Every allocation of the library fails in turn, once and then for good: each time the caller is told that memory ran
// out (or nothing is lost by it), nothing leaks, and the next run in the same context gives the same bits.
//
//     GRADSMITH_FAULT_EVERY=1 tests/fault/test_allocation    tries all; the default is as many as take some seconds
#include <gradsmith/gradsmith.h>

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cJSON.h>
#include <cmocka.h>

// --- the allocator --------------------------------------------------------------------------------------------------
// The linker sends the calls of this program here (--wrap), not those of other libraries.
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
char *__wrap_strdup(const char *text);

static atomic_long calls, failing_from, failing_to; // of calls: these fail

static bool fails(void) {
    const long call = atomic_fetch_add(&calls, 1);
    return call >= atomic_load(&failing_from) && call < atomic_load(&failing_to);
}

void *__wrap_malloc(size_t bytes) {
    return fails() ? NULL : __real_malloc(bytes);
}
void *__wrap_calloc(size_t count, size_t bytes) {
    return fails() ? NULL : __real_calloc(count, bytes);
}
void *__wrap_realloc(void *memory, size_t bytes) {
    return fails() ? NULL : __real_realloc(memory, bytes);
}
char *__wrap_strdup(const char *text) {
    return fails() ? NULL : __real_strdup(text);
}

static void fail_calls(long from, long to) {
    atomic_store(&calls, 0);
    atomic_store(&failing_from, from);
    atomic_store(&failing_to, to);
}

// --- what is done ---------------------------------------------------------------------------------------------------
typedef struct fixture {
    gs_context *context;
    char dir[64];
    const char *source;
} fixture;

// What a run gives, to be compared to the bit.
typedef struct outcome {
    double loss, accuracy;
    float predictions[3 * 4];
    uint64_t count;
} outcome;

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if ((status = (call)) != GS_OK) goto done;                                                                     \
    } while (0)

static const char *path_in(const fixture *f, char path[static 128], const char *name) {
    snprintf(path, 128, "%s/%s", f->dir, name);
    return path;
}

static gs_status use_table(const fixture *f, outcome *out) {
    gs_status status = GS_OK;
    gs_recipe *recipe = NULL, *again = NULL;
    gs_data_parts parts = {0};
    gs_data_info info;
    char csv[512], path[128];
    snprintf(csv, sizeof csv, "%s/assets/data/iris.csv", f->source);
    TRY(gs_recipe_create(f->context,
                         &(gs_recipe_params){.label = "species", .scale = GS_SCALE_MINMAX, .validation_share = 0.2},
                         &recipe));
    TRY(gs_recipe_load(f->context, recipe, csv, NULL, &parts));
    TRY(gs_recipe_write(f->context, recipe, path_in(f, path, "data.json")));
    TRY(gs_recipe_read(f->context, path, &again));
    gs_data_get_info(parts.train, &info);
    out->count = info.count;
done:
    gs_data_destroy(&parts.train);
    gs_data_destroy(&parts.validation);
    gs_data_destroy(&parts.test);
    gs_recipe_destroy(&recipe);
    gs_recipe_destroy(&again);
    return status;
}

static gs_status use_model(const fixture *f, outcome *out) {
    gs_status status = GS_OK;
    gs_model *model = NULL, *again = NULL;
    gs_model_info info;
    char dir[128], json[8192];
    size_t bytes = 0;
    TRY(gs_model_from_layers(f->context,
                             "8x8x1 conv2d:3:3:relu maxpool2d:2 flatten dense:5:relu batch_normalization dropout:0.3 "
                             "dense:4",
                             1, &model));
    TRY(gs_model_compile(model, &(gs_compile_params){.optimizer = gs_sgd(.momentum = 0.9f)}));
    TRY(gs_model_to_json(model, json, sizeof json, &bytes));
    TRY(gs_model_save(model, path_in(f, dir, "model")));
    TRY(gs_model_load(f->context, dir, &again));
    gs_model_get_info(again, &info);
    out->count = info.parameter_count;
done:
    gs_model_destroy(&model);
    gs_model_destroy(&again);
    return status;
}

static gs_status use_training(const fixture *f, outcome *out) {
    gs_status status = GS_OK;
    gs_data *data = NULL;
    gs_model *model = NULL;
    gs_callback *callbacks[2] = {0};
    gs_result result;
    float x[37 * 6];
    int32_t y[37];
    char log[128], weights[128];
    for (int i = 0; i < 37; i++) {
        for (int j = 0; j < 6; j++) x[6 * i + j] = (float)((i * 7 + j * 13) % 29) / 29;
        y[i] = i % 4;
    }
    TRY(gs_data_create(
        f->context,
        &(gs_data_params){
            .x = x, .x_shape = {2, {37, 6}}, .x_dtype = GS_F32, .y = y, .y_shape = {1, {37}}, .y_dtype = GS_I32},
        &data));
    TRY(gs_model_from_layers(f->context, "6 dense:9:relu dropout:0.1 dense:4", 3, &model));
    TRY(gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam()}));
    TRY(gs_csv_logger_create(f->context, &(gs_csv_logger_params){.path = path_in(f, log, "log.csv")}, &callbacks[0]));
    TRY(gs_early_stopping_create(
        f->context, &(gs_early_stopping_params){.monitor = "loss", .patience = 5, .restore_best_weights = true},
        &callbacks[1]));
    TRY(gs_model_fit(
        model, data,
        &(gs_fit_params){
            .epochs = 2, .batch_size = 8, .seed = 5, .validation = data, .callbacks = callbacks, .callback_count = 2},
        &result));
    TRY(gs_model_evaluate(model, data, 16, &result));
    out->loss = result.loss;
    out->accuracy = result.metrics[0];
    TRY(gs_model_save_weights(model, path_in(f, weights, "w.safetensors")));
    TRY(gs_model_load_weights(model, weights));
    gs_data *few = NULL;
    status = gs_data_slice(f->context, data, 0, 3, &few);
    if (status == GS_OK) status = gs_model_predict(model, few, NULL, out->predictions, 3 * 4);
    gs_data_destroy(&few);
done:
    for (int i = 0; i < 2; i++) gs_callback_destroy(&callbacks[i]);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    return status;
}

static gs_status use_context(const fixture *f, outcome *out) {
    gs_status status = GS_OK;
    gs_context *context = NULL;
    gs_model *model = NULL;
    gs_plan *plan = NULL;
    (void)f;
    TRY(gs_context_create(&context, NULL));
    TRY(gs_model_from_layers(context, "4 dense:3", 1, &model));
    TRY(gs_model_compile(model, NULL));
    TRY(gs_model_plan(model, 4, &plan)); // opens the device
    out->count = 1;
done:
    gs_plan_destroy(&plan);
    gs_model_destroy(&model);
    gs_context_destroy(&context);
    return status;
}

// --- the tests ------------------------------------------------------------------------------------------------------
static long every(long count, long most) {
    const char *text = getenv("GRADSMITH_FAULT_EVERY");
    const long step = text ? strtol(text, NULL, 10) : (count + most - 1) / most;
    return step > 0 ? step : 1;
}

// `most`: so many allocations are tried by default, spread over all.
static void check(const fixture *f, const char *name, gs_status (*use)(const fixture *, outcome *), bool own_context,
                  long most) {
    outcome expected = {0};
    fail_calls(0, 0);
    if (use(f, &expected) != GS_OK) fail_msg("%s: %s", name, gs_context_message(f->context));
    expected = (outcome){0};
    fail_calls(0, 0);
    assert_int_equal(use(f, &expected), GS_OK); // the kernels are there now
    const long count = atomic_load(&calls), step = every(count, most);
    long tried = 0, harmless = 0;
    for (int for_good = 0; for_good < 2; for_good++)
        for (long n = for_good ? step / 2 : 0; n < count; n += step) {
            outcome found = {0};
            fail_calls(n, for_good ? LONG_MAX : n + 1);
            const gs_status status = use(f, &found);
            const bool reached = atomic_load(&calls) > n;
            fail_calls(0, 0);
            if (!reached) continue; // threads: another order this time
            tried++;
            const char *message = own_context ? "-" : gs_context_message(f->context);
            if (status == GS_OK) {
                harmless++;
                if (memcmp(&found, &expected, sizeof found) != 0)
                    fail_msg("%s: allocation %ld: other results", name, n);
            } else if (status != GS_ERR_MEMORY || !message[0])
                fail_msg("%s: allocation %ld%s: %s: \"%s\"", name, n, for_good ? " and all after" : "",
                         gs_status_name(status), message);
            if (tried % 8 == 0 || step == 1) {
                outcome next = {0};
                assert_int_equal(use(f, &next), GS_OK);
                assert_memory_equal(&next, &expected, sizeof next);
            }
        }
    print_message("%s: %ld allocations, %ld failed in turn, %ld of them without harm\n", name, count, tried, harmless);
    assert_true(tried > 10);
    assert_true(harmless < tried / 2); // the wrapped calls are those of the library
}

static void test_context(void **state) {
    check(*state, "context", use_context, true, 30);
}
static void test_table(void **state) {
    check(*state, "table", use_table, false, 300);
}
static void test_model(void **state) {
    check(*state, "model", use_model, false, 100);
}
static void test_training(void **state) {
    check(*state, "training", use_training, false, 100);
}

static int setup(void **state) {
    static fixture f = {.dir = "/tmp/gradsmith-fault-XXXXXX"};
    cJSON_Hooks hooks = {.malloc_fn = malloc, .free_fn = free}; // wrapped ones
    cJSON_InitHooks(&hooks);
    *state = &f;
    f.source = getenv("GRADSMITH_SOURCE_DIR");
    if (!f.source || !mkdtemp(f.dir)) return -1;
    return gs_context_create(&f.context, NULL) == GS_OK ? 0 : -1;
}

static int teardown(void **state) {
    fixture *f = *state;
    char command[128];
    gs_context_destroy(&f->context);
    snprintf(command, sizeof command, "rm -rf %s", f->dir);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_training),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
