#include "harness.h"

#include <math.h>

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}},     {1, {3}},        {2, {7, 13}},   {2, {33, 127}}, {2, {65, 1025}},
                                      {2, {70, 1}}, {3, {3, 5, 10}}, {2, {2, 2049}}, {2, {1, 300}},  {2, {200, 5}}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        op_check(*state, &(op_case){.op = "softmax", .x = {{.shape = shapes[i], .low = -3, .high = 3}}});
}

static void extreme_logits(void **state) {
    const double values[20] = {1e4, -1e4, 0,   1,    -1e4, -1e4, -1e4, -1e4, -1e4, -1e4,
                               1e4, 1e4,  1e4, -1e4, 5,    -300, 300,  299,  0,    -1};
    op_check(*state, &(op_case){.op = "softmax", .x = {{.shape = {2, {4, 5}}, .values = values}}});
    op_check(*state, &(op_case){.op = "softmax", .x = {{.shape = {2, {1, 20}}, .values = values}}});
}

static void nan_stays_in_its_row(void **state) {
    const double values[9] = {1, 2, 3, NAN, 1, 2, 0, 0, 0};
    op_check(*state,
             &(op_case){.op = "softmax", .x = {{.shape = {2, {3, 3}}, .values = values}}, .no_numeric = true}); // NaN
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(extreme_logits),
                                       cmocka_unit_test(nan_stays_in_its_row)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
