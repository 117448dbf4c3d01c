// Adam and AdamW, Keras's and PyTorch's epsilon.
#include "update.h"

#include "op/attr.h"
#include "plan/tick.h"

static struct gs_settings settings(float epsilon, float weight_decay) {
    return (struct gs_settings){.learning_rate = 0.05f,
                                .beta1 = 0.9f,
                                .beta1_rest = 0.1f,
                                .beta2 = 0.99f,
                                .beta2_rest = 0.01f,
                                .epsilon = epsilon,
                                .weight_decay = weight_decay};
}

static void keras(void **state) {
    gs__adam_attr attr = {.paper_epsilon = 0};
    update_check(*state, &(update_case){.op = "adam", .attr = &attr, .slot_count = 2, .set = settings(1e-7f, 0)});
    update_check(*state, &(update_case){.op = "adam", .attr = &attr, .slot_count = 2, .set = settings(0.1f, 0)});
}

// A large epsilon tells the two formulas apart.
static void paper(void **state) {
    gs__adam_attr attr = {.paper_epsilon = 1};
    update_check(*state, &(update_case){.op = "adam", .attr = &attr, .slot_count = 2, .set = settings(0.1f, 0)});
}

static void decoupled_weight_decay(void **state) {
    gs__adam_attr attr = {.paper_epsilon = 0};
    update_check(*state, &(update_case){.op = "adam", .attr = &attr, .slot_count = 2, .set = settings(1e-7f, 0.3f)});
}

static void parts(void **state) {
    gs__adam_attr attr = {.paper_epsilon = 0};
    update_check_parts(*state,
                       &(update_case){.op = "adam", .attr = &attr, .slot_count = 2, .set = settings(1e-7f, 0.3f)});
}

// With a constant gradient both corrected moments are g and g^2, so that every step is learning_rate * sign(g): an
// expectation that does not come from the reference.
static void first_step_is_the_learning_rate(void **state) {
    (void)state;
    const gs__adam_attr attr = {.paper_epsilon = 1};
    const gs_op *op = gs__op_find("adam");
    gs__node node = {.op = op};
    *(gs__adam_attr *)(void *)node.attr.bytes = attr;
    struct gs_state s = {.set = settings(1e-12f, 0)};
    s.set.data_count = s.set.batch = 1;
    gs__state_start(&s);
    double w[4] = {1, 1, 1, 1}, slots[8] = {0};
    const double g[4] = {0.5, -0.25, 3, -1e-3};
    for (int step = 1; step <= 50; step++) {
        gs__tick_next(&s);
        op->ref_forward(&(gs__reference){.node = &node,
                                         .x = {w, g, slots},
                                         .y = {w, slots},
                                         .x_shape = {{1, {4}}, {1, {4}}, {1, {8}}},
                                         .state = &s});
        for (int i = 0; i < 4; i++) {
            const double expected = 1 - step * (double)s.set.learning_rate * (g[i] > 0 ? 1 : -1);
            op_compare("w", &w[i], &expected, 1, 1e-5, 1e-6);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras),
        cmocka_unit_test(paper),
        cmocka_unit_test(decoupled_weight_decay),
        cmocka_unit_test(parts),
        cmocka_unit_test(first_step_is_the_learning_rate),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
