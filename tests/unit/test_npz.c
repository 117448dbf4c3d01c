// Arrays of zip archives: numpy's, and bad ones.
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

#ifdef GRADSMITH_HAS_ZIP
#include <zip.h>

static gs_context *context;

static int setup(void **state) {
    return files_setup(state) != 0 || gs_context_create(&context, NULL) != GS_OK;
}

static int teardown(void **state) {
    gs_context_destroy(&context);
    return files_teardown(state);
}

static const char *golden(const char *name) {
    static char path[2][1024];
    static unsigned next;
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    char *to = path[next++ % 2];
    snprintf(to, sizeof path[0], "%s/assets/golden/data/%s", source ? source : ".", name);
    return to;
}

static void fails(gs_status status, gs_status expected, const char *a, const char *b) {
    gs__error shown = {.status = expected};
    snprintf(shown.message, sizeof shown.message, "%s", gs_context_message(context));
    expect_failure(&shown, status, expected, a, b, NULL);
}

static void test_numpy(void **state) {
    (void)state;
    static const char *const names[] = {"stored.npz", "packed.npz", "nameless.npz"};
    for (size_t i = 0; i < 3; i++) {
        gs_data *data = NULL;
        gs_data_info info;
        assert_int_equal(gs_data_load(context, golden(names[i]), NULL, &data), GS_OK);
        gs_data_get_info(data, &info);
        assert_true(info.count == 4 && info.sample_shape.rank == 1 && info.sample_shape.dim[0] == 3);
        assert_true(info.has_targets && info.max_class == 2);
        for (int k = 0; k < 12; k++) assert_true(((const float *)gs_data_x(data))[k] == (float)k / 8);
        assert_memory_equal(gs_data_y(data), ((const int32_t[]){2, 0, 1, 2}), 16);
        gs_data_destroy(&data);
    }
    char spec[1200];
    gs_data *data = NULL;
    snprintf(spec, sizeof spec, "npz:%s,fortran", golden("packed.npz"));
    assert_int_equal(gs_data_load(context, spec, NULL, &data), GS_OK);
    for (int k = 0; k < 6; k++) assert_true(((const float *)gs_data_x(data))[k] == (float)k);
    assert_null(gs_data_y(data));
    gs_data_destroy(&data);
    snprintf(spec, sizeof spec, "npz:%s,x,z", golden("packed.npz"));
    fails(gs_data_load(context, spec, NULL, &data), GS_ERR_FORMAT, "no array \"z\"", "x.npy, y.npy, fortran.npy");
    snprintf(spec, sizeof spec, "npz:%s,", golden("packed.npz"));
    fails(gs_data_load(context, spec, NULL, &data), GS_ERR_ARGUMENT, "names of one or two", NULL);
    fails(gs_data_load(context, "npz:", NULL, &data), GS_ERR_ARGUMENT, "names of one or two", NULL);
    fails(gs_data_load(context, "nothing.npz", NULL, &data), GS_ERR_FILE, "nothing.npz", "No such file");
    fails(gs_data_load(context, files_put("text.npz", "text", 4), NULL, &data), GS_ERR_FORMAT, "text.npz",
          "not an npz file");
    fails(gs_data_load(context, files_put("empty.npz", "", 0), NULL, &data), GS_ERR_FORMAT, "empty.npz",
          "the file is empty");
}

// An archive with one entry.
static const char *put_archive(const char *name, const char *entry, const void *data, size_t bytes, int32_t method) {
    const char *path = files_path(name);
    int reason;
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &reason);
    assert_non_null(archive);
    const zip_int64_t index = zip_file_add(archive, entry, zip_source_buffer(archive, data, bytes, 0), 0);
    assert_true(index >= 0);
    assert_int_equal(zip_set_file_compression(archive, (zip_uint64_t)index, method, 9), 0);
    assert_int_equal(zip_close(archive), 0);
    return path;
}

static void test_bomb(void **state) {
    (void)state;
    const size_t bytes = 40 << 20;
    char *zeros = calloc(bytes, 1);
    assert_non_null(zeros);
    gs_data *data = NULL;
    const char *path = put_archive("bomb.npz", "x.npy", zeros, bytes, ZIP_CM_DEFLATE);
    fails(gs_data_load(context, path, NULL, &data), GS_ERR_FORMAT, "bomb.npz: array x: claims 41943040 bytes from ",
          "a bomb is not unpacked");
    // What is not packed is no bomb, only no array.
    path = put_archive("zeros.npz", "x.npy", zeros, bytes, ZIP_CM_STORE);
    fails(gs_data_load(context, path, NULL, &data), GS_ERR_FORMAT, "zeros.npz: array x: not an npy file", NULL);
    free(zeros);
}

// Changes the four bytes at an offset from the record with this signature.
static void patch(char *file, size_t bytes, const char *signature, size_t offset, uint32_t value) {
    for (size_t i = 0; i + 50 < bytes; i++)
        if (memcmp(file + i, signature, 4) == 0)
            for (int k = 0; k < 4; k++) file[i + offset + (size_t)k] = (char)(value >> (8 * k));
}

static void test_lies(void **state) {
    (void)state;
    size_t bytes;
    gs_data *data = NULL;
    static const uint32_t claims[] = {4, 200, 1 << 30};
    for (size_t i = 0; i < 3; i++) {
        char *file = files_get(golden("packed.npz"), &bytes);
        patch(file, bytes, "PK\1\2", 24, claims[i]); // unpacked sizes, in both places
        patch(file, bytes, "PK\3\4", 22, claims[i]);
        assert_int_equal(gs_data_load(context, files_put("lie.npz", file, bytes), NULL, &data), GS_ERR_FORMAT);
        assert_non_null(strstr(gs_context_message(context), "lie.npz"));
        assert_null(data);
        free(file);
    }
    assert_non_null(strstr(gs_context_message(context), "a bomb is not unpacked"));
}

// How it is packed: by another method, encrypted.
static void test_methods(void **state) {
    (void)state;
    static const struct {
        uint32_t flags_and_method;
        const char *message;
    } cases[] = {{14 << 16, "array x: compression method 14"}, {1 | 8 << 16, "array x: encrypted"}};
    for (size_t i = 0; i < 2; i++) {
        size_t bytes;
        gs_data *data = NULL;
        char *file = files_get(golden("packed.npz"), &bytes);
        patch(file, bytes, "PK\1\2", 8, cases[i].flags_and_method);
        patch(file, bytes, "PK\3\4", 6, cases[i].flags_and_method);
        fails(gs_data_load(context, files_put("method.npz", file, bytes), NULL, &data), GS_ERR_UNSUPPORTED,
              "method.npz", cases[i].message);
        free(file);
    }
}

static gs_status parse_damaged(void *user, const char *file, size_t bytes) {
    gs__array array = {0};
    gs_status status = gs__npz_read(&error, "damaged", file, bytes, user, GS__SAMPLES, &array);
    gs__array_deinit(&array);
    return status;
}

static void test_damage(void **state) {
    (void)state;
    size_t bytes;
    char *file = files_get(golden("packed.npz"), &bytes), key[] = "x";
    assert_true(damage(file, bytes, true, parse_damaged, key) > bytes / 4);
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numpy),   cmocka_unit_test(test_bomb),   cmocka_unit_test(test_lies),
        cmocka_unit_test(test_methods), cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
#else
static void test_refused(void **state) {
    (void)state;
    gs__array array = {0};
    expect_failure(&error, gs__npz_read(&error, "a.npz", "PK", 2, "x", GS__SAMPLES, &array), GS_ERR_UNSUPPORTED,
                   "built without libzip", NULL);
    assert_false(gs__npz_has("PK", 2, "x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
