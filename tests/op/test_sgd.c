// SGD, momentum, Nesterov, weight decay.
#include "update.h"

#include "op/attr.h"

static struct gs_settings settings(float weight_decay) {
    return (struct gs_settings){.learning_rate = 0.1f, .momentum = 0.9f, .weight_decay = weight_decay};
}

static void plain(void **state) {
    gs__sgd_attr attr = {.momentum = 0};
    update_check(*state, &(update_case){.op = "sgd", .attr = &attr, .set = settings(0)});
    update_check(*state, &(update_case){.op = "sgd", .attr = &attr, .set = settings(0.2f)});
}

static void momentum(void **state) {
    gs__sgd_attr attr = {.momentum = 1};
    update_check(*state, &(update_case){.op = "sgd", .attr = &attr, .slot_count = 1, .set = settings(0)});
    attr.nesterov = 1;
    update_check(*state, &(update_case){.op = "sgd", .attr = &attr, .slot_count = 1, .set = settings(0.2f)});
}

static void parts(void **state) {
    gs__sgd_attr attr = {.momentum = 0};
    update_check_parts(*state, &(update_case){.op = "sgd", .attr = &attr, .set = settings(0)});
}

// Two steps by hand: w = 1, g = 2, rate 0.1, momentum 0.5.
static void by_hand(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("sgd");
    const double g = 2, expected[2][2] = {{0.8, 0.5}, {0.7, 0.35}}; // [nesterov][step]
    for (uint32_t nesterov = 0; nesterov < 2; nesterov++) {
        gs__node node = {.op = op};
        *(gs__sgd_attr *)(void *)node.attr.bytes = (gs__sgd_attr){.momentum = 1, .nesterov = nesterov};
        struct gs_state s = {.set = {.momentum = 0.5f}, .cur = {.learning_rate = 0.1f}};
        double w = 1, v = 0;
        for (int step = 0; step < 2; step++) {
            op->ref_forward(
                &(gs__reference){.node = &node, .x = {&w, &g, &v}, .y = {&w, &v}, .x_shape = {{1, {1}}}, .state = &s});
            op_compare("w", &w, &expected[nesterov][step], 1, 1e-6, 1e-6);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(momentum),
        cmocka_unit_test(parts),
        cmocka_unit_test(by_hand),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
