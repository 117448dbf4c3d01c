// count_metric: confusion matrices and histograms, over the steps of a pass.
#include "metric.h"
#include "stateful.h"

#include "op/attr.h"

#include <math.h>
#include <stdlib.h>

static const gs_shape outputs[] = {{2, {1, 1}},     {2, {37, 10}}, {2, {3, 5}},    {2, {5, 127}},
                                   {3, {3, 70, 7}}, {2, {129, 3}}, {2, {130, 65}}, {4, {2, 3, 5, 9}}};
enum { OUTPUTS = sizeof outputs / sizeof *outputs };

static void check(void **state, const gs__count_metric_attr *attr, const gs_shape *shape, const double *x,
                  const double *targets, gs_dtype dtype) {
    const uint32_t batch = (uint32_t)shape->dim[0];
    gs_shape target_shape = *shape;
    if (attr->sparse) target_shape.rank--;
    const double classes = (double)shape->dim[shape->rank - 1];
    stateful_check(*state, &(stateful_case){.op = "count_metric",
                                            .attr = attr,
                                            .x = {{.shape = *shape, .values = x},
                                                  {.shape = target_shape,
                                                   .dtype = attr->sparse ? GS_I32 : dtype,
                                                   .low = attr->sparse ? -1 : 0,
                                                   .high = attr->sparse ? classes + 1 : 2, // some are no class
                                                   .values = targets}},
                                            .steps = 4,
                                            .rows = {batch, batch > 2 ? batch - 2 : batch, 1, batch},
                                            .absolute = 1e-9});
}

static void confusion(void **state) {
    for (size_t i = 0; i < OUTPUTS; i++)
        for (uint32_t sparse = 0; sparse < 2; sparse++) {
            const gs__count_metric_attr attr = {.confusion = 1, .sparse = sparse, .buckets = 2};
            check(state, &attr, &outputs[i], NULL, NULL, GS_F32);
        }
}

// A row of outputs none of whose probabilities is so close to a threshold that its rounding decides.
static void make_row(uint64_t *seed, uint32_t link, uint32_t buckets, double *x, int64_t n) {
    for (bool clear = false; !clear;) {
        double sum = 0;
        clear = true;
        for (int64_t k = 0; k < n; k++) {
            x[k] = (double)(float)(link ? op_random(seed, -6, 6) : op_random(seed, 0, 1));
            sum += exp(x[k]);
        }
        for (int64_t k = 0; k < n; k++) {
            const double p = link == 1 ? 1 / (1 + exp(-x[k])) : link == 2 ? exp(x[k]) / sum : x[k];
            const double at = buckets == 2 ? p + 0.5 : p * (buckets - 1);
            clear = clear && (round(at) < 1 || fabs(at - round(at)) > 1e-4 || (link == 2 && n == 1));
        }
    }
}

static void histograms(void **state) {
    uint64_t seed = 3;
    for (size_t i = 0; i < OUTPUTS; i++)
        for (uint32_t link = 0; link < 3; link++)
            for (uint32_t kind = 0; kind < 4; kind++) {
                const gs__count_metric_attr attr = {
                    .sparse = kind & 1, .link = link, .buckets = kind & 2 ? GS__AUC_BUCKETS : 2};
                const int64_t n = outputs[i].dim[outputs[i].rank - 1];
                int64_t count = 1;
                for (uint32_t d = 0; d < outputs[i].rank; d++) count *= outputs[i].dim[d];
                double *x = malloc((size_t)count * sizeof *x);
                assert_non_null(x);
                for (int64_t row = 0; row < count / n; row++) make_row(&seed, link, attr.buckets, x + row * n, n);
                check(state, &attr, &outputs[i], x, NULL, link ? GS_F32 : GS_I32);
                free(x);
            }
}

static void check_by_hand(void **state, gs__count_metric_attr attr, const double *x, const double *targets,
                          const double *expected, uint64_t count) {
    const gs_shape shape = {2, {4, 3}}, sparse_shape = {1, {4}};
    gs__node node = {.op = gs__op_find("count_metric")};
    *(gs__count_metric_attr *)(void *)node.attr.bytes = attr;
    const struct gs_state s = {.cur = {.rows = 4}};
    double y[16] = {0};
    assert_true(count <= 16);
    node.op->ref_forward(&(gs__reference){.node = &node,
                                          .x = {x, targets},
                                          .y = {y},
                                          .x_shape = {shape, attr.sparse ? sparse_shape : shape},
                                          .state = &s});
    op_compare("y", y, expected, count, 0, 1e-12);
    check(state, &attr, &shape, x, targets, GS_F32);
}

static void by_hand(void **state) {
    // The first of equal outputs is the prediction; a target that is no class counts nowhere.
    static const double x[] = {1, 3, 3, 0, 0, 0, -1, -2, -0.5, 5, 6, 7}, classes[] = {2, 0, 2, 3};
    static const double one_hot[] = {0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0};
    static const double sparse[9] = {1, 0, 0, 0, 0, 0, 0, 1, 1}, categorical[9] = {1, 0, 0, 0, 0, 1, 0, 1, 1};
    check_by_hand(state, (gs__count_metric_attr){.confusion = 1, .sparse = 1, .buckets = 2}, x, classes, sparse, 9);
    check_by_hand(state, (gs__count_metric_attr){.confusion = 1, .buckets = 2}, x, one_hot, categorical, 9);

    // 5 buckets: thresholds 0, 1/4, ... 1; beyond 0 and 1, and exactly on a threshold. The threshold 1/2 is not above it.
    static const double p[] = {-1, 0, 0.25, 0.26, 0.5, 0.75, 1, 2, 0.1, 0.6, 0.9, 0.3};
    static const double hit[] = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
    static const double five[10] = {3, 1, 0, 2, 0, 1, 2, 2, 1, 0}, two[4] = {4, 2, 3, 3};
    check_by_hand(state, (gs__count_metric_attr){.buckets = 5}, p, hit, five, 10);
    check_by_hand(state, (gs__count_metric_attr){.buckets = 2}, p, hit, two, 4);
}

static void bad_targets(void **state) {
    (void)state;
    const gs__count_metric_attr sparse = {.sparse = 1, .buckets = 2}, all = {.buckets = 2};
    metric_refused("count_metric", &sparse, (gs_shape){2, {4, 3}}, (gs_shape){1, {4}}, GS_F32, "do not fit together");
    metric_refused("count_metric", &sparse, (gs_shape){2, {4, 3}}, (gs_shape){1, {3}}, GS_I32, "do not fit together");
    metric_refused("count_metric", &all, (gs_shape){2, {4, 3}}, (gs_shape){1, {4}}, GS_F32, "do not fit together");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confusion),
        cmocka_unit_test(histograms),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(bad_targets),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
