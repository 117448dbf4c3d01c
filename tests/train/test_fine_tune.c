// Batch normalization's averages, frozen layers, weights of another model: what training changes, and what it does not.
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static gs_model *make(fixture *f, uint32_t head, uint64_t seed) {
    gs_model *model;
    gs_layer layers[] = {gs_input(.shape = {1, {FIXTURE_FEATURES}}),
                         gs_dense(.name = "base_dense", .units = 17),
                         gs_batch_normalization(.name = "base_norm"),
                         gs_activation_layer(.activation = GS_ACTIVATION_RELU),
                         gs_gaussian_noise(.stddev = 0.05f),
                         gs_dense(.name = head == FIXTURE_CLASSES ? "head" : "other", .units = head),
                         gs_dense(.name = "last", .units = FIXTURE_CLASSES)};
    const gs_sequential_params params = {.layers = layers, .layer_count = 7, .seed = seed};
    fixture_ok(f, gs_model_sequential(f->context, &params, &model));
    fixture_ok(f, gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 0.01f)}));
    return model;
}

static void fit(fixture *f, gs_model *model, uint32_t epochs) {
    fixture_ok(f, gs_model_fit(model, f->data,
                               &(gs_fit_params){.epochs = epochs, .batch_size = FIXTURE_BATCH, .seed = 5}, NULL));
}

static float *read_parameter(fixture *f, gs_model *model, const char *name, uint64_t *count) {
    gs_model_info info;
    gs_parameter_info p;
    gs_model_get_info(model, &info);
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        fixture_ok(f, gs_model_get_parameter(model, i, &p));
        if (strcmp(p.name, name) != 0) continue;
        float *values = malloc(p.count * sizeof *values);
        fixture_ok(f, gs_model_read_parameter(model, i, values, p.count));
        *count = p.count;
        return values;
    }
    fail_msg("there is no parameter %s", name);
    return NULL;
}

static bool is_same(fixture *f, gs_model *a, gs_model *b, const char *name) {
    uint64_t count, other;
    float *x = read_parameter(f, a, name, &count), *y = read_parameter(f, b, name, &other);
    const bool same = count == other && memcmp(x, y, count * sizeof *x) == 0;
    free(x);
    free(y);
    return same;
}

// Two epochs at once, two times one, and one from a saved model: the averages move alike, to the bit.
static void test_repeats(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_model *a = make(&f, FIXTURE_CLASSES, 1), *b = make(&f, FIXTURE_CLASSES, 1),
             *first = make(&f, FIXTURE_CLASSES, 1);
    fit(&f, a, 2);
    fit(&f, b, 1);
    fit(&f, b, 1);
    assert_true(is_same(&f, a, b, "base_norm/moving_mean") && is_same(&f, a, b, "base_norm/moving_variance"));
    assert_true(is_same(&f, a, b, "last/kernel"));
    assert_false(is_same(&f, a, first, "base_norm/moving_mean"));
    assert_false(is_same(&f, a, first, "base_norm/moving_variance"));
    gs_model *loaded;
    gs_result before, after;
    fixture_ok(&f, gs_model_save(a, fixture_path(&f, "saved")));
    fixture_ok(&f, gs_model_load(f.context, fixture_path(&f, "saved"), &loaded));
    assert_true(is_same(&f, a, loaded, "base_norm/moving_variance"));
    fixture_ok(&f, gs_model_evaluate(a, f.data, 0, &before));
    fixture_ok(&f, gs_model_evaluate(loaded, f.data, 7, &after)); // averages: the batch size does not matter
    assert_true(before.loss - after.loss < 1e-5 && after.loss - before.loss < 1e-5);
    gs_model_destroy(&loaded);
    gs_model_destroy(&first);
    gs_model_destroy(&b);
    gs_model_destroy(&a);
    fixture_close(&f);
}

static void test_transfer_and_freeze(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_model *base = make(&f, FIXTURE_CLASSES, 1), *tuned = make(&f, 6, 2), *untouched = make(&f, 6, 2);
    fit(&f, base, 2);
    char path[128];
    strcpy(path, fixture_path(&f, "base.safetensors"));
    fixture_ok(&f, gs_model_save_weights(base, path));
    gs_transfer_info info;
    fixture_ok(&f, gs_model_transfer_weights(tuned, path, &info));
    assert_int_equal(info.layer_count, 2);       // base_dense, base_norm
    assert_int_equal(info.missing_count, 1);     // other
    assert_int_equal(info.other_shape_count, 1); // last: (6, 4), not (4, 4)
    uint32_t count;
    fixture_ok(&f, gs_model_set_trainable(tuned, "base*", false, &count));
    assert_int_equal(count, 2);
    static const char *const kept[] = {"base_dense/kernel", "base_dense/bias",       "base_norm/gamma",
                                       "base_norm/beta",    "base_norm/moving_mean", "base_norm/moving_variance"};
    for (int i = 0; i < 6; i++) assert_true(is_same(&f, base, tuned, kept[i]));
    assert_true(is_same(&f, tuned, untouched, "other/kernel"));
    fit(&f, tuned, 2);
    for (int i = 0; i < 6; i++) assert_true(is_same(&f, base, tuned, kept[i]));
    assert_false(is_same(&f, tuned, untouched, "other/kernel"));
    assert_false(is_same(&f, tuned, untouched, "last/bias"));
    // Thawed, all of it moves.
    fixture_ok(&f, gs_model_set_trainable(tuned, "base*", true, NULL));
    fit(&f, tuned, 1);
    for (int i = 0; i < 6; i++) assert_false(is_same(&f, base, tuned, kept[i]));
    gs_model_destroy(&untouched);
    gs_model_destroy(&tuned);
    gs_model_destroy(&base);
    fixture_close(&f);
}

static void test_transfer_errors(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_model *model = make(&f, 6, 2), *other = NULL;
    fixture_ok(&f, gs_model_from_layers(f.context, "12 dense:3", 0, &other));
    char path[128];
    strcpy(path, fixture_path(&f, "other.safetensors"));
    fixture_ok(&f, gs_model_save_weights(other, path));
    fixture_expect(&f, gs_model_transfer_weights(model, path, NULL), GS_ERR_ARGUMENT,
                   "no layer of the model has all its weights there, by name and shape");
    fixture_expect(&f, gs_model_transfer_weights(model, fixture_path(&f, "missing"), NULL), GS_ERR_FILE, "missing");
    gs_model_destroy(&other);
    gs_model_destroy(&model);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_repeats), cmocka_unit_test(test_transfer_and_freeze),
                                       cmocka_unit_test(test_transfer_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
