// What the files of this folder share: a run, how operations are timed, and results.
#ifndef GS_BENCH_BENCH_H
#define GS_BENCH_BENCH_H

#include "base/error.h"
#include "base/text.h"
#include "gpu/gpu.h"
#include <gradsmith/bench.h>

enum { GS__BENCH_MAX_REPEATS = 101 };

// Facts of a report that do not come from the device.
typedef struct gs__bench_host {
    char cpu[128];    // the processor's name
    char system[128]; // "Linux 6.1.0 x86_64"
    char date[32];    // UTC, "2026-11-24T21:13:47Z"
    uint32_t threads; // of the processor
    double load;      // running processes before the run, mean of a minute; below 0: unknown
} gs__bench_host;

typedef struct gs__bench {
    gs_context *context;
    gs__error *error;
    gs__gpu *gpu;
    const gs_bench_params *params;
    uint32_t repeats;          // of each measurement
    double repeat_s;           // how long a repeat should take
    double budget_s;           // what would take longer in all its repeats is skipped
    struct gs__bench_fma *fma; // the quickest multiply-adds, to measure others beside them; NULL before they are known
    gs__bench_host host;
    gs_bench_result *results;
    uint32_t result_count, result_capacity;
} gs__bench;

// The three parts. Each result goes to gs__bench_add.
gs_status gs__bench_fma(gs__bench *bench); // sets bench->fma, which the caller destroys
void gs__bench_fma_destroy(struct gs__bench_fma *fma);
gs_status gs__bench_transfers(gs__bench *bench); // copies, dispatches, submissions
gs_status gs__bench_matmul(gs__bench *bench);
gs_status gs__bench_train(gs__bench *bench);

// Keeps the result and shows it to the caller. GS_STOPPED when the caller wants no more.
gs_status gs__bench_add(gs__bench *bench, const gs_bench_result *result);

// After a failure: adds `result` as skipped, with the message as the reason, where the device just lacks something.
// Other failures are returned.
gs_status gs__bench_skip_failed(gs__bench *bench, gs_status failure, gs_bench_result *result);

// --- statistics.c -----------------------------------------------------------------------------------------------
// Sorts the values. The median of an even number is the mean of the middle two. `count` >= 1.
gs_bench_spread gs__bench_spread_of(double *values, uint32_t count);

// Turns times into rates: scale / time. The shortest time is the highest rate.
gs_bench_spread gs__bench_rate(const gs_bench_spread *time, double scale);

// How far a float32 sum of products may be from the exact one. `squares`: sum of the squared products. The error of a
// sum of k random terms grows as their root, whatever the order: sqrt(k squares) 2^-24 / 2.4 is the expected size, of
// which this is some forty times, so that only what is computed wrongly exceeds it.
double gs__bench_tolerance(uint32_t k, double squares);

// --- timing.c ---------------------------------------------------------------------------------------------------
// Records the operation `count` times, each after a barrier.
typedef gs_status gs__bench_record(void *user, gs__commands *commands, uint32_t count);

typedef struct gs__bench_op {
    gs__bench_record *record;
    void *user;
    double work; // what a rate is in: operations, bytes
} gs__bench_op;
gs__bench_op gs__bench_fma_op(struct gs__bench_fma *fma);

typedef struct gs__bench_timing {
    bool too_slow;      // spread.median is what one operation took; nothing else was measured
    gs_bench_spread ns; // of one operation
    uint32_t count;     // operations in each repeat, one submission
    uint64_t runs;      // operations in all, warm-up included
    bool device_clock;
    double share; // median of the rate over that of `beside`
} gs__bench_timing;

// Warms up, chooses how many operations make a repeat of bench->repeat_s, measures `repeats` of them, unless that would
// take more than `budget_s`. `beside` (may be NULL) runs for as long after each repeat: clocks and other load change the
// rate of both alike, so that the share is steady where the rates are not.
gs_status gs__bench_time(gs__bench *bench, const gs__bench_op *op, const gs__bench_op *beside, uint32_t repeats,
                         double budget_s, gs__bench_timing *timing);

// --- report.c ---------------------------------------------------------------------------------------------------
void gs__bench_host_get(gs__bench_host *host);

// The report as JSON, format 1.
void gs__bench_report(const gs__bench *bench, const gs_device_info *device, gs__text *text);

#endif
