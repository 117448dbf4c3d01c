#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

static void masks(void **state) {
    static const gs_shape shapes[] = {{4, {5, 2, 3, 4}}, {4, {4, 3, 2, 7}}, {3, {6, 5, 8}}, {3, {9, 4, 1}}};
    static const float rates[] = {0, 0.2f, 0.9f};
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t j = 0; j < 3; j++)
            op_check(*state, &(op_case){.op = "spatial_dropout",
                                        .attr = &(gs__dropout_attr){rates[j], 7},
                                        .x = {{.shape = shapes[i]}},
                                        .set = {.seed_lo = 3, .seed_hi = 4},
                                        .position = {.step_lo = 1000 + i}});
}

// A channel of a sample is dropped whole, and about as many as the rate says.
static void whole_channels(void **state) {
    (void)state;
    enum { ROWS = 40, PIXELS = 6, CHANNELS = 25 };
    static double x[ROWS * PIXELS * CHANNELS], y[ROWS * PIXELS * CHANNELS];
    gs__node node = {.op = gs__op_find("spatial_dropout")};
    const struct gs_state at = {.set = {.seed_lo = 1}};
    memcpy(node.attr.bytes, &(gs__dropout_attr){0.25f, 2}, sizeof(gs__dropout_attr));
    for (uint32_t i = 0; i < ROWS * PIXELS * CHANNELS; i++) x[i] = 3;
    gs__reference r = {.node = &node, .state = &at, .x = {x}, .y = {y}};
    r.x_shape[0] = r.y_shape[0] = (gs_shape){4, {ROWS, 2, 3, CHANNELS}};
    node.op->ref_forward(&r);
    uint32_t dropped = 0;
    for (uint32_t row = 0; row < ROWS; row++)
        for (uint32_t c = 0; c < CHANNELS; c++) {
            const double *first = &y[row * PIXELS * CHANNELS + c];
            assert_true(*first == 0 || fabs(*first - 4) < 1e-6);
            for (uint32_t i = 1; i < PIXELS; i++) assert_true(first[i * CHANNELS] == *first);
            dropped += *first == 0;
        }
    assert_in_range(dropped, 200, 300); // of 1000; 250 expected, deviation 14
}

static void with_epilogues(void **state) {
    static const gs_shape shapes[] = {{4, {2, 3, 4, 8}}, {4, {1, 3, 2, 5}}};
    for (uint32_t i = 0; i < 2; i++)
        op_check(*state, &(op_case){.op = "spatial_dropout",
                                    .attr = &(gs__dropout_attr){0.5f, 9},
                                    .x = {{.shape = shapes[i]}},
                                    .set = {.seed_lo = 5, .seed_hi = 6},
                                    .position = {.step_lo = 9},
                                    .epilogue = {GS_ACTIVATION_RELU, 0, 0.3f, 3},
                                    .backward_epilogue = {GS_ACTIVATION_TANH, 0, 0.5f, 8}});
}

static void expect_refused(const gs_shape *x, const void *attr, size_t attr_bytes, const char *message) {
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("spatial_dropout")};
    const gs__value_info info = {.shape = *x}, *inputs[GS__MAX_INPUTS] = {&info};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    memcpy(node.attr.bytes, attr, attr_bytes);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, message);
}

static void refusals(void **state) {
    (void)state;
    const gs__dropout_attr all = {1, 0}, some = {0.5f, 0};
    expect_refused(&(gs_shape){4, {1, 3, 5, 2}}, &all, sizeof all,
                   "spatial_dropout: rate is 1 but must be at least 0 and below 1");
    expect_refused(&(gs_shape){2, {1, 3}}, &some, sizeof some,
                   "input has shape (1, 3) but must be (batch, rows, columns, channels) or (batch, steps, channels)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks),
        cmocka_unit_test(whole_channels),
        cmocka_unit_test(with_epilogues),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
