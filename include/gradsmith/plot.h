// Pictures: curves, a confusion matrix and filters, as PNG files and as one self-contained HTML page.
#ifndef GRADSMITH_PLOT_H
#define GRADSMITH_PLOT_H

#include <gradsmith/device.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GS_PLOT_MAX_CURVES = 6 };

// Values at x = 1, 2, ... (epochs). A value that is not finite is a gap.
typedef struct gs_plot_curve {
    const char *name;
    const double *values;
    uint32_t count;
} gs_plot_curve;

typedef struct gs_plot_chart {
    const char *title, *x_title;
    const gs_plot_curve *curves; // drawn in this order; the second is dashed, too, for those who do not see colours
    uint32_t curve_count;        // 1 .. GS_PLOT_MAX_CURVES
} gs_plot_chart;

// Row: the true class; column: the predicted one.
typedef struct gs_plot_matrix {
    const char *title;
    const uint64_t *counts;   // (classes, classes), row-major
    const char *const *names; // NULL: 0, 1, ...
    uint32_t classes;         // 1 .. 1000
} gs_plot_matrix;

// Small images side by side: the first layer's filters. One channel: blue below 0, red above; three: colours.
typedef struct gs_plot_images {
    const char *title;
    const float *values;                     // (count, height, width, channels)
    uint32_t count, height, width, channels; // channels 1 or 3
} gs_plot_images;

typedef struct gs_plot_report {
    const char *title, *subtitle; // subtitle may be NULL
    const gs_plot_chart *charts;
    uint32_t chart_count;
    const gs_plot_matrix *matrix; // NULL: none
    const gs_plot_images *images; // NULL: none
} gs_plot_report;

// Each writes a file, replacing it only when complete. PNGs have two pixels for each of CSS.
// Errors: GS_ERR_ARGUMENT (nothing to draw), GS_ERR_FILE, GS_ERR_MEMORY.
GS_API gs_status gs_plot_chart_png(gs_context *context, const gs_plot_chart *chart, const char *path);
GS_API gs_status gs_plot_matrix_png(gs_context *context, const gs_plot_matrix *matrix, const char *path);
GS_API gs_status gs_plot_images_png(gs_context *context, const gs_plot_images *images, const char *path);
// All of it on one page: inline SVG, no network, light and dark, values under the pointer.
GS_API gs_status gs_plot_html(gs_context *context, const gs_plot_report *report, const char *path);

#ifdef __cplusplus
}
#endif
#endif
