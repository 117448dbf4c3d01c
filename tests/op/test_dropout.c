#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{1, {1}}, {1, {3}}, {2, {7, 13}}, {2, {33, 127}}, {3, {2, 3, 4}}};
    static const gs__dropout_attr attrs[] = {{0.2f, 0}, {0.5f, 1}, {0.999f, 0xFFFFFFFFu}, {0, 3}, {0.99999994f, 2}};
    for (uint32_t i = 0; i < 5; i++)
        for (uint32_t j = 0; j < 5; j++)
            op_check(*state, &(op_case){.op = "dropout",
                                        .attr = &attrs[i],
                                        .x = {{.shape = shapes[j]}},
                                        .set = {.seed_lo = 0x9E3779B9u, .seed_hi = i},
                                        .position = {.step_lo = 0xFFFFFFFFu, .step_hi = j},
                                        .gradient_tolerance = 1e-4}); // scales reach 2^24
}

static void nan_stays_nan(void **state) {
    const double values[5] = {1, NAN, 2, NAN, 3};
    op_check(*state, &(op_case){.op = "dropout",
                                .attr = &(gs__dropout_attr){0.5f, 1},
                                .x = {{.shape = {1, {5}}, .values = values}},
                                .no_numeric = true}); // NaN
}

enum { MANY = 1000000 };

// y of a million ones.
static void drop_ones(op_fixture *f, gs__gpu *gpu, float rate, uint32_t key, uint32_t step, double *y) {
    gs__graph graph;
    gs__value x, out;
    gs__plan *plan;
    const gs_shape shape = {2, {1000, MANY / 1000}};
    const gs__dropout_attr attr = {rate, key};
    gs__graph_init(&graph, &f->error, true, 1000);
    op_expect_ok(&f->error, gs__graph_value(&graph, &shape, GS_F32, GS__STORAGE_ACTIVATION, NULL, &x), "x");
    op_expect_ok(&f->error, gs__graph_apply(&graph, "dropout", NULL, &attr, &x, 1, &out), "dropout");
    graph.values[x].pinned = graph.values[out].pinned = true;
    op_expect_ok(&f->error, gs__plan_create(&f->error, &(gs__plan_params){.gpu = gpu, .graph = &graph}, &plan), "plan");
    const struct gs_state s = {.cur = {.rows = 1000, .step_lo = step}, .set = {.seed_lo = 42, .batch = 1000}};
    op_expect_ok(&f->error, gs__plan_set_state(plan, &s), "state");
    for (uint32_t i = 0; i < MANY; i++) y[i] = 1;
    op_write(plan, &f->error, x, y);
    op_expect_ok(&f->error, op_run_step(plan), "step");
    op_read(plan, &f->error, out, y);
    gs__plan_destroy(plan);
    gs__graph_deinit(&graph);
}

// Bounds are 5 standard deviations wide.
static void drops_at_the_rate(void **state) {
    op_fixture *f = *state;
    double *y = malloc(MANY * sizeof *y), *other = malloc(MANY * sizeof *other);
    assert_non_null(y);
    assert_non_null(other);
    const float rates[] = {0.1f, 0.2f, 0.5f, 0.9f};
    for (uint32_t i = 0; i < 4; i++) {
        const double rate = (double)rates[i], deviation = sqrt(rate * (1 - rate) / MANY);
        double sum = 0;
        uint32_t dropped = 0, pairs = 0, agree = 0;
        drop_ones(f, f->gpu[i % 2], rates[i], i, 7, y);
        for (uint32_t j = 0; j < MANY; j++) {
            assert_true(y[j] == 0 || fabs(y[j] * (1 - rate) - 1) < 1e-6);
            dropped += y[j] == 0;
            sum += y[j];
            pairs += j > 0 && y[j] == 0 && y[j - 1] == 0;
        }
        assert_true(fabs(dropped / (double)MANY - rate) < 5 * deviation);
        assert_true(fabs(sum / MANY - 1) < 5 * deviation / (1 - rate));
        // Neighbours are independent, and so are another step and another layer.
        assert_true(fabs(pairs / (double)MANY - rate * rate) < 0.005);
        for (uint32_t k = 0; k < 2; k++) {
            drop_ones(f, f->gpu[i % 2], rates[i], i + k, 8 - k, other);
            agree = 0;
            for (uint32_t j = 0; j < MANY; j++) agree += (y[j] == 0) == (other[j] == 0);
            assert_true(fabs(agree / (double)MANY - (rate * rate + (1 - rate) * (1 - rate))) < 0.005);
        }
    }
    free(y);
    free(other);
}

static void folds_once(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("dropout");
    gs__node node = {.op = op};
    memcpy(node.attr.bytes, &(gs__dropout_attr){0.25f, 9}, sizeof(gs__dropout_attr));
    gs__epilogue e = {.activation = GS_ACTIVATION_RELU};
    assert_true(op->fold(&node, true, &e));
    assert_true(e.activation == GS_ACTIVATION_RELU && e.rate == 0.25f && e.key == 9);
    assert_false(op->fold(&node, true, &e));
}

static void refuses_bad_rates(void **state) {
    (void)state;
    const float bad[] = {-0.1f, 1.0f, 2.0f, (float)NAN};
    const gs_op *op = gs__op_find("dropout");
    const gs__value_info x = {.shape = {1, {3}}}, *inputs[GS__MAX_INPUTS] = {&x};
    for (uint32_t i = 0; i < 4; i++) {
        gs__error error = {0};
        gs__node node = {.op = op};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        memcpy(node.attr.bytes, &(gs__dropout_attr){bad[i], 0}, sizeof(gs__dropout_attr));
        assert_int_equal(op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, "rate is"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes), cmocka_unit_test(nan_stays_nan),     cmocka_unit_test(drops_at_the_rate),
        cmocka_unit_test(folds_once), cmocka_unit_test(refuses_bad_rates),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
