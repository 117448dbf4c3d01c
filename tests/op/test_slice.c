#include "harness.h"

#include "op/attr.h"
#include <string.h>

static void odd_shapes(void **state) {
    static const struct {
        gs_shape shape;
        gs__slice_attr attr;
    } cases[] = {
        {{2, {3, 1}}, {1, 0, 1, 0}},       {{2, {3, 7}}, {1, 2, 3, 0}},       {{2, {5, 300}}, {1, 100, 200, 0}},
        {{2, {5, 300}}, {1, 0, 131, 0}},   {{4, {2, 5, 3, 4}}, {1, 4, 1, 0}}, {{4, {2, 5, 3, 4}}, {2, 1, 2, 0}},
        {{4, {2, 5, 3, 4}}, {3, 1, 2, 0}}, {{4, {2, 5, 3, 4}}, {1, 2, 1, 1}}, {{2, {2, 7}}, {0, 1, 1, 1}},
        {{2, {7, 4}}, {0, 3, 2, 0}},       {{3, {33, 9, 5}}, {1, 0, 9, 0}},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        op_check(*state, &(op_case){.op = "slice", .attr = &cases[i].attr, .x = {{.shape = cases[i].shape}}});
}

static void refuses(void **state) {
    (void)state;
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("slice")};
    const gs__value_info x = {.shape = {2, {3, 4}}}, *inputs[GS__MAX_INPUTS] = {&x};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    const gs__slice_attr attr = {.axis = 1, .begin = 3, .count = 2};
    memcpy(node.attr.bytes, &attr, sizeof attr);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "slice: entries 3 to 5 of axis 1, which the input does not have");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
