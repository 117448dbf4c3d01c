#include "plan/norm.h"

#include "plan/rows.h"
#include "shaders.h"

enum {
    CHUNK_ELEMENTS = 8192, // of a chunk at least, where there are several
    MAX_PARTS = 512,
    MAX_GROUPS = 2048, // about as many workgroups as the largest GPUs need
    BLOCK = 32,        // channels of a workgroup
};

static uint64_t at_least_1(uint64_t n) {
    return n ? n : 1;
}

gs__norm gs__norm_of(uint64_t rows, uint64_t channels, uint64_t samples) {
    const uint64_t blocks = (channels + BLOCK - 1) / BLOCK;
    uint64_t parts = at_least_1(rows * channels / CHUNK_ELEMENTS), most = at_least_1(MAX_GROUPS / blocks);
    if (most > MAX_PARTS) most = MAX_PARTS;
    if (parts > most) parts = most;
    if (parts > rows) parts = rows;
    const uint64_t chunk = (rows + parts - 1) / parts;
    return (gs__norm){
        .rows = (uint32_t)rows,
        .channels = (uint32_t)channels,
        .sample_rows = samples ? (uint32_t)(rows / samples) : 0,
        .stride = (uint32_t)((channels + 3) / 4 * 4),
        .parts = (uint32_t)((rows + chunk - 1) / chunk),
        .chunk = (uint32_t)chunk,
    };
}

uint64_t gs__norm_partials(const gs__norm *norm) {
    return (uint64_t)2 * norm->parts * norm->stride;
}

static uint32_t power_of_two(uint32_t at_least, uint32_t low, uint32_t high) {
    uint32_t p = low;
    while (p < at_least && p < high) p *= 2;
    return p;
}

gs_status gs__norm_record_columns(gs__recorder *recorder, const gs__norm *norm, const gs__norm_columns *c) {
    // On a CPU a barrier is a coroutine switch: each lane has its channel.
    const bool cpu = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU;
    const uint32_t size = cpu ? 8 : 128, lanes = cpu ? 8 : power_of_two(norm->channels, 1, BLOCK);
    struct gs_push_norm_columns push = {
        .rows = norm->rows,
        .channels = norm->channels,
        .stride = norm->stride,
        .sample_rows = norm->sample_rows,
        .chunk = norm->chunk,
        .blocks = (norm->channels + lanes - 1) / lanes,
        .inner = c->inner,
        .groups = c->groups,
        .depth = c->depth,
        .group_count = c->group_count,
    };
    gs__dispatch d = gs__dispatch_init(&gs__shader_norm_columns, GS_SPEC_NORM_COLUMNS_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_NORM_COLUMNS_SIZE] = size;
    d.spec[GS_SPEC_NORM_COLUMNS_LANES] = lanes;
    d.spec[GS_SPEC_NORM_COLUMNS_MODE] = (uint32_t)c->mode;
    gs__bind(recorder, &d, 0, GS__READ, c->a, &push.a);
    if (c->mode != GS__NORM_MOMENTS) {
        // The statistics of batch_norm stand in front of the sums in one tensor.
        const uint32_t count = c->mode == GS__NORM_GRADIENTS ? 2 * norm->stride : 0;
        gs__bind(recorder, &d, 1, GS__READ, c->x, &push.x);
        gs__bind_part(recorder, &d, 2, GS__READ, c->statistics, 0, count, &push.statistics);
    }
    gs__bind_part(recorder, &d, 3, GS__WRITE, c->partials, c->partials_first, (uint32_t)gs__norm_partials(norm),
                  &push.partials);
    return gs__dispatch_record_1d(recorder, &d, (uint64_t)norm->parts * push.blocks * size, size);
}

gs_status gs__norm_record_finish(gs__recorder *recorder, const gs__norm *norm, const gs__norm_finish *f) {
    struct gs_push_norm_finish push = {
        .partials = f->partials_first,
        .rows = norm->rows,
        .channels = norm->channels,
        .stride = norm->stride,
        .sample_rows = norm->sample_rows,
        .chunk = norm->chunk,
        .parts = norm->parts,
        .momentum = f->momentum,
        .epsilon = f->epsilon,
    };
    const bool forward = f->mode == GS__NORM_BATCH || f->mode == GS__NORM_FIXED;
    const gs__value first = forward ? f->gamma : f->dgamma, second = forward ? f->beta : f->dbeta;
    gs__dispatch d = gs__dispatch_init(&gs__shader_norm_finish, GS_SPEC_NORM_FINISH_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_NORM_FINISH_MODE] = (uint32_t)f->mode;
    d.spec[GS_SPEC_NORM_FINISH_HAS] = (first ? 1u : 0u) | (second ? 2u : 0u);
    d.spec[GS_SPEC_NORM_FINISH_MAX_SCALE] = f->max_scale;
    d.spec[GS_SPEC_NORM_FINISH_INVERT] = f->invert;
    gs__bind(recorder, &d, 0, GS__READ | GS__WRITE, f->work, &push.work);
    if (forward) {
        gs__bind(recorder, &d, 1, GS__READ, f->gamma, &push.gamma);
        gs__bind(recorder, &d, 1, GS__READ, f->beta, &push.beta);
        gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, f->mean, &push.mean);
        gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, f->variance, &push.variance);
    } else {
        gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, f->dgamma ? f->dgamma : f->work, &push.dgamma);
    }
    // A binding that is written and has no tensor would be the State's.
    gs__bind(recorder, &d, 3, GS__WRITE, f->dbeta ? f->dbeta : f->work, &push.dbeta);
    return gs__rows_record(recorder, &d, norm->channels, 1, norm->parts);
}
