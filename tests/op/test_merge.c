#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}}, {1, {3}}, {1, {4}}, {2, {7, 13}}, {2, {33, 127}}, {4, {2, 3, 5, 7}}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int kind = GS__MERGE_SUBTRACT; kind <= GS__MERGE_MINIMUM; kind++)
            op_check(*state, &(op_case){.op = "merge",
                                        .attr = &(gs__merge_attr){(gs__merge_kind)kind},
                                        .x = {{.shape = shapes[i]}, {.shape = shapes[i]}},
                                        // A kink within the steps of the numeric gradient
                                        .no_numeric = kind >= GS__MERGE_MAXIMUM && i >= 3});
}

static void one_gradient(void **state) {
    for (int i = 0; i < 2; i++) {
        op_case c = {.op = "merge",
                     .attr = &(gs__merge_attr){GS__MERGE_MULTIPLY},
                     .x = {{.shape = {2, {3, 5}}}, {.shape = {2, {3, 5}}}}};
        c.x[i].constant = true;
        op_check(*state, &c);
    }
}

static void equal_and_nan(void **state) {
    const double a[4] = {1, -2, NAN, 0}, b[4] = {1, -2, 3, NAN};
    for (int kind = GS__MERGE_MAXIMUM; kind <= GS__MERGE_MINIMUM; kind++)
        op_check(*state, &(op_case){.op = "merge",
                                    .attr = &(gs__merge_attr){(gs__merge_kind)kind},
                                    .x = {{.shape = {1, {2}}, .values = a}, {.shape = {1, {2}}, .values = b}},
                                    .no_numeric = true}); // a kink
    op_check(*state, &(op_case){.op = "merge",
                                .attr = &(gs__merge_attr){GS__MERGE_MAXIMUM},
                                .x = {{.shape = {1, {4}}, .values = a}, {.shape = {1, {4}}, .values = b}},
                                .no_backward = true, // of NaN
                                .no_numeric = true});
}

static void refuses_other_shapes(void **state) {
    (void)state;
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("merge")};
    const gs__value_info a = {.shape = {2, {3, 4}}}, b = {.shape = {2, {3, 1}}};
    const gs__value_info *inputs[GS__MAX_INPUTS] = {&a, &b};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "merge: inputs have shapes (None, 4) and (None, 1) but must have the same");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(one_gradient),
                                       cmocka_unit_test(equal_and_nan), cmocka_unit_test(refuses_other_shapes)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
