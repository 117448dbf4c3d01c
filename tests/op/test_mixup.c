// Rows mixed with others: shapes, partial batches, shares of the Beta distribution.
#include "harness.h"

#include "op/attr.h"

#include <string.h>

static void odd_shapes(void **state) {
    static const gs_shape shapes[] = {{2, {1, 3}}, {2, {2, 1}}, {4, {7, 5, 3, 2}}, {2, {33, 1030}}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (uint32_t a = 0; a < 3; a++) {
            const gs__mixup_attr attr = {.key = 3, .alpha = a == 0 ? 0.2f : a == 1 ? 0.5f : 1};
            const int64_t batch = shapes[s].dim[0];
            op_check(*state, &(op_case){.op = "mixup",
                                        .attr = &attr,
                                        .x = {{.shape = shapes[s], .constant = true},
                                              {.shape = {2, {batch, a + 1}}, .constant = true}},
                                        .rows = batch > 5 ? (uint32_t)batch - 2 : 0,
                                        .set = {.seed_lo = 4, .seed_hi = 5},
                                        .position = {.step_lo = 6 + a},
                                        .relative = 1e-4,
                                        .absolute = 1e-4}); // pow
        }
}

static void near(double found, double expected, double most) {
    if (!(found - expected <= most && expected - found <= most)) fail_msg("%g is not near %g", found, expected);
}

// Rows (i, i^2) tell with whom they were mixed, and by which share: mean 1/2, variance 1 / (4 (2 alpha + 1)).
static void shares(void **state) {
    (void)state;
    enum { ROWS = 2000 };
    static double x[2 * ROWS], y[2 * ROWS], targets[ROWS], mixed[ROWS];
    for (int i = 0; i < ROWS; i++) {
        x[2 * i] = i;
        x[2 * i + 1] = (double)i * i;
        targets[i] = 2 * i + 1;
    }
    for (int alpha = 1; alpha <= 5; alpha += 2) {
        const gs__mixup_attr attr = {.alpha = (float)alpha / 5};
        gs__node node = {.op = gs__op_find("mixup")};
        struct gs_state s = {.cur = {.rows = ROWS, .step_lo = (uint32_t)alpha}};
        memcpy(node.attr.bytes, &attr, sizeof attr);
        gs__reference r = {.node = &node, .x = {x, targets}, .y = {y, mixed}, .state = &s};
        r.x_shape[0] = (gs_shape){2, {ROWS, 2}};
        r.x_shape[1] = (gs_shape){1, {ROWS}};
        node.op->ref_forward(&r);
        double sum = 0, squares = 0, shift = 0;
        int known = 0;
        for (int i = 0; i < ROWS; i++) {
            near(mixed[i], 2 * y[2 * i] + 1, 1e-6); // targets go with their rows
            const double moved = y[2 * i] - i;
            if (moved < 1e-6 && moved > -1e-6) { // all its own
                sum += 1;
                squares += 0.25;
                known++;
                continue;
            }
            const double other = (y[2 * i + 1] - (double)i * i) / moved - i, share = 1 - moved / (other - i);
            assert_true(share > -1e-6 && share < 1 + 1e-6);
            const double found = other < i ? other - i + ROWS : other - i;
            if (shift > 0) near(found, shift, 0.01); // the same for all rows of a step
            if (share < 0.5) shift = found;
            sum += share;
            squares += (share - 0.5) * (share - 0.5);
            known++;
        }
        near(sum / known, 0.5, 0.03);
        near(squares / known, 1 / (4 * (2 * alpha / 5.0 + 1)), 0.015);
    }
}

static void refuses(void **state) {
    (void)state;
    static const struct {
        float alpha;
        gs_dtype targets;
        const char *message;
    } cases[] = {{0, GS_F32, "alpha is 0"}, {1.5f, GS_F32, "alpha is 1.5"}, {0.2f, GS_I32, "--one-hot"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gs__error error = {0};
        gs__node node = {.op = gs__op_find("mixup")};
        const gs__value_info x = {.shape = {2, {2, 3}}}, t = {.shape = {1, {2}}, .dtype = cases[i].targets},
                             *inputs[GS__MAX_INPUTS] = {&x, &t};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        memcpy(node.attr.bytes, &(gs__mixup_attr){.alpha = cases[i].alpha}, sizeof(gs__mixup_attr));
        assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, cases[i].message));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(shares),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
