// reshape has no kernel: its result and its gradient are other names of the same memory.
#include "harness.h"

#include "op/attr.h"
#include <string.h>

static void view_of_the_same_values(void **state) {
    op_fixture *f = *state;
    for (int class = 0; class < 2; class ++) {
        gs__graph graph;
        gs__value x, flat, sum;
        gs__plan *plan;
        double in[24], out[24];
        gs__graph_init(&graph, &f->error, true, 2);
        op_expect_ok(&f->error,
                     gs__graph_value(&graph, &(gs_shape){3, {2, 3, 4}}, GS_F32, GS__STORAGE_ACTIVATION, NULL, &x), "x");
        op_expect_ok(&f->error,
                     gs__graph_apply(&graph, "reshape", NULL, &(gs__reshape_attr){{2, {2, 12}}}, &x, 1, &flat),
                     "reshape");
        op_expect_ok(&f->error, gs__graph_apply(&graph, "add", NULL, NULL, (gs__value[]){flat, flat}, 2, &sum), "add");
        assert_int_equal(gs__graph_owner(&graph, flat), x);
        graph.values[x].pinned = graph.values[sum].pinned = true;
        op_expect_ok(&f->error,
                     gs__plan_create(&f->error, &(gs__plan_params){.gpu = f->gpu[class], .graph = &graph}, &plan),
                     "plan");
        for (int i = 0; i < 24; i++) in[i] = i;
        op_write(plan, &f->error, x, in);
        op_expect_ok(&f->error, op_run_step(plan), "step");
        op_read(plan, &f->error, sum, out);
        for (int i = 0; i < 24; i++) assert_true(out[i] == 2 * i);
        gs__plan_destroy(plan);
        gs__graph_deinit(&graph);
    }
}

static void reference_copies(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("reshape");
    double x[6] = {1, 2, 3, 4, 5, 6}, y[6] = {0}, dx[6] = {0};
    gs__reference r = {
        .x = {x}, .y = {y}, .dy = {x}, .dx = {dx}, .x_shape = {{3, {1, 2, 3}}}, .y_shape = {{2, {1, 6}}}};
    op->ref_forward(&r);
    op->ref_backward(&r);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_equal(x, dx, sizeof x);
}

static void refuses_other_counts(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("reshape");
    const gs__value_info x = {.shape = {3, {8, 3, 4}}}, *inputs[GS__MAX_INPUTS] = {&x};
    const gs_shape bad[] = {{2, {8, 13}}, {2, {4, 24}}, {0, {0}}, {2, {8, 0}}};
    for (uint32_t i = 0; i < 4; i++) {
        gs__error error = {0};
        gs__node node = {.op = op};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        memcpy(node.attr.bytes, &(gs__reshape_attr){bad[i]}, sizeof(gs__reshape_attr));
        assert_int_equal(op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, "cannot become"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(view_of_the_same_values), cmocka_unit_test(reference_copies),
                                       cmocka_unit_test(refuses_other_counts)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
