#include "plot/layout.h"

#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Okabe and Ito's colours, which people with any kind of colour vision tell apart, some of them darkened for white.
gs__color gs__curve_color(uint32_t curve) {
    static const gs__color colors[GS_PLOT_MAX_CURVES] = {0x0072B2, 0xD55E00, 0x00855F, 0xB5568C, 0x6B5B00, 0x4D4D4D};
    return colors[curve % GS_PLOT_MAX_CURVES];
}

static gs__color mix(gs__color from, gs__color to, double share) {
    gs__color color = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        const double a = from >> shift & 255, b = to >> shift & 255;
        color |= (gs__color)lround(a + (b - a) * share) << shift;
    }
    return color;
}

gs__color gs__share_color(double share) {
    return share < 0.5 ? mix(0xF4F8FC, 0x4F9BD0, 2 * share) : mix(0x4F9BD0, 0x08306B, 2 * share - 1);
}

gs_status gs__picture_write(gs__error *error, const char *path, const void *data, size_t bytes) {
    gs__file_writer *writer = NULL;
    gs_status status = gs__file_begin(error, path, &writer);
    if (status != GS_OK) return status;
    status = gs__file_append(writer, data, bytes);
    if (status == GS_OK) return gs__file_replace(&writer);
    gs__file_discard(writer);
    return status;
}

// --- charts ----------------------------------------------------------------------------------------------------------
static bool find_range(const gs_plot_chart *chart, double *low, double *high, uint32_t *count) {
    *low = INFINITY, *high = -INFINITY, *count = 0;
    for (uint32_t i = 0; i < chart->curve_count; i++) {
        const gs_plot_curve *curve = &chart->curves[i];
        if (curve->count > *count) *count = curve->count;
        for (uint32_t j = 0; j < curve->count; j++) {
            if (!isfinite(curve->values[j])) continue;
            *low = fmin(*low, curve->values[j]);
            *high = fmax(*high, curve->values[j]);
        }
    }
    return *low <= *high;
}

gs_status gs__chart_lay_out(gs__error *error, const gs_plot_chart *chart, gs__chart_layout *layout) {
    double low, high, widest = 0;
    uint32_t count;
    char text[40];
    if (!chart || !chart->curves || chart->curve_count < 1 || chart->curve_count > GS_PLOT_MAX_CURVES)
        return gs__fail(error, GS_ERR_ARGUMENT, "a chart of %u curves: expected 1 to %d",
                        chart && chart->curves ? chart->curve_count : 0, GS_PLOT_MAX_CURVES);
    if (!find_range(chart, &low, &high, &count))
        return gs__fail(error, GS_ERR_ARGUMENT, "chart \"%s\": there is no finite value to draw",
                        chart->title ? chart->title : "");
    *layout = (gs__chart_layout){.width = 640, .height = 400};
    layout->y = gs__axis_round(low, high, 5);
    layout->x = gs__axis_whole(1, count, 10);
    for (uint32_t i = 0; i < layout->y.tick_count; i++)
        widest = fmax(widest,
                      gs__text_width(gs__axis_label(&layout->y, layout->y.ticks[i], text, sizeof text), GS__TEXT_SIZE));
    layout->left = 24 + widest;
    layout->right = layout->width - 24;
    layout->top = 62;
    layout->bottom = layout->height - 50;
    return GS_OK;
}

double gs__chart_x(const gs__chart_layout *l, uint32_t index) {
    return l->left + (index + 1.0 - l->x.low) / (l->x.high - l->x.low) * (l->right - l->left);
}

double gs__chart_y(const gs__chart_layout *l, double value) {
    return l->bottom - (value - l->y.low) / (l->y.high - l->y.low) * (l->bottom - l->top);
}

// --- matrices --------------------------------------------------------------------------------------------------------
const char *gs__matrix_name(const gs_plot_matrix *matrix, uint32_t class, char *text, size_t bytes) {
    if (matrix->names && matrix->names[class]) snprintf(text, bytes, "%s", matrix->names[class]);
    else snprintf(text, bytes, "%u", class);
    return text;
}

double gs__matrix_share(const gs_plot_matrix *matrix, uint32_t row, uint32_t column) {
    const uint64_t *counts = matrix->counts + (uint64_t)row * matrix->classes;
    double sum = 0;
    for (uint32_t i = 0; i < matrix->classes; i++) sum += (double)counts[i];
    return sum > 0 ? (double)counts[column] / sum : 0;
}

gs_status gs__matrix_lay_out(gs__error *error, const gs_plot_matrix *matrix, gs__matrix_layout *l) {
    if (!matrix || !matrix->counts || matrix->classes < 1 || matrix->classes > 1000)
        return gs__fail(error, GS_ERR_ARGUMENT, "a confusion matrix of %u classes: expected 1 to 1000",
                        matrix && matrix->counts ? matrix->classes : 0);
    char text[64];
    double widest = 0, number = 0;
    *l = (gs__matrix_layout){.label_size = GS__TEXT_SIZE};
    l->cell = fmin(52, 540.0 / matrix->classes);
    l->names = l->cell >= 11;
    if (l->cell < 16) l->label_size = l->cell * 0.75;
    for (uint32_t i = 0; i < matrix->classes && l->names; i++)
        widest = fmax(widest, gs__text_width(gs__matrix_name(matrix, i, text, sizeof text), l->label_size));
    widest = fmin(widest, 160);
    for (uint32_t i = 0; i < matrix->classes * matrix->classes; i++) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)matrix->counts[i]);
        number = fmax(number, gs__text_width(text, 1));
    }
    l->count_size = fmin(13, (l->cell - 6) / number);
    if (l->count_size < 6) l->count_size = 0;
    l->left = 46 + widest;
    l->top = 50;
    l->width = l->left + l->cell * matrix->classes + 24;
    l->height = l->top + l->cell * matrix->classes + 46 + widest;
    if (l->width < 300) l->width = 300;
    return GS_OK;
}

// --- images ----------------------------------------------------------------------------------------------------------
gs_status gs__images_check(gs__error *error, const gs_plot_images *images) {
    const bool good = images && images->values && images->count && images->height && images->width &&
                      (images->channels == 1 || images->channels == 3) && images->height <= 4096 &&
                      images->width <= 4096;
    if (good) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "images: expected at least one of 1 to 4096 pixels each way, of 1 or 3 channels, found %u of "
                    "%u x %u x %u",
                    images ? images->count : 0, images ? images->height : 0, images ? images->width : 0,
                    images ? images->channels : 0);
}

// Blue below 0, white, red above.
static gs__color signed_color(double value) {
    return value < 0 ? mix(0xF7F7F7, 0x0B5C9E, fmin(1, -value)) : mix(0xF7F7F7, 0xB8232F, fmin(1, value));
}

static gs__color pixel_color(const float *pixel, uint32_t channels, double low, double high) {
    const double most = fmax(fabs(low), fabs(high));
    if (channels == 1) return signed_color(most > 0 ? (double)pixel[0] / most : 0);
    gs__color color = 0;
    for (int i = 0; i < 3; i++)
        color = color << 8 | (gs__color)lround(high > low ? ((double)pixel[i] - low) / (high - low) * 255 : 127);
    return color;
}

static void draw_image(gs__canvas *canvas, const gs_plot_images *images, uint32_t index, double x, double y,
                       double zoom) {
    const uint64_t elements = (uint64_t)images->height * images->width * images->channels;
    const float *values = images->values + index * elements;
    double low = INFINITY, high = -INFINITY;
    for (uint64_t i = 0; i < elements; i++) {
        if (!isfinite(values[i])) continue;
        low = fmin(low, (double)values[i]), high = fmax(high, (double)values[i]);
    }
    for (uint32_t row = 0; row < images->height; row++)
        for (uint32_t column = 0; column < images->width; column++) {
            const float *pixel = values + ((uint64_t)row * images->width + column) * images->channels;
            bool finite = true;
            for (uint32_t i = 0; i < images->channels; i++) finite = finite && isfinite(pixel[i]);
            gs__canvas_rect(canvas, x + column * zoom, y + row * zoom, zoom, zoom,
                            finite ? pixel_color(pixel, images->channels, low, high) : 0x000000);
        }
}

gs_status gs__images_draw(gs__error *error, const gs_plot_images *images, bool title, gs__canvas **canvas) {
    gs_status status = gs__images_check(error, images);
    if (status != GS_OK) return status;
    const uint32_t most = images->height > images->width ? images->height : images->width;
    // Whole pixels, also at one pixel for one of an image.
    const double zoom = fmax(0.5, floor(2.0 * 64 / most) / 2), gap = ceil(8 / zoom) * zoom, head = title ? 50 : 0;
    uint32_t columns = (uint32_t)(610 / (images->width * zoom + gap));
    if (columns < 1) columns = 1;
    // Rows of the same length, as far as that goes.
    const uint32_t rows = (images->count + columns - 1) / columns;
    columns = (images->count + rows - 1) / rows;
    const double side = title ? 24 : 0;
    const double width = fmax(title ? 300 : 0, columns * (images->width * zoom + gap) - gap + 2 * side);
    const double height = head + rows * (images->height * zoom + gap) - gap + side;
    status = gs__canvas_create(error, width, height, title ? 2 : 1 / zoom, 0xFFFFFF, canvas);
    if (status != GS_OK) return status;
    if (title && images->title)
        gs__canvas_text(*canvas, side, 30, GS__TITLE_SIZE, GS__ALIGN_LEFT, 0x1F2328, images->title);
    for (uint32_t i = 0; i < images->count; i++)
        draw_image(*canvas, images, i, side + i % columns * (images->width * zoom + gap),
                   head + i / columns * (images->height * zoom + gap), zoom);
    return GS_OK;
}
