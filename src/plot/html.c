// One page with everything: inline SVG, a few lines of script for the values under the pointer, no network.
#include "base/html.h"
#include "base/file.h"
#include "base/text.h"
#include "context/context.h"
#include "plot/layout.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// JSON within <script>: no "</script>" of a name may end it.
static void append_json(gs__text *out, const char *text) {
    gs__text quoted = {0};
    gs__text_append_json(&quoted, text ? text : "");
    for (const char *c = quoted.data ? quoted.data : "\"\""; *c; c++) {
        if (*c == '<') gs__text_append(out, "\\u003c");
        else gs__text_append_bytes(out, c, 1);
    }
    gs__text_deinit(&quoted);
}

static const char head[] =
    "<style>\n"
    ":root{color-scheme:light dark;--bg:#fff;--card:#fff;--ink:#1f2328;--grey:#59636e;--grid:#e3e7eb;--line:#d1d9e0;"
    "--hot:#08306b;--cold:#f1f5f9;--c0:#0072b2;--c1:#d55e00;--c2:#00855f;--c3:#b5568c;--c4:#6b5b00;--c5:#4d4d4d}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--card:#151b23;--ink:#f0f6fc;--grey:#9198a1;--grid:#2a313c;"
    "--line:#3d444d;--hot:#2a7fd4;--cold:#1c232d;--c0:#58b4f0;--c1:#f58a4b;--c2:#3fc79a;--c3:#e596c3;--c4:#d9c45a;--c5:"
    "#b8c0c8}}\n"
    "body{margin:0 auto;max-width:1380px;padding:24px;background:var(--bg);color:var(--ink);"
    "font:14px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:24px;margin:0}p{margin:4px 0 20px;color:var(--grey)}\n"
    "main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));gap:20px;align-items:start}\n"
    "figure{margin:0;padding:16px;background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "position:relative}\n"
    "figcaption{display:flex;flex-wrap:wrap;gap:4px 18px;align-items:baseline;font-size:13px}\n"
    "figcaption b{font-size:16px;font-weight:600;margin-right:auto}\n"
    "figcaption svg{width:26px;height:8px;margin-right:6px;vertical-align:middle}\n"
    "svg{display:block;width:100%;height:auto}figcaption svg{display:inline-block}\n"
    "text{font-size:12px;fill:var(--grey)}text.n{fill:var(--ink)}\n"
    "rect{fill:color-mix(in srgb,var(--hot) calc(var(--s)*100%),var(--cold))}text.hi{fill:#fff}\n"
    ".grid{stroke:var(--grid)}.axis{stroke:var(--grey)}.curve{fill:none;stroke-width:2;stroke-linejoin:round}\n"
    ".tip{position:absolute;pointer-events:none;visibility:hidden;padding:6px 10px;background:var(--card);"
    "border:1px solid var(--line);border-radius:6px;font-size:12px;white-space:nowrap;"
    "box-shadow:0 2px 8px rgba(0,0,0,.2)}\n"
    ".tip i{display:inline-block;width:8px;height:8px;border-radius:4px;margin-right:6px}\n"
    ".cursor{stroke:var(--grey);stroke-dasharray:3 3;visibility:hidden}\n"
    "img{display:block;width:100%;margin-top:10px;image-rendering:pixelated;border:8px solid #fff;border-radius:6px;"
    "box-sizing:border-box}\n"
    "</style>\n";

// --- charts ----------------------------------------------------------------------------------------------------------
static void append_axes(gs__text *out, const gs_plot_chart *chart, const gs__chart_layout *l) {
    char label[40];
    for (uint32_t i = 0; i < l->y.tick_count; i++) {
        const double y = gs__chart_y(l, l->y.ticks[i]);
        gs__text_append(out,
                        "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                        l->left, l->right, y, y, l->left - 8, y + 4,
                        gs__axis_label(&l->y, l->y.ticks[i], label, sizeof label));
    }
    for (uint32_t i = 0; i < l->x.tick_count; i++) {
        const double x = l->left + (l->x.ticks[i] - l->x.low) / (l->x.high - l->x.low) * (l->right - l->left);
        gs__text_append(out,
                        "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
                        x, x, l->bottom, l->bottom + 5, x, l->bottom + 18,
                        gs__axis_label(&l->x, l->x.ticks[i], label, sizeof label));
    }
    gs__text_append(out, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", l->left, l->right,
                    l->bottom, l->bottom);
    if (!chart->x_title) return;
    gs__text_append(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", (l->left + l->right) / 2,
                    l->bottom + 38);
    gs__html_append(out, chart->x_title);
    gs__text_append(out, "</text>\n");
}

static void append_curve(gs__text *out, const gs__chart_layout *l, const gs_plot_curve *curve, uint32_t number) {
    bool drawn = false;
    gs__text_append(out, "<path class=\"curve\" style=\"stroke:var(--c%u)\"%s d=\"", number,
                    number == 1 ? " stroke-dasharray=\"7 4\"" : "");
    for (uint32_t i = 0; i < curve->count; i++) {
        const bool finite = isfinite(curve->values[i]);
        if (finite)
            gs__text_append(out, "%s%.2f %.2f", drawn ? "L" : "M", gs__chart_x(l, i), gs__chart_y(l, curve->values[i]));
        drawn = finite;
    }
    gs__text_append(out, "\"/>\n");
    for (uint32_t i = 0; i < curve->count && curve->count <= 30; i++)
        if (isfinite(curve->values[i]))
            gs__text_append(out, "<circle r=\"2.6\" cx=\"%.2f\" cy=\"%.2f\" style=\"fill:var(--c%u)\"/>\n",
                            gs__chart_x(l, i), gs__chart_y(l, curve->values[i]), number);
}

// What the script needs: where epochs are, and the values.
static void append_data(gs__text *out, const gs_plot_chart *chart, const gs__chart_layout *l) {
    gs__text_append(out, "<script type=\"application/json\">{\"left\":%.2f,\"step\":%.6f,\"width\":%.0f,\"x\":",
                    gs__chart_x(l, 0), gs__chart_x(l, 1) - gs__chart_x(l, 0), l->width);
    append_json(out, chart->x_title ? chart->x_title : "x");
    gs__text_append(out, ",\"curves\":[");
    for (uint32_t i = 0; i < chart->curve_count; i++) {
        gs__text_append(out, "%s{\"name\":", i ? "," : "");
        append_json(out, chart->curves[i].name);
        gs__text_append(out, ",\"values\":[");
        for (uint32_t j = 0; j < chart->curves[i].count; j++)
            gs__text_append(out, isfinite(chart->curves[i].values[j]) ? "%s%.6g" : "%snull", j ? "," : "",
                            chart->curves[i].values[j]);
        gs__text_append(out, "]}");
    }
    gs__text_append(out, "]}</script>");
}

static void append_caption(gs__text *out, const gs_plot_chart *chart) {
    gs__text_append(out, "<figure class=\"chart\"><figcaption><b>");
    gs__html_append(out, chart->title);
    gs__text_append(out, "</b>");
    for (uint32_t i = 0; i < chart->curve_count; i++) {
        gs__text_append(
            out,
            "<span><svg viewBox=\"0 0 26 8\" aria-hidden=\"true\"><line x1=\"1\" x2=\"25\" y1=\"4\" y2=\"4\" "
            "stroke-width=\"3\" style=\"stroke:var(--c%u)\"%s/></svg>",
            i, i == 1 ? " stroke-dasharray=\"7 4\"" : "");
        gs__html_append(out, chart->curves[i].name);
        gs__text_append(out, "</span>");
    }
    gs__text_append(out, "</figcaption>\n");
}

static gs_status append_chart(gs__error *error, gs__text *out, const gs_plot_chart *chart) {
    gs__chart_layout l;
    gs_status status = gs__chart_lay_out(error, chart, &l);
    if (status != GS_OK) return status;
    append_caption(out, chart);
    // The caption has the place of the PNG's title.
    gs__text_append(out, "<svg viewBox=\"0 46 %.0f %.0f\" role=\"img\" aria-label=\"", l.width, l.height - 46);
    gs__html_append(out, chart->title);
    gs__text_append(out, "\">\n");
    append_axes(out, chart, &l);
    for (uint32_t i = 0; i < chart->curve_count; i++) append_curve(out, &l, &chart->curves[i], i);
    gs__text_append(out, "<line class=\"cursor\" y1=\"%.1f\" y2=\"%.1f\"/></svg><div class=\"tip\"></div>\n", l.top,
                    l.bottom);
    append_data(out, chart, &l);
    gs__text_append(out, "</figure>\n");
    return GS_OK;
}

// --- matrix and images -----------------------------------------------------------------------------------------------
static void append_cells(gs__text *out, const gs_plot_matrix *matrix, const gs__matrix_layout *l) {
    char row_name[64], column_name[64];
    const double gap = l->cell >= 16 ? 1 : 0;
    for (uint32_t row = 0; row < matrix->classes; row++)
        for (uint32_t column = 0; column < matrix->classes; column++) {
            const double share = gs__matrix_share(matrix, row, column);
            const double x = l->left + column * l->cell, y = l->top + row * l->cell;
            const uint64_t count = matrix->counts[(uint64_t)row * matrix->classes + column];
            gs__text_append(out,
                            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" style=\"--s:%.3f\"><title>", x,
                            y, l->cell - gap, l->cell - gap, share);
            gs__html_append(out, gs__matrix_name(matrix, row, row_name, sizeof row_name));
            gs__text_append(out, " taken for ");
            gs__html_append(out, gs__matrix_name(matrix, column, column_name, sizeof column_name));
            gs__text_append(out, ": %" PRIu64 " (%.1f %%)</title></rect>\n", count, share * 100);
            if (!(l->count_size > 0) || !count) continue;
            gs__text_append(out,
                            "<text class=\"%s\" pointer-events=\"none\" x=\"%.2f\" y=\"%.2f\" text-anchor=\"middle\" "
                            "style=\"font-size:%.1fpx\">%" PRIu64 "</text>\n",
                            share < 0.45 ? "n" : "hi", x + l->cell / 2, y + l->cell / 2 + l->count_size * 0.36,
                            l->count_size, count);
        }
}

static gs_status append_matrix(gs__error *error, gs__text *out, const gs_plot_matrix *matrix) {
    gs__matrix_layout l;
    char name[64];
    gs_status status = gs__matrix_lay_out(error, matrix, &l);
    if (status != GS_OK) return status;
    const double side = l.cell * matrix->classes;
    gs__text_append(out, "<figure><figcaption><b>");
    gs__html_append(out, matrix->title);
    gs__text_append(out, "</b></figcaption>\n<svg viewBox=\"0 34 %.0f %.0f\" style=\"max-width:%.0fpx;margin:auto\">\n",
                    l.width, l.height - 34, l.width);
    append_cells(out, matrix, &l);
    for (uint32_t i = 0; i < matrix->classes && l.names; i++) {
        const double middle = (i + 0.5) * l.cell + l.label_size * 0.35, x = l.left + middle, y = l.top + side + 8;
        gs__text_append(out, "<text class=\"n\" style=\"font-size:%.1fpx\" text-anchor=\"end\" x=\"%.2f\" y=\"%.2f\">",
                        l.label_size, l.left - 8, l.top + middle);
        gs__html_append(out, gs__matrix_name(matrix, i, name, sizeof name));
        gs__text_append(out,
                        "</text><text class=\"n\" style=\"font-size:%.1fpx\" text-anchor=\"end\" "
                        "transform=\"translate(%.2f %.2f) rotate(-90)\">",
                        l.label_size, x, y);
        gs__html_append(out, gs__matrix_name(matrix, i, name, sizeof name));
        gs__text_append(out, "</text>\n");
    }
    gs__text_append(out,
                    "<text text-anchor=\"middle\" transform=\"translate(28 %.2f) rotate(-90)\">true class</text>\n"
                    "<text text-anchor=\"middle\" x=\"%.2f\" y=\"%.2f\">predicted class</text>\n</svg></figure>\n",
                    l.top + side / 2, l.left + side / 2, l.height - 14);
    return GS_OK;
}

static void append_base64(gs__text *out, const unsigned char *data, size_t bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        const uint32_t left = (uint32_t)(bytes - i);
        const uint32_t word = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                              (left > 2 ? (uint32_t)data[i + 2] : 0);
        const char four[] = {digits[word >> 18], digits[word >> 12 & 63], left > 1 ? digits[word >> 6 & 63] : '=',
                             left > 2 ? digits[word & 63] : '='};
        gs__text_append_bytes(out, four, 4);
    }
}

static gs_status append_images(gs__error *error, gs__text *out, const gs_plot_images *images) {
    gs_status status = GS_OK;
    gs__canvas *canvas = NULL;
    void *png = NULL;
    size_t bytes = 0;
    GS_TRY(gs__images_draw(error, images, false, &canvas));
    GS_TRY(gs__canvas_png(canvas, &png, &bytes));
    gs__text_append(out, "<figure><figcaption><b>");
    gs__html_append(out, images->title);
    gs__text_append(out, "</b></figcaption>\n<img alt=\"");
    gs__html_append(out, images->title);
    gs__text_append(out, "\" src=\"data:image/png;base64,");
    append_base64(out, png, bytes);
    gs__text_append(out, "\"></figure>\n");
fail:
    free(png);
    gs__canvas_destroy(canvas);
    return status;
}

// --- the page --------------------------------------------------------------------------------------------------------
static const char script[] =
    "<script>\n"
    "for (const figure of document.querySelectorAll('.chart')) {\n"
    "  const data = JSON.parse(figure.querySelector('script').textContent);\n"
    "  const svg = figure.querySelector(':scope > svg'), tip = figure.querySelector('.tip');\n"
    "  const cursor = figure.querySelector('.cursor'), count = Math.max(...data.curves.map(c => c.values.length));\n"
    "  const hide = () => { tip.style.visibility = cursor.style.visibility = 'hidden' };\n"
    "  svg.addEventListener('pointerleave', hide);\n"
    "  svg.addEventListener('pointermove', event => {\n"
    "    const box = svg.getBoundingClientRect(), scale = box.width / data.width;\n"
    "    const i = Math.round(((event.clientX - box.left) / scale - data.left) / data.step);\n"
    "    if (i < 0 || i >= count) return hide();\n"
    "    const x = data.left + i * data.step;\n"
    "    cursor.setAttribute('x1', x), cursor.setAttribute('x2', x);\n"
    "    tip.replaceChildren(`${data.x} ${i + 1}`, ...data.curves.map((curve, n) => {\n"
    "      const line = document.createElement('div'), dot = document.createElement('i');\n"
    "      dot.style.background = `var(--c${n})`;\n"
    "      line.append(dot, `${curve.name} ${curve.values[i] ?? '–'}`);\n"
    "      return line;\n"
    "    }));\n"
    "    const frame = figure.clientWidth;\n"
    "    const left = box.left - figure.getBoundingClientRect().left + x * scale;\n"
    "    tip.style.left = left + tip.offsetWidth + 24 > frame ? `${left - tip.offsetWidth - 12}px` : `${left + "
    "12}px`;\n"
    "    tip.style.top = `${event.clientY - figure.getBoundingClientRect().top + 12}px`;\n"
    "    tip.style.visibility = cursor.style.visibility = 'visible';\n"
    "  });\n"
    "}\n"
    "</script>\n";

static gs_status append_page(gs__error *error, gs__text *out, const gs_plot_report *report) {
    gs_status status = GS_OK;
    gs__text_append(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    gs__html_append(out, report->title);
    gs__text_append(out, "</title>\n");
    gs__text_append_bytes(out, head, sizeof head - 1);
    gs__text_append(out, "</head><body>\n<h1>");
    gs__html_append(out, report->title);
    gs__text_append(out, "</h1>\n<p>");
    gs__html_append(out, report->subtitle);
    gs__text_append(out, "</p>\n<main>\n");
    for (uint32_t i = 0; i < report->chart_count; i++) GS_TRY(append_chart(error, out, &report->charts[i]));
    if (report->matrix) GS_TRY(append_matrix(error, out, report->matrix));
    if (report->images) GS_TRY(append_images(error, out, report->images));
    gs__text_append(out, "</main>\n");
    gs__text_append_bytes(out, script, sizeof script - 1);
    gs__text_append(out, "</body></html>\n");
    GS_TRY(gs__text_check(error, out));
fail:
    return status;
}

gs_status gs_plot_html(gs_context *context, const gs_plot_report *report, const char *path) {
    if (!context || !report || !path) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs__text out = {0};
    gs_status status = append_page(error, &out, report);
    if (status == GS_OK) status = gs__picture_write(error, path, out.data, out.length);
    gs__text_deinit(&out);
    return status;
}
