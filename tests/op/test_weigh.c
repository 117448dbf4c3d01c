// weigh: weights of samples and a factor, on a loss and on its gradient.
#include "stateful.h"

static const gs_shape gradients[] = {{1, {1}},    {1, {37}},      {2, {3, 1}},    {2, {67, 3}},     {2, {5, 7}},
                                     {2, {1, 1}}, {3, {3, 5, 7}}, {2, {2, 1031}}, {4, {3, 2, 5, 9}}};

static void odd_shapes(void **state) {
    for (size_t s = 0; s < sizeof gradients / sizeof *gradients; s++)
        for (int what = 1; what < 8; what++) {
            const gs_shape rows = {1, {gradients[s].dim[0]}}, one = {1, {1}}, none = {0};
            stateful_check(*state, &(stateful_case){.op = "weigh",
                                                    .x = {{.shape = rows, .storage = GS__STORAGE_ROWS, .high = 5},
                                                          {.shape = what & 1 ? gradients[s] : none},
                                                          {.shape = what & 2 ? rows : none, .high = 3},
                                                          {.shape = what & 4 ? one : none, .low = 1, .high = 2}},
                                                    .in_place = what & 1 ? 2 : 1,
                                                    .steps = 2,
                                                    .relative = 1e-6,
                                                    .absolute = 1e-7});
        }
}

// A weight of 0 leaves nothing of a row; the loss has weights although it has no gradient (evaluation).
static void by_hand(void **state) {
    static const double loss[] = {2, 3, 5}, dx[] = {1, -1, 2, 4, -8, 0.5}, weights[] = {0, 1, 4}, factor[] = {0.5};
    static const double weighed[] = {0, 1.5, 10}, gradient[] = {0, 0, 1, 2, -16, 1};
    const gs_shape rows = {1, {3}}, wide = {2, {3, 2}}, one = {1, {1}};
    gs__node node = {.op = gs__op_find("weigh")};
    double y[3], dy[6];
    node.op->ref_forward(&(gs__reference){
        .node = &node, .x = {loss, dx, weights, factor}, .y = {y, dy}, .x_shape = {rows, wide, rows, one}});
    op_compare("loss", y, weighed, 3, 0, 1e-12);
    op_compare("dx", dy, gradient, 6, 0, 1e-12);
    stateful_check(*state, &(stateful_case){.op = "weigh",
                                            .x = {{.shape = rows, .storage = GS__STORAGE_ROWS, .values = loss},
                                                  {.shape = wide, .values = dx},
                                                  {.shape = rows, .values = weights},
                                                  {.shape = one, .values = factor}},
                                            .in_place = 2,
                                            .steps = 1,
                                            .absolute = 1e-7});
}

static void wrong_sizes(void **state) {
    (void)state;
    static const gs_shape sizes[2][3] = {{{1, {4}}, {2, {3, 2}}, {0}}, {{1, {4}}, {2, {4, 2}}, {1, {5}}}};
    for (int i = 0; i < 2; i++) {
        gs__error error = {0};
        gs__graph graph;
        gs__value x[3] = {0};
        gs__graph_init(&graph, &error, true, 4);
        for (int k = 0; k < 3; k++)
            if (sizes[i][k].rank)
                op_expect_ok(&error, gs__graph_value(&graph, &sizes[i][k], GS_F32, GS__STORAGE_ACTIVATION, NULL, &x[k]),
                             "x");
        assert_int_equal(gs__graph_in_place(&graph, "weigh", NULL, x, 3, 2), GS_ERR_INTERNAL);
        gs__graph_deinit(&graph);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(wrong_sizes),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
