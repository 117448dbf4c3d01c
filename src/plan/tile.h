// The tiles of products on GPUs (shaders/include/matmul_gpu.glsl), and in how many parts a product is summed up.
#ifndef GS_PLAN_TILE_H
#define GS_PLAN_TILE_H

#include "plan/tune.h"

typedef struct gs__tile {
    uint32_t m, n, k, thread_m, thread_n; // rows, columns and steps of a workgroup; rows and columns of a thread
} gs__tile;

// Fills in the ways of a choice, without the constants that are the op's own, the rule's way first. `shader`: one that
// includes matmul_gpu.glsl. `m`, `n`: sizes of `count` products that one dispatch makes, each in `parts` parts.
void gs__tile_ways(gs__choice *choice, const gs__gpu_caps *caps, const gs__shader *shader, uint32_t spec_count,
                   const uint32_t *m, const uint32_t *n, uint32_t count, uint32_t parts);

// Products of few tiles and many steps are summed up in several parts, that a second dispatch adds in their order: one
// part would leave most of the device idle. This changes the sums' last bits, so it is no measured choice but a function
// of sizes and of the kind of device alone. One part on CPUs.
typedef struct gs__split {
    uint32_t parts, steps; // steps of each part but the last, which may have fewer
} gs__split;
gs__split gs__split_of(const gs__gpu_caps *caps, const uint32_t *m, const uint32_t *n, uint32_t count, uint32_t k);

#endif
