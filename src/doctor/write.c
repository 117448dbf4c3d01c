// The report: JSON, one object. Fields are only ever added within a format.
#include "base/file.h"
#include "base/text.h"
#include "context/context.h"
#include "doctor/doctor.h"

#include <math.h>

static void append_string(gs__text *text, const char *key, const char *value, const char *behind) {
    gs__text_append(text, "\"%s\": ", key);
    gs__text_append_json(text, value);
    gs__text_append(text, "%s", behind);
}

// JSON has no infinity.
static void append_number(gs__text *text, const char *key, double value, const char *behind) {
    if (isfinite(value)) gs__text_append(text, "\"%s\": %.9g%s", key, value, behind);
    else gs__text_append(text, "\"%s\": null%s", key, behind);
}

static void append_device(gs__text *text, const gs_device_info *device) {
    gs__text_append(text, "     \"index\": %u, ", device->index);
    append_string(text, "name", device->name, ", ");
    append_string(text, "type", gs_device_type_text(device->type), ", ");
    append_string(text, "vendor", device->vendor, ", ");
    append_string(text, "driver", device->driver, ", ");
    append_string(text, "driver_version", device->driver_version, ", ");
    append_string(text, "api_version", device->api_version, ",\n");
    gs__text_append(text, "     \"vendor_id\": %u, \"device_id\": %u, \"memory_bytes\": %llu,\n", device->vendor_id,
                    device->device_id, (unsigned long long)device->memory_bytes);
}

static void append_facts(gs__text *text, const gs_doctor_report *r) {
    static const char *const grades[] = {"good", "absent", "bad"};
    gs__text_append(text, "     \"facts\": [");
    for (uint32_t i = 0; i < r->fact_count; i++) {
        gs__text_append(text, "%s\n       {", i ? "," : "");
        append_string(text, "name", r->facts[i].name, ", ");
        append_string(text, "found", r->facts[i].found, ", ");
        append_string(text, "grade", grades[r->facts[i].grade], ", ");
        append_string(text, "use", r->facts[i].use, "}");
    }
    gs__text_append(text, "],\n     \"known\": [");
    for (uint32_t i = 0; i < r->known_count; i++) {
        gs__text_append(text, "%s\n       {", i ? "," : "");
        append_string(text, "id", r->known[i].id, ", ");
        append_string(text, "affects", r->known[i].affects, ", ");
        append_string(text, "what", r->known[i].what, ", ");
        append_string(text, "here", r->known[i].here, ", ");
        append_string(text, "advice", r->known[i].advice, ", ");
        append_string(text, "source", r->known[i].source, "}");
    }
    gs__text_append(text, "],\n");
}

static void append_ops(gs__text *text, const gs_doctor_report *r) {
    gs__text_append(text, "     \"ops\": [");
    for (uint32_t i = 0; i < r->op_count; i++) {
        const gs_doctor_op *op = &r->ops[i];
        gs__text_append(text, "%s\n       {", i ? "," : "");
        append_string(text, "op", op->name, ", ");
        append_string(text, "direction", op->backward ? "backward" : "forward", ", ");
        gs__text_append(text, "\"checked\": %s, \"values\": %llu, \"wrong\": %llu, ", op->checked ? "true" : "false",
                        (unsigned long long)op->values, (unsigned long long)op->wrong);
        append_number(text, "max_relative", op->max_relative, ", ");
        append_number(text, "max_ulp", op->max_ulp, ", ");
        append_string(text, "note", op->note, "}");
    }
    gs__text_append(text, "]}");
}

static void append_report(gs__text *text, const gs_doctor_report *r) {
    gs__text_append(text, "\n    {\"safe\": %s, ", r->safe ? "true" : "false");
    append_string(text, "verdict", r->verdict, ",\n");
    append_device(text, &r->device);
    gs__text_append(text, "     \"models\": %u, \"steps\": %u, \"wrong_ops\": %u,\n", r->model_count, r->step_count,
                    r->wrong_op_count);
    gs__text_append(text, "     ");
    append_number(text, "samples_per_second", r->samples_per_second, ", ");
    append_number(text, "large_batch_samples_per_second", r->large_batch_samples_per_second, ",\n");
    append_facts(text, r);
    append_ops(text, r);
}

static void append_index(gs__text *text, const char *key, uint32_t index, uint32_t count) {
    if (index < count) gs__text_append(text, "  \"%s\": %u,\n", key, index);
    else gs__text_append(text, "  \"%s\": null,\n", key);
}

gs_status gs_doctor_write(gs_context *context, const char *path, const gs_doctor_system *system,
                          const gs_doctor_report *const *reports, uint32_t count, uint32_t chosen, uint32_t recommended,
                          const char *reason) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!path || !system || (count && !reports))
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_doctor_write: %s is NULL",
                        !path     ? "path"
                        : !system ? "system"
                                  : "reports");
    gs_status status = GS_OK;
    gs__text text = {0};
    gs__text_append(&text, "{\n  \"format\": 1,\n  \"gradsmith\": \"%s\",\n  \"system\": {", GRADSMITH_VERSION);
    append_string(&text, "name", system->name, ", ");
    append_string(&text, "gpus", system->gpus, ", ");
    append_string(&text, "install_command", system->install_command, ", \"advice\": [");
    for (uint32_t i = 0; i < system->advice_count; i++) {
        gs__text_append(&text, "%s", i ? ", " : "");
        gs__text_append_json(&text, system->advice[i]);
    }
    gs__text_append(&text, "]},\n");
    append_index(&text, "chosen", chosen, count);
    append_index(&text, "recommended", recommended, count);
    gs__text_append(&text, "  ");
    append_string(&text, "reason", reason ? reason : "", ",\n  \"devices\": [");
    for (uint32_t i = 0; i < count; i++) {
        if (i) gs__text_append(&text, ",");
        append_report(&text, reports[i]);
    }
    gs__text_append(&text, "]\n}\n");
    GS_TRY(gs__text_check(error, &text));
    GS_TRY(gs__file_write(error, path, text.data, text.length));
fail:
    gs__text_deinit(&text);
    return status;
}
