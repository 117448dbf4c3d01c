// The page: tables that can be read without style or script, bars and shades behind their figures, a filter where there
// is script, no network.
#include "base/html.h"
#include "report/report.h"

#include <math.h>
#include <string.h>

// --- pieces ----------------------------------------------------------------------------------------------------------
static void append_number(gs__text *out, double value) {
    char number[GS__REPORT_NUMBER_BYTES];
    gs__text_append(out, "%s", gs__report_number(value, number));
}

static void append_label(gs__text *out, const gs__report_value *value) {
    char label[GS__REPORT_LABEL_BYTES];
    gs__html_append(out, gs__report_label(value, label));
}

// <TAG data-g="0" ...>: the filter shows and hides what belongs to a device.
static void append_device_head(gs__text *out, const gs_report *report, uint32_t device, const char *scope) {
    gs__text note = {0};
    gs__text_append(out, "<th scope=\"%s\" data-g=\"%u\">", scope, device);
    gs__html_append(out, report->devices[device].newest->name);
    gs__report_device_note(report->devices[device].newest, &note);
    gs__text_append(out, "<small>");
    gs__html_append(out, note.data);
    gs__text_append(out, "</small></th>");
    out->failed = out->failed || note.failed;
    gs__text_deinit(&note);
}

// A table in a frame that scrolls sideways; reachable by keyboard.
static void begin_table(gs__text *out, const char *caption, const char *classes) {
    gs__text_append(out,
                    "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\"><table class=\"%s\">"
                    "<caption><span>%s</span></caption>\n<thead><tr>",
                    caption, classes, caption);
}

static void end_table(gs__text *out) {
    gs__text_append(out, "</tbody></table></div>\n");
}

static void append_bytes(gs__text *out, uint64_t bytes) {
    if (bytes >= UINT64_C(1) << 30) gs__text_append(out, "%.1f GiB", (double)bytes / 0x1p30);
    else gs__text_append(out, "%.0f MiB", (double)bytes / 0x1p20);
}

// --- sections --------------------------------------------------------------------------------------------------------
static void append_peak(gs__text *out, const gs_report *report, gs_bench_kind kind, uint32_t device) {
    const uint32_t row = gs__report_find_row(report, gs_bench_kind_name(kind), "");
    const double median = gs__report_median(report, row, device);
    gs__text_append(out, "<td class=\"n\">");
    if (median > 0) append_number(out, median);
    else gs__text_append(out, "<span class=\"none\">–</span>");
    gs__text_append(out, "</td>");
}

static void append_attribute(gs__text *out, const char *name, const char *value) {
    gs__text_append(out, " data-%s=\"", name);
    gs__html_append(out, value);
    gs__text_append(out, "\"");
}

static void append_overview(gs__text *out, const gs_report *report) {
    static const gs_bench_kind peaks[] = {GS_BENCH_FMA, GS_BENCH_COPY_KERNEL, GS_BENCH_COPY_COMMAND, GS_BENCH_DISPATCH,
                                          GS_BENCH_SUBMIT};
    gs__text_append(out, "<section><h2>Devices</h2>\n");
    begin_table(out, "What each device can do at the most, as measured", "devices");
    gs__text_append(out, "<th scope=\"col\">Device</th><th scope=\"col\">Vendor</th><th scope=\"col\">Kind</th>"
                         "<th scope=\"col\">Vulkan</th><th scope=\"col\" class=\"n\">Memory</th>"
                         "<th scope=\"col\" class=\"n\">float32 multiply-adds<small>GFLOP/s</small></th>"
                         "<th scope=\"col\" class=\"n\">Copy by a kernel<small>GB/s</small></th>"
                         "<th scope=\"col\" class=\"n\">Copy by a command<small>GB/s</small></th>"
                         "<th scope=\"col\" class=\"n\">Dispatch with barrier<small>µs</small></th>"
                         "<th scope=\"col\" class=\"n\">Submit and wait<small>µs</small></th></tr></thead>\n<tbody>");
    for (uint32_t i = 0; i < report->device_count; i++) {
        const gs__report_run *run = report->devices[i].newest;
        gs__text_append(out, "<tr class=\"device\" data-g=\"%u\"", i);
        append_attribute(out, "vendor", run->vendor);
        append_attribute(out, "name", run->name);
        append_attribute(out, "driver", run->driver);
        gs__text_append(out, ">");
        append_device_head(out, report, i, "row");
        gs__text_append(out, "<td>");
        gs__html_append(out, run->vendor);
        gs__text_append(out, "</td><td>");
        gs__html_append(out, run->type);
        gs__text_append(out, "</td><td>");
        gs__html_append(out, run->api_version);
        gs__text_append(out, "</td><td class=\"n\">");
        append_bytes(out, run->memory_bytes);
        gs__text_append(out, "</td>");
        for (size_t j = 0; j < sizeof peaks / sizeof peaks[0]; j++) append_peak(out, report, peaks[j], i);
        gs__text_append(out, "</tr>\n");
    }
    end_table(out);
    gs__text_append(out, "</section>\n");
}

static bool is_training(const gs__report_value *value) {
    return strcmp(value->kind, gs_bench_kind_name(GS_BENCH_TRAINING)) == 0;
}

static bool has_row(const gs_report *report, bool (*wanted)(const gs__report_value *)) {
    for (uint32_t i = 0; i < report->row_count; i++)
        if (wanted(report->rows[i])) return true;
    return false;
}

static double highest(const gs_report *report, uint32_t row) {
    double most = 0;
    for (uint32_t i = 0; i < report->device_count; i++) most = fmax(most, gs__report_median(report, row, i));
    return most;
}

static void append_skipped(gs__text *out, const gs__report_cell *cell) {
    gs__text_append(out, "<td class=\"n\"><span class=\"none\"");
    if (cell->skipped) {
        gs__text_append(out, " title=\"");
        gs__html_append(out, cell->skipped->detail);
        gs__text_append(out, "\">skipped");
    } else gs__text_append(out, ">–");
    gs__text_append(out, "</span></td>");
}

static void append_bar(gs__text *out, const gs_report *report, uint32_t row, uint32_t device) {
    const gs__report_cell *cell = gs__report_cell_at(report, row, device);
    if (!cell->now) {
        append_skipped(out, cell);
        return;
    }
    gs__text_append(out, "<td class=\"n bar\"><b>");
    append_number(out, cell->now->median);
    gs__text_append(out, "</b><span class=\"track\" aria-hidden=\"true\"><i style=\"width:%.1f%%\"></i></span><small>",
                    100 * cell->now->median / highest(report, row));
    append_number(out, cell->now->low);
    gs__text_append(out, " to ");
    append_number(out, cell->now->high);
    gs__text_append(out, "</small></td>");
}

static void append_training(gs__text *out, const gs_report *report) {
    if (!has_row(report, is_training)) return;
    gs__text_append(out, "<section><h2>Training</h2>\n<p>Samples a second, more is better: the median, with the lowest "
                         "and the highest below. Bars are relative to the quickest device of their column.</p>\n");
    begin_table(out, "Training, samples a second", "bars");
    gs__text_append(out, "<th scope=\"col\">Device</th>");
    for (uint32_t i = 0; i < report->row_count; i++) {
        if (!is_training(report->rows[i])) continue;
        gs__text_append(out, "<th scope=\"col\" class=\"n\">");
        gs__html_append(out, report->rows[i]->name);
        gs__text_append(out, "<small>batch %u</small></th>", report->rows[i]->batch);
    }
    gs__text_append(out, "</tr></thead>\n<tbody>");
    for (uint32_t device = 0; device < report->device_count; device++) {
        gs__text_append(out, "<tr data-g=\"%u\">", device);
        append_device_head(out, report, device, "row");
        for (uint32_t i = 0; i < report->row_count; i++)
            if (is_training(report->rows[i])) append_bar(out, report, i, device);
        gs__text_append(out, "</tr>\n");
    }
    end_table(out);
    gs__text_append(out, "</section>\n");
}

static bool row_has_share(const gs_report *report, uint32_t row) {
    for (uint32_t i = 0; i < report->device_count; i++) {
        const gs__report_value *now = gs__report_cell_at(report, row, i)->now;
        if (now && now->share >= 0) return true;
    }
    return false;
}

static void append_heat(gs__text *out, const gs_report *report) {
    bool any = false;
    for (uint32_t i = 0; i < report->row_count && !any; i++) any = row_has_share(report, i);
    if (!any) return;
    gs__text_append(out,
                    "<section><h2>Kernels</h2>\n<p>Share of the multiply-add peak that was measured in turn with each, "
                    "and GFLOP/s. Products are C (m, n) = A (m, k) B (k, n), as m×n×k: A B is a layer's forward "
                    "pass, A Bt and At B are its gradients. Strong shades are near the peak.</p>\n");
    begin_table(out, "Kernels, percent of the measured peak", "heat");
    gs__text_append(out, "<th scope=\"col\">Kernel</th>");
    for (uint32_t i = 0; i < report->device_count; i++) append_device_head(out, report, i, "col");
    gs__text_append(out, "</tr></thead>\n<tbody>");
    for (uint32_t row = 0; row < report->row_count; row++) {
        if (!row_has_share(report, row)) continue;
        gs__text_append(out, "<tr><th scope=\"row\">");
        append_label(out, report->rows[row]);
        gs__text_append(out, "</th>");
        for (uint32_t i = 0; i < report->device_count; i++) {
            const gs__report_cell *cell = gs__report_cell_at(report, row, i);
            const gs__report_value *now = cell->now;
            if (!now || now->share < 0) {
                gs__text_append(out, "<td class=\"n\" data-g=\"%u\"><span class=\"none\"%s</span></td>", i,
                                cell->skipped
                                    ? " title=\"would have taken too long, or the device lacks something\">skipped"
                                    : ">–");
                continue;
            }
            // The text turns white where the shade has become dark.
            const double shade = fmin(now->share, 1);
            gs__text_append(out, "<td class=\"n shade%s\" data-g=\"%u\" style=\"--s:%.3f\"><b>%.1f%%</b> <small>",
                            shade > 0.64 ? " hi" : "", i, shade, 100 * now->share);
            append_number(out, now->median);
            gs__text_append(out, "</small>%s</td>", now->wrong ? " <em>wrong</em>" : "");
        }
        gs__text_append(out, "</tr>\n");
    }
    end_table(out);
    gs__text_append(out, "</section>\n");
}

// --- what changed ----------------------------------------------------------------------------------------------------
static void append_change(gs__text *out, const gs__report_cell *cell) {
    char percent[GS__REPORT_NUMBER_BYTES];
    const gs__report_verdict verdict = gs__report_compare(cell);
    const gs__report_value *pair[] = {cell->before, cell->now};
    gs__text_append(out, "<tr><th scope=\"row\">");
    append_label(out, cell->now);
    gs__text_append(out, "</th><td>");
    gs__html_append(out, gs__report_unit(cell->now));
    gs__text_append(out, "</td>");
    for (int i = 0; i < 2; i++) {
        gs__text_append(out, "<td class=\"n\">");
        append_number(out, pair[i]->median);
        gs__text_append(out, "<small>");
        append_number(out, pair[i]->low);
        gs__text_append(out, " to ");
        append_number(out, pair[i]->high);
        gs__text_append(out, "</small></td>");
    }
    static const char *const classes[] = {"", "", "", " class=\"better\"", " class=\"worse\""};
    static const char *const signs[] = {"", "", "", "✓ ", "✗ "};
    gs__text_append(out, "<td class=\"n\">%s</td><td%s>%s%s</td></tr>\n",
                    gs__report_percent(gs__report_change(cell), percent), classes[verdict], signs[verdict],
                    gs__report_verdict_text(verdict));
}

static uint32_t append_changes_of(gs__text *out, const gs_report *report, uint32_t device, bool marked) {
    uint32_t count = 0;
    for (int pass = GS__REPORT_WORSE; pass >= GS__REPORT_UNKNOWN; pass--)
        for (uint32_t row = 0; row < report->row_count; row++) {
            const gs__report_cell *cell = gs__report_cell_at(report, row, device);
            const gs__report_verdict verdict = gs__report_compare(cell);
            if ((int)verdict != pass || (verdict >= GS__REPORT_BETTER) != marked) continue;
            count++;
            if (out) append_change(out, cell);
        }
    return count;
}

static void append_change_table(gs__text *out, const gs_report *report, uint32_t device, bool marked) {
    begin_table(out, marked ? "Beyond the noise" : "Within the noise", "changes");
    gs__text_append(out,
                    "<th scope=\"col\">Value</th><th scope=\"col\">Unit</th><th scope=\"col\" class=\"n\">Before</th>"
                    "<th scope=\"col\" class=\"n\">Now</th><th scope=\"col\" class=\"n\">Change</th>"
                    "<th scope=\"col\">Verdict</th></tr></thead>\n<tbody>");
    append_changes_of(out, report, device, marked);
    end_table(out);
}

static void append_changes(gs__text *out, const gs_report *report) {
    gs__text_append(out, "<section><h2>Changes</h2>\n<p>The newest result of a device against the one before. A change "
                         "counts where each median lies outside the lowest and the highest of the other.</p>\n");
    bool any = false;
    for (uint32_t i = 0; i < report->device_count; i++) {
        const uint32_t marked = append_changes_of(NULL, report, i, true);
        const uint32_t others = append_changes_of(NULL, report, i, false);
        if (marked + others == 0) continue;
        any = true;
        gs__text_append(out, "<div data-g=\"%u\"><h3>", i);
        gs__html_append(out, report->devices[i].newest->name);
        gs__text_append(out, "</h3>\n");
        if (marked) append_change_table(out, report, i, true);
        else gs__text_append(out, "<p>No change beyond the noise.</p>\n");
        if (others) {
            gs__text_append(out, "<details><summary>%u value%s without a change beyond the noise</summary>\n", others,
                            others > 1 ? "s" : "");
            append_change_table(out, report, i, false);
            gs__text_append(out, "</details>\n");
        }
        gs__text_append(out, "</div>\n");
    }
    if (!any) gs__text_append(out, "<p>No value of a device was measured twice.</p>\n");
    gs__text_append(out, "</section>\n");
}

// --- numeric conformance, files --------------------------------------------------------------------------------------
static void append_conformance(gs__text *out, const gs_report *report) {
    gs__text_append(out, "<section><h2>Numeric conformance</h2>\n<p>Elements of results that were compared with double "
                         "precision. On a device with wrong ones, speed means nothing: do not train on it.</p>\n");
    begin_table(out, "Elements compared and wrong", "checks");
    gs__text_append(out, "<th scope=\"col\">Device</th><th scope=\"col\" class=\"n\">Checked</th>"
                         "<th scope=\"col\" class=\"n\">Wrong</th><th scope=\"col\">Where</th></tr></thead>\n<tbody>");
    for (uint32_t i = 0; i < report->device_count; i++) {
        uint64_t checked = 0, wrong = 0;
        gs__text where = {0};
        for (uint32_t row = 0; row < report->row_count; row++) {
            const gs__report_value *now = gs__report_cell_at(report, row, i)->now;
            if (!now) continue;
            checked += now->checked;
            wrong += now->wrong;
            if (!now->wrong) continue;
            gs__text_append(&where, "%s", where.length ? "; " : "");
            append_label(&where, now);
            gs__text_append(&where, " (%llu of %llu)", (unsigned long long)now->wrong,
                            (unsigned long long)now->checked);
        }
        gs__text_append(out, "<tr data-g=\"%u\">", i);
        append_device_head(out, report, i, "row");
        gs__text_append(out, "<td class=\"n\">%llu</td><td class=\"n%s\">%llu</td><td>%s</td></tr>\n",
                        (unsigned long long)checked, wrong ? " worse" : "", (unsigned long long)wrong,
                        wrong     ? where.data
                        : checked ? "nowhere"
                                  : "nothing was checked");
        out->failed = out->failed || where.failed;
        gs__text_deinit(&where);
    }
    end_table(out);
    gs__text_append(out, "</section>\n");
}

static void append_files(gs__text *out, const gs_report *report) {
    gs__text_append(out, "<section><h2>Files</h2>\n");
    begin_table(out, "Where the figures come from, the newest first", "files");
    gs__text_append(out,
                    "<th scope=\"col\">File</th><th scope=\"col\">Device</th><th scope=\"col\">Date (UTC)</th>"
                    "<th scope=\"col\">gradsmith</th><th scope=\"col\">System</th><th scope=\"col\" class=\"n\">Load "
                    "before</th><th scope=\"col\">Repeats</th></tr></thead>\n<tbody>");
    for (uint32_t i = report->run_count; i-- > 0;) {
        const gs__report_run *run = report->runs[i];
        gs__text_append(out, "<tr data-g=\"%u\"><th scope=\"row\">", run->device);
        gs__html_append(out, run->file);
        gs__text_append(out, "</th><td>");
        gs__html_append(out, run->name);
        gs__text_append(out, "</td><td>%.10s %.5s</td><td>", run->date, run->date + 11);
        gs__html_append(out, run->gradsmith);
        gs__text_append(out, "</td><td>");
        gs__html_append(out, run->system);
        gs__text_append(out, "</td><td class=\"n\">");
        if (run->load >= 0) gs__text_append(out, "%.2f", run->load);
        else gs__text_append(out, "–");
        gs__text_append(out, "</td><td>%s</td></tr>\n", run->quick ? "quick" : "all");
    }
    end_table(out);
    gs__text_append(out, "</section>\n");
}

// --- the page --------------------------------------------------------------------------------------------------------
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline';"
    "script-src 'unsafe-inline'\">\n"
    "<title>gradsmith benchmarks</title>\n<style>\n"
    ":root{color-scheme:light "
    "dark;--bg:#fff;--ink:#1f2328;--grey:#59636e;--grid:#e3e7eb;--line:#d1d9e0;--stripe:#f6f8fa;"
    "--hot:#08306b;--cold:#f1f5f9;--c0:#0072b2;--c1:#d55e00;--c2:#00855f;--good:#0a6c3d;--bad:#b3261e;--low:#000}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--ink:#f0f6fc;--grey:#9198a1;--grid:#2a313c;--line:#3d444d;"
    "--stripe:#151b23;--hot:#1f6fbf;--cold:#1c232d;--c0:#58b4f0;--c1:#f58a4b;--c2:#3fc79a;--good:#5fd39a;--bad:#ff8a80;"
    "--low:#fff}"
    "}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:1380px;padding:24px;background:var(--bg);color:var(--ink);"
    "font:14px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:24px;margin:0}h2{font-size:18px;margin:36px 0 4px}h3{font-size:15px;margin:20px 0 4px}\n"
    "p{margin:4px 0 12px;color:var(--grey);max-width:90ch}.lead b{color:var(--ink)}.lead .worse{color:var(--bad)}\n"
    "small{display:block;font-size:12px;font-weight:400;color:var(--grey)}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;padding:8px 12px;font-weight:600}"
    "caption span{display:inline-block;position:sticky;left:12px;max-width:calc(100vw - 74px)}\n"
    "th,td{padding:7px 12px;text-align:left;vertical-align:top;border-top:1px solid var(--grid)}\n"
    "th{font-weight:600}thead th{vertical-align:bottom;background:var(--stripe)}tbody th small{max-width:44ch}\n"
    ".n{text-align:right;white-space:nowrap}thead .n{white-space:normal}.none{color:var(--grey)}\n"
    ".bar b,.bar small{display:block}.bars td.n{min-width:120px}\n"
    ".track{display:block;height:8px;margin:3px 0;border-radius:4px;background:var(--grid)}\n"
    ".track i{display:block;height:100%;min-width:2px;border-radius:4px;background:var(--c0)}\n"
    ".heat tbody th{font-weight:400;white-space:nowrap}.heat thead th{min-width:150px}.heat thead "
    "th+th{text-align:right}\n"
    ".heat td{border-left:1px solid var(--bg);border-top:1px solid var(--bg);padding:4px 12px}\n"
    ".heat td small{display:inline-block;min-width:6ch;color:inherit}\n"
    ".shade{background:color-mix(in srgb,var(--hot) calc(var(--s)*100%),var(--cold));color:var(--low)}.hi{color:#fff}"
    ".heat em{display:block;font-weight:700}\n"
    ".worse{color:var(--bad);font-weight:600}.better{color:var(--good);font-weight:600}\n"
    ".files th,.changes tbody th{font-weight:400}.files th{overflow-wrap:anywhere}\n"
    "form{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:end;margin:16px 0}form[hidden]{display:none}\n"
    "label{display:grid;font-size:12px;color:var(--grey)}\n"
    "select,button{font:inherit;color:var(--ink);background:var(--bg);border:1px solid var(--line);border-radius:6px;"
    "padding:5px 8px;max-width:100%}\n"
    ":focus-visible{outline:2px solid var(--c0);outline-offset:2px}\n"
    "details{margin:8px 0}summary{cursor:pointer;padding:4px 0}\n"
    ".roofs{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));gap:20px}\n"
    "figure{margin:0;padding:16px;max-width:760px;border:1px solid "
    "var(--line);border-radius:8px}figcaption{font-weight:600}\n"
    "svg{display:block;width:100%;height:auto}text{font-size:12px;fill:var(--grey)}text.n{fill:var(--ink);paint-order:"
    "stroke;stroke:var(--bg);stroke-width:4px}\n"
    ".grid{stroke:var(--grid)}.axis{stroke:var(--grey)}.roof{fill:none;stroke:var(--ink);stroke-width:2}\n"
    ".f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.point{stroke:var(--bg);stroke-width:.7}\n"
    ".key{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:12px;color:var(--grey)}\n"
    ".key svg{display:inline-block;width:12px;height:12px;margin-right:5px;vertical-align:-1px}\n"
    "@media(max-width:640px){body{padding:16px}text{font-size:19px}.heat tbody th{white-space:normal}}\n"
    "[hidden]{display:none!important}\n";

static const char print_style[] =
    "@media print{:root{color-scheme:light;--bg:#fff;--ink:#000;--grey:#444;--grid:#ddd;--line:#bbb;--stripe:#f3f3f3;"
    "--hot:#08306b;--cold:#f1f5f9;--c0:#0072b2;--c1:#d55e00;--c2:#00855f;--good:#0a6c3d;--bad:#b3261e;--low:#000}"
    "@page{size:A4 "
    "landscape;margin:12mm}body{padding:0;max-width:none;font-size:10px}small{font-size:9px}text{font-size:15px}form{"
    "display:none}"
    ".scroll{overflow:visible;border-radius:0}th,td{padding:3px 6px}"
    ".roofs{grid-template-columns:1fr 1fr;gap:10px}.heat td,.heat tbody th{padding:2px 6px}"
    "tr,figure{break-inside:avoid}h2,h3,caption{break-after:avoid}"
    ".track,.track i,.shade,thead th{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n"
    "</style></head><body>\n<h1>gradsmith benchmarks</h1>\n";

static const char script[] =
    "<script>\n"
    "const rows = [...document.querySelectorAll('tr.device')], form = document.querySelector('form');\n"
    "const keys = ['vendor', 'name', 'driver'], selects = keys.map(key => form.elements[key]);\n"
    "keys.forEach((key, i) => {\n"
    "  for (const value of [...new Set(rows.map(row => row.dataset[key]))].sort()) selects[i].add(new Option(value));\n"
    "});\n"
    "const apply = () => {\n"
    "  const shown = rows.map(row => keys.every((key, i) => !selects[i].selectedIndex || row.dataset[key] === "
    "selects[i].value));\n"
    "  for (const part of document.querySelectorAll('[data-g]')) part.hidden = !shown[part.dataset.g];\n"
    "  form.querySelector('output').value = `${shown.filter(Boolean).length} of ${rows.length} shown`;\n"
    "};\n"
    "form.addEventListener('change', apply);\n"
    "form.addEventListener('reset', () => setTimeout(apply));\n"
    "form.hidden = rows.length < 2;\n"
    "apply();\n"
    "</script>\n";

static void append_lead(gs__text *out, const gs_report *report) {
    const gs_report_info info = gs__report_count(report);
    const char *first = report->runs[0]->date, *last = report->runs[report->run_count - 1]->date;
    gs__text_append(out, "<p class=\"lead\">%u result file%s of %u device%s, %.10s", info.files,
                    info.files == 1 ? "" : "s", info.devices, info.devices == 1 ? "" : "s", first);
    if (strncmp(first, last, 10) != 0) gs__text_append(out, " to %.10s", last);
    gs__text_append(out, ". Of %llu elements checked, <b%s>%llu wrong</b>.", (unsigned long long)info.checked,
                    info.wrong ? " class=\"worse\"" : "", (unsigned long long)info.wrong);
    if (info.compared)
        gs__text_append(out, " Of %u values measured again, <b%s>%u regression%s</b> and <b>%u improvement%s</b>.",
                        info.compared, info.regressions ? " class=\"worse\"" : "", info.regressions,
                        info.regressions == 1 ? "" : "s", info.improvements, info.improvements == 1 ? "" : "s");
    gs__text_append(out, "</p>\n");
}

void gs__report_html(const gs_report *report, gs__text *out) {
    gs__text_append_bytes(out, head, sizeof head - 1);
    gs__text_append_bytes(out, print_style, sizeof print_style - 1);
    append_lead(out, report);
    gs__text_append(out, "<form hidden aria-label=\"Filter\">\n"
                         "<label>Vendor<select name=\"vendor\"><option>all</option></select></label>\n"
                         "<label>Device<select name=\"name\"><option>all</option></select></label>\n"
                         "<label>Driver<select name=\"driver\"><option>all</option></select></label>\n"
                         "<button type=\"reset\">Show all</button><output></output></form>\n<main>\n");
    append_overview(out, report);
    append_training(out, report);
    append_heat(out, report);
    gs__report_rooflines(report, out);
    append_changes(out, report);
    append_conformance(out, report);
    append_files(out, report);
    gs__text_append(out, "</main>\n");
    gs__text_append_bytes(out, script, sizeof script - 1);
    gs__text_append(out, "</body></html>\n");
}
