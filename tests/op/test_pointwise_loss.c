#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static const gs__pointwise_loss_attr attrs[] = {
    {.kind = GS_LOSS_MSE},
    {.kind = GS_LOSS_MAE},
    {.kind = GS_LOSS_HUBER, .delta = 1},
    {.kind = GS_LOSS_HUBER, .delta = 0.25f},
    {.kind = GS_LOSS_LOG_COSH},
};
enum { ATTRS = sizeof attrs / sizeof attrs[0] };

// Outputs and targets keep 0.01 apart, and away from delta: the numeric gradient steps over no kink.
static void fill(double *x, double *t, uint32_t count, double delta) {
    uint64_t seed = 5;
    for (uint32_t i = 0; i < count; i++) {
        t[i] = floor(op_random(&seed, -4, 5)); // representable as int32 too
        double e = op_random(&seed, -2, 2);
        if (fabs(e) < 0.01) e = 0.01;
        if (fabs(fabs(e) - delta) < 0.01) e *= 1.1;
        x[i] = t[i] + e;
    }
}

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}},       {2, {1, 3}},    {2, {7, 13}},       {2, {33, 1}},
                                      {2, {33, 127}}, {2, {3, 1025}}, {4, {2, 3, 5, 37}}, {2, {300, 2}}};
    static double x[33 * 127], t[33 * 127];
    for (uint32_t i = 0; i < ATTRS; i++) {
        fill(x, t, 33 * 127, (double)attrs[i].delta);
        for (uint32_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++)
            op_check(*state, &(op_case){.op = "pointwise_loss",
                                        .attr = &attrs[i],
                                        .x = {{.shape = shapes[j], .values = x},
                                              {.shape = shapes[j], .dtype = j % 2 ? GS_I32 : GS_F32, .values = t}}});
    }
}

static void fewer_rows(void **state) {
    static double x[20 * 9], t[20 * 9];
    for (uint32_t i = 0; i < ATTRS; i++) {
        fill(x, t, 20 * 9, (double)attrs[i].delta);
        for (uint32_t rows = 1; rows <= 20; rows += 9)
            op_check(*state,
                     &(op_case){.op = "pointwise_loss",
                                .attr = &attrs[i],
                                .rows = rows,
                                .x = {{.shape = {2, {20, 9}}, .values = x}, {.shape = {2, {20, 9}}, .values = t}}});
    }
}

// Losses with ranges of their own. Hinge: outputs from -0.9 to 0.9, so that no margin is at its kink.
static void other_kinds(void **state) {
    static const struct {
        gs__pointwise_loss_attr attr;
        double low, high, target_low, target_high;
        bool whole; // targets 0 and 1
    } cases[] = {
        {{.kind = GS_LOSS_KL_DIVERGENCE}, 0.05, 0.95, 0.05, 0.95, false},
        {{.kind = GS_LOSS_POISSON}, 0.1, 4, 0, 5, false},
        {{.kind = GS_LOSS_HINGE}, -0.9, 0.9, 0, 2, true},
        {{.kind = GS_LOSS_SQUARED_HINGE}, -3, 3, 0, 2, true},
        {{.kind = GS_LOSS_BINARY_FOCAL, .gamma = 2}, -4, 4, 0, 2, true},
        {{.kind = GS_LOSS_BINARY_FOCAL, .gamma = 0.5f, .alpha = 0.25f, .balanced = 1, .smoothing = 0.1f},
         -4,
         4,
         0,
         2,
         true},
        {{.kind = GS_LOSS_BINARY_FOCAL, .gamma = 3, .alpha = 0.75f, .balanced = 1}, -4, 4, 0, 1, false},
        {{.kind = GS_LOSS_BINARY_FOCAL}, -4, 4, 0, 2, true},
        {{.kind = GS_LOSS_BINARY_FOCAL, .from_probabilities = 1, .gamma = 2}, 0.05, 0.95, 0, 2, true},
        {{.kind = GS_LOSS_BINARY_FOCAL, .from_probabilities = 1, .gamma = 1, .smoothing = 0.2f},
         0.05,
         0.95,
         0,
         2,
         true},
    };
    static const gs_shape shapes[] = {{2, {1, 1}}, {2, {7, 13}}, {2, {33, 1}}, {3, {5, 3, 129}}, {2, {300, 2}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
            uint64_t seed = 3, count = 1;
            static double t[5 * 3 * 129];
            for (uint32_t k = 0; k < shapes[j].rank; k++) count *= (uint64_t)shapes[j].dim[k];
            for (uint64_t k = 0; k < count; k++) {
                t[k] = op_random(&seed, cases[i].target_low, cases[i].target_high);
                t[k] = cases[i].whole ? floor(t[k]) : (double)(float)t[k];
            }
            op_check(*state, &(op_case){.op = "pointwise_loss",
                                        .attr = &cases[i].attr,
                                        .rows = j == 1 ? 5 : 0,
                                        .relative = 2e-5,
                                        .x = {{.shape = shapes[j], .low = cases[i].low, .high = cases[i].high},
                                              {.shape = shapes[j], .values = t}}});
        }
}

static void kinks_and_nan(void **state) {
    const double x[8] = {1, 2, 3, 0.25, -0.25, NAN, 1e4, -1e4}, t[8] = {1, 1, 4, 0, 0, 0, -1e4, 1e4};
    for (uint32_t i = 0; i < ATTRS; i++)
        op_check(*state, &(op_case){.op = "pointwise_loss",
                                    .attr = &attrs[i],
                                    .x = {{.shape = {1, {8}}, .values = x}, {.shape = {1, {8}}, .values = t}},
                                    .no_numeric = true}); // kinks and NaN
}

static void refuses_bad_attributes_and_shapes(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("pointwise_loss");
    const gs__value_info x = {.shape = {2, {8, 2}}}, same = x, other = {.shape = {1, {8}}};
    const gs__pointwise_loss_attr bad[] = {{.kind = GS_LOSS_HUBER},
                                           {.kind = GS_LOSS_HUBER, .delta = -1},
                                           {.kind = GS_LOSS_HUBER, .delta = (float)NAN},
                                           {.kind = GS_LOSS_MSE}};
    for (uint32_t i = 0; i < 4; i++) {
        gs__error error = {0};
        const gs__value_info *inputs[GS__MAX_INPUTS] = {&x, i < 3 ? &same : &other};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        gs__node node = {.op = op};
        memcpy(node.attr.bytes, &bad[i], sizeof bad[i]);
        assert_int_equal(op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, i < 3 ? "huber: delta is" : "as many elements"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(fewer_rows),
        cmocka_unit_test(other_kinds),
        cmocka_unit_test(kinks_and_nan),
        cmocka_unit_test(refuses_bad_attributes_and_shapes),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
