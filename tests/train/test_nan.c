// A loss that is not finite: the message names what made the first bad value.
#include "train/fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static bool all_finite(fixture *f, gs_model *model) {
    uint64_t count;
    float *weights = fixture_weights(f, model, &count);
    bool finite = true;
    for (uint64_t i = 0; i < count; i++) finite &= isfinite(weights[i]) != 0;
    free(weights);
    return finite;
}

// The step with the bad sample updates nothing, on the device: the bits are those of a training whose learning rate was 0
// there, which is no training that one can ask for. So: finite, and the same again, also when cut off and resumed.
static void steps_are_skipped(void **state) {
    (void)state;
    fixture f;
    gs_result result;
    gs_layer layers[] = {gs_input(.shape = {1, {FIXTURE_FEATURES}}), gs_dense(.units = 17),
                         gs_batch_normalization(.momentum = 0.9f), gs_dense(.units = FIXTURE_CLASSES)};
    const gs_optimizer optimizers[] = {gs_adam(.learning_rate = 0.01f),
                                       gs_sgd(.learning_rate = 0.05f, .momentum = 0.9f, .accumulate = 3),
                                       {.kind = GS_OPTIMIZER_ADAFACTOR, .learning_rate = 0.01f}};
    fixture_open_with(&f, spoil);
    for (int o = 0; o < 3; o++) {
        gs_model *models[3];
        for (int i = 0; i < 3; i++) {
            char dir[160];
            snprintf(dir, sizeof dir, "%s", fixture_path(&f, "checkpoints"));
            f.notes[0] = 0;
            fixture_ok(&f, gs_model_sequential(f.context,
                                               &(gs_sequential_params){.layers = layers, .layer_count = 4, .seed = 7},
                                               &models[i]));
            fixture_ok(&f, gs_model_compile(models[i], &(gs_compile_params){.optimizer = optimizers[o]}));
            const gs_checkpoint_params checkpoints = {.dir = dir};
            gs_fit_params params = {.epochs = 20, .batch_size = FIXTURE_BATCH, .seed = 5, .on_nan = GS_NAN_SKIP};
            if (i == 2) { // cut off in the fourth epoch
                params.checkpoints = &checkpoints;
                params.max_steps = 45;
                fixture_ok(&f, gs_model_fit(models[i], f.data, &params, NULL));
                gs_model_destroy(&models[i]);
                fixture_ok(&f, gs_model_sequential(
                                   f.context, &(gs_sequential_params){.layers = layers, .layer_count = 4, .seed = 7},
                                   &models[i]));
                fixture_ok(&f, gs_model_compile(models[i], &(gs_compile_params){.optimizer = optimizers[o]}));
                params.checkpoints = NULL;
                params.resume = dir;
                params.max_steps = 0;
            }
            fixture_ok(&f, gs_model_fit(models[i], f.data, &params, &result));
            assert_true(isfinite(result.loss) && result.loss < 0.7);
            assert_true(all_finite(&f, models[i]));
            const char *said = strstr(f.notes, "sample 100 of the data has the value nan (at 3 of 12)");
            if (!said) fail_msg("%s", f.notes);
            assert_non_null(strstr(said, "the step is skipped, as others like it"));
        }
        uint64_t count;
        float *first = fixture_weights(&f, models[0], &count);
        for (int i = 1; i < 3; i++) {
            float *other = fixture_weights(&f, models[i], &count);
            assert_memory_equal(first, other, count * sizeof *first);
            free(other);
        }
        free(first);
        for (int i = 0; i < 3; i++) gs_model_destroy(&models[i]);
    }
    fixture_close(&f);
}

static void spoil_all(float *samples) {
    for (int i = 0; i < FIXTURE_COUNT; i++) samples[i * FIXTURE_FEATURES] = NAN;
}

static void skipping_has_an_end(void **state) {
    (void)state;
    fixture f;
    fixture_open_with(&f, spoil_all);
    uint64_t count;
    float *before = fixture_weights(&f, f.model, &count);
    gs_fit_params params = {.epochs = 3, .batch_size = FIXTURE_BATCH, .on_nan = GS_NAN_SKIP, .nan_limit = 5};
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_NAN, "at step 6 of epoch 1: sample");
    float *after = fixture_weights(&f, f.model, &count);
    assert_memory_equal(before, after, count * sizeof *before);
    free(before), free(after);
    fixture_close(&f);
}

// Rates that are far too high: lower ones, until it goes.
static void rates_are_lowered(void **state) {
    (void)state;
    static const gs_schedule cosine = {.kind = GS_SCHEDULE_COSINE};
    fixture f;
    gs_result result;
    gs_compile_params compiled;
    fixture_open(&f);
    for (int i = 0; i < 2; i++) {
        f.notes[0] = 0;
        gs_optimizer sgd = gs_sgd(.learning_rate = 1e25f);
        if (i) sgd.schedule = cosine;
        fixture_ok(&f, gs_model_compile(f.model, &(gs_compile_params){.optimizer = sgd}));
        gs_fit_params params = {
            .epochs = 12, .batch_size = FIXTURE_BATCH, .seed = 5, .on_nan = GS_NAN_RESTORE, .nan_factor = 1e-13};
        fixture_ok(&f, gs_model_fit(f.model, f.data, &params, &result));
        assert_true(all_finite(&f, f.model));
        if (!(result.loss < 2)) fail_msg("loss %g: %s", result.loss, f.notes);
        const char *said = strstr(f.notes, "the first value that is not finite");
        if (!said) fail_msg("%s", f.notes);
        assert_non_null(strstr(said, "goes back to the weights of step 0, with learning rates times 1e-13 (1 of 10"));
        gs_model_get_compile(f.model, &compiled);
        if (!i) assert_true(compiled.optimizer.learning_rate < 1e13f);
        gs_model_destroy(&f.model);
        f.model = fixture_model(&f);
    }
    // Not for ever.
    f.notes[0] = 0;
    fixture_ok(&f, gs_model_compile(f.model, &(gs_compile_params){.optimizer = gs_sgd(.learning_rate = 3e38f)}));
    gs_fit_params params = {
        .epochs = 9, .batch_size = FIXTURE_BATCH, .on_nan = GS_NAN_RESTORE, .nan_factor = 0.9, .nan_limit = 2};
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_NAN, "not finite");
    assert_non_null(strstr(f.notes, "(2 of 2 times)"));
    params.nan_factor = 1.5;
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_ARGUMENT, "0 <= factor < 1");
    fixture_close(&f);
}

// A last step without a loss behind it.
static void last_step_is_looked_at(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    char dir[160];
    snprintf(dir, sizeof dir, "%s", fixture_path(&f, "checkpoints"));
    gs_callback breaks = {.name = "Break", .at_step = break_weights, .interval = 13}, *list[] = {&breaks};
    gs_fit_params params = {.epochs = 1,
                            .batch_size = FIXTURE_BATCH,
                            .checkpoints = &(gs_checkpoint_params){.dir = dir},
                            .callbacks = list,
                            .callback_count = 1};
    fixture_ok(&f, gs_model_compile(f.model, &(gs_compile_params){.optimizer = gs_sgd(.learning_rate = 0.1f)}));
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_NAN, "not finite after the last step (13)");
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_named),      cmocka_unit_test(layer_is_named),
        cmocka_unit_test(optimizer_is_named), cmocka_unit_test(message_without_cause),
        cmocka_unit_test(steps_are_skipped),  cmocka_unit_test(skipping_has_an_end),
        cmocka_unit_test(rates_are_lowered),  cmocka_unit_test(last_step_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
