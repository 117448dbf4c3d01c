// matmul_gradients against its reference, and the pass that puts it into graphs.
#include "harness.h"

#include "model/fuse.h"
#include "op/attr.h"

#include <stdio.h>
#include <string.h>

struct sizes {
    int64_t rows, count;
    int64_t features[GS__GRADIENTS_MAX], outputs[GS__GRADIENTS_MAX];
    uint32_t no_bias;
};

static void check(void *state, const struct sizes *s) {
    const gs__matmul_gradients_attr attr = {.count = (uint32_t)s->count, .no_bias = s->no_bias};
    op_case c = {.op = "matmul_gradients",
                 .attr = &attr,
                 .batch = (uint32_t)s->rows,
                 .no_backward = true,
                 .no_numeric = true,
                 .absolute = 4e-7 * (double)s->rows};
    for (int i = 0; i < GS__GRADIENTS_MAX; i++) {
        c.x[2 * i] = (op_input){.shape = {2, {s->rows, s->features[i]}}, .absent = i >= s->count};
        c.x[2 * i + 1] = (op_input){.shape = {2, {s->rows, s->outputs[i]}}, .absent = i >= s->count};
    }
    op_check(state, &c);
}

static void odd_sizes(void **state) {
    static const struct sizes sizes[] = {
        {1, 1, {1}, {1}, 0},
        {3, 2, {5, 4}, {7, 4}, 1},
        {32, 2, {784, 64}, {64, 10}, 0},
        {33, 3, {31, 12, 17}, {1, 32, 33}, 4},
        {7, 4, {13, 16, 36, 3}, {40, 4, 65, 2}, 0},
        {128, 3, {64, 40, 33}, {36, 40, 10}, 2},
        {2, 4, {1, 2, 3, 4}, {4, 3, 2, 1}, 15},
        // In parts on GPUs.
        {1024, 2, {784, 64}, {64, 10}, 0},
        {1030, 4, {13, 16, 36, 3}, {40, 4, 65, 2}, 5},
        {2049, 1, {3}, {1}, 1},
    };
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) check(*state, &sizes[i]);
}

static void three_dimensions(void **state) {
    const gs__matmul_gradients_attr attr = {.count = 2};
    op_check(*state, &(op_case){.op = "matmul_gradients",
                                .attr = &attr,
                                .x = {{.shape = {3, {4, 5, 6}}},
                                      {.shape = {3, {4, 5, 3}}},
                                      {.shape = {2, {20, 8}}},
                                      {.shape = {3, {2, 10, 12}}}},
                                .no_backward = true,
                                .no_numeric = true,
                                .absolute = 1e-5});
}

static void refusals(void **state) {
    (void)state;
    gs__error error = {0};
    gs__graph graph;
    gs__value x[4], y[GS__MAX_OUTPUTS];
    gs__graph_init(&graph, &error, true, 4);
    const gs_shape shapes[4] = {{2, {4, 5}}, {2, {4, 3}}, {2, {8, 5}}, {2, {8, 3}}};
    for (int i = 0; i < 4; i++)
        op_expect_ok(&error, gs__graph_value(&graph, &shapes[i], GS_F32, GS__STORAGE_ACTIVATION, NULL, &x[i]), "value");
    const gs__matmul_gradients_attr two = {.count = 2}, none = {0};
    assert_int_equal(gs__graph_apply(&graph, "matmul_gradients", NULL, &two, x, 4, y), GS_ERR_ARGUMENT);
    assert_non_null(strstr(error.message, "rows of the first"));
    assert_int_equal(gs__graph_apply(&graph, "matmul_gradients", NULL, &two, x, 2, y), GS_ERR_ARGUMENT);
    assert_int_equal(gs__graph_apply(&graph, "matmul_gradients", NULL, &none, x, 2, y), GS_ERR_ARGUMENT);
    gs__graph_deinit(&graph);
}

// --- the pass -------------------------------------------------------------------------------------------------------
static void count_nodes(uint32_t layers, bool shared, uint32_t *groups, uint32_t *products) {
    gs__error error = {0};
    gs__graph g;
    gs__value x, targets, w = 0, y[GS__MAX_OUTPUTS];
#define OK(call) op_expect_ok(&error, call, #call)
    gs__graph_init(&g, &error, true, 4);
    OK(gs__graph_value(&g, &(gs_shape){2, {4, 6}}, GS_F32, GS__STORAGE_ACTIVATION, NULL, &x));
    OK(gs__graph_value(&g, &(gs_shape){2, {4, 6}}, GS_F32, GS__STORAGE_ACTIVATION, NULL, &targets));
    for (uint32_t i = 0; i < layers; i++) {
        if (!shared || !w) OK(gs__graph_value(&g, &(gs_shape){2, {6, 6}}, GS_F32, GS__STORAGE_PARAMETER, NULL, &w));
        OK(gs__graph_apply(&g, "matmul", "layer", NULL, (gs__value[]){x, w}, 2, y));
        x = y[0];
    }
    OK(gs__graph_apply(&g, "pointwise_loss", "loss", &(gs__pointwise_loss_attr){.kind = GS_LOSS_MSE},
                       (gs__value[]){x, targets}, 2, y));
    OK(gs__graph_backward(&g));
    OK(gs__graph_group_gradients(&g));
    OK(gs__graph_update(&g, "sgd", NULL, 0));
    OK(gs__graph_prune(&g));
#undef OK
    *groups = *products = 0;
    for (uint32_t i = 0; i < g.node_count; i++) {
        *groups += strcmp(g.nodes[i].op->name, "matmul_gradients") == 0;
        *products += strcmp(g.nodes[i].op->name, "matmul") == 0 && g.nodes[i].pass == GS__BACKWARD;
    }
    gs__graph_deinit(&g);
}

static void groups_up_to_four_layers(void **state) {
    (void)state;
    uint32_t groups, products;
    count_nodes(1, false, &groups, &products);
    assert_true(groups == 0 && products == 1);
    count_nodes(3, false, &groups, &products); // dx of two layers stays
    assert_true(groups == 1 && products == 2);
    count_nodes(6, false, &groups, &products);
    assert_true(groups == 2 && products == 5);
    count_nodes(3, true, &groups, &products); // sums of contributions are made on the way
    assert_true(groups == 0 && products == 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_sizes), cmocka_unit_test(three_dimensions),
                                       cmocka_unit_test(refusals), cmocka_unit_test(groups_up_to_four_layers)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
