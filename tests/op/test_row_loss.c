// Cosine similarity, categorical hinge, categorical focal cross-entropy.
#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static const struct {
    gs__row_loss_attr attr;
    double low, high;
} cases[] = {
    {{.kind = GS_LOSS_COSINE_SIMILARITY}, -2, 2},
    {{.kind = GS_LOSS_CATEGORICAL_HINGE}, -2, 2},
    {{.kind = GS_LOSS_CATEGORICAL_FOCAL, .gamma = 2, .alpha = 0.25f}, -4, 4},
    {{.kind = GS_LOSS_CATEGORICAL_FOCAL, .gamma = 0.5f, .alpha = 1, .smoothing = 0.1f}, -2, 2},
    {{.kind = GS_LOSS_CATEGORICAL_FOCAL, .alpha = 1}, -4, 4},
    {{.kind = GS_LOSS_CATEGORICAL_FOCAL, .from_probabilities = 1, .gamma = 2, .alpha = 0.25f}, 0.05, 1},
    {{.kind = GS_LOSS_CATEGORICAL_FOCAL, .from_probabilities = 1, .gamma = 1, .alpha = 0.5f, .smoothing = 0.2f},
     0.05,
     1},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static op_case case_of(uint32_t i, gs_shape shape) {
    return (op_case){
        .op = "row_loss",
        .attr = &cases[i].attr,
        .relative = 2e-5,
        .x = {{.shape = shape, .low = cases[i].low, .high = cases[i].high}, {.shape = shape, .low = 0, .high = 1}}};
}

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{2, {1, 1}},    {2, {1, 3}},        {2, {7, 13}},
                                      {2, {33, 127}}, {2, {3, 1025}},     {3, {5, 7, 11}},
                                      {3, {9, 1, 4}}, {4, {2, 3, 5, 37}}, {2, {300, 2}}};
    for (uint32_t i = 0; i < CASES; i++)
        for (uint32_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
            op_case c = case_of(i, shapes[j]);
            // One class: q is 1, and its loss at the edge of what a difference can tell.
            c.no_numeric = j == 0;
            op_check(*state, &c);
        }
}

static void fewer_rows(void **state) {
    for (uint32_t i = 0; i < CASES; i++)
        for (uint32_t rows = 1; rows <= 20; rows += 9) {
            op_case c = case_of(i, (gs_shape){3, {20, 3, 4}});
            c.rows = rows;
            op_check(*state, &c);
        }
}

static void extreme_values(void **state) {
    const double x[12] = {1e4, -1e4, 0, 0, 0, 0, 80, -80, 5, 1e-9, 0, 1};
    const double t[12] = {0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0};
    for (uint32_t i = 0; i < CASES; i++) {
        if (cases[i].attr.from_probabilities) continue;
        op_case c = case_of(i, (gs_shape){2, {4, 3}});
        c.x[0].values = x;
        c.x[1].values = t;
        c.no_numeric = true; // ties, a zero vector, and steps that drown in 1e4
        op_check(*state, &c);
    }
}

static void refuses_other_shapes(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("row_loss");
    const gs__value_info x = {.shape = {2, {8, 2}}}, other = {.shape = {1, {8}}},
                         whole = {.shape = {2, {8, 2}}, .dtype = GS_I32};
    const gs__value_info *const inputs[2][GS__MAX_INPUTS] = {{&x, &other}, {&x, &whole}};
    for (int i = 0; i < 2; i++) {
        gs__error error = {0};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        gs__node node = {.op = op};
        memcpy(node.attr.bytes, &cases[0].attr, sizeof cases[0].attr);
        assert_int_equal(op->shape(&error, &node, inputs[i], y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, "cosine_similarity"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(fewer_rows),
                                       cmocka_unit_test(extreme_values), cmocka_unit_test(refuses_other_shapes)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
