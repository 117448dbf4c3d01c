// Random numbers against published values and moments.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#include <math.h>

static void check_block(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0, uint32_t k1,
                        const uint32_t expected[4]) {
    const uint32_t counter[4] = {c0, c1, c2, c3}, key[2] = {k0, k1};
    uint32_t out[4];
    gs__philox(counter, key, out);
    for (int i = 0; i < 4; i++) assert_int_equal(out[i], expected[i]);
}

// The vectors of Random123, kat_vectors: philox4x32, 10 rounds.
static void test_known_answers(void **state) {
    (void)state;
    check_block(0, 0, 0, 0, 0, 0, (const uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    check_block(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
                (const uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    check_block(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
                (const uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

// The stream's words are blocks of counter (n, stream) and key seed.
static void test_stream(void **state) {
    (void)state;
    gs__rng rng;
    gs__rng_init(&rng, UINT64_C(0x299f31d0a4093822), UINT64_C(0x0370734413198a2e));
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, 0, 0x13198a2e, 0x03707344}, key[2] = {0xa4093822, 0x299f31d0};
        uint32_t expected[4];
        gs__philox(counter, key, expected);
        for (int i = 0; i < 4; i++) assert_int_equal(gs__rng_u32(&rng), expected[i]);
    }
}

static void test_streams_differ(void **state) {
    (void)state;
    gs__rng a, b, c, again;
    gs__rng_init(&a, 1, 0);
    gs__rng_init(&b, 1, 1);
    gs__rng_init(&c, 2, 0);
    gs__rng_init(&again, 1, 0);
    int equal_b = 0, equal_c = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t word = gs__rng_u32(&a);
        assert_int_equal(word, gs__rng_u32(&again));
        equal_b += word == gs__rng_u32(&b);
        equal_c += word == gs__rng_u32(&c);
    }
    assert_true(equal_b < 3 && equal_c < 3);
}

// Bounds of five standard errors.
static void test_uniform(void **state) {
    (void)state;
    enum { COUNT = 200000 };
    gs__rng rng;
    gs__rng_init(&rng, 42, 7);
    double sum = 0, squares = 0, min = 1, max = 0;
    for (int i = 0; i < COUNT; i++) {
        double u = gs__rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
        if (u < min) min = u;
        if (u > max) max = u;
    }
    assert_true(fabs(sum / COUNT - 0.5) < 5 * sqrt(1.0 / 12 / COUNT));
    assert_true(fabs(squares / COUNT - 1.0 / 3) < 5 * sqrt(4.0 / 45 / COUNT));
    assert_true(min < 1e-3 && max > 1 - 1e-3);
}

static void test_normal(void **state) {
    (void)state;
    enum { COUNT = 200000 };
    gs__rng rng;
    gs__rng_init(&rng, 43, 7);
    double sum = 0, squares = 0, fourth = 0;
    int within_one = 0;
    for (int i = 0; i < COUNT; i++) {
        double z = gs__rng_normal(&rng);
        assert_true(isfinite(z));
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
        within_one += fabs(z) < 1;
    }
    assert_true(fabs(sum / COUNT) < 5 * sqrt(1.0 / COUNT));
    assert_true(fabs(squares / COUNT - 1) < 5 * sqrt(2.0 / COUNT));
    assert_true(fabs(fourth / COUNT - 3) < 5 * sqrt(96.0 / COUNT));
    assert_true(fabs((double)within_one / COUNT - 0.682689492) < 5 * sqrt(0.2166 / COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers), cmocka_unit_test(test_stream), cmocka_unit_test(test_streams_differ),
        cmocka_unit_test(test_uniform),       cmocka_unit_test(test_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
