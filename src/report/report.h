// What the files of this folder share: results as they were read, and merged into rows (values) and columns (devices).
#ifndef GS_REPORT_REPORT_H
#define GS_REPORT_REPORT_H

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include <gradsmith/bench.h>
#include <gradsmith/report.h>

enum {
    GS__REPORT_MAX_ROWS = 4096,
    GS__REPORT_LEAST_REPEATS = 3, // a spread of fewer says nothing of the noise
    GS__REPORT_LABEL_BYTES = 160,
    GS__REPORT_NUMBER_BYTES = 40,
};

// A result of a file. Strings are the document's.
typedef struct gs__report_value {
    const char *kind, *name, *detail, *form, *unit, *clock; // never NULL
    uint32_t m, n, k, batch;                                // 0: does not apply
    bool skipped, more_is_better;                           // where it is skipped there are no figures
    double median, low, high;                               // 0 < low <= median <= high
    double share;                                           // of the multiply-add peak; below 0: none
    uint64_t repeats, checked, wrong;
    uint32_t row;
} gs__report_value;

typedef struct gs__report_run {
    gs__json *json;
    char *file;
    const char *gradsmith, *date, *precision;
    const char *cpu, *system;
    const char *name, *type, *vendor, *driver, *driver_version, *api_version;
    uint64_t threads, memory_bytes;
    double load; // before the run; below 0: unknown
    bool quick;
    gs__report_value *values;
    uint32_t value_count;
    uint32_t order;  // in which files were added
    uint32_t device; // column
} gs__report_run;

typedef struct gs__report_device {
    const gs__report_run *newest;
    uint32_t run_count;
} gs__report_device;

typedef enum gs__report_verdict {
    GS__REPORT_ALONE,   // nothing to compare
    GS__REPORT_UNKNOWN, // too few repeats to tell
    GS__REPORT_NOISE,   // one median is within the other's spread
    GS__REPORT_BETTER,
    GS__REPORT_WORSE,
} gs__report_verdict;

// A value of a device.
typedef struct gs__report_cell {
    const gs__report_value *now, *before; // NULL: none
    const gs__report_run *now_run, *before_run;
    const gs__report_value *skipped; // the newest file left it out; NULL: not so
} gs__report_cell;

struct gs_report {
    gs__error *error;
    gs__report_run **runs; // from the oldest to the newest, once merged
    uint32_t run_count;
    bool merged;
    gs__report_device *devices;
    uint32_t device_count;
    const gs__report_value **rows; // one value of each
    uint32_t row_count;
    gs__report_cell *cells; // (rows, devices)
    gs__text text;
};

// --- read.c -----------------------------------------------------------------------------------------------------
gs_status gs__report_read(gs__error *error, const char *path, gs__report_run **run);
gs_status gs__report_parse(gs__error *error, const char *name, const char *text, size_t bytes, gs__report_run **run);
void gs__report_run_destroy(gs__report_run *run);

// --- merge.c ----------------------------------------------------------------------------------------------------
gs_status gs__report_merge(gs_report *report);
const gs__report_cell *gs__report_cell_at(const gs_report *report, uint32_t row, uint32_t device);
gs__report_verdict gs__report_compare(const gs__report_cell *cell);
// 0.03: 3 % more than before.
double gs__report_change(const gs__report_cell *cell);
// The row of a kind and a name, e.g. "fma" and ""; UINT32_MAX: none.
uint32_t gs__report_find_row(const gs_report *report, const char *kind, const char *name);
// The median of a device, or 0 when it has none.
double gs__report_median(const gs_report *report, uint32_t row, uint32_t device);
gs_report_info gs__report_count(const gs_report *report);

// --- label.c ----------------------------------------------------------------------------------------------------
// "W2 layer 1, A Bt, 128x784x512", "float32 multiply-adds". Each returns `text`.
const char *gs__report_label(const gs__report_value *value, char text[GS__REPORT_LABEL_BYTES]);
// Four digits and no fewer than whole numbers; thousands are set apart by a narrow space.
const char *gs__report_number(double value, char text[GS__REPORT_NUMBER_BYTES]);
// "µs" for "us", else as it is.
const char *gs__report_unit(const gs__report_value *value);
const char *gs__report_verdict_text(gs__report_verdict verdict);
// "+3.1 %", with a minus sign that does not break.
const char *gs__report_percent(double change, char text[GS__REPORT_NUMBER_BYTES]);
// What besides its name tells a device from others: "driver, processor, precision".
void gs__report_device_note(const gs__report_run *run, gs__text *text);

// --- the documents ----------------------------------------------------------------------------------------------
void gs__report_html(const gs_report *report, gs__text *out);
void gs__report_rooflines(const gs_report *report, gs__text *out); // of the page
void gs__report_markdown(const gs_report *report, gs__text *out);
void gs__report_csv(const gs_report *report, gs__text *out);

#endif
