#include "harness.h"

#include "op/attr.h"
#include <string.h>

static const int64_t gates[] = {1, 4, 3};

static void check(void *state, const gs__rnn_attr *attr, int64_t batch, int64_t times, int64_t units, bool bias,
                  op_case c) {
    const int64_t columns = gates[attr->kind] * units;
    c.op = "rnn";
    c.attr = attr;
    c.x[0] = (op_input){.shape = {3, {batch, times, columns}}};
    // So that nothing explodes over time.
    const double most = units > 16 ? 0.2 : 1;
    c.x[1] = (op_input){.shape = {2, {units, columns}}, .low = -most, .high = most};
    c.x[2] = bias ? (op_input){.shape = {1, {columns}}} : (op_input){.absent = true};
    c.own = 30;
    if (c.absolute <= 0) c.absolute = 1e-5;
    c.relative = 2e-5;
    c.gradient_tolerance = 1e-4;
    op_check(state, &c);
}

static void odd_shapes(void **state) {
    static const struct {
        int64_t batch, times, units;
    } sizes[] = {{1, 1, 1}, {1, 3, 2}, {3, 2, 5}, {5, 4, 3}, {4, 7, 8}, {9, 3, 13}, {2, 5, 33}};
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int kind = GS__RNN_SIMPLE; kind <= GS__RNN_GRU; kind++)
            for (uint32_t backwards = 0; backwards < 2; backwards++) {
                const gs__rnn_attr attr = {(gs__rnn_kind)kind, GS_ACTIVATION_TANH, GS_ACTIVATION_SIGMOID, backwards};
                check(*state, &attr, sizes[i].batch, sizes[i].times, sizes[i].units, kind == GS__RNN_GRU && !backwards,
                      (op_case){0});
            }
}

// More than a workgroup; sums over many steps.
static void large(void **state) {
    for (int kind = GS__RNN_SIMPLE; kind <= GS__RNN_GRU; kind++) {
        const gs__rnn_attr attr = {(gs__rnn_kind)kind, GS_ACTIVATION_TANH, GS_ACTIVATION_SIGMOID, 0};
        // no_numeric: slow; the small shapes have it
        check(*state, &attr, 17, 12, 65, kind == GS__RNN_GRU, (op_case){.no_numeric = true, .absolute = 1e-4});
    }
}

static void other_activations(void **state) {
    for (int kind = GS__RNN_SIMPLE; kind <= GS__RNN_GRU; kind++) {
        const gs__rnn_attr attr = {(gs__rnn_kind)kind, GS_ACTIVATION_SIGMOID, GS_ACTIVATION_TANH, 0};
        check(*state, &attr, 3, 4, 5, false, (op_case){0});
        const gs__rnn_attr soft = {(gs__rnn_kind)kind, GS_ACTIVATION_SOFTPLUS, GS_ACTIVATION_SIGMOID, 0};
        check(*state, &soft, 3, 4, 5, false, (op_case){0});
    }
}

static void refuses(void **state) {
    (void)state;
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("rnn")};
    const gs__value_info z = {.shape = {3, {2, 3, 20}}}, kernel = {.shape = {2, {5, 15}}};
    const gs__value_info *inputs[GS__MAX_INPUTS] = {&z, &kernel};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    gs__rnn_attr attr = {GS__RNN_LSTM, GS_ACTIVATION_TANH, GS_ACTIVATION_SIGMOID, 0};
    memcpy(node.attr.bytes, &attr, sizeof attr);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "rnn: input (None, 3, 20) and kernel (5, 15) do not fit 4 gates");
    attr.activation = GS_ACTIVATION_GELU;
    memcpy(node.attr.bytes, &attr, sizeof attr);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "rnn: gelu, silu and softmax are no activations of recurrent layers");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(large),
                                       cmocka_unit_test(other_activations), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
