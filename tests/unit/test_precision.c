// Rounding to 16 bits against a search among all numbers of the type, and the host's half of the loss scale.
#include "plan/precision.h"
#include "plan/tick.h"
#include "state.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VALUES = 1 << 15 }; // that are not negative, by their bits

// The value of a 16-bit number with that many bits of mantissa, by definition.
static double value_of(uint32_t bits, int mantissa) {
    const int exponent_bits = 15 - mantissa, bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = (int)(bits >> mantissa), fraction = (int)(bits & ((1u << mantissa) - 1));
    if (exponent == (1 << exponent_bits) - 1) return fraction ? NAN : INFINITY;
    if (exponent == 0) return ldexp(fraction, 1 - bias - mantissa);
    return ldexp(fraction + (1 << mantissa), exponent - bias - mantissa);
}

// Each number, the middle to its neighbour, and the floats beside that.
static void nearest(gs_precision precision, int mantissa) {
    for (uint32_t bits = 0; bits + 1 < VALUES; bits++) {
        const double low = value_of(bits, mantissa), high = value_of(bits + 1, mantissa);
        if (isnan(high) || isinf(low)) break;
        // Where the next one would be, if there were no end.
        const double end = isinf(high) ? ldexp(1, mantissa == 10 ? 16 : 128) : high;
        const double middle = (low + end) / 2;
        const double even = bits & 1 ? high : low;
        assert_true(gs__narrow(precision, low) == low);
        assert_true(gs__narrow(precision, -low) == -low);
        assert_true(gs__narrow(precision, middle) == even);
        assert_true(gs__narrow(precision, -middle) == -even);
        assert_true(gs__narrow(precision, (double)nextafterf((float)middle, 0)) == low);
        assert_true(gs__narrow(precision, (double)nextafterf((float)middle, INFINITY)) == high);
    }
    assert_true(isnan(gs__narrow(precision, NAN)));
    assert_true(gs__narrow(precision, INFINITY) == INFINITY && gs__narrow(precision, -INFINITY) == -INFINITY);
    assert_true(signbit(gs__narrow(precision, -0.0)));
}

static void nearest_half(void **state) {
    (void)state, nearest(GS_PRECISION_MIXED_FLOAT16, 10);
}

static void nearest_bfloat(void **state) {
    (void)state, nearest(GS_PRECISION_MIXED_BFLOAT16, 7);
}

static void float32_stays(void **state) {
    (void)state;
    static const double values[] = {0.1, 1e-300, 70000, -1.0000001};
    for (int i = 0; i < 4; i++) {
        assert_true(gs__narrow(GS_PRECISION_FLOAT32, values[i]) == values[i]);
        assert_true(gs__narrow(GS_PRECISION_DEFAULT, values[i]) == values[i]);
    }
}

static void scaled_gradients(void **state) {
    (void)state;
    struct gs_state s = {.cur.loss_scale_log2 = 15};
    // Too small for a half, but not times 2^15.
    assert_true(gs__narrow(GS_PRECISION_MIXED_FLOAT16, 0x1.8p-30) == 0);
    assert_true(gs__narrow_gradient(GS_PRECISION_MIXED_FLOAT16, &s, 0x1.8p-30) == 0x1.8p-30);
    assert_true(gs__narrow_gradient(GS_PRECISION_MIXED_FLOAT16, &s, 2.5) == INFINITY);
    assert_true(gs__narrow_gradient(GS_PRECISION_MIXED_BFLOAT16, &s, 2.5) == 2.5);
    assert_true(gs__narrow_gradient(GS_PRECISION_FLOAT32, &s, 0.1) == 0.1);
    const uint32_t both = gs__precision_spec(GS_PRECISION_MIXED_FLOAT16, true, false);
    assert_true(gs__narrow_a(both, &s, 2.5) == INFINITY && gs__narrow_b(both, &s, 2.5) == 2.5);
    assert_int_equal(gs__precision_spec(GS_PRECISION_FLOAT32, true, true), 0);
    assert_true(gs__narrow_a(0, &s, 0.1) == 0.1);
}

static void loss_scale(void **state) {
    (void)state;
    struct gs_state s = {
        .set = {.data_count = 9, .batch = 4, .beta1_rest = 0.5f, .loss_scale_log2 = 3, .loss_scale_growth = 2}};
    gs__state_start(&s);
    static const int32_t expected[] = {3, 4, 4, 5, 4, 4, 5};
    for (int i = 0; i < 7; i++) {
        const float gap = s.next.beta1_gap;
        s.next.skip = i == 4;
        gs__tick_next(&s);
        assert_int_equal(s.next.loss_scale_log2, expected[i]);
        assert_true((s.next.beta1_gap == gap) == (i == 4));
        assert_int_equal(s.next.skip, 0);
        assert_int_equal(s.next.step_lo, i + 1);
    }
    // There is an end to it in both directions.
    for (int i = 0; i < 200; i++) s.next.skip = 1, gs__tick_next(&s);
    assert_int_equal(s.next.loss_scale_log2, -GS_LOSS_SCALE_LIMIT);
    for (int i = 0; i < 500; i++) gs__tick_next(&s);
    assert_int_equal(s.next.loss_scale_log2, GS_LOSS_SCALE_LIMIT);
    // Without growth it stays.
    s.set.loss_scale_growth = 0;
    s.next.skip = 1;
    gs__tick_next(&s);
    assert_int_equal(s.next.loss_scale_log2, GS_LOSS_SCALE_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_half),     cmocka_unit_test(nearest_bfloat), cmocka_unit_test(float32_stays),
        cmocka_unit_test(scaled_gradients), cmocka_unit_test(loss_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
