// The products in mixed precision, against references that round alike; rounding itself at all its edges; the loss scale.
#include "harness.h"

#include "op/attr.h"
#include "plan/tick.h"
#include "plan/tune.h"
#include "shaders.h"

#include <math.h>
#include <string.h>

static const gs_precision mixed[] = {GS_PRECISION_MIXED_FLOAT16, GS_PRECISION_MIXED_BFLOAT16};
static const int32_t scales[] = {0, 15, -3};

// m, i, o
static const int64_t sizes[][3] = {{1, 1, 1},    {3, 5, 2},   {7, 13, 17},  {5, 8, 12},     {33, 65, 31},
                                   {32, 64, 10}, {17, 40, 3}, {65, 33, 31}, {129, 130, 131}};

static op_case product(const int64_t size[3], gs_precision precision, int32_t scale) {
    return (op_case){.op = "matmul",
                     .x = {{.shape = {2, {size[0], size[1]}}},
                           {.shape = {2, {size[1], size[2]}}, .storage = GS__STORAGE_PARAMETER},
                           {.shape = {1, {size[2]}}, .storage = GS__STORAGE_PARAMETER}},
                     .precision = precision,
                     .position = {.loss_scale_log2 = scale},
                     .no_numeric = true, // rounding has no useful derivative
                     .absolute = 2e-6 * (double)(8 + size[0] / 8 + size[1] / 8 + size[2] / 8)};
}

static void products(void **state) {
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t p = 0; p < 2; p++) {
            op_case c = product(sizes[i], mixed[p], scales[i % 3]);
            op_check(*state, &c);
            if (i % 3) continue;
            c.epilogue = (gs__epilogue){.activation = GS_ACTIVATION_RELU, .rate = 0.2f, .key = 7};
            c.backward_epilogue = (gs__epilogue){.activation = GS_ACTIVATION_TANH, .rate = 0.5f, .key = 3};
            op_check(*state, &c);
        }
}

// A result large enough for a larger tile of the GPU kernel.
static void large_product(void **state) {
    for (uint32_t p = 0; p < 2; p++) {
        op_case c = product((int64_t[]){450, 17, 390}, mixed[p], 15);
        c.no_backward = true;
        op_check(*state, &c);
    }
}

static void gradients(void **state) {
    static const int64_t rows[] = {1, 7, 32, 130};
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (uint32_t p = 0; p < 2; p++) {
            const gs__matmul_gradients_attr attr = {.count = 2, .no_bias = i & 1};
            op_check(*state, &(op_case){.op = "matmul_gradients",
                                        .attr = &attr,
                                        .x = {{.shape = {2, {rows[i], 13}}},
                                              {.shape = {2, {rows[i], 36}}, .low = -1e-6, .high = 1e-6},
                                              {.shape = {2, {rows[i], 64}}},
                                              {.shape = {2, {rows[i], 12}}, .low = -1e-6, .high = 1e-6}},
                                        .precision = mixed[p],
                                        .position = {.loss_scale_log2 = scales[1]},
                                        .no_backward = true,
                                        .no_numeric = true,
                                        .absolute = 1e-11 * (double)(8 + rows[i])});
        }
}

static void classifier(void **state) {
    static const int64_t heads[][3] = {{1, 3, 2}, {7, 13, 7}, {32, 64, 10}, {33, 31, 31}};
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t p = 0; p < 2; p++) {
            const gs__dense_crossentropy_attr attr = {.accuracy = 1, .gradient = 1};
            // A gradient of the logits that lies just beside the middle of two halves may be rounded to either.
            op_check(
                *state,
                &(op_case){.op = "dense_crossentropy",
                           .attr = &attr,
                           .x = {{.shape = {2, {heads[i][0], heads[i][1]}}},
                                 {.shape = {2, {heads[i][1], heads[i][2]}}, .storage = GS__STORAGE_PARAMETER},
                                 {.shape = {1, {heads[i][2]}}, .storage = GS__STORAGE_PARAMETER},
                                 {.shape = {1, {heads[i][0]}}, .dtype = GS_I32, .low = 0, .high = (double)heads[i][2]}},
                           .precision = mixed[p],
                           .position = {.loss_scale_log2 = scales[p]},
                           .no_numeric = true,
                           .relative = 1e-4,
                           .absolute = p ? 1e-4 : 2e-5});
        }
}

// Products on matrix units, where the device has some: odd sizes, all tiles, bias, epilogues, gradients, sums.
static void matrix_units(void **state) {
    op_fixture *f = *state;
    const gs__gpu_caps *caps = gs__gpu_get_caps(f->gpu[0]);
    if (!caps->matrix_half.m) {
        print_message("  skipped: %s has no VK_KHR_cooperative_matrix with float16 factors and float sums\n",
                      caps->info.name);
        return;
    }
    static const int64_t edges[][3] = {{16, 16, 16},  {17, 33, 31},   {64, 64, 64},
                                       {65, 130, 67}, {129, 36, 131}, {40, 200, 20}};
    gs__tuner *tuner = gs__tuner_get(f->gpu[0]);
    for (uint32_t i = 0; i < sizeof edges / sizeof *edges; i++)
        for (tuner->forced = 2; tuner->forced >= 0; tuner->forced--) {
            op_case c = product(edges[i], GS_PRECISION_MIXED_FLOAT16, 15);
            op_check(*state, &c);
            c.epilogue = (gs__epilogue){.activation = GS_ACTIVATION_RELU, .rate = 0.2f, .key = 7};
            c.backward_epilogue = (gs__epilogue){.activation = GS_ACTIVATION_TANH, .rate = 0.5f, .key = 3};
            op_check(*state, &c);
        }
    tuner->forced = -1;
    assert_true(gs__tuner_trusts(tuner, &gs__shader_matmul_coop_half));
    assert_int_equal(tuner->dropped, 0);
    print_message("  matrix units: %u x %u x %u\n", caps->matrix_half.m, caps->matrix_half.n, caps->matrix_half.k);
}

// Each value times 1: what rounding makes of it, exactly.
static void every_edge(void **state) {
    op_fixture *f = *state;
    static const double values[] = {
        0,        -0.0,      1,         65504,        65519.99,   65520,     -65520,    1e30,        -3e38,
        0x1p-14,  0x1.8p-25, 0x1p-25,   0x1.0001p-25, -0x1.8p-24, 0x1.4p-23, 0x1.cp-23, 0x1.ffcp-15, 0x1.fffp-15,
        1.000488, 1.0004883, 0x1.002p0, 0x1.006p0,    0x1.01p0,   0x1.03p0,  -0x1.03p0, 0x1.ffp127,  0x1.fefffep127,
        NAN,      INFINITY,  -INFINITY, 3.14159265,   2049,       2051,      1e-40,     -1e-9,       0x1.ffe001p3};
    enum { COUNT = sizeof values / sizeof *values };
    const double one = 1;
    for (uint32_t v = 0; v < COUNT; v++)
        for (uint32_t p = 0; p < 2; p++) {
            op_case c = {.op = "matmul",
                         .x = {{.shape = {2, {1, 1}}, .values = &values[v]},
                               {.shape = {2, {1, 1}}, .storage = GS__STORAGE_PARAMETER, .values = &one},
                               {.absent = true}},
                         .precision = mixed[p],
                         .no_backward = true,
                         .no_numeric = true,
                         .relative = 1e-9,
                         .absolute = 1e-37}; // devices may take the smallest floats for 0
            op_check(f, &c);
        }
}

// --- the loss scale ---------------------------------------------------------------------------------------------------
enum { STEPS = 12, PARAMETERS = 70 };

// gather, check_finite, sgd: a step of training whose gradients are given.
static void loss_scale_moves(void **state) {
    op_fixture *f = *state;
    for (int kernels = 0; kernels < 2; kernels++) {
        gs__error error = {0};
        gs__graph graph;
        gs__plan *plan;
        gs__value samples, rows[2], w;
        const gs__gather_attr gather = {.batch = 2};
        const gs__adam_attr adam = {.tick = {.row_stride = 2}};
        gs__graph_init(&graph, &error, true, 2);
#define OK(call) op_expect_ok(&error, call, #call)
        OK(gs__graph_value(&graph, &(gs_shape){2, {5, 2}}, GS_F32, GS__STORAGE_SAMPLES, NULL, &samples));
        OK(gs__graph_apply(&graph, "gather", NULL, &gather, &samples, 1, rows));
        OK(gs__graph_value(&graph, &(gs_shape){1, {PARAMETERS}}, GS_F32, GS__STORAGE_PARAMETER, "w", &w));
        OK(gs__graph_check_finite(&graph));
        OK(gs__graph_update(&graph, "adam", &adam, 2));
        const gs__node update = graph.nodes[graph.node_count - 1];
        OK(gs__plan_create(&error, &(gs__plan_params){.gpu = f->gpu[kernels], .graph = &graph}, &plan));
        struct gs_state s = {.set = {.data_count = 5,
                                     .batch = 2,
                                     .learning_rate = 0.5f,
                                     .beta1_rest = 0.1f,
                                     .beta2_rest = 0.001f,
                                     .epsilon = 1e-7f,
                                     .loss_scale_log2 = 15,
                                     .loss_scale_growth = 3}},
                        found;
        gs__state_start(&s);
        OK(gs__plan_set_state(plan, &s));
        // The bad values stand at the ends, inside, and in the padding's neighbour.
        static const struct {
            double value;
            int at, scale, good;
        } steps[STEPS] = {{0, 0, 15, 1},        {0, 0, 15, 2},          {0, 0, 16, 0},
                          {INFINITY, 0, 15, 0}, {NAN, 69, 14, 0},       {0, 0, 14, 1},
                          {3e38, 3, 14, 2},     {-INFINITY, 33, 13, 0}, {-3.4028234e38, 5, 13, 1},
                          {1e-40, 0, 13, 2},    {0, 0, 14, 0},          {NAN, 68, 13, 0}};
        double gradients[128], before[3 * 128], after[3 * 128];
        uint32_t good = 0;
        for (int i = 0; i < STEPS; i++) {
            for (int j = 0; j < 128; j++) gradients[j] = j < PARAMETERS ? 0.25 : 0;
            gradients[steps[i].at] = steps[i].value;
            op_write(plan, &error, update.x[1], gradients);
            const uint64_t count = (uint64_t)graph.values[update.x[0]].shape.dim[0];
            assert_true(count <= 128);
            op_read(plan, &error, update.x[0], before);
            op_read(plan, &error, update.x[2], before + count);
            gs__run run = {.steps = 1};
            while (run.finished < 1) OK(gs__plan_advance(plan, &run));
            op_read(plan, &error, update.x[0], after);
            op_read(plan, &error, update.x[2], after + count);
            OK(gs__plan_get_state(plan, &found));
            assert_int_equal(found.next.loss_scale_log2, steps[i].scale);
            assert_int_equal(found.next.good_steps, steps[i].good);
            assert_int_equal(found.next.skip, 0);
            const bool bad = !isfinite(steps[i].value);
            assert_int_equal(found.cur.skip, bad);
            good += !bad;
            if (bad) assert_memory_equal(before, after, 3 * count * sizeof *before);
            else assert_memory_not_equal(before, after, 3 * count * sizeof *before);
            // Adam's bias correction counts the updates, not the steps.
            const double gap = 1 - pow(0.9, good + 1);
            assert_true(fabs((double)found.next.beta1_gap - gap) < 1e-6);
            // The host's twin, told what the device found out.
            s.next.skip = bad;
            gs__tick_next(&s);
            s.cur.skip = bad;
            assert_memory_equal(&s.next, &found.next, sizeof s.next);
        }
        gs__plan_destroy(plan);
        gs__graph_deinit(&graph);
#undef OK
    }
}

// Gradients in several windows, one bad value in each in turn.
static void large_models(void **state) {
    op_fixture *f = *state;
    enum { COUNT = 100000 };
    static double gradients[COUNT];
    for (int kernels = 0; kernels < 2; kernels++) {
        gs__gpu_caps *caps = (gs__gpu_caps *)(uintptr_t)gs__gpu_get_caps(f->gpu[kernels]), saved = *caps;
        gs__error error = {0};
        gs__graph graph;
        gs__plan *plan;
        gs__value x;
        caps->max_storage_range = 160 * 1024; // the State buffer has 131 328
        gs__graph_init(&graph, &error, true, 1);
        op_expect_ok(&error, gs__graph_value(&graph, &(gs_shape){1, {COUNT}}, GS_F32, GS__STORAGE_GRADIENT, "g", &x),
                     "x");
        graph.storage_bytes[GS__STORAGE_GRADIENT] = COUNT * sizeof(float);
        op_expect_ok(&error, gs__graph_apply(&graph, "check_finite", NULL, NULL, &x, 1, NULL), "check_finite");
        op_expect_ok(&error,
                     gs__plan_create(&error, &(gs__plan_params){.gpu = f->gpu[kernels], .graph = &graph}, &plan),
                     "plan");
        assert_true(gs__plan_dispatch_count(plan) >= 3);
        for (int at = -1; at < COUNT; at += 9999) {
            struct gs_state s = {.set = {.batch = 1, .data_count = 1}};
            if (at >= 0) gradients[at] = INFINITY;
            op_write(plan, &error, x, gradients);
            op_expect_ok(&error, gs__plan_set_state(plan, &s), "state");
            op_expect_ok(&error, op_run_step(plan), "step");
            op_expect_ok(&error, gs__plan_get_state(plan, &s), "state");
            assert_int_equal(s.cur.skip, at >= 0);
            if (at >= 0) gradients[at] = 0;
        }
        gs__plan_destroy(plan);
        gs__graph_deinit(&graph);
        *caps = saved;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),         cmocka_unit_test(large_product), cmocka_unit_test(matrix_units),
        cmocka_unit_test(gradients),        cmocka_unit_test(classifier),    cmocka_unit_test(every_edge),
        cmocka_unit_test(loss_scale_moves), cmocka_unit_test(large_models),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
