#include "harness.h"

#include "op/attr.h"
#include <string.h>

// (A, S, G, D)
struct sizes {
    int64_t outer;
    uint32_t inner, groups, depth;
};

static void check(void *state, struct sizes s, bool rms, int affine, op_case c) {
    const gs__row_norm_attr attr = {s.inner, s.groups, s.depth, rms, 1e-3f};
    const gs_shape channels = {1, {s.groups * s.depth}};
    c.op = "row_norm";
    c.attr = &attr;
    c.x[0] = (op_input){.shape = {3, {s.outer, s.inner, s.groups * s.depth}}, .low = -1, .high = 3};
    if (affine & 1) c.x[1] = (op_input){.shape = channels, .low = 0.5, .high = 2};
    else c.x[1] = (op_input){.absent = true};
    if (affine & 2) c.x[2] = (op_input){.shape = channels};
    else c.x[2] = (op_input){.absent = true};
    c.own = 1u << 1 | 1u << 2;
    if (c.absolute <= 0) c.absolute = 1e-5;
    c.relative = 2e-5;
    c.gradient_tolerance = 1e-4;
    op_check(state, &c);
}

static void odd_shapes(void **state) {
    static const struct sizes all[] = {{1, 1, 1, 3},    {5, 1, 1, 1},  {3, 1, 1, 8}, {7, 1, 1, 13},
                                       {2, 1, 1, 1031}, {2, 5, 1, 3},  {3, 7, 2, 4}, {2, 3, 5, 1},
                                       {129, 1, 3, 2},  {33, 2, 4, 8}, {2, 1, 7, 5}, {1, 33, 4, 2}};
    for (uint32_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (int affine = 0; affine < 4; affine++) check(*state, all[i], affine % 2, affine, (op_case){0});
}

static void large(void **state) {
    // no_numeric: slow; the small shapes have it
    check(*state, (struct sizes){1500, 1, 1, 67}, false, 3, (op_case){.no_numeric = true, .absolute = 1e-4});
    check(*state, (struct sizes){4, 300, 4, 8}, false, 3, (op_case){.no_numeric = true, .absolute = 1e-4});
    check(*state, (struct sizes){300, 1, 1, 300}, true, 1, (op_case){.no_numeric = true, .absolute = 1e-4});
}

static void with_epilogues(void **state) {
    check(*state, (struct sizes){5, 3, 2, 6}, false, 3,
          (op_case){.set = {.seed_lo = 5},
                    .position = {.step_lo = 9},
                    .epilogue = {GS_ACTIVATION_RELU, 0, 0.3f, 3},
                    .backward_epilogue = {GS_ACTIVATION_TANH, 0, 0.5f, 8}});
}

static void refuses(void **state) {
    (void)state;
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("row_norm")};
    const gs__value_info x = {.shape = {2, {3, 7}}}, gamma = {.shape = {1, {5}}};
    const gs__value_info *inputs[GS__MAX_INPUTS] = {&x, &gamma};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    gs__row_norm_attr attr = {.inner = 1, .groups = 2, .depth = 4};
    memcpy(node.attr.bytes, &attr, sizeof attr);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message,
                        "row_norm: input is float32 of shape (None, 7) but must be float32 of (..., 1, 2, 4)");
    attr = (gs__row_norm_attr){.inner = 1, .groups = 1, .depth = 7};
    memcpy(node.attr.bytes, &attr, sizeof attr);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "row_norm: input 1 has shape (5) but must have 7 elements");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(large),
                                       cmocka_unit_test(with_epilogues), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
