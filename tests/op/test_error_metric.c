// Mean squared and mean absolute error.
#include "metric.h"

#include "op/attr.h"

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}},    {1, {37}},      {2, {3, 1}},    {2, {67, 3}},
                                      {2, {5, 7}}, {3, {3, 5, 7}}, {2, {2, 1031}}, {2, {130, 65}}};
    static const gs_metric_kind kinds[] = {GS_METRIC_MSE, GS_METRIC_MAE};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t k = 0; k < 2; k++)
            for (int int_targets = 0; int_targets < 2; int_targets++) {
                const gs__error_metric_attr attr = {kinds[k]};
                const int64_t batch = shapes[s].dim[0];
                op_check(*state,
                         &(op_case){
                             .op = "error_metric",
                             .attr = &attr,
                             .x = {{.shape = shapes[s], .low = -3, .high = 3},
                                   {.shape = shapes[s], .dtype = int_targets ? GS_I32 : GS_F32, .low = -3, .high = 4}},
                             .rows = batch > 2 ? (uint32_t)batch - 2 : 0});
            }
}

static void by_hand(void **state) {
    static const double x[] = {1, 2, 3, 4}, t[] = {1, 0, 3, 7};
    const struct {
        gs_metric_kind kind;
        double expected[2];
    } cases[] = {{GS_METRIC_MSE, {2, 4.5}}, {GS_METRIC_MAE, {1, 1.5}}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        gs__node node = {.op = gs__op_find("error_metric")};
        *(gs__error_metric_attr *)(void *)node.attr.bytes = (gs__error_metric_attr){cases[i].kind};
        const struct gs_state s = {.cur = {.rows = 2}};
        double y[2];
        node.op->ref_forward(
            &(gs__reference){.node = &node, .x = {x, t}, .y = {y}, .x_shape = {{2, {2, 2}}, {2, {2, 2}}}, .state = &s});
        op_compare("y", y, cases[i].expected, 2, 0, 1e-12);
    }
}

static void bad_targets(void **state) {
    (void)state;
    const gs__error_metric_attr attr = {GS_METRIC_MAE};
    metric_refused("error_metric", &attr, (gs_shape){2, {4, 3}}, (gs_shape){1, {4}}, GS_F32, "mean_absolute_error");
    metric_refused("error_metric", &attr, (gs_shape){2, {4, 3}}, (gs_shape){2, {3, 4}}, GS_F32, "(None, 4)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(bad_targets),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
