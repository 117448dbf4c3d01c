// What the files of this folder share.
#ifndef GS_DOCTOR_DOCTOR_H
#define GS_DOCTOR_DOCTOR_H

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "gpu/gpu.h"
#include "model/model.h"
#include <gradsmith/doctor.h>

// --- conformance.c: steps on the device against references, node by node ---------------------------------------------
enum { GS__DOCTOR_MAX_OPS = 128, GS__DOCTOR_BEHIND_WORDS = GS__DOCTOR_MAX_OPS * 2 / 64 };

// An op in one direction; index 2 * its place in gs__op_table + 1 for backward.
typedef struct gs__doctor_entry {
    uint64_t values, wrong;
    double max_relative, max_ulp;
    double worst; // error, in tolerances
    char place[256];
    // Wrong results that were computed from what another op left, and could not be read in between: bits of those ops.
    uint64_t behind_wrong, behind[GS__DOCTOR_BEHIND_WORDS];
    char behind_place[256];
} gs__doctor_entry;

typedef struct gs__doctor_checks {
    gs__error *error;
    gs__gpu *gpu;
    gs__doctor_entry entries[2 * GS__DOCTOR_MAX_OPS];
    const char *title;        // of the model at hand
    const volatile int *stop; // may be NULL
    uint32_t models, steps;   // so far
} gs__doctor_checks;

// Runs `steps` steps of the graph from its first values (samples, targets, the weights of the model), and compares every
// result of every node. The graph is ready for gs__plan_create; `fill` writes samples and targets.
typedef struct gs__doctor_values {
    gs__value value;
    const void *data; // in the value's dtype
    uint64_t bytes;
} gs__doctor_values;
gs_status gs__doctor_check_graph(gs__doctor_checks *checks, gs__graph *graph, const gs__doctor_values *values,
                                 uint32_t value_count, const struct gs_state *state, uint32_t steps);

// Results that are wrong only because of the op before are no longer counted. Call at the end.
void gs__doctor_settle(gs__doctor_checks *checks);

// How far a float32 result may be from the reference: see docs/doctor.md. `largest`: of the tensor's values.
double gs__doctor_tolerance(const gs_op *op, double expected, double largest, bool is_state);

// --- cases.c: small models that hold every op -------------------------------------------------------------------------
// Runs all of them. Returns what keeps it from going on: of the device (a finding), or GS_ERR_MEMORY, GS_STOPPED.
gs_status gs__doctor_check_models(gs_context *context, gs__doctor_checks *checks);
// Why that op may be left out on this device, or NULL.
const char *gs__doctor_excuse(const gs_op *op, gs__pass pass, const gs__gpu_caps *caps);

// --- known.c ----------------------------------------------------------------------------------------------------------
// An entry of the table, strings borrowed from the document.
typedef struct gs__known_driver {
    gs_doctor_known public;
    const char *driver, *device, *type; // parts of texts, in any case; NULL: any
    int64_t vendor_id;                  // -1: any
} gs__known_driver;
typedef struct gs__known_drivers {
    gs__json *json;
    gs__known_driver *entries;
    uint32_t count;
} gs__known_drivers;
gs_status gs__known_drivers_read(gs__error *error, gs__known_drivers *known);
void gs__known_drivers_deinit(gs__known_drivers *known);
bool gs__known_driver_matches(const gs__known_driver *entry, const gs_device_info *device);

// --- facts.c ----------------------------------------------------------------------------------------------------------
enum { GS__DOCTOR_MAX_FACTS = 16 };
uint32_t gs__doctor_facts(const gs__gpu_caps *caps, gs_doctor_fact facts[GS__DOCTOR_MAX_FACTS]);

// --- timing.c ---------------------------------------------------------------------------------------------------------
// Samples a second of W1 in batches of that size.
gs_status gs__doctor_time(gs_context *context, uint32_t batch, const volatile int *stop, double *samples_per_second);

#endif
