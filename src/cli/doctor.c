// gradsmith doctor: examines every device, and says which to use.
#include "cli.h"
#include "interrupt.h"
#include "options.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "Examines every Vulkan device, the processor's among them: the driver, the\n"
                           "features and limits that are used, what is known of the driver, and whether\n"
                           "every op, forward, backward and optimizer, computes what its reference in\n"
                           "double precision does, in training steps of small models. Times a training,\n"
                           "then says which device to use and what would help.\n"
                           "Exit code 0: training is safe on the device that gradsmith would use. 1: not.";

enum { MAX_DEVICES = 64 };

struct exam {
    gs_device_info devices[MAX_DEVICES];
    uint32_t device_count; // that Vulkan shows
    gs_doctor_report *reports[MAX_DEVICES];
    uint32_t count, chosen; // examined; that gradsmith uses
    gs_doctor_system system;
    char reason[256]; // of the choice
    bool ops;
    const char *json;
};

static void print_row(const char *name, const char *value) {
    printf("  %-20s%s\n", name, cli_clean(value, 0).text);
}

static void print_facts(const gs_doctor_report *r) {
    static const char *const marks[] = {"", "  (not needed)", "  TOO LITTLE"};
    for (uint32_t i = 0; i < r->fact_count; i++)
        printf("  %-20s%-36s %s%s\n", r->facts[i].name, r->facts[i].found, r->facts[i].use, marks[r->facts[i].grade]);
}

static void print_known(const gs_doctor_report *r) {
    for (uint32_t i = 0; i < r->known_count; i++) {
        const gs_doctor_known *k = &r->known[i];
        printf("  known of this driver: %s\n    %s\n    here: %s\n    advice: %s\n    source: %s\n", k->id, k->what,
               k->here, k->advice, k->source);
    }
}

static void print_op(const gs_doctor_op *op) {
    printf("    %-26s%-9s", op->name, op->backward ? "backward" : "forward");
    if (!op->checked) printf("not checked: %s\n", op->note);
    else
        printf("%8" PRIu64 " values, %" PRIu64 " wrong; relative %.1e, %.0f ulp\n", op->values, op->wrong,
               op->max_relative, op->max_ulp);
}

static void print_ops(const gs_doctor_report *r, bool all) {
    const gs_doctor_op *worst = NULL;
    uint32_t checked = 0;
    for (uint32_t i = 0; i < r->op_count; i++) {
        const gs_doctor_op *op = &r->ops[i];
        checked += op->checked;
        if (op->checked && !op->wrong && (worst == NULL || op->max_relative > worst->max_relative)) worst = op;
    }
    printf("  %-20s%u of %u checked, %u wrong\n", "ops", checked, r->op_count, r->wrong_op_count);
    if (worst != NULL)
        printf("    largest error of those that are right: %s%s, relative %.1e, %.0f ulp\n", worst->name,
               worst->backward ? " backward" : "", worst->max_relative, worst->max_ulp);
    for (uint32_t i = 0; i < r->op_count; i++) {
        const gs_doctor_op *op = &r->ops[i];
        if (all || op->wrong > 0) print_op(op);
        if (op->wrong > 0) printf("      WRONG: %s\n", cli_clean(op->note, 0).text);
    }
}

static void print_report(const gs_doctor_report *r, bool ops) {
    print_facts(r);
    print_known(r);
    if (r->op_count > 0) print_ops(r, ops);
    if (r->samples_per_second > 0)
        printf("  %-20s%.0f samples/s in batches of 32, %.0f of 1024\n", "training W1", r->samples_per_second,
               r->large_batch_samples_per_second);
    printf("  %-20s%s: %s\n", "verdict", r->safe ? "SAFE" : "NOT SAFE", cli_clean(r->verdict, 0).text);
    fflush(stdout);
}

// --- what is examined ---------------------------------------------------------------------------------------------------
// A device that cannot be opened has a report all the same. Returns an exit code.
static int examine(struct exam *exam, uint32_t device, const volatile int *stop) {
    char index[16];
    gs_context *context;
    const gs_device_info *info = &exam->devices[device];
    snprintf(index, sizeof index, "%" PRIu32, info->index);
    if (gs_context_create(&context, &(gs_context_params){.device = index, .no_autotune = true}) != GS_OK)
        return cli_fail("out of memory");
    printf("\nDevice %" PRIu32 ": %s\n", info->index, cli_clean(info->name, 0).text);
    print_row("type", gs_device_type_text(info->type));
    print_row("driver", info->driver);
    print_row("Vulkan", info->api_version);
    print_row("memory", cli_bytes(info->memory_bytes).text);
    fflush(stdout); // a driver that ends the program has been named
    const gs_status status = gs_doctor_run(context, &(gs_doctor_params){.stop = stop}, &exam->reports[exam->count]);
    int code = CLI_OK;
    if (status == GS_OK) print_report(exam->reports[exam->count++], exam->ops);
    else if (status == GS_STOPPED) code = CLI_SIGNAL + *stop;
    else code = cli_fail_context(context, NULL);
    gs_context_destroy(&context);
    return code;
}

// Which of the reports is of the device that gradsmith uses.
static void find_chosen(gs_context *context, struct exam *exam) {
    gs_device_info device;
    exam->chosen = exam->count;
    if (gs_device_get(context, &device, exam->reason, sizeof exam->reason) != GS_OK) return;
    for (uint32_t i = 0; i < exam->count; i++)
        if (exam->reports[i]->device.index == device.index) exam->chosen = i;
}

static int conclude(gs_context *context, struct exam *exam) {
    char reason[256] = "";
    uint32_t best = exam->count;
    const gs_doctor_report *const *reports = (const gs_doctor_report *const *)exam->reports;
    if (exam->count > 0 && !gs_doctor_recommend(reports, exam->count, &best, reason, sizeof reason)) best = exam->count;
    const gs_doctor_report *chosen = exam->chosen < exam->count ? reports[exam->chosen] : NULL;
    printf("\n");
    if (best < exam->count) {
        printf("Use device %" PRIu32 ", %s: %s\n", reports[best]->device.index,
               cli_clean(reports[best]->device.name, 0).text, reason);
        if (best != exam->chosen)
            printf("gradsmith would take another by itself: give --device %" PRIu32 ", or set GRADSMITH_DEVICE\n",
                   reports[best]->device.index);
    } else if (exam->count > 0) printf("Use none of the devices: %s\n", reason);
    for (uint32_t i = 0; i < exam->count; i++)
        if (!reports[i]->safe)
            printf("Device %" PRIu32 ": do not train on it. Update its driver (%s); if that does not help, report it\n",
                   reports[i]->device.index, cli_clean(reports[i]->device.driver, 0).text);
    if (exam->system.name[0]) printf("System: %s\n", exam->system.name);
    for (uint32_t i = 0; i < exam->system.advice_count; i++)
        printf("Advice: %s\n", cli_clean(exam->system.advice[i], 0).text);
    if (exam->json != NULL) {
        if (gs_doctor_write(context, exam->json, &exam->system, reports, exam->count, exam->chosen, best, reason) !=
            GS_OK)
            return cli_fail_context(context, NULL);
        printf("The report is in %s\n", exam->json);
    }
    if (chosen == NULL) return cli_fail("there is no device to train on");
    if (!chosen->safe)
        return cli_fail("device %" PRIu32 " (%s) is not safe to train on: %s", chosen->device.index,
                        cli_clean(chosen->device.name, 60).text, cli_clean(chosen->verdict, 0).text);
    return CLI_OK;
}

// `all`: every device, else the context's.
static int run(gs_context *context, struct exam *exam, bool all) {
    int code = CLI_OK;
    gs_device_info only;
    const gs_status listed = gs_device_list(context, exam->devices, MAX_DEVICES, &exam->device_count);
    if (listed != GS_OK && listed != GS_ERR_NO_DEVICE) return cli_fail_context(context, NULL);
    if (listed != GS_OK) exam->device_count = 0;
    if (exam->device_count > MAX_DEVICES) exam->device_count = MAX_DEVICES;
    gs_doctor_look(exam->devices, exam->device_count, &exam->system);
    if (!all && listed == GS_OK && gs_device_get(context, &only, NULL, 0) != GS_OK)
        return cli_fail_context(context, NULL);
    const volatile int *stop = cli_interrupt_begin();
    if (listed != GS_OK) printf("No device: %s\n", gs_context_message(context));
    else printf("%" PRIu32 " Vulkan device%s\n", exam->device_count, exam->device_count == 1 ? "" : "s");
    for (uint32_t i = 0; i < exam->device_count && code == CLI_OK; i++)
        if (all || exam->devices[i].index == only.index) code = examine(exam, i, stop);
    const int number = *stop;
    cli_interrupt_end();
    if (number != 0) {
        cli_fail("stopped by %s; no report was written", cli_interrupt_name(number));
        return CLI_SIGNAL + number;
    }
    if (code != CLI_OK) return code;
    find_chosen(context, exam);
    return conclude(context, exam);
}

int cli_doctor(int argc, char **argv) {
    gs_context_params params = {0};
    struct exam *exam = calloc(1, sizeof *exam);
    if (exam == NULL) return cli_fail("out of memory");
    const cli_option options[] = {
        {"device", "D", "all (default), an index, or a part of a name (see gradsmith devices)", .text = &params.device},
        {"ops", NULL, "list every op with its errors, not only those that are wrong", .flag = &exam->ops},
        {"json", "FILE", "write everything to FILE, as JSON", .text = &exam->json},
        {0},
    };
    const cli_usage usage = {
        .command = "doctor",
        .synopsis = "[OPTION...]",
        .text = text,
        .options = options,
        .examples = "  gradsmith doctor\n"
                    "  gradsmith doctor --device 0 --ops --json doctor.json\n",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code == CLI_GO_ON) {
        const bool all = params.device == NULL || strcmp(params.device, "all") == 0;
        gs_context *context;
        if (all) params.device = NULL;
        if (gs_context_create(&context, &params) == GS_OK) {
            code = run(context, exam, all);
            gs_context_destroy(&context);
        } else code = cli_fail("out of memory");
    }
    for (uint32_t i = 0; i < exam->count; i++) gs_doctor_report_destroy(&exam->reports[i]);
    free(exam);
    return code;
}
