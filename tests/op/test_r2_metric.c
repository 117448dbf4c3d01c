// r2_metric: sums over the steps of a pass, with what their rounding lost.
#include "metric.h"
#include "stateful.h"

#include <math.h>
#include <stdlib.h>

// (3, 2, K): the second row of each is what the first has too much.
static void take_off(double *y, uint64_t count) {
    const uint64_t columns = count / 6;
    for (uint64_t i = 0; i < 3; i++)
        for (uint64_t c = 0; c < columns; c++) {
            y[2 * i * columns + c] -= y[(2 * i + 1) * columns + c];
            y[(2 * i + 1) * columns + c] = 0;
        }
}

static void check(void **state, gs_shape shape, gs_dtype dtype, uint32_t steps, double low, double high) {
    const uint32_t batch = (uint32_t)shape.dim[0];
    stateful_check(*state, &(stateful_case){.op = "r2_metric",
                                            .x = {{.shape = shape, .low = low, .high = high},
                                                  {.shape = shape, .dtype = dtype, .low = low, .high = high}},
                                            .steps = steps,
                                            .rows = {batch, batch, batch > 2 ? batch - 2 : batch, 1},
                                            .relative = 2e-7,
                                            .absolute = 1e-5,
                                            .convert = take_off});
}

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{2, {1, 1}},    {2, {37, 1}},   {2, {3, 5}},    {2, {67, 3}},
                                      {3, {3, 5, 7}}, {2, {2, 1031}}, {2, {130, 65}}, {4, {2, 3, 5, 9}}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int int_targets = 0; int_targets < 2; int_targets++)
            check(state, shapes[s], int_targets ? GS_I32 : GS_F32, 4, -3, 4);
}

// 12 000 numbers near 1000: a plain float sum of their squares is off by some 1e-5.
static void long_sum(void **state) {
    check(state, (gs_shape){2, {4001, 2}}, GS_F32, 3, 999, 1001);
}

static void by_hand(void **state) {
    (void)state;
    static const double x[] = {1, 2, 3, 4, 9, 9}, t[] = {2, 2, 5, 0, 9, 9};
    static const double expected[] = {7, 2, 0, 0, 29, 4, 0, 0, 5, 16, 0, 0}; // of two rows of three
    gs__node node = {.op = gs__op_find("r2_metric")};
    const struct gs_state s = {.cur = {.rows = 2}};
    double y[12] = {0};
    node.op->ref_forward(
        &(gs__reference){.node = &node, .x = {x, t}, .y = {y}, .x_shape = {{2, {3, 2}}, {2, {3, 2}}}, .state = &s});
    op_compare("y", y, expected, 12, 0, 1e-12);
}

static void bad_targets(void **state) {
    (void)state;
    metric_refused("r2_metric", NULL, (gs_shape){2, {4, 3}}, (gs_shape){1, {4}}, GS_F32, "as many targets");
    metric_refused("r2_metric", NULL, (gs_shape){1, {4}}, (gs_shape){1, {4}}, GS_F32, "as many targets");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(long_sum),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(bad_targets),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
