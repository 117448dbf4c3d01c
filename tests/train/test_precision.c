// Training in mixed precision: the loss scale finds its place, a training goes on to the same bits, the accuracy is that
// of float32.
#include "context/context.h"
#include "model/model.h"
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

enum { COUNT = 203, FEATURES = 12, CLASSES = 4, STEPS = 13 /* of an epoch */ };

static void ok(gs_context *context, gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

static gs_data *make_data(gs_context *context) {
    float x[COUNT * FEATURES];
    int32_t y[COUNT];
    uint32_t seed = 1;
    gs_data *data;
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

static gs_model *make_model(gs_context *context, const gs_compile_params *compile) {
    gs_model *model;
    ok(context, gs_model_from_layers(context, "12 dense:17:relu dropout:0.1 dense:4", 7, &model));
    ok(context, gs_model_compile(model, compile));
    return model;
}

// A scale that overflows at once: steps are skipped until it fits, then it grows.
static void scale_falls_and_grows(void **state) {
    (void)state;
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    const gs_compile_params compile = {.optimizer = gs_adam(.learning_rate = 0.01f),
                                       .precision = GS_PRECISION_MIXED_FLOAT16,
                                       .loss_scale = 0x1p40f,
                                       .loss_scale_growth = 9};
    gs_model *model = make_model(context, &compile);
    float before[FEATURES * 17], after[FEATURES * 17];
    ok(context, gs_model_read_parameter(model, 0, before, FEATURES * 17));
    gs_fit_params fit = {.batch_size = 16, .max_steps = 5};
    ok(context, gs_model_fit(model, data, &fit, NULL));
    ok(context, gs_model_read_parameter(model, 0, after, FEATURES * 17));
    assert_memory_equal(before, after, sizeof before); // five steps that did nothing
    assert_int_equal(model->position.step_lo, 5);
    assert_int_equal(model->position.loss_scale_log2, 35);
    assert_int_equal(model->position.good_steps, 0);

    gs_result first, last;
    fit = (gs_fit_params){.batch_size = 16, .epochs = 4};
    ok(context, gs_model_fit(model, data, &fit, &first));
    ok(context, gs_model_read_parameter(model, 0, after, FEATURES * 17));
    assert_memory_not_equal(before, after, sizeof before);
    const int32_t log2 = model->position.loss_scale_log2;
    print_message("  loss scale 2^%d after %u steps\n", log2, model->position.step_lo);
    assert_in_range(log2, 10, 25); // gradients of the logits, about 1/16, times it are below 65504
    fit.epochs = 40;
    ok(context, gs_model_fit(model, data, &fit, &last));
    assert_true(last.loss < 0.5 * first.loss && last.metrics[0] > 0.9);
    // It has grown as gradients became smaller, or stays at the edge.
    assert_in_range(model->position.loss_scale_log2, log2 - 1, 40);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

// Whatever an optimizer keeps, and an average of the weights: a skipped step leaves all as it is.
static void each_optimizer_skips(void **state) {
    (void)state;
    const gs_optimizer optimizers[] = {gs_sgd(.momentum = 0.9f),
                                       gs_rmsprop(.momentum = 0.5f),
                                       gs_adamw(.weight_decay = 0.1f),
                                       gs_adagrad(),
                                       gs_adadelta(),
                                       gs_adamax(),
                                       gs_nadam(),
                                       gs_lion(),
                                       gs_adafactor(),
                                       gs_adam(.global_clipnorm = 1),
                                       gs_adam(.use_ema = true, .ema_overwrite = 2),
                                       gs_adam(.accumulate = 2)};
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        const gs_compile_params compile = {
            .optimizer = optimizers[i], .precision = GS_PRECISION_MIXED_FLOAT16, .loss_scale = 0x1p60f};
        gs_model *model = make_model(context, &compile);
        float before[FEATURES * 17], after[FEATURES * 17];
        ok(context, gs_model_read_parameter(model, 0, before, FEATURES * 17));
        ok(context, gs_model_fit(model, data, &(gs_fit_params){.batch_size = 16, .max_steps = 6}, NULL));
        ok(context, gs_model_read_parameter(model, 0, after, FEATURES * 17));
        assert_memory_equal(before, after, sizeof before);
        assert_int_equal(model->position.loss_scale_log2, 54);
        // Then it learns as if those steps had not been.
        gs_result result;
        ok(context, gs_model_fit(model, data, &(gs_fit_params){.batch_size = 16, .epochs = 5}, &result));
        ok(context, gs_model_read_parameter(model, 0, after, FEATURES * 17));
        assert_memory_not_equal(before, after, sizeof before);
        for (int k = 0; k < FEATURES * 17; k++) assert_true(isfinite(after[k]));
        gs_model_destroy(&model);
    }
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

static float *train(const gs_compile_params *compile, uint32_t fits, uint32_t epochs, uint64_t *count) {
    gs_context *context;
    gs_model_info info;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    gs_model *model = make_model(context, compile);
    for (uint32_t i = 0; i < fits; i++)
        ok(context, gs_model_fit(model, data, &(gs_fit_params){.epochs = epochs, .batch_size = 16, .seed = 3}, NULL));
    gs_model_get_info(model, &info);
    float *weights = malloc(info.parameter_count * sizeof *weights), *at = weights;
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        gs_parameter_info p;
        ok(context, gs_model_get_parameter(model, i, &p));
        ok(context, gs_model_read_parameter(model, i, at, p.count));
        at += p.count;
    }
    *count = info.parameter_count;
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
    return weights;
}

// The scale, its count of good steps and the skipped steps are part of the position that a training goes on from.
static void goes_on_to_the_same_bits(void **state) {
    (void)state;
    const gs_compile_params cases[] = {
        {.precision = GS_PRECISION_MIXED_FLOAT16, .loss_scale = 0x1p28f, .loss_scale_growth = 5},
        {.precision = GS_PRECISION_MIXED_FLOAT16},
        {.precision = GS_PRECISION_MIXED_BFLOAT16, .optimizer = gs_sgd(.momentum = 0.9f)},
    };
    uint64_t count;
    float *other = train(&(gs_compile_params){0}, 1, 4, &count);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float *a = train(&cases[i], 1, 4, &count), *b = train(&cases[i], 1, 4, &count);
        float *in_four = train(&cases[i], 4, 1, &count);
        assert_memory_equal(a, b, count * sizeof *a);
        assert_memory_equal(a, in_four, count * sizeof *a);
        assert_memory_not_equal(a, other, count * sizeof *a);
        free(a), free(b), free(in_four);
    }
    free(other);
}

// A layer that stays in float32, and all layers that do: as a model without mixed precision.
static void layers_may_stay(void **state) {
    (void)state;
    gs_context *context;
    float y[3][COUNT * CLASSES];
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    gs_data *data = make_data(context);
    for (int i = 0; i < 3; i++) {
        gs_layer layers[] = {gs_input(.shape = {1, {FEATURES}}), gs_dense(.units = 17), gs_dense(.units = CLASSES)};
        gs_model *model;
        for (int k = 1; k < 3; k++) layers[k].precision = k <= i ? GS_PRECISION_FLOAT32 : GS_PRECISION_DEFAULT;
        ok(context, gs_model_sequential(context, &(gs_sequential_params){.layers = layers, .layer_count = 3}, &model));
        ok(context, gs_model_compile(model, &(gs_compile_params){.precision = GS_PRECISION_MIXED_BFLOAT16}));
        ok(context, gs_model_fit(model, data, &(gs_fit_params){.batch_size = 16}, NULL));
        ok(context, gs_model_compile(model, &(gs_compile_params){.precision = GS_PRECISION_MIXED_BFLOAT16}));
        ok(context, gs_model_predict(model, data, NULL, y[i], COUNT * CLASSES));
        if (i == 2) {
            float plain[COUNT * CLASSES];
            ok(context, gs_model_compile(model, NULL));
            ok(context, gs_model_predict(model, data, NULL, plain, COUNT * CLASSES));
            assert_memory_equal(plain, y[i], sizeof plain);
        }
        gs_model_destroy(&model);
    }
    assert_memory_not_equal(y[0], y[1], sizeof y[0]);
    assert_memory_not_equal(y[1], y[2], sizeof y[0]);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

// Two epochs of the reference model.
static void accuracy_of_float32(void **state) {
    (void)state;
    const char *sanitizers = getenv("GRADSMITH_SANITIZE");
    if (sanitizers && *sanitizers) {
        print_message("  skipped: 11 000 steps are left to the build without sanitizers\n");
        return;
    }
    gs_context *context;
    gs_data *train_data, *test;
    double accuracy[4] = {0};
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    ok(context, gs_data_load(context, "fashion-mnist", NULL, &train_data));
    ok(context, gs_data_load(context, "fashion-mnist:test", NULL, &test));
    for (int p = GS_PRECISION_FLOAT32; p <= GS_PRECISION_MIXED_BFLOAT16; p++) {
        gs_model *model;
        gs_result result;
        ok(context, gs_model_from_layers(context, "784 dense:64:relu dropout:0.2 dense:10", 1, &model));
        ok(context, gs_model_compile(model, &(gs_compile_params){.precision = (gs_precision)p}));
        ok(context, gs_model_fit(model, train_data, &(gs_fit_params){.epochs = 2, .seed = 1}, NULL));
        ok(context, gs_model_evaluate(model, test, 0, &result));
        accuracy[p] = result.metrics[0];
        print_message("  %-15s test accuracy %.4f, loss %.4f\n", gs_precision_name((gs_precision)p), accuracy[p],
                      result.loss);
        gs_model_destroy(&model);
    }
    assert_true(accuracy[GS_PRECISION_FLOAT32] > 0.83);
    assert_true(accuracy[GS_PRECISION_MIXED_FLOAT16] > accuracy[GS_PRECISION_FLOAT32] - 0.005);
    assert_true(accuracy[GS_PRECISION_MIXED_BFLOAT16] > accuracy[GS_PRECISION_FLOAT32] - 0.005);
    gs_data_destroy(&train_data);
    gs_data_destroy(&test);
    gs_context_destroy(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scale_falls_and_grows),    cmocka_unit_test(each_optimizer_skips),
        cmocka_unit_test(goes_on_to_the_same_bits), cmocka_unit_test(layers_may_stay),
        cmocka_unit_test(accuracy_of_float32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
