// The safetensors format: what is written, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/safetensors.h"
#include "files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gs__error error;

// A file from a header and zeroed data.
static const char *put(const char *name, const char *header, size_t header_bytes, size_t data_bytes) {
    size_t bytes = 8 + header_bytes + data_bytes;
    char *file = calloc(1, bytes);
    assert_non_null(file);
    for (int i = 0; i < 8; i++) file[i] = (char)(header_bytes >> (8 * i));
    memcpy(file + 8, header, header_bytes);
    const char *path = files_put(name, file, bytes);
    free(file);
    return path;
}

static void test_write(void **state) {
    (void)state;
    static const float kernel[6] = {0, 1, -2, 3.5f, 1e-40f, 65504}, bias[3] = {7, 8, 9}, scalar[1] = {-0.0f};
    const gs__safetensors_entry entries[] = {{"dense/kernel", {2, {2, 3}}, kernel, NULL, 0},
                                             {"a \"quoted\\name\"", {1, {3}}, bias, NULL, 0},
                                             {"scalar", {0}, scalar, NULL, 0}};
    const char *path = files_path("model.safetensors");
    assert_int_equal(gs__safetensors_write(&error, path, entries, 3), GS_OK);

    size_t bytes;
    char *data = files_get(path, &bytes);
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"gradsmith\"},"
        "\"dense/kernel\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"a \\\"quoted\\\\name\\\"\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[24,36]},"
        "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[36,40]}}";
    size_t padded = (sizeof header - 1 + 7) / 8 * 8;
    assert_int_equal((unsigned char)data[0] | (unsigned char)data[1] << 8, padded);
    assert_memory_equal(data + 2, "\0\0\0\0\0\0", 6);
    assert_memory_equal(data + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < padded; i++) assert_int_equal(data[8 + i], ' ');
    assert_int_equal(bytes, 8 + padded + 40);
    free(data);

    gs__safetensors *file = NULL;
    gs__safetensors_info info;
    float values[6];
    assert_int_equal(gs__safetensors_open(&error, path, &file), GS_OK);
    assert_int_equal(gs__safetensors_count(file), 3);
    for (uint32_t i = 0; i < 3; i++) {
        gs__safetensors_get(file, i, &info);
        assert_string_equal(info.name, entries[i].name);
        assert_string_equal(info.dtype, "F32");
        assert_int_equal(info.shape.rank, entries[i].shape.rank);
        assert_int_equal(gs__safetensors_find(file, info.name), i);
        assert_int_equal(gs__safetensors_read_f32(file, i, values), GS_OK);
        assert_memory_equal(values, entries[i].values, info.count * 4);
    }
    assert_int_equal(gs__safetensors_find(file, "other"), -1);
    gs__safetensors_close(file);
}

static void test_write_large(void **state) {
    (void)state;
    enum { COUNT = 100003 }; // more than the buffers inside, and no multiple of them
    float *values = malloc(COUNT * sizeof *values), *back = malloc(COUNT * sizeof *back);
    assert_true(values && back);
    for (int i = 0; i < COUNT; i++) values[i] = (float)i * 0.5f;
    const char *path = files_path("large");
    assert_int_equal(
        gs__safetensors_write(&error, path, &(gs__safetensors_entry){"x", {1, {COUNT}}, values, NULL, 0}, 1), GS_OK);
    gs__safetensors *file = NULL;
    assert_int_equal(gs__safetensors_open(&error, path, &file), GS_OK);
    assert_int_equal(gs__safetensors_read_f32(file, 0, back), GS_OK);
    assert_memory_equal(values, back, COUNT * sizeof *values);
    gs__safetensors_close(file);
    free(values);
    free(back);
}

static void test_write_fails(void **state) {
    (void)state;
    const float x[1] = {0};
    const gs__safetensors_entry twice[] = {{"a", {0}, x, NULL, 0}, {"b", {0}, x, NULL, 0}, {"a", {0}, x, NULL, 0}};
    const char *path = files_path("refused");
    expect_failure(&error, gs__safetensors_write(&error, path, twice, 3), GS_ERR_ARGUMENT, "\"a\"", NULL);
    const gs__safetensors_entry empty = {"a", {1, {0}}, x, NULL, 0}, reserved = {"__metadata__", {0}, x, NULL, 0};
    expect_failure(&error, gs__safetensors_write(&error, path, &empty, 1), GS_ERR_ARGUMENT, "\"a\"", "(0)", NULL);
    expect_failure(&error, gs__safetensors_write(&error, path, &reserved, 1), GS_ERR_ARGUMENT, "reserved", NULL);
    expect_failure(&error, gs__safetensors_write(&error, files_path("no/folder"), twice, 1), GS_ERR_FILE, "no/folder",
                   NULL);
    gs__safetensors *file = NULL;
    expect_failure(&error, gs__safetensors_open(&error, path, &file), GS_ERR_FILE, "refused", "No such file", NULL);
    expect_failure(&error, gs__safetensors_open(&error, files_path(""), &file), GS_ERR_FILE, "not a regular file",
                   NULL);
    assert_null(file);
}

// Other types, quads that lie apart, and a checksum that sees each bit.
static void test_checked(void **state) {
    (void)state;
    static const double doubles[3] = {1.0 / 3, -0.0, 1e300};
    static const uint32_t words[2] = {0xFFFFFFFF, 1};
    float spread[24];
    for (int i = 0; i < 24; i++) spread[i] = (float)i;
    const gs__safetensors_entry entries[] = {
        {"d", {1, {3}}, doubles, "F64", 0}, {"u", {1, {2}}, words, "U32", 0}, {"q", {1, {11}}, spread + 4, NULL, 8}};
    const char *path = files_path("checked.safetensors");
    assert_int_equal(gs__safetensors_write_with(&error, path, "key", "a \"value\"", entries, 3), GS_OK);
    gs__safetensors *file = NULL;
    double doubles_back[3];
    uint32_t words_back[2];
    float quads[11];
    assert_int_equal(gs__safetensors_open(&error, path, &file), GS_OK);
    assert_int_equal(gs__safetensors_check(file), GS_OK);
    assert_string_equal(gs__safetensors_metadata(file, "key"), "a \"value\"");
    assert_int_equal(gs__safetensors_read_raw(file, 0, doubles_back), GS_OK);
    assert_memory_equal(doubles, doubles_back, sizeof doubles);
    assert_int_equal(gs__safetensors_read_raw(file, 1, words_back), GS_OK);
    assert_memory_equal(words, words_back, sizeof words);
    assert_int_equal(gs__safetensors_read_f32(file, 2, quads), GS_OK);
    static const float wanted[11] = {4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22};
    assert_memory_equal(quads, wanted, sizeof wanted);
    gs__safetensors_close(file);

    size_t bytes;
    char *data = files_get(path, &bytes);
    uint32_t tried = 0, found = 0;
    for (size_t i = 0; i < bytes; i += 5, tried++) {
        data[i] ^= 4;
        const char *broken = files_put("broken", data, bytes);
        gs_status status = gs__safetensors_open(&error, broken, &file);
        if (status == GS_OK) {
            status = gs__safetensors_check(file);
            gs__safetensors_close(file);
        }
        found += status != GS_OK;
        data[i] ^= 4;
    }
    assert_int_equal(found, tried);
    free(data);
    // Without a checksum there is nothing to check.
    assert_int_equal(gs__safetensors_write(&error, path, entries, 3), GS_OK);
    assert_int_equal(gs__safetensors_open(&error, path, &file), GS_OK);
    expect_failure(&error, gs__safetensors_check(file), GS_ERR_FORMAT, "no checksum", NULL);
    gs__safetensors_close(file);
}

// No tensor at all is a valid file.
static void test_empty(void **state) {
    (void)state;
    gs__safetensors *file = NULL;
    assert_int_equal(gs__safetensors_write(&error, files_path("none"), NULL, 0), GS_OK);
    assert_int_equal(gs__safetensors_open(&error, files_path("none"), &file), GS_OK);
    assert_int_equal(gs__safetensors_count(file), 0);
    gs__safetensors_close(file);
}

static float read_one(const char *dtype, const void *element, size_t bytes) {
    char header[200], data[300] = {0};
    int length = snprintf(header, sizeof header, "{\"x\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}",
                          dtype, bytes);
    data[0] = (char)length;
    memcpy(data + 8, header, (size_t)length);
    memcpy(data + 8 + length, element, bytes);
    const char *path = files_put("one", data, 8 + (size_t)length + bytes);
    gs__safetensors *file = NULL;
    float value = 0;
    assert_int_equal(gs__safetensors_open(&error, path, &file), GS_OK);
    assert_int_equal(gs__safetensors_read_f32(file, 0, &value), GS_OK);
    gs__safetensors_close(file);
    return value;
}

static void test_types(void **state) {
    (void)state;
    assert_true(read_one("F32", "\0\0\xC0\x3F", 4) == 1.5f);
    assert_true(read_one("F64", "\0\0\0\0\0\0\xF8\xBF", 8) == -1.5f);
    assert_true(read_one("BF16", "\xC0\xBF", 2) == -1.5f);
    assert_true(read_one("F16", "\x00\x3E", 2) == 1.5f);
    assert_true(read_one("F16", "\xFF\x7B", 2) == 65504);
    assert_true(read_one("F16", "\x01\x00", 2) == 0x1p-24f);    // smallest subnormal
    assert_true(read_one("F16", "\xFF\x83", 2) == -0x3FFp-24f); // largest, negative
    assert_true(read_one("F16", "\x00\x04", 2) == 0x1p-14f);    // smallest normal
    assert_true(read_one("F16", "\x00\xFC", 2) == -INFINITY);
    assert_true(isnan(read_one("F16", "\x00\x7E", 2)));
    assert_true(signbit(read_one("F16", "\x00\x80", 2)));
    // Known, but no numbers that we take.
    static const char header[] = "{\"x\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}";
    gs__safetensors *file = NULL;
    float value;
    assert_int_equal(gs__safetensors_open(&error, put("int", header, sizeof header - 1, 8), &file), GS_OK);
    expect_failure(&error, gs__safetensors_read_f32(file, 0, &value), GS_ERR_UNSUPPORTED, "x: ", "I64", "BF16", NULL);
    gs__safetensors_close(file);
}

// Tensors may be listed in any order; we give them in the order of their data.
static void test_order(void **state) {
    (void)state;
    static const char header[] = "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
                                 "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}    ";
    gs__safetensors *file = NULL;
    gs__safetensors_info info;
    assert_int_equal(gs__safetensors_open(&error, put("order", header, sizeof header - 1, 8), &file), GS_OK);
    gs__safetensors_get(file, 0, &info);
    assert_string_equal(info.name, "a");
    gs__safetensors_close(file);
}

// A file that the safetensors library wrote (assets/golden).
static void test_foreign(void **state) {
    (void)state;
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    char path[1024];
    snprintf(path, sizeof path, "%s/assets/golden/fashion-mlp/init.safetensors", source ? source : ".");
    gs__safetensors *file = NULL;
    gs_status status = gs__safetensors_open(&error, path, &file);
    if (status != GS_OK) fail_msg("%s", error.message);
    assert_int_equal(gs__safetensors_count(file), 4);
    int64_t index = gs__safetensors_find(file, "dense_1/kernel");
    assert_true(index >= 0);
    gs__safetensors_info info;
    gs__safetensors_get(file, (uint32_t)index, &info);
    assert_true(info.shape.rank == 2 && info.shape.dim[0] == 64 && info.shape.dim[1] == 10 && info.count == 640);
    float values[640];
    assert_int_equal(gs__safetensors_read_f32(file, (uint32_t)index, values), GS_OK);
    double sum = 0;
    for (int i = 0; i < 640; i++) sum += (double)values[i];
    assert_true(fabs(sum - -1.9793182983994484) < 1e-9); // as the library and NumPy say
    gs__safetensors_close(file);
}

#define X(dtype, shape, offsets) "\"x\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define Y(offsets)               "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" offsets "}"

static void test_bad_headers(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data_bytes;
        gs_status status;
        const char *text;
    } cases[] = {
        {"[1]", 0, GS_ERR_FORMAT, "begin with {"},
        {"{", 0, GS_ERR_FORMAT, "line 1, column 2"},
        {"{\"x\":1}", 0, GS_ERR_FORMAT, "x: expected an object"},
        {"{\"x\":{}}", 0, GS_ERR_FORMAT, "x: \"dtype\" is missing"},
        {"{" X("F32", "[2]", "[0,8]") "," X("F32", "[2]", "[8,16]") "}", 16, GS_ERR_FORMAT, "twice"},
        {"{" X("F31", "[2]", "[0,8]") "}", 8, GS_ERR_UNSUPPORTED, "x.dtype: unknown element type \"F31\""},
        {"{" X("F32", "[0]", "[0,0]") "}", 0, GS_ERR_UNSUPPORTED, "without elements"},
        {"{" X("F32", "[-1]", "[0,4]") "}", 4, GS_ERR_FORMAT, "x.shape[0]"},
        {"{" X("F32", "[1.5]", "[0,4]") "}", 4, GS_ERR_FORMAT, "x.shape[0]"},
        {"{" X("F32", "[1,1,1,1,1,1,1]", "[0,4]") "}", 4, GS_ERR_UNSUPPORTED, "more than 6 dimensions"},
        {"{" X("F32", "[4294967296,4294967296]", "[0,0]") "}", 0, GS_ERR_UNSUPPORTED, "2^40"},
        {"{" X("F32", "[1073741824,1024]", "[0,4398046511104]") "}", 4, GS_ERR_FORMAT, "truncated"},
        {"{" X("F32", "[2]", "[0,8,9]") "}", 8, GS_ERR_FORMAT, "x.data_offsets: expected two offsets"},
        {"{" X("F32", "[2]", "[0,7]") "}", 8, GS_ERR_FORMAT, "x.data_offsets: 0 to 7 does not fit 2 elements"},
        {"{" X("F32", "[2]", "[8,0]") "}", 8, GS_ERR_FORMAT, "x.data_offsets"},
        {"{" X("F32", "[2]", "[0,8]") "}", 7, GS_ERR_FORMAT, "truncated"},
        {"{" X("F32", "[2]", "[0,8]") "}", 9, GS_ERR_FORMAT, "1 bytes follow the last tensor"},
        {"{" X("F32", "[2]", "[4,12]") "}", 12, GS_ERR_FORMAT, "x: it begins at byte 4"},
        {"{" X("F32", "[2]", "[0,8]") "," Y("[9,17]") "}", 17, GS_ERR_FORMAT, "y: it begins at byte 9"},
        {"{" X("F32", "[2]", "[0,8]") "," Y("[4,12]") "}", 12, GS_ERR_FORMAT, "y: it begins at byte 4"},
        {"{" X("F32", "[2]", "[-1,7]") "}", 8, GS_ERR_FORMAT, "x.data_offsets[0]"},
        {"{" X("F32", "[2]", "[18446744073709551608,18446744073709551616]") "}", 8, GS_ERR_FORMAT, "x.data_offsets[0]"},
        {"{" X("F64", "[2305843009213693952]", "[0,0]") "}", 0, GS_ERR_FORMAT, "x.shape[0]"},
        {"{" X("F64", "[65536,65536,65536,65536]", "[0,0]") "}", 0, GS_ERR_UNSUPPORTED, "2^40"},
        {"{" X("F32", "[2]", "[0,8]") "} x", 8, GS_ERR_FORMAT, "more text follows"},
        {"{" X("F32", "[2]", "[0,8]") ",\"__metadata__\":{},\"__metadata__\":{}}", 8, GS_ERR_FORMAT, "twice"},
        {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", 0, GS_ERR_FORMAT, "twice"},
        {"{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, GS_ERR_FORMAT,
         "x.dtype: this key is there twice"},
        {"{\"__metadata__\":7}", 0, GS_ERR_FORMAT, "__metadata__: expected an object"},
        {"{\"__metadata__\":{\"a\":7}}", 0, GS_ERR_FORMAT, "__metadata__.a: expected a string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = put("bad.safetensors", cases[i].header, strlen(cases[i].header), cases[i].data_bytes);
        gs__safetensors *file = NULL;
        expect_failure(&error, gs__safetensors_open(&error, path, &file), cases[i].status, "bad.safetensors",
                       cases[i].text, NULL);
        assert_null(file);
    }
}

static void test_bad_sizes(void **state) {
    (void)state;
    static const unsigned char sizes[][8] = {
        {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
        {0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
        {0, 0, 0, 0, 0, 0, 0, 0x80},
        {9, 0, 0, 0, 0, 0, 0, 0},
        {0, 0xE1, 0xF5, 0x05, 0, 0, 0, 0},
    };
    gs__safetensors *file = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char data[16] = "........{}      ";
        memcpy(data, sizes[i], 8);
        expect_failure(&error, gs__safetensors_open(&error, files_put("sizes", data, 16), &file), GS_ERR_FORMAT,
                       "sizes", "claims a header", NULL);
    }
    expect_failure(&error, gs__safetensors_open(&error, files_put("tiny", "1234567", 7), &file), GS_ERR_FORMAT,
                   "fewer than 8 bytes", NULL);
}

// The limit itself, by a file with a hole; and a header that ends at an odd place, which only a writer avoids.
static void test_limits(void **state) {
    (void)state;
    static const char header[] = "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    const char *path = files_put("limit", "\x01\xE1\xF5\x05\0\0\0\0{", 9);
    gs__safetensors *file = NULL;
    assert_int_equal(truncate(path, 200000000), 0);
    expect_failure(&error, gs__safetensors_open(&error, path, &file), GS_ERR_FORMAT, "claims a header of 100000001",
                   "100000000 is the limit", NULL);
    for (size_t blanks = 0; blanks < 8; blanks++) {
        char text[sizeof header + 8];
        float value = 1;
        snprintf(text, sizeof text, "%s%*s", header, (int)blanks, "");
        path = put("odd", text, strlen(text), 4);
        assert_int_equal(gs__safetensors_open(&error, path, &file), GS_OK);
        assert_int_equal(gs__safetensors_read_f32(file, 0, &value), GS_OK);
        assert_true(value == 0);
        gs__safetensors_close(file);
    }
}

// A file's content in memory gives the same.
static void test_memory(void **state) {
    (void)state;
    static const char header[] = "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    size_t bytes;
    char *data = files_get(put("memory", header, sizeof header - 1, 4), &bytes);
    gs__safetensors *file = NULL;
    float value = 1;
    assert_int_equal(gs__safetensors_open_memory(&error, "a name", data, bytes, &file), GS_OK);
    assert_int_equal(gs__safetensors_read_f32(file, 0, &value), GS_OK);
    assert_true(value == 0);
    gs__safetensors_close(file);
    expect_failure(&error, gs__safetensors_open_memory(&error, "a name", data, bytes - 1, &file), GS_ERR_FORMAT,
                   "a name: x.data_offsets", "truncated", NULL);
    expect_failure(&error, gs__safetensors_open_memory(&error, "a name", data, 7, &file), GS_ERR_FORMAT, "a name",
                   "fewer than 8 bytes", NULL);
    free(data);
}

static gs_status open_damaged(void *user, const char *data, size_t bytes) {
    (void)user;
    const char *path = files_put("damaged", data, bytes);
    gs__safetensors *file = NULL;
    gs_status status = gs__safetensors_open(&error, path, &file);
    for (uint32_t i = 0; status == GS_OK && i < gs__safetensors_count(file); i++) {
        gs__safetensors_info info;
        gs__safetensors_get(file, i, &info);
        float *values = malloc(info.count * sizeof *values);
        assert_non_null(values);
        status = gs__safetensors_read_f32(file, i, values);
        free(values);
    }
    gs__safetensors_close(file);
    return status;
}

static void test_damage(void **state) {
    (void)state;
    const float x[2] = {1, 2};
    const gs__safetensors_entry entries[] = {{"a", {2, {1, 2}}, x, NULL, 0}, {"b", {1, {2}}, x, NULL, 0}};
    assert_int_equal(gs__safetensors_write(&error, files_path("whole"), entries, 2), GS_OK);
    size_t bytes;
    char *data = files_get(files_path("whole"), &bytes);
    assert_true(damage(data, bytes, true, open_damaged, NULL) > bytes);
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),       cmocka_unit_test(test_checked), cmocka_unit_test(test_write_large),
        cmocka_unit_test(test_write_fails), cmocka_unit_test(test_empty),   cmocka_unit_test(test_types),
        cmocka_unit_test(test_order),       cmocka_unit_test(test_foreign), cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_bad_sizes),   cmocka_unit_test(test_limits),  cmocka_unit_test(test_memory),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
