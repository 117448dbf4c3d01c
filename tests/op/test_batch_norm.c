#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static const gs__batch_norm_attr usual = {.momentum = 0.9f, .epsilon = 1e-3f};
static const gs__batch_norm_attr fixed = {.momentum = 0.9f, .epsilon = 1e-3f, .fixed = 1};

static op_case case_of(const gs_shape *x, const gs__batch_norm_attr *attr, bool affine) {
    const gs_shape channels = {1, {x->dim[x->rank - 1]}};
    op_case c = {.op = "batch_norm",
                 .attr = attr,
                 .x = {{.shape = *x, .low = -1, .high = 3},
                       {.shape = channels, .low = 0.5, .high = 2},
                       {.shape = channels},
                       {.shape = channels, .constant = true},
                       {.shape = channels, .low = 0.1, .high = 2, .constant = true}},
                 .own = 1u << 1,
                 // A batch of two or three leaves little: differences of near numbers.
                 .relative = 2e-5,
                 .absolute = 1e-5,
                 .gradient_tolerance = 1e-4};
    if (!affine)
        for (int i = 1; i <= 2; i++) c.x[i] = (op_input){.absent = true};
    return c;
}

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{2, {2, 1}},   {2, {3, 3}},       {2, {16, 4}},   {2, {7, 13}},
                                      {2, {129, 5}}, {2, {65, 33}},     {3, {3, 5, 8}}, {4, {2, 5, 7, 3}},
                                      {2, {9, 131}}, {4, {2, 3, 3, 32}}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int kind = 0; kind < 4; kind++) {
            const op_case c = case_of(&shapes[i], kind & 1 ? &fixed : &usual, kind < 2);
            op_check(*state, &c);
        }
}

// Several chunks of rows, for wide and narrow tensors.
static void large(void **state) {
    static const gs_shape shapes[] = {{4, {4, 29, 31, 17}}, {2, {20001, 1}}, {4, {3, 16, 16, 64}}, {2, {67, 1030}}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        op_case c = case_of(&shapes[i], &usual, true);
        c.no_numeric = true; // slow; the small shapes have it
        c.absolute = 2e-4;   // sums over thousands of rows
        op_check(*state, &c);
    }
}

// The rows that the step does not have count for nothing, and have no gradient.
static void partial_batches(void **state) {
    static const gs_shape shapes[] = {{2, {7, 5}}, {4, {6, 3, 5, 4}}, {3, {40, 300, 3}}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (uint32_t rows = 2; rows < 6; rows += 3) {
            op_case c = case_of(&shapes[i], &usual, true);
            c.rows = rows;
            c.no_numeric = i == 2; // slow
            c.absolute = i == 2 ? 1e-4 : 1e-5;
            op_check(*state, &c);
        }
}

// A mean far from 0 takes no digits from the variance.
static void large_mean(void **state) {
    op_case c = case_of(&(gs_shape){2, {4000, 6}}, &usual, true);
    c.x[0].low = 1000;
    c.x[0].high = 1001;
    c.no_numeric = true;
    c.relative = 1e-3; // the numbers themselves have 1e-4 of their spread
    c.absolute = 1e-3;
    op_check(*state, &c);
}

static void with_epilogues(void **state) {
    for (int channels = 8; channels <= 13; channels += 5) {
        op_case c = case_of(&(gs_shape){2, {19, channels}}, &usual, true);
        c.set.seed_lo = 5;
        c.position.step_lo = 9;
        c.epilogue = (gs__epilogue){GS_ACTIVATION_RELU, 0, 0.3f, 3};
        c.backward_epilogue = (gs__epilogue){GS_ACTIVATION_TANH, 0, 0.5f, 8};
        op_check(*state, &c);
    }
}

static void scales(void **state) {
    static const gs__batch_norm_attr attrs[] = {{.epsilon = 1e-7f, .fixed = 1, .max_scale = 1},
                                                {.epsilon = 1e-7f, .fixed = 1, .max_scale = 1, .invert = 1},
                                                {.epsilon = 0.5f, .fixed = 1, .max_scale = 1}};
    for (int i = 0; i < 3; i++) {
        op_case c = case_of(&(gs_shape){2, {5, 6}}, &attrs[i], false);
        c.x[4].low = 0;
        op_check(*state, &c);
    }
}

static void refuses(void **state) {
    (void)state;
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("batch_norm")};
    const gs__value_info x = {.shape = {2, {3, 4}}}, gamma = {.shape = {1, {5}}}, moving = {.shape = {1, {4}}};
    const gs__value_info *inputs[GS__MAX_INPUTS] = {&x, &gamma, NULL, &moving, &moving};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    memcpy(node.attr.bytes, &usual, sizeof usual);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message,
                        "batch_norm: input 1 has shape (5) but must have one float32 for each of 4 channels");
    inputs[1] = &moving;
    memcpy(node.attr.bytes, &(gs__batch_norm_attr){.momentum = 2, .epsilon = 1}, sizeof usual);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "batch_norm: epsilon is 1 and momentum 2 but must be >= 0, and from 0 to 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes), cmocka_unit_test(large),  cmocka_unit_test(partial_batches),
        cmocka_unit_test(large_mean), cmocka_unit_test(scales), cmocka_unit_test(with_epilogues),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
