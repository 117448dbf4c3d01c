// The report: JSON, one object. Fields are only ever added within a format.
#include "bench/bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void read_cpu_name(char *name, size_t bytes) {
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && !name[0] && fgets(line, sizeof line, file)) {
        char *value = strchr(line, ':');
        if (!value || strncmp(line, "model name", 10) != 0) continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, "\n")] = 0;
        snprintf(name, bytes, "%s", value);
    }
    if (file) fclose(file);
}

void gs__bench_host_get(gs__bench_host *host) {
    *host = (gs__bench_host){.load = -1};
    struct utsname system;
    read_cpu_name(host->cpu, sizeof host->cpu);
    if (uname(&system) >= 0) {
        snprintf(host->system, sizeof host->system, "%.40s %.60s %.20s", system.sysname, system.release,
                 system.machine);
        if (!host->cpu[0]) snprintf(host->cpu, sizeof host->cpu, "%.60s", system.machine);
    }
    FILE *load = fopen("/proc/loadavg", "r");
    if (load) {
        if (fscanf(load, "%lf", &host->load) != 1) host->load = -1;
        fclose(load);
    }
    const long threads = sysconf(_SC_NPROCESSORS_ONLN);
    host->threads = threads > 0 ? (uint32_t)threads : 0;
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(host->date, sizeof host->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void append_string(gs__text *text, const char *key, const char *value, const char *behind) {
    gs__text_append(text, "\"%s\": ", key);
    gs__text_append_json(text, value);
    gs__text_append(text, "%s", behind);
}

static void append_device(gs__text *text, const gs_device_info *device) {
    gs__text_append(text, "  \"device\": {");
    append_string(text, "name", device->name, ", ");
    append_string(text, "type", gs_device_type_text(device->type), ", ");
    append_string(text, "vendor", device->vendor, ", ");
    gs__text_append(text, "\"vendor_id\": %u, \"device_id\": %u, ", device->vendor_id, device->device_id);
    append_string(text, "driver", device->driver, ", ");
    append_string(text, "driver_version", device->driver_version, ", ");
    append_string(text, "api_version", device->api_version, ", ");
    gs__text_append(text, "\"memory_bytes\": %llu, \"subgroup_size\": %u},\n", (unsigned long long)device->memory_bytes,
                    device->subgroup_size);
}

static bool more_is_better(gs_bench_kind kind) {
    switch (kind) {
#define KIND_MORE(constant, value, name, unit, more)                                                                   \
    case constant:                                                                                                     \
        return more;
        GS_BENCH_KIND_MAP(KIND_MORE)
#undef KIND_MORE
    }
    return false;
}

static void append_result(gs__text *text, const gs_bench_result *r) {
    gs__text_append(text, "    {");
    append_string(text, "kind", gs_bench_kind_name(r->kind), ", ");
    append_string(text, "name", r->name, ", ");
    append_string(text, "detail", r->detail, ", ");
    if (r->kind == GS_BENCH_PRODUCT) {
        append_string(text, "form", gs_bench_form_name(r->form), ", ");
        gs__text_append(text, "\"m\": %u, \"n\": %u, \"k\": %u, ", r->m, r->n, r->k);
    }
    if (r->kind == GS_BENCH_TRAINING) gs__text_append(text, "\"batch\": %u, ", r->batch);
    gs__text_append(text, "\"skipped\": %s", r->skipped ? "true" : "false");
    if (!r->skipped) {
        const gs_bench_spread *v = &r->value;
        gs__text_append(text, ", ");
        append_string(text, "unit", gs_bench_unit(r->kind), ", ");
        gs__text_append(text, "\"more_is_better\": %s, ", more_is_better(r->kind) ? "true" : "false");
        gs__text_append(text, "\"median\": %.9g, \"low\": %.9g, \"high\": %.9g, \"repeats\": %u, ", v->median, v->low,
                        v->high, v->count);
        gs__text_append(text, "\"per_repeat\": %u, \"clock\": \"%s\"", r->per_repeat,
                        r->device_clock ? "device" : "host");
        if (r->kind == GS_BENCH_PRODUCT) gs__text_append(text, ", \"peak_share\": %.6g", r->peak_share);
        if (r->kind == GS_BENCH_TRAINING) gs__text_append(text, ", \"loss\": %.9g", r->loss);
    }
    if (r->checked)
        gs__text_append(text, ", \"checked\": %llu, \"wrong\": %llu", (unsigned long long)r->checked,
                        (unsigned long long)r->wrong);
    gs__text_append(text, "}");
}

void gs__bench_report(const gs__bench *bench, const gs_device_info *device, gs__text *text) {
    const gs__bench_host *host = &bench->host;
    gs__text_append(text, "{\n  \"format\": 1,\n  \"gradsmith\": \"%s\",\n  ", GRADSMITH_VERSION);
    append_string(text, "date", host->date, ",\n");
    const bool named = bench->params->precision != GS_PRECISION_DEFAULT;
    gs__text_append(text, "  \"quick\": %s,\n  ", bench->params->quick ? "true" : "false");
    append_string(text, "precision", gs_precision_name(named ? bench->params->precision : GS_PRECISION_FLOAT32), ",\n");
    gs__text_append(text, "  \"host\": {");
    append_string(text, "cpu", host->cpu, ", ");
    gs__text_append(text, "\"threads\": %u, ", host->threads);
    append_string(text, "system", host->system, "");
    if (host->load >= 0) gs__text_append(text, ", \"load_before\": %g", host->load);
    gs__text_append(text, "},\n");
    append_device(text, device);
    gs__text_append(text, "  \"results\": [\n");
    for (uint32_t i = 0; i < bench->result_count; i++) {
        append_result(text, &bench->results[i]);
        gs__text_append(text, "%s\n", i + 1 < bench->result_count ? "," : "");
    }
    gs__text_append(text, "  ]\n}\n");
}
