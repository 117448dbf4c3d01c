#include "harness.h"

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}}, {1, {3}}, {1, {4}}, {2, {7, 13}}, {2, {33, 127}}, {4, {2, 3, 5, 7}}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        op_check(*state,
                 &(op_case){.op = "add", .x = {{.shape = shapes[i]}, {.shape = shapes[i], .low = 1, .high = 9}}});
}

static void with_epilogues(void **state) {
    for (int columns = 7; columns <= 8; columns++)
        op_check(*state, &(op_case){.op = "add",
                                    .x = {{.shape = {2, {13, columns}}}, {.shape = {2, {13, columns}}}},
                                    .set = {.seed_lo = 5, .seed_hi = 6},
                                    .position = {.step_lo = 9},
                                    .epilogue = {GS_ACTIVATION_RELU, 0, 0.3f, 3},
                                    .backward_epilogue = {GS_ACTIVATION_TANH, 0, 0.5f, 8}});
}

static void refuses_other_shapes(void **state) {
    (void)state;
    gs__error error = {0};
    const gs_op *op = gs__op_find("add");
    const gs__value_info a = {.shape = {2, {3, 4}}}, b = {.shape = {2, {4, 3}}};
    const gs__value_info *inputs[GS__MAX_INPUTS] = {&a, &b};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    assert_int_equal(op->shape(&error, &(gs__node){.op = op}, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "add: inputs have shapes (None, 4) and (None, 3) but must have the same");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(with_epilogues),
                                       cmocka_unit_test(refuses_other_shapes)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
