// The end of a step: sums of the row slots, the ring, the position of the next step; over several epochs with a last
// batch that is not full.
#include "harness.h"

#include "op/attr.h"
#include "plan/shuffle.h"
#include "plan/tick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 50, STEPS = 40, METRICS = 3 };

struct evaluation {
    gs__error error;
    gs__graph graph;
    gs__plan *plan;
    struct gs_state state;
    gs__value x[2];
    double samples[SAMPLES], targets[SAMPLES];
};

// gather -> three metrics -> tick; sum 0 is slot 0, sum 1 the slots 1 and 2, sum 6 slot 2.
static void build(struct evaluation *e, gs__gpu *gpu, uint32_t batch) {
    const gs_shape shape = {2, {SAMPLES, 1}};
    const gs__gather_attr gather = {.batch = batch};
    const gs__error_metric_attr metrics[METRICS] = {{GS_METRIC_MSE}, {GS_METRIC_MAE}, {GS_METRIC_MSE}};
    gs__tick_attr tick = {.tick = {.row_stride = batch}};
    gs__value rows[2], slot;
    gs__graph_init(&e->graph, &e->error, false, batch);
    op_expect_ok(&e->error, gs__graph_value(&e->graph, &shape, GS_F32, GS__STORAGE_SAMPLES, NULL, &e->x[0]), "x");
    op_expect_ok(&e->error, gs__graph_value(&e->graph, &shape, GS_F32, GS__STORAGE_TARGETS, NULL, &e->x[1]), "t");
    op_expect_ok(&e->error, gs__graph_apply(&e->graph, "gather", NULL, &gather, e->x, 2, rows), "gather");
    for (int i = 0; i < METRICS; i++)
        op_expect_ok(&e->error, gs__graph_apply(&e->graph, "error_metric", NULL, &metrics[i], rows, 2, &slot),
                     "metric");
    tick.tick.first[0] = 0, tick.tick.count[0] = 1;
    tick.tick.first[1] = 1, tick.tick.count[1] = 2;
    tick.tick.first[6] = 2, tick.tick.count[6] = 1;
    op_expect_ok(&e->error, gs__graph_apply(&e->graph, "tick", NULL, &tick, NULL, 0, NULL), "tick");
    op_expect_ok(&e->error, gs__plan_create(&e->error, &(gs__plan_params){.gpu = gpu, .graph = &e->graph}, &e->plan),
                 "plan");
    uint64_t seed = 11;
    for (int i = 0; i < SAMPLES; i++) {
        e->samples[i] = (double)(float)op_random(&seed, -1, 1);
        e->targets[i] = (double)(float)op_random(&seed, -1, 1);
    }
    op_write(e->plan, &e->error, e->x[0], e->samples);
    op_write(e->plan, &e->error, e->x[1], e->targets);
}

static void expected_sums(const struct evaluation *e, double sums[8]) {
    const struct gs_settings *set = &e->state.set;
    memset(sums, 0, 8 * sizeof *sums);
    for (uint32_t row = 0; row < e->state.cur.rows; row++) {
        uint32_t i = e->state.cur.begin + row;
        if (set->shuffle) i = gs__shuffled(i, set->data_count, set->seed_lo, set->seed_hi, e->state.cur.epoch);
        i += set->data_begin;
        const double d = e->samples[i] - e->targets[i];
        sums[0] += d * d;
        sums[1] += fabs(d) + d * d;
        sums[6] += d * d;
        sums[7] += 1;
    }
}

static void run_epochs(op_fixture *f, uint32_t batch, uint32_t shuffle) {
    for (int kernels = 0; kernels < 2; kernels++) {
        struct evaluation e = {.state.set = {.data_begin = 3,
                                             .data_count = 43,
                                             .batch = batch,
                                             .shuffle = shuffle,
                                             .seed_lo = 5,
                                             .learning_rate = 0.1f,
                                             .beta1 = 0.9f,
                                             .beta1_rest = 0.1f,
                                             .beta2 = 0.999f,
                                             .beta2_rest = 0.001f}};
        build(&e, f->gpu[kernels], batch);
        gs__state_start(&e.state);
        op_expect_ok(&e.error, gs__plan_set_state(e.plan, &e.state), "state");
        gs__run run = {.steps = STEPS};
        while (run.finished < STEPS) {
            op_expect_ok(&e.error, gs__plan_advance(e.plan, &run), "steps");
            for (uint32_t i = 0; i < run.entry_count; i++) {
                double expected[8], found[8];
                char what[96];
                gs__tick_next(&e.state);
                expected_sums(&e, expected);
                for (int s = 0; s < 8; s++) found[s] = (double)run.entries[8 * i + (uint32_t)s];
                snprintf(what, sizeof what, "batch %u, %s kernels: sums of step %u", batch, kernels ? "CPU" : "GPU",
                         e.state.cur.step_lo);
                op_compare(what, found, expected, 8, 1e-5, 1e-6);
            }
        }
        struct gs_state state;
        op_expect_ok(&e.error, gs__plan_get_state(e.plan, &state), "state");
        assert_memory_equal(&state, &e.state, sizeof state);
        assert_int_equal(state.next.epoch, STEPS / ((43 + batch - 1) / batch));
        gs__plan_destroy(e.plan);
        gs__graph_deinit(&e.graph);
    }
}

static void epochs(void **state) {
    static const uint32_t batches[] = {1, 3, 16, 17, 43, 67};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) run_epochs(*state, batches[i], i % 2);
}

// Far more rows than a workgroup has lanes: every value counts once. At the step where the low word overflows.
static void many_rows(void **state) {
    op_fixture *f = *state;
    enum { ROWS = 3001 };
    for (int kernels = 0; kernels < 2; kernels++) {
        gs__error error = {0};
        gs__graph graph;
        gs__plan *plan;
        gs__value slots[2];
        const gs_shape shape = {1, {ROWS}};
        gs__tick_attr tick = {.tick = {.row_stride = ROWS, .first = {1, 0, 0, 0, 0, 0, 0}, .count = {1, 0, 2}}};
        gs__graph_init(&graph, &error, false, ROWS);
        for (int i = 0; i < 2; i++)
            op_expect_ok(&error, gs__graph_value(&graph, &shape, GS_F32, GS__STORAGE_ROWS, NULL, &slots[i]), "rows");
        op_expect_ok(&error, gs__graph_apply(&graph, "tick", NULL, &tick, NULL, 0, NULL), "tick");
        op_expect_ok(&error,
                     gs__plan_create(&error, &(gs__plan_params){.gpu = f->gpu[kernels], .graph = &graph}, &plan),
                     "plan");
        double *values = malloc(ROWS * sizeof *values), expected[8] = {0}, found[8];
        assert_non_null(values);
        for (int slot = 0; slot < 2; slot++) {
            for (int i = 0; i < ROWS; i++) values[i] = slot ? 1 : i % 7;
            for (int i = 0; i < ROWS; i++) expected[slot ? 0 : 2] += values[i];
            op_write(plan, &error, slots[slot], values);
        }
        expected[2] += expected[0];
        expected[7] = ROWS;
        struct gs_state s = {.set = {.data_count = ROWS, .batch = ROWS}};
        gs__state_start(&s);
        s.next.step_lo = s.cur.step_lo = UINT32_MAX;
        op_expect_ok(&error, gs__plan_set_state(plan, &s), "state");
        gs__run run = {.steps = 1};
        while (run.finished < 1) op_expect_ok(&error, gs__plan_advance(plan, &run), "step");
        for (int i = 0; i < 8; i++) found[i] = (double)run.entries[i];
        op_compare("sums", found, expected, 8, 0, 1e-9);
        struct gs_state after;
        gs__tick_next(&s);
        assert_int_equal(s.next.step_hi, 1);
        op_expect_ok(&error, gs__plan_get_state(plan, &after), "state");
        assert_memory_equal(&after, &s, sizeof s);
        free(values);
        gs__plan_destroy(plan);
        gs__graph_deinit(&graph);
    }
}

// 1 - beta^t in single precision, against doubles; the 64-bit step.
static void position(void **state) {
    (void)state;
    struct gs_state s = {.set = {.data_count = 10,
                                 .batch = 4,
                                 .beta1 = 0.9f,
                                 .beta1_rest = (float)(1 - 0.9),
                                 .beta2 = 0.999f,
                                 .beta2_rest = (float)(1 - 0.999)}};
    gs__state_start(&s);
    static const uint32_t rows[] = {4, 4, 2}, begins[] = {0, 4, 8};
    for (uint32_t t = 1; t <= 20000; t++) {
        gs__tick_next(&s);
        assert_int_equal(s.cur.step_lo, t - 1);
        assert_int_equal(s.cur.rows, rows[(t - 1) % 3]);
        assert_int_equal(s.cur.begin, begins[(t - 1) % 3]);
        assert_int_equal(s.cur.epoch, (t - 1) / 3);
        const double found[] = {(double)s.cur.beta1_gap, (double)s.cur.beta2_gap};
        const double expected[] = {1 - pow(0.9, t), 1 - pow(0.999, t)};
        // Near 1 an increment is lost when it is below half of the last place.
        op_compare("gaps", found, expected, 2, t <= 1000 ? 1e-6 : 4e-5, 0);
    }
    s.next.step_lo = UINT32_MAX;
    gs__tick_next(&s);
    assert_int_equal(s.next.step_lo, 0);
    assert_int_equal(s.next.step_hi, 1);
}

static void stride_is_required(void **state) {
    (void)state;
    gs__error error = {0};
    gs__graph graph;
    gs__graph_init(&graph, &error, false, 1);
    assert_int_equal(gs__graph_apply(&graph, "tick", NULL, NULL, NULL, 0, NULL), GS_ERR_INTERNAL);
    gs__graph_deinit(&graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(position),
        cmocka_unit_test(stride_is_required),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
