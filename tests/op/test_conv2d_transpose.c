#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

struct size {
    int64_t x[4], kernel[2], filters;
    gs__conv2d_transpose_attr attr;
};

static const struct size sizes[] = {
    {{1, 1, 1, 1}, {1, 1}, 1, {{1, 1}, {1, 1}, {0, 0}, {1, 1}}},
    {{2, 4, 5, 8}, {3, 3}, 4, {{1, 1}, {1, 1}, {1, 1}, {4, 5}}},
    {{2, 3, 4, 4}, {2, 2}, 8, {{2, 2}, {1, 1}, {0, 0}, {6, 8}}},
    {{1, 3, 5, 3}, {4, 3}, 5, {{2, 2}, {1, 1}, {1, 0}, {6, 11}}},
    // Pixels that nothing reaches; dilation with stride; one size larger than all that is reached.
    {{2, 3, 2, 6}, {2, 1}, 3, {{3, 4}, {1, 1}, {0, 0}, {9, 8}}},
    {{1, 4, 3, 5}, {3, 2}, 7, {{2, 3}, {3, 2}, {2, 1}, {11, 12}}},
};
enum { COUNT = sizeof sizes / sizeof sizes[0] };

static op_case transposed(const struct size *s, bool bias) {
    op_case c = {
        .op = "conv2d_transpose",
        .attr = &s->attr,
        .x = {{.shape = {4, {s->x[0], s->x[1], s->x[2], s->x[3]}}},
              {.shape = {4, {s->kernel[0], s->kernel[1], s->filters, s->x[3]}}, .storage = GS__STORAGE_PARAMETER},
              {.shape = {1, {s->filters}}, .storage = GS__STORAGE_PARAMETER}},
        .absolute = 3e-5};
    if (!bias) c.x[2] = (op_input){.absent = true};
    return c;
}

static void odd_sizes(void **state) {
    for (uint32_t i = 0; i < COUNT; i++) {
        op_case c = transposed(&sizes[i], i != 3);
        op_check(*state, &c);
    }
}

static void with_epilogues(void **state) {
    for (uint32_t i = 2; i < 4; i++) {
        op_case c = transposed(&sizes[i], true);
        c.set = (struct gs_settings){.seed_lo = 11, .seed_hi = 5};
        c.epilogue = (gs__epilogue){.activation = GS_ACTIVATION_SIGMOID, .rate = 0.2f, .key = 7};
        c.backward_epilogue = (gs__epilogue){.activation = GS_ACTIVATION_RELU, .rate = 0.5f, .key = 3};
        op_check(*state, &c);
    }
}

static void expect_refused(const gs_shape *x, const gs_shape *kernel, const gs_shape *bias, const void *attr,
                           const char *message) {
    gs__error error = {0};
    gs__graph graph;
    gs__value in[3] = {0}, y;
    gs__graph_init(&graph, &error, true, 1);
    op_expect_ok(&error, gs__graph_value(&graph, x, GS_F32, GS__STORAGE_ACTIVATION, NULL, &in[0]), "x");
    op_expect_ok(&error, gs__graph_value(&graph, kernel, GS_F32, GS__STORAGE_PARAMETER, NULL, &in[1]), "kernel");
    if (bias) op_expect_ok(&error, gs__graph_value(&graph, bias, GS_F32, GS__STORAGE_PARAMETER, NULL, &in[2]), "bias");
    assert_int_equal(gs__graph_apply(&graph, "conv2d_transpose", "conv", attr, in, bias ? 3 : 2, &y), GS_ERR_ARGUMENT);
    if (!strstr(error.message, message)) fail_msg("\"%s\" does not contain \"%s\"", error.message, message);
    gs__graph_deinit(&graph);
}

static void refusals(void **state) {
    (void)state;
    const gs__conv2d_transpose_attr good = {{2, 2}, {1, 1}, {0, 0}, {6, 8}}, none = {{0, 2}, {1, 1}, {0, 0}, {6, 8}};
    const gs_shape x = {4, {1, 3, 4, 5}}, flat = {2, {1, 60}}, kernel = {4, {2, 2, 7, 5}}, other = {4, {2, 2, 5, 7}},
                   bias = {1, {5}};
    expect_refused(&flat, &kernel, NULL, &good, "input has shape (1, 60) but must be (batch, rows, columns, channels)");
    expect_refused(&x, &flat, NULL, &good, "kernel has shape (1, 60) but must be (rows, columns, filters, channels)");
    expect_refused(&x, &other, NULL, &good, "input has 5 channels but the kernel expects 7");
    expect_refused(&x, &kernel, &bias, &good, "bias has shape (5) but the kernel has 7 filters");
    expect_refused(&x, &kernel, NULL, &none, "strides, dilation and size must be at least 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(with_epilogues),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
