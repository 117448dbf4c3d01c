#include "report/report.h"
#include "base/file.h"
#include "base/memory.h"
#include "context/context.h"

#include <stdlib.h>
#include <string.h>

gs_status gs_report_format_parse(const char *name, gs_report_format *format) {
    if (!name || !format) return GS_ERR_ARGUMENT;
#define FORMAT_PARSE(constant, value, text)                                                                            \
    if (strcmp(name, text) == 0) {                                                                                     \
        *format = constant;                                                                                            \
        return GS_OK;                                                                                                  \
    }
    GS_REPORT_FORMAT_MAP(FORMAT_PARSE)
#undef FORMAT_PARSE
    return GS_ERR_ARGUMENT;
}

gs_status gs_report_create(gs_context *context, gs_report **report) {
    if (!context || !report) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs_report *made = gs__allocate(error, 1, sizeof *made, "a report");
    if (!made) return GS_ERR_MEMORY;
    made->error = error;
    made->runs = gs__allocate(error, GS_REPORT_MAX_FILES, sizeof(gs__report_run *), "a report");
    if (!made->runs) {
        free(made);
        return GS_ERR_MEMORY;
    }
    *report = made;
    return GS_OK;
}

void gs_report_destroy(gs_report **report) {
    if (!report || !*report) return;
    gs_report *r = *report;
    for (uint32_t i = 0; i < r->run_count; i++) gs__report_run_destroy(r->runs[i]);
    free(r->runs);
    free(r->devices);
    free(r->rows);
    free(r->cells);
    gs__text_deinit(&r->text);
    free(r);
    *report = NULL;
}

gs_status gs_report_add(gs_report *report, const char *path) {
    if (!report || !path) return GS_ERR_ARGUMENT;
    if (report->run_count == GS_REPORT_MAX_FILES)
        return gs__fail(report->error, GS_ERR_ARGUMENT, "%s: the report already has %d files, expected no more", path,
                        GS_REPORT_MAX_FILES);
    gs__report_run *run = NULL;
    const gs_status status = gs__report_read(report->error, path, &run);
    if (status != GS_OK) return status;
    run->order = report->run_count;
    report->runs[report->run_count++] = run;
    report->merged = false;
    return GS_OK;
}

gs_status gs_report_get_info(gs_report *report, gs_report_info *info) {
    if (!report || !info) return GS_ERR_ARGUMENT;
    const gs_status status = gs__report_merge(report);
    if (status == GS_OK) *info = gs__report_count(report);
    return status;
}

gs_status gs_report_text(gs_report *report, gs_report_format format, const char **text, size_t *bytes) {
    if (!report || !text) return GS_ERR_ARGUMENT;
    gs_status status = GS_OK;
    gs__text_deinit(&report->text);
    report->text = (gs__text){0};
    if (report->run_count == 0)
        return gs__fail(report->error, GS_ERR_ARGUMENT, "gs_report_text: the report has no files, expected at least 1");
    GS_TRY(gs__report_merge(report));
    switch (format) {
    case GS_REPORT_HTML:
        gs__report_html(report, &report->text);
        break;
    case GS_REPORT_MARKDOWN:
        gs__report_markdown(report, &report->text);
        break;
    case GS_REPORT_CSV:
        gs__report_csv(report, &report->text);
        break;
    default:
        return gs__fail(report->error, GS_ERR_ARGUMENT, "gs_report_text: format %d is not one of gs_report_format",
                        (int)format);
    }
    GS_TRY(gs__text_check(report->error, &report->text));
    *text = report->text.data;
    if (bytes) *bytes = report->text.length;
fail:
    return status;
}

gs_status gs_report_write(gs_report *report, gs_report_format format, const char *path) {
    if (!report || !path) return GS_ERR_ARGUMENT;
    gs_status status = GS_OK;
    const char *text;
    size_t bytes;
    GS_TRY(gs_report_text(report, format, &text, &bytes));
    GS_TRY(gs__file_write(report->error, path, text, bytes));
fail:
    return status;
}
