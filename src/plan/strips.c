#include "plan/strips.h"

#include "shaders.h"

gs__strips gs__strips_of(const gs_shape *shape, uint32_t axis) {
    uint64_t rows = 1, inner = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (i < axis) rows *= (uint64_t)shape->dim[i];
        if (i > axis) inner *= (uint64_t)shape->dim[i];
    }
    return (gs__strips){(uint32_t)rows, (uint32_t)inner};
}

static uint32_t local_size(const gs__recorder *recorder) {
    return gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU ? 8 : 64;
}

static uint32_t chunk_of(const gs__recorder *recorder, uint32_t length) {
    const uint32_t most = gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU ? 128 : 4;
    return length < most ? length : most;
}

gs_status gs__strips_join(gs__recorder *recorder, const gs__strip_copy *copy, bool pad) {
    struct gs_push_concatenate push = {
        .a_width = copy->width[0],
        .b_width = copy->width[1],
        .c_width = copy->width[2],
        .rows = copy->rows,
        .stride = copy->stride,
        .first = copy->first,
    };
    const uint32_t length = pad ? push.stride : push.a_width + push.b_width + push.c_width;
    const uint32_t chunk = chunk_of(recorder, length);
    push.chunks = (length + chunk - 1) / chunk;
    gs__dispatch d = gs__dispatch_init(&gs__shader_concatenate, GS_SPEC_CONCATENATE_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_CONCATENATE_LOCAL_SIZE_X] = local_size(recorder);
    d.spec[GS_SPEC_CONCATENATE_CHUNK] = chunk;
    d.spec[GS_SPEC_CONCATENATE_PAD] = pad;
    uint32_t *const offsets[GS__STRIP_PARTS] = {&push.a, &push.b, &push.c};
    for (uint32_t i = 0; i < GS__STRIP_PARTS; i++) gs__bind(recorder, &d, i, GS__READ, copy->part[i], offsets[i]);
    gs__bind(recorder, &d, 3, GS__WRITE, copy->whole, &push.out_);
    return gs__dispatch_record_1d(recorder, &d, (uint64_t)push.rows * push.chunks, local_size(recorder));
}

gs_status gs__strips_split(gs__recorder *recorder, const gs__strip_copy *copy) {
    struct gs_push_split push = {
        .a_width = copy->width[0],
        .b_width = copy->width[1],
        .c_width = copy->width[2],
        .rows = copy->rows,
        .stride = copy->stride,
        .first = copy->first,
    };
    const uint32_t length = push.a_width + push.b_width + push.c_width, chunk = chunk_of(recorder, length);
    push.chunks = (length + chunk - 1) / chunk;
    gs__dispatch d = gs__dispatch_init(&gs__shader_split, GS_SPEC_SPLIT_COUNT, &push, sizeof push);
    d.spec[GS_SPEC_SPLIT_LOCAL_SIZE_X] = local_size(recorder);
    d.spec[GS_SPEC_SPLIT_CHUNK] = chunk;
    gs__bind(recorder, &d, 0, GS__READ, copy->whole, &push.in_);
    uint32_t *const offsets[GS__STRIP_PARTS] = {&push.a, &push.b, &push.c};
    // A binding that is written and has no tensor would be the State's: the first part stands for it.
    for (uint32_t i = 0; i < GS__STRIP_PARTS; i++)
        gs__bind(recorder, &d, 1 + i, GS__WRITE, copy->part[i] ? copy->part[i] : copy->part[0], offsets[i]);
    return gs__dispatch_record_1d(recorder, &d, (uint64_t)push.rows * push.chunks, local_size(recorder));
}
