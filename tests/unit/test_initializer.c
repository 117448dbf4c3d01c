// Initial weights: the distributions of Keras's initializers, checked by their range, mean and variance.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IN = 300, OUT = 100, COUNT = IN * OUT };
static const gs_shape kernel = {2, {IN, OUT}};
static float values[COUNT];

static void fill(gs_initializer initializer) {
    memset(values, 0xff, sizeof values);
    gs__initializer_fill(&initializer, GS_INITIALIZER_GLOROT_UNIFORM, &kernel, 5, 2, values, COUNT);
}

typedef struct stats {
    double mean, variance, min, max;
} stats;

static stats measure(void) {
    stats s = {0, 0, values[0], values[0]};
    for (int i = 0; i < COUNT; i++) {
        double v = (double)values[i];
        assert_true(isfinite(v));
        s.mean += v / COUNT;
        s.min = fmin(s.min, v);
        s.max = fmax(s.max, v);
    }
    for (int i = 0; i < COUNT; i++) s.variance += ((double)values[i] - s.mean) * ((double)values[i] - s.mean) / COUNT;
    return s;
}

// limit: the values fill [mean - limit, mean + limit]; variance: theirs.
static void expect(const char *name, double mean, double variance, double limit) {
    stats s = measure();
    double sigma = sqrt(variance);
    // 5 standard errors; a variance's is below sqrt(2 / COUNT).
    bool fits =
        fabs(s.mean - mean) < 5 * sigma / sqrt(COUNT) && fabs(s.variance / variance - 1) < 5 * sqrt(2.0 / COUNT);
    fits = fits && s.min >= mean - limit * 1.0000001 && s.max <= mean + limit * 1.0000001;
    fits = fits && s.min < mean - 0.98 * limit && s.max > mean + 0.98 * limit;
    if (!fits)
        fail_msg("%s: mean %g, variance %g, from %g to %g; expected mean %g, variance %g, limit %g", name, s.mean,
                 s.variance, s.min, s.max, mean, variance, limit);
}

static void test_uniform(void **state) {
    (void)state;
    static const struct {
        const char *name;
        gs_initializer initializer;
        double variance; // limit^2 / 3
    } cases[] = {
        {"default", {0}, 2.0 / (IN + OUT)},
        {"glorot", {.kind = GS_INITIALIZER_GLOROT_UNIFORM}, 2.0 / (IN + OUT)},
        {"he", {.kind = GS_INITIALIZER_HE_UNIFORM}, 2.0 / IN},
        {"lecun", {.kind = GS_INITIALIZER_LECUN_UNIFORM}, 1.0 / IN},
        {"uniform", {.kind = GS_INITIALIZER_RANDOM_UNIFORM}, 0.05 * 0.05 / 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fill(cases[i].initializer);
        expect(cases[i].name, 0, cases[i].variance, sqrt(3 * cases[i].variance));
    }
    fill((gs_initializer){.kind = GS_INITIALIZER_RANDOM_UNIFORM, .a = -0.1f, .b = 0.2f});
    expect("given", 0.05, 0.3 * 0.3 / 12, 0.15);
}

static void test_normal(void **state) {
    (void)state;
    // Variance of a normal distribution cut off at 2: 1 - 2 * 2 phi(2) / (2 Phi(2) - 1).
    const double cut = 0.87962566103423978 * 0.87962566103423978;
    static const struct {
        const char *name;
        gs_initializer initializer;
        double variance;
    } cases[] = {
        {"glorot", {.kind = GS_INITIALIZER_GLOROT_NORMAL}, 2.0 / (IN + OUT)},
        {"he", {.kind = GS_INITIALIZER_HE_NORMAL}, 2.0 / IN},
        {"lecun", {.kind = GS_INITIALIZER_LECUN_NORMAL}, 1.0 / IN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fill(cases[i].initializer);
        expect(cases[i].name, 0, cases[i].variance, 2 * sqrt(cases[i].variance / cut));
    }
    fill((gs_initializer){.kind = GS_INITIALIZER_TRUNCATED_NORMAL});
    expect("truncated", 0, 0.05 * 0.05 * cut, 0.1);
    fill((gs_initializer){.kind = GS_INITIALIZER_TRUNCATED_NORMAL, .a = -0.1f, .b = 0.3f});
    expect("truncated, given", -0.1, 0.3 * 0.3 * cut, 0.6);
    fill((gs_initializer){.kind = GS_INITIALIZER_RANDOM_NORMAL, .a = 0.5f, .b = 2.0f});
    stats s = measure();
    assert_true(fabs(s.mean - 0.5) < 0.06 && fabs(s.variance / 4 - 1) < 0.05);
    assert_true(s.max > 0.5 + 3 * 2 && s.min < 0.5 - 3 * 2); // not cut off
}

static void test_constant(void **state) {
    (void)state;
    fill((gs_initializer){.kind = GS_INITIALIZER_ZEROS});
    for (int i = 0; i < COUNT; i++) assert_true(values[i] == 0.0f);
    fill((gs_initializer){.kind = GS_INITIALIZER_ONES});
    for (int i = 0; i < COUNT; i++) assert_true(values[i] == 1.0f);
    fill((gs_initializer){.kind = GS_INITIALIZER_CONSTANT, .a = 0.25f});
    for (int i = 0; i < COUNT; i++) assert_true(values[i] == 0.25f);
    fill((gs_initializer){.kind = GS_INITIALIZER_CONSTANT});
    for (int i = 0; i < COUNT; i++) assert_true(values[i] == 0.0f);
}

// Rows beyond one: a bias has fan-in = fan-out = its size, a convolution's fans count its field.
static void test_fans(void **state) {
    (void)state;
    gs_initializer he = {.kind = GS_INITIALIZER_HE_UNIFORM};
    gs__initializer_fill(&he, GS_INITIALIZER_ZEROS, &(gs_shape){1, {COUNT}}, 1, 0, values, COUNT);
    expect("vector", 0, 2.0 / COUNT, sqrt(6.0 / COUNT));
    gs__initializer_fill(&he, GS_INITIALIZER_ZEROS, &(gs_shape){4, {5, 3, 20, 100}}, 1, 0, values, COUNT);
    expect("convolution", 0, 2.0 / (5 * 3 * 20), sqrt(6.0 / (5 * 3 * 20)));
}

static void test_seeds(void **state) {
    (void)state;
    float a[8], b[8];
    gs_initializer plain = {0}, seeded = {.seed = 7, .has_seed = true};
    const gs_initializer_kind kind = GS_INITIALIZER_GLOROT_UNIFORM;
    gs__initializer_fill(&plain, kind, &kernel, 1, 0, a, 8);
    gs__initializer_fill(&plain, kind, &kernel, 1, 0, b, 8);
    assert_memory_equal(a, b, sizeof a);
    gs__initializer_fill(&plain, kind, &kernel, 1, 1, b, 8);
    assert_memory_not_equal(a, b, sizeof a);
    gs__initializer_fill(&plain, kind, &kernel, 2, 0, b, 8);
    assert_memory_not_equal(a, b, sizeof a);
    // Its own seed makes an initializer independent of the model's seed and of its place.
    gs__initializer_fill(&seeded, kind, &kernel, 1, 0, a, 8);
    gs__initializer_fill(&seeded, kind, &kernel, 2, 3, b, 8);
    assert_memory_equal(a, b, sizeof a);
}

static void test_check(void **state) {
    (void)state;
    static const struct {
        gs_initializer initializer;
        const char *message;
    } cases[] = {
        {{.kind = (gs_initializer_kind)99}, "kind 99"},
        {{.kind = GS_INITIALIZER_CONSTANT, .a = NAN}, "constant: its values nan and 0 must be finite"},
        {{.kind = GS_INITIALIZER_RANDOM_NORMAL, .b = INFINITY}, "must be finite"},
        {{.kind = GS_INITIALIZER_RANDOM_NORMAL, .b = -1.0f}, "stddev -1 is negative"},
        {{.kind = GS_INITIALIZER_RANDOM_UNIFORM, .a = 1.0f}, "minval 1 is above maxval 0"},
        {{.seed = UINT64_MAX, .has_seed = true}, "above 2^53"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs__error error = {0};
        assert_int_equal(gs__initializer_check(&error, &cases[i].initializer, "kernel_initializer"), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, cases[i].message));
        assert_ptr_equal(strstr(error.message, "kernel_initializer"), error.message);
    }
}

static void test_decimal(void **state) {
    (void)state;
    assert_true(gs__decimal(0.9f) == 0.9);
    assert_true(gs__decimal(0.999f) == 0.999);
    assert_true(gs__decimal(1e-7f) == 1e-7);
    assert_true(gs__decimal(-16777217.0f) == -16777216.0);
    assert_true(gs__decimal(0.0f) == 0.0);
    uint32_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        float value;
        bits = bits * 1664525u + 1013904223u;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) assert_true((float)gs__decimal(value) == value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform), cmocka_unit_test(test_normal), cmocka_unit_test(test_constant),
        cmocka_unit_test(test_fans),    cmocka_unit_test(test_seeds),  cmocka_unit_test(test_check),
        cmocka_unit_test(test_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
