#include "plan/matrix.h"

#include "plan/internal.h"
#include "shaders.h"

#include <stdio.h>

// A workgroup's tile, and how many of its elements a thread has.
struct tile {
    uint32_t m, n, k, per_thread;
};
static const struct tile tiles[] = {{128, 128, 32, 64}, {64, 64, 32, 32}, {32, 32, 32, 16}};
enum { TILES = sizeof tiles / sizeof *tiles, LEAST = 16, FILL = 64 };

_Static_assert((int)GS_SPEC_MATMUL_COOP_HALF_COUNT == (int)GS_SPEC_MATMUL_COOP_BFLOAT_COUNT &&
                   sizeof(struct gs_push_matmul_coop_half) == sizeof(struct gs_push_matmul) &&
                   sizeof(struct gs_push_matmul_coop_bfloat) == sizeof(struct gs_push_matmul) &&
                   (int)GS_SPEC_MATMUL_COOP_HALF_TRANS_A == (int)GS_SPEC_MATMUL_TRANS_A &&
                   (int)GS_SPEC_MATMUL_COOP_HALF_EXTRA == (int)GS_SPEC_MATMUL_EXTRA,
               "the interface of matmul.glsl");

static uint32_t divide_up(uint32_t a, uint32_t b) {
    return a / b + (a % b != 0);
}

static const gs__shader *shader_of(gs_precision precision) {
    return precision == GS_PRECISION_MIXED_FLOAT16 ? &gs__shader_matmul_coop_half : &gs__shader_matmul_coop_bfloat;
}

static gs__matrix_shape fragment_of(const gs__gpu_caps *caps, gs_precision precision) {
    if (precision == GS_PRECISION_MIXED_FLOAT16) return caps->matrix_half;
    return precision == GS_PRECISION_MIXED_BFLOAT16 ? caps->matrix_bfloat : (gs__matrix_shape){0, 0, 0};
}

// The way of a tile on this device; false: it has no room for it, or its subgroups do not fit into the tile.
static bool make_way(const gs__gpu_caps *caps, gs_precision precision, const struct tile *t, gs__way *way) {
    const gs__matrix_shape f = fragment_of(caps, precision);
    const uint32_t threads = t->m * t->n / t->per_thread, area = t->per_thread * caps->matrix_subgroup;
    uint32_t sub_m = 1;
    while (sub_m * sub_m < area) sub_m *= 2;
    if (sub_m > t->m) sub_m = t->m;
    if (sub_m < f.m) sub_m = f.m;
    const uint32_t sub_n = area / sub_m;
    if (threads > caps->max_invocations || threads < caps->matrix_subgroup || sub_n < f.n || sub_n > t->n ||
        sub_m * sub_n != area || t->k < f.k)
        return false;
    // Tiles of A and B in either order, with their padding; a fragment of each subgroup.
    const uint32_t wide = t->m > t->n ? t->m : t->n;
    const uint32_t rows_first = wide * (t->k / 8 + 1) * 16, columns_first = t->k * (wide / 8 + 1) * 16;
    const uint32_t tile_bytes = rows_first > columns_first ? rows_first : columns_first;
    if (2 * tile_bytes + threads / caps->matrix_subgroup * f.m * f.n * 4 > caps->max_shared_bytes) return false;
    *way = (gs__way){.shader = shader_of(precision), .spec_count = GS_SPEC_MATMUL_COOP_HALF_COUNT};
    snprintf(way->name, sizeof way->name, "%ux%ux%u,%ux%u", t->m, t->n, t->k, sub_m, sub_n);
    way->spec[GS_SPEC_MATMUL_COOP_HALF_LOCAL_SIZE_X] = threads;
    way->spec[GS_SPEC_MATMUL_COOP_HALF_TILE_M] = t->m;
    way->spec[GS_SPEC_MATMUL_COOP_HALF_TILE_N] = t->n;
    way->spec[GS_SPEC_MATMUL_COOP_HALF_TILE_K] = t->k;
    way->spec[GS_SPEC_MATMUL_COOP_HALF_SUB_M] = sub_m;
    way->spec[GS_SPEC_MATMUL_COOP_HALF_SUB_N] = sub_n;
    way->spec[GS_SPEC_MATMUL_COOP_HALF_FRAG_M] = f.m;
    way->spec[GS_SPEC_MATMUL_COOP_HALF_FRAG_N] = f.n;
    way->spec[GS_SPEC_MATMUL_COOP_HALF_FRAG_K] = f.k;
    return true;
}

bool gs__matrix_takes(gs__recorder *recorder, gs_precision precision, uint32_t m, uint32_t n, uint32_t k) {
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    gs__way way;
    bool fits = false;
    if (caps->kernel_class != GS__KERNELS_GPU || !caps->matrix_subgroup || !fragment_of(caps, precision).m ||
        m < LEAST || n < LEAST || k < LEAST)
        return false;
    for (uint32_t i = 0; i < TILES; i++) fits = fits || make_way(caps, precision, &tiles[i], &way);
    const gs__tuner *tuner = gs__tuner_get(recorder->plan->gpu);
    // While a plan looks for its kernels, they are yet to be tried.
    return fits && tuner && (!recorder->commands || gs__tuner_trusts(tuner, shader_of(precision)));
}

// The rule: the largest tile that makes enough workgroups to fill a device, else the smallest.
void gs__matrix_ways(const gs__gpu_caps *caps, const gs__product *p, gs__choice *choice) {
    bool found = false;
    choice->way_count = 0;
    choice->unproven = true;
    for (uint32_t i = 0; i < TILES; i++) {
        gs__way way;
        if (!make_way(caps, p->precision, &tiles[i], &way)) continue;
        way.groups = (uint64_t)divide_up(p->m, tiles[i].m) * divide_up(p->n, tiles[i].n);
        choice->ways[choice->way_count++] = way;
        // To the front, until one fills the device.
        for (uint32_t w = choice->way_count - 1; w > 0 && !found; w--) {
            choice->ways[w] = choice->ways[w - 1];
            choice->ways[w - 1] = way;
        }
        found = found || way.groups >= FILL;
    }
}
