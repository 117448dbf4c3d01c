// Where things are in a figure, in units (a pixel of CSS): the PNG and the SVG of a chart are alike.
#ifndef GS_PLOT_LAYOUT_H
#define GS_PLOT_LAYOUT_H

#include "base/error.h"
#include "plot/axis.h"
#include "plot/canvas.h"
#include <gradsmith/plot.h>

enum { GS__TITLE_SIZE = 17, GS__TEXT_SIZE = 12 };

typedef struct gs__chart_layout {
    double width, height;
    double left, top, right, bottom; // of the area of the curves
    gs__axis x, y;
} gs__chart_layout;

// GS_ERR_ARGUMENT when there is no finite value.
gs_status gs__chart_lay_out(gs__error *error, const gs_plot_chart *chart, gs__chart_layout *layout);
// Position of epoch `index` (from 0) and of a value.
double gs__chart_x(const gs__chart_layout *layout, uint32_t index);
double gs__chart_y(const gs__chart_layout *layout, double value);

typedef struct gs__matrix_layout {
    double width, height, left, top, cell, label_size, count_size; // count_size 0: no room for numbers
    bool names;                                                    // there is room for the classes' names
} gs__matrix_layout;
gs_status gs__matrix_lay_out(gs__error *error, const gs_plot_matrix *matrix, gs__matrix_layout *layout);
// Share of its row, 0 for an empty row.
double gs__matrix_share(const gs_plot_matrix *matrix, uint32_t row, uint32_t column);
// Name of a class, made up where there is none. Returns `text` or the name.
const char *gs__matrix_name(const gs_plot_matrix *matrix, uint32_t class, char *text, size_t bytes);

gs_status gs__images_check(gs__error *error, const gs_plot_images *images);
// All images in a picture; without the title one pixel is one of an image, to be enlarged by who shows it.
gs_status gs__images_draw(gs__error *error, const gs_plot_images *images, bool title, gs__canvas **canvas);

// A file that replaces an older one at once, but is not waited for: it can be drawn again.
gs_status gs__picture_write(gs__error *error, const char *path, const void *data, size_t bytes);

// Colour of curve i on white; of a matrix's cell.
gs__color gs__curve_color(uint32_t curve);
gs__color gs__share_color(double share);

#endif
