// Times an operation by submissions that hold it many times, so that the cost of submitting does not count.
#include "base/clock.h"
#include "bench/bench.h"

#include <math.h>

enum { MAX_COUNT = 4096 };

struct timer {
    gs__bench_record *record;
    void *user;
    gs__commands *commands;
    bool stamps;
    double host_ns, device_ns; // of the last submission; device_ns 0 without timestamps
};

static gs_status record_count(struct timer *t, uint32_t count) {
    gs_status status = GS_OK;
    GS_TRY(gs__commands_begin(t->commands));
    if (t->stamps) gs__commands_timestamp(t->commands, 0);
    GS_TRY(t->record(t->user, t->commands, count));
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

static gs_status measure(struct timer *t, double ns, double target_s, uint32_t repeats, gs__bench_timing *timing) {
    gs_status status = GS_OK;
    double values[GS__BENCH_MAX_REPEATS];
    // A short operation, submitted alone, shows mostly the cost of submitting: look twice.
    for (int i = 0; i < 2; i++) {
        const uint32_t count = choose_count(ns / timing->count, target_s);
        if (count <= timing->count) break;
        timing->count = count;
        GS_TRY(try_count(t, count, target_s, timing, &ns));
    }
    // Timestamps that disagree with the host's clock are not to be trusted.
    timing->device_clock = t->stamps && t->device_ns > 0.5 * t->host_ns && t->device_ns < 1.01 * t->host_ns;
    for (uint32_t i = 0; i < repeats; i++) {
        GS_TRY(run_once(t));
        timing->runs += timing->count;
        values[i] = (timing->device_clock && t->device_ns > 0 ? t->device_ns : t->host_ns) / timing->count;
    }
    timing->ns = gs__bench_spread_of(values, repeats);
fail:
    return status;
}

gs_status gs__bench_time(gs__bench *bench, gs__bench_record *record, void *user, uint32_t repeats, double budget_s,
                         gs__bench_timing *timing) {
    gs_status status = GS_OK;
    struct timer t = {.record = record, .user = user, .stamps = gs__gpu_get_caps(bench->gpu)->timestamps};
    double ns;
    *timing = (gs__bench_timing){.count = 1};
    if (repeats > GS__BENCH_MAX_REPEATS) repeats = GS__BENCH_MAX_REPEATS;
    GS_TRY(gs__commands_create(bench->gpu, t.stamps ? 2 : 0, &t.commands));
    GS_TRY(record_count(&t, 1));
    GS_TRY(run_once(&t)); // some drivers compile at the first dispatch
    timing->runs = 1;
    GS_TRY(try_count(&t, 1, bench->repeat_s, timing, &ns));
    timing->ns = (gs_bench_spread){.median = ns, .low = ns, .high = ns, .count = 1};
    timing->too_slow = ns * repeats > budget_s * 1e9;
    if (!timing->too_slow) GS_TRY(measure(&t, ns, bench->repeat_s, repeats, timing));
fail:
    gs__commands_destroy(t.commands);
    return status;
}
