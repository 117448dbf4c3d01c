#include "harness.h"

#include "plan/tile.h"

#include <math.h>
#include <string.h>

// m, i, o
static const int64_t sizes[][3] = {{1, 1, 1},   {1, 3, 5},      {2, 4, 1},     {3, 5, 2},    {7, 13, 17},
                                   {5, 8, 12},  {33, 65, 31},   {31, 12, 40},  {32, 64, 10}, {20, 36, 33},
                                   {17, 40, 3}, {8, 100, 64},   {32, 784, 64}, {65, 33, 31}, {100, 36, 20},
                                   {50, 10, 9}, {129, 130, 131}};
enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0] };

// Sums of k products of values in -1 .. 1, in float.
static op_case product(const int64_t size[3], bool bias) {
    op_case c = {.op = "matmul",
                 .x = {{.shape = {2, {size[0], size[1]}}},
                       {.shape = {2, {size[1], size[2]}}, .storage = GS__STORAGE_PARAMETER},
                       {.shape = {1, {size[2]}}, .storage = GS__STORAGE_PARAMETER}},
                 .absolute = 2e-6 * (double)(8 + size[0] / 8 + size[1] / 8 + size[2] / 8)};
    if (!bias) c.x[2] = (op_input){.absent = true};
    return c;
}

static void odd_sizes_with_bias(void **state) {
    for (uint32_t i = 0; i < SIZE_COUNT; i++) {
        op_case c = product(sizes[i], true);
        op_check(*state, &c);
    }
}

static void odd_sizes_without_bias(void **state) {
    for (uint32_t i = 0; i < 9; i++) {
        op_case c = product(sizes[i], false);
        op_check(*state, &c);
    }
}

static void more_dimensions(void **state) {
    op_case c = product((int64_t[]){4, 6, 9}, true);
    c.x[0].shape = (gs_shape){3, {4, 5, 6}};
    op_check(*state, &c);
    c.x[0].shape = (gs_shape){1, {6}};
    op_check(*state, &c);
    c.x[0].shape = (gs_shape){4, {2, 3, 5, 6}};
    op_check(*state, &c);
}

// Results large enough for the larger tiles of the GPU kernel, in each of the three products.
static void large(void **state) {
    static const int64_t large_sizes[][3] = {{770, 9, 897},  {770, 897, 9},  {9, 770, 897},
                                             {450, 17, 390}, {450, 390, 17}, {17, 450, 390}};
    for (uint32_t i = 0; i < sizeof large_sizes / sizeof large_sizes[0]; i++) {
        op_case c = product(large_sizes[i], true);
        c.no_numeric = true; // slow; the small sizes have it
        op_check(*state, &c);
    }
}

static void each_activation(void **state) {
    for (int activation = 0; activation <= GS_ACTIVATION_SOFTPLUS; activation++)
        for (uint32_t i = 5; i < 7; i++) {
            op_case c = product(sizes[i], true);
            c.epilogue = (gs__epilogue){.activation = (gs_activation)activation, .alpha = 0.3f};
            // Only those that backward can do from the stored result.
            if (!gs__activation_grad_needs_x((gs_activation)activation)) c.backward_epilogue = c.epilogue;
            c.no_numeric = true; // of the product alone, done above
            op_check(*state, &c);
        }
}

static void dropout(void **state) {
    for (uint32_t i = 4; i < 9; i++) {
        op_case c = product(sizes[i], true);
        c.epilogue = (gs__epilogue){.activation = GS_ACTIVATION_RELU, .rate = 0.2f, .key = 7};
        c.backward_epilogue = (gs__epilogue){.activation = GS_ACTIVATION_TANH, .rate = 0.5f, .key = 3};
        c.set = (struct gs_settings){.seed_lo = 11, .seed_hi = 5};
        c.position = (struct gs_position){.step_lo = 1000};
        c.no_numeric = true; // of the product alone, done above
        op_check(*state, &c);
        c.epilogue.activation = GS_ACTIVATION_LINEAR;
        op_check(*state, &c);
    }
}

// Frozen parameters, and gradients that lie in different memory.
static void some_gradients(void **state) {
    for (uint32_t constant = 1; constant < 7; constant++) {
        op_case c = product(sizes[4], true);
        for (uint32_t i = 0; i < 3; i++) c.x[i].constant = constant >> i & 1u;
        op_check(*state, &c);
    }
    op_case c = product(sizes[6], true);
    c.x[1].storage = GS__STORAGE_ACTIVATION;
    op_check(*state, &c);
}

// Sums of several parts on GPUs, in each of the three products; one part at the end is shorter.
static void in_parts(void **state) {
    static const int64_t long_sizes[][3] = {{5, 1100, 12}, {3, 1027, 7}, {1027, 3, 7},
                                            {7, 3, 1027},  {1, 2048, 1}, {9, 6, 1100}};
    for (uint32_t i = 0; i < sizeof long_sizes / sizeof long_sizes[0]; i++) {
        op_case c = product(long_sizes[i], i != 4);
        c.no_numeric = true; // slow; the small sizes have it
        if (i % 2) {
            c.epilogue = (gs__epilogue){.activation = GS_ACTIVATION_RELU, .rate = 0.2f, .key = 7};
            c.backward_epilogue = (gs__epilogue){.activation = GS_ACTIVATION_TANH, .rate = 0.5f, .key = 3};
        }
        op_check(*state, &c);
    }
}

// The parts are a function of sizes and of the kind of device.
static void part_count(void **state) {
    (void)state;
    static const struct {
        gs__kernel_class class;
        gs__gpu_kind kind;
        uint32_t m, n, k, parts, steps;
    } cases[] = {
        {GS__KERNELS_GPU, GS__GPU_DISCRETE, 32, 64, 784, 1, 784},      // W1's forward pass
        {GS__KERNELS_GPU, GS__GPU_DISCRETE, 784, 64, 32, 1, 32},       // its dW
        {GS__KERNELS_GPU, GS__GPU_DISCRETE, 784, 64, 1024, 4, 256},    // with batch size 1024
        {GS__KERNELS_GPU, GS__GPU_INTEGRATED, 784, 64, 1024, 1, 1024}, // fewer units
        {GS__KERNELS_GPU, GS__GPU_DISCRETE, 64, 10, 1024, 4, 256},
        {GS__KERNELS_GPU, GS__GPU_DISCRETE, 64, 10, 65536, 16, 4096},
        {GS__KERNELS_GPU, GS__GPU_INTEGRATED, 64, 10, 65536, 12, 5472},
        {GS__KERNELS_GPU, GS__GPU_DISCRETE, 1, 1, 1023, 1, 1023},
        {GS__KERNELS_GPU, GS__GPU_DISCRETE, 4096, 4096, 4096, 1, 4096},
        {GS__KERNELS_CPU, GS__GPU_DISCRETE, 64, 10, 65536, 1, 65536},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const gs__gpu_caps caps = {.kernel_class = cases[i].class, .kind = cases[i].kind};
        const gs__split split = gs__split_of(&caps, &cases[i].m, &cases[i].n, 1, cases[i].k);
        if (split.parts != cases[i].parts || split.steps != cases[i].steps)
            fail_msg("case %u: %u parts of %u steps", i, split.parts, split.steps);
        assert_true((uint64_t)split.parts * split.steps >= cases[i].k);
        assert_true((uint64_t)(split.parts - 1) * split.steps < cases[i].k);
    }
}

// As the plans of models have it: the gradients of a layer's parameters lie side by side.
static void count_dispatches(op_fixture *f, int64_t batch, uint32_t gpu_count, uint32_t cpu_count) {
    gs__graph graph;
    gs__value x[3], y, dy[GS__MAX_OUTPUTS] = {0};
    const gs_shape shapes[3] = {{2, {batch, 784}}, {2, {784, 64}}, {1, {64}}}, out = {2, {batch, 64}};
    gs__graph_init(&graph, &f->error, true, (uint32_t)batch);
    for (uint32_t i = 0; i < 3; i++) {
        const gs__storage storage = i ? GS__STORAGE_PARAMETER : GS__STORAGE_ACTIVATION;
        op_expect_ok(&f->error, gs__graph_value(&graph, &shapes[i], GS_F32, storage, NULL, &x[i]), "x");
        graph.values[x[i]].wants_grad = true;
    }
    op_expect_ok(&f->error, gs__graph_apply(&graph, "matmul", "fc1", NULL, x, 3, &y), "matmul");
    op_expect_ok(&f->error, gs__graph_value(&graph, &out, GS_F32, GS__STORAGE_ACTIVATION, NULL, &dy[0]), "dy");
    gs__node *node;
    op_expect_ok(&f->error, gs__graph_backward_node(&graph, 0, dy, &node), "backward");
    graph.storage_bytes[GS__STORAGE_GRADIENT] = graph.storage_bytes[GS__STORAGE_PARAMETER];
    for (uint32_t i = 1; i < 3; i++) {
        gs__value_info *gradient = &graph.values[node->dx[i]];
        gradient->storage = GS__STORAGE_GRADIENT;
        gradient->offset = graph.values[x[i]].offset;
    }
    for (int i = 0; i < 2; i++) {
        gs__plan *plan;
        const gs__plan_params params = {.gpu = f->gpu[i], .graph = &graph};
        op_expect_ok(&f->error, gs__plan_create(&f->error, &params, &plan), "plan");
        assert_int_equal(gs__plan_dispatch_count(plan), i ? cpu_count : gpu_count);
        gs__plan_destroy(plan);
    }
    gs__graph_deinit(&graph);
}

static void few_dispatches(void **state) {
    count_dispatches(*state, 32, 3, 3);
    count_dispatches(*state, 1024, 4, 3); // dW in parts
}

static void not_finite(void **state) {
    // Neither padding nor neighbours may turn an infinite or NaN value of one row into one of another.
    double x[5 * 7] = {0}, kernel[7 * 9];
    for (uint32_t i = 0; i < 7 * 9; i++) kernel[i] = 0.25 * (i % 5) - 0.5;
    for (uint32_t i = 0; i < 5 * 7; i++) x[i] = 0.5 * (i % 3);
    x[1 * 7 + 6] = INFINITY;
    x[3 * 7 + 0] = NAN;
    op_case c = product((int64_t[]){5, 7, 9}, true);
    c.x[0].values = x;
    c.x[1].values = kernel;
    c.no_numeric = true; // NaN
    op_check(*state, &c);
}

static void expect_refused(const gs_shape *x, gs_dtype dtype, const gs_shape *kernel, const gs_shape *bias,
                           const char *message) {
    gs__error error = {0};
    gs__graph graph;
    gs__value in[3] = {0}, y;
    gs__graph_init(&graph, &error, true, 1);
    op_expect_ok(&error, gs__graph_value(&graph, x, dtype, GS__STORAGE_ACTIVATION, NULL, &in[0]), "x");
    op_expect_ok(&error, gs__graph_value(&graph, kernel, GS_F32, GS__STORAGE_PARAMETER, NULL, &in[1]), "kernel");
    if (bias) op_expect_ok(&error, gs__graph_value(&graph, bias, GS_F32, GS__STORAGE_PARAMETER, NULL, &in[2]), "bias");
    assert_int_equal(gs__graph_apply(&graph, "matmul", "fc1", NULL, in, bias ? 3 : 2, &y), GS_ERR_ARGUMENT);
    if (!strstr(error.message, message)) fail_msg("\"%s\" does not contain \"%s\"", error.message, message);
    assert_non_null(strstr(error.message, "fc1"));
    gs__graph_deinit(&graph);
}

static void refusals(void **state) {
    (void)state;
    const gs_shape x = {2, {4, 784}}, kernel = {2, {512, 10}}, good = {2, {784, 10}}, flat = {1, {784}},
                   none = {0, {0}};
    const gs_shape bias = {1, {11}};
    expect_refused(&x, GS_F32, &kernel, NULL, "input has 784 features but the kernel expects 512");
    expect_refused(&x, GS_F32, &flat, NULL, "kernel has shape (784) but must be (input features, output features)");
    expect_refused(&x, GS_F32, &good, &bias, "bias has shape (11) but the kernel makes 10 features");
    expect_refused(&x, GS_U8, &good, NULL, "input is uint8 but must be float32");
    expect_refused(&none, GS_F32, &good, NULL, "input is a scalar");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_sizes_with_bias),
        cmocka_unit_test(odd_sizes_without_bias),
        cmocka_unit_test(more_dimensions),
        cmocka_unit_test(large),
        cmocka_unit_test(each_activation),
        cmocka_unit_test(dropout),
        cmocka_unit_test(some_gradients),
        cmocka_unit_test(few_dispatches),
        cmocka_unit_test(not_finite),
        cmocka_unit_test(refusals),
        cmocka_unit_test(in_parts),
        cmocka_unit_test(part_count),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
