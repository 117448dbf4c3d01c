// Images changed at random: every change, odd shapes, each way to fill, beside Keras's layers, and what is drawn.
#include "harness.h"

#include "data/data.h"
#include "op/attr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const gs_shape shapes[] = {{4, {1, 1, 1, 1}},  {4, {3, 5, 7, 1}}, {4, {2, 8, 8, 3}},
                                  {4, {5, 13, 3, 2}}, {4, {4, 1, 9, 1}}, {4, {9, 28, 28, 1}}};

static void check(void **state, const gs_shape *shape, const gs__augment_attr *attr, uint32_t rows) {
    op_check(*state, &(op_case){.op = "augment",
                                .attr = attr,
                                .x = {{.shape = *shape, .low = 0, .high = 1, .constant = true}},
                                .rows = rows,
                                .set = {.seed_lo = 11, .seed_hi = 12},
                                .position = {.step_lo = 7, .step_hi = 1},
                                .absolute = 3e-5});
}

static void each_change(void **state) {
    static const gs__augment_attr attrs[] = {
        {.key = 1, .flips = GS__FLIP_HORIZONTAL},
        {.key = 2, .flips = GS__FLIP_VERTICAL},
        {.key = 3, .flips = GS__FLIP_HORIZONTAL | GS__FLIP_VERTICAL},
        {.key = 4, .top = -3, .left = -3, .down = 6, .right = 6},
        {.key = 5, .turn = {-0.1f, 0.1f}},
        {.key = 6, .turn = {-1, 1}, .fill = GS__FILL_REFLECT},
        {.key = 7, .turn = {0.2f, 0.4f}, .fill = GS__FILL_NEAREST},
        {.key = 8, .turn = {0.25f, 0.25f}, .fill = GS__FILL_WRAP},
        {.key = 9, .contrast = {-0.5f, 0.5f}},
        {.key = 10, .brightness = {-0.5f, 0.25f}},
        {.key = 11, .brightness = {-0.5f, 0.5f}, .range = {0, 1}},
        {.key = 12, .cutout = 1},
        {.key = 13, .cutout = 4},
        {.key = 14, .cutout = 16000},
        {.key = 15,
         .flips = 3,
         .top = -1,
         .left = -2,
         .down = 2,
         .right = 4,
         .cutout = 3,
         .fill_value = 0.5f,
         .turn = {-0.05f, 0.05f},
         .contrast = {-0.2f, 0.2f},
         .brightness = {-0.1f, 0.1f},
         .range = {0.05f, 0.95f}},
    };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t a = 0; a < sizeof attrs / sizeof *attrs; a++) check(state, &shapes[s], &attrs[a], 0);
    check(state, &shapes[5], &attrs[14], 7); // the other rows are zeros
}

static void other_sizes(void **state) {
    const gs__augment_attr smaller = {.key = 1, .height = 5, .width = 3, .down = 3, .right = 5, .flips = 3};
    const gs__augment_attr larger = {.key = 2, .height = 11, .width = 16, .top = -2, .left = -3, .fill = GS__FILL_WRAP};
    const gs__augment_attr middle = {.height = 4, .width = 4, .top = 2, .left = 2};
    check(state, &shapes[2], &smaller, 0);
    check(state, &shapes[2], &larger, 0);
    check(state, &shapes[2], &middle, 0);
}

static void nan_stays_nan(void **state) {
    const double values[4] = {NAN, 1, 2, NAN};
    const gs__augment_attr attr = {.flips = 1, .brightness = {0.1f, 0.1f}, .range = {0, 1}};
    op_check(*state, &(op_case){.op = "augment",
                                .attr = &attr,
                                .x = {{.shape = {4, {1, 2, 2, 1}}, .values = values, .constant = true}}});
}

// --- the reference alone -----------------------------------------------------------------------------------------

// Output of the reference for rows of that shape.
static void reference(const gs__augment_attr *attr, const gs_shape *shape, const double *x, uint32_t step, double *y) {
    static double means[4096];
    gs__node node = {.op = gs__op_find("augment")};
    struct gs_state state = {.set = {.seed_lo = 1}, .cur = {.step_lo = step, .rows = (uint32_t)shape->dim[0]}};
    memcpy(node.attr.bytes, attr, sizeof *attr);
    gs__reference r = {.node = &node, .x = {x}, .y = {y, means}, .state = &state};
    r.x_shape[0] = r.y_shape[0] = *shape;
    if (attr->height) r.y_shape[0].dim[1] = attr->height;
    if (attr->width) r.y_shape[0].dim[2] = attr->width;
    node.op->ref_forward(&r);
}

static double *golden(const char *name, gs_shape *shape) {
    char path[1024];
    gs__error error;
    gs__array array = {0};
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/assets/golden/augment/%s.npy", source ? source : ".", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static char bytes[8192];
    const size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    op_expect_ok(&error, gs__npy_parse(&error, name, bytes, count, GS__SAMPLES, &array), name);
    *shape = array.shape;
    uint64_t elements;
    assert_true(gs__shape_count(shape, &elements));
    double *values = malloc(elements * sizeof *values);
    assert_non_null(values);
    for (uint64_t i = 0; i < elements; i++) values[i] = (double)((const float *)array.data)[i];
    gs__array_deinit(&array);
    return values;
}

static void agrees_with_keras(void **state) {
    (void)state;
    static const struct {
        const char *name;
        gs__augment_attr attr;
    } cases[] = {
        {"rotation-constant", {.turn = {0.1f, 0.1f}, .fill = GS__FILL_CONSTANT, .fill_value = 0.5f}},
        {"rotation-reflect", {.turn = {0.1f, 0.1f}, .fill = GS__FILL_REFLECT}},
        {"rotation-nearest", {.turn = {0.1f, 0.1f}, .fill = GS__FILL_NEAREST}},
        {"rotation-wrap", {.turn = {0.1f, 0.1f}, .fill = GS__FILL_WRAP}},
        {"brightness", {.brightness = {0.2f, 0.2f}, .range = {0, 1}}},
        {"contrast", {.contrast = {0.4f, 0.4f}, .range = {0.1f, 0.9f}}},
    };
    gs_shape shape;
    double *x = golden("x", &shape), y[2 * 7 * 6 * 3];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gs_shape same;
        double *expected = golden(cases[i].name, &same);
        assert_true(gs__shape_equal(&shape, &same));
        reference(&cases[i].attr, &shape, x, 0, y);
        op_compare(cases[i].name, y, expected, sizeof y / sizeof *y, 1e-5, 1e-5);
        free(expected);
    }
    free(x);
}

// 1000 images of 9 x 9 with one bright pixel: where it goes.
static void draws_evenly(void **state) {
    (void)state;
    enum { ROWS = 1000, SIDE = 9 };
    static double x[ROWS * SIDE * SIDE], y[ROWS * SIDE * SIDE], later[ROWS * SIDE * SIDE];
    const gs_shape shape = {4, {ROWS, SIDE, SIDE, 1}};
    for (int row = 0; row < ROWS; row++) x[(row * SIDE + 2) * SIDE + 2] = 1;
    int flipped[4] = {0}, places[SIDE][SIDE] = {{0}};
    reference(&(gs__augment_attr){.key = 1, .flips = 3}, &shape, x, 5, y);
    reference(&(gs__augment_attr){.key = 1, .flips = 3}, &shape, x, 6, later);
    assert_true(memcmp(y, later, sizeof y) != 0); // another step, other draws
    reference(&(gs__augment_attr){.key = 1, .flips = 3}, &shape, x, 5, later);
    assert_memory_equal(y, later, sizeof y); // the same step again
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < 4; k++) flipped[k] += y[(i * SIDE + (k & 2 ? 6 : 2)) * SIDE + (k & 1 ? 6 : 2)] > 0;
    for (int k = 0; k < 4; k++) assert_in_range(flipped[k], 200, 300);
    reference(&(gs__augment_attr){.key = 1, .top = -2, .left = -2, .down = 4, .right = 4}, &shape, x, 5, y);
    for (int i = 0; i < ROWS * SIDE * SIDE; i++)
        if (y[i] > 0) places[i / SIDE % SIDE][i % SIDE]++;
    for (int l = 0; l < SIDE; l++)
        for (int c = 0; c < SIDE; c++) // 25 places, 40 each
            if (l <= 4 && c <= 4) assert_in_range(places[l][c], 15, 70);
            else assert_int_equal(places[l][c], 0);
    // A square of 3 takes its share: the pixel is cut where the centre is within 1 of it.
    int cut = 0;
    reference(&(gs__augment_attr){.key = 1, .cutout = 3}, &shape, x, 5, y);
    for (int i = 0; i < ROWS; i++) cut += !(y[(i * SIDE + 2) * SIDE + 2] > 0);
    assert_in_range(cut, 75, 150); // 1000 * 9 / 81
}

static void refuses(void **state) {
    (void)state;
    static const struct {
        gs__augment_attr attr;
        gs_shape shape;
        gs_dtype dtype;
        bool wants_grad;
        const char *message;
    } cases[] = {
        {{0}, {2, {3, 4}}, GS_F32, false, "images (height, width, channels) of float32, found float32"},
        {{0}, {4, {1, 2, 2, 1}}, GS_I32, false, "found int32"},
        {{0}, {4, {1, 20000, 2, 1}}, GS_F32, false, "too large to be augmented"},
        {{0}, {4, {1, 2, 2, 1}}, GS_F32, true, "has no gradient"},
        {{.turn = {0.5f, -0.5f}}, {4, {1, 2, 2, 1}}, GS_F32, false, "a range is not one"},
        {{.contrast = {-2, 0}}, {4, {1, 2, 2, 1}}, GS_F32, false, "a range is not one"},
        {{.fill = 9}, {4, {1, 2, 2, 1}}, GS_F32, false, "a range is not one"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gs__error error = {0};
        gs__node node = {.op = gs__op_find("augment")};
        const gs__value_info x = {.shape = cases[i].shape, .dtype = cases[i].dtype, .wants_grad = cases[i].wants_grad},
                             *inputs[GS__MAX_INPUTS] = {&x};
        gs__value_info y[GS__MAX_OUTPUTS] = {0};
        memcpy(node.attr.bytes, &cases[i].attr, sizeof cases[i].attr);
        assert_true(node.op->shape(&error, &node, inputs, y) != GS_OK);
        if (!strstr(error.message, cases[i].message)) fail_msg("\"%s\" in: %s", cases[i].message, error.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change),       cmocka_unit_test(other_sizes),  cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(agrees_with_keras), cmocka_unit_test(draws_evenly), cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
