// Data sets: made from memory, loaded by specification, sliced; images.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/data.h"
#include "files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Makes the images of these tests.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>

static gs_context *context;
static const gs_shape image_shape = {2, {28, 28}};

static int setup(void **state) {
    unsetenv("GRADSMITH_DATA_DIR");
    return files_setup(state) != 0 || gs_context_create(&context, NULL) != GS_OK;
}

static int teardown(void **state) {
    gs_context_destroy(&context);
    return files_teardown(state);
}

static void fails(gs_status status, gs_status expected, const char *a, const char *b) {
    gs__error shown = {.status = expected};
    snprintf(shown.message, sizeof shown.message, "%s", gs_context_message(context));
    expect_failure(&shown, status, expected, a, b, NULL);
}

// --- from memory -------------------------------------------------------------------------------------------------

static void test_create(void **state) {
    (void)state;
    float x[6] = {1, 2, 3, 4, 5, 6};
    uint8_t y[3] = {2, 0, 1};
    gs_data *data = NULL;
    const gs_data_params params = {.x = x, .x_shape = {2, {3, 2}}, .y = y, .y_shape = {1, {3}}, .y_dtype = GS_U8};
    assert_int_equal(gs_data_create(context, &params, &data), GS_OK);
    x[0] = 99; // it was copied
    gs_data_info info;
    gs_data_get_info(data, &info);
    assert_string_equal(info.name, "data");
    assert_int_equal(info.count, 3);
    assert_true(info.sample_shape.rank == 1 && info.sample_shape.dim[0] == 2);
    assert_int_equal(info.x_dtype, GS_F32);
    assert_true(info.has_targets);
    assert_int_equal(info.target_shape.rank, 0);
    assert_int_equal(info.y_dtype, GS_I32);
    assert_int_equal(info.max_class, 2);
    assert_true(((const float *)gs_data_x(data))[0] == 1);
    assert_memory_equal(gs_data_y(data), ((const int32_t[]){2, 0, 1}), 12);
    uint32_t classes = 7;
    assert_null(gs_data_class_names(data, &classes));
    assert_int_equal(classes, 0);
    assert_int_equal(data->x_bytes, 24);
    assert_int_equal(data->y_bytes, 12);
    gs_data_destroy(&data);
    assert_null(data);
    gs_data_destroy(&data);
    gs_data_destroy(NULL);
}

static void test_create_other_targets(void **state) {
    (void)state;
    const uint8_t x[4] = {0};
    const int32_t classes[2] = {5, 7};
    const float values[4] = {0, 1, 1, 0};
    gs_data *data = NULL;
    gs_data_info info;
    gs_data_params params = {.x = x, .x_shape = {3, {2, 1, 2}}, .x_dtype = GS_U8, .name = "mine"};
    assert_int_equal(gs_data_create(context, &params, &data), GS_OK);
    gs_data_get_info(data, &info);
    assert_string_equal(info.name, "mine");
    assert_false(info.has_targets);
    assert_int_equal(info.max_class, -1);
    assert_int_equal(info.x_dtype, GS_U8);
    assert_null(gs_data_y(data));
    gs_data_destroy(&data);

    params.y = classes;
    params.y_dtype = GS_I32;
    params.y_shape = (gs_shape){2, {2, 1}}; // a column is a list
    assert_int_equal(gs_data_create(context, &params, &data), GS_OK);
    gs_data_get_info(data, &info);
    assert_int_equal(info.target_shape.rank, 0);
    assert_int_equal(info.max_class, 7);
    gs_data_destroy(&data);

    params.y = values;
    params.y_dtype = GS_F32;
    params.y_shape = (gs_shape){2, {2, 2}};
    assert_int_equal(gs_data_create(context, &params, &data), GS_OK);
    gs_data_get_info(data, &info);
    assert_int_equal(info.target_shape.rank, 1);
    assert_int_equal(info.y_dtype, GS_F32);
    assert_int_equal(info.max_class, -1);
    gs_data_destroy(&data);
}

static void test_create_refuses(void **state) {
    (void)state;
    const float x[6] = {0};
    const int32_t y[3] = {0, -3, 1};
    gs_data *data = NULL;
    const gs_data_params good = {.x = x, .x_shape = {2, {3, 2}}};
    gs_data_params p = good;
    fails(gs_data_create(context, NULL, &data), GS_ERR_ARGUMENT, "params", "NULL");
    fails(gs_data_create(context, &p, NULL), GS_ERR_ARGUMENT, "data", "NULL");
    assert_int_equal(gs_data_create(NULL, &p, &data), GS_ERR_ARGUMENT);
    p.x = NULL;
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "x", "NULL");
    p = good;
    p.x_shape.dim[0] = 0;
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "(0, 2)", "at least 1");
    p.x_shape = (gs_shape){0};
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "()", "samples");
    p.x_shape = (gs_shape){2, {INT64_MAX, INT64_MAX}};
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "9223372036854775807", "x");
    p.x_shape = (gs_shape){.rank = 1000000};
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "1000000", "x");
    p = good;
    p.x_dtype = GS_I32;
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "int32", "float32 or uint8");
    p = good;
    p.y = y;
    p.y_dtype = (gs_dtype)9;
    p.y_shape = (gs_shape){1, {3}};
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "y_dtype", "9");
    p.y_dtype = GS_I32;
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "target 1 is -3", "negative");
    p.y_shape = (gs_shape){1, {2}};
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "3 samples", "2 targets");
    p.y_shape = (gs_shape){0};
    fails(gs_data_create(context, &p, &data), GS_ERR_ARGUMENT, "()", "y");
    assert_null(data);
}

static void test_slice(void **state) {
    (void)state;
    const uint8_t x[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    const int32_t y[5] = {0, 1, 2, 3, 4};
    gs_data *data = NULL, *slice = NULL;
    const gs_data_params params = {.x = x,
                                   .x_shape = {2, {5, 2}},
                                   .x_dtype = GS_U8,
                                   .y = y,
                                   .y_shape = {1, {5}},
                                   .y_dtype = GS_I32,
                                   .name = "all"};
    assert_int_equal(gs_data_create(context, &params, &data), GS_OK);
    assert_int_equal(gs_data_slice(context, data, 1, 3, &slice), GS_OK);
    gs_data_info info;
    gs_data_get_info(slice, &info);
    assert_int_equal(info.count, 3);
    assert_int_equal(info.max_class, 3);
    assert_string_equal(info.name, "all");
    assert_memory_equal(gs_data_x(slice), x + 2, 6);
    assert_memory_equal(gs_data_y(slice), y + 1, 12);
    gs_data_destroy(&slice);
    fails(gs_data_slice(context, data, 0, 0, &slice), GS_ERR_ARGUMENT, "all", "there are 5");
    fails(gs_data_slice(context, data, 3, 3, &slice), GS_ERR_ARGUMENT, "3 samples from sample 3", "there are 5");
    fails(gs_data_slice(context, data, 5, 1, &slice), GS_ERR_ARGUMENT, "all", "5");
    fails(gs_data_slice(context, data, 2, UINT64_MAX, &slice), GS_ERR_ARGUMENT, "all", "18446744073709551615");
    fails(gs_data_slice(context, NULL, 0, 1, &slice), GS_ERR_ARGUMENT, "data", "NULL");
    gs_data_destroy(&data);
}

// --- by specification --------------------------------------------------------------------------------------------

static const char images2[] = "\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\3abcdef", labels2[] = "\0\0\x08\1\0\0\0\2\4\x09";

static gs_status load_files(const char *kind, const char *x, const char *y, gs_data **data) {
    char spec[2200];
    snprintf(spec, sizeof spec, "%s:%s%s%s", kind, x, y ? "," : "", y ? y : "");
    return gs_data_load(context, spec, NULL, data);
}

static void test_idx(void **state) {
    (void)state;
    const char *x = files_put("x.idx", images2, sizeof images2 - 1),
               *y = files_put("y.idx", labels2, sizeof labels2 - 1);
    gs_data *data = NULL;
    gs_data_info info;
    assert_int_equal(load_files("idx", x, y, &data), GS_OK);
    gs_data_get_info(data, &info);
    assert_int_equal(info.count, 2);
    assert_true(info.sample_shape.rank == 2 && info.sample_shape.dim[1] == 3);
    assert_int_equal(info.max_class, 9);
    assert_memory_equal(gs_data_x(data), "abcdef", 6);
    gs_data_destroy(&data);

    fails(load_files("idx", y, x, &data), GS_ERR_FORMAT, "y.idx", "wrong order");
    fails(load_files("idx", x, x, &data), GS_ERR_FORMAT, "x.idx", "0x00000801");
    fails(load_files("idx", x, files_path("none"), &data), GS_ERR_FILE, "none", "No such file");
    fails(load_files("idx", x, files_put("y1.idx", "\0\0\x08\1\0\0\0\1\4", 9), &data), GS_ERR_FORMAT, "2 samples",
          "1 targets");
    fails(load_files("idx", x, files_put("yn.idx", "\0\0\x09\1\0\0\0\2\4\xFF", 10), &data), GS_ERR_FORMAT,
          "target 1 is -1", "idx:");
    fails(load_files("idx", x, files_put("gz.idx", "\x1F\x8B\x08\0", 4), &data), GS_ERR_FORMAT, "gz.idx",
          "truncated gzip");
    assert_null(data);
}

static void test_npy(void **state) {
    (void)state;
    const float values[4] = {1, 2, 3, 4};
    char x[1024], y[1024];
    snprintf(x, sizeof x, "%s", files_path("x.npy"));
    snprintf(y, sizeof y, "%s", files_path("y.npy"));
    assert_int_equal(gs_npy_write(context, x, values, &(gs_shape){2, {2, 2}}), GS_OK);
    assert_int_equal(gs_npy_write(context, y, values, &(gs_shape){2, {2, 1}}), GS_OK);
    gs_data *data = NULL;
    gs_data_info info;
    assert_int_equal(load_files("npy", x, y, &data), GS_OK);
    gs_data_get_info(data, &info);
    assert_int_equal(info.count, 2);
    assert_int_equal(info.target_shape.rank, 1); // values stay as they are
    assert_int_equal(info.y_dtype, GS_F32);
    gs_data_destroy(&data);
    assert_int_equal(load_files("npy", x, NULL, &data), GS_OK);
    gs_data_get_info(data, &info);
    assert_false(info.has_targets);
    gs_data_destroy(&data);
    assert_int_equal(gs_npy_write(context, y, values, &(gs_shape){1, {3}}), GS_OK);
    fails(load_files("npy", x, y, &data), GS_ERR_FORMAT, "2 samples", "3 targets");
    assert_int_equal(gs_npy_write(context, y, values, &(gs_shape){0}), GS_OK);
    fails(load_files("npy", x, y, &data), GS_ERR_FORMAT, "single number", "(samples, ...)");
}

// Mapped samples are the same, and slices of them do not need the file.
static void test_mapped(void **state) {
    (void)state;
    gs_data *read, *mapped, *slice;
    char path[1024], spec[1100];
    float values[60];
    for (int i = 0; i < 60; i++) values[i] = (float)i / 7;
    snprintf(path, sizeof path, "%s", files_path("mapped.npy"));
    snprintf(spec, sizeof spec, "npy:%s", path);
    assert_int_equal(gs_npy_write(context, path, values, &(gs_shape){2, {12, 5}}), GS_OK);
    assert_int_equal(gs_data_load(context, spec, NULL, &read), GS_OK);
    assert_null(read->map);
    setenv("GRADSMITH_MAP_BYTES", "100", 1);
    assert_int_equal(gs_data_load(context, spec, NULL, &mapped), GS_OK);
    assert_non_null(mapped->map);
    assert_int_equal(mapped->x_bytes, sizeof values);
    assert_memory_equal(gs_data_x(mapped), values, sizeof values);
    assert_memory_equal(gs_data_x(read), values, sizeof values);
    assert_int_equal(gs_data_slice(context, mapped, 2, 3, &slice), GS_OK);
    gs_data_destroy(&mapped);
    assert_memory_equal(gs_data_x(slice), values + 10, 15 * sizeof *values);
    gs_data_destroy(&slice);
    gs_data_destroy(&read);
    // Too small, or of another type: read.
    setenv("GRADSMITH_MAP_BYTES", "1000000", 1);
    assert_int_equal(gs_data_load(context, spec, NULL, &read), GS_OK);
    assert_null(read->map);
    gs_data_destroy(&read);
    setenv("GRADSMITH_MAP_BYTES", "0", 1);
    char *file;
    size_t bytes;
    file = files_get(path, &bytes);
    memcpy(strstr(file + 10, "<f4"), "<i4", 3);
    snprintf(spec, sizeof spec, "npy:%s", files_put("other.npy", file, bytes));
    assert_int_equal(gs_data_load(context, spec, NULL, &read), GS_OK);
    assert_null(read->map);
    gs_data_destroy(&read);
    snprintf(spec, sizeof spec, "npy:%s", files_put("cut.npy", file, bytes - 1));
    fails(gs_data_load(context, spec, NULL, &read), GS_ERR_FORMAT, "cut.npy: truncated", NULL);
    snprintf(spec, sizeof spec, "npy:%s", files_put("none.npy", file, 0));
    fails(gs_data_load(context, spec, NULL, &read), GS_ERR_FORMAT, "none.npy", NULL);
    fails(gs_data_load(context, "npy:missing.npy", NULL, &read), GS_ERR_FILE, "missing.npy", "No such file");
    setenv("GRADSMITH_MAP_BYTES", "1k", 1);
    fails(gs_data_load(context, spec, NULL, &read), GS_ERR_ARGUMENT, "GRADSMITH_MAP_BYTES=1k", NULL);
    unsetenv("GRADSMITH_MAP_BYTES");
    free(file);
}

static void test_specs(void **state) {
    (void)state;
    gs_data *data = NULL;
    static const char *const unknown[] = {"", "mnist", "fashion-mnist2", "idx", "csv", "/a/file"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        fails(gs_data_load(context, unknown[i], NULL, &data), GS_ERR_ARGUMENT, "unknown data set", "idx:IMAGES,LABELS");
    fails(gs_data_load(context, "fashion-mnist:valid", NULL, &data), GS_ERR_ARGUMENT, "train and test", "valid");
    fails(gs_data_load(context, "idx:a", NULL, &data), GS_ERR_ARGUMENT, "two paths", "idx:a");
    fails(gs_data_load(context, "idx:", NULL, &data), GS_ERR_ARGUMENT, "two paths", "idx:");
    fails(gs_data_load(context, "idx:a,", NULL, &data), GS_ERR_ARGUMENT, "two paths", "idx:a,");
    fails(gs_data_load(context, "idx:,b", NULL, &data), GS_ERR_ARGUMENT, "two paths", "idx:,b");
    fails(gs_data_load(context, "idx:a,b,c", NULL, &data), GS_ERR_ARGUMENT, "more than two", "idx:a,b,c");
    fails(gs_data_load(context, NULL, NULL, &data), GS_ERR_ARGUMENT, "spec", "NULL");
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    fails(gs_data_load(context, longer, NULL, &data), GS_ERR_ARGUMENT, "unknown data set", "known are");
    assert_null(data);
}

static void put_fashion_mnist(const char *folder, bool gz_name) {
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
    for (int i = 0; i < 2; i++) {
        char name[200];
        snprintf(name, sizeof name, "%s/%s%s", folder, names[i], gz_name ? ".gz" : "");
        files_put(name, i ? labels2 : images2, i ? sizeof labels2 - 1 : sizeof images2 - 1);
    }
}

static void test_fashion_mnist_places(void **state) {
    (void)state;
    gs_data *data = NULL;
    uint32_t classes = 0;
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", files_path("sets"));
    fails(gs_data_load(context, "fashion-mnist", folder, &data), GS_ERR_FILE, "sets/train-images-idx3-ubyte.gz",
          "apt install dataset-fashion-mnist");
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(mkdir(files_path("sets/fashion-mnist"), 0777), 0);
    put_fashion_mnist("sets/fashion-mnist", true);
    assert_int_equal(gs_data_load(context, "fashion-mnist", folder, &data), GS_OK); // in its parent
    assert_string_equal(gs_data_class_names(data, &classes)[9], "Ankle boot");
    assert_int_equal(classes, 10);
    gs_data_destroy(&data);
    assert_int_equal(gs_data_load(context, "fashion-mnist:train", files_path("sets/fashion-mnist"), &data), GS_OK);
    gs_data *slice = NULL;
    assert_int_equal(gs_data_slice(context, data, 1, 1, &slice), GS_OK);
    assert_string_equal(gs_data_class_names(slice, &classes)[0], "T-shirt/top");
    gs_data_destroy(&slice);
    gs_data_destroy(&data);
    fails(gs_data_load(context, "fashion-mnist:test", folder, &data), GS_ERR_FILE, "sets/t10k-images-idx3-ubyte.gz",
          "--data-dir");
    // The environment's folder, and a folder given by name is asked first.
    setenv("GRADSMITH_DATA_DIR", folder, 1);
    assert_int_equal(gs_data_load(context, "fashion-mnist", NULL, &data), GS_OK);
    gs_data_destroy(&data);
    fails(gs_data_load(context, "fashion-mnist", files_path("elsewhere"), &data), GS_ERR_FILE, "elsewhere",
          "not found");
    unsetenv("GRADSMITH_DATA_DIR");
    put_fashion_mnist("sets", false); // not compressed
    assert_int_equal(gs_data_load(context, "fashion-mnist", folder, &data), GS_OK);
    gs_data_destroy(&data);
}

static void test_fashion_mnist(void **state) {
    (void)state;
    gs_data *data = NULL;
    gs_data_info info;
    gs_status status = gs_data_load(context, "fashion-mnist:test", NULL, &data);
    if (status == GS_ERR_FILE) {
        print_message("skipped: %s\n", gs_context_message(context));
        skip();
    }
    assert_int_equal(status, GS_OK);
    gs_data_get_info(data, &info);
    assert_string_equal(info.name, "fashion-mnist:test");
    assert_int_equal(info.count, 10000);
    assert_true(info.sample_shape.rank == 2 && info.sample_shape.dim[0] == 28 && info.sample_shape.dim[1] == 28);
    assert_int_equal(info.x_dtype, GS_U8);
    assert_int_equal(info.y_dtype, GS_I32);
    assert_int_equal(info.max_class, 9);
    const int32_t *y = gs_data_y(data);
    int of_class[10] = {0};
    for (int i = 0; i < 10000; i++) of_class[y[i]]++;
    for (int i = 0; i < 10; i++) assert_int_equal(of_class[i], 1000);
    gs_data_destroy(&data);
}

// --- samples for predict -----------------------------------------------------------------------------------------

typedef struct memory {
    unsigned char bytes[20000];
    size_t used;
} memory;

static void keep(void *user, void *data, int bytes) {
    memory *m = user;
    assert_true(m->used + (size_t)bytes <= sizeof m->bytes);
    memcpy(m->bytes + m->used, data, (size_t)bytes);
    m->used += (size_t)bytes;
}

enum { PNG, BMP };

// A gradient: channel c of pixel (x, y) is 3 x + 4 y + 20 c; alpha is 255.
static void draw(memory *out, int kind, int width, int height, int channels) {
    unsigned char pixels[40 * 40 * 4];
    unsigned char *p = pixels;
    out->used = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++) *p++ = (unsigned char)(c == 3 ? 255 : 3 * x + 4 * y + 20 * c);
    assert_true(kind == PNG ? stbi_write_png_to_func(keep, out, width, height, channels, pixels, width * channels)
                            : stbi_write_bmp_to_func(keep, out, width, height, channels, pixels));
}

static void test_images(void **state) {
    (void)state;
    static const struct {
        int kind, channels;
        gs_shape shape;
        int wanted;
    } cases[] = {
        {PNG, 1, {2, {24, 28}}, 1},      {PNG, 1, {1, {24 * 28}}, 1},   {PNG, 4, {2, {24, 28}}, 1},
        {PNG, 3, {3, {24, 28, 3}}, 3},   {PNG, 1, {3, {24, 28, 3}}, 3}, {PNG, 4, {3, {24, 28, 4}}, 4},
        {PNG, 3, {1, {24 * 28 * 3}}, 3}, {PNG, 3, {3, {24, 28, 1}}, 1}, {BMP, 3, {3, {24, 28, 3}}, 3},
        {BMP, 4, {3, {24, 28, 4}}, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memory image;
        draw(&image, cases[i].kind, 28, 24, cases[i].channels);
        gs_data *data = NULL;
        gs_data_info info;
        const char *path = files_put("image", image.bytes, image.used); // the content decides, not the name
        gs_status status = gs_data_load_input(context, path, &cases[i].shape, &data);
        if (status != GS_OK) fail_msg("case %zu: %s", i, gs_context_message(context));
        gs_data_get_info(data, &info);
        assert_int_equal(info.count, 1);
        assert_int_equal(info.x_dtype, GS_U8);
        assert_false(info.has_targets);
        assert_int_equal(info.sample_shape.rank, cases[i].shape.rank);
        const uint8_t *x = gs_data_x(data);
        for (int pixel = 0; pixel < 24 * 28; pixel++)
            for (int c = 0; c < cases[i].wanted; c++) {
                int base = 3 * (pixel % 28) + 4 * (pixel / 28), expected = base + 20 * c;
                // Grey from colours: the luma of base, base + 20, base + 40, about base + 16.
                if (cases[i].wanted == 1 && cases[i].channels > 1) expected = base + 16;
                if (cases[i].wanted >= 3 && cases[i].channels == 1) expected = base;
                if (c == 3) expected = 255;
                int found = x[pixel * cases[i].wanted + c];
                int allowed = cases[i].wanted == 1 && cases[i].channels > 1 ? 1 : 0;
                if (abs(found - expected) > allowed)
                    fail_msg("case %zu, pixel %d, channel %d: %d, expected %d", i, pixel, c, found, expected);
            }
        gs_data_destroy(&data);
    }
}

static void test_images_refused(void **state) {
    (void)state;
    gs_data *data = NULL;
    memory image;
    draw(&image, PNG, 32, 30, 3);
    const char *path = files_put("large.png", image.bytes, image.used);
    fails(gs_data_load_input(context, path, &image_shape, &data), GS_ERR_ARGUMENT, "32 x 30", "(28, 28)");
    fails(gs_data_load_input(context, path, &(gs_shape){1, {784}}, &data), GS_ERR_ARGUMENT, "784 values", "28 x 28");
    fails(gs_data_load_input(context, path, &(gs_shape){4, {1, 30, 32, 3}}, &data), GS_ERR_ARGUMENT, "32 x 30",
          "(1, 30, 32, 3)");
    fails(gs_data_load_input(context, path, &(gs_shape){0}, &data), GS_ERR_ARGUMENT, "32 x 30", "()");
    path = files_put("text.png", "no image", 8);
    fails(gs_data_load_input(context, path, &image_shape, &data), GS_ERR_FORMAT, "text.png", "PNG, BMP or JPEG");
    path = files_put("none.png", "", 0);
    fails(gs_data_load_input(context, path, &image_shape, &data), GS_ERR_FORMAT, "none.png", "the file is empty");
    fails(gs_data_load_input(context, files_path("missing.png"), &image_shape, &data), GS_ERR_FILE, "missing.png",
          "No such file");
    for (int kind = PNG; kind <= BMP; kind++) {
        draw(&image, kind, 28, 24, 3);
        path = files_put("short", image.bytes, image.used / 2);
        fails(gs_data_load_input(context, path, &(gs_shape){2, {24, 28}}, &data), GS_ERR_FORMAT, "short: the image is ",
              "");
    }
    // A claim of 2^31 - 1 pixels a side.
    draw(&image, PNG, 28, 28, 1);
    memcpy(image.bytes + 16, "\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF", 8);
    path = files_put("bomb.png", image.bytes, image.used);
    gs_status status = gs_data_load_input(context, path, &image_shape, &data);
    assert_true(status == GS_ERR_FORMAT || status == GS_ERR_ARGUMENT);
    assert_null(data);
}

static void test_npy_input(void **state) {
    (void)state;
    static float values[2 * 784];
    gs_data *data = NULL;
    gs_data_info info;
    static const struct {
        gs_shape shape;
        uint64_t count;
    } good[] = {
        {{2, {2, 784}}, 2}, {{3, {2, 28, 28}}, 2}, {{4, {2, 28, 28, 1}}, 2}, {{2, {28, 28}}, 1}, {{1, {784}}, 1}};
    char path[1024];
    snprintf(path, sizeof path, "%s", files_path("input.npy"));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(gs_npy_write(context, path, values, &good[i].shape), GS_OK);
        assert_int_equal(gs_data_load_input(context, path, &image_shape, &data), GS_OK);
        gs_data_get_info(data, &info);
        assert_int_equal(info.count, good[i].count);
        gs_data_destroy(&data);
    }
    assert_int_equal(gs_npy_write(context, path, values, &(gs_shape){2, {2, 783}}), GS_OK);
    fails(gs_data_load_input(context, path, &image_shape, &data), GS_ERR_ARGUMENT, "(2, 783)", "(28, 28)");
    assert_int_equal(gs_npy_write(context, path, values, &(gs_shape){0}), GS_OK);
    fails(gs_data_load_input(context, path, &image_shape, &data), GS_ERR_ARGUMENT, "()", "(28, 28)");
    fails(gs_data_load_input(context, files_put("cut.npy", "\x93NUMPY", 6), &image_shape, &data), GS_ERR_FORMAT,
          "cut.npy", "truncated");
}

static gs_status parse_damaged(void *user, const char *data, size_t bytes) {
    gs__error error;
    gs__array array = {0};
    gs_status status = gs__image_parse(&error, "damaged", data, bytes, user, false, &array);
    gs__array_deinit(&array);
    return status;
}

static void test_image_damage(void **state) {
    (void)state;
    gs_shape shape = {3, {7, 9, 3}};
    for (int kind = PNG; kind <= BMP; kind++) {
        memory image;
        draw(&image, kind, 9, 7, 3);
        // The end of a PNG is a chunk without content, which its reader does not wait for.
        assert_true(damage(image.bytes, image.used, kind != PNG, parse_damaged, &shape) > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_create_other_targets),
        cmocka_unit_test(test_create_refuses),
        cmocka_unit_test(test_slice),
        cmocka_unit_test(test_idx),
        cmocka_unit_test(test_npy),
        cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_specs),
        cmocka_unit_test(test_fashion_mnist_places),
        cmocka_unit_test(test_fashion_mnist),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_images_refused),
        cmocka_unit_test(test_npy_input),
        cmocka_unit_test(test_image_damage),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
