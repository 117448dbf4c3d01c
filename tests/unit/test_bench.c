// What is made of measurements: medians, rates, tolerances, the report.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "bench/bench.h"
#include "plan/shuffle.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void assert_spread(gs_bench_spread s, double median, double low, double high, uint32_t count) {
    if (s.median != median || s.low != low || s.high != high || s.count != count)
        fail_msg("median %g, low %g, high %g of %u; expected %g, %g, %g of %u", s.median, s.low, s.high, s.count,
                 median, low, high, count);
}

static void medians(void **state) {
    (void)state;
    assert_spread(gs__bench_spread_of((double[]){4}, 1), 4, 4, 4, 1);
    assert_spread(gs__bench_spread_of((double[]){8, 2}, 2), 5, 2, 8, 2);
    assert_spread(gs__bench_spread_of((double[]){9, 1, 5}, 3), 5, 1, 9, 3);
    assert_spread(gs__bench_spread_of((double[]){1, 100, 2, 3}, 4), 2.5, 1, 100, 4);
    assert_spread(gs__bench_spread_of((double[]){3, 3, 3, 0.5, 7, 7, 7}, 7), 3, 0.5, 7, 7);
}

static void rates(void **state) {
    (void)state;
    const gs_bench_spread time = {.median = 4, .low = 2, .high = 8, .count = 9};
    assert_spread(gs__bench_rate(&time, 16), 4, 2, 8, 9);
    assert_spread(gs__bench_rate(&time, 8), 2, 1, 4, 9);
}

static float random_value(uint32_t *seed) {
    return (float)((int32_t)(gs__mix32((*seed)++) >> 8) - (1 << 23)) / (float)(1 << 23);
}

// As a device with 10 bits of mantissa would take its inputs (TF32).
static float rounded(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = (bits + 0x1000) & ~UINT32_C(0x1fff);
    memcpy(&value, &bits, sizeof bits);
    return value;
}

// Sums in float32 are within the tolerance, in one order and in another; sums of rounded values are not.
static void tolerance(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 2, 3, 10, 64, 784, 4096, 100000};
    uint32_t seed = 1, rounded_out = 0, cases = 0;
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (uint32_t repeat = 0; repeat < 50; repeat++, cases++) {
            const uint32_t k = sizes[i];
            float sum = 0, partial[8] = {0}, coarse = 0;
            double exact = 0, squares = 0;
            for (uint32_t j = 0; j < k; j++) {
                const float a = random_value(&seed), b = random_value(&seed);
                sum += a * b;
                partial[j % 8] += a * b;
                coarse += rounded(a) * rounded(b);
                exact += (double)a * (double)b;
                squares += (double)a * (double)b * (double)a * (double)b;
            }
            for (uint32_t j = 1; j < 8; j++) partial[0] += partial[j];
            const double most = gs__bench_tolerance(k, squares);
            if (fabs((double)sum - exact) > most || fabs((double)partial[0] - exact) > most)
                fail_msg("k = %u: %g and %g, exact %g, tolerance %g", k, (double)sum, (double)partial[0], exact, most);
            rounded_out += fabs((double)coarse - exact) > most;
        }
    print_message("  %u of %u sums of values with 11 bits are refused\n", rounded_out, cases);
    assert_true(rounded_out > cases / 2);
}

static void names(void **state) {
    (void)state;
    assert_string_equal(gs_bench_kind_name(GS_BENCH_PRODUCT), "matmul");
    assert_string_equal(gs_bench_unit(GS_BENCH_TRAINING), "samples/s");
    assert_string_equal(gs_bench_form_name(GS_BENCH_A_B), "A B");
    assert_string_equal(gs_bench_form_name(GS_BENCH_A_BT), "A Bt");
    assert_string_equal(gs_bench_form_name(GS_BENCH_AT_B), "At B");
}

static const cJSON *item(const cJSON *list, int index, const char *key) {
    const cJSON *found = gs__json_find(cJSON_GetArrayItem(list, index), key);
    if (!found) fail_msg("result %d has no %s", index, key);
    return found;
}

static void report(void **state) {
    (void)state;
    gs__error error = {0};
    gs_bench_result results[] = {
        {.kind = GS_BENCH_FMA, .detail = "8 \"chains\"\n", .value = {81.5, 80.25, 82, 7}, .device_clock = true},
        {.kind = GS_BENCH_PRODUCT,
         .name = "square",
         .value = {40, 39, 41, 9},
         .per_repeat = 12,
         .checked = 64,
         .wrong = 3,
         .form = GS_BENCH_A_BT,
         .m = 256,
         .n = 512,
         .k = 1024,
         .peak_share = 0.5},
        {.kind = GS_BENCH_PRODUCT, .name = "square", .detail = "too long", .skipped = true, .m = 4096},
        {.kind = GS_BENCH_TRAINING, .name = "W1", .value = {5e4, 4e4, 6e4, 5}, .batch = 32, .loss = 0.25},
    };
    const gs__bench bench = {.params = &(gs_bench_params){.quick = true},
                             .host = {.cpu = "a \\ CPU", .system = "Linux", .date = "today", .threads = 2, .load = 0.5},
                             .results = results,
                             .result_count = sizeof results / sizeof results[0]};
    const gs_device_info device = {.name = "a \"device\"", .driver = "driver 1", .memory_bytes = UINT64_C(1) << 35};
    gs__text text = {0};
    gs__json *json;
    gs__bench_report(&bench, &device, &text);
    assert_int_equal(gs__text_check(&error, &text), GS_OK);
    if (gs__json_parse(&error, text.data, text.length, "report", &json) != GS_OK) fail_msg("%s", error.message);
    const cJSON *root = gs__json_root(json), *list = gs__json_find(root, "results");
    assert_true(gs__json_find(root, "format")->valuedouble == 1);
    assert_true(cJSON_IsTrue(gs__json_find(root, "quick")));
    assert_string_equal(gs__json_find(gs__json_find(root, "host"), "cpu")->valuestring, "a \\ CPU");
    assert_true(gs__json_find(gs__json_find(root, "host"), "load_before")->valuedouble == 0.5);
    assert_string_equal(gs__json_find(gs__json_find(root, "device"), "name")->valuestring, "a \"device\"");
    assert_true(gs__json_find(gs__json_find(root, "device"), "memory_bytes")->valuedouble == 0x1p35);
    assert_int_equal(cJSON_GetArraySize(list), 4);

    assert_string_equal(item(list, 0, "kind")->valuestring, "fma");
    assert_string_equal(item(list, 0, "detail")->valuestring, "8 \"chains\"\n");
    assert_string_equal(item(list, 0, "clock")->valuestring, "device");
    assert_true(item(list, 0, "median")->valuedouble == 81.5);
    assert_true(item(list, 0, "low")->valuedouble == 80.25);
    assert_true(item(list, 0, "repeats")->valuedouble == 7);
    assert_string_equal(item(list, 1, "form")->valuestring, "A Bt");
    assert_true(item(list, 1, "n")->valuedouble == 512);
    assert_true(item(list, 1, "wrong")->valuedouble == 3);
    assert_true(item(list, 1, "peak_share")->valuedouble == 0.5);
    assert_string_equal(item(list, 1, "clock")->valuestring, "host");
    // What was not measured has no figure.
    assert_true(cJSON_IsTrue(item(list, 2, "skipped")));
    assert_string_equal(item(list, 2, "detail")->valuestring, "too long");
    assert_null(gs__json_find(cJSON_GetArrayItem(list, 2), "median"));
    assert_true(item(list, 3, "batch")->valuedouble == 32);
    assert_true(item(list, 3, "loss")->valuedouble == 0.25);
    gs__json_destroy(json);
    gs__text_deinit(&text);
}

static void host(void **state) {
    (void)state;
    gs__bench_host host;
    gs__bench_host_get(&host);
    print_message("  %s, %u threads, %s, %s, load %g\n", host.cpu, host.threads, host.system, host.date, host.load);
    assert_true(host.cpu[0] && host.system[0] && host.threads > 0);
    assert_int_equal(strlen(host.date), 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians), cmocka_unit_test(rates),  cmocka_unit_test(tolerance),
        cmocka_unit_test(names),   cmocka_unit_test(report), cmocka_unit_test(host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
