// Replays a plan: submissions of 5 to 50 ms, at most two in flight.
#include "base/clock.h"
#include "plan/internal.h"
#include "plan/tick.h"

#include <stdlib.h>
#include <string.h>

#define TARGET_NS 20000000ull // of a submission: far below every watchdog, far above the cost of submitting

static uint32_t log2_floor(uint64_t n) {
    uint32_t log = 0;
    while (n >>= 1) log++;
    return log;
}

static gs_status submit_next(gs__plan *plan, gs__run *run) {
    uint64_t left = run->steps - run->submitted;
    if (run->mark > run->submitted && run->mark - run->submitted < left) left = run->mark - run->submitted;
    const uint64_t most = plan->profile ? 1 : plan->steps_per_submission;
    const uint32_t size = log2_floor(left < most ? left : most), parity = plan->next_parity;
    for (uint32_t i = 0; i < 1u << size && plan->feed; i++) {
        gs_status fed = plan->feed(plan->feed_user, &plan->fed);
        if (fed != GS_OK) return fed;
        gs__tick_next(&plan->fed);
    }
    gs_status status = gs__plan_submit(plan, parity, size);
    if (status != GS_OK) return status;
    plan->pending[plan->pending_count++] =
        (struct gs__submission){plan->commands[parity][size], 1u << size, parity, gs__clock_ns()};
    plan->next_parity = parity ^ 1;
    run->submitted += 1u << size;
    return GS_OK;
}

// The device and the host step the State on independently: a driver that dropped work is found out.
static gs_status check_canary(gs__plan *plan, const struct gs_state *state) {
    const struct gs_position *found = &state->next, *expected = &plan->expected.next;
    if (found->step_lo == expected->step_lo && found->step_hi == expected->step_hi && found->token == expected->token &&
        found->epoch == expected->epoch && found->begin == expected->begin && found->rows == expected->rows)
        return GS_OK;
    return gs__fail(plan->error, GS_ERR_DEVICE,
                    "the device is at step %u (token %08x) where step %u (token %08x) was expected: the driver dropped "
                    "work; update it, or choose another device",
                    found->step_lo, found->token, expected->step_lo, expected->token);
}

// Longer submissions while they are short, shorter ones while they are long.
static void adapt(gs__plan *plan, const struct gs__submission *done) {
    const uint64_t now = gs__clock_ns();
    const uint64_t begin = done->submit_ns > plan->last_done_ns ? done->submit_ns : plan->last_done_ns;
    const uint64_t step_ns = (now - begin) / done->steps + 1;
    plan->last_done_ns = now;
    if (done->steps != plan->steps_per_submission) return;
    if (step_ns * done->steps > 2 * TARGET_NS && done->steps > 1) plan->steps_per_submission /= 2;
    else if (step_ns * done->steps < TARGET_NS / 2 && done->steps < plan->max_steps) plan->steps_per_submission *= 2;
}

static gs_status take_samples(gs__plan *plan, gs__commands *commands) {
    gs_status status = GS_OK;
    double *ns = malloc(2 * plan->dispatch_count * sizeof *ns);
    if (!ns) return gs__fail(plan->error, GS_ERR_MEMORY, "out of host memory for timestamps");
    GS_TRY(gs__commands_timestamps(commands, ns, 2 * plan->dispatch_count));
    for (uint32_t i = 0; i < plan->dispatch_count; i++)
        plan->samples[i * GS__TIMING_SAMPLES + plan->sample_count % GS__TIMING_SAMPLES] = ns[2 * i + 1] - ns[2 * i];
    plan->sample_count++;
fail:
    free(ns);
    return status;
}

static gs_status finish_oldest(gs__plan *plan, gs__run *run) {
    gs_status status = GS_OK;
    const struct gs__submission done = plan->pending[0];
    status = gs__commands_wait(done.commands);
    plan->pending[0] = plan->pending[1];
    plan->pending_count--;
    if (status != GS_OK) return status;
    adapt(plan, &done);
    const char *snapshot = gs__buffer_map(plan->snapshots);
    if (!snapshot) return gs__fail(plan->error, GS_ERR_INTERNAL, "the State's snapshot is not host-visible");
    snapshot += done.parity * GS__SNAPSHOT_BYTES;
    struct gs_state state;
    memcpy(&state, snapshot, sizeof state);
    const float *ring = (const float *)(const void *)snapshot + GS_STATE_RING_OFFSET;
    for (uint32_t i = 0; i < done.steps; i++) {
        const uint32_t entry = plan->expected.next.step_lo % GS_RING_ENTRIES;
        memcpy(plan->entries + i * GS_RING_SUMS, ring + entry * GS_RING_SUMS, GS_RING_SUMS * sizeof(float));
        gs__tick_next(&plan->expected);
    }
    GS_TRY(check_canary(plan, &state));
    if (plan->profile) GS_TRY(take_samples(plan, done.commands));
    run->finished += done.steps;
    run->entries = plan->entries;
    run->entry_count = done.steps;
fail:
    return status;
}

gs_status gs__plan_advance(gs__plan *plan, gs__run *run) {
    run->entry_count = 0;
    while (run->submitted < run->steps && plan->pending_count < GS__PARITIES) {
        gs_status status = submit_next(plan, run);
        if (status == GS_OK && run->mark == run->submitted) status = run->at_mark(run->user, run);
        if (status != GS_OK) return status;
        if (plan->profile) break;
    }
    return plan->pending_count ? finish_oldest(plan, run) : GS_OK;
}

gs_status gs__plan_wait(gs__plan *plan) {
    gs__run ignored = {0};
    while (plan->pending_count) {
        gs_status status = finish_oldest(plan, &ignored);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

gs_status gs__plan_get_timing(gs__plan *plan, uint32_t dispatch, gs__plan_timing *timing) {
    if (dispatch >= plan->dispatch_count)
        return gs__fail(plan->error, GS_ERR_ARGUMENT, "dispatch %u of %u", dispatch, plan->dispatch_count);
    const gs__plan_dispatch *info = &plan->dispatches[dispatch];
    *timing = (gs__plan_timing){info->layer, info->op, info->pass, 0.0, info->bytes};
    const uint32_t count = plan->sample_count < GS__TIMING_SAMPLES ? plan->sample_count : GS__TIMING_SAMPLES;
    if (!count) return GS_OK;
    double *sorted = malloc(count * sizeof *sorted);
    if (!sorted) return gs__fail(plan->error, GS_ERR_MEMORY, "out of host memory for a profile");
    memcpy(sorted, plan->samples + (size_t)dispatch * GS__TIMING_SAMPLES, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    timing->median_ns = count % 2 ? sorted[count / 2] : 0.5 * (sorted[count / 2 - 1] + sorted[count / 2]);
    free(sorted);
    return GS_OK;
}
