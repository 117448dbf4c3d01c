#include "plan/rows.h"

enum { ROW_SIZE, ROW_LANES, ROW_PARTS }; // constant_id in rows.glsl

static uint32_t power_of_two(uint64_t at_least, uint32_t low, uint32_t high) {
    uint32_t p = low;
    while (p < at_least && p < high) p *= 2;
    return p;
}

gs_status gs__rows_record(gs__recorder *recorder, gs__dispatch *dispatch, uint64_t rows, uint64_t parts,
                          uint64_t length) {
    // On a CPU a barrier is a coroutine switch, and lanes that walk rows of their own cost nothing extra: loads are
    // done lane by lane anyway. Workgroups of one vector keep few rows spread over the cores.
    uint32_t size = 8, lanes = 1, groups = 1;
    if (gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_GPU) {
        // 128 invocations are what every device allows. 64: the widest subgroup, filled by several short rows.
        lanes = length <= 1024 ? power_of_two(length, 4, 32) : 128;
        groups = power_of_two(parts, 1, 128 / lanes);
        size = lanes * groups < 64 ? 64 : lanes * groups;
    }
    dispatch->spec[ROW_SIZE] = size;
    dispatch->spec[ROW_LANES] = lanes;
    dispatch->spec[ROW_PARTS] = groups;
    return gs__dispatch_record_1d(recorder, dispatch, rows, size / (lanes * groups));
}
