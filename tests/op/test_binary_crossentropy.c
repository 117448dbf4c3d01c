#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static const gs__crossentropy_attr attrs[] = {
    {.from_probabilities = 0}, {.from_probabilities = 1}, {0, 0.1f}, {1, 0.25f}};
enum { ATTRS = sizeof attrs / sizeof attrs[0] };

static op_case case_of(uint32_t attr, gs_shape shape, gs_shape targets, gs_dtype dtype) {
    return (op_case){.op = "binary_crossentropy",
                     .attr = &attrs[attr],
                     .x = {{.shape = shape,
                            .low = attrs[attr].from_probabilities ? 0.05 : -5,
                            .high = attrs[attr].from_probabilities ? 0.95 : 5},
                           {.shape = targets, .dtype = dtype, .low = 0, .high = dtype == GS_F32 ? 1 : 2}}};
}

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}},       {2, {1, 3}},    {2, {7, 13}},       {2, {33, 1}},
                                      {2, {33, 127}}, {2, {3, 1025}}, {4, {2, 3, 5, 37}}, {2, {300, 2}}};
    for (uint32_t i = 0; i < ATTRS; i++)
        for (uint32_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
            op_case c = case_of(i, shapes[j], shapes[j], j % 2 ? GS_I32 : GS_F32);
            op_check(*state, &c);
        }
}

// Class indices of shape (B) beside an output of shape (B, 1).
static void targets_of_another_rank(void **state) {
    op_case c = case_of(0, (gs_shape){2, {17, 1}}, (gs_shape){1, {17}}, GS_I32);
    op_check(*state, &c);
}

static void fewer_rows(void **state) {
    for (uint32_t i = 0; i < ATTRS; i++)
        for (uint32_t rows = 1; rows <= 20; rows += 9) {
            op_case c = case_of(i, (gs_shape){2, {20, 9}}, (gs_shape){2, {20, 9}}, GS_F32);
            c.rows = rows;
            op_check(*state, &c);
        }
}

static void extreme_logits(void **state) {
    const double x[12] = {1e4, -1e4, 1e4, -1e4, 0, 100, -100, 20, -20, 1e-3, -1e-3, 88};
    const double targets[12] = {1, 1, 0, 0, 0.5, 0, 1, 1, 0, 1, 0, 0};
    op_case c = case_of(0, (gs_shape){2, {3, 4}}, (gs_shape){2, {3, 4}}, GS_F32);
    c.x[0].values = x;
    c.x[1].values = targets;
    c.no_numeric = true; // steps of 1e-3 drown in 1e4
    op_check(*state, &c);
    op_case each = case_of(0, (gs_shape){1, {12}}, (gs_shape){1, {12}}, GS_F32);
    each.x[0].values = x;
    each.x[1].values = targets;
    each.no_numeric = true;
    op_check(*state, &each);
}

static void clipped_probabilities(void **state) {
    const double x[8] = {0, 1, 0, 1, 1e-9, 0.9999999, -0.5, 1.5}, targets[8] = {0, 1, 1, 0, 1, 0, 0.5, 0.5};
    op_case c = case_of(1, (gs_shape){1, {8}}, (gs_shape){1, {8}}, GS_F32);
    c.x[0].values = x;
    c.x[1].values = targets;
    c.no_numeric = true; // clipping is no smooth function
    op_check(*state, &c);
}

static void nan_stays_nan(void **state) {
    const double x[3] = {NAN, 0.5, 0.25}, targets[3] = {0, NAN, 1};
    for (uint32_t i = 0; i < 2; i++) {
        op_case c = case_of(i, (gs_shape){1, {3}}, (gs_shape){1, {3}}, GS_F32);
        c.x[0].values = x;
        c.x[1].values = targets;
        c.no_numeric = true; // NaN
        op_check(*state, &c);
    }
}

static void refuses_other_shapes(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("binary_crossentropy");
    const gs__value_info x = {.shape = {2, {8, 2}}};
    const gs__value_info targets[] = {
        {.shape = {1, {8}}}, {.shape = {1, {16}}}, {.shape = {2, {8, 2}}, .dtype = GS_U8}};
    for (uint32_t i = 0; i < 3; i++) {
        gs__error error = {0};
        const gs__value_info *inputs[GS__MAX_INPUTS] = {&x, &targets[i]};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        assert_int_equal(op->shape(&error, &(gs__node){.op = op}, inputs, y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, "binary_crossentropy: output"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(targets_of_another_rank),
        cmocka_unit_test(fewer_rows),
        cmocka_unit_test(extreme_logits),
        cmocka_unit_test(clipped_probabilities),
        cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(refuses_other_shapes),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
