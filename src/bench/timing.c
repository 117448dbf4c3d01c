// Times an operation by submissions that hold it many times, so that the cost of submitting does not count.
#include "base/clock.h"
#include "bench/bench.h"

#include <math.h>

enum { MAX_COUNT = 4096 };

struct timer {
    const gs__bench_op *op;
    gs__commands *commands;
    bool stamps;
    uint32_t count;            // of the operation in a submission
    double host_ns, device_ns; // of the last submission; device_ns 0 without timestamps
};

static gs_status record_count(struct timer *t, uint32_t count) {
    gs_status status = GS_OK;
    t->count = count;
    GS_TRY(gs__commands_begin(t->commands));
    if (t->stamps) gs__commands_timestamp(t->commands, 0);
    GS_TRY(t->op->record(t->op->user, t->commands, count));
    if (t->stamps) gs__commands_timestamp(t->commands, 1);
    GS_TRY(gs__commands_end(t->commands));
fail:
    return status;
}

static gs_status run_once(struct timer *t) {
    gs_status status = GS_OK;
    double stamps[2] = {0};
    const uint64_t begin = gs__clock_ns();
    GS_TRY(gs__commands_submit(t->commands));
    GS_TRY(gs__commands_wait(t->commands));
    t->host_ns = (double)(gs__clock_ns() - begin);
    if (t->stamps) GS_TRY(gs__commands_timestamps(t->commands, stamps, 2));
    t->device_ns = stamps[1];
fail:
    return status;
}

static uint32_t choose_count(double ns, double target_s) {
    const double wanted = target_s * 1e9 / (ns > 1 ? ns : 1);
    return wanted < 1 ? 1 : wanted > MAX_COUNT ? MAX_COUNT : (uint32_t)wanted;
}

// The shortest time, by the host's clock, that `count` operations take in some submissions; long ones run only once.
static gs_status try_count(struct timer *t, uint32_t count, double target_s, gs__bench_timing *timing, double *ns) {
    enum { TRIES = 5 };
    gs_status status = GS_OK;
    *ns = INFINITY;
    GS_TRY(record_count(t, count));
    for (int i = 0; i < TRIES; i++) {
        GS_TRY(run_once(t));
        timing->runs += count;
        if (t->host_ns < *ns) *ns = t->host_ns;
        if (*ns > 0.2e9 * target_s) break;
    }
fail:
    return status;
}

// Records so many operations that they take `target_s`. *ns: how long `count` of them take.
static gs_status fill(struct timer *t, double target_s, gs__bench_timing *timing, double *ns) {
    gs_status status = GS_OK;
    // A short operation, submitted alone, shows mostly the cost of submitting: look twice.
    for (int i = 0; i < 2; i++) {
        const uint32_t count = choose_count(*ns / t->count, target_s);
        if (count <= t->count) break;
        GS_TRY(try_count(t, count, target_s, timing, ns));
    }
fail:
    return status;
}

static gs_status timer_init(struct timer *t, gs__bench *bench, const gs__bench_op *op, gs__bench_timing *timing,
                            double *ns) {
    gs_status status = GS_OK;
    t->op = op;
    t->stamps = gs__gpu_get_caps(bench->gpu)->timestamps;
    GS_TRY(gs__commands_create(bench->gpu, t->stamps ? 2 : 0, &t->commands));
    GS_TRY(record_count(t, 1));
    GS_TRY(run_once(t)); // some drivers compile at the first dispatch
    timing->runs++;
    GS_TRY(try_count(t, 1, bench->repeat_s, timing, ns));
fail:
    return status;
}

static double time_of_one(const struct timer *t, bool device_clock) {
    return (device_clock && t->device_ns > 0 ? t->device_ns : t->host_ns) / t->count;
}

static gs_status measure(struct timer *t, struct timer *beside, uint32_t repeats, gs__bench_timing *timing) {
    gs_status status = GS_OK;
    double values[GS__BENCH_MAX_REPEATS], shares[GS__BENCH_MAX_REPEATS];
    // Timestamps that disagree with the host's clock are not to be trusted.
    timing->device_clock = t->stamps && t->device_ns > 0.5 * t->host_ns && t->device_ns < 1.01 * t->host_ns;
    for (uint32_t i = 0; i < repeats; i++) {
        GS_TRY(run_once(t));
        timing->runs += t->count;
        values[i] = time_of_one(t, timing->device_clock);
        if (!beside) continue;
        GS_TRY(run_once(beside));
        const double other = time_of_one(beside, timing->device_clock);
        shares[i] = t->op->work / values[i] / (beside->op->work / other);
    }
    timing->ns = gs__bench_spread_of(values, repeats);
    if (beside) timing->share = gs__bench_spread_of(shares, repeats).median;
fail:
    return status;
}

gs_status gs__bench_time(gs__bench *bench, const gs__bench_op *op, const gs__bench_op *beside, uint32_t repeats,
                         double budget_s, gs__bench_timing *timing) {
    gs_status status = GS_OK;
    struct timer t = {0}, other = {0};
    gs__bench_timing unused = {0};
    double ns, other_ns;
    *timing = (gs__bench_timing){0};
    if (repeats > GS__BENCH_MAX_REPEATS) repeats = GS__BENCH_MAX_REPEATS;
    GS_TRY(timer_init(&t, bench, op, timing, &ns));
    timing->ns = (gs_bench_spread){.median = ns, .low = ns, .high = ns, .count = 1};
    timing->too_slow = ns * repeats > budget_s * 1e9;
    if (!timing->too_slow) {
        GS_TRY(fill(&t, bench->repeat_s, timing, &ns));
        if (beside) {
            GS_TRY(timer_init(&other, bench, beside, &unused, &other_ns));
            GS_TRY(fill(&other, ns * 1e-9, &unused, &other_ns));
        }
        GS_TRY(measure(&t, beside ? &other : NULL, repeats, timing));
    }
    timing->count = t.count;
fail:
    gs__commands_destroy(t.commands);
    gs__commands_destroy(other.commands);
    return status;
}
