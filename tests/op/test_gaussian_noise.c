#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}}, {1, {3}}, {1, {4}}, {2, {7, 13}}, {2, {33, 127}}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        op_check(*state, &(op_case){.op = "gaussian_noise",
                                    .attr = &(gs__gaussian_noise_attr){0.5f, 3},
                                    .x = {{.shape = shapes[i]}},
                                    .set = {.seed_lo = 7, .seed_hi = 9},
                                    .position = {.step_lo = 11, .step_hi = 1},
                                    // Vulkan leaves sine and cosine an error of 2^-11.
                                    .absolute = 2e-3});
}

// Mean, variance and fourth moment of many numbers; other numbers for another key and step.
static void is_normal(void **state) {
    (void)state;
    enum { COUNT = 40000 };
    static double x[COUNT], y[2][COUNT];
    const gs_op *op = gs__op_find("gaussian_noise");
    for (uint32_t k = 0; k < 2; k++) {
        struct gs_state st = {.set = {.seed_lo = 1}, .cur = {.step_lo = 5 + k}};
        gs__node node = {.op = op};
        const gs__gaussian_noise_attr attr = {2.0f, 1};
        memcpy(node.attr.bytes, &attr, sizeof attr);
        gs__reference r = {.node = &node, .state = &st, .x = {x}, .y = {y[k]}, .x_shape = {{1, {COUNT}}}};
        op->ref_forward(&r);
    }
    double sum = 0, square = 0, fourth = 0, both = 0;
    for (int i = 0; i < COUNT; i++) {
        const double n = y[0][i] / 2;
        sum += n;
        square += n * n;
        fourth += n * n * n * n;
        both += n * y[1][i] / 2;
    }
    // Five standard deviations.
    assert_true(fabs(sum / COUNT) < 5 / sqrt(COUNT));
    assert_true(fabs(square / COUNT - 1) < 5 * sqrt(2.0 / COUNT));
    assert_true(fabs(fourth / COUNT - 3) < 5 * sqrt(96.0 / COUNT));
    assert_true(fabs(both / COUNT) < 5 / sqrt(COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(is_normal)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
