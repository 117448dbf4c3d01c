// Rooflines: what a device can do at an arithmetic intensity, and what products reach. Both axes are logarithmic.
#include "base/html.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 640, HEIGHT = 400, LEFT = 64, RIGHT = 20, TOP = 16, BOTTOM = 52 };

struct roof {
    double peak, copy;     // GFLOP/s, GB/s; copy 0: not measured
    double x0, x1, y0, y1; // ends of the axes, powers of ten
    double best, worst;    // shares of the peak
    uint32_t points;
};

// Operations for each byte that must be moved where each matrix of float32 is moved once.
static double intensity(const gs__report_value *v) {
    const double m = v->m, n = v->n, k = v->k;
    return 2 * m * n * k / (4 * (m * k + k * n + m * n));
}

static double x_of(const struct roof *r, double value) {
    return LEFT + log10(value / r->x0) / log10(r->x1 / r->x0) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct roof *r, double value) {
    return HEIGHT - BOTTOM - log10(value / r->y0) / log10(r->y1 / r->y0) * (HEIGHT - TOP - BOTTOM);
}

static double under(double value) {
    return pow(10, floor(log10(value)));
}

static double over(double value) {
    return pow(10, ceil(log10(value)));
}

static const gs__report_value *product_at(const gs_report *report, uint32_t row, uint32_t device) {
    const gs__report_value *now = gs__report_cell_at(report, row, device)->now;
    return now && now->m && strcmp(now->kind, gs_bench_kind_name(GS_BENCH_PRODUCT)) == 0 ? now : NULL;
}

// False: nothing to draw.
static bool measure(const gs_report *report, uint32_t device, struct roof *r) {
    const char *kinds[] = {gs_bench_kind_name(GS_BENCH_COPY_KERNEL), gs_bench_kind_name(GS_BENCH_COPY_COMMAND)};
    *r = (struct roof){.worst = INFINITY};
    // The peak is that of float32: other precisions may exceed it, and move other numbers of bytes.
    if (strcmp(report->devices[device].newest->precision, gs_precision_name(GS_PRECISION_FLOAT32)) != 0) return false;
    r->peak = gs__report_median(report, gs__report_find_row(report, gs_bench_kind_name(GS_BENCH_FMA), ""), device);
    for (int i = 0; i < 2; i++)
        r->copy = fmax(r->copy, gs__report_median(report, gs__report_find_row(report, kinds[i], ""), device));
    if (!(r->peak > 0)) return false;
    double x0 = INFINITY, x1 = 0, y0 = r->peak / 10, y1 = r->peak;
    for (uint32_t row = 0; row < report->row_count; row++) {
        const gs__report_value *v = product_at(report, row, device);
        if (!v) continue;
        r->points++;
        x0 = fmin(x0, intensity(v)), x1 = fmax(x1, intensity(v));
        y0 = fmin(y0, v->median), y1 = fmax(y1, v->median);
        r->best = fmax(r->best, v->median / r->peak), r->worst = fmin(r->worst, v->median / r->peak);
    }
    if (r->points == 0) return false;
    const double ridge = r->copy > 0 ? r->peak / r->copy : x0;
    r->x0 = under(fmin(x0, ridge) * 0.7), r->x1 = over(fmax(x1, ridge) * 1.3);
    r->y0 = under(y0 * 0.9), r->y1 = over(y1 * 1.1);
    return true;
}

static void append_axes(gs__text *out, const struct roof *r) {
    char label[32];
    for (double v = r->y0; v < r->y1 * 1.5; v *= 10) {
        const double y = y_of(r, v);
        snprintf(label, sizeof label, v < 1e6 ? "%.10g" : "%.0e", v);
        gs__text_append(out,
                        "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                        "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                        LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 4, label);
    }
    for (double v = r->x0; v < r->x1 * 1.5; v *= 10) {
        const double x = x_of(r, v);
        snprintf(label, sizeof label, v < 1e6 ? "%.10g" : "%.0e", v);
        gs__text_append(out,
                        "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
                        "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                        x, x, TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18, label);
    }
    gs__text_append(out,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">operations for each byte, at the most</text>\n"
                    "<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">GFLOP/s</text>\n",
                    (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, (TOP + HEIGHT - BOTTOM) / 2);
}

static void append_roof(gs__text *out, const struct roof *r) {
    const double top = y_of(r, r->peak);
    if (r->copy > 0) {
        // The slope begins at the left or at the bottom, whichever it meets first.
        const double from = fmax(r->x0, r->y0 / r->copy), ridge = r->peak / r->copy;
        gs__text_append(out, "<path class=\"roof\" d=\"M%.1f %.1fL%.1f %.1fH%d\"/>\n", x_of(r, from),
                        y_of(r, from * r->copy), x_of(r, ridge), top, WIDTH - RIGHT);
    } else {
        gs__text_append(out, "<path class=\"roof\" d=\"M%d %.1fH%d\"/>\n", LEFT, top, WIDTH - RIGHT);
    }
}

// Forms differ in shape as well as in colour: a circle, a square, a triangle.
static void append_mark(gs__text *out, uint32_t form, double x, double y, double size) {
    gs__text_append(out, "<path class=\"point f%u\" d=\"", form);
    if (form == 0)
        gs__text_append(out, "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0z\">", x - size, y, size, size,
                        2 * size, size, size, -2 * size);
    else if (form == 1)
        gs__text_append(out, "M%.1f %.1fh%.1fv%.1fh%.1fz\">", x - size, y - size, 2 * size, 2 * size, -2 * size);
    else gs__text_append(out, "M%.1f %.1fl%.1f %.1fh%.1fz\">", x, y - 1.2 * size, 1.2 * size, 2.2 * size, -2.4 * size);
}

static uint32_t form_of(const gs__report_value *v) {
    uint32_t form = GS_BENCH_A_B;
    while (form < GS_BENCH_AT_B && strcmp(v->form, gs_bench_form_name((gs_bench_form)form)) != 0) form++;
    return form;
}

static void append_points(gs__text *out, const gs_report *report, uint32_t device, const struct roof *r) {
    for (uint32_t row = 0; row < report->row_count; row++) {
        const gs__report_value *v = product_at(report, row, device);
        if (!v) continue;
        char label[GS__REPORT_LABEL_BYTES], number[GS__REPORT_NUMBER_BYTES];
        append_mark(out, form_of(v), x_of(r, intensity(v)), y_of(r, v->median), 4.5);
        gs__text_append(out, "<title>");
        gs__html_append(out, gs__report_label(v, label));
        gs__text_append(out, ": %s GFLOP/s at %.3g operations for each byte</title></path>\n",
                        gs__report_number(v->median, number), intensity(v));
    }
}

// "peak 98.2 GFLOP/s, copies 12.1 GB/s"
static void append_limits(gs__text *out, const struct roof *r) {
    char number[GS__REPORT_NUMBER_BYTES];
    gs__text_append(out, "peak %s GFLOP/s", gs__report_number(r->peak, number));
    if (r->copy > 0) gs__text_append(out, ", copies %s GB/s", gs__report_number(r->copy, number));
}

static void append_figure(gs__text *out, const gs_report *report, uint32_t device, const struct roof *r) {
    gs__text note = {0};
    gs__text_append(out, "<figure data-g=\"%u\"><figcaption>", device);
    gs__html_append(out, report->devices[device].newest->name);
    gs__report_device_note(report->devices[device].newest, &note);
    gs__text_append(out, "<small>");
    gs__html_append(out, note.data);
    gs__text_append(out, "</small><small>Roof: ");
    append_limits(out, r);
    gs__text_append(out, "</small></figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Roofline of ",
                    WIDTH, HEIGHT);
    gs__html_append(out, report->devices[device].newest->name);
    gs__text_append(out, ": ");
    append_limits(out, r);
    gs__text_append(out, "; %u products reach %.0f%% to %.0f%% of the peak. The figures are in the table Kernels.\">\n",
                    r->points, 100 * r->worst, 100 * r->best);
    append_axes(out, r);
    append_roof(out, r);
    append_points(out, report, device, r);
    gs__text_append(out, "</svg>\n</figure>\n");
    out->failed = out->failed || note.failed;
    gs__text_deinit(&note);
}

void gs__report_rooflines(const gs_report *report, gs__text *out) {
    bool begun = false;
    for (uint32_t i = 0; i < report->device_count; i++) {
        struct roof roof;
        if (!measure(report, i, &roof)) continue;
        if (!begun) {
            gs__text_append(out,
                            "<section><h2>Rooflines</h2>\n<p>A product that moves each matrix once between memory and "
                            "processor lies under the roof: the copy rate at the left, the multiply-add peak at the "
                            "right. Small ones stay in a cache and may lie above the slope.</p>\n<p class=\"key\">");
            for (uint32_t form = 0; form < 3; form++) {
                gs__text_append(out, "<span><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">");
                append_mark(out, form, 6, 6, 4.5);
                gs__text_append(out, "</path></svg>%s</span>", gs_bench_form_name((gs_bench_form)form));
            }
            gs__text_append(out, "</p>\n<div class=\"roofs\">\n");
        }
        begun = true;
        append_figure(out, report, i, &roof);
    }
    if (begun) gs__text_append(out, "</div></section>\n");
}
