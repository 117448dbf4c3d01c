// Shapes: counts with limits, texts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tensor/shape.h"

static void test_count(void **state) {
    (void)state;
    uint64_t count = 0;
    assert_true(gs__shape_count(&(gs_shape){0}, &count));
    assert_int_equal(count, 1);
    assert_true(gs__shape_count(&(gs_shape){3, {2, 3, 4}}, &count));
    assert_int_equal(count, 24);
    assert_true(gs__shape_count(&(gs_shape){6, {1, 1, 1, 1, 1, 5}}, &count));
    assert_int_equal(count, 5);
    assert_true(gs__shape_count(&(gs_shape){2, {1 << 20, 1 << 20}}, &count));
    assert_int_equal(count, UINT64_C(1) << 40);
}

static void test_count_refuses(void **state) {
    (void)state;
    static const gs_shape bad[] = {
        {1, {0}},
        {2, {3, -1}},
        {1, {INT64_MIN}},
        {1, {(INT64_C(1) << 40) + 1}},
        {2, {1 << 20, (1 << 20) + 1}},
        {2, {INT64_MAX, INT64_MAX}},
        {4, {1 << 16, 1 << 16, 1 << 16, 1 << 16}}, // 2^64: a plain product wraps to 0
        {6, {3037000500, 3037000500, 1, 1, 1, 1}},
        {7, {1, 1, 1, 1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t count = 77;
        assert_false(gs__shape_count(&bad[i], &count));
        assert_int_equal(count, 77);
    }
}

static void test_equal(void **state) {
    (void)state;
    gs_shape a = {2, {3, 4, 99}}, b = {2, {3, 4, 7}};
    assert_true(gs__shape_equal(&a, &b)); // what is beyond the rank does not count
    assert_false(gs__shape_equal(&a, &(gs_shape){2, {3, 5}}));
    assert_false(gs__shape_equal(&a, &(gs_shape){3, {3, 4, 99}}));
    assert_true(gs__shape_equal(&(gs_shape){0}, &(gs_shape){0, {5}}));
}

static void test_text(void **state) {
    (void)state;
    char text[64];
    assert_string_equal(gs__shape_text(&(gs_shape){2, {32, 784}}, false, text, sizeof text), "(32, 784)");
    assert_string_equal(gs__shape_text(&(gs_shape){2, {32, 784}}, true, text, sizeof text), "(None, 784)");
    assert_string_equal(gs__shape_text(&(gs_shape){1, {7}}, false, text, sizeof text), "(7)");
    assert_string_equal(gs__shape_text(&(gs_shape){0}, false, text, sizeof text), "()");
    assert_string_equal(gs__shape_text(&(gs_shape){2, {-1, 4}}, false, text, sizeof text), "(-1, 4)");
    // Too little room cuts the text off; the byte after the buffer stays.
    char small[8] = "aaaaaaa";
    gs__shape_text(&(gs_shape){2, {123456, 784}}, false, small, 6);
    assert_string_equal(small, "(1234");
    assert_int_equal(small[6], 'a');
}

static void test_dtype(void **state) {
    (void)state;
    assert_int_equal(gs__dtype_bytes(GS_F32), 4);
    assert_int_equal(gs__dtype_bytes(GS_I32), 4);
    assert_int_equal(gs__dtype_bytes(GS_U8), 1);
    assert_string_equal(gs__dtype_name(GS_F32), "float32");
    assert_string_equal(gs__dtype_name(GS_I32), "int32");
    assert_string_equal(gs__dtype_name(GS_U8), "uint8");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count), cmocka_unit_test(test_count_refuses), cmocka_unit_test(test_equal),
        cmocka_unit_test(test_text),  cmocka_unit_test(test_dtype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
