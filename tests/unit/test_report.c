// Reports: results are merged into rows and devices, compared with their noise, and nothing of a file is markup.
#include "report/report.h"
#include <gradsmith/gradsmith.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static gs_context *context;
static char path[300];

static int setup(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.200s/gradsmith-report-%ld.json", tmp && tmp[0] ? tmp : "/tmp", (long)getpid());
    return gs_context_create(&context, NULL) == GS_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    remove(path);
    gs_context_destroy(&context);
    return 0;
}

#define HEAD(date, device, driver) "{" BODY(date, device, driver)
#define BODY(date, device, driver)                                                                                     \
    "\"format\": 1, \"gradsmith\": \"0.1.0\", \"date\": \"" date "\", \"quick\": false, \"host\": {\"cpu\": \"Zen\", " \
    "\"threads\": 2, \"system\": \"Linux\"}, \"device\": {\"name\": \"" device "\", \"type\": \"CPU\", \"vendor\": "   \
    "\"Mesa\", \"driver\": \"" driver                                                                                  \
    "\", \"driver_version\": \"1\", \"api_version\": \"1.3.0\", \"memory_bytes\": 1}, "                                \
    "\"later\": [1], \"results\": ["
#define TAIL "]}"
#define FIGURES(median, low, high, repeats)                                                                            \
    "\"skipped\": false, \"unit\": \"GFLOP/s\", \"more_is_better\": true, \"median\": " #median ", \"low\": " #low     \
    ", \"high\": " #high ", \"repeats\": " #repeats
#define FMA(...) "{\"kind\": \"fma\", \"name\": \"\", \"detail\": \"\", " FIGURES(__VA_ARGS__) "}"
#define PRODUCT(size, more, ...)                                                                                       \
    "{\"kind\": \"matmul\", \"name\": \"square\", \"detail\": \"\", \"form\": \"A B\", \"m\": " #size                  \
    ", \"n\": " #size ", \"k\": " #size ", " FIGURES(__VA_ARGS__) more "}"

static gs_status try_add(gs_report *report, const char *text) {
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
    return gs_report_add(report, path);
}

static void add(gs_report *report, const char *text) {
    if (try_add(report, text) != GS_OK) fail_msg("%s", gs_context_message(context));
}

static gs_report *create(void) {
    gs_report *report;
    assert_int_equal(gs_report_create(context, &report), GS_OK);
    return report;
}

static void results_are_merged(void **state) {
    (void)state;
    gs_report *report = create();
    gs_report_info info;
    // Of one device: the products were measured apart from the peak, and the newer file is added first.
    add(report, HEAD("2026-11-25T00:00:00Z", "a", "d") PRODUCT(8, ", \"checked\": 9, \"wrong\": 2", 5, 4, 6, 7) TAIL);
    add(report, HEAD("2026-11-24T00:00:00Z", "a", "d") FMA(10, 9, 11, 7) "," PRODUCT(8, "", 5, 4, 6, 7) TAIL);
    add(report, HEAD("2026-11-24T00:00:00Z", "a", "other driver") PRODUCT(9, "", 5, 4, 6, 7) TAIL);
    assert_int_equal(gs_report_get_info(report, &info), GS_OK);
    assert_int_equal(info.files, 3);
    assert_int_equal(info.devices, 2);
    assert_int_equal(info.compared, 1);
    assert_int_equal(info.regressions + info.improvements, 0);
    assert_true(info.checked == 9 && info.wrong == 2);
    // Rows: multiply-adds, then the products; columns in the order of the files.
    assert_int_equal(report->row_count, 3);
    assert_string_equal(report->rows[0]->kind, "fma");
    assert_int_equal(report->rows[1]->m, 8);
    assert_true(gs__report_median(report, 0, 0) == 10 && gs__report_median(report, 0, 1) == 0);
    const gs__report_cell *cell = gs__report_cell_at(report, 1, 0);
    assert_string_equal(cell->now_run->date, "2026-11-25T00:00:00Z");
    assert_string_equal(cell->before_run->date, "2026-11-24T00:00:00Z");
    assert_true(!gs__report_cell_at(report, 1, 1)->now && gs__report_cell_at(report, 2, 1)->now);
    // A third result of it: the newest two are compared.
    add(report, HEAD("2026-11-26T00:00:00Z", "a", "d") PRODUCT(8, "", 1, 1, 1, 7) TAIL);
    assert_int_equal(gs_report_get_info(report, &info), GS_OK);
    assert_int_equal(info.regressions, 1);
    assert_string_equal(gs__report_cell_at(report, 1, 0)->before_run->date, "2026-11-25T00:00:00Z");
    // Of another precision, it counts as another device.
    add(report, "{\"precision\": \"mixed_float16\", " BODY("2026-11-26T00:00:00Z", "a", "d") FMA(1, 1, 1, 7) TAIL);
    assert_int_equal(gs_report_get_info(report, &info), GS_OK);
    assert_int_equal(info.devices, 3);
    assert_int_equal(info.compared, 1);
    gs_report_destroy(&report);
    assert_null(report);
    gs_report_destroy(&report);
}

static gs__report_verdict verdict_of(gs__report_value before, gs__report_value now) {
    const gs__report_cell cell = {.before = &before, .now = &now};
    return gs__report_compare(&cell);
}

static void changes_are_beyond_the_noise(void **state) {
    (void)state;
    const gs__report_value base = {.more_is_better = true, .median = 10, .low = 9, .high = 11, .repeats = 7};
    gs__report_value other = base;
    assert_int_equal(verdict_of(base, base), GS__REPORT_NOISE);
    other.median = 8, other.low = 7, other.high = 8.5;
    assert_int_equal(verdict_of(base, other), GS__REPORT_WORSE);
    assert_int_equal(verdict_of(other, base), GS__REPORT_BETTER);
    other.high = 10; // one median lies within the other's spread
    assert_int_equal(verdict_of(base, other), GS__REPORT_NOISE);
    assert_int_equal(verdict_of(other, base), GS__REPORT_NOISE);
    other.high = 9.5; // spreads that overlap do not matter where both medians are outside
    assert_int_equal(verdict_of(base, other), GS__REPORT_WORSE);
    other.repeats = 2;
    assert_int_equal(verdict_of(base, other), GS__REPORT_UNKNOWN);
    gs__report_value time = base, longer = {.median = 20, .low = 19, .high = 21, .repeats = 7};
    time.more_is_better = false;
    assert_int_equal(verdict_of(time, longer), GS__REPORT_WORSE);
    const gs__report_cell cell = {.before = &time, .now = &longer}, alone = {.now = &time};
    assert_true(gs__report_change(&cell) == 1);
    assert_int_equal(gs__report_compare(&alone), GS__REPORT_ALONE);
}

static const char *text_of(gs_report *report, gs_report_format format) {
    const char *text;
    size_t bytes;
    if (gs_report_text(report, format, &text, &bytes) != GS_OK) fail_msg("%s", gs_context_message(context));
    assert_int_equal(strlen(text), bytes);
    return text;
}

static void has(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("expected \"%s\" in: %.3000s", part, text);
}

static void has_not(const char *text, const char *part) {
    if (strstr(text, part)) fail_msg("unexpected: %s", part);
}

static void nothing_of_a_file_is_markup(void **state) {
    (void)state;
    gs_report *report = create();
    add(report,
        HEAD("2026-11-24T00:00:00Z", "<img src=x onerror=alert(1)>", "d\\\" onclick=\\\"x' &amp; | `y` \\u0007\\n*z*")
            FMA(10, 9, 11,
                7) ","
                   "{\"kind\": \"</script><b>\", \"name\": \"=1+2\", \"detail\": \"-\\\"\", \"skipped\": true}" TAIL);
    const char *text = text_of(report, GS_REPORT_HTML);
    has_not(text, "<img");
    has_not(text, "</script><b>");
    has_not(text, "\" onclick=\"x");
    has(text, "&lt;img src=x onerror=alert(1)&gt;");
    has(text, "data-driver=\"d&quot; onclick=&quot;x&#39; &amp;amp; | `y`   *z*\"");
    text = text_of(report, GS_REPORT_MARKDOWN);
    has(text, "&lt;img src=x onerror=alert(1)>");
    has(text, "d\" onclick=\"x' &amp;amp; \\| \\`y\\`   \\*z\\*");
    text = text_of(report, GS_REPORT_CSV);
    has(text, "\"</script><b>\",\"'=1+2\"");   // no formula
    has(text, "\"'-\"\"\"\r\n");               // quotes are doubled
    has(text, "\"d\"\" onclick=\"\"x' &amp;"); // else as it is
    gs_report_destroy(&report);
}

// The place is named, with what was found and expected; the report stays as it was.
static void bad_files_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
        gs_status status;
    } cases[] = {
        {"", "not valid JSON", GS_ERR_FORMAT},
        {"[]", "expected an object, found an array of 0", GS_ERR_FORMAT},
        {"{}", "\"format\" is missing", GS_ERR_FORMAT},
        {"{\"format\": 2}", "format: expected 1, found 2", GS_ERR_FORMAT},
        {HEAD("24.11.2026", "a", "d") TAIL, "date: expected a date like 2026-11-24T21:13:47Z, found \"24.11.2026\"",
         GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") TAIL, "results: expected an array of 1 to 1000 results, found 0",
         GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") "3" TAIL, "results[0]: expected an object, found 3", GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") FMA(10, 9, 11, 7) ", {}" TAIL, "results[1]: \"kind\" is missing",
         GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") FMA(10, 0, 11, 7) TAIL,
         "results[0].low: expected a number above 0, found 0", GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") FMA(8, 9, 11, 7) TAIL,
         "results[0].median: expected a number not below \"low\", found 8", GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") FMA(10, 9, 9.5, 7) TAIL,
         "results[0].high: expected a number not below \"median\", found 9.5", GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") FMA(10, 9, 1e300, 7) TAIL, "results[0].high: expected a number below",
         GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") FMA(10, 9, 11, 0) TAIL,
         "results[0].repeats: expected an integer of at least 1, found 0", GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") PRODUCT(0, "", 5, 4, 6, 7) TAIL, "results[0].m: expected an integer",
         GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") PRODUCT(8, ", \"checked\": 1, \"wrong\": 2", 5, 4, 6, 7) TAIL,
         "results[0].wrong: expected no more than \"checked\", found 2", GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") PRODUCT(8, ", \"peak_share\": -1", 5, 4, 6, 7) TAIL,
         "results[0].peak_share: expected a number from 0 to 1000, found -1", GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a",
              "d") "{\"kind\": \"matmul\", \"name\": \"x\", \"detail\": \"\", \"skipped\": "
                   "true}" TAIL,
         "results[0]: \"form\" is missing", GS_ERR_FORMAT},
        {HEAD("2026-11-24T00:00:00Z", "a", "d") "{\"kind\": \"train\", \"name\": \"x\", \"detail\": \"\", \"skipped\": "
                                                "true}" TAIL,
         "results[0]: \"batch\" is missing", GS_ERR_FORMAT},
    };
    gs_report *report = create();
    const char *text;
    assert_int_equal(gs_report_text(report, GS_REPORT_HTML, &text, NULL), GS_ERR_ARGUMENT);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(try_add(report, cases[i].text), cases[i].status);
        has(gs_context_message(context), path);
        has(gs_context_message(context), cases[i].message);
    }
    assert_int_equal(report->run_count, 0);
    assert_int_equal(gs_report_add(report, "/no/such/file"), GS_ERR_FILE);
    assert_int_equal(gs_report_add(report, NULL), GS_ERR_ARGUMENT);
    add(report, HEAD("2026-11-24T00:00:00Z", "a", "d") FMA(10, 9, 11, 7) TAIL);
    assert_int_equal(gs_report_text(report, (gs_report_format)7, &text, NULL), GS_ERR_ARGUMENT);
    for (int i = 1; i < GS_REPORT_MAX_FILES; i++) assert_int_equal(gs_report_add(report, path), GS_OK);
    assert_int_equal(gs_report_add(report, path), GS_ERR_ARGUMENT);
    text_of(report, GS_REPORT_HTML);
    gs_report_destroy(&report);
}

static void numbers_are_short(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1234, "0.123"}, {12.345, "12.35"},      {123.45, "123.5"},
                 {1234.5, "1234"},  {44916, "44\u202f916"}, {1234567, "1\u202f234\u202f567"},
                 {1e-9, "1e-09"},   {1e20, "1e+20"}};
    char text[GS__REPORT_NUMBER_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(gs__report_number(cases[i].value, text), cases[i].text);
    assert_string_equal(gs__report_percent(-0.5, text), "\u221250.0\u202f%");
    assert_string_equal(gs__report_percent(0.9, text), "+90.0\u202f%");
    assert_string_equal(gs__report_percent(-0.0001, text), "0.0\u202f%");
    gs_report_format format;
    assert_int_equal(gs_report_format_parse("csv", &format), GS_OK);
    assert_int_equal(format, GS_REPORT_CSV);
    assert_int_equal(gs_report_format_parse("CSV", &format), GS_ERR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_merged),          cmocka_unit_test(changes_are_beyond_the_noise),
        cmocka_unit_test(nothing_of_a_file_is_markup), cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(numbers_are_short),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
