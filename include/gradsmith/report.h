// Merges what `gradsmith bench --json` wrote, on one machine or on many, into one document: a page, tables, a list.
//
//     gs_report_create(context, &report);
//     gs_report_add(report, "laptop.json");
//     gs_report_add(report, "workstation.json");
//     gs_report_write(report, GS_REPORT_HTML, "report.html");
//
// Results belong to one device when its name, its driver, the host's processor and the precision are the same. Of each
// value the newest result is shown, and compared with the one before it.
#ifndef GRADSMITH_REPORT_H
#define GRADSMITH_REPORT_H

#include <gradsmith/device.h>

#ifdef __cplusplus
extern "C" {
#endif

// X(constant, value, name)
// clang-format off
#define GS_REPORT_FORMAT_MAP(X)             \
    X(GS_REPORT_HTML,     0, "html")     /* one self-contained page */              \
    X(GS_REPORT_MARKDOWN, 1, "markdown") /* the same tables */                      \
    X(GS_REPORT_CSV,      2, "csv")      /* a line for each result of each file */
// clang-format on
typedef enum gs_report_format {
#define GS_REPORT_FORMAT_ENUM(constant, value, name) constant = (value),
    GS_REPORT_FORMAT_MAP(GS_REPORT_FORMAT_ENUM)
#undef GS_REPORT_FORMAT_ENUM
} gs_report_format;

// Errors: GS_ERR_ARGUMENT for an unknown name.
GS_API gs_status gs_report_format_parse(const char *name, gs_report_format *format);

enum { GS_REPORT_MAX_FILES = 256, GS_REPORT_MAX_RESULTS = 1000 /* of a file */ };

typedef struct gs_report gs_report;

typedef struct gs_report_info {
    uint32_t files, devices;
    uint32_t compared;                  // values of a device that two files have
    uint32_t regressions, improvements; // of those: the medians differ by more than both spreads
    uint64_t checked, wrong;            // elements of the newest results
} gs_report_info;

// An empty report. Opens no device. Destroy it before the context.
// Errors: GS_ERR_MEMORY.
GS_API gs_status gs_report_create(gs_context *context, gs_report **report);
// Takes a pointer to NULL too; sets *report to NULL.
GS_API void gs_report_destroy(gs_report **report);

// Reads a file of format 1 (assets/bench.schema.json). Members that are not known are passed over. After a failure the
// report is as it was.
// Errors: GS_ERR_FILE; GS_ERR_FORMAT with file, place, what was found and expected; GS_ERR_ARGUMENT: too many files.
GS_API gs_status gs_report_add(gs_report *report, const char *path);

// What the report says so far. Errors: GS_ERR_MEMORY; GS_ERR_ARGUMENT: too many different results.
GS_API gs_status gs_report_get_info(gs_report *report, gs_report_info *info);

// The document, which ends with a zero byte that *bytes (may be NULL) does not count. Borrowed until the next call on
// this report. Errors: GS_ERR_ARGUMENT (no file was added, unknown format), GS_ERR_MEMORY.
GS_API gs_status gs_report_text(gs_report *report, gs_report_format format, const char **text, size_t *bytes);

// Writes it into a file, replacing it only when complete. Errors: those of gs_report_text, GS_ERR_FILE.
GS_API gs_status gs_report_write(gs_report *report, gs_report_format format, const char *path);

#ifdef __cplusplus
}
#endif
#endif
