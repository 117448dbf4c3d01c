#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static const gs__crossentropy_attr attrs[] = {
    {.from_probabilities = 0}, {.from_probabilities = 1}, {0, 0.1f}, {1, 0.25f}};
enum { ATTRS = sizeof attrs / sizeof attrs[0] };

static op_case case_of(uint32_t attr, gs_shape shape) {
    return (op_case){.op = "categorical_crossentropy",
                     .attr = &attrs[attr],
                     .x = {{.shape = shape,
                            .low = attrs[attr].from_probabilities ? 0.05 : -3,
                            .high = attrs[attr].from_probabilities ? 1 : 3},
                           {.shape = shape, .low = 0, .high = 1}}};
}

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{2, {1, 1}},        {2, {1, 3}},    {2, {7, 13}},    {2, {32, 10}},
                                      {2, {33, 127}},     {2, {3, 1025}}, {3, {5, 7, 11}}, {3, {9, 1, 4}},
                                      {4, {2, 3, 5, 37}}, {2, {300, 2}}};
    for (uint32_t i = 0; i < ATTRS; i++)
        for (uint32_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
            op_case c = case_of(i, shapes[j]);
            op_check(*state, &c);
        }
}

static void fewer_rows(void **state) {
    for (uint32_t i = 0; i < ATTRS; i++)
        for (uint32_t rows = 1; rows <= 20; rows += 9) {
            op_case c = case_of(i, (gs_shape){2, {20, 9}});
            c.rows = rows;
            op_check(*state, &c);
            c = case_of(i, (gs_shape){3, {20, 3, 4}});
            c.rows = rows;
            op_check(*state, &c);
        }
}

static void extreme_logits(void **state) {
    const double x[16] = {1e4, -1e4, 0, 1, 1e4, 1e4, -1e4, 0, 80, -80, 5, 6, -1e4, -1e4, -1e4, -1e4};
    const double targets[16] = {0, 1, 0, 0, 0.5, 0.5, 0, 0, 1, 0, 0, 0, 0.1, 0.2, 0.3, 0.4};
    op_case c = case_of(0, (gs_shape){2, {4, 4}});
    c.x[0].values = x;
    c.x[1].values = targets;
    c.no_numeric = true; // steps of 1e-3 drown in 1e4
    op_check(*state, &c);
}

static void clipped_probabilities(void **state) {
    const double x[16] = {0, 1, 0, 0, 0, 1, 0, 0, 0.5, 0.5, 1e-9, 0, 2, 2, 2, 2};
    const double targets[16] = {0, 1, 0, 0, 0.5, 0, 0.5, 0, 0.2, 0.3, 0.4, 0.1, 1, 1, 0, 0};
    op_case c = case_of(1, (gs_shape){2, {4, 4}});
    c.x[0].values = x;
    c.x[1].values = targets;
    c.no_numeric = true; // clipping is no smooth function
    op_check(*state, &c);
}

static void nan_stays_nan(void **state) {
    const double x[9] = {1, 2, 3, NAN, 1, 2, 0.5, 0.25, 0.25}, targets[9] = {0, 0, 1, 1, 0, 0, NAN, 0, 1};
    for (uint32_t i = 0; i < 2; i++) {
        op_case c = case_of(i, (gs_shape){2, {3, 3}});
        c.x[0].values = x;
        c.x[1].values = targets;
        c.no_numeric = true; // NaN
        op_check(*state, &c);
    }
}

static void refuses_other_shapes(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("categorical_crossentropy");
    const gs__value_info x = {.shape = {2, {8, 10}}};
    const gs__value_info targets[] = {
        {.shape = {2, {8, 9}}}, {.shape = {1, {80}}}, {.shape = {2, {8, 10}}, .dtype = GS_I32}};
    for (uint32_t i = 0; i < 3; i++) {
        gs__error error = {0};
        const gs__value_info *inputs[GS__MAX_INPUTS] = {&x, &targets[i]};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        assert_int_equal(op->shape(&error, &(gs__node){.op = op}, inputs, y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, "targets"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),     cmocka_unit_test(fewer_rows),
        cmocka_unit_test(extreme_logits), cmocka_unit_test(clipped_probabilities),
        cmocka_unit_test(nan_stays_nan),  cmocka_unit_test(refuses_other_shapes),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
