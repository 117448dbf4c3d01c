// Files of the MNIST format.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/data.h"
#include "files.h"

#include <stdlib.h>
#include <string.h>

static gs__error error;

#define PARSE(bytes, use, array) gs__idx_parse(&error, "file.idx", (bytes), sizeof(bytes) - 1, (use), (array))

static void test_images(void **state) {
    (void)state;
    gs__array array = {0};
    assert_int_equal(PARSE("\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijk\xFF", GS__SAMPLES, &array), GS_OK);
    assert_int_equal(array.dtype, GS_U8);
    assert_int_equal(array.shape.rank, 3);
    assert_true(array.shape.dim[0] == 2 && array.shape.dim[1] == 2 && array.shape.dim[2] == 3);
    assert_memory_equal(array.data, "abcdefghijk\xFF", 12);
    gs__array_deinit(&array);
    assert_int_equal(PARSE("\0\0\x08\4\0\0\0\1\0\0\0\1\0\0\0\2\0\0\0\3abcdef", GS__SAMPLES, &array), GS_OK);
    assert_int_equal(array.shape.rank, 4);
    assert_int_equal(array.shape.dim[3], 3);
    gs__array_deinit(&array);
}

static void check_floats(const gs__array *array, uint32_t count, const float *expected) {
    assert_int_equal(array->dtype, GS_F32);
    for (uint32_t i = 0; i < count; i++) assert_true(((const float *)array->data)[i] == expected[i]);
}

// Every other type becomes float32; the file is big-endian.
static void test_types(void **state) {
    (void)state;
    gs__array array = {0};
    assert_int_equal(PARSE("\0\0\x09\2\0\0\0\1\0\0\0\2\x80\x7F", GS__SAMPLES, &array), GS_OK);
    check_floats(&array, 2, (const float[]){-128, 127});
    gs__array_deinit(&array);
    assert_int_equal(PARSE("\0\0\x0B\2\0\0\0\1\0\0\0\2\x80\x00\x01\x02", GS__SAMPLES, &array), GS_OK);
    check_floats(&array, 2, (const float[]){-32768, 258});
    gs__array_deinit(&array);
    assert_int_equal(PARSE("\0\0\x0C\2\0\0\0\1\0\0\0\2\xFF\xFF\xFF\xFE\0\1\0\0", GS__SAMPLES, &array), GS_OK);
    check_floats(&array, 2, (const float[]){-2, 65536});
    gs__array_deinit(&array);
    assert_int_equal(PARSE("\0\0\x0D\2\0\0\0\1\0\0\0\1\xBF\xC0\0\0", GS__SAMPLES, &array), GS_OK);
    check_floats(&array, 1, (const float[]){-1.5f});
    gs__array_deinit(&array);
    assert_int_equal(PARSE("\0\0\x0E\2\0\0\0\1\0\0\0\1\x3F\xF8\0\0\0\0\0\0", GS__SAMPLES, &array), GS_OK);
    check_floats(&array, 1, (const float[]){1.5f});
    gs__array_deinit(&array);
}

static void test_labels(void **state) {
    (void)state;
    gs__array array = {0};
    assert_int_equal(PARSE("\0\0\x08\1\0\0\0\3\0\x09\xFF", GS__TARGETS, &array), GS_OK);
    assert_int_equal(array.dtype, GS_I32);
    assert_int_equal(array.shape.rank, 1);
    assert_memory_equal(array.data, ((const int32_t[]){0, 9, 255}), 12);
    gs__array_deinit(&array);
    assert_int_equal(PARSE("\0\0\x0C\1\0\0\0\1\0\1\0\0", GS__TARGETS, &array), GS_OK);
    assert_int_equal(((const int32_t *)array.data)[0], 65536);
    gs__array_deinit(&array);
    assert_int_equal(PARSE("\0\0\x0D\1\0\0\0\1\x3F\xC0\0\0", GS__TARGETS, &array), GS_OK); // values
    check_floats(&array, 1, (const float[]){1.5f});
    gs__array_deinit(&array);
}

#define EXPECT(bytes, use, ...)                                                                                        \
    expect_failure(&error, PARSE(bytes, use, &array), GS_ERR_FORMAT, "file.idx: ", __VA_ARGS__, NULL)

static void test_refuses(void **state) {
    (void)state;
    gs__array array = {0};
    EXPECT("", GS__SAMPLES, "truncated", "0 bytes");
    EXPECT("\0\0\x08", GS__SAMPLES, "truncated", "3 bytes");
    EXPECT("\x89PNG\r\n", GS__SAMPLES, "wrong magic", "0x89504e47", "offset 0", "0x00000803");
    EXPECT("\0\0\x0A\3....", GS__SAMPLES, "wrong magic", "0x00000a03", "0x00000803");
    EXPECT("\0\0\x0A\1....", GS__TARGETS, "wrong magic", "0x00000a01", "0x00000801");
    EXPECT("\0\0\x08\1\0\0\0\1a", GS__SAMPLES, "0x00000801", "these are labels", "wrong order");
    EXPECT("\0\0\x08\3\0\0\0\1\0\0\0\1\0\0\0\1a", GS__TARGETS, "0x00000803", "3 dimensions", "0x00000801");
    EXPECT("\0\0\x08\0", GS__SAMPLES, "0 dimensions");
    EXPECT("\0\0\x08\7aaaabbbbccccddddeeeeffffgggg", GS__SAMPLES, "7 dimensions", "at most 6");
    EXPECT("\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0", GS__SAMPLES, "truncated", "15 bytes", "16");
    EXPECT("\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijk", GS__SAMPLES, "truncated", "(2, 2, 3)", "12 bytes",
           "offset 16", "only 11");
    EXPECT("\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijklm", GS__SAMPLES, "1 bytes follow", "offset 28");
    EXPECT("\0\0\x08\1\0\0\0\2\1", GS__TARGETS, "truncated", "(2)");
    EXPECT("\0\0\x08\3\0\0\0\0\0\0\0\2\0\0\0\3", GS__SAMPLES, "no elements", "(0, 2, 3)");
    EXPECT("\0\0\x08\1\0\0\0\0", GS__TARGETS, "no elements");
    // Claims of gigabytes in 16 bytes: no memory is taken for them.
    EXPECT("\0\0\x08\3\x80\0\0\0\0\0\0\x10\0\0\0\1", GS__SAMPLES, "truncated", "34359738368 bytes");
    EXPECT("\0\0\x08\3\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", GS__SAMPLES, "too large");
    EXPECT("\0\0\x0E\3\x00\x01\0\0\x00\x01\0\0\x00\x01\0\0", GS__SAMPLES, "too large");
    assert_null(array.data);
}

typedef struct form {
    gs__array_use use;
} form;

static gs_status parse_damaged(void *user, const char *data, size_t bytes) {
    gs__array array = {0};
    gs_status status = gs__idx_parse(&error, "damaged", data, bytes, ((const form *)user)->use, &array);
    gs__array_deinit(&array);
    return status;
}

static void test_damage(void **state) {
    (void)state;
    static const char images[] = "\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijkl",
                      labels[] = "\0\0\x0C\1\0\0\0\2aaaabbbb";
    // Everything in a header matters.
    assert_true(damage(images, sizeof images - 1, true, parse_damaged, &(form){GS__SAMPLES}) >= 31);
    assert_true(damage(labels, sizeof labels - 1, true, parse_damaged, &(form){GS__TARGETS}) >= 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),  cmocka_unit_test(test_types),  cmocka_unit_test(test_labels),
        cmocka_unit_test(test_refuses), cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
