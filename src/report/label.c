// Words and numbers that the documents have in common.
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NARROW_SPACE "\xE2\x80\xAF"
#define MINUS        "\xE2\x88\x92"

const char *gs__report_label(const gs__report_value *value, char text[GS__REPORT_LABEL_BYTES]) {
    char name[80], form[24], kind[40];
    gs__text_show(value->name, name, sizeof name);
    gs__text_show(value->form, form, sizeof form);
    if (value->m) {
        snprintf(text, GS__REPORT_LABEL_BYTES, "%s, %s, %ux%ux%u", name, form, value->m, value->n, value->k);
        return text;
    }
    if (value->batch) {
        snprintf(text, GS__REPORT_LABEL_BYTES, "%s, batch %u", name, value->batch);
        return text;
    }
    const char *what = gs__text_show(value->kind, kind, sizeof kind);
    for (int i = GS_BENCH_FMA; i <= GS_BENCH_TRAINING; i++)
        if (strcmp(gs_bench_kind_name((gs_bench_kind)i), value->kind) == 0) what = gs_bench_kind_text((gs_bench_kind)i);
    snprintf(text, GS__REPORT_LABEL_BYTES, "%s%s%s", what, name[0] ? " " : "", name);
    return text;
}

const char *gs__report_number(double value, char text[GS__REPORT_NUMBER_BYTES]) {
    const int places = value < 10 ? 3 : value < 100 ? 2 : value < 1000 ? 1 : 0;
    if (!(fabs(value) < 1e12) || (value > 0 && value < 1e-3)) {
        snprintf(text, GS__REPORT_NUMBER_BYTES, "%.3g", value);
        return text;
    }
    char digits[32];
    snprintf(digits, sizeof digits, "%.*f", places, value);
    const size_t whole = strcspn(digits, ".");
    size_t used = 0;
    // Four digits stay together.
    for (size_t i = 0; i < strlen(digits); i++) {
        if (whole > 4 && i > 0 && i < whole && (whole - i) % 3 == 0)
            used += (size_t)snprintf(text + used, GS__REPORT_NUMBER_BYTES - used, NARROW_SPACE);
        text[used++] = digits[i];
    }
    text[used] = 0;
    return text;
}

const char *gs__report_unit(const gs__report_value *value) {
    return strcmp(value->unit, "us") == 0 ? "µs" : value->unit;
}

const char *gs__report_verdict_text(gs__report_verdict verdict) {
    switch (verdict) {
    case GS__REPORT_ALONE:
        return "not compared";
    case GS__REPORT_UNKNOWN:
        return "too few repeats to tell";
    case GS__REPORT_NOISE:
        return "within the noise";
    case GS__REPORT_BETTER:
        return "improvement";
    case GS__REPORT_WORSE:
        return "regression";
    }
    return "";
}

const char *gs__report_percent(double change, char text[GS__REPORT_NUMBER_BYTES]) {
    const double percent = fmin(fabs(change) * 100, 1e9);
    const char *sign = percent < 0.05 ? "" : change < 0 ? MINUS : "+";
    snprintf(text, GS__REPORT_NUMBER_BYTES, "%s%.*f" NARROW_SPACE "%%", sign, percent < 100 ? 1 : 0, percent);
    return text;
}

void gs__report_device_note(const gs__report_run *run, gs__text *text) {
    gs__text_append(text, "%s", run->driver[0] ? run->driver : run->driver_version);
    if (run->cpu[0]) gs__text_append(text, ", %s", run->cpu);
    if (run->threads)
        gs__text_append(text, ", %llu thread%s", (unsigned long long)run->threads, run->threads > 1 ? "s" : "");
    if (strcmp(run->precision, gs_precision_name(GS_PRECISION_FLOAT32)) != 0)
        gs__text_append(text, ", %s", run->precision);
}
