// Rows are values, columns devices; a cell holds the newest result of a value and the one before it.
#include "base/memory.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

static bool same_device(const gs__report_run *a, const gs__report_run *b) {
    return strcmp(a->name, b->name) == 0 && strcmp(a->vendor, b->vendor) == 0 && strcmp(a->driver, b->driver) == 0 &&
           strcmp(a->driver_version, b->driver_version) == 0 && strcmp(a->cpu, b->cpu) == 0 &&
           a->threads == b->threads && strcmp(a->precision, b->precision) == 0;
}

static bool same_value(const gs__report_value *a, const gs__report_value *b) {
    return a->m == b->m && a->n == b->n && a->k == b->k && a->batch == b->batch && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->name, b->name) == 0 && strcmp(a->form, b->form) == 0;
}

static int by_date(const void *a, const void *b) {
    const gs__report_run *x = *(gs__report_run *const *)a, *y = *(gs__report_run *const *)b;
    const int order = strcmp(x->date, y->date);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

// Columns stand in the order in which files were added, whatever their dates.
static void find_devices(gs_report *report) {
    report->device_count = 0;
    for (uint32_t order = 0; order < report->run_count; order++) {
        gs__report_run *run = NULL;
        for (uint32_t i = 0; i < report->run_count; i++)
            if (report->runs[i]->order == order) run = report->runs[i];
        uint32_t device = 0;
        while (device < report->device_count && !same_device(report->devices[device].newest, run)) device++;
        if (device == report->device_count)
            report->devices[report->device_count++] = (gs__report_device){.newest = run};
        run->device = device;
        report->devices[device].run_count++;
    }
    for (uint32_t i = 0; i < report->run_count; i++) report->devices[report->runs[i]->device].newest = report->runs[i];
}

// The order of bench's own report; kinds that are not known come last.
static int rank(const gs__report_value *value) {
    int kind = GS_BENCH_FMA;
    while (kind <= GS_BENCH_TRAINING && strcmp(value->kind, gs_bench_kind_name((gs_bench_kind)kind)) != 0) kind++;
    return kind;
}

static gs_status add_row(gs_report *report, const gs__report_value *value) {
    for (uint32_t i = 0; i < report->row_count; i++)
        if (same_value(report->rows[i], value)) return GS_OK;
    if (report->row_count == GS__REPORT_MAX_ROWS)
        return gs__fail(report->error, GS_ERR_ARGUMENT,
                        "the files have more than %d different results, expected no more: report fewer files at once",
                        GS__REPORT_MAX_ROWS);
    // Behind the last of its kind.
    uint32_t at = report->row_count++;
    for (; at > 0 && rank(report->rows[at - 1]) > rank(value); at--) report->rows[at] = report->rows[at - 1];
    report->rows[at] = value;
    return GS_OK;
}

static gs_status find_rows(gs_report *report) {
    gs_status status = GS_OK;
    report->row_count = 0;
    for (uint32_t i = 0; i < report->run_count; i++)
        for (uint32_t j = 0; j < report->runs[i]->value_count; j++)
            GS_TRY(add_row(report, &report->runs[i]->values[j]));
    for (uint32_t i = 0; i < report->run_count; i++)
        for (uint32_t j = 0; j < report->runs[i]->value_count; j++) {
            gs__report_value *value = &report->runs[i]->values[j];
            for (value->row = 0; !same_value(report->rows[value->row], value);) value->row++;
        }
fail:
    return status;
}

static void fill_cells(gs_report *report) {
    for (uint32_t i = report->run_count; i-- > 0;) {
        const gs__report_run *run = report->runs[i];
        for (uint32_t j = 0; j < run->value_count; j++) {
            const gs__report_value *value = &run->values[j];
            gs__report_cell *cell = &report->cells[(size_t)value->row * report->device_count + run->device];
            if (value->skipped) {
                if (!cell->now && !cell->skipped) cell->skipped = value;
            } else if (!cell->now) {
                cell->now = value;
                cell->now_run = run;
            } else if (!cell->before && cell->now_run != run) {
                cell->before = value;
                cell->before_run = run;
            }
        }
    }
}

gs_status gs__report_merge(gs_report *report) {
    gs_status status = GS_OK;
    if (report->merged) return GS_OK;
    free(report->devices);
    free(report->rows);
    free(report->cells);
    report->cells = NULL;
    report->rows = NULL;
    report->devices = gs__allocate(report->error, report->run_count, sizeof *report->devices, "a report");
    if (!report->devices) return GS_ERR_MEMORY;
    report->rows = gs__allocate(report->error, GS__REPORT_MAX_ROWS, sizeof *report->rows, "a report");
    if (!report->rows) return GS_ERR_MEMORY;
    qsort(report->runs, report->run_count, sizeof *report->runs, by_date);
    find_devices(report);
    GS_TRY(find_rows(report));
    report->cells = gs__allocate(report->error, (uint64_t)report->row_count * report->device_count,
                                 sizeof *report->cells, "a report");
    if (!report->cells) return GS_ERR_MEMORY;
    fill_cells(report);
    report->merged = true;
fail:
    return status;
}

const gs__report_cell *gs__report_cell_at(const gs_report *report, uint32_t row, uint32_t device) {
    return &report->cells[(size_t)row * report->device_count + device];
}

static bool within(double median, const gs__report_value *other) {
    return median >= other->low && median <= other->high;
}

gs__report_verdict gs__report_compare(const gs__report_cell *cell) {
    const gs__report_value *now = cell->now, *before = cell->before;
    if (!now || !before) return GS__REPORT_ALONE;
    if (now->repeats < GS__REPORT_LEAST_REPEATS || before->repeats < GS__REPORT_LEAST_REPEATS)
        return GS__REPORT_UNKNOWN;
    if (within(now->median, before) || within(before->median, now)) return GS__REPORT_NOISE;
    return (now->median > before->median) == now->more_is_better ? GS__REPORT_BETTER : GS__REPORT_WORSE;
}

double gs__report_change(const gs__report_cell *cell) {
    return cell->now->median / cell->before->median - 1;
}

uint32_t gs__report_find_row(const gs_report *report, const char *kind, const char *name) {
    for (uint32_t i = 0; i < report->row_count; i++)
        if (strcmp(report->rows[i]->kind, kind) == 0 && strcmp(report->rows[i]->name, name) == 0) return i;
    return UINT32_MAX;
}

double gs__report_median(const gs_report *report, uint32_t row, uint32_t device) {
    if (row == UINT32_MAX) return 0;
    const gs__report_value *value = gs__report_cell_at(report, row, device)->now;
    return value ? value->median : 0;
}

gs_report_info gs__report_count(const gs_report *report) {
    gs_report_info info = {.files = report->run_count, .devices = report->device_count};
    for (uint32_t i = 0; i < report->row_count * report->device_count; i++) {
        const gs__report_cell *cell = &report->cells[i];
        const gs__report_verdict verdict = gs__report_compare(cell);
        info.compared += verdict != GS__REPORT_ALONE;
        info.regressions += verdict == GS__REPORT_WORSE;
        info.improvements += verdict == GS__REPORT_BETTER;
        if (cell->now) info.checked += cell->now->checked, info.wrong += cell->now->wrong;
    }
    return info;
}
