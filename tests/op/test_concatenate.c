#include "harness.h"

#include "op/attr.h"
#include <string.h>

static void check(void *state, uint32_t axis, const gs_shape *shapes, uint32_t count, uint32_t constant) {
    gs__concatenate_attr attr = {.axis = axis};
    op_case c = {.op = "concatenate", .attr = &attr};
    for (uint32_t i = 0; i < count; i++) {
        c.x[i] = (op_input){.shape = shapes[i], .constant = constant & 1u << i};
        attr.size[i] = (uint32_t)shapes[i].dim[axis];
    }
    op_check(state, &c);
}

static void odd_shapes(void **state) {
    check(*state, 1, (gs_shape[]){{2, {3, 1}}, {2, {3, 1}}}, 2, 0);
    check(*state, 1, (gs_shape[]){{2, {5, 7}}, {2, {5, 130}}, {2, {5, 3}}}, 3, 0);
    check(*state, 1, (gs_shape[]){{4, {2, 3, 4, 5}}, {4, {2, 1, 4, 5}}}, 2, 0);
    check(*state, 2, (gs_shape[]){{4, {2, 3, 4, 5}}, {4, {2, 3, 1, 5}}}, 2, 0);
    check(*state, 3, (gs_shape[]){{4, {2, 3, 4, 5}}, {4, {2, 3, 4, 8}}}, 2, 0);
    check(*state, 1, (gs_shape[]){{2, {33, 300}}, {2, {33, 129}}}, 2, 0);
}

static void many(void **state) {
    gs_shape shapes[GS__MAX_INPUTS];
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) shapes[i] = (gs_shape){2, {3, 1 + i}};
    for (uint32_t count = 2; count <= GS__MAX_INPUTS; count++) check(*state, 1, shapes, count, 0);
}

// Gradients that nobody wants are left out, whichever.
static void some_gradients(void **state) {
    gs_shape shapes[5];
    for (uint32_t i = 0; i < 5; i++) shapes[i] = (gs_shape){2, {3, 2 + i}};
    for (uint32_t constant = 1; constant < 31; constant += 3) check(*state, 1, shapes, 5, constant);
}

static void refuses(void **state) {
    (void)state;
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("concatenate")};
    const gs__value_info a = {.shape = {3, {3, 4, 5}}}, b = {.shape = {3, {3, 4, 6}}};
    const gs__value_info *inputs[GS__MAX_INPUTS] = {&a, &b};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    const gs__concatenate_attr attr = {.axis = 1, .size = {4, 4}};
    memcpy(node.attr.bytes, &attr, sizeof attr);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, "concatenate: inputs have shapes (None, 4, 5) and (None, 4, 6) but must differ "
                                       "in axis 1 only");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_shapes), cmocka_unit_test(many),
                                       cmocka_unit_test(some_gradients), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
