// RMSprop, with and without momentum.
#include "update.h"

#include "op/attr.h"

static struct gs_settings settings(float epsilon, float weight_decay) {
    return (struct gs_settings){.learning_rate = 0.01f,
                                .beta2 = 0.9f,
                                .beta2_rest = 0.1f,
                                .epsilon = epsilon,
                                .momentum = 0.8f,
                                .weight_decay = weight_decay};
}

static void plain(void **state) {
    gs__rmsprop_attr attr = {.momentum = 0};
    update_check(*state, &(update_case){.op = "rmsprop", .attr = &attr, .slot_count = 1, .set = settings(1e-7f, 0)});
    update_check(*state, &(update_case){.op = "rmsprop", .attr = &attr, .slot_count = 1, .set = settings(0.1f, 0.5f)});
}

static void momentum(void **state) {
    gs__rmsprop_attr attr = {.momentum = 1};
    update_check(*state, &(update_case){.op = "rmsprop", .attr = &attr, .slot_count = 2, .set = settings(1e-7f, 0)});
    update_check(*state, &(update_case){.op = "rmsprop", .attr = &attr, .slot_count = 2, .set = settings(0.1f, 0)});
}

// Epsilon is under the root: one step from v = 0 with g = 2, rho 0.9, epsilon 0.6 divides by sqrt(0.4 + 0.6) = 1.
static void epsilon_is_under_the_root(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("rmsprop");
    gs__node node = {.op = op};
    struct gs_state s = {.set = settings(0.6f, 0), .cur = {.learning_rate = 0.01f}};
    double w = 1, v = 0;
    const double g = 2, expected = 1 - 0.01 * 2;
    op->ref_forward(
        &(gs__reference){.node = &node, .x = {&w, &g, &v}, .y = {&w, &v}, .x_shape = {{1, {1}}}, .state = &s});
    op_compare("w", &w, &expected, 1, 1e-6, 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(momentum),
        cmocka_unit_test(epsilon_is_under_the_root),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
