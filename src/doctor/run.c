#include "base/memory.h"
#include "context/context.h"
#include "doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What gs_doctor_report_destroy frees.
struct report {
    gs_doctor_report public;
    gs_doctor_fact facts[GS__DOCTOR_MAX_FACTS];
    gs__known_drivers table;
    gs_doctor_known *known;
    gs_doctor_op *ops;
};

// --- what is known ----------------------------------------------------------------------------------------------------
static const char *meaning(const gs_doctor_known *known, const gs__gpu_caps *caps) {
    if (strcmp(known->affects, "subgroups") == 0)
        return caps && gs__caps_shuffle(caps)
                   ? "kernels for this device use subgroups: the check of all ops says whether "
                     "they are right"
                   : "gradsmith's float32 kernels use no subgroups on this device";
    if (strcmp(known->affects, "cooperative matrix") == 0)
        return caps && !caps->matrix_half.m && !caps->matrix_bfloat.m
                   ? "gradsmith uses no cooperative matrices on this device"
                   : "mixed precision only; float32 uses none";
    if (strcmp(known->affects, "float16") == 0)
        return "float32 is not concerned, and mixed precision keeps float16 to the factors of products";
    if (strcmp(known->affects, "start") == 0)
        return "this device can be opened, so the driver at hand may be a newer one";
    return "the check of all ops says whether this one computes rightly";
}

static gs_status find_known(struct report *r, gs__error *error, const gs__gpu_caps *caps) {
    gs_status status = gs__known_drivers_read(error, &r->table);
    if (status != GS_OK) return status;
    r->known = gs__allocate(error, r->table.count, sizeof *r->known, "known drivers");
    if (!r->known) return GS_ERR_MEMORY;
    r->public.known = r->known;
    for (uint32_t i = 0; i < r->table.count; i++) {
        if (!gs__known_driver_matches(&r->table.entries[i], &r->public.device)) continue;
        gs_doctor_known *known = &r->known[r->public.known_count++];
        *known = r->table.entries[i].public;
        known->here = meaning(known, caps);
    }
    return GS_OK;
}

// --- ops --------------------------------------------------------------------------------------------------------------
static gs_status list_ops(struct report *r, const gs__doctor_checks *checks, const gs__gpu_caps *caps, bool complete) {
    uint32_t count;
    const gs_op *const *table = gs__op_table(&count);
    gs_doctor_report *public = &r->public;
    r->ops = gs__allocate(checks->error, 2 * (uint64_t)count, sizeof *r->ops, "ops");
    if (!r->ops) return GS_ERR_MEMORY;
    public->ops = r->ops;
    for (uint32_t i = 0; i < 2 * count; i++) {
        const gs_op *op = table[i / 2];
        const gs__doctor_entry *e = &checks->entries[i];
        const gs__pass pass = i % 2 ? GS__BACKWARD : GS__FORWARD;
        const char *excuse = gs__doctor_excuse(op, pass, caps);
        if (pass == GS__BACKWARD && !op->backward) continue;
        gs_doctor_op *out = &r->ops[public->op_count++];
        *out = (gs_doctor_op){.name = op->name,
                              .backward = pass == GS__BACKWARD,
                              .checked = e->values > 0,
                              .values = e->values,
                              .wrong = e->wrong,
                              .max_relative = e->max_relative,
                              .max_ulp = e->max_ulp};
        public->wrong_op_count += e->wrong > 0;
        snprintf(out->note, sizeof out->note, "%s",
                 e->values  ? e->place
                 : excuse   ? excuse
                 : complete ? "no model of the check holds it"
                            : "the check ended before it");
    }
    public->model_count = checks->models;
    public->step_count = checks->steps;
    return GS_OK;
}

// --- verdict ----------------------------------------------------------------------------------------------------------
static const gs_doctor_fact *bad_fact(const gs_doctor_report *r) {
    for (uint32_t i = 0; i < r->fact_count; i++)
        if (r->facts[i].grade == GS_DOCTOR_BAD) return &r->facts[i];
    return NULL;
}

static uint32_t checked_ops(const gs_doctor_report *r) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->op_count; i++) count += r->ops[i].checked;
    return count;
}

static void judge(gs_doctor_report *r, gs_status status, const char *message) {
    const gs_doctor_fact *bad = bad_fact(r);
    char names[200] = "";
    if (r->wrong_op_count) {
        size_t used = 0;
        for (uint32_t i = 0; i < r->op_count; i++) {
            if (!r->ops[i].wrong || used + 60 > sizeof names) continue;
            const int n = snprintf(names + used, sizeof names - used, "%s%s%s", used ? ", " : "", r->ops[i].name,
                                   r->ops[i].backward ? " backward" : "");
            used += n > 0 ? (size_t)n : 0;
        }
        snprintf(r->verdict, sizeof r->verdict, "%u of %u checked ops compute wrongly: %s%s", r->wrong_op_count,
                 checked_ops(r), names, status != GS_OK ? "; then the check failed" : "");
    } else if (status != GS_OK) {
        snprintf(r->verdict, sizeof r->verdict, "%.480s", message);
    } else if (bad) {
        snprintf(r->verdict, sizeof r->verdict, "%s: %s", bad->name, bad->found);
    } else {
        r->safe = true;
        snprintf(r->verdict, sizeof r->verdict,
                 "all %u checked ops compute as the references, in %u steps of %u models", checked_ops(r),
                 r->step_count, r->model_count);
    }
}

// --- the whole --------------------------------------------------------------------------------------------------------
// Of a device: a finding. Of the caller or the host: an error.
static bool is_finding(gs_status status) {
    return status != GS_OK && status != GS_STOPPED && status != GS_ERR_MEMORY;
}

static gs_status examine(gs_context *context, const gs_doctor_params *params, struct report *r,
                         gs__doctor_checks *checks) {
    gs__error *error = gs__context_error(context);
    gs_doctor_report *public = &r->public;
    gs_status status = gs__context_gpu(context, &checks->gpu), finding = GS_OK;
    gs__error said = {0};
    if (is_finding(status)) {
        finding = status, said = *error;
        GS_TRY(find_known(r, error, NULL));
    } else if (status != GS_OK) goto fail;
    if (checks->gpu) {
        const gs__gpu_caps *caps = gs__gpu_get_caps(checks->gpu);
        public->device = caps->info;
        public->fact_count = gs__doctor_facts(caps, r->facts);
        GS_TRY(find_known(r, error, caps));
        finding = gs__doctor_check_models(context, checks);
        if (finding == GS_OK) finding = gs__context_check_validation(context);
        status = is_finding(finding) ? GS_OK : finding;
        if (status != GS_OK) goto fail;
        said = *error;
        GS_TRY(list_ops(r, checks, caps, finding == GS_OK));
        if (finding == GS_OK && !public->wrong_op_count && !params->no_timing) {
            finding = gs__doctor_time(context, 32, params->stop, &public->samples_per_second);
            if (finding == GS_OK)
                finding = gs__doctor_time(context, 1024, params->stop, &public->large_batch_samples_per_second);
            status = is_finding(finding) ? GS_OK : finding;
            if (status != GS_OK) goto fail;
            said = *error;
        }
    }
    judge(public, finding, said.message);
fail:
    return status;
}

gs_status gs_doctor_run(gs_context *context, const gs_doctor_params *params, gs_doctor_report **out) {
    static const gs_doctor_params defaults;
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!out) return gs__fail(error, GS_ERR_ARGUMENT, "gs_doctor_run: report is NULL");
    *out = NULL;
    gs_device_info device;
    gs_status status = gs_device_get(context, &device, NULL, 0);
    if (status != GS_OK) return status;
    if (!params) params = &defaults;
    struct report *r = gs__allocate(error, 1, sizeof *r, "a report");
    gs__doctor_checks *checks = gs__allocate(error, 1, sizeof *checks, "checks");
    if (!r || !checks) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    r->public.device = device;
    r->public.facts = r->facts;
    checks->error = error;
    checks->stop = params->stop;
    GS_TRY(examine(context, params, r, checks));
    *out = &r->public;
    r = NULL;
fail:
    if (r) gs_doctor_report_destroy(&(gs_doctor_report *){&r->public});
    free(checks);
    return status;
}

void gs_doctor_report_destroy(gs_doctor_report **report) {
    if (!report || !*report) return;
    struct report *whole = (struct report *)(void *)*report; // its first member
    gs__known_drivers_deinit(&whole->table);
    free(whole->known);
    free(whole->ops);
    free(whole);
    *report = NULL;
}

bool gs_doctor_recommend(const gs_doctor_report *const *reports, uint32_t count, uint32_t *index, char *reason,
                         size_t reason_bytes) {
    uint32_t best = count, safe = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!reports[i]->safe) continue;
        safe++;
        if (best == count || reports[i]->large_batch_samples_per_second > reports[best]->large_batch_samples_per_second)
            best = i;
    }
    if (best == count) {
        snprintf(reason, reason_bytes, "none of the devices computes as it should");
        return false;
    }
    *index = best;
    const double rate = reports[best]->large_batch_samples_per_second;
    if (safe == 1)
        snprintf(reason, reason_bytes, "%s",
                 count == 1 ? "the only device that was examined, and safe"
                            : "the only one of the devices that is safe");
    else if (rate > 0)
        snprintf(reason, reason_bytes, "the fastest of %u safe devices: %.0f samples/s of W1 in batches of 1024", safe,
                 rate);
    else snprintf(reason, reason_bytes, "the first of %u safe devices; none was timed", safe);
    return true;
}
