// Reads a file that `gradsmith bench --json` wrote.
#include "base/file.h"
#include "base/memory.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE_BYTES = 16 << 20 };

void gs__report_run_destroy(gs__report_run *run) {
    if (!run) return;
    gs__json_destroy(run->json);
    free(run->file);
    free(run->values);
    free(run);
}

// "2026-11-24T21:13:47Z": sorted as text, such dates are in the order of time.
static bool is_date(const char *text) {
    static const char pattern[] = "0000-00-00T00:00:00Z";
    for (size_t i = 0; i < sizeof pattern; i++)
        if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i]) return false;
    return true;
}

static gs_status get_size(gs__json *json, const cJSON *object, const char *key, gs__json_need need, uint32_t *value) {
    uint64_t size = 0;
    const gs_status status = gs__json_get_uint(json, object, key, need, 1, UINT32_MAX, &size);
    *value = (uint32_t)size;
    return status;
}

static gs_status read_sizes(gs__json *json, const cJSON *object, gs__report_value *v) {
    gs_status status = GS_OK;
    const bool product = strcmp(v->kind, gs_bench_kind_name(GS_BENCH_PRODUCT)) == 0;
    const bool training = strcmp(v->kind, gs_bench_kind_name(GS_BENCH_TRAINING)) == 0;
    const gs__json_need need = product ? GS__JSON_REQUIRED : GS__JSON_OPTIONAL;
    GS_TRY(gs__json_get_string(json, object, "form", need, &v->form));
    GS_TRY(get_size(json, object, "m", need, &v->m));
    GS_TRY(get_size(json, object, "n", need, &v->n));
    GS_TRY(get_size(json, object, "k", need, &v->k));
    GS_TRY(get_size(json, object, "batch", training ? GS__JSON_REQUIRED : GS__JSON_OPTIONAL, &v->batch));
fail:
    return status;
}

static gs_status fail_order(gs__json *json, const cJSON *object, const char *key, const char *expected) {
    char found[64];
    const cJSON *item = gs__json_find(object, key);
    return gs__json_fail(json, item, GS_ERR_FORMAT, "expected %s, found %s", expected,
                         gs__json_show(item, found, sizeof found));
}

static gs_status read_figures(gs__json *json, const cJSON *object, gs__report_value *v) {
    gs_status status = GS_OK;
    GS_TRY(gs__json_get_string(json, object, "unit", GS__JSON_REQUIRED, &v->unit));
    GS_TRY(gs__json_get_bool(json, object, "more_is_better", GS__JSON_REQUIRED, &v->more_is_better));
    GS_TRY(gs__json_get_number(json, object, "low", GS__JSON_REQUIRED, &v->low));
    GS_TRY(gs__json_get_number(json, object, "median", GS__JSON_REQUIRED, &v->median));
    GS_TRY(gs__json_get_number(json, object, "high", GS__JSON_REQUIRED, &v->high));
    // Smaller or larger ones are no measurement, and their ratios would not be finite.
    if (!(v->low > 1e-30)) return fail_order(json, object, "low", "a number above 0");
    if (!(v->median >= v->low)) return fail_order(json, object, "median", "a number not below \"low\"");
    if (!(v->high >= v->median)) return fail_order(json, object, "high", "a number not below \"median\"");
    if (!(v->high < 1e30)) return fail_order(json, object, "high", "a number below 1e30");
    GS_TRY(gs__json_get_uint(json, object, "repeats", GS__JSON_REQUIRED, 1, UINT64_MAX, &v->repeats));
    GS_TRY(gs__json_get_string(json, object, "clock", GS__JSON_OPTIONAL, &v->clock));
    GS_TRY(gs__json_get_number(json, object, "peak_share", GS__JSON_OPTIONAL, &v->share));
    if (gs__json_find(object, "peak_share") && !(v->share >= 0 && v->share < 1000))
        return fail_order(json, object, "peak_share", "a number from 0 to 1000");
fail:
    return status;
}

static gs_status read_value(gs__json *json, const cJSON *object, gs__report_value *v) {
    gs_status status = GS_OK;
    *v = (gs__report_value){.form = "", .unit = "", .clock = "", .share = -1};
    GS_TRY(gs__json_get_string(json, object, "kind", GS__JSON_REQUIRED, &v->kind));
    GS_TRY(gs__json_get_string(json, object, "name", GS__JSON_REQUIRED, &v->name));
    GS_TRY(gs__json_get_string(json, object, "detail", GS__JSON_REQUIRED, &v->detail));
    GS_TRY(gs__json_get_bool(json, object, "skipped", GS__JSON_REQUIRED, &v->skipped));
    GS_TRY(read_sizes(json, object, v));
    if (!v->skipped) GS_TRY(read_figures(json, object, v));
    GS_TRY(gs__json_get_uint(json, object, "checked", GS__JSON_OPTIONAL, 0, UINT64_MAX, &v->checked));
    GS_TRY(gs__json_get_uint(json, object, "wrong", GS__JSON_OPTIONAL, 0, UINT64_MAX, &v->wrong));
    if (v->wrong > v->checked) return fail_order(json, object, "wrong", "no more than \"checked\"");
fail:
    return status;
}

static gs_status read_values(gs__error *error, gs__report_run *run, const cJSON *results) {
    gs_status status = GS_OK;
    const int count = cJSON_GetArraySize(results);
    if (count < 1 || count > GS_REPORT_MAX_RESULTS)
        return gs__json_fail(run->json, results, GS_ERR_FORMAT, "expected an array of 1 to %d results, found %d",
                             GS_REPORT_MAX_RESULTS, count);
    run->values = gs__allocate(error, (uint64_t)count, sizeof *run->values, "results");
    if (!run->values) return GS_ERR_MEMORY;
    const cJSON *item;
    cJSON_ArrayForEach(item, results) GS_TRY(read_value(run->json, item, &run->values[run->value_count++]));
fail:
    return status;
}

static gs_status read_machine(gs__report_run *run, const cJSON *root) {
    gs_status status = GS_OK;
    gs__json *json = run->json;
    const cJSON *host = NULL, *device = NULL;
    GS_TRY(gs__json_get_object(json, root, "host", GS__JSON_REQUIRED, &host));
    GS_TRY(gs__json_get_string(json, host, "cpu", GS__JSON_REQUIRED, &run->cpu));
    GS_TRY(gs__json_get_uint(json, host, "threads", GS__JSON_REQUIRED, 0, UINT32_MAX, &run->threads));
    GS_TRY(gs__json_get_string(json, host, "system", GS__JSON_REQUIRED, &run->system));
    GS_TRY(gs__json_get_number(json, host, "load_before", GS__JSON_OPTIONAL, &run->load));
    GS_TRY(gs__json_get_object(json, root, "device", GS__JSON_REQUIRED, &device));
    GS_TRY(gs__json_get_string(json, device, "name", GS__JSON_REQUIRED, &run->name));
    GS_TRY(gs__json_get_string(json, device, "type", GS__JSON_REQUIRED, &run->type));
    GS_TRY(gs__json_get_string(json, device, "vendor", GS__JSON_REQUIRED, &run->vendor));
    GS_TRY(gs__json_get_string(json, device, "driver", GS__JSON_REQUIRED, &run->driver));
    GS_TRY(gs__json_get_string(json, device, "driver_version", GS__JSON_REQUIRED, &run->driver_version));
    GS_TRY(gs__json_get_string(json, device, "api_version", GS__JSON_REQUIRED, &run->api_version));
    GS_TRY(gs__json_get_uint(json, device, "memory_bytes", GS__JSON_REQUIRED, 0, UINT64_MAX, &run->memory_bytes));
fail:
    return status;
}

static gs_status read_document(gs__error *error, gs__report_run *run) {
    gs_status status = GS_OK;
    gs__json *json = run->json;
    const cJSON *root = gs__json_root(json), *results = NULL;
    uint64_t format = 0;
    GS_TRY(gs__json_get_uint(json, root, "format", GS__JSON_REQUIRED, 0, UINT64_MAX, &format));
    if (format != 1)
        return gs__json_fail(json, gs__json_find(root, "format"), GS_ERR_FORMAT,
                             "expected 1, found %llu: written by another version of gradsmith bench",
                             (unsigned long long)format);
    run->precision = gs_precision_name(GS_PRECISION_FLOAT32);
    run->load = -1;
    GS_TRY(gs__json_get_string(json, root, "gradsmith", GS__JSON_REQUIRED, &run->gradsmith));
    GS_TRY(gs__json_get_string(json, root, "date", GS__JSON_REQUIRED, &run->date));
    if (!is_date(run->date)) return fail_order(json, root, "date", "a date like 2026-11-24T21:13:47Z");
    GS_TRY(gs__json_get_bool(json, root, "quick", GS__JSON_REQUIRED, &run->quick));
    GS_TRY(gs__json_get_string(json, root, "precision", GS__JSON_OPTIONAL, &run->precision));
    GS_TRY(read_machine(run, root));
    GS_TRY(gs__json_get_array(json, root, "results", GS__JSON_REQUIRED, &results));
    GS_TRY(read_values(error, run, results));
fail:
    return status;
}

gs_status gs__report_parse(gs__error *error, const char *name, const char *text, size_t bytes, gs__report_run **run) {
    gs_status status = GS_OK;
    gs__report_run *made = gs__allocate(error, 1, sizeof *made, "a report");
    if (!made) return GS_ERR_MEMORY;
    made->file = gs__text_copy(error, name);
    if (!made->file) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(gs__json_parse(error, text, bytes, name, &made->json));
    GS_TRY(read_document(error, made));
    *run = made;
    return GS_OK;
fail:
    gs__report_run_destroy(made);
    return status;
}

gs_status gs__report_read(gs__error *error, const char *path, gs__report_run **run) {
    char *text = NULL;
    size_t bytes = 0;
    gs_status status = gs__file_read(error, path, MAX_FILE_BYTES, &text, &bytes);
    if (status == GS_OK) status = gs__report_parse(error, path, text, bytes, run);
    free(text);
    return status;
}
