// L1 and L2 penalties: the sum, shared out over the rows in some way, and the gradient.
#include "harness.h"

#include "op/attr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// One row: it holds the whole sum. |w| has no derivative at 0, so the random values keep away from it.
static void one_row(void **state) {
    static const gs_shape shapes[] = {{1, {1}}, {1, {3}}, {2, {7, 13}}, {1, {509}}, {2, {64, 67}}};
    static const float factors[][2] = {{0, 0.01f}, {0.02f, 0}, {0.3f, 0.7f}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t i = 0; i < 3; i++)
            for (int sign = -1; sign <= 1; sign += 2) {
                const gs__penalty_attr attr = {factors[i][0], factors[i][1], 1};
                op_check(*state, &(op_case){.op = "penalty",
                                            .attr = &attr,
                                            .x = {{.shape = shapes[s],
                                                   .storage = GS__STORAGE_PARAMETER,
                                                   .low = sign > 0 ? 0.1 : -2,
                                                   .high = sign > 0 ? 2 : -0.1}},
                                            .batch = 1,
                                            .gradient_of_sum = true});
            }
}

static void sign_of_zero(void **state) {
    const gs__penalty_attr attr = {0.5f, 0.25f, 1};
    static const double values[] = {0, -1, 2, 0, -0.0};
    op_check(*state, &(op_case){.op = "penalty",
                                .attr = &attr,
                                .x = {{.shape = {1, {5}}, .storage = GS__STORAGE_PARAMETER, .values = values}},
                                .batch = 1,
                                .no_numeric = true}); // no derivative at 0
}

// Without a gradient, as in evaluation.
static void check_rows(op_fixture *f, int kernels, int64_t count, uint32_t batch) {
    gs__error error = {0};
    gs__graph graph;
    gs__plan *plan;
    gs__value x, y;
    const gs__penalty_attr attr = {0.1f, 0.2f, batch};
    char what[96];
    snprintf(what, sizeof what, "penalty of %lld over %u rows (%s kernels)", (long long)count, batch,
             kernels == GS__KERNELS_GPU ? "GPU" : "CPU");
    gs__graph_init(&graph, &error, false, batch);
    op_expect_ok(&error, gs__graph_value(&graph, &(gs_shape){1, {count}}, GS_F32, GS__STORAGE_PARAMETER, "w", &x),
                 what);
    op_expect_ok(&error, gs__graph_apply(&graph, "penalty", NULL, &attr, &x, 1, &y), what);
    op_expect_ok(&error, gs__plan_create(&error, &(gs__plan_params){.gpu = f->gpu[kernels], .graph = &graph}, &plan),
                 what);
    double *w = malloc((size_t)count * sizeof *w), *rows = malloc(batch * sizeof *rows), sum = 0, found = 0;
    assert_non_null(w);
    assert_non_null(rows);
    uint64_t seed = 5;
    for (int64_t i = 0; i < count; i++) {
        w[i] = (double)(float)op_random(&seed, -1, 1);
        sum += (double)attr.l1 * fabs(w[i]) + (double)attr.l2 * w[i] * w[i];
    }
    for (uint32_t i = 0; i < batch; i++) rows[i] = 99; // every row is to be written
    op_write(plan, &error, x, w);
    op_write(plan, &error, y, rows);
    op_expect_ok(&error, op_run_step(plan), what);
    op_read(plan, &error, y, rows);
    for (uint32_t i = 0; i < batch; i++) found += rows[i];
    op_compare(what, &found, &sum, 1, 1e-5, 0);
    free(w);
    free(rows);
    gs__plan_destroy(plan);
    gs__graph_deinit(&graph);
}

static void many_rows(void **state) {
    static const uint32_t batches[] = {2, 31, 33, 129, 5000};
    static const int64_t counts[] = {1, 5, 127, 129, 5003};
    for (size_t b = 0; b < 5; b++)
        for (size_t c = 0; c < 5; c++)
            for (int kernels = 0; kernels < 2; kernels++) check_rows(*state, kernels, counts[c], batches[b]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_row),
        cmocka_unit_test(sign_of_zero),
        cmocka_unit_test(many_rows),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
