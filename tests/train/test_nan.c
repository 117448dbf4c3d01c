// A loss that is not finite: the message names what made the first bad value.
#include "train/fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static gs_status fit(fixture *f) {
    return gs_model_fit(f->model, f->data, &(gs_fit_params){.epochs = 20, .batch_size = FIXTURE_BATCH, .seed = 5},
                        NULL);
}

static void spoil(float *samples) {
    samples[100 * FIXTURE_FEATURES + 3] = NAN;
}

static void data_is_named(void **state) {
    (void)state;
    fixture f;
    fixture_open_with(&f, spoil);
    fixture_expect(&f, fit(&f), GS_ERR_NAN, "sample 100 of the data has the value nan (at 3 of 12)");
    assert_non_null(strstr(gs_context_message(f.context), "of epoch 1: "));
    // Streamed data is replayed as well.
    setenv("GRADSMITH_DATA_BUDGET", "0", 1);
    gs_model_destroy(&f.model);
    f.model = fixture_model(&f);
    fixture_expect(&f, fit(&f), GS_ERR_NAN, "sample 100 of the data has the value nan");
    unsetenv("GRADSMITH_DATA_BUDGET");
    fixture_close(&f);
}

// Weights that are finite, but too large for the next product.
static void layer_is_named(void **state) {
    (void)state;
    fixture f;
    float kernel[17 * FIXTURE_CLASSES];
    fixture_open(&f);
    for (size_t i = 0; i < sizeof kernel / sizeof kernel[0]; i++) kernel[i] = 3e38f;
    fixture_ok(&f, gs_model_write_parameter(f.model, 2, kernel, 17 * FIXTURE_CLASSES));
    fixture_expect(&f, fit(&f), GS_ERR_NAN, "at step 1 of epoch 1: ");
    const char *message = gs_context_message(f.context);
    if (!strstr(message, "layer \"dense_1\" (op matmul) made")) fail_msg("%s", message);
    assert_non_null(strstr(message, "made the first value that is not finite: "));
    assert_null(strstr(message, "the gradient of"));
    fixture_close(&f);
}

static void optimizer_is_named(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    fixture_ok(&f, gs_model_compile(f.model, &(gs_compile_params){.optimizer = gs_sgd(.learning_rate = 3e38f)}));
    fixture_expect(&f, fit(&f), GS_ERR_NAN, "not finite: ");
    const char *message = gs_context_message(f.context);
    if (!strstr(message, "op ") || !strstr(message, "lower the learning rate")) fail_msg("%s", message);
    fixture_close(&f);
}

static gs_status break_weights(void *user, gs_training *training, const gs_event *event) {
    (void)user, (void)event;
    float bias[FIXTURE_CLASSES] = {0};
    bias[1] = INFINITY;
    return gs_model_write_parameter(gs_training_model(training), 3, bias, FIXTURE_CLASSES);
}

// Weights that come from outside cannot be replayed: the message still has its advice.
static void message_without_cause(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_callback breaks = {.name = "Break", .at_step = break_weights, .interval = 20}, *list[] = {&breaks};
    gs_fit_params params = {
        .epochs = 5, .batch_size = FIXTURE_BATCH, .seed = 5, .callbacks = list, .callback_count = 1};
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_NAN, "at step 8 of epoch 2: ");
    assert_non_null(strstr(gs_context_message(f.context), "lower the learning rate, or look for bad values"));
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_named),
        cmocka_unit_test(layer_is_named),
        cmocka_unit_test(optimizer_is_named),
        cmocka_unit_test(message_without_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
