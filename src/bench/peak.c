// What the device can do at the most: multiply-adds, copies, dispatches, submissions.
#include "base/clock.h"
#include "base/memory.h"
#include "bench/bench.h"
#include "shaders.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Workgroups in a row, or in rows when there are more than the device takes in one.
static void fold(const gs__gpu_caps *caps, uint64_t groups, uint32_t out[3]) {
    const uint64_t row = groups < caps->max_groups[0] ? groups : caps->max_groups[0];
    out[0] = (uint32_t)row;
    out[1] = (uint32_t)((groups + row - 1) / row);
    out[2] = 1;
}

// --- multiply-adds ------------------------------------------------------------------------------------------------
enum { FMA_ROUNDS = 512, FMA_PER_ROUND = 8, FMA_MAX_ITEMS = 1 << 21, FMA_FIRST_ITEMS = 512, FMA_CHECKED = 64 };
#define FMA_FACTOR 0x1.ff8p-1f // 1 - 2^-10
#define FMA_TERM   0x1p-10f

struct gs__bench_fma {
    gs__gpu *gpu;
    gs__buffer *y;
    gs__pipeline *pipeline;
    uint32_t local, chains, items;
    bool split; // multiply, then add: quicker where fma() is a call
};

static gs_status record_fma(void *user, gs__commands *commands, uint32_t count) {
    gs_status status = GS_OK;
    const struct gs__bench_fma *f = user;
    const struct gs_push_bench_fma push = {.factor = FMA_FACTOR, .term = FMA_TERM};
    const gs__range range = {f->y, 0, (uint64_t)f->items * 16};
    uint32_t groups[3];
    fold(gs__gpu_get_caps(f->gpu), f->items / f->local, groups);
    for (uint32_t i = 0; i < count; i++) {
        GS_TRY(gs__commands_dispatch(commands, f->pipeline, &range, NULL, &push, sizeof push, groups));
        gs__commands_barrier(commands, false);
    }
fail:
    return status;
}

static gs_status choose_fma(struct gs__bench_fma *f, uint32_t local, uint32_t chains, bool split) {
    uint32_t spec[GS_SPEC_BENCH_FMA_COUNT];
    f->local = local;
    f->chains = chains;
    f->split = split;
    spec[GS_SPEC_BENCH_FMA_LOCAL_SIZE_X] = local;
    spec[GS_SPEC_BENCH_FMA_CHAINS] = chains;
    spec[GS_SPEC_BENCH_FMA_ROUNDS] = FMA_ROUNDS;
    spec[GS_SPEC_BENCH_FMA_SPLIT] = split;
    return gs__pipeline_get(f->gpu, &gs__shader_bench_fma, spec, GS_SPEC_BENCH_FMA_COUNT, &f->pipeline);
}

static double fma_flop(const struct gs__bench_fma *f) {
    return 2.0 * 4 * f->items * f->chains * FMA_ROUNDS * FMA_PER_ROUND;
}

// So many invocations that a dispatch takes some milliseconds: that fills any device.
static gs_status choose_items(gs__bench *bench, struct gs__bench_fma *f) {
    gs_status status = GS_OK;
    gs__commands *commands = NULL;
    const uint64_t most = gs__buffer_bytes(f->y) / 16;
    GS_TRY(gs__commands_create(f->gpu, 0, &commands));
    for (f->items = FMA_FIRST_ITEMS;; f->items *= 2) {
        GS_TRY(gs__commands_begin(commands));
        GS_TRY(record_fma(f, commands, 1));
        GS_TRY(gs__commands_end(commands));
        double ns = INFINITY;
        for (int i = 0; i < 4; i++) { // some drivers compile at the first dispatch
            const uint64_t begin = gs__clock_ns();
            GS_TRY(gs__commands_submit(commands));
            GS_TRY(gs__commands_wait(commands));
            const double now = (double)(gs__clock_ns() - begin);
            if (now < ns) ns = now;
        }
        if (ns > 0.3e9 * bench->repeat_s || 2 * (uint64_t)f->items > most) break;
    }
fail:
    gs__commands_destroy(commands);
    return status;
}

// Sums of the chains, as the closed form of the recurrence gives them.
static gs_status check_fma(const struct gs__bench_fma *f, gs_bench_result *result) {
    gs_status status = GS_OK;
    float y[FMA_CHECKED][4];
    const double a = (double)FMA_FACTOR, limit = (double)FMA_TERM / (1 - a);
    const double left = pow(a, FMA_ROUNDS * FMA_PER_ROUND);
    GS_TRY(gs__buffer_read(f->y, (uint64_t)(f->items - FMA_CHECKED) * 16, y, sizeof y));
    for (uint32_t i = 0; i < FMA_CHECKED; i++)
        for (uint32_t j = 0; j < 4; j++) {
            double sum = 0;
            for (uint32_t c = 0; c < f->chains; c++)
                sum += limit + ((double)((f->items - FMA_CHECKED + i) % 64 + 4 * c + j) - limit) * left;
            result->checked++;
            result->wrong += !(fabs((double)y[i][j] - sum) <= 1e-3 * sum);
        }
fail:
    return status;
}

// Keeps the shape of `f` when it is the fastest so far.
static gs_status try_fma(gs__bench *bench, struct gs__bench_fma *f, struct gs__bench_fma *best, double *best_rate) {
    gs__bench_timing timing;
    const gs_status status = gs__bench_time(bench, &(gs__bench_op){record_fma, f, 0}, NULL, 3, INFINITY, &timing);
    if (status != GS_OK) return status;
    const double rate = fma_flop(f) / timing.ns.low;
    if (rate <= *best_rate) return GS_OK;
    *best_rate = rate;
    *best = *f;
    return GS_OK;
}

static gs_status best_fma(gs__bench *bench, struct gs__bench_fma *f) {
    static const uint32_t locals[] = {8, 64, 256}, chains[] = {2, 3, 4, 6};
    gs_status status = GS_OK;
    struct gs__bench_fma best = *f;
    double best_rate = 0;
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t j = 0; j < 4; j++) {
            if (locals[i] > gs__gpu_get_caps(f->gpu)->max_invocations) continue;
            GS_TRY(choose_fma(f, locals[i], chains[j], false));
            GS_TRY(try_fma(bench, f, &best, &best_rate));
        }
    GS_TRY(choose_fma(f, best.local, best.chains, true));
    GS_TRY(try_fma(bench, f, &best, &best_rate));
    *f = best;
fail:
    return status;
}

gs__bench_op gs__bench_fma_op(struct gs__bench_fma *fma) {
    return (gs__bench_op){record_fma, fma, fma_flop(fma)};
}

void gs__bench_fma_destroy(struct gs__bench_fma *fma) {
    if (!fma) return;
    gs__buffer_destroy(fma->y);
    free(fma);
}

gs_status gs__bench_fma(gs__bench *bench) {
    gs_status status = GS_OK;
    const gs__gpu_caps *caps = gs__gpu_get_caps(bench->gpu);
    gs_bench_result result = {.kind = GS_BENCH_FMA};
    gs__bench_timing timing;
    uint64_t bytes = (uint64_t)FMA_MAX_ITEMS * 16;
    struct gs__bench_fma *f = gs__allocate(bench->error, 1, sizeof *f, "multiply-adds");
    if (!f) return GS_ERR_MEMORY;
    *f = (struct gs__bench_fma){.gpu = bench->gpu};
    bench->fma = f;
    while (bytes > caps->info.memory_bytes / 16 || bytes > caps->max_storage_range) bytes /= 2;
    if (bytes < FMA_FIRST_ITEMS * 16) bytes = FMA_FIRST_ITEMS * 16;
    GS_TRY(gs__buffer_create(bench->gpu, GS__MEMORY_DEVICE, bytes, "sums of multiply-adds", &f->y));
    GS_TRY(choose_fma(f, 8, 4, false));
    GS_TRY(choose_items(bench, f));
    GS_TRY(best_fma(bench, f));
    const gs__bench_op op = gs__bench_fma_op(f);
    GS_TRY(gs__bench_time(bench, &op, NULL, 3 * bench->repeats, INFINITY, &timing));
    GS_TRY(check_fma(f, &result));
    result.value = gs__bench_rate(&timing.ns, op.work);
    result.device_clock = timing.device_clock;
    result.per_repeat = timing.count;
    snprintf(result.detail, sizeof result.detail, "groups of %u, %u chains of vec4 an invocation, %u invocations, %s",
             f->local, f->chains, f->items, f->split ? "multiply then add" : "fma");
    status = gs__bench_add(bench, &result);
fail:
    return status;
}

// --- copies -------------------------------------------------------------------------------------------------------
enum { COPY_WORD = 0x3f9d70a4, COPY_CHECKED = 64, COPY_PART = 4096 };

struct copy {
    gs__gpu *gpu;
    gs__buffer *from, *to;
    gs__pipeline *pipeline; // NULL: by command
    uint64_t bytes;
    uint32_t local, per_item;
};

static gs_status record_copy(void *user, gs__commands *commands, uint32_t count) {
    gs_status status = GS_OK;
    const struct copy *c = user;
    const gs__range ranges[2] = {{c->from, 0, c->bytes}, {c->to, 0, c->bytes}};
    const struct gs_push_bench_copy push = {.count = (uint32_t)(c->bytes / 16)};
    uint32_t groups[3];
    fold(gs__gpu_get_caps(c->gpu), c->bytes / 16 / (c->local * c->per_item), groups);
    for (uint32_t i = 0; i < count; i++) {
        if (!c->pipeline) gs__commands_copy(commands, ranges[0], c->to, 0);
        else GS_TRY(gs__commands_dispatch(commands, c->pipeline, ranges, NULL, &push, sizeof push, groups));
        gs__commands_barrier(commands, false);
    }
fail:
    return status;
}

// Fills both buffers, so that an older copy does not pass for a new one.
static gs_status fill_copy(const struct copy *c) {
    gs_status status = GS_OK;
    gs__commands *commands = NULL;
    GS_TRY(gs__commands_create(c->gpu, 0, &commands));
    GS_TRY(gs__commands_begin(commands));
    gs__commands_fill(commands, (gs__range){c->from, 0, c->bytes}, COPY_WORD);
    gs__commands_fill(commands, (gs__range){c->to, 0, c->bytes}, 0);
    GS_TRY(gs__commands_end(commands));
    GS_TRY(gs__commands_submit(commands));
    GS_TRY(gs__commands_wait(commands));
fail:
    gs__commands_destroy(commands);
    return status;
}

static gs_status check_copy(const struct copy *c, gs_bench_result *result) {
    gs_status status = GS_OK;
    for (uint64_t i = 0; i < COPY_CHECKED; i++) {
        uint32_t word = 0;
        GS_TRY(gs__buffer_read(c->to, (c->bytes - 4) / (COPY_CHECKED - 1) * i / 4 * 4, &word, sizeof word));
        result->checked++;
        result->wrong += word != COPY_WORD;
    }
fail:
    return status;
}

static gs_status choose_copy(struct copy *c, uint32_t local, uint32_t per_item) {
    uint32_t spec[GS_SPEC_BENCH_COPY_COUNT];
    c->local = local;
    c->per_item = per_item;
    spec[GS_SPEC_BENCH_COPY_LOCAL_SIZE_X] = local;
    spec[GS_SPEC_BENCH_COPY_PER_ITEM] = per_item;
    return gs__pipeline_get(c->gpu, &gs__shader_bench_copy, spec, GS_SPEC_BENCH_COPY_COUNT, &c->pipeline);
}

static gs_status best_copy(gs__bench *bench, struct copy *c) {
    static const uint32_t shapes[][2] = {{8, 1}, {8, 16}, {64, 1}, {64, 4}, {256, 1}, {256, 4}};
    gs_status status = GS_OK;
    uint32_t best = 0;
    double best_ns = INFINITY;
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        gs__bench_timing timing;
        if (shapes[i][0] > gs__gpu_get_caps(c->gpu)->max_invocations) continue;
        GS_TRY(choose_copy(c, shapes[i][0], shapes[i][1]));
        GS_TRY(gs__bench_time(bench, &(gs__bench_op){record_copy, c, 0}, NULL, 3, INFINITY, &timing));
        if (timing.ns.low >= best_ns) continue;
        best_ns = timing.ns.low;
        best = i;
    }
    GS_TRY(choose_copy(c, shapes[best][0], shapes[best][1]));
fail:
    return status;
}

static gs_status measure_copy(gs__bench *bench, struct copy *c, gs_bench_kind kind) {
    gs_status status = GS_OK;
    gs_bench_result result = {.kind = kind};
    gs__bench_timing timing;
    if (kind == GS_BENCH_COPY_KERNEL) GS_TRY(best_copy(bench, c));
    else c->pipeline = NULL;
    GS_TRY(fill_copy(c));
    GS_TRY(gs__bench_time(bench, &(gs__bench_op){record_copy, c, 0}, NULL, bench->repeats, INFINITY, &timing));
    GS_TRY(check_copy(c, &result));
    const double mib = (double)c->bytes / (1 << 20);
    if (c->pipeline) {
        snprintf(result.detail, sizeof result.detail, "%.0f MiB, groups of %u, %u vec4 an invocation", mib, c->local,
                 c->per_item);
    } else {
        snprintf(result.detail, sizeof result.detail, "%.0f MiB, vkCmdCopyBuffer", mib);
    }
    result.value = gs__bench_rate(&timing.ns, 2.0 * (double)c->bytes);
    result.device_clock = timing.device_clock;
    result.per_repeat = timing.count;
    status = gs__bench_add(bench, &result);
fail:
    return status;
}

static gs_status measure_copies(gs__bench *bench) {
    gs_status status = GS_OK;
    const gs__gpu_caps *caps = gs__gpu_get_caps(bench->gpu);
    struct copy c = {.gpu = bench->gpu, .bytes = bench->params->quick ? 64 << 20 : 256 << 20};
    uint64_t most = caps->info.memory_bytes / 8;
    if (most > caps->max_storage_range) most = caps->max_storage_range;
    if (c.bytes > most) c.bytes = most;
    c.bytes -= c.bytes % (COPY_PART * 16); // a multiple of every shape's part of a workgroup
    if (!c.bytes) c.bytes = COPY_PART * 16;
    GS_TRY(gs__buffer_create(bench->gpu, GS__MEMORY_DEVICE, c.bytes, "copied", &c.from));
    GS_TRY(gs__buffer_create(bench->gpu, GS__MEMORY_DEVICE, c.bytes, "copy", &c.to));
    GS_TRY(measure_copy(bench, &c, GS_BENCH_COPY_KERNEL));
    GS_TRY(measure_copy(bench, &c, GS_BENCH_COPY_COMMAND));
fail:
    gs__buffer_destroy(c.from);
    gs__buffer_destroy(c.to);
    return status;
}

// --- dispatches, submissions --------------------------------------------------------------------------------------
struct counter {
    gs__buffer *buffer;
    gs__pipeline *pipeline;
};

static gs_status record_dispatches(void *user, gs__commands *commands, uint32_t count) {
    gs_status status = GS_OK;
    const struct counter *c = user;
    const gs__range range = {c->buffer, 0, 16};
    for (uint32_t i = 0; i < count; i++) {
        GS_TRY(gs__commands_dispatch(commands, c->pipeline, &range, NULL, NULL, 0, (uint32_t[]){1, 1, 1}));
        gs__commands_barrier(commands, false);
    }
fail:
    return status;
}

// The counter against how many dispatches there were.
static gs_status check_counter(const struct counter *c, uint64_t expected, gs_bench_result *result) {
    uint32_t found = 0, zero = 0;
    gs_status status = gs__buffer_read(c->buffer, 0, &found, sizeof found);
    if (status != GS_OK) return status;
    result->checked = 1;
    result->wrong = found != (uint32_t)expected;
    return gs__buffer_write(c->buffer, 0, &zero, sizeof zero);
}

static gs_status measure_dispatch(gs__bench *bench, struct counter *c) {
    gs_status status = GS_OK;
    gs_bench_result result = {.kind = GS_BENCH_DISPATCH};
    gs__bench_timing timing;
    GS_TRY(gs__bench_time(bench, &(gs__bench_op){record_dispatches, c, 0}, NULL, bench->repeats, INFINITY, &timing));
    GS_TRY(check_counter(c, timing.runs, &result));
    result.value = timing.ns;
    result.value.median *= 1e-3, result.value.low *= 1e-3, result.value.high *= 1e-3;
    result.device_clock = timing.device_clock;
    result.per_repeat = timing.count;
    snprintf(result.detail, sizeof result.detail, "chains of %u dispatches of one workgroup, with a barrier each",
             timing.count);
    status = gs__bench_add(bench, &result);
fail:
    return status;
}

static gs_status measure_submit(gs__bench *bench, struct counter *c) {
    enum { WARM_UP = 10 };
    gs_status status = GS_OK;
    gs_bench_result result = {.kind = GS_BENCH_SUBMIT, .per_repeat = 1};
    gs__commands *commands = NULL;
    double values[GS__BENCH_MAX_REPEATS];
    GS_TRY(gs__commands_create(bench->gpu, 0, &commands));
    GS_TRY(gs__commands_begin(commands));
    GS_TRY(record_dispatches(c, commands, 1));
    GS_TRY(gs__commands_end(commands));
    for (int i = -WARM_UP; i < GS__BENCH_MAX_REPEATS; i++) {
        const uint64_t begin = gs__clock_ns();
        GS_TRY(gs__commands_submit(commands));
        GS_TRY(gs__commands_wait(commands));
        if (i >= 0) values[i] = (double)(gs__clock_ns() - begin) * 1e-3;
    }
    GS_TRY(check_counter(c, WARM_UP + GS__BENCH_MAX_REPEATS, &result));
    result.value = gs__bench_spread_of(values, GS__BENCH_MAX_REPEATS);
    snprintf(result.detail, sizeof result.detail, "one dispatch of one workgroup, waited for by a fence");
    status = gs__bench_add(bench, &result);
fail:
    gs__commands_destroy(commands);
    return status;
}

static gs_status measure_latency(gs__bench *bench) {
    gs_status status = GS_OK;
    struct counter c = {0};
    uint32_t spec[GS_SPEC_BENCH_COUNT_COUNT];
    spec[GS_SPEC_BENCH_COUNT_LOCAL_SIZE_X] = gs__gpu_get_caps(bench->gpu)->kernel_class == GS__KERNELS_CPU ? 8 : 64;
    GS_TRY(gs__buffer_create(bench->gpu, GS__MEMORY_DEVICE, 16, "count of dispatches", &c.buffer));
    GS_TRY(gs__pipeline_get(bench->gpu, &gs__shader_bench_count, spec, GS_SPEC_BENCH_COUNT_COUNT, &c.pipeline));
    GS_TRY(measure_dispatch(bench, &c));
    GS_TRY(measure_submit(bench, &c));
fail:
    gs__buffer_destroy(c.buffer);
    return status;
}

gs_status gs__bench_transfers(gs__bench *bench) {
    gs_status status = measure_copies(bench);
    if (status == GS_ERR_DEVICE_MEMORY) { // before anything was measured
        status = gs__bench_skip_failed(bench, GS_ERR_DEVICE_MEMORY, &(gs_bench_result){.kind = GS_BENCH_COPY_KERNEL});
        if (status == GS_OK)
            status =
                gs__bench_skip_failed(bench, GS_ERR_DEVICE_MEMORY, &(gs_bench_result){.kind = GS_BENCH_COPY_COMMAND});
    }
    return status == GS_OK ? measure_latency(bench) : status;
}
