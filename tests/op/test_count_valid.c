// count_valid: how many positions of the step's rows are not ignored.
#include "harness.h"

#include "op/attr.h"

static const gs_shape shapes[] = {{1, {1}},       {1, {37}},     {2, {3, 1}},     {2, {67, 3}},
                                  {3, {3, 5, 7}}, {2, {5, 257}}, {2, {3, 10007}}, {1, {129}}};

static void odd_shapes(void **state) {
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int32_t ignored = -1; ignored < 3; ignored++) {
            const gs__count_valid_attr attr = {ignored};
            const int64_t batch = shapes[s].dim[0];
            op_check(*state, &(op_case){.op = "count_valid",
                                        .attr = &attr,
                                        .x = {{.shape = shapes[s], .dtype = GS_I32, .low = -1, .high = 3}},
                                        .rows = batch > 2 ? (uint32_t)batch - 2 : 0});
        }
}

// Where all are ignored the factor is large, and the loss, of which nothing is left, stays 0.
static void by_hand(void **state) {
    static const double targets[] = {7, 1, 7, 7, 2, 7}, all[] = {7, 7, 7, 7, 7, 7};
    const gs_shape shape = {2, {3, 2}};
    const gs__count_valid_attr attr = {7};
    const struct {
        const double *x;
        uint32_t rows;
        double expected;
    } cases[] = {{targets, 3, 6 / (2 + 1e-7)}, {targets, 2, 4 / (1 + 1e-7)}, {all, 3, 6 / 1e-7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gs__node node = {.op = gs__op_find("count_valid")};
        *(gs__count_valid_attr *)(void *)node.attr.bytes = attr;
        const struct gs_state s = {.cur = {.rows = cases[i].rows}};
        double y;
        node.op->ref_forward(
            &(gs__reference){.node = &node, .x = {cases[i].x}, .y = {&y}, .x_shape = {shape}, .state = &s});
        op_compare("y", &y, &cases[i].expected, 1, 1e-12, 0);
        op_check(*state, &(op_case){.op = "count_valid",
                                    .attr = &attr,
                                    .x = {{.shape = shape, .dtype = GS_I32, .values = cases[i].x}},
                                    .rows = cases[i].rows});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(by_hand)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
