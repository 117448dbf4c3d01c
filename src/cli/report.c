// gradsmith report
#include "cli.h"
#include "options.h"
#include <string.h>

static int add_files(gs_context *context, gs_report *report, char **files, int count) {
    for (int i = 0; i < count; i++)
        if (gs_report_add(report, files[i]) != GS_OK) return cli_fail_context(context, files[i]);
    return CLI_OK;
}

static int put(gs_context *context, gs_report *report, gs_report_format format, const char *path) {
    gs_report_info info;
    const char *document;
    size_t bytes;
    if (gs_report_get_info(report, &info) != GS_OK) return cli_fail_context(context, NULL);
    if (path == NULL) {
        if (gs_report_text(report, format, &document, &bytes) != GS_OK) return cli_fail_context(context, NULL);
        fwrite(document, 1, bytes, stdout); // main looks whether that went well
        return CLI_OK;
    }
    if (gs_report_write(report, format, path) != GS_OK) return cli_fail_context(context, path);
    printf("Written: %s (%u file%s, %u device%s", path, info.files, info.files == 1 ? "" : "s", info.devices,
           info.devices == 1 ? "" : "s");
    if (info.compared > 0)
        printf("; of %u values measured again %u regression%s, %u improvement%s", info.compared, info.regressions,
               info.regressions == 1 ? "" : "s", info.improvements, info.improvements == 1 ? "" : "s");
    if (info.wrong > 0)
        printf("; %llu of %llu elements wrong", (unsigned long long)info.wrong, (unsigned long long)info.checked);
    printf(")\n");
    return CLI_OK;
}

int cli_report(int argc, char **argv) {
    const char *output = NULL, *name = "html";
    char **files = NULL;
    int count = 0;
    const cli_option options[] = {
        {"output", "FILE", "what to write (default: report.html; Markdown and CSV: standard output)", .text = &output,
         .letter = 'o'},
        {"format", "NAME", "html, markdown or csv (default html)", .text = &name},
        {0},
    };
    const cli_usage usage = {
        .command = "report",
        .synopsis = "FILE... [-o FILE] [OPTION...]",
        .text = "Merges what \"gradsmith bench --json FILE\" wrote, here and on other machines,\n"
                "into one page, which needs nothing else: peaks, training, kernels in percent\n"
                "of the peak, rooflines, wrong values. Where a device (same name, driver,\n"
                "processor and precision) has several results, says what changed beyond the\n"
                "noise.",
        .options = options,
        .operands = &files,
        .operand_count = &count,
        .examples = "  gradsmith report laptop.json workstation.json -o report.html\n"
                    "  gradsmith report before.json after.json --format markdown\n",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    gs_report_format format;
    if (gs_report_format_parse(name, &format) != GS_OK)
        return cli_misuse("report", "--format: expected html, markdown or csv, found \"%s\"", name);
    if (count == 0) return cli_misuse("report", "expected FILE, a result of \"gradsmith bench --json FILE\"");
    if (count > GS_REPORT_MAX_FILES)
        return cli_misuse("report", "expected at most %d files, found %d", GS_REPORT_MAX_FILES, count);
    if (output == NULL && format == GS_REPORT_HTML) output = "report.html";
    gs_context *context;
    gs_report *report = NULL;
    if (gs_context_create(&context, NULL) != GS_OK) return cli_fail("out of memory");
    code = gs_report_create(context, &report) == GS_OK ? CLI_OK : cli_fail_context(context, NULL);
    if (code == CLI_OK) code = add_files(context, report, files, count);
    if (code == CLI_OK) code = put(context, report, format, output);
    gs_report_destroy(&report);
    gs_context_destroy(&context);
    return code;
}
