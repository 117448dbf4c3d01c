// Sparse, categorical and binary accuracy: ties, NaN, odd shapes.
#include "metric.h"

#include "op/attr.h"

#include <math.h>

static const gs_shape outputs[] = {{2, {1, 1}},     {2, {37, 10}},  {2, {3, 5}},    {2, {5, 127}},
                                   {3, {3, 70, 7}}, {2, {3, 1531}}, {2, {129, 33}}, {4, {2, 3, 5, 9}}};
enum { OUTPUTS = sizeof outputs / sizeof *outputs };

static uint32_t partial(const gs_shape *s) {
    return s->dim[0] > 2 ? (uint32_t)s->dim[0] - 2 : 0;
}

static void sparse(void **state) {
    const gs__accuracy_attr attr = {.kind = GS__ACCURACY_SPARSE};
    for (size_t i = 0; i < OUTPUTS; i++)
        for (int ties = 0; ties < 2; ties++) {
            gs_shape targets = outputs[i];
            const int64_t classes = targets.dim[--targets.rank];
            // Few different values, so that the greatest comes several times.
            const double low = ties ? 1.0 : -3, high = ties ? 1.0000005 : 3;
            op_check(*state, &(op_case){.op = "accuracy",
                                        .attr = &attr,
                                        .x = {{.shape = outputs[i], .low = low, .high = high},
                                              {.shape = targets,
                                               .dtype = GS_I32,
                                               .low = 0,
                                               .high = ties && classes > 3 ? 4 : (double)classes}},
                                        .rows = partial(&outputs[i])});
        }
}

static void categorical(void **state) {
    const gs__accuracy_attr attr = {.kind = GS__ACCURACY_CATEGORICAL};
    for (size_t i = 0; i < OUTPUTS; i++)
        op_check(*state, &(op_case){.op = "accuracy",
                                    .attr = &attr,
                                    .x = {{.shape = outputs[i], .low = 1, .high = 1.0000005}, {.shape = outputs[i]}},
                                    .rows = partial(&outputs[i])});
}

static void binary(void **state) {
    static double targets[5000];
    uint64_t seed = 9;
    for (int i = 0; i < 5000; i++) targets[i] = op_random(&seed, 0, 1) < 0.5;
    for (size_t i = 0; i < OUTPUTS; i++)
        for (int int_targets = 0; int_targets < 2; int_targets++) {
            const gs__accuracy_attr attr = {.kind = GS__ACCURACY_BINARY, .threshold = int_targets ? 0.5f : 0.25f};
            op_check(*state,
                     &(op_case){.op = "accuracy",
                                .attr = &attr,
                                .x = {{.shape = outputs[i], .low = 0, .high = 1},
                                      {.shape = outputs[i], .dtype = int_targets ? GS_I32 : GS_F32, .values = targets}},
                                .rows = partial(&outputs[i])});
        }
}

static void check_by_hand(void **state, const gs__accuracy_attr *attr, const gs_shape *shape, const double *x,
                          const gs_shape *target_shape, gs_dtype dtype, const double *targets, const double *expected) {
    gs__node node = {.op = gs__op_find("accuracy")};
    *(gs__accuracy_attr *)(void *)node.attr.bytes = *attr;
    const uint32_t batch = (uint32_t)shape->dim[0];
    const struct gs_state s = {.cur = {.rows = batch}};
    double y[8];
    node.op->ref_forward(
        &(gs__reference){.node = &node, .x = {x, targets}, .y = {y}, .x_shape = {*shape, *target_shape}, .state = &s});
    op_compare("y", y, expected, batch, 0, 1e-12);
    op_check(*state, &(op_case){.op = "accuracy",
                                .attr = attr,
                                .x = {{.shape = *shape, .values = x},
                                      {.shape = *target_shape, .dtype = dtype, .values = targets}}});
}

static void by_hand(void **state) {
    // The first of equal values; -infinity can be the greatest; NaN cannot.
    static const double x[] = {1, 3, 3, -INFINITY, -INFINITY, -INFINITY, NAN, -1, -2, NAN, NAN, NAN};
    static const double right[] = {1, 0, 1, 0}, wrong[] = {2, 1, 0, 1}, all[] = {1, 1, 1, 0}, none[] = {0, 0, 0, 0};
    const gs_shape shape = {2, {4, 3}}, sparse_shape = {1, {4}}, column = {2, {4, 1}};
    const gs__accuracy_attr sparse_attr = {.kind = GS__ACCURACY_SPARSE};
    check_by_hand(state, &sparse_attr, &shape, x, &sparse_shape, GS_I32, right, all);
    check_by_hand(state, &sparse_attr, &shape, x, &column, GS_I32, wrong, none);

    static const double one_hot[] = {0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0};
    const gs__accuracy_attr categorical_attr = {.kind = GS__ACCURACY_CATEGORICAL};
    check_by_hand(state, &categorical_attr, &shape, x, &shape, GS_F32, one_hot, all);

    // The threshold itself is not above it; a target that is neither 0 nor 1 is never met.
    static const double p[] = {0.5, 0.75, 0.25, 1}, t[] = {0, 1, 0.25, 0.5}, halves[] = {1, 0};
    const gs__accuracy_attr binary_attr = {.kind = GS__ACCURACY_BINARY, .threshold = 0.5f};
    const gs_shape two = {2, {2, 2}};
    check_by_hand(state, &binary_attr, &two, p, &two, GS_F32, t, halves);
}

static void bad_targets(void **state) {
    (void)state;
    const gs__accuracy_attr sparse_attr = {.kind = GS__ACCURACY_SPARSE};
    const gs__accuracy_attr categorical_attr = {.kind = GS__ACCURACY_CATEGORICAL};
    const gs__accuracy_attr binary_attr = {.kind = GS__ACCURACY_BINARY};
    const gs_shape output = {2, {4, 3}}, rows = {1, {4}}, three = {1, {3}};
    metric_refused("accuracy", &sparse_attr, output, rows, GS_F32, "int32 target");
    metric_refused("accuracy", &sparse_attr, output, three, GS_I32, "(None)");
    metric_refused("accuracy", &categorical_attr, output, rows, GS_F32, "same shape");
    metric_refused("accuracy", &binary_attr, output, rows, GS_F32, "as many");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sparse),  cmocka_unit_test(categorical), cmocka_unit_test(binary),
        cmocka_unit_test(by_hand), cmocka_unit_test(bad_targets),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
