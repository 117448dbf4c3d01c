// The PNG files.
#include "context/context.h"
#include "plot/layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INK = 0x1F2328, GREY = 0x59636E, GRID = 0xE3E7EB };
#define SCALE 2

static gs_status write_canvas(gs__error *error, const gs__canvas *canvas, const char *path) {
    void *png = NULL;
    size_t bytes = 0;
    gs_status status = gs__canvas_png(canvas, &png, &bytes);
    if (status == GS_OK) status = gs__picture_write(error, path, png, bytes);
    free(png);
    return status;
}

// --- charts ----------------------------------------------------------------------------------------------------------
static void draw_axes(gs__canvas *c, const gs_plot_chart *chart, const gs__chart_layout *l) {
    char text[40];
    for (uint32_t i = 0; i < l->y.tick_count; i++) {
        const double y = gs__chart_y(l, l->y.ticks[i]);
        gs__canvas_rect(c, l->left, y - 0.5, l->right - l->left, 1, GRID);
        gs__canvas_text(c, l->left - 8, y + 4, GS__TEXT_SIZE, GS__ALIGN_RIGHT, GREY,
                        gs__axis_label(&l->y, l->y.ticks[i], text, sizeof text));
    }
    for (uint32_t i = 0; i < l->x.tick_count; i++) {
        const double x = l->left + (l->x.ticks[i] - l->x.low) / (l->x.high - l->x.low) * (l->right - l->left);
        gs__canvas_rect(c, x - 0.5, l->bottom, 1, 5, GREY);
        gs__canvas_text(c, x, l->bottom + 18, GS__TEXT_SIZE, GS__ALIGN_MIDDLE, GREY,
                        gs__axis_label(&l->x, l->x.ticks[i], text, sizeof text));
    }
    gs__canvas_rect(c, l->left, l->bottom - 0.5, l->right - l->left, 1, GREY);
    if (chart->x_title)
        gs__canvas_text(c, (l->left + l->right) / 2, l->bottom + 38, GS__TEXT_SIZE, GS__ALIGN_MIDDLE, GREY,
                        chart->x_title);
}

static gs_status draw_curve(gs__error *error, gs__canvas *c, const gs__chart_layout *l, const gs_plot_curve *curve,
                            uint32_t number) {
    const gs__color color = gs__curve_color(number);
    gs__point *points = malloc((curve->count + 1) * sizeof *points);
    if (!points) return gs__fail(error, GS_ERR_MEMORY, "out of host memory for a curve");
    uint32_t run = 0;
    for (uint32_t i = 0; i <= curve->count; i++) {
        if (i < curve->count && isfinite(curve->values[i])) {
            points[run++] = (gs__point){gs__chart_x(l, i), gs__chart_y(l, curve->values[i])};
            continue;
        }
        gs__canvas_line(c, points, run, 2, number == 1 ? 7 : 0, color);
        // Few values are marked; a single one would not be seen without.
        for (uint32_t j = 0; j < run && (curve->count <= 30 || run == 1); j++)
            gs__canvas_disc(c, points[j].x, points[j].y, 2.6, color);
        run = 0;
    }
    free(points);
    return GS_OK;
}

static void draw_legend(gs__canvas *c, const gs_plot_chart *chart, const gs__chart_layout *l) {
    double x = l->right;
    for (uint32_t i = chart->curve_count; i-- > 0;) {
        const char *name = chart->curves[i].name ? chart->curves[i].name : "";
        x -= gs__text_width(name, GS__TEXT_SIZE + 1);
        gs__canvas_text(c, x, 30, GS__TEXT_SIZE + 1, GS__ALIGN_LEFT, INK, name);
        const gs__point line[] = {{x - 30, 25.5}, {x - 8, 25.5}};
        gs__canvas_line(c, line, 2, 2.5, i == 1 ? 6 : 0, gs__curve_color(i));
        x -= 50;
    }
}

gs_status gs_plot_chart_png(gs_context *context, const gs_plot_chart *chart, const char *path) {
    if (!context || !path) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    gs__chart_layout l;
    gs__canvas *c = NULL;
    GS_TRY(gs__chart_lay_out(error, chart, &l));
    GS_TRY(gs__canvas_create(error, l.width, l.height, SCALE, 0xFFFFFF, &c));
    if (chart->title) gs__canvas_text(c, 24, 30, GS__TITLE_SIZE, GS__ALIGN_LEFT, INK, chart->title);
    draw_axes(c, chart, &l);
    for (uint32_t i = 0; i < chart->curve_count; i++) GS_TRY(draw_curve(error, c, &l, &chart->curves[i], i));
    draw_legend(c, chart, &l);
    GS_TRY(write_canvas(error, c, path));
fail:
    gs__canvas_destroy(c);
    return status;
}

// --- matrices --------------------------------------------------------------------------------------------------------
static void draw_cells(gs__canvas *c, const gs_plot_matrix *matrix, const gs__matrix_layout *l) {
    const double gap = l->cell >= 16 ? 1 : 0;
    char text[32];
    for (uint32_t row = 0; row < matrix->classes; row++)
        for (uint32_t column = 0; column < matrix->classes; column++) {
            const double share = gs__matrix_share(matrix, row, column);
            const double x = l->left + column * l->cell, y = l->top + row * l->cell;
            const uint64_t count = matrix->counts[(uint64_t)row * matrix->classes + column];
            gs__canvas_rect(c, x, y, l->cell - gap, l->cell - gap, gs__share_color(share));
            if (!(l->count_size > 0) || !count) continue;
            snprintf(text, sizeof text, "%llu", (unsigned long long)count);
            gs__canvas_text(c, x + l->cell / 2, y + l->cell / 2 + l->count_size * 0.36, l->count_size, GS__ALIGN_MIDDLE,
                            share < 0.45 ? INK : 0xFFFFFF, text);
        }
}

gs_status gs_plot_matrix_png(gs_context *context, const gs_plot_matrix *matrix, const char *path) {
    if (!context || !path) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    gs__matrix_layout l;
    gs__canvas *c = NULL;
    char text[64];
    GS_TRY(gs__matrix_lay_out(error, matrix, &l));
    GS_TRY(gs__canvas_create(error, l.width, l.height, SCALE, 0xFFFFFF, &c));
    const double side = l.cell * matrix->classes;
    if (matrix->title) gs__canvas_text(c, 24, 30, GS__TITLE_SIZE, GS__ALIGN_LEFT, INK, matrix->title);
    draw_cells(c, matrix, &l);
    for (uint32_t i = 0; i < matrix->classes && l.names; i++) {
        const char *name = gs__matrix_name(matrix, i, text, sizeof text);
        gs__canvas_text(c, l.left - 8, l.top + (i + 0.5) * l.cell + l.label_size * 0.35, l.label_size, GS__ALIGN_RIGHT,
                        INK, name);
        gs__canvas_text_up(c, l.left + (i + 0.5) * l.cell + l.label_size * 0.35, l.top + side + 8, l.label_size,
                           GS__ALIGN_RIGHT, INK, name);
    }
    gs__canvas_text_up(c, 28, l.top + side / 2, GS__TEXT_SIZE, GS__ALIGN_MIDDLE, GREY, "true class");
    gs__canvas_text(c, l.left + side / 2, l.height - 14, GS__TEXT_SIZE, GS__ALIGN_MIDDLE, GREY, "predicted class");
    GS_TRY(write_canvas(error, c, path));
fail:
    gs__canvas_destroy(c);
    return status;
}

gs_status gs_plot_images_png(gs_context *context, const gs_plot_images *images, const char *path) {
    if (!context || !path) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs__canvas *c = NULL;
    gs_status status = gs__images_draw(error, images, true, &c);
    if (status == GS_OK) status = write_canvas(error, c, path);
    gs__canvas_destroy(c);
    return status;
}
