#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

// Image (B, H, W, C), kernel (KH, KW), filters; attributes.
struct size {
    int64_t image[4], kernel[2], filters;
    gs__conv2d_attr attr;
};

#define PLAIN                                                                                                          \
    { .stride = {1, 1}, .dilation = {1, 1}, .groups = 1 }

static op_case convolution(const struct size *s, bool bias) {
    const int64_t channels = s->image[3] / s->attr.groups;
    const double steps = (double)(s->kernel[0] * s->kernel[1] * channels + s->image[0] * s->image[1] * s->image[2]);
    op_case c = {
        .op = "conv2d",
        .attr = &s->attr,
        .x = {{.shape = {4, {s->image[0], s->image[1], s->image[2], s->image[3]}}},
              {.shape = {4, {s->kernel[0], s->kernel[1], channels, s->filters}}, .storage = GS__STORAGE_PARAMETER},
              {.shape = {1, {s->filters}}, .storage = GS__STORAGE_PARAMETER}},
        .absolute = 2e-6 * (8 + steps / 8)};
    if (!bias) c.x[2] = (op_input){.absent = true};
    return c;
}

static void check_all(void **state, const struct size *sizes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        op_case c = convolution(&sizes[i], i % 3 != 2);
        op_check(*state, &c);
    }
}
#define CHECK_ALL(state, sizes) check_all(state, sizes, sizeof(sizes) / sizeof(sizes)[0])

static void odd_sizes(void **state) {
    static const struct size sizes[] = {
        {{1, 1, 1, 1}, {1, 1}, 1, PLAIN},   {{1, 5, 4, 3}, {2, 3}, 5, PLAIN}, {{2, 6, 9, 8}, {3, 2}, 12, PLAIN},
        {{1, 9, 8, 5}, {5, 3}, 33, PLAIN},  {{5, 4, 4, 7}, {1, 1}, 9, PLAIN}, {{1, 1, 17, 6}, {1, 5}, 4, PLAIN},
        {{2, 5, 3, 36}, {2, 2}, 40, PLAIN}, {{3, 6, 6, 2}, {6, 6}, 3, PLAIN},
    };
    CHECK_ALL(state, sizes);
}

static void padding(void **state) {
    static const struct size sizes[] = {
        {{2, 5, 5, 4},
         {3, 3},
         8,
         {.stride = {1, 1}, .dilation = {1, 1}, .pad = {1, 1}, .pad_end = {1, 1}, .groups = 1}},
        {{1, 4, 7, 3},
         {4, 2},
         5,
         {.stride = {1, 1}, .dilation = {1, 1}, .pad = {1, 0}, .pad_end = {2, 1}, .groups = 1}},
        {{2, 1, 1, 2},
         {3, 3},
         3,
         {.stride = {1, 1}, .dilation = {1, 1}, .pad = {1, 1}, .pad_end = {1, 1}, .groups = 1}},
        // More zeros than image.
        {{1, 2, 3, 4},
         {3, 3},
         4,
         {.stride = {2, 3}, .dilation = {2, 1}, .pad = {5, 4}, .pad_end = {3, 6}, .groups = 1}},
    };
    CHECK_ALL(state, sizes);
}

static void strides(void **state) {
    static const struct size sizes[] = {
        {{2, 9, 9, 4}, {3, 3}, 8, {.stride = {2, 2}, .dilation = {1, 1}, .groups = 1}},
        {{1, 10, 7, 5},
         {3, 2},
         6,
         {.stride = {3, 2}, .dilation = {1, 1}, .pad = {1, 0}, .pad_end = {0, 1}, .groups = 1}},
        // Pixels that no tap reaches; a stride beyond the image.
        {{2, 7, 8, 3}, {2, 1}, 4, {.stride = {3, 4}, .dilation = {1, 1}, .groups = 1}},
        {{3, 3, 2, 4}, {1, 2}, 3, {.stride = {5, 7}, .dilation = {1, 1}, .groups = 1}},
    };
    CHECK_ALL(state, sizes);
}

static void dilations(void **state) {
    static const struct size sizes[] = {
        {{2, 9, 9, 4}, {3, 3}, 8, {.stride = {1, 1}, .dilation = {2, 2}, .groups = 1}},
        {{1, 12, 10, 3},
         {3, 2},
         5,
         {.stride = {1, 1}, .dilation = {3, 5}, .pad = {2, 1}, .pad_end = {2, 3}, .groups = 1}},
        // Stride and dilation with and without a common divisor.
        {{1, 13, 11, 4},
         {3, 3},
         4,
         {.stride = {2, 4}, .dilation = {2, 2}, .pad = {1, 2}, .pad_end = {1, 2}, .groups = 1}},
        {{2, 14, 12, 2},
         {3, 3},
         5,
         {.stride = {2, 3}, .dilation = {3, 2}, .pad = {3, 1}, .pad_end = {2, 2}, .groups = 1}},
    };
    CHECK_ALL(state, sizes);
}

static void groups(void **state) {
    static const struct size sizes[] = {
        {{2, 5, 5, 4},
         {3, 3},
         8,
         {.stride = {1, 1}, .dilation = {1, 1}, .pad = {1, 1}, .pad_end = {1, 1}, .groups = 2}},
        {{1, 6, 6, 8}, {3, 3}, 8, {.stride = {2, 2}, .dilation = {1, 1}, .groups = 2}},
        {{2, 4, 5, 6}, {2, 2}, 9, {.stride = {1, 1}, .dilation = {1, 1}, .groups = 3}},
        {{1, 5, 5, 6}, {3, 3}, 6, {.stride = {1, 1}, .dilation = {1, 1}, .groups = 6}},
        {{1, 4, 4, 24}, {3, 3}, 80, {.stride = {1, 1}, .dilation = {1, 1}, .groups = 2}},
    };
    CHECK_ALL(state, sizes);
}

static void series(void **state) {
    static const gs__conv2d_attr attrs[] = {
        {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1},
        {.stride = {1, 2}, .dilation = {1, 3}, .pad = {0, 4}, .pad_end = {0, 1}, .groups = 2},
    };
    for (uint32_t i = 0; i < 2; i++)
        op_check(*state, &(op_case){.op = "conv2d",
                                    .attr = &attrs[i],
                                    .x = {{.shape = {3, {3, 11, 6}}},
                                          {.shape = {3, {3, 6 / attrs[i].groups, 8}}, .storage = GS__STORAGE_PARAMETER},
                                          {.shape = {1, {8}}, .storage = GS__STORAGE_PARAMETER}},
                                    .absolute = 2e-5});
}

// Sums over pixels in parts, and enough workgroups for larger tiles.
static void large(void **state) {
    static const struct size sizes[] = {
        {{6, 12, 12, 1}, {3, 3}, 32, PLAIN},
        {{2, 13, 13, 32}, {3, 3}, 64, PLAIN},
        {{4, 35, 30, 4}, {1, 1}, 130, PLAIN},
    };
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        op_case c = convolution(&sizes[i], true);
        c.no_numeric = true; // slow; the small sizes have it
        op_check(*state, &c);
    }
}

static void with_epilogues(void **state) {
    static const struct size sizes[] = {
        {{3, 7, 5, 4}, {3, 3}, 8, PLAIN},
        {{2, 6, 9, 5},
         {3, 2},
         7,
         {.stride = {2, 1}, .dilation = {1, 1}, .pad = {1, 0}, .pad_end = {0, 1}, .groups = 1}},
    };
    for (uint32_t i = 0; i < 2; i++) {
        op_case c = convolution(&sizes[i], true);
        c.set = (struct gs_settings){.seed_lo = 11, .seed_hi = 5};
        c.position = (struct gs_position){.step_lo = 1000};
        c.no_numeric = true; // of the convolution alone, done above
        c.epilogue = (gs__epilogue){.activation = GS_ACTIVATION_RELU, .rate = 0.2f, .key = 7};
        c.backward_epilogue = (gs__epilogue){.activation = GS_ACTIVATION_TANH, .rate = 0.5f, .key = 3};
        op_check(*state, &c);
        c.epilogue = (gs__epilogue){.activation = GS_ACTIVATION_LEAKY_RELU, .alpha = 0.3f};
        c.backward_epilogue = (gs__epilogue){.activation = GS_ACTIVATION_RELU};
        op_check(*state, &c);
    }
}

// Frozen parameters, and gradients that lie in different memory.
static void some_gradients(void **state) {
    static const struct size size = {{3, 7, 5, 4}, {3, 3}, 8, PLAIN};
    static const uint32_t constants[] = {1u << 1, 1u << 2, 1u << 0 | 1u << 1};
    for (uint32_t j = 0; j < 3; j++) {
        op_case c = convolution(&size, true);
        for (uint32_t i = 0; i < 3; i++) c.x[i].constant = constants[j] >> i & 1u;
        op_check(*state, &c);
    }
    op_case c = convolution(&size, true);
    c.x[1].storage = GS__STORAGE_ACTIVATION;
    op_check(*state, &c);
}

// Neither padding nor neighbours may turn an infinite or NaN value of one pixel into one of another.
static void not_finite(void **state) {
    static const struct size size = {
        {2, 4, 5, 3}, {2, 2}, 5, {.stride = {1, 1}, .dilation = {1, 1}, .pad = {1, 0}, .pad_end = {0, 1}, .groups = 1}};
    double x[2 * 4 * 5 * 3], kernel[2 * 2 * 3 * 5];
    for (uint32_t i = 0; i < 2 * 4 * 5 * 3; i++) x[i] = 0.5 * (i % 3);
    for (uint32_t i = 0; i < 2 * 2 * 3 * 5; i++) kernel[i] = 0.25 * (i % 5) - 0.6;
    x[0] = INFINITY;
    x[4 * 5 * 3 - 1] = NAN;
    x[2 * 4 * 5 * 3 - 1] = INFINITY;
    op_case c = convolution(&size, true);
    c.x[0].values = x;
    c.x[1].values = kernel;
    c.no_numeric = true; // NaN
    op_check(*state, &c);
}

static void expect_refused(const gs_shape *x, const gs_shape *kernel, const gs_shape *bias, const gs__conv2d_attr *attr,
                           const char *message) {
    gs__error error = {0};
    gs__graph graph;
    gs__value in[3] = {0}, y;
    gs__graph_init(&graph, &error, true, 1);
    op_expect_ok(&error, gs__graph_value(&graph, x, GS_F32, GS__STORAGE_ACTIVATION, NULL, &in[0]), "x");
    op_expect_ok(&error, gs__graph_value(&graph, kernel, GS_F32, GS__STORAGE_PARAMETER, NULL, &in[1]), "kernel");
    if (bias) op_expect_ok(&error, gs__graph_value(&graph, bias, GS_F32, GS__STORAGE_PARAMETER, NULL, &in[2]), "bias");
    assert_int_equal(gs__graph_apply(&graph, "conv2d", "conv", attr, in, bias ? 3 : 2, &y), GS_ERR_ARGUMENT);
    if (!strstr(error.message, message)) fail_msg("\"%s\" does not contain \"%s\"", error.message, message);
    assert_non_null(strstr(error.message, "conv"));
    gs__graph_deinit(&graph);
}

static void refusals(void **state) {
    (void)state;
    const gs__conv2d_attr plain = PLAIN, two = {.stride = {1, 1}, .dilation = {1, 1}, .groups = 2},
                          none = {.stride = {1, 0}, .dilation = {1, 1}, .groups = 1},
                          far = {.stride = {1, 1}, .dilation = {4, 1}, .groups = 1};
    const gs_shape x = {4, {1, 8, 8, 3}}, flat = {2, {1, 192}}, kernel = {4, {3, 3, 3, 6}}, other = {4, {3, 3, 2, 6}},
                   bias = {1, {7}};
    expect_refused(&flat, &kernel, NULL, &plain,
                   "input has shape (1, 192) but must be (batch, rows, columns, channels) or (batch, steps, channels)");
    expect_refused(&x, &flat, NULL, &plain, "kernel has shape (1, 192) but must be (rows, columns, channels, filters)");
    expect_refused(&x, &other, NULL, &plain, "input has 3 channels in each of 1 groups but the kernel expects 2");
    expect_refused(&x, &kernel, NULL, &two, "2 groups do not divide 3 channels and 6 filters");
    expect_refused(&x, &kernel, &bias, &plain, "bias has shape (7) but the kernel has 6 filters");
    expect_refused(&x, &kernel, NULL, &none, "strides, dilation and groups must be at least 1");
    expect_refused(&x, &kernel, NULL, &far,
                   "kernel (3, 3, 3, 6) with its dilation is larger than the input (1, 8, 8, 3)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_sizes),      cmocka_unit_test(padding),        cmocka_unit_test(strides),
        cmocka_unit_test(dilations),      cmocka_unit_test(groups),         cmocka_unit_test(large),
        cmocka_unit_test(with_epilogues), cmocka_unit_test(some_gradients), cmocka_unit_test(not_finite),
        cmocka_unit_test(refusals),       cmocka_unit_test(series),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
