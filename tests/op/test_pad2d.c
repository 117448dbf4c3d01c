#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static void zeros_and_cuts(void **state) {
    static const struct {
        gs_shape x;
        gs__pad2d_attr attr;
    } cases[] = {
        {{4, {1, 1, 1, 1}}, {{0, 0}, {0, 0}}},     {{4, {2, 3, 4, 5}}, {{1, 2}, {3, 0}}},
        {{4, {3, 5, 7, 8}}, {{-1, -2}, {-2, -1}}}, {{4, {2, 6, 5, 4}}, {{2, -1}, {-4, 3}}},
        {{3, {2, 9, 4}}, {{0, 2}, {0, 1}}},        {{3, {5, 9, 3}}, {{0, -2}, {0, -6}}},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        op_check(*state, &(op_case){.op = "pad2d", .attr = &cases[i].attr, .x = {{.shape = cases[i].x}}});
}

static void with_epilogues(void **state) {
    static const gs_shape shapes[] = {{4, {2, 3, 4, 8}}, {4, {1, 3, 2, 5}}};
    for (uint32_t i = 0; i < 2; i++)
        op_check(*state, &(op_case){.op = "pad2d",
                                    .attr = &(gs__pad2d_attr){{1, -1}, {0, 2}},
                                    .x = {{.shape = shapes[i]}},
                                    .set = {.seed_lo = 5, .seed_hi = 6},
                                    .position = {.step_lo = 9},
                                    .epilogue = {GS_ACTIVATION_RELU, 0, 0.3f, 3},
                                    .backward_epilogue = {GS_ACTIVATION_TANH, 0, 0.5f, 8}});
}

static void expect_refused(const gs_shape *x, const void *attr, size_t attr_bytes, const char *message) {
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("pad2d")};
    const gs__value_info info = {.shape = *x}, *inputs[GS__MAX_INPUTS] = {&info};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    memcpy(node.attr.bytes, attr, attr_bytes);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, message);
}

static void refusals(void **state) {
    (void)state;
    const gs__pad2d_attr cut = {{-1, -2}, {0, -3}};
    expect_refused(&(gs_shape){4, {1, 3, 5, 2}}, &cut, sizeof cut,
                   "nothing is left of the input (1, 3, 5, 2) with 2 and 3 cut off");
    expect_refused(&(gs_shape){2, {1, 3}}, &cut, sizeof cut,
                   "input has shape (1, 3) but must be (batch, rows, columns, channels) or (batch, steps, channels)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeros_and_cuts),
        cmocka_unit_test(with_epilogues),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
