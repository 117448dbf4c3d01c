// dense_crossentropy against its reference, and the pass that puts it into graphs.
#include "harness.h"

#include "model/fuse.h"
#include "op/attr.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct sizes {
    int64_t batch, features, classes;
    uint32_t rows;
};

static void check(void *state, struct sizes s, bool bias, bool gradient, bool dx, const gs__epilogue *epilogue) {
    const gs__dense_crossentropy_attr attr = {.accuracy = gradient || !dx, .gradient = gradient};
    op_case c = {.op = "dense_crossentropy",
                 .attr = &attr,
                 .x = {{.shape = {2, {s.batch, s.features}}, .constant = !dx},
                       {.shape = {2, {s.features, s.classes}}, .storage = GS__STORAGE_PARAMETER},
                       {.shape = {1, {s.classes}}, .storage = GS__STORAGE_PARAMETER, .absent = !bias},
                       {.shape = {1, {s.batch}}, .dtype = GS_I32, .low = 0, .high = (double)s.classes}},
                 .rows = s.rows,
                 .set = {.seed_lo = 3, .seed_hi = 4},
                 .position = {.step_lo = 7},
                 .absolute = 2e-6};
    if (epilogue) c.backward_epilogue = *epilogue;
    op_check(state, &c);
}

static void odd_sizes(void **state) {
    static const struct sizes sizes[] = {{1, 1, 1, 0},      {1, 3, 2, 0},  {3, 5, 3, 2},     {7, 13, 7, 0},
                                         {8, 64, 10, 0},    {9, 12, 4, 9}, {32, 64, 10, 20}, {33, 31, 31, 0},
                                         {17, 100, 32, 11}, {5, 8, 8, 1},  {40, 513, 17, 0}};
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check(*state, sizes[i], true, true, true, NULL);
        check(*state, sizes[i], false, true, true, NULL);
    }
    check(*state, sizes[6], true, true, false, NULL);  // nothing before it learns
    check(*state, sizes[6], true, false, false, NULL); // evaluation
    check(*state, sizes[3], true, false, false, NULL);
}

static void epilogues(void **state) {
    static const gs__epilogue relu = {.activation = GS_ACTIVATION_RELU};
    static const gs__epilogue both = {.activation = GS_ACTIVATION_TANH, .rate = 0.3f, .key = 5};
    static const gs__epilogue dropout = {.rate = 0.5f, .key = 6};
    check(*state, (struct sizes){32, 64, 10, 30}, true, true, true, &relu);
    check(*state, (struct sizes){13, 31, 10, 0}, true, true, true, &both);
    check(*state, (struct sizes){12, 36, 4, 0}, false, true, true, &both);
    check(*state, (struct sizes){9, 17, 3, 0}, true, true, true, &dropout);
}

// Classes outside, NaN and huge logits stay in their rows.
static void hard_rows(void **state) {
    const double x[6 * 2] = {1, 2, NAN, 1, 3e4, -3e4, 0, 0, 1, 1, 2, 2};
    const double targets[6] = {0, 1, 2, -1, 3, 1}, kernel[2 * 3] = {1, -1, 0.5, 2, 0.25, -1};
    const gs__dense_crossentropy_attr attr = {1, 1};
    op_check(*state, &(op_case){.op = "dense_crossentropy",
                                .attr = &attr,
                                .x = {{.shape = {2, {6, 2}}, .values = x},
                                      {.shape = {2, {2, 3}}, .storage = GS__STORAGE_PARAMETER, .values = kernel},
                                      {.absent = true},
                                      {.shape = {1, {6}}, .dtype = GS_I32, .values = targets}},
                                .no_numeric = true}); // NaN has no gradient
}

static void refusals(void **state) {
    (void)state;
    gs__error error = {0};
    gs__graph graph;
    gs__value x[4], y[3];
    gs__graph_init(&graph, &error, true, 4);
    const gs_shape shapes[4] = {{2, {4, 5}}, {2, {5, 33}}, {1, {33}}, {1, {4}}};
    for (int i = 0; i < 4; i++)
        op_expect_ok(&error,
                     gs__graph_value(&graph, &shapes[i], i == 3 ? GS_I32 : GS_F32, GS__STORAGE_ACTIVATION, NULL, &x[i]),
                     "value");
    assert_int_equal(gs__graph_apply(&graph, "dense_crossentropy", "last", NULL, x, 4, y), GS_ERR_ARGUMENT);
    assert_non_null(strstr(error.message, "at most 32"));
    gs__graph_deinit(&graph);
}

// --- the pass -------------------------------------------------------------------------------------------------------
struct net {
    gs__error error;
    gs__graph graph;
    gs__value hidden, logits;
};

static void build(struct net *n, int64_t classes, bool metric, bool training) {
    gs__value y[GS__MAX_OUTPUTS], x, targets, w1, w2;
    memset(n, 0, sizeof *n);
    gs__graph *g = &n->graph;
    gs__graph_init(g, &n->error, training, 4);
#define OK(call) op_expect_ok(&n->error, call, #call)
    OK(gs__graph_value(g, &(gs_shape){2, {4, 6}}, GS_F32, GS__STORAGE_ACTIVATION, NULL, &x));
    OK(gs__graph_value(g, &(gs_shape){1, {4}}, GS_I32, GS__STORAGE_ACTIVATION, NULL, &targets));
    OK(gs__graph_value(g, &(gs_shape){2, {6, 8}}, GS_F32, GS__STORAGE_PARAMETER, NULL, &w1));
    OK(gs__graph_value(g, &(gs_shape){2, {8, classes}}, GS_F32, GS__STORAGE_PARAMETER, NULL, &w2));
    OK(gs__graph_apply(g, "matmul", "one", NULL, (gs__value[]){x, w1}, 2, y));
    OK(gs__graph_apply(g, "activation", "one", &(gs__activation_attr){GS_ACTIVATION_RELU, 0}, y, 1, y));
    n->hidden = y[0];
    OK(gs__graph_apply(g, "matmul", "two", NULL, (gs__value[]){y[0], w2}, 2, y));
    n->logits = y[0];
    OK(gs__graph_apply(g, "sparse_crossentropy", "loss", &(gs__sparse_crossentropy_attr){.accuracy = 1},
                       (gs__value[]){n->logits, targets}, 2, y));
    if (metric) OK(gs__graph_apply(g, "top_k", "k", &(gs__top_k_attr){2}, (gs__value[]){n->logits, targets}, 2, y));
    OK(gs__graph_fuse(g));
    if (training) OK(gs__graph_backward(g));
    OK(gs__graph_fuse_heads(g));
    OK(gs__graph_prune(g));
#undef OK
}

static const gs__node *head_of(const struct net *n) {
    for (uint32_t i = 0; i < n->graph.node_count; i++)
        if (strcmp(n->graph.nodes[i].op->name, "dense_crossentropy") == 0) return &n->graph.nodes[i];
    return NULL;
}

static void fuses_where_nothing_else_reads(void **state) {
    (void)state;
    struct net n;
    build(&n, 10, false, true);
    const gs__node *head = head_of(&n);
    assert_non_null(head);
    // matmul, head, two products for the gradients of the kernels.
    assert_int_equal(n.graph.node_count, 4);
    assert_true(head->x[0] == n.hidden && head->dx[0] && head->epilogue_y == n.hidden);
    assert_int_equal(head->epilogue.activation, GS_ACTIVATION_RELU);
    gs__graph_deinit(&n.graph);

    build(&n, 10, false, false);
    assert_non_null(head_of(&n));
    assert_int_equal(n.graph.node_count, 2);
    gs__graph_deinit(&n.graph);

    build(&n, 10, true, true); // a metric reads the logits
    assert_null(head_of(&n));
    gs__graph_deinit(&n.graph);
    build(&n, 33, false, true); // too many classes
    assert_null(head_of(&n));
    gs__graph_deinit(&n.graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_sizes), cmocka_unit_test(epilogues),
                                       cmocka_unit_test(hard_rows), cmocka_unit_test(refusals),
                                       cmocka_unit_test(fuses_where_nothing_else_reads)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
