// The rows of a step: dtypes, odd row lengths, order and shuffle, a partial batch, a part of the data set.
#include "harness.h"

#include "op/attr.h"
#include "plan/shuffle.h"

#include <stdio.h>
#include <string.h>

static void in_order(void **state) {
    static const gs_shape shapes[] = {{1, {5}}, {2, {7, 1}}, {2, {9, 3}}, {2, {11, 4}}, {3, {6, 5, 7}}, {2, {40, 784}}};
    static const gs_dtype dtypes[] = {GS_F32, GS_I32, GS_U8};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t d = 0; d < 3; d++) {
            const int64_t samples = shapes[s].dim[0];
            const gs__gather_attr attr = {.batch = (uint32_t)samples - 2};
            op_check(*state, &(op_case){.op = "gather",
                                        .attr = &attr,
                                        .x = {{.shape = shapes[s],
                                               .dtype = dtypes[d],
                                               .storage = GS__STORAGE_SAMPLES,
                                               .low = dtypes[d] == GS_U8 ? 0 : -300,
                                               .high = dtypes[d] == GS_U8 ? 256 : 300}},
                                        .batch = attr.batch,
                                        .set = {.data_count = (uint32_t)samples},
                                        .position = {.begin = 1}});
        }
}

static void shuffled(void **state) {
    static const uint32_t batches[] = {1, 3, 31, 64, 65};
    static const gs_dtype targets[] = {GS_I32, GS_F32};
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
        for (size_t t = 0; t < 2; t++)
            for (uint32_t width = 1; width <= 17; width += 8) {
                const gs__gather_attr attr = {.batch = batches[b], .scale = 0.5f};
                op_check(
                    *state,
                    &(op_case){.op = "gather",
                               .attr = &attr,
                               .x = {{.shape = {3, {211, 3, width}},
                                      .dtype = GS_U8,
                                      .storage = GS__STORAGE_SAMPLES,
                                      .low = 0,
                                      .high = 256},
                                     {.shape = {2, {211, t ? 3 : 1}},
                                      .dtype = targets[t],
                                      .storage = GS__STORAGE_TARGETS,
                                      .low = -100,
                                      .high = 100}},
                               .batch = batches[b],
                               .rows = batches[b] > 2 ? batches[b] - 2 : 0, // the others are zeros
                               .set = {.shuffle = 1, .seed_lo = 7, .seed_hi = 8, .data_begin = 13, .data_count = 191},
                               .position = {.begin = 100, .epoch = 5}});
            }
}

// A data set that no single binding can hold: as if one held 160 KiB.
static void windows(void **state) {
    op_fixture *f = *state;
    static const gs_dtype dtypes[] = {GS_F32, GS_U8};
    gs__gpu_caps saved[2];
    for (int i = 0; i < 2; i++) {
        gs__gpu_caps *caps = (gs__gpu_caps *)(uintptr_t)gs__gpu_get_caps(f->gpu[i]);
        saved[i] = *caps;
        caps->max_storage_range = 160 * 1024;
    }
    for (int64_t width = 63; width <= 64; width++)
        for (size_t d = 0; d < 2; d++) {
            const gs__gather_attr attr = {.batch = 300};
            const int64_t samples = dtypes[d] == GS_U8 ? 10007 : 3001;
            op_check(
                *state,
                &(op_case){.op = "gather",
                           .attr = &attr,
                           .x = {{.shape = {2, {samples, width}},
                                  .dtype = dtypes[d],
                                  .storage = GS__STORAGE_SAMPLES,
                                  .low = 0,
                                  .high = 256},
                                 {.shape = {1, {samples}}, .dtype = GS_I32, .storage = GS__STORAGE_TARGETS, .high = 9}},
                           .batch = attr.batch,
                           .rows = 290,
                           .set = {.shuffle = 1, .seed_lo = 1, .data_begin = 1, .data_count = (uint32_t)samples - 1}});
        }
    // A ring of two large steps.
    const gs__gather_attr attr = {.batch = 500};
    op_check(*state, &(op_case){.op = "gather",
                                .attr = &attr,
                                .x = {{.shape = {2, {1000, 63}}, .storage = GS__STORAGE_SAMPLES}},
                                .batch = attr.batch,
                                .rows = 499,
                                .set = {.shuffle = 1, .data_count = 100000, .stream = 2},
                                .position = {.step_lo = 3}});
    for (int i = 0; i < 2; i++) *(gs__gpu_caps *)(uintptr_t)gs__gpu_get_caps(f->gpu[i]) = saved[i];
}

// Rows that the host has put into a ring of steps: no order, wherever in the epoch the step is.
static void streamed(void **state) {
    static const uint32_t steps[] = {0, 1, 7, 8, 1029, UINT32_MAX};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (uint32_t width = 3; width <= 4; width++) {
            const gs__gather_attr attr = {.batch = 5};
            op_check(*state, &(op_case){.op = "gather",
                                        .attr = &attr,
                                        .x = {{.shape = {2, {8 * 5, width}},
                                               .dtype = width == 3 ? GS_U8 : GS_F32,
                                               .storage = GS__STORAGE_SAMPLES,
                                               .low = 0,
                                               .high = 256},
                                              {.shape = {1, {8 * 5}},
                                               .dtype = GS_I32,
                                               .storage = GS__STORAGE_TARGETS,
                                               .low = 0,
                                               .high = 100}},
                                        .batch = attr.batch,
                                        .rows = s % 2 ? 5 : 4,
                                        .set = {.shuffle = 1, .seed_lo = 7, .data_count = 1000000, .stream = 8},
                                        .position = {.begin = 123456, .epoch = 5, .step_lo = steps[s]}});
        }
}

// No sample twice, none left out, another order in another epoch.
static void order_is_a_permutation(void **state) {
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 5, 64, 65, 1000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        unsigned char seen[1000] = {0};
        uint32_t moved = 0;
        for (uint32_t i = 0; i < counts[c]; i++) {
            const uint32_t at = gs__shuffled(i, counts[c], 1, 2, 3);
            assert_true(at < counts[c]);
            assert_int_equal(seen[at]++, 0);
            moved += gs__shuffled(i, counts[c], 1, 2, 4) != at;
        }
        if (counts[c] >= 64) assert_true(moved > counts[c] / 2);
    }
}

static void expect_refused(const gs__gather_attr *attr, const gs_shape *samples, const gs_shape *targets,
                           gs_dtype target_dtype, const char *message) {
    gs__error error = {0};
    gs__graph graph;
    gs__value x[2], y[2];
    gs__graph_init(&graph, &error, false, 4);
    op_expect_ok(&error, gs__graph_value(&graph, samples, GS_F32, GS__STORAGE_SAMPLES, NULL, &x[0]), "samples");
    op_expect_ok(&error, gs__graph_value(&graph, targets, target_dtype, GS__STORAGE_TARGETS, NULL, &x[1]), "targets");
    assert_int_equal(gs__graph_apply(&graph, "gather", "data", attr, x, 2, y), GS_ERR_ARGUMENT);
    if (!strstr(error.message, message)) fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    gs__graph_deinit(&graph);
}

static void bad_shapes(void **state) {
    (void)state;
    const gs_shape samples = {2, {10, 4}}, targets = {1, {10}}, fewer = {1, {9}};
    const gs__gather_attr attr = {.batch = 4}, empty = {.batch = 0};
    expect_refused(&empty, &samples, &targets, GS_I32, "batch size is 0");
    expect_refused(&attr, &samples, &fewer, GS_I32, "10 samples but 9 targets");
    expect_refused(&attr, &samples, &targets, GS_U8, "uint8");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(shuffled),
        cmocka_unit_test(windows),
        cmocka_unit_test(streamed),
        cmocka_unit_test(order_is_a_permutation),
        cmocka_unit_test(bad_shapes),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
