#include "base/file.h"
#include "bench/bench.h"
#include "context/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *gs_bench_kind_name(gs_bench_kind kind) {
    switch (kind) {
#define KIND_NAME(constant, value, name, unit, more)                                                                   \
    case constant:                                                                                                     \
        return name;
        GS_BENCH_KIND_MAP(KIND_NAME)
#undef KIND_NAME
    }
    return "unknown";
}

const char *gs_bench_kind_text(gs_bench_kind kind) {
    switch (kind) {
    case GS_BENCH_FMA:
        return "float32 multiply-adds";
    case GS_BENCH_COPY_KERNEL:
        return "copy by a kernel";
    case GS_BENCH_COPY_COMMAND:
        return "copy by a command";
    case GS_BENCH_DISPATCH:
        return "dispatch with barrier";
    case GS_BENCH_SUBMIT:
        return "submit and wait";
    case GS_BENCH_PRODUCT:
    case GS_BENCH_TRAINING:
        break;
    }
    return gs_bench_kind_name(kind);
}

const char *gs_bench_unit(gs_bench_kind kind) {
    switch (kind) {
#define KIND_UNIT(constant, value, name, unit, more)                                                                   \
    case constant:                                                                                                     \
        return unit;
        GS_BENCH_KIND_MAP(KIND_UNIT)
#undef KIND_UNIT
    }
    return "";
}

const char *gs_bench_form_name(gs_bench_form form) {
    return form == GS_BENCH_A_B ? "A B" : form == GS_BENCH_A_BT ? "A Bt" : form == GS_BENCH_AT_B ? "At B" : "unknown";
}

gs_status gs__bench_add(gs__bench *bench, const gs_bench_result *result) {
    if (bench->result_count == bench->result_capacity) {
        const uint32_t capacity = bench->result_capacity ? 2 * bench->result_capacity : 64;
        gs_bench_result *bigger = realloc(bench->results, capacity * sizeof *bigger);
        if (!bigger) return gs__fail(bench->error, GS_ERR_MEMORY, "out of host memory for results");
        bench->results = bigger;
        bench->result_capacity = capacity;
    }
    bench->results[bench->result_count++] = *result;
    const gs_bench_params *p = bench->params;
    const bool stopped = (p->callback && !p->callback(p->user, result)) || (p->stop && *p->stop);
    return stopped ? gs__fail(bench->error, GS_STOPPED, "the benchmark was stopped") : GS_OK;
}

gs_status gs__bench_skip_failed(gs__bench *bench, gs_status failure, gs_bench_result *result) {
    if (failure != GS_ERR_DEVICE_MEMORY && failure != GS_ERR_UNSUPPORTED) return failure;
    result->skipped = true;
    snprintf(result->detail, sizeof result->detail, "%.*s", (int)sizeof result->detail - 1, bench->error->message);
    return gs__bench_add(bench, result);
}

static gs_status write_report(const gs__bench *bench, gs__file_writer *writer) {
    gs_status status = GS_OK;
    gs__text text = {0};
    gs__bench_report(bench, &gs__gpu_get_caps(bench->gpu)->info, &text);
    GS_TRY(gs__text_check(bench->error, &text));
    GS_TRY(gs__file_append(writer, text.data, text.length));
fail:
    gs__text_deinit(&text);
    return status;
}

static gs_status run_parts(gs__bench *bench, uint32_t parts) {
    gs_status status = GS_OK;
    if (parts & (GS_BENCH_PEAK | GS_BENCH_MATMUL)) GS_TRY(gs__bench_fma(bench));
    if (parts & GS_BENCH_PEAK) GS_TRY(gs__bench_transfers(bench));
    if (parts & GS_BENCH_MATMUL) GS_TRY(gs__bench_matmul(bench));
    if (parts & GS_BENCH_TRAIN) GS_TRY(gs__bench_train(bench));
    GS_TRY(gs__context_check_validation(bench->context));
fail:
    return status;
}

gs_status gs_bench_run(gs_context *context, const gs_bench_params *params, uint64_t *wrong) {
    static const gs_bench_params defaults;
    if (!context) return GS_ERR_ARGUMENT;
    if (!params) params = &defaults;
    gs_status status = GS_OK;
    const bool quick = params->quick;
    const uint32_t parts = params->parts ? params->parts : GS_BENCH_ALL;
    gs__file_writer *writer = NULL;
    gs__bench bench = {.context = context,
                       .error = gs__context_error(context),
                       .params = params,
                       .repeats = 7,
                       .repeat_s = quick ? 0.01 : 0.03,
                       .budget_s = quick ? 1 : 5};
    if (wrong) *wrong = 0;
    if (parts & ~(uint32_t)GS_BENCH_ALL)
        return gs__fail(bench.error, GS_ERR_ARGUMENT, "gs_bench_run: parts 0x%x, expected bits of 0x%x", parts,
                        GS_BENCH_ALL);
    if (params->size_count && !params->sizes)
        return gs__fail(bench.error, GS_ERR_ARGUMENT, "gs_bench_run: sizes is NULL, expected %u of them",
                        params->size_count);
    for (uint32_t i = 0; i < params->size_count; i++)
        if (params->sizes[i] < 1 || params->sizes[i] > GS_BENCH_MAX_SIZE)
            return gs__fail(bench.error, GS_ERR_ARGUMENT, "gs_bench_run: size %u, expected 1 to %d", params->sizes[i],
                            GS_BENCH_MAX_SIZE);
    if ((int)params->precision < GS_PRECISION_DEFAULT || params->precision > GS_PRECISION_MIXED_BFLOAT16)
        return gs__fail(bench.error, GS_ERR_ARGUMENT, "gs_bench_run: precision %d is not one of gs_precision",
                        (int)params->precision);
    gs__bench_host_get(&bench.host);
    GS_TRY(gs__context_gpu(context, &bench.gpu));
    // Opened first: what cannot be written is known before the measuring.
    if (params->json) GS_TRY(gs__file_begin(bench.error, params->json, &writer));
    GS_TRY(run_parts(&bench, parts));
    for (uint32_t i = 0; i < bench.result_count && wrong; i++) *wrong += bench.results[i].wrong;
    if (writer) GS_TRY(write_report(&bench, writer));
    if (writer) GS_TRY(gs__file_commit(&writer));
fail:
    if (writer) gs__file_discard(writer);
    gs__bench_fma_destroy(bench.fma);
    free(bench.results);
    return status;
}
