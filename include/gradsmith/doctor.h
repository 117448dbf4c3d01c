// Examines a device: what of it is used, what is known of its driver, and whether it computes what it should: every op,
// forward, backward and optimizer, against references in double precision, in training steps of small models.
//
//     gs_doctor_report *report;
//     gs_doctor_run(context, &(gs_doctor_params){.no_timing = true}, &report);
//     if (!report->safe) puts(report->verdict);
//     gs_doctor_report_destroy(&report);
//
// docs/doctor.md says how values are compared.
#ifndef GRADSMITH_DOCTOR_H
#define GRADSMITH_DOCTOR_H

#include <gradsmith/device.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gs_doctor_grade {
    GS_DOCTOR_GOOD = 0,
    GS_DOCTOR_ABSENT, // not there, and not needed: something is slower, or not offered
    GS_DOCTOR_BAD,    // less than the kernels need
} gs_doctor_grade;

// A feature or a limit of the device.
typedef struct gs_doctor_fact {
    const char *name, *use; // static
    char found[64];         // "yes", "32768 bytes, needed 16384"
    gs_doctor_grade grade;
} gs_doctor_fact;

// What is known of drivers such as this one, from assets/known-drivers.json. Strings are borrowed from the report.
typedef struct gs_doctor_known {
    const char *id, *affects, *what, *advice, *source; // source: a URL
    const char *here;                                  // what that means for gradsmith on this device; static
} gs_doctor_known;

// An op in one direction.
typedef struct gs_doctor_op {
    const char *name; // static: "matmul"
    bool backward;
    bool checked;                 // some value of it was compared; else `note` says why not
    uint64_t values, wrong;       // compared; beyond the tolerance
    double max_relative, max_ulp; // largest error of values that are not much smaller than their tensor's largest
    char note[256];               // where the worst error is, or why it was not checked
} gs_doctor_op;

// A device, examined. Owned by the caller.
typedef struct gs_doctor_report {
    gs_device_info device;
    gs_doctor_fact *facts;
    uint32_t fact_count;
    gs_doctor_known *known;
    uint32_t known_count;
    gs_doctor_op *ops; // every op of the library, in alphabetical order, each with its directions
    uint32_t op_count;
    uint32_t wrong_op_count;
    uint32_t model_count, step_count; // that were run for it
    // The workload W1 (784 - 64 - 10, Adam) on random data, in batches of 32 and of 1024; 0: not measured.
    double samples_per_second, large_batch_samples_per_second;
    bool safe;
    char verdict[512]; // one line: why it is or is not
} gs_doctor_report;

typedef struct gs_doctor_params {
    bool no_timing;           // leaves samples_per_second 0
    const volatile int *stop; // polled; nonzero ends it with GS_STOPPED. May be NULL
} gs_doctor_params;

// Examines the context's device. That it cannot be opened, loses work or computes wrongly is a finding, not an error: the
// report is then made, with safe = false. `params` may be NULL.
// Errors: GS_ERR_NO_DEVICE, GS_ERR_ARGUMENT (there is no such device), GS_ERR_MEMORY, GS_STOPPED.
// Cost: some seconds, for compiling every kernel.
GS_API gs_status gs_doctor_run(gs_context *context, const gs_doctor_params *params, gs_doctor_report **report);
GS_API void gs_doctor_report_destroy(gs_doctor_report **report);

// Which of the devices should train: the fastest in large batches of those that are safe. Writes its index in `reports`
// and why. Returns false when none is safe.
GS_API bool gs_doctor_recommend(const gs_doctor_report *const *reports, uint32_t count, uint32_t *index, char *reason,
                                size_t reason_bytes);

// The system around the devices, without a Vulkan loader too. Each advice is a line without newline.
enum { GS_DOCTOR_MAX_ADVICE = 8 };
typedef struct gs_doctor_system {
    char name[128];            // of /etc/os-release: "Debian GNU/Linux 12 (bookworm)"; "" unknown
    char install_command[256]; // installs a loader and drivers for the GPUs found, and a CPU device
    char gpus[256];            // vendors of the GPUs that the kernel drives: "AMD, Intel"; "" none
    char advice[GS_DOCTOR_MAX_ADVICE][320];
    uint32_t advice_count;
} gs_doctor_system;

// `infos`: the Vulkan devices found. With none, what to install comes first.
GS_API void gs_doctor_look(const gs_device_info *infos, uint32_t count, gs_doctor_system *system);

// Writes everything as JSON (format 1) to `path`. `chosen`: the index in `reports` of the device that gradsmith uses;
// `recommended`: of the one it should; count: none.
// Errors: GS_ERR_FILE, GS_ERR_MEMORY.
GS_API gs_status gs_doctor_write(gs_context *context, const char *path, const gs_doctor_system *system,
                                 const gs_doctor_report *const *reports, uint32_t count, uint32_t chosen,
                                 uint32_t recommended, const char *reason);

#ifdef __cplusplus
}
#endif
#endif
