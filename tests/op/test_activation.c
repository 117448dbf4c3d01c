#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static const gs__activation_attr kinds[] = {
    {GS_ACTIVATION_LINEAR, 0},     {GS_ACTIVATION_RELU, 0},     {GS_ACTIVATION_LEAKY_RELU, 0.2f},
    {GS_ACTIVATION_LEAKY_RELU, 0}, {GS_ACTIVATION_ELU, 1},      {GS_ACTIVATION_ELU, 0.5f},
    {GS_ACTIVATION_GELU, 0},       {GS_ACTIVATION_SILU, 0},     {GS_ACTIVATION_SIGMOID, 0},
    {GS_ACTIVATION_TANH, 0},       {GS_ACTIVATION_SOFTPLUS, 0},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

// The numeric gradient steps 2e-3 to either side: values keep away from the kink at 0.
static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}}, {1, {3}}, {2, {7, 13}}, {2, {33, 127}}, {3, {5, 2, 3}}};
    static double values[33 * 127];
    uint64_t seed = 7;
    for (uint32_t i = 0; i < 33 * 127; i++) {
        const double v = op_random(&seed, -5, 5);
        values[i] = fabs(v) < 0.01 ? 0.01 : v;
    }
    for (uint32_t i = 0; i < KINDS; i++)
        for (uint32_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++)
            op_check(*state,
                     &(op_case){.op = "activation", .attr = &kinds[i], .x = {{.shape = shapes[j], .values = values}}});
}

// Where softplus, tanh, elu and others would cancel without care: nearly full relative accuracy.
static void near_zero(void **state) {
    static double values[301];
    for (int i = 0; i < 301; i++) values[i] = 0.5 * pow((i - 150) / 150.0, 3);
    for (uint32_t i = 0; i < KINDS; i++)
        op_check(*state, &(op_case){.op = "activation",
                                    .attr = &kinds[i],
                                    .x = {{.shape = {1, {301}}, .values = values}},
                                    .relative = 2e-6,
                                    .absolute = 1e-12,
                                    .no_numeric = true}); // at the kink
}

static void extreme_values(void **state) {
    static const double values[] = {0,  9.2, -9.2, 30, -30, 88, -88,  100,   -100, 1e4, -1e4, 3,
                                    -3, 16,  -16,  5,  -5,  2,  1e20, -1e20, 0.5,  1,   -1,   NAN};
    const gs_shape shape = {1, {sizeof values / sizeof values[0]}};
    for (uint32_t i = 0; i < KINDS; i++)
        op_check(*state, &(op_case){.op = "activation",
                                    .attr = &kinds[i],
                                    .x = {{.shape = shape, .values = values}},
                                    .no_numeric = true}); // at the kink, and NaN
}

// A dropout behind a GELU folds into it.
static void with_epilogues(void **state) {
    const gs__activation_attr gelu = {GS_ACTIVATION_GELU, 0};
    for (uint32_t i = 0; i < 3; i++) {
        const gs__epilogue before[] = {
            {GS_ACTIVATION_RELU, 0, 0, 0}, {GS_ACTIVATION_TANH, 0, 0.5f, 8}, {GS_ACTIVATION_LINEAR, 0, 0.1f, 8}};
        op_check(*state, &(op_case){.op = "activation",
                                    .attr = &gelu,
                                    .x = {{.shape = {2, {13, 7}}}},
                                    .set = {.seed_lo = 5, .seed_hi = 6},
                                    .position = {.step_lo = 9},
                                    .epilogue = {GS_ACTIVATION_LINEAR, 0, 0.3f, 3},
                                    .backward_epilogue = before[i]});
    }
}

static void folds_where_the_result_is_enough(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("activation");
    for (uint32_t i = 0; i < KINDS; i++) {
        gs__node node = {.op = op};
        memcpy(node.attr.bytes, &kinds[i], sizeof kinds[i]);
        const bool needs_x = kinds[i].kind == GS_ACTIVATION_GELU || kinds[i].kind == GS_ACTIVATION_SILU;
        gs__epilogue e = {0};
        assert_int_equal(op->fold(&node, true, &e), !needs_x);
        e = (gs__epilogue){0};
        assert_true(op->fold(&node, false, &e));
        assert_int_equal(e.activation, kinds[i].kind);
        e = (gs__epilogue){.activation = GS_ACTIVATION_RELU};
        assert_false(op->fold(&node, false, &e));
        e = (gs__epilogue){.rate = 0.5f};
        assert_false(op->fold(&node, false, &e));
    }
}

static void refuses_bad_attributes(void **state) {
    (void)state;
    const gs__activation_attr bad[] = {{GS_ACTIVATION_SOFTMAX, 0},
                                       {(gs_activation)77, 0},
                                       {GS_ACTIVATION_LEAKY_RELU, -0.1f},
                                       {GS_ACTIVATION_ELU, (float)NAN}};
    const gs_op *op = gs__op_find("activation");
    const gs__value_info x = {.shape = {1, {3}}}, *inputs[GS__MAX_INPUTS] = {&x};
    for (uint32_t i = 0; i < 4; i++) {
        gs__error error = {0};
        gs__node node = {.op = op};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        memcpy(node.attr.bytes, &bad[i], sizeof bad[i]);
        assert_int_equal(op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, "activation: "));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(near_zero),
        cmocka_unit_test(extreme_values),
        cmocka_unit_test(with_epilogues),
        cmocka_unit_test(folds_where_the_result_is_enough),
        cmocka_unit_test(refuses_bad_attributes),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
