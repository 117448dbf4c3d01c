// The report as Markdown and as CSV.
#include "report/report.h"

#include <string.h>

// --- Markdown --------------------------------------------------------------------------------------------------------
// Text of a cell: nothing in it is markup, ends the cell or the row.
static void append_cell(gs__text *out, const char *text) {
    for (; text && *text; text++) {
        if (*text == '<') gs__text_append(out, "&lt;");
        else if (*text == '&') gs__text_append(out, "&amp;");
        else if (strchr("\\`*_[]|~", *text)) gs__text_append(out, "\\%c", *text);
        else gs__text_append_bytes(out, (unsigned char)*text < 0x20 || *text == 0x7F ? " " : text, 1);
    }
}

static void append_device(gs__text *out, const gs_report *report, uint32_t device) {
    gs__text note = {0};
    append_cell(out, report->devices[device].newest->name);
    gs__report_device_note(report->devices[device].newest, &note);
    gs__text_append(out, " (");
    append_cell(out, note.data);
    gs__text_append(out, ")");
    out->failed = out->failed || note.failed;
    gs__text_deinit(&note);
}

static void append_label(gs__text *out, const gs__report_value *value) {
    char label[GS__REPORT_LABEL_BYTES];
    append_cell(out, gs__report_label(value, label));
}

static void append_spread(gs__text *out, const gs__report_value *v) {
    char median[GS__REPORT_NUMBER_BYTES], low[GS__REPORT_NUMBER_BYTES], high[GS__REPORT_NUMBER_BYTES];
    gs__text_append(out, "%s (%s to %s)", gs__report_number(v->median, median), gs__report_number(v->low, low),
                    gs__report_number(v->high, high));
}

// Rows of values, columns of devices.
static void append_values(gs__text *out, const gs_report *report) {
    gs__text_append(out, "\n## Values\n\nMedian (lowest to highest) of the newest result; products with their share of "
                         "the peak.\n\n| value | unit |");
    for (uint32_t i = 0; i < report->device_count; i++) {
        gs__text_append(out, " ");
        append_device(out, report, i);
        gs__text_append(out, " |");
    }
    gs__text_append(out, "\n| --- | --- |");
    for (uint32_t i = 0; i < report->device_count; i++) gs__text_append(out, " ---: |");
    for (uint32_t row = 0; row < report->row_count; row++) {
        const char *unit = "";
        for (uint32_t i = 0; i < report->device_count; i++)
            if (gs__report_cell_at(report, row, i)->now)
                unit = gs__report_unit(gs__report_cell_at(report, row, i)->now);
        gs__text_append(out, "\n| ");
        append_label(out, report->rows[row]);
        gs__text_append(out, " | ");
        append_cell(out, unit);
        gs__text_append(out, " |");
        for (uint32_t i = 0; i < report->device_count; i++) {
            const gs__report_cell *cell = gs__report_cell_at(report, row, i);
            gs__text_append(out, " ");
            if (cell->now) append_spread(out, cell->now);
            else gs__text_append(out, cell->skipped ? "skipped" : "-");
            if (cell->now && cell->now->share >= 0) gs__text_append(out, ", %.1f%%", 100 * cell->now->share);
            if (cell->now && cell->now->wrong)
                gs__text_append(out, ", **%llu of %llu wrong**", (unsigned long long)cell->now->wrong,
                                (unsigned long long)cell->now->checked);
            gs__text_append(out, " |");
        }
    }
    gs__text_append(out, "\n");
}

static void append_changes(gs__text *out, const gs_report *report) {
    if (gs__report_count(report).compared == 0) return;
    gs__text_append(out, "\n## Changes\n\nThe newest result against the one before; a change counts where each median "
                         "lies outside the lowest and the highest of the other.\n\n"
                         "| device | value | unit | before | now | change | |\n"
                         "| --- | --- | --- | ---: | ---: | ---: | --- |\n");
    for (uint32_t i = 0; i < report->device_count; i++)
        for (uint32_t row = 0; row < report->row_count; row++) {
            char percent[GS__REPORT_NUMBER_BYTES];
            const gs__report_cell *cell = gs__report_cell_at(report, row, i);
            const gs__report_verdict verdict = gs__report_compare(cell);
            if (verdict == GS__REPORT_ALONE) continue;
            gs__text_append(out, "| ");
            append_device(out, report, i);
            gs__text_append(out, " | ");
            append_label(out, cell->now);
            gs__text_append(out, " | ");
            append_cell(out, gs__report_unit(cell->now));
            gs__text_append(out, " | ");
            append_spread(out, cell->before);
            gs__text_append(out, " | ");
            append_spread(out, cell->now);
            const char *strong = verdict == GS__REPORT_WORSE ? "**" : "";
            gs__text_append(out, " | %s | %s%s%s |\n", gs__report_percent(gs__report_change(cell), percent), strong,
                            gs__report_verdict_text(verdict), strong);
        }
}

void gs__report_markdown(const gs_report *report, gs__text *out) {
    const gs_report_info info = gs__report_count(report);
    gs__text_append(out,
                    "# gradsmith benchmarks\n\n%u file(s), %u device(s). Elements checked: %llu, wrong: %llu. Values "
                    "measured again: %u, regressions: %u, improvements: %u.\n",
                    info.files, info.devices, (unsigned long long)info.checked, (unsigned long long)info.wrong,
                    info.compared, info.regressions, info.improvements);
    append_values(out, report);
    append_changes(out, report);
    gs__text_append(out, "\n## Files\n\n| file | device | date (UTC) | gradsmith | system | load before | repeats |\n"
                         "| --- | --- | --- | --- | --- | ---: | --- |\n");
    for (uint32_t i = report->run_count; i-- > 0;) {
        const gs__report_run *run = report->runs[i];
        gs__text_append(out, "| ");
        append_cell(out, run->file);
        gs__text_append(out, " | ");
        append_device(out, report, run->device);
        gs__text_append(out, " | %.10s %.5s | ", run->date, run->date + 11);
        append_cell(out, run->gradsmith);
        gs__text_append(out, " | ");
        append_cell(out, run->system);
        if (run->load >= 0) gs__text_append(out, " | %.2f", run->load);
        else gs__text_append(out, " | -");
        gs__text_append(out, " | %s |\n", run->quick ? "quick" : "all");
    }
}

// --- CSV (RFC 4180) --------------------------------------------------------------------------------------------------
// In quotes. A spreadsheet takes what begins with one of these for a formula: an apostrophe in front makes it text.
static void append_text(gs__text *out, const char *text) {
    gs__text_append(out, text[0] && strchr("=+-@\t\r", text[0]) ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"') gs__text_append(out, "\"\"");
        else gs__text_append_bytes(out, text, 1);
    }
    gs__text_append(out, "\",");
}

static void append_size(gs__text *out, uint32_t size) {
    if (size) gs__text_append(out, "%u", size);
    gs__text_append(out, ",");
}

static void append_line(gs__text *out, const gs__report_run *run, const gs__report_value *v) {
    const char *const machine[] = {run->file, run->date,   run->gradsmith,      run->precision, run->name,  run->vendor,
                                   run->type, run->driver, run->driver_version, run->cpu,       run->system};
    for (size_t i = 0; i < sizeof machine / sizeof machine[0]; i++) append_text(out, machine[i]);
    gs__text_append(out, "%llu,", (unsigned long long)run->threads);
    if (run->load >= 0) gs__text_append(out, "%g", run->load);
    gs__text_append(out, ",%s,", run->quick ? "true" : "false");
    append_text(out, v->kind);
    append_text(out, v->name);
    append_text(out, v->form);
    append_size(out, v->m);
    append_size(out, v->n);
    append_size(out, v->k);
    append_size(out, v->batch);
    gs__text_append(out, "%s,", v->skipped ? "true" : "false");
    append_text(out, v->unit);
    if (v->skipped) gs__text_append(out, ",,,,,,");
    else {
        gs__text_append(out, "%s,%.9g,%.9g,%.9g,%llu,", v->more_is_better ? "true" : "false", v->median, v->low,
                        v->high, (unsigned long long)v->repeats);
        if (v->share >= 0) gs__text_append(out, "%.6g", v->share);
        gs__text_append(out, ",");
    }
    gs__text_append(out, "%llu,%llu,", (unsigned long long)v->checked, (unsigned long long)v->wrong);
    append_text(out, v->clock);
    append_text(out, v->detail);
    if (!out->failed) out->length--; // the last comma
    gs__text_append(out, "\r\n");
}

void gs__report_csv(const gs_report *report, gs__text *out) {
    gs__text_append(out, "file,date,gradsmith,precision,device,vendor,type,driver,driver_version,cpu,system,threads,"
                         "load_before,quick,kind,name,form,m,n,k,batch,skipped,unit,more_is_better,median,low,high,"
                         "repeats,peak_share,checked,wrong,clock,detail\r\n");
    for (uint32_t i = 0; i < report->run_count; i++)
        for (uint32_t j = 0; j < report->runs[i]->value_count; j++)
            append_line(out, report->runs[i], &report->runs[i]->values[j]);
}
