// Images: decoding and resizing beside Pillow's, folders of them, and bad ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/recipe.h"
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static gs__error error;
static gs_context *context;

static int setup(void **state) {
    return files_setup(state) != 0 || gs_context_create(&context, NULL) != GS_OK;
}

static int teardown(void **state) {
    gs_context_destroy(&context);
    return files_teardown(state);
}

static char *golden(const char *name, size_t *bytes) {
    char path[1024];
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/assets/golden/data/%s", source ? source : ".", name);
    return files_get(path, bytes);
}

static gs_status decode(const char *name, uint32_t channels, gs__image *image) {
    size_t bytes;
    char *file = golden(name, &bytes);
    gs_status status = gs__image_decode(&error, name, file, bytes, channels, image);
    free(file);
    return status;
}

// The image has the pixels of Pillow's array, but for a difference in each.
static void expect_array(const gs__image *image, const char *name, int most) {
    size_t bytes;
    gs__array array = {0};
    char *file = golden(name, &bytes);
    assert_int_equal(gs__npy_parse(&error, name, file, bytes, GS__SAMPLES, &array), GS_OK);
    free(file);
    assert_true(array.shape.dim[0] == image->height && array.shape.dim[1] == image->width);
    assert_true(array.shape.rank == 2 ? image->channels == 1 : array.shape.dim[2] == image->channels);
    const size_t count = (size_t)image->height * image->width * image->channels;
    for (size_t i = 0; i < count; i++)
        assert_in_range(abs(image->pixels[i] - ((const uint8_t *)array.data)[i]), 0, most);
    gs__array_deinit(&array);
}

static void test_decode(void **state) {
    (void)state;
    gs__image image = {0};
    static const char *const names[] = {"rgb.png", "rgb.bmp", "rgba.png"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(decode(names[i], 3, &image), GS_OK);
        expect_array(&image, "rgb.npy", 0);
        free(image.pixels);
    }
    size_t bytes;
    char *file = golden("rgba.png", &bytes);
    assert_int_equal(gs__image_info(&error, "rgba.png", file, bytes, &image), GS_OK);
    assert_true(image.width == 13 && image.height == 9 && image.channels == 3 && !image.pixels);
    free(file);
    expect_failure(&error, decode("grey16.png", 1, &image), GS_ERR_UNSUPPORTED, "grey16.png: 16 bits a channel",
                   "-depth 8", NULL);
    expect_failure(&error, decode("rgb.npy", 1, &image), GS_ERR_FORMAT, "rgb.npy: not an image", NULL);
}

static void test_jpeg(void **state) {
    (void)state;
    gs__image image = {0};
#ifdef GRADSMITH_HAS_JPEG
    assert_int_equal(decode("rgb.jpg", 3, &image), GS_OK);
    expect_array(&image, "jpg.npy", 1);
    free(image.pixels);
    assert_int_equal(decode("grey.jpg", 1, &image), GS_OK);
    expect_array(&image, "grey-jpg.npy", 1);
    free(image.pixels);
    expect_failure(&error, decode("cmyk.jpg", 3, &image), GS_ERR_UNSUPPORTED, "cmyk.jpg: a CMYK image", NULL);
    expect_failure(&error, decode("rgb.jpg", 2, &image), GS_ERR_ARGUMENT, "2 channels", NULL);
#else
    expect_failure(&error, decode("rgb.jpg", 3, &image), GS_ERR_UNSUPPORTED, "built without libjpeg-turbo", NULL);
#endif
    assert_null(image.pixels);
}

static void test_resize(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t height, width;
    } cases[] = {{"small.npy", 4, 5}, {"large.npy", 20, 31}, {"wide.npy", 5, 31}, {"one.npy", 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gs__image image;
        assert_int_equal(decode("rgb.png", 3, &image), GS_OK);
        assert_int_equal(gs__image_resize(&error, "x", cases[i].height, cases[i].width, &image), GS_OK);
        expect_array(&image, cases[i].name, 1); // Pillow rounds after each direction
        free(image.pixels);
    }
}

static gs_status parse_damaged(void *user, const char *data, size_t bytes) {
    gs__image image;
    gs_status status = gs__image_decode(&error, "damaged", data, bytes, 3, &image);
    if (status == GS_OK) free(image.pixels);
    (void)user;
    return status;
}

static void test_damage(void **state) {
    (void)state;
    static const char *const names[] = {"rgb.png", "rgb.bmp",
#ifdef GRADSMITH_HAS_JPEG
                                        "rgb.jpg", "grey.jpg"
#endif
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t bytes;
        char *file = golden(names[i], &bytes);
        damage(file, bytes, false, parse_damaged, NULL);
        free(file);
    }
}

// A size that no file of this length can have, and one beyond all limits.
static void test_huge(void **state) {
    (void)state;
    size_t bytes;
    char *file = golden("rgb.bmp", &bytes);
    gs__image image;
    memcpy(file + 18, "\xFF\xFF\0\0\xFF\xFF\0\0", 8);
    gs_status status = gs__image_decode(&error, "huge.bmp", file, bytes, 3, &image);
    expect_failure(&error, status, GS_ERR_UNSUPPORTED, "65535 x 65535", "pixels are read", NULL);
    memcpy(file + 18, "\xFF\x0F\0\0\xFF\x0F\0\0", 8);
    status = gs__image_decode(&error, "huge.bmp", file, bytes, 3, &image);
    expect_failure(&error, status, GS_ERR_FORMAT, "huge.bmp: the image is truncated", NULL);
    free(file);

    file = golden("rgb.png", &bytes);
    memcpy(file + 16, "\0\0\x20\0\0\0\x20\0", 8);
    status = gs__image_info(&error, "huge.png", file, bytes, &image);
    expect_failure(&error, status, GS_ERR_FORMAT, "huge.png: the image is damaged: it claims 8192 x 8192", NULL);
    free(file);
#ifdef GRADSMITH_HAS_JPEG
    file = golden("rgb.jpg", &bytes);
    for (size_t i = 0; i + 9 < bytes; i++)
        if (memcmp(file + i, "\xFF\xC0", 2) == 0) memcpy(file + i + 5, "\x20\0\x20\0", 4);
    status = gs__image_info(&error, "huge.jpg", file, bytes, &image);
    expect_failure(&error, status, GS_ERR_FORMAT, "huge.jpg: the image is damaged: it claims 8192 x 8192", NULL);
    free(file);
#endif
}

// --- folders -----------------------------------------------------------------------------------------------------

static void make_folder(const char *name) {
    assert_int_equal(mkdir(files_path(name), 0777), 0);
}

static void put_golden(const char *name, const char *to) {
    size_t bytes;
    char *file = golden(name, &bytes);
    files_put(to, file, bytes);
    free(file);
}

static void fails(gs_status status, gs_status expected, const char *a, const char *b) {
    gs__error shown = {.status = expected};
    snprintf(shown.message, sizeof shown.message, "%s", gs_context_message(context));
    expect_failure(&shown, status, expected, a, b, NULL);
}

static void test_folder(void **state) {
    (void)state;
    make_folder("set");
    make_folder("set/tulip");
    make_folder("set/tulip/more");
    make_folder("set/rose");
    make_folder("set/.hidden");
    files_put("set/readme.txt", "x", 1);
    files_put("set/rose/Thumbs.db", "x", 1);
    put_golden("rgb.png", "set/tulip/b.PNG");
    put_golden("rgb.bmp", "set/tulip/more/a.bmp");
    put_golden("rgba.png", "set/rose/1.png");
    gs_data *data = NULL;
    gs_data_info info;
    uint32_t count;
    assert_int_equal(gs_data_load(context, files_path("set"), NULL, &data), GS_OK);
    gs_data_get_info(data, &info);
    assert_true(info.count == 3 && info.x_dtype == GS_U8 && info.max_class == 1);
    assert_true(info.sample_shape.rank == 3 && info.sample_shape.dim[0] == 9 && info.sample_shape.dim[1] == 13 &&
                info.sample_shape.dim[2] == 3);
    assert_memory_equal(gs_data_y(data), ((const int32_t[]){0, 1, 1}), 12);
    const char *const *names = gs_data_class_names(data, &count);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "rose");
    assert_string_equal(names[1], "tulip");
    assert_memory_equal(gs_data_x(data), (const char *)gs_data_x(data) + 351, 351);
    gs_data_destroy(&data);

    // Resized, grey, kept in a recipe, and asked of one image of another size.
    gs_recipe *recipe, *again;
    const gs_recipe_params params = {.image_height = 4, .image_width = 5, .scale = GS_SCALE_STANDARD};
    assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
    char spec[1100];
    snprintf(spec, sizeof spec, "images:%s", files_path("set"));
    assert_int_equal(gs_recipe_load_all(context, recipe, spec, NULL, &data), GS_OK);
    assert_int_equal(gs_recipe_write(context, recipe, files_path("r.json")), GS_OK);
    assert_int_equal(gs_recipe_read(context, files_path("r.json"), &again), GS_OK);
    gs_data *one = NULL;
    assert_int_equal(gs_recipe_load_input(context, again, files_path("set/tulip/b.PNG"), &(gs_shape){1, {60}}, &one),
                     GS_OK);
    assert_int_equal(one->x_bytes, 60 * sizeof(float));
    assert_memory_equal(one->x, (const char *)data->x + 60 * sizeof(float), 60 * sizeof(float));
    gs_data_destroy(&one);
    gs_data_destroy(&data);
    // A class that training did not see.
    make_folder("set/lily");
    put_golden("rgb.png", "set/lily/1.png");
    fails(gs_recipe_load_all(context, again, spec, NULL, &data), GS_ERR_FORMAT, "class \"lily\" was not", NULL);
    gs_recipe_destroy(&recipe);
    gs_recipe_destroy(&again);
}

static void test_folder_refused(void **state) {
    (void)state;
    gs_data *data = NULL;
    make_folder("bad");
    fails(gs_data_load(context, files_path("bad"), NULL, &data), GS_ERR_FORMAT, "bad: no folders in it", NULL);
    make_folder("bad/a");
    make_folder("bad/b");
    put_golden("rgb.png", "bad/a/1.png");
    fails(gs_data_load(context, files_path("bad"), NULL, &data), GS_ERR_FORMAT, "class \"b\" has no images", ".jpeg");
    put_golden("grey16.png", "bad/b/16.png");
    fails(gs_data_load(context, files_path("bad"), NULL, &data), GS_ERR_UNSUPPORTED, "b/16.png: 16 bits", NULL);
    assert_int_equal(remove(files_path("bad/b/16.png")), 0);
    size_t bytes;
    char *file = golden("rgb.png", &bytes);
    files_put("bad/b/2.png", file, bytes - 100);
    fails(gs_data_load(context, files_path("bad"), NULL, &data), GS_ERR_FORMAT, "b/2.png: the image is truncated",
          NULL);
    free(file);
    static const unsigned char dot[] = {'B', 'M', 58, 0, 0, 0, 0, 0, 0,  0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0,
                                        0,   0,   1,  0, 0, 0, 1, 0, 24, 0, 0,  0, 0, 0, 4,  0, 0, 0, 0, 0,
                                        0,   0,   0,  0, 0, 0, 0, 0, 0,  0, 0,  0, 0, 0, 1,  2, 3, 0};
    files_put("bad/b/2.png", dot, sizeof dot); // the content decides what it is
    fails(gs_data_load(context, files_path("bad"), NULL, &data), GS_ERR_FORMAT, "b/2.png is 1 x 1", "--image-size");
    files_put("bad/b/2.png", "text", 4);
    fails(gs_data_load(context, files_path("bad"), NULL, &data), GS_ERR_FORMAT, "b/2.png: not an image", NULL);
    fails(gs_data_load(context, "images:nowhere", NULL, &data), GS_ERR_FILE, "nowhere", "No such file");
    assert_null(data);
}

#define PNG_HEAD(width, height) "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR" width height "\x08\2\0\0\0CRC."

// Each stands in a folder beside a good image.
static void test_bad_images(void **state) {
    (void)state;
    static const struct {
        const char *name, *text;
        size_t bytes;
        gs_status status;
        const char *message;
    } cases[] = {
        {"a.png", "", 0, GS_ERR_FORMAT, "a.png: the file is empty"},
        {"a.png", "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0", 17, GS_ERR_FORMAT, "a.png: truncated: it has 17 bytes"},
        {"a.png", PNG_HEAD("\0\0\0\0", "\0\0\0\x09"), 33, GS_ERR_FORMAT, "a.png: its PNG header says a size of 0 x 9"},
        {"a.png", PNG_HEAD("\0\0\xEA\x60", "\0\0\xEA\x60"), 33, GS_ERR_FORMAT, "60000 x 60000, bits 8, colour type 2"},
        {"a.png", PNG_HEAD("\0\0\0\x0D", "\0\0\0\x09"), 33, GS_ERR_FORMAT, "a.png: the image is truncated"},
        {"a.bmp", "BM\0\0", 4, GS_ERR_FORMAT, "a.bmp: a BMP file whose header is truncated"},
        {"a.jpg", "GIF89a..................................", 40, GS_ERR_FORMAT,
         "a.jpg: not an image that can be read (PNG, BMP or JPEG)"},
#ifdef GRADSMITH_HAS_JPEG
        {"a.jpeg", "\xFF\xD8\xFF\xE0\0\x10JFIF", 10, GS_ERR_FORMAT, "a.jpeg: the image is damaged"},
#else
        {"a.jpeg", "\xFF\xD8\xFF\xE0\0\x10JFIF", 10, GS_ERR_UNSUPPORTED, "a.jpeg: a JPEG image: this gradsmith was"},
#endif
    };
    gs_data *data = NULL;
    make_folder("one");
    make_folder("one/good");
    make_folder("one/worse");
    put_golden("rgb.png", "one/good/1.png");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[40];
        snprintf(path, sizeof path, "one/worse/%s", cases[i].name);
        files_put(path, cases[i].text, cases[i].bytes);
        fails(gs_data_load(context, files_path("one"), NULL, &data), cases[i].status, cases[i].message, NULL);
        assert_int_equal(remove(files_path(path)), 0);
    }
    // Folders that are none of classes.
    put_golden("rgb.png", "one/worse/1.png");
    make_folder("one/\xFF");
    fails(gs_data_load(context, files_path("one"), NULL, &data), GS_ERR_FORMAT, "the name of the folder", "not UTF-8");
    assert_int_equal(remove(files_path("one/\xFF")), 0);
    char deep[80] = "one/deep";
    make_folder(deep);
    while (strlen(deep) < 60) make_folder(strcat(deep, "/d"));
    fails(gs_data_load(context, files_path("one"), NULL, &data), GS_ERR_FORMAT, "folders within folders, 16 deep",
          NULL);
    fails(gs_data_load(context, files_path("one/good"), NULL, &data), GS_ERR_FORMAT, "good: no folders in it", NULL);
    fails(gs_data_load(context, "images:", NULL, &data), GS_ERR_FILE, "\"\": No such file", NULL);
    assert_null(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),         cmocka_unit_test(test_jpeg),       cmocka_unit_test(test_resize),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_huge),       cmocka_unit_test(test_folder),
        cmocka_unit_test(test_folder_refused), cmocka_unit_test(test_bad_images),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
