#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}}, {1, {3}}, {1, {4}}, {2, {7, 13}}, {2, {33, 127}}, {4, {2, 3, 5, 7}}};
    static const gs__rescale_attr attrs[] = {{1.0f / 127.5f, -1}, {-3, 0}, {0, 2}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (uint32_t j = 0; j < sizeof attrs / sizeof attrs[0]; j++)
            op_check(*state, &(op_case){.op = "rescale",
                                        .attr = &attrs[j],
                                        .x = {{.shape = shapes[i], .low = -255, .high = 255}},
                                        .absolute = 1e-5});
}

static void with_epilogues(void **state) {
    op_check(*state, &(op_case){.op = "rescale",
                                .attr = &(gs__rescale_attr){2, -0.5f},
                                .x = {{.shape = {2, {13, 7}}}},
                                .set = {.seed_lo = 5, .seed_hi = 6},
                                .position = {.step_lo = 9},
                                .epilogue = {GS_ACTIVATION_RELU, 0, 0.3f, 3},
                                .backward_epilogue = {GS_ACTIVATION_TANH, 0, 0.5f, 8}});
}

static void nan_stays_nan(void **state) {
    const double values[3] = {1, NAN, 3};
    op_check(*state, &(op_case){.op = "rescale",
                                .attr = &(gs__rescale_attr){2, 1},
                                .x = {{.shape = {1, {3}}, .values = values}},
                                .no_numeric = true}); // NaN
}

static void refuses_bad_attributes(void **state) {
    (void)state;
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("rescale")};
    const gs__value_info x = {.shape = {1, {3}}}, *inputs[GS__MAX_INPUTS] = {&x};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    memcpy(node.attr.bytes, &(gs__rescale_attr){(float)NAN, 0}, sizeof(gs__rescale_attr));
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "rescale: scale is nan and offset 0 but both must be finite");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(with_epilogues),
        cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(refuses_bad_attributes),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
