#include "harness.h"

#include "op/attr.h"
#include <math.h>
#include <string.h>

struct size {
    int64_t image[4];
    gs__pool2d_attr attr;
};

// All different, by more than the steps of the numeric gradient: no other pixel becomes the largest.
static const double *distinct(const int64_t image[4]) {
    static double values[60000];
    const uint64_t count = (uint64_t)(image[0] * image[1] * image[2] * image[3]);
    assert_true(count <= sizeof values / sizeof values[0]);
    for (uint64_t i = 0; i < count; i++) values[i] = 0.01 * (double)(i * 7919 % count) - 1; // 7919 is a prime
    return values;
}

static op_case pool(const struct size *s, gs__pool2d_attr *attr, bool average) {
    *attr = s->attr;
    attr->average = average;
    attr->places = !average;
    return (op_case){.op = "pool2d",
                     .attr = attr,
                     .x = {{.shape = {4, {s->image[0], s->image[1], s->image[2], s->image[3]}},
                            .values = average ? NULL : distinct(s->image)}}};
}

static const struct size sizes[] = {
    {{1, 1, 1, 1}, {.size = {1, 1}, .stride = {1, 1}}},
    {{2, 4, 4, 4}, {.size = {2, 2}, .stride = {2, 2}}},
    {{3, 5, 7, 3}, {.size = {2, 2}, .stride = {2, 2}}}, // some pixels in no window
    {{2, 13, 11, 32}, {.size = {2, 3}, .stride = {2, 3}}},
    {{2, 5, 5, 5}, {.size = {2, 2}, .stride = {2, 2}, .pad_end = {1, 1}}},
    {{1, 7, 6, 8}, {.size = {3, 3}, .stride = {1, 1}, .pad = {1, 1}, .pad_end = {1, 1}}}, // overlapping
    {{2, 9, 8, 6}, {.size = {3, 2}, .stride = {2, 1}, .pad = {1, 0}, .pad_end = {1, 1}}},
    {{2, 8, 9, 7}, {.size = {2, 1}, .stride = {3, 4}}},  // gaps between windows
    {{3, 7, 5, 12}, {.size = {7, 5}, .stride = {7, 5}}}, // all of the image
    {{40, 6, 6, 36}, {.size = {2, 2}, .stride = {2, 2}}},
};
enum { COUNT = sizeof sizes / sizeof sizes[0] };

static void largest(void **state) {
    for (uint32_t i = 0; i < COUNT; i++) {
        gs__pool2d_attr attr;
        op_case c = pool(&sizes[i], &attr, false);
        op_check(*state, &c);
    }
}

static void average(void **state) {
    for (uint32_t i = 0; i < COUNT; i++) {
        gs__pool2d_attr attr;
        op_case c = pool(&sizes[i], &attr, true);
        op_check(*state, &c);
    }
}

static void series(void **state) {
    for (uint32_t mean = 0; mean < 2; mean++) {
        const gs__pool2d_attr attr = {
            .average = mean, .places = !mean, .size = {1, 3}, .stride = {1, 2}, .pad = {0, 1}, .pad_end = {0, 1}};
        op_check(*state, &(op_case){.op = "pool2d",
                                    .attr = &attr,
                                    .x = {{.shape = {3, {2, 10, 5}}, .values = distinct((int64_t[]){2, 10, 5, 1})}}});
    }
}

// Of equals the first; zeros of both signs are equal; infinite and NaN values; all below zero.
static void ties(void **state) {
    double values[2 * 5 * 6 * 3];
    static const double some[] = {1, 1, -0.0, 0.0, -INFINITY, 2, NAN, -3, 1, INFINITY, -3, 2, -INFINITY};
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) values[i] = i < 90 ? some[i % 13] : some[i * i % 5];
    for (uint32_t i = 0; i < 3; i++) {
        gs__pool2d_attr attr;
        static const struct size tied[] = {{{2, 5, 6, 3}, {.size = {2, 2}, .stride = {2, 2}}},
                                           {{2, 5, 6, 3}, {.size = {3, 3}, .stride = {1, 2}, .pad = {2, 1}}},
                                           {{2, 5, 6, 3}, {.size = {5, 6}, .stride = {1, 1}}}};
        op_case c = pool(&tied[i], &attr, false);
        c.x[0].values = values;
        c.no_numeric = true; // kinks
        op_check(*state, &c);
    }
}

static void with_epilogues(void **state) {
    for (uint32_t i = 1; i < 6; i += 2)
        for (uint32_t mean = 0; mean < 2; mean++) {
            gs__pool2d_attr attr;
            op_case c = pool(&sizes[i], &attr, mean);
            c.set = (struct gs_settings){.seed_lo = 5, .seed_hi = 6};
            c.position = (struct gs_position){.step_lo = 9};
            c.epilogue = (gs__epilogue){GS_ACTIVATION_RELU, 0, 0.3f, 3};
            c.backward_epilogue = (gs__epilogue){GS_ACTIVATION_TANH, 0, 0.5f, 8};
            op_check(*state, &c);
        }
}

static void without_places(void **state) {
    gs__pool2d_attr attr;
    op_case c = pool(&sizes[3], &attr, false);
    attr.places = 0;
    c.no_backward = true; // which needs them
    op_check(*state, &c);
}

static void expect_refused(const gs_shape *x, const gs__pool2d_attr *attr, const char *message) {
    gs__error error = {0};
    gs__node node = {.op = gs__op_find("pool2d")};
    const gs__value_info info = {.shape = *x}, *inputs[GS__MAX_INPUTS] = {&info};
    gs__value_info y[GS__MAX_OUTPUTS] = {0};
    memcpy(node.attr.bytes, attr, sizeof *attr);
    assert_int_equal(node.op->shape(&error, &node, inputs, y), GS_ERR_ARGUMENT);
    assert_string_equal(error.message, message);
}

static void refusals(void **state) {
    (void)state;
    const gs_shape x = {4, {2, 5, 6, 3}}, flat = {2, {2, 90}};
    expect_refused(&flat, &(gs__pool2d_attr){.size = {2, 2}, .stride = {2, 2}},
                   "input has shape (2, 90) but must be (batch, rows, columns, channels) or (batch, steps, channels)");
    expect_refused(&x, &(gs__pool2d_attr){.size = {6, 2}, .stride = {2, 2}},
                   "size 6 x 2 is larger than the input (2, 5, 6, 3)");
    expect_refused(&x, &(gs__pool2d_attr){.size = {2, 2}, .stride = {2, 0}},
                   "size 2 and stride 0 must be at least 1, padding 0 and 0 below the size");
    expect_refused(&x, &(gs__pool2d_attr){.size = {2, 2}, .stride = {2, 2}, .pad = {2, 0}},
                   "size 2 and stride 2 must be at least 1, padding 2 and 0 below the size");
    expect_refused(&x, &(gs__pool2d_attr){.size = {5000, 5000}, .stride = {1, 1}},
                   "size 5000 x 5000 has more than 2^24 pixels");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest),        cmocka_unit_test(average),        cmocka_unit_test(ties),
        cmocka_unit_test(with_epilogues), cmocka_unit_test(without_places), cmocka_unit_test(refusals),
        cmocka_unit_test(series),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
