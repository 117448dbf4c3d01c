#include "harness.h"

#include <math.h>
#include <string.h>

static void odd_shapes(void **state) {
    static const struct {
        gs_shape tokens;
        int64_t rows, width;
    } cases[] = {{{1, {1}}, 1, 1},      {{2, {3, 5}}, 7, 3},     {{2, {4, 9}}, 100, 8},
                 {{2, {33, 17}}, 5, 4}, {{3, {2, 3, 4}}, 13, 5}, {{2, {2, 3}}, 3001, 70}};
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double tokens[1024];
        uint64_t seed = 3, count = 1;
        for (uint32_t d = 0; d < cases[i].tokens.rank; d++) count *= (uint64_t)cases[i].tokens.dim[d];
        for (uint64_t k = 0; k < count; k++) tokens[k] = floor(op_random(&seed, 0, (double)cases[i].rows));
        op_check(*state, &(op_case){.op = "embedding",
                                    .x = {{.shape = cases[i].tokens, .values = tokens},
                                          {.shape = {2, {cases[i].rows, cases[i].width}}}}});
    }
}

static void bad_tokens(void **state) {
    const double tokens[6] = {-1, 0, 4, 5, NAN, 2.75};
    op_check(*state, &(op_case){.op = "embedding",
                                .x = {{.shape = {2, {2, 3}}, .values = tokens}, {.shape = {2, {5, 3}}}},
                                .no_numeric = true}); // NaN
}

static void refuses(void **state) {
    (void)state;
    gs__error error = {0};
    const gs_op *op = gs__op_find("embedding");
    const gs__value_info tokens = {.shape = {2, {3, 4}}}, table = {.shape = {2, {1 << 25, 4}}};
    const gs__value_info *inputs[GS__MAX_INPUTS] = {&tokens, &table};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    assert_int_equal(op->shape(&error, &(gs__node){.op = op}, inputs, y), GS_ERR_UNSUPPORTED);
    assert_string_equal(error.message,
                        "embedding: a table of 33554432 rows, but tokens are floats, which are exact up to 2^24");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(bad_tokens),
                                       cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
