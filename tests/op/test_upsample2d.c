#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static void factors(void **state) {
    static const gs_shape shapes[] = {{4, {1, 1, 1, 1}}, {4, {2, 3, 4, 5}}, {4, {3, 5, 2, 8}}, {3, {2, 6, 4}}};
    static const uint32_t factors[][2] = {{1, 1}, {2, 2}, {3, 4}, {1, 5}};
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t bilinear = 0; bilinear < 2; bilinear++) {
            const gs__upsample2d_attr attr = {{factors[i][0], factors[i][1]}, bilinear};
            op_check(*state, &(op_case){.op = "upsample2d", .attr = &attr, .x = {{.shape = shapes[i]}}});
        }
}

static void with_epilogues(void **state) {
    static const gs_shape shapes[] = {{4, {2, 3, 4, 8}}, {4, {1, 3, 2, 5}}};
    for (uint32_t i = 0; i < 2; i++)
        op_check(*state, &(op_case){.op = "upsample2d",
                                    .attr = &(gs__upsample2d_attr){{2, 3}, 1},
                                    .x = {{.shape = shapes[i]}},
                                    .set = {.seed_lo = 5, .seed_hi = 6},
                                    .position = {.step_lo = 9},
                                    .epilogue = {GS_ACTIVATION_RELU, 0, 0.3f, 3},
                                    .backward_epilogue = {GS_ACTIVATION_TANH, 0, 0.5f, 8}});
}

static void expect_refused(const gs_shape *x, const void *attr, size_t attr_bytes, const char *message) {
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("upsample2d")};
    const gs__value_info info = {.shape = *x}, *inputs[GS__MAX_INPUTS] = {&info};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    memcpy(node.attr.bytes, attr, attr_bytes);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, message);
}

static void refusals(void **state) {
    (void)state;
    const gs__upsample2d_attr none = {{2, 0}, 0}, many = {{20000, 1}, 0};
    const gs_shape x = {4, {1, 3, 5, 2}};
    expect_refused(&x, &none, sizeof none, "factor 0 must be from 1 to 16384");
    expect_refused(&x, &many, sizeof many, "factor 20000 must be from 1 to 16384");
    expect_refused(&(gs_shape){2, {1, 3}}, &none, sizeof none,
                   "input has shape (1, 3) but must be (batch, rows, columns, channels) or (batch, steps, channels)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors),
        cmocka_unit_test(with_epilogues),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
