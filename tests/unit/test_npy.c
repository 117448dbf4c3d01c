// NumPy's files, read and written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/data.h"
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gs__error error;

// A file of this version in memory; returns its size.
static size_t make(char *file, int version, const char *header, const void *data, size_t bytes) {
    size_t length = strlen(header), prefix = version == 1 ? 10 : 12;
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (char)version;
    file[7] = 0;
    file[8] = (char)length;
    file[9] = (char)(length >> 8);
    if (version > 1) file[10] = file[11] = 0;
    memcpy(file + prefix, header, length);
    if (bytes) memcpy(file + prefix + length, data, bytes);
    return prefix + length + bytes;
}

static gs_status parse(int version, const char *header, const void *data, size_t bytes, gs__array_use use,
                       gs__array *array) {
    char file[600];
    size_t size = make(file, version, header, data, bytes);
    return gs__npy_parse(&error, "x.npy", file, size, use, array);
}

#define HEADER(descr, fortran, shape) "{'descr': '" descr "', 'fortran_order': " fortran ", 'shape': " shape ", }  \n"

static void test_versions(void **state) {
    (void)state;
    for (int version = 1; version <= 3; version++) {
        const float values[3] = {1, -2, 3.5f};
        gs__array array = {0};
        assert_int_equal(parse(version, HEADER("<f4", "False", "(3,)"), values, 12, GS__SAMPLES, &array), GS_OK);
        assert_int_equal(array.dtype, GS_F32);
        assert_int_equal(array.shape.rank, 1);
        assert_int_equal(array.shape.dim[0], 3);
        assert_memory_equal(array.data, values, 12);
        gs__array_deinit(&array);
    }
}

// Other writers format the dictionary in other ways.
static void test_header_forms(void **state) {
    (void)state;
    static const char *const headers[] = {
        "{'descr':'<f4','fortran_order':False,'shape':(2,1)}",
        "{\"shape\": (2, 1, ), \"fortran_order\": False, \"descr\": \"<f4\"}\n",
        "  { 'fortran_order' : False , 'shape' : ( 2L , 1L ) , 'descr' : '<f4' , }    \n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        gs__array array = {0};
        assert_int_equal(parse(1, headers[i], "\0\0\0\0\0\0\x80\x3F", 8, GS__SAMPLES, &array), GS_OK);
        assert_true(array.shape.rank == 2 && array.shape.dim[0] == 2 && array.shape.dim[1] == 1);
        gs__array_deinit(&array);
    }
}

static void test_types(void **state) {
    (void)state;
    static const struct {
        const char *descr;
        size_t bytes;
        const char *data;
        float expected;
        bool is_integer;
    } cases[] = {
        {"<f4", 4, "\0\0\xC0\x3F", 1.5f, false},
        {">f4", 4, "\x3F\xC0\0\0", 1.5f, false},
        {"<f8", 8, "\0\0\0\0\0\0\xF8\x3F", 1.5f, false},
        {"|b1", 1, "\1", 1, true},
        {"|i1", 1, "\xFE", -2, true},
        {"<i2", 2, "\x02\x01", 258, true},
        {"<i4", 4, "\xFE\xFF\xFF\xFF", -2, true},
        {"<i8", 8, "\x00\x00\x01\0\0\0\0\0", 65536, true},
        {">i8", 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE", -2, true},
        {">u2", 2, "\xFF\xFE", 65534, true},
        {"<u4", 4, "\x02\0\x01\0", 65538, true},
        {"<u8", 8, "\x02\0\x01\0\0\0\0\0", 65538, true},
        {"<f2", 2, "\0\x3E", 1.5f, false},
        {">f2", 2, "\x80\x01", -0x1p-24f, false}, // the smallest of all
        {"<f2", 2, "\xFF\x7B", 65504, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[100];
        gs__array array = {0};
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }", cases[i].descr);
        assert_int_equal(parse(1, header, cases[i].data, cases[i].bytes, GS__SAMPLES, &array), GS_OK);
        assert_int_equal(array.dtype, GS_F32);
        assert_true(((const float *)array.data)[0] == cases[i].expected);
        gs__array_deinit(&array);
        assert_int_equal(parse(1, header, cases[i].data, cases[i].bytes, GS__TARGETS, &array), GS_OK);
        assert_int_equal(array.dtype, cases[i].is_integer ? GS_I32 : GS_F32);
        if (cases[i].is_integer) assert_int_equal(((const int32_t *)array.data)[0], (int32_t)cases[i].expected);
        gs__array_deinit(&array);
    }
    // Bytes stay bytes as samples, and are class indices as targets.
    gs__array array = {0};
    assert_int_equal(parse(1, HEADER("|u1", "False", "(2, 1)"), "\x05\xFF", 2, GS__SAMPLES, &array), GS_OK);
    assert_int_equal(array.dtype, GS_U8);
    assert_memory_equal(array.data, "\x05\xFF", 2);
    gs__array_deinit(&array);
    assert_int_equal(parse(1, HEADER("|u1", "False", "(2, 1)"), "\x05\xFF", 2, GS__TARGETS, &array), GS_OK);
    assert_int_equal(array.dtype, GS_I32);
    assert_int_equal(((const int32_t *)array.data)[1], 255);
    gs__array_deinit(&array);
}

static void test_fortran_order(void **state) {
    (void)state;
    gs__array array = {0};
    // Element (i, j, k) of shape (2, 3, 2) is the letter i + 2 j + 6 k.
    assert_int_equal(parse(1, HEADER("|u1", "True", "(2, 3, 2)"), "abcdefghijkl", 12, GS__SAMPLES, &array), GS_OK);
    assert_memory_equal(array.data, "agciekbhdjfl", 12);
    gs__array_deinit(&array);
    const float columns[6] = {1, 4, 2, 5, 3, 6}, rows[6] = {1, 2, 3, 4, 5, 6};
    assert_int_equal(parse(1, HEADER("<f4", "True", "(2, 3)"), columns, 24, GS__SAMPLES, &array), GS_OK);
    assert_memory_equal(array.data, rows, 24);
    gs__array_deinit(&array);
}

static void test_refuses(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t bytes;
        const char *text;
    } cases[] = {
        {"", 0, "expected {"},
        {"{}", 0, "expected 'descr', 'fortran_order' and 'shape'"},
        {"{'descr': '<f4', 'shape': (1,)}", 4, "expected 'descr', 'fortran_order' and 'shape'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 4, "expected , or }"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, "only spaces"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, "each key once"},
        {"{'other': 1}", 4, "'shape' only"},
        {"{'descr': '<f4', 'fortran_order': Falsy, 'shape': (1,)}", 4, "True or False"},
        {"{'descr': '<f4", 4, "short string"},
        {"{'descr' '<f4'}", 4, "expected :"},
        {"{descr: '<f4'}", 4, "a string"},
        {HEADER("<f16", "False", "(1,)"), 16, "'<f16' are not supported"},
        {HEADER("<c8", "False", "(1,)"), 8, "astype"},
        {HEADER("f4", "False", "(1,)"), 4, "not supported"},
        {HEADER("", "False", "(1,)"), 4, "not supported"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4, "records"},
        {HEADER("<f4", "False", "3"), 4, "expected ("},
        {HEADER("<f4", "False", "(a,)"), 4, "a dimension or )"},
        {HEADER("<f4", "False", "(-1,)"), 4, "a dimension or )"},
        {HEADER("<f4", "False", "(1 2)"), 4, ", or )"},
        {HEADER("<f4", "False", "(1"), 4, "expected"},
        {HEADER("<f4", "False", "(1, 1, 1, 1, 1, 1, 1)"), 4, "at most 6"},
        {HEADER("<f4", "False", "(99999999999999999999,)"), 4, "smaller dimension"},
        {HEADER("<f8", "False", "(4294967296, 4294967296)"), 4, "too large"},
        {HEADER("<f8", "False", "(2147483648,)"), 16, "truncated"},
        {HEADER("<f4", "False", "(0, 3)"), 0, "no elements: its shape is (0, 3)"},
        {HEADER("<f4", "False", "(3,)"), 11, "truncated"},
        {HEADER("<f4", "False", "(3,)"), 13, "1 bytes follow"},
    };
    const char zeros[16] = {0};
    gs__array array = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_failure(&error, parse(1, cases[i].header, zeros, cases[i].bytes, GS__SAMPLES, &array), GS_ERR_FORMAT,
                       "x.npy: ", cases[i].text, NULL);
    expect_failure(&error, parse(4, HEADER("<f4", "False", "(1,)"), zeros, 4, GS__SAMPLES, &array), GS_ERR_FORMAT,
                   "version 4.0", "3.0", NULL);
    expect_failure(&error, gs__npy_parse(&error, "x.npy", "\x89PNG......", 10, GS__SAMPLES, &array), GS_ERR_FORMAT,
                   "not an npy file", NULL);
    expect_failure(&error, gs__npy_parse(&error, "x.npy", "\x93NUM", 4, GS__SAMPLES, &array), GS_ERR_FORMAT,
                   "truncated: it has 4 bytes", NULL);
    expect_failure(&error, gs__npy_parse(&error, "x.npy", "", 0, GS__SAMPLES, &array), GS_ERR_FORMAT,
                   "truncated: it has 0 bytes", NULL);
    expect_failure(&error, gs__npy_parse(&error, "x.npy", "\x93NUMPY\2\0\xFF\xFF\xFF\xFF{}", 14, GS__SAMPLES, &array),
                   GS_ERR_FORMAT, "claims a header of 4294967295 bytes", NULL);
    expect_failure(&error,
                   parse(1, HEADER("<u8", "False", "(1,)"), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, GS__TARGETS, &array),
                   GS_ERR_FORMAT, "element 0 is ", "32 bits", NULL);
    expect_failure(&error, parse(1, HEADER("<i8", "False", "(1,)"), "\0\0\0\0\1\0\0\0", 8, GS__TARGETS, &array),
                   GS_ERR_FORMAT, "element 0 is 4294967296", "32 bits", NULL);
    assert_null(array.data);
}

static void test_write(void **state) {
    (void)state;
    gs_context *context = NULL;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    const float values[6] = {1, 2, 3, 4, 5, 6};
    static const struct {
        gs_shape shape;
        const char *text;
    } cases[] = {
        {{2, {2, 3}}, "(2, 3)"}, {{1, {6}}, "(6,)"}, {{0}, "()"}, {{6, {1, 1, 6, 1, 1, 1}}, "(1, 1, 6, 1, 1, 1)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = files_path("out.npy");
        size_t bytes, count = cases[i].shape.rank ? 6 : 1;
        assert_int_equal(gs_npy_write(context, path, values, &cases[i].shape), GS_OK);
        char *file = files_get(path, &bytes), header[200];
        snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", cases[i].text);
        assert_memory_equal(file, "\x93NUMPY\1\0", 8);
        assert_memory_equal(file + 10, header, strlen(header));
        assert_int_equal((bytes - count * 4) % 64, 0);
        assert_int_equal(file[bytes - count * 4 - 1], '\n');
        assert_memory_equal(file + bytes - count * 4, values, count * 4);
        gs__array array = {0};
        assert_int_equal(gs__npy_parse(&error, "out.npy", file, bytes, GS__SAMPLES, &array), GS_OK);
        assert_int_equal(array.shape.rank, cases[i].shape.rank);
        gs__array_deinit(&array);
        free(file);
    }
    assert_int_equal(gs_npy_write(context, files_path("no/folder.npy"), values, &cases[0].shape), GS_ERR_FILE);
    assert_non_null(strstr(gs_context_message(context), "no/folder.npy"));
    assert_int_equal(gs_npy_write(context, files_path("x"), values, &(gs_shape){1, {-1}}), GS_ERR_ARGUMENT);
    assert_int_equal(gs_npy_write(context, files_path("x"), NULL, &cases[0].shape), GS_ERR_ARGUMENT);
    gs_context_destroy(&context);
}

static gs_status parse_damaged(void *user, const char *data, size_t bytes) {
    (void)user;
    gs__array array = {0};
    gs_status status = gs__npy_parse(&error, "damaged", data, bytes, GS__SAMPLES, &array);
    gs__array_deinit(&array);
    return status;
}

static void test_damage(void **state) {
    (void)state;
    char file[300];
    for (int version = 1; version <= 2; version++) {
        size_t bytes = make(file, version, HEADER("<i2", "True", "(2, 3)"), "abcdefghijkl", 12);
        assert_true(damage(file, bytes, true, parse_damaged, NULL) > bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),      cmocka_unit_test(test_header_forms), cmocka_unit_test(test_types),
        cmocka_unit_test(test_fortran_order), cmocka_unit_test(test_refuses),      cmocka_unit_test(test_write),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
