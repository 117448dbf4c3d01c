// Pictures: round numbers on axes, anti-aliased lines, text, PNG files that decode, a page that is safe and complete.
#include "base/file.h"
#include "data/data.h"
#include "plot/layout.h"
#include <gradsmith/gradsmith.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *path_of(const char *name) {
    static char path[200];
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.100s/gradsmith-plot-%ld-%s", tmp && tmp[0] ? tmp : "/tmp", (long)getpid(), name);
    return path;
}

static void axes_are_round(void **state) {
    (void)state;
    static const struct {
        double low, high, first, last, step;
        const char *second;
    } cases[] = {
        {0.3717, 0.6696, 0.3, 0.7, 0.1, "0.4"},
        {0, 1, 0, 1, 0.2, "0.2"},
        {-3.2, 4.1, -4, 6, 2, "-2"},
        {1e-7, 9e-7, 0, 1e-6, 2e-7, "2e-07"},
        {0.9971, 0.9996, 0.997, 1, 0.0005, "0.9975"},
        {2, 2, 1.9, 2.1, 0.05, "1.95"},
        {0, 0, -0.6, 0.6, 0.2, "-0.4"},
        {12345678, 98765432, 0, 1e8, 2e7, "2e+07"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[40];
        const gs__axis a = gs__axis_round(cases[i].low, cases[i].high, 5);
        const double end = a.ticks[a.tick_count - 1];
        gs__axis_label(&a, a.ticks[1], text, sizeof text);
        if (fabs(a.low - cases[i].first) > 1e-9 * a.step + 1e-15 || fabs(end - cases[i].last) > 1e-6 * a.step ||
            fabs(a.step - cases[i].step) > 1e-9 * a.step || strcmp(text, cases[i].second) != 0)
            fail_msg("case %zu: %g .. %g by %g, second \"%s\"", i, a.low, end, a.step, text);
        assert_true(a.low <= cases[i].low && a.high >= cases[i].high);
    }
    gs__axis a = gs__axis_whole(1, 5, 10);
    assert_true(a.tick_count == 5 && a.ticks[0] == 1 && a.ticks[4] == 5);
    a = gs__axis_whole(1, 137, 10);
    assert_true(a.step == 20 && a.ticks[0] == 20 && a.ticks[a.tick_count - 1] == 120);
    a = gs__axis_whole(1, 1, 10);
    assert_true(a.tick_count == 1 && a.low < 1 && a.high > 1);
}

// Decodes a PNG by the reader of images, to bytes.
static gs__array decode(const char *path, int64_t *width, int64_t *height) {
    char *png;
    size_t bytes;
    gs__error error = {0};
    gs__array x = {0};
    assert_int_equal(gs__file_read(&error, path, 1 << 26, &png, &bytes), GS_OK);
    const unsigned char *head = (const unsigned char *)png;
    *width = head[16] << 24 | head[17] << 16 | head[18] << 8 | head[19];
    *height = head[20] << 24 | head[21] << 16 | head[22] << 8 | head[23];
    const gs_shape shape = {3, {*height, *width, 3}};
    if (gs__image_parse(&error, "x", png, bytes, &shape, false, &x) != GS_OK) fail_msg("%s: %s", path, error.message);
    free(png);
    return x;
}

static uint32_t pixel(const gs__array *x, int64_t width, int64_t column, int64_t row) {
    const uint8_t *p = (const uint8_t *)x->data + 3 * (row * width + column);
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static void canvas_draws(void **state) {
    (void)state;
    gs__error error = {0};
    gs__canvas *c;
    void *png;
    size_t bytes;
    assert_int_equal(gs__canvas_create(&error, 40, 30, 2, 0xFFFFFF, &c), GS_OK);
    gs__canvas_rect(c, 1.25, 1, 2, 2, 0x000000); // its left edge is at half a pixel
    const gs__point line[] = {{5, 20}, {20, 20}, {20, 20}, {35, 20}};
    gs__canvas_line(c, line, 4, 2, 0, 0xFF0000);
    gs__canvas_line(c, (const gs__point[]){{-1e6, 25}, {1e6, 25}}, 2, 1, 0, 0x0000FF); // far beyond the edges
    gs__canvas_disc(c, 30, 6, 3, 0x00FF00);
    gs__canvas_text(c, 8, 14, 12, GS__ALIGN_LEFT, 0x000000, "l\xC3\xA4\xFF\xC3"); // UTF-8, and what is none
    assert_int_equal(gs__canvas_png(c, &png, &bytes), GS_OK);
    const char *path = path_of("canvas.png");
    assert_int_equal(gs__file_write(&error, path, png, bytes), GS_OK);
    free(png);
    gs__canvas_destroy(c);
    int64_t width, height;
    gs__array x = decode(path, &width, &height);
    assert_true(width == 80 && height == 60);
    assert_int_equal(pixel(&x, width, 4, 3), 0x000000);
    const uint32_t edge = pixel(&x, width, 2, 3) & 255;
    assert_true(edge > 110 && edge < 145);
    assert_int_equal(pixel(&x, width, 1, 3), 0xFFFFFF);
    for (int64_t column = 12; column < 68; column++) assert_int_equal(pixel(&x, width, column, 40), 0xFF0000);
    assert_int_equal(pixel(&x, width, 30, 36), 0xFFFFFF);
    assert_int_equal(pixel(&x, width, 0, 50), 0x0000FF);
    assert_int_equal(pixel(&x, width, 79, 50), 0x0000FF);
    assert_int_equal(pixel(&x, width, 60, 12), 0x00FF00);
    unsigned dark = 0;
    for (int64_t row = 8; row < 30; row++)
        for (int64_t column = 16; column < 30; column++) dark += (pixel(&x, width, column, row) & 255) < 64;
    assert_true(dark > 20); // letters
    assert_true(gs__text_width("mm", 10) > 1.9 * gs__text_width("ii", 10));
    gs__array_deinit(&x);
    unlink(path);
    assert_int_equal(gs__canvas_create(&error, 1e9, 1e9, 2, 0, &c), GS_ERR_ARGUMENT);
    assert_int_equal(gs__canvas_create(&error, (double)NAN, 1, 2, 0, &c), GS_ERR_ARGUMENT);
    gs__canvas_destroy(NULL);
}

static const double loss[] = {0.9, 0.5, (double)NAN, 0.3, 0.25}, val_loss[] = {0.8, 0.6, 0.5, 0.45};
static const gs_plot_curve curves[] = {{"training", loss, 5}, {"</script><b>&\"", val_loss, 4}};
static const uint64_t counts[] = {5, 0, 1, 2, 7, 0, 0, 0, 0};
static const char *const names[] = {"<cat>", "dog", NULL};

static void files_are_drawn(void **state) {
    (void)state;
    gs_context *context;
    float filters[5 * 7 * 6];
    for (int i = 0; i < 5 * 7 * 6; i++) filters[i] = (float)(i % 11) - 5.0f;
    filters[3] = NAN;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    const gs_plot_chart chart = {"Loss", "epoch", curves, 2};
    const gs_plot_matrix matrix = {"Confusion", counts, names, 3};
    const gs_plot_images images = {"Filters", filters, 5, 7, 6, 1};
    const char *path = path_of("a.png");
    int64_t width, height;
    assert_int_equal(gs_plot_chart_png(context, &chart, path), GS_OK);
    gs__array x = decode(path, &width, &height);
    assert_true(width == 1280 && height == 800);
    // Both curves are there, in their colours.
    unsigned blue = 0, orange = 0;
    for (int64_t i = 0; i < width * height; i++) {
        blue += pixel(&x, width, i, 0) == 0x0072B2;
        orange += pixel(&x, width, i, 0) == 0xD55E00;
    }
    assert_true(blue > 1000 && orange > 1000);
    gs__array_deinit(&x);
    assert_int_equal(gs_plot_matrix_png(context, &matrix, path), GS_OK);
    x = decode(path, &width, &height);
    gs__array_deinit(&x);
    assert_int_equal(gs_plot_images_png(context, &images, path), GS_OK);
    x = decode(path, &width, &height);
    gs__array_deinit(&x);

    // A page: nothing of a name is taken for a tag, nothing is fetched, values that are no numbers are null.
    const gs_plot_report report = {"<run>", NULL, &chart, 1, &matrix, &images};
    char *text;
    size_t bytes;
    assert_int_equal(gs_plot_html(context, &report, path), GS_OK);
    assert_int_equal(gs__file_read(NULL, path, 1 << 26, &text, &bytes), GS_OK);
    assert_null(strstr(text, "</script><b>"));
    assert_null(strstr(text, "<cat>"));
    assert_null(strstr(text, "<run>"));
    assert_null(strstr(text, "http"));
    assert_null(strstr(text, "nan"));
    assert_non_null(strstr(text, "&lt;cat&gt; taken for 2: 1 (16.7 %)"));
    assert_non_null(strstr(text, "\"values\":[0.9,0.5,null,0.3,0.25]"));
    assert_non_null(strstr(text, "prefers-color-scheme:dark"));
    assert_non_null(strstr(text, "data:image/png;base64,iVBORw0KGgo"));
    free(text);
    unlink(path);
    gs_context_destroy(&context);
}

static void expect(gs_context *context, gs_status found, const char *words) {
    if (found != GS_ERR_ARGUMENT || !strstr(gs_context_message(context), words))
        fail_msg("%s: \"%s\", expected \"%s\"", gs_status_name(found), gs_context_message(context), words);
}

static void nothing_to_draw_is_refused(void **state) {
    (void)state;
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    const char *path = path_of("b.png");
    const double none[] = {(double)NAN, (double)INFINITY};
    const gs_plot_curve empty = {"x", none, 2};
    gs_plot_chart chart = {"Loss", NULL, &empty, 1};
    expect(context, gs_plot_chart_png(context, &chart, path), "no finite value");
    chart.curve_count = 0;
    expect(context, gs_plot_chart_png(context, &chart, path), "0 curves");
    expect(context, gs_plot_chart_png(context, NULL, path), "0 curves");
    chart = (gs_plot_chart){"Loss", NULL, curves, GS_PLOT_MAX_CURVES + 1};
    expect(context, gs_plot_chart_png(context, &chart, path), "7 curves");
    gs_plot_matrix matrix = {"Confusion", counts, names, 0};
    expect(context, gs_plot_matrix_png(context, &matrix, path), "0 classes");
    matrix.classes = 1001;
    expect(context, gs_plot_matrix_png(context, &matrix, path), "1001 classes");
    const float value = 1;
    gs_plot_images images = {"Filters", &value, 1, 1, 1, 2};
    expect(context, gs_plot_images_png(context, &images, path), "channels");
    images = (gs_plot_images){"Filters", &value, 0, 1, 1, 1};
    expect(context, gs_plot_images_png(context, &images, path), "found 0 of 1 x 1 x 1");
    images.count = 1;
    assert_int_equal(gs_plot_images_png(context, &images, "/no/such/folder/x.png"), GS_ERR_FILE);
    assert_int_equal(gs_plot_images_png(NULL, &images, path), GS_ERR_ARGUMENT);
    // One value alone, and a matrix of one class, are drawn.
    const double one[] = {0.5};
    const gs_plot_curve single = {"x", one, 1};
    chart = (gs_plot_chart){"One", "epoch", &single, 1};
    assert_int_equal(gs_plot_chart_png(context, &chart, path), GS_OK);
    matrix.classes = 1;
    assert_int_equal(gs_plot_matrix_png(context, &matrix, path), GS_OK);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    gs_context_destroy(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_are_round),
        cmocka_unit_test(canvas_draws),
        cmocka_unit_test(files_are_drawn),
        cmocka_unit_test(nothing_to_draw_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
