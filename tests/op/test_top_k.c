// Sparse top-k accuracy, with ties, values that are not finite, and targets that are no class.
#include "metric.h"

#include "op/attr.h"

#include <math.h>

static void odd_shapes(void **state) {
    static const struct {
        gs_shape output, targets;
    } shapes[] = {
        {{2, {1, 1}}, {1, {1}}},      {{2, {37, 10}}, {1, {37}}},          {{2, {3, 5}}, {2, {3, 1}}},
        {{2, {5, 127}}, {1, {5}}},    {{3, {3, 70, 7}}, {2, {3, 70}}},     {{2, {3, 1531}}, {1, {3}}},
        {{2, {129, 33}}, {1, {129}}}, {{4, {2, 3, 5, 9}}, {3, {2, 3, 5}}},
    };
    static const uint32_t ks[] = {1, 2, 5, 2000};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t k = 0; k < 4; k++)
            for (int ties = 0; ties < 2; ties++) {
                const gs__top_k_attr attr = {ks[k]};
                const int64_t batch = shapes[s].output.dim[0],
                              classes = shapes[s].output.dim[shapes[s].output.rank - 1];
                // The output as int32 would be refused; few different values come from a narrow range of floats.
                const double low = ties ? 1.0 : -3, high = ties ? 1.0000005 : 3;
                op_check(*state, &(op_case){.op = "top_k",
                                            .attr = &attr,
                                            .x = {{.shape = shapes[s].output, .low = low, .high = high},
                                                  {.shape = shapes[s].targets,
                                                   .dtype = GS_I32,
                                                   .low = -1,
                                                   .high = (double)classes + 1}}, // some are no class
                                            .rows = batch > 2 ? (uint32_t)batch - 2 : 0});
            }
}

static void by_hand(void **state) {
    // clang-format off
    static const double x[] = {
        1, 3, 2, 0,        // target 2: one is greater
        5, 5, 5, 0,        // target 2: none is greater
        5, 5, 4, 4,        // target 3: two are greater
        INFINITY, 0, 1, 2, // a value is not finite
        NAN, 0, 1, 2,
        0, 0, 0, NAN,
    };
    static const double targets[] = {2, 2, 3, 3, 3, 1}, expected[2][6] = {{0, 1, 0, 0, 0, 0}, {1, 1, 0, 0, 0, 0}};
    // clang-format on
    for (uint32_t k = 1; k <= 2; k++) {
        const gs__top_k_attr attr = {k};
        gs__node node = {.op = gs__op_find("top_k")};
        *(gs__top_k_attr *)(void *)node.attr.bytes = attr;
        const struct gs_state s = {.cur = {.rows = 6}};
        double y[6];
        node.op->ref_forward(&(gs__reference){
            .node = &node, .x = {x, targets}, .y = {y}, .x_shape = {{2, {6, 4}}, {1, {6}}}, .state = &s});
        op_compare("y", y, expected[k - 1], 6, 0, 1e-12);
        op_check(*state, &(op_case){.op = "top_k",
                                    .attr = &attr,
                                    .x = {{.shape = {2, {6, 4}}, .values = x},
                                          {.shape = {1, {6}}, .dtype = GS_I32, .values = targets}}});
    }
}

static void bad_targets(void **state) {
    (void)state;
    const gs__top_k_attr attr = {5}, none = {0};
    metric_refused("top_k", &none, (gs_shape){2, {4, 3}}, (gs_shape){1, {4}}, GS_I32, "k is 0");
    metric_refused("top_k", &attr, (gs_shape){2, {4, 3}}, (gs_shape){1, {4}}, GS_F32, "float32 (None)");
    metric_refused("top_k", &attr, (gs_shape){2, {4, 3}}, (gs_shape){2, {4, 3}}, GS_I32, "(None, 3)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(bad_targets),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
