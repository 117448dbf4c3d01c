#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static const gs__sparse_crossentropy_attr attrs[] = {
    {.accuracy = 0},
    {.accuracy = 1},
    {.from_probabilities = 1},
    {.from_probabilities = 1, .accuracy = 1},
    {.accuracy = 1, .smoothing = 0.1f},
    {.from_probabilities = 1, .smoothing = 0.25f},
    {.accuracy = 1, .ignores = 1, .ignored = 0},
    {.from_probabilities = 1, .smoothing = 0.25f, .ignores = 1, .ignored = 2},
};
enum { ATTRS = sizeof attrs / sizeof attrs[0] };

// Probabilities need not add up to 1: they are divided by their sum.
static op_case case_of(uint32_t attr, gs_shape shape, gs_shape targets) {
    const bool probabilities = attrs[attr].from_probabilities;
    return (op_case){.op = "sparse_crossentropy",
                     .attr = &attrs[attr],
                     .x = {{.shape = shape, .low = probabilities ? 0.05 : -3, .high = probabilities ? 1 : 3},
                           {.shape = targets, .dtype = GS_I32, .high = (double)shape.dim[shape.rank - 1]}}};
}

static void odd_shapes(void **state) {
    static const struct {
        gs_shape x, targets;
    } shapes[] = {
        {{2, {1, 1}}, {1, {1}}},
        {{2, {1, 3}}, {1, {1}}},
        {{2, {7, 13}}, {1, {7}}},
        {{2, {32, 10}}, {1, {32}}},
        {{2, {33, 127}}, {2, {33, 1}}},
        {{2, {3, 1025}}, {1, {3}}},
        {{3, {5, 7, 11}}, {2, {5, 7}}},
        {{3, {9, 1, 4}}, {2, {9, 1}}},
        {{4, {2, 3, 5, 37}}, {3, {2, 3, 5}}},
        {{3, {3, 70, 5}}, {3, {3, 70, 1}}},
        {{2, {300, 2}}, {1, {300}}},
    };
    for (uint32_t i = 0; i < ATTRS; i++)
        for (uint32_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
            op_case c = case_of(i, shapes[j].x, shapes[j].targets);
            op_check(*state, &c);
        }
}

// An ignored target may lie outside of the classes; another one that does makes NaN.
static void ignored_positions(void **state) {
    static const gs__sparse_crossentropy_attr attr = {.accuracy = 1, .ignores = 1, .ignored = -1};
    const double targets[6] = {-1, 2, 0, -1, -1, 1};
    op_case c = case_of(0, (gs_shape){3, {3, 2, 3}}, (gs_shape){2, {3, 2}});
    c.attr = &attr;
    c.x[1].values = targets;
    op_check(*state, &c);
    const double outside[6] = {-1, 2, 0, -2, -1, 3};
    c.x[1].values = outside;
    c.no_numeric = true; // NaN
    op_check(*state, &c);
}

// A last batch that is not full: the mean is over the rows that are there.
static void fewer_rows(void **state) {
    for (uint32_t i = 0; i < ATTRS; i++)
        for (uint32_t rows = 1; rows <= 20; rows += 9) {
            op_case c = case_of(i, (gs_shape){2, {20, 9}}, (gs_shape){1, {20}});
            c.rows = rows;
            op_check(*state, &c);
            c = case_of(i, (gs_shape){3, {20, 3, 4}}, (gs_shape){2, {20, 3}});
            c.rows = rows;
            op_check(*state, &c);
        }
}

// A gradient of a fuller step is not left behind.
static void rows_of_an_earlier_step_are_cleared(void **state) {
    op_fixture *f = *state;
    for (int class = 0; class < 2; class ++) {
        gs__graph graph;
        gs__value x[2], y[2], dx;
        gs__plan *plan;
        double values[15], targets[5] = {0, 1, 2, 0, 9}, found[15];
        const gs_shape shape = {2, {5, 3}};
        gs__graph_init(&graph, &f->error, true, 5);
        op_expect_ok(&f->error, gs__graph_value(&graph, &shape, GS_F32, GS__STORAGE_ACTIVATION, NULL, &x[0]), "x");
        op_expect_ok(&f->error,
                     gs__graph_value(&graph, &(gs_shape){1, {5}}, GS_I32, GS__STORAGE_ACTIVATION, NULL, &x[1]), "t");
        op_expect_ok(&f->error, gs__graph_value(&graph, &shape, GS_F32, GS__STORAGE_ACTIVATION, NULL, &dx), "dx");
        op_expect_ok(&f->error, gs__graph_apply(&graph, "sparse_crossentropy", NULL, &attrs[1], x, 2, y), "apply");
        graph.nodes[0].dx[0] = dx;
        graph.values[x[0]].pinned = graph.values[x[1]].pinned = graph.values[dx].pinned = true;
        op_expect_ok(&f->error,
                     gs__plan_create(&f->error, &(gs__plan_params){.gpu = f->gpu[class], .graph = &graph}, &plan),
                     "plan");
        for (int i = 0; i < 15; i++) values[i] = i % 4;
        op_write(plan, &f->error, x[0], values);
        op_write(plan, &f->error, x[1], targets);
        for (uint32_t rows = 4; rows >= 2; rows -= 2) {
            for (int i = 0; i < 15; i++) found[i] = 77;
            op_write(plan, &f->error, dx, found);
            const struct gs_state s = {.cur = {.rows = rows}, .next = {.rows = rows}, .set = {.batch = 5}};
            op_expect_ok(&f->error, gs__plan_set_state(plan, &s), "state");
            op_expect_ok(&f->error, op_run_step(plan), "step");
            op_read(plan, &f->error, dx, found);
            for (uint32_t i = 0; i < 15; i++) assert_int_equal(found[i] != 0, i / 3 < rows);
            op_read(plan, &f->error, y[0], found);
            for (uint32_t i = 0; i < 5; i++) assert_int_equal(found[i] != 0, i < rows);
        }
        gs__plan_destroy(plan);
        gs__graph_deinit(&graph);
    }
}

// Rows that are not there may hold anything.
static void garbage_beyond_the_rows(void **state) {
    const double x[12] = {1, 2, 3, 4, 3, 2, NAN, NAN, NAN, INFINITY, 1e30, -1e30}, targets[4] = {2, 0, 1, 77};
    for (uint32_t i = 0; i < 2; i++) {
        op_case c = case_of(i, (gs_shape){2, {4, 3}}, (gs_shape){1, {4}});
        c.x[0].values = x;
        c.x[1].values = targets;
        c.rows = 2;
        c.no_numeric = true; // not finite
        op_check(*state, &c);
    }
}

static void extreme_logits(void **state) {
    const double x[20] = {1e4, -1e4, 0, 1, 1e4, 1e4, -1e4, 0, 0, 0, 40, 0, -40, 5, -1e4, -1e4, -1e4, -1e4, 80, -80};
    const double targets[5] = {1, 1, 0, 3, 2};
    op_case c = case_of(1, (gs_shape){2, {5, 4}}, (gs_shape){1, {5}});
    c.x[0].values = x;
    c.x[1].values = targets;
    c.no_numeric = true; // steps of 1e-3 drown in 1e4
    op_check(*state, &c);
}

// At and beyond the clip bounds the gradient is 0. float32 makes 1 - 1e-7 a number 1.19e-7 below 1.
static void clipped_probabilities(void **state) {
    const double x[24] = {0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 2e-7, 0.5, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1e-9};
    const double targets[6] = {1, 2, 0, 0, 3, 3};
    op_case c = case_of(3, (gs_shape){2, {6, 4}}, (gs_shape){1, {6}});
    c.x[0].values = x;
    c.x[1].values = targets;
    c.no_numeric = true; // clipping is no smooth function
    op_check(*state, &c);
}

static void nan_stays_nan(void **state) {
    const double x[9] = {1, 2, 3, NAN, 1, 2, 0, 0, NAN}, targets[3] = {2, 1, 0};
    for (uint32_t i = 0; i < 4; i += 2) { // without accuracy, which NaN has none of
        op_case c = case_of(i, (gs_shape){2, {3, 3}}, (gs_shape){1, {3}});
        c.x[0].values = x;
        c.x[1].values = targets;
        c.no_numeric = true; // NaN
        op_check(*state, &c);
    }
}

static void targets_out_of_range(void **state) {
    const double targets[6] = {0, -1, 3, 2147483647.0, -2147483648.0, 2};
    for (uint32_t i = 0; i < 4; i++) {
        op_case c = case_of(i, (gs_shape){2, {6, 3}}, (gs_shape){1, {6}});
        c.x[1].values = targets;
        c.no_numeric = true; // the loss is NaN
        op_check(*state, &c);
    }
}

static void first_of_equal_values_wins(void **state) {
    static double x[4 * 67], targets[4] = {66, 3, 0, 40};
    for (uint32_t i = 0; i < 67; i++) {
        x[i] = i == 66;              // alone: right
        x[67 + i] = i >= 3;          // first of many: right
        x[2 * 67 + i] = 1;           // all equal: index 0, right
        x[3 * 67 + i] = i % 20 == 0; // 40 is not the first
    }
    op_case c = case_of(1, (gs_shape){2, {4, 67}}, (gs_shape){1, {4}});
    c.x[0].values = x;
    c.x[1].values = targets;
    op_check(*state, &c);
}

static void refuses_other_shapes(void **state) {
    (void)state;
    const gs_op *op = gs__op_find("sparse_crossentropy");
    const gs__value_info good = {.shape = {2, {8, 10}}}, x[] = {good, good, good, {.shape = {1, {8}}}, good};
    const gs__value_info targets[] = {{.shape = {1, {7}}, .dtype = GS_I32},
                                      {.shape = {2, {8, 10}}, .dtype = GS_I32},
                                      {.shape = {1, {8}}},
                                      {.shape = {1, {8}}, .dtype = GS_I32},
                                      {.shape = {1, {8}}, .dtype = GS_U8}};
    for (uint32_t i = 0; i < 5; i++) {
        gs__error error = {0};
        const gs__value_info *inputs[GS__MAX_INPUTS] = {&x[i], &targets[i]};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        assert_int_equal(op->shape(&error, &(gs__node){.op = op}, inputs, y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, "sparse_crossentropy: output"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(fewer_rows),
        cmocka_unit_test(ignored_positions),
        cmocka_unit_test(extreme_logits),
        cmocka_unit_test(clipped_probabilities),
        cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(targets_out_of_range),
        cmocka_unit_test(refuses_other_shapes),
        cmocka_unit_test(first_of_equal_values_wins),
        cmocka_unit_test(garbage_beyond_the_rows),
        cmocka_unit_test(rows_of_an_earlier_step_are_cleared),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
