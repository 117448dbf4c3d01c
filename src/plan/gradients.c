#include "plan/gradients.h"

enum { COLUMNS = 32, MAX_ROWS = 16 };
enum { NOT_ALIGNED, ALL_ALIGNED, MIXED }; // of ALIGNED

static bool is_aligned(const gs__gradient_product *p, uint32_t rows) {
    return rows >= 4 && p->m % 4 == 0 && p->n % 4 == 0;
}

uint32_t gs__gradient_tiles(gs__dispatch *dispatch, gs__gradient_product *products, uint32_t count, uint32_t capacity,
                            uint32_t k) {
    uint32_t rows = MAX_ROWS, tiles = 0, aligned = 0;
    uint64_t work[2] = {0}; // of products that are not aligned, and that are
    for (uint32_t i = 0; i < count; i++)
        while (rows > products[i].m) rows /= 2;
    for (uint32_t i = 0; i < count; i++) {
        aligned += is_aligned(&products[i], rows);
        work[is_aligned(&products[i], rows)] += (uint64_t)products[i].m * products[i].n;
    }
    const uint32_t any_rows = rows > 8 && work[0] < work[1] / 4 ? 8 : rows;
    for (uint32_t i = 0; i < capacity; i++) {
        const uint32_t height = i < count && is_aligned(&products[i], rows) ? rows : any_rows;
        if (i < count) tiles += (products[i].m + height - 1) / height * ((products[i].n + COLUMNS - 1) / COLUMNS);
        products[i].end = tiles;
    }
    dispatch->spec[GS__GRADIENT_SPEC_ROWS] = rows;
    dispatch->spec[GS__GRADIENT_SPEC_ANY_ROWS] = any_rows;
    dispatch->spec[GS__GRADIENT_SPEC_TAIL] = k % 4;
    dispatch->spec[GS__GRADIENT_SPEC_ALIGNED] = aligned == count ? ALL_ALIGNED : aligned ? MIXED : NOT_ALIGNED;
    return tiles;
}
