// Op matmul_gradients (src/op/matmul_gradients.c) for GPUs: a workgroup makes a tile of one of the products, or of one
// part of it: a sum over some of the rows only. Parts lie one behind the other; matmul_gradients_sum.comp adds them up.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(constant_id = 9) const uint PARTS = 0; // 1: several parts

// C (m, n) = A (k, m)^T B (k, n). First elements, multiples of 4; sums: column sums of B, NO_SUMS: not wanted.
// Products that are not there have m = 0.
#define PRODUCT(i) uint m##i, n##i, a##i, b##i, c##i, sums##i;
layout(push_constant) uniform PUSH {
    uint k;
    uint steps;       // of k in a part
    uint first, part; // the first part's first element, behind C's binding; elements of a part
    PRODUCT(0)
    PRODUCT(1)
    PRODUCT(2)
    PRODUCT(3)
} push;
#define NO_SUMS 0xFFFFFFFFu

#define TRANS_A 1u
#define TRANS_B 0u
#define EXTRA 2u
#define ONLY_SUMS 3u
uint size_m, size_n, first_a, first_b, steps_begin, steps_end;
#define SIZE_M size_m
#define SIZE_N size_n
#define STEPS push.k
#define FIRST_A first_a
#define FIRST_B first_b
#define STEPS_BEGIN steps_begin
#define STEPS_END steps_end
#include "matmul_gpu.glsl"

layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(set = 0, binding = 2) writeonly buffer C4 { vec4 c4[]; };

uint tiles(uint m, uint n) { return (m + TILE_M - 1u) / TILE_M * ((n + TILE_N - 1u) / TILE_N); }

void store(uint row, uint col, uint first) {
    for (uint i = 0; i < THREAD_M; i++) {
        uint m = row + row_of(i);
        if (m >= size_m) continue;
        for (uint j = 0; j < THREAD_N; j += VECTOR_N) {
            uint n = col + column_of(j), e = first + m * size_n + n, at = i * THREAD_N + j;
            if (VECTOR_N == 4u && (size_n & 3u) == 0u) {
                if (n < size_n) c4[e >> 2] = unscaled4(vec4(acc[at], acc[at + 1u], acc[at + 2u], acc[at + 3u]));
            } else {
                for (uint x = 0; x < VECTOR_N; x++)
                    if (n + x < size_n) c[e + x] = unscaled(acc[at + x]);
            }
        }
    }
}

void main() {
    uint tile = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint end0 = tiles(push.m0, push.n0), end1 = end0 + tiles(push.m1, push.n1);
    uint end2 = end1 + tiles(push.m2, push.n2), end3 = end2 + tiles(push.m3, push.n3);
    uint part = 0u, c_first, sums_first;
    if (PARTS != 0u) {
        part = tile / end3;
        tile -= part * end3;
    }
    steps_begin = part * push.steps;
    steps_end = min(steps_begin + push.steps, push.k);
    if (tile >= end3 || steps_begin >= push.k) return;
#define TAKE(i, begin)                                                                                        \
    {                                                                                                         \
        size_m = push.m##i, size_n = push.n##i, first_a = push.a##i, first_b = push.b##i;                     \
        c_first = push.c##i, sums_first = push.sums##i;                                                       \
        tile -= begin;                                                                                        \
    }
    if (tile < end0) TAKE(0, 0u)
    else if (tile < end1) TAKE(1, end0)
    else if (tile < end2) TAKE(2, end1)
    else TAKE(3, end2)
    uint tiles_n = (size_n + TILE_N - 1u) / TILE_N;
    uint row = tile / tiles_n * TILE_M, col = tile % tiles_n * TILE_N, first = push.first + part * push.part;
    // The workgroups of the first tile row add up the columns of B, thread i column i.
    uint thread = gl_LocalInvocationID.x;
    bool sums = sums_first != NO_SUMS && row == 0u && thread < TILE_N;
    float sum = multiply_tile(row, col, sums);
    if (sums && col + thread < size_n) c[first + sums_first + col + thread] = unscaled(sum);
    store(row, col, first + c_first);
}
