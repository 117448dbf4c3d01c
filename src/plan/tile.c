#include "plan/tile.h"
#include "shaders.h"

#include <stdio.h>

// By kind of device. The first `rule` tiles, from large to small, are those that the rule chooses from; the others are
// only measured. Sources of the choices: docs/kernels.md.
struct table {
    uint32_t rule, count;
    uint32_t fill; // workgroups that keep such a device busy
    gs__tile tiles[GS__MAX_WAYS];
};

static const struct table tables[] = {
    [GS__GPU_DISCRETE] = {4,
                          8,
                          64,
                          {{128, 128, 8, 8, 8},
                           {64, 64, 16, 4, 4},
                           {32, 32, 16, 2, 2},
                           {16, 16, 32, 1, 1},
                           {128, 64, 16, 8, 4},
                           {64, 64, 16, 8, 4},
                           {32, 32, 16, 4, 4},
                           {16, 16, 64, 1, 1}}},
    [GS__GPU_INTEGRATED] = {3,
                            6,
                            24,
                            {{64, 64, 16, 8, 4},
                             {32, 32, 16, 4, 4},
                             {16, 16, 32, 2, 2},
                             {64, 64, 16, 4, 4},
                             {32, 32, 16, 2, 2},
                             {16, 16, 32, 1, 1}}},
    [GS__GPU_GCN] = {4,
                     7,
                     64,
                     {{128, 64, 8, 8, 4},
                      {64, 64, 16, 4, 4},
                      {32, 32, 32, 2, 2},
                      {16, 16, 32, 1, 1},
                      {64, 64, 32, 4, 4},
                      {32, 32, 16, 4, 4},
                      {16, 16, 64, 1, 1}}},
};

static uint32_t divide_up(uint32_t a, uint32_t b) {
    return a / b + (a % b != 0);
}

static uint64_t tile_count(const gs__tile *t, const uint32_t *m, const uint32_t *n, uint32_t count) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += (uint64_t)divide_up(m[i], t->m) * divide_up(n[i], t->n);
    return sum;
}

// The smaller side of the largest product.
static uint32_t narrow_side(const uint32_t *m, const uint32_t *n, uint32_t count) {
    uint64_t most = 0;
    uint32_t side = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((uint64_t)m[i] * n[i] <= most) continue;
        most = (uint64_t)m[i] * n[i];
        side = m[i] < n[i] ? m[i] : n[i];
    }
    return side;
}

// Tiles that are not much wider than the product.
static uint32_t widest(uint32_t side) {
    return side <= 32 ? 32 : side <= 64 ? 64 : 128;
}

// Fits the tile to the device: half the rows where workgroups are small. False: it has no room for it.
static bool fit(gs__tile *t, const gs__gpu_caps *caps) {
    while (t->m / t->thread_m * (t->n / t->thread_n) > caps->max_invocations && t->m > t->thread_m) t->m /= 2;
    const uint32_t threads = t->m / t->thread_m * (t->n / t->thread_n);
    // Shared rows are padded by four elements; a thread adds up a column.
    return threads <= caps->max_invocations && t->k * (t->m + t->n + 8) * sizeof(float) <= caps->max_shared_bytes &&
           threads >= t->n;
}

_Static_assert((int)GS_SPEC_MATMUL_TILE_M == (int)GS_SPEC_MATMUL_GRADIENTS_TILE_M &&
                   (int)GS_SPEC_MATMUL_THREAD_N == (int)GS_SPEC_MATMUL_GRADIENTS_THREAD_N &&
                   (int)GS_SPEC_MATMUL_PARTS == (int)GS_SPEC_MATMUL_GRADIENTS_PARTS,
               "the constants of matmul_gpu.glsl");

static void add_way(gs__choice *choice, const gs__tile *t, const gs__shader *shader, uint32_t spec_count,
                    uint64_t groups, uint32_t parts) {
    gs__way way = {.shader = shader, .spec_count = spec_count, .groups = groups};
    snprintf(way.name, sizeof way.name, "%ux%ux%u,%ux%u", t->m, t->n, t->k, t->thread_m, t->thread_n);
    way.spec[GS_SPEC_MATMUL_LOCAL_SIZE_X] = t->m / t->thread_m * (t->n / t->thread_n);
    way.spec[GS_SPEC_MATMUL_TILE_M] = t->m;
    way.spec[GS_SPEC_MATMUL_TILE_N] = t->n;
    way.spec[GS_SPEC_MATMUL_TILE_K] = t->k;
    way.spec[GS_SPEC_MATMUL_THREAD_M] = t->thread_m;
    way.spec[GS_SPEC_MATMUL_THREAD_N] = t->thread_n;
    way.spec[GS_SPEC_MATMUL_PARTS] = parts > 1;
    choice->ways[choice->way_count++] = way;
}

// The rule: the largest tile that is not much wider than the product and makes enough workgroups to fill such a device,
// else the smallest.
void gs__tile_ways(gs__choice *choice, const gs__gpu_caps *caps, const gs__shader *shader, uint32_t spec_count,
                   const uint32_t *m, const uint32_t *n, uint32_t count, uint32_t parts) {
    const struct table *table = &tables[caps->kind];
    const uint32_t side = widest(narrow_side(m, n, count));
    gs__tile tiles[GS__MAX_WAYS];
    uint32_t tile_total = 0, rule = 0;
    bool found = false;
    for (uint32_t i = 0; i < table->count; i++) {
        gs__tile t = table->tiles[i];
        if (!fit(&t, caps)) continue;
        const bool fills = t.m <= side && t.n <= side && tile_count(&t, m, n, count) * parts >= table->fill;
        if (i < table->rule && !found) rule = tile_total, found = fills;
        tiles[tile_total++] = t;
    }
    choice->way_count = 0;
    for (uint32_t i = 0; i < tile_total; i++) {
        const uint32_t at = i == 0 ? rule : i <= rule ? i - 1 : i; // the rule's first, the others in their order
        add_way(choice, &tiles[at], shader, spec_count, tile_count(&tiles[at], m, n, count) * parts, parts);
    }
}

// At least LEAST_STEPS a part, or the second dispatch costs more than it saves (ggml splits alike); no split of what is
// short anyhow.
enum { SPLIT_FROM = 1024, LEAST_STEPS = 256, MOST_PARTS = 16, ROUND_STEPS = 32 };

gs__split gs__split_of(const gs__gpu_caps *caps, const uint32_t *m, const uint32_t *n, uint32_t count, uint32_t k) {
    if (caps->kernel_class != GS__KERNELS_GPU || k < SPLIT_FROM) return (gs__split){1, k};
    const uint32_t size = narrow_side(m, n, count) <= 32 ? 32 : 64;
    const uint64_t tiles = tile_count(&(gs__tile){.m = size, .n = size}, m, n, count);
    uint64_t parts = tables[caps->kind].fill / tiles;
    if (parts > k / LEAST_STEPS) parts = k / LEAST_STEPS;
    if (parts > MOST_PARTS) parts = MOST_PARTS;
    if (parts < 2) return (gs__split){1, k};
    const uint32_t steps = divide_up(divide_up(k, (uint32_t)parts), ROUND_STEPS) * ROUND_STEPS;
    return (gs__split){divide_up(k, steps), steps};
}
