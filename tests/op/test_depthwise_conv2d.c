#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

struct size {
    int64_t x[4], kernel[2], multiplier;
    gs__conv2d_attr attr;
};

static const struct size sizes[] = {
    {{1, 1, 1, 1}, {1, 1}, 1, {.stride = {1, 1}, .dilation = {1, 1}}},
    {{2, 6, 5, 8}, {3, 3}, 1, {.stride = {1, 1}, .dilation = {1, 1}}},
    {{2, 6, 5, 4}, {3, 2}, 2, {.stride = {1, 1}, .dilation = {1, 1}, .pad = {1, 0}, .pad_end = {1, 1}}},
    {{3, 7, 8, 3}, {2, 3}, 3, {.stride = {2, 3}, .dilation = {1, 1}, .pad = {0, 1}, .pad_end = {1, 1}}},
    {{1, 9, 9, 12}, {3, 3}, 1, {.stride = {2, 2}, .dilation = {2, 1}, .pad = {2, 1}, .pad_end = {2, 1}}},
    {{5, 11, 9, 5}, {1, 3}, 1, {.stride = {1, 1}, .dilation = {1, 2}}},
};
enum { COUNT = sizeof sizes / sizeof sizes[0] };

static op_case depthwise(const struct size *s, bool bias) {
    op_case c = {
        .op = "depthwise_conv2d",
        .attr = &s->attr,
        .x = {{.shape = {4, {s->x[0], s->x[1], s->x[2], s->x[3]}}},
              {.shape = {4, {s->kernel[0], s->kernel[1], s->x[3], s->multiplier}}, .storage = GS__STORAGE_PARAMETER},
              {.shape = {1, {s->x[3] * s->multiplier}}, .storage = GS__STORAGE_PARAMETER}},
        .absolute = 3e-5};
    if (!bias) c.x[2] = (op_input){.absent = true};
    return c;
}

static void odd_sizes(void **state) {
    for (uint32_t i = 0; i < COUNT; i++) {
        op_case c = depthwise(&sizes[i], i != 3);
        op_check(*state, &c);
    }
}

static void with_epilogues(void **state) {
    for (uint32_t i = 1; i < 3; i++) {
        op_case c = depthwise(&sizes[i], true);
        c.set = (struct gs_settings){.seed_lo = 11, .seed_hi = 5};
        c.epilogue = (gs__epilogue){.activation = GS_ACTIVATION_SIGMOID, .rate = 0.2f, .key = 7};
        c.backward_epilogue = (gs__epilogue){.activation = GS_ACTIVATION_RELU, .rate = 0.5f, .key = 3};
        op_check(*state, &c);
    }
}

static void some_gradients(void **state) {
    static const uint32_t constants[] = {1u << 1, 1u << 2, 1u << 0 | 1u << 1};
    for (uint32_t j = 0; j < 3; j++) {
        op_case c = depthwise(&sizes[1], true);
        for (uint32_t i = 0; i < 3; i++) c.x[i].constant = constants[j] >> i & 1u;
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
    assert_int_equal(gs__graph_apply(&graph, "depthwise_conv2d", "conv", attr, in, bias ? 3 : 2, &y), GS_ERR_ARGUMENT);
    if (!strstr(error.message, message)) fail_msg("\"%s\" does not contain \"%s\"", error.message, message);
    gs__graph_deinit(&graph);
}

static void refusals(void **state) {
    (void)state;
    const gs__conv2d_attr good = {.stride = {1, 1}, .dilation = {1, 1}}, none = {.stride = {1, 1}, .dilation = {0, 1}},
                          far = {.stride = {1, 1}, .dilation = {1, 4}};
    const gs_shape x = {4, {1, 3, 4, 5}}, flat = {2, {1, 60}}, kernel = {4, {2, 2, 5, 2}}, other = {4, {2, 2, 4, 2}},
                   bias = {1, {5}};
    expect_refused(&flat, &kernel, NULL, &good, "input has shape (1, 60) but must be (batch, rows, columns, channels)");
    expect_refused(&x, &flat, NULL, &good,
                   "kernel has shape (1, 60) but must be (rows, columns, channels, multiplier)");
    expect_refused(&x, &other, NULL, &good, "input has 5 channels but the kernel expects 4");
    expect_refused(&x, &kernel, &bias, &good, "bias has shape (5) but there are 10 filters");
    expect_refused(&x, &kernel, NULL, &none, "strides and dilation must be at least 1");
    expect_refused(&x, &kernel, NULL, &far,
                   "kernel (2, 2, 5, 2) with its dilation is larger than the input (1, 3, 4, 5)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(with_epilogues),
        cmocka_unit_test(some_gradients),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
