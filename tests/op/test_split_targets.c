// split_targets: the weight of a sample stands behind its targets, as a float's bits whatever their type.
#include "harness.h"

#include "op/attr.h"

#include <stdlib.h>
#include <string.h>

static double bits_of(float value) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void odd_shapes(void **state) {
    // Of the targets: (B, ...)
    static const gs_shape shapes[] = {{1, {1}},       {1, {37}},      {2, {3, 1}},       {2, {67, 3}},
                                      {3, {3, 5, 7}}, {2, {2, 1031}}, {4, {3, 2, 5, 9}}, {1, {129}}};
    uint64_t seed = 5;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int floats = 0; floats < 2; floats++) {
            const gs__split_targets_attr attr = {shapes[s]};
            int64_t n = 1;
            for (uint32_t i = 1; i < shapes[s].rank; i++) n *= shapes[s].dim[i];
            const gs_shape packed = {2, {shapes[s].dim[0], n + 1}};
            double *x = malloc((size_t)(packed.dim[0] * (n + 1)) * sizeof *x);
            assert_non_null(x);
            for (int64_t i = 0; i < packed.dim[0] * (n + 1); i++) {
                const float weight = (float)op_random(&seed, 0, 4);
                x[i] = op_random(&seed, -1000, 1000);
                if (i % (n + 1) == n) x[i] = floats ? (double)weight : bits_of(weight);
            }
            op_check(*state, &(op_case){.op = "split_targets",
                                        .attr = &attr,
                                        .x = {{.shape = packed, .dtype = floats ? GS_F32 : GS_I32, .values = x}},
                                        .relative = 1e-12,
                                        .absolute = 1e-12});
            free(x);
        }
}

static void by_hand(void **state) {
    (void)state;
    const double x[] = {3, -1, bits_of(0.25f), 0, 7, bits_of(2)};
    static const double expected[] = {3, -1, 0, 7}, weights[] = {0.25, 2};
    gs__node node = {.op = gs__op_find("split_targets")};
    double y[4], w[2];
    node.op->ref_forward(
        &(gs__reference){.node = &node, .x = {x}, .y = {y, w}, .x_shape = {{2, {2, 3}}}, .x_dtype = {GS_I32}});
    op_compare("targets", y, expected, 4, 0, 1e-12);
    op_compare("weights", w, weights, 2, 0, 1e-12);
}

static void wrong_sizes(void **state) {
    (void)state;
    const struct {
        gs_shape packed, targets;
        gs_dtype dtype;
    } cases[] = {
        {{2, {4, 3}}, {2, {4, 3}}, GS_F32}, {{2, {4, 3}}, {2, {3, 2}}, GS_F32}, {{2, {4, 3}}, {2, {4, 2}}, GS_U8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gs__error error = {0};
        gs__graph graph;
        gs__value x, y[GS__MAX_OUTPUTS];
        const gs__split_targets_attr attr = {cases[i].targets};
        gs__graph_init(&graph, &error, true, 4);
        op_expect_ok(&error,
                     gs__graph_value(&graph, &cases[i].packed, cases[i].dtype, GS__STORAGE_ACTIVATION, NULL, &x), "x");
        assert_int_equal(gs__graph_apply(&graph, "split_targets", NULL, &attr, &x, 1, y), GS_ERR_INTERNAL);
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
