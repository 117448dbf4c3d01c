// A tile of C (m, n) = A (m, k) B (k, n) by a workgroup of a GPU: tiles of A and B in shared memory, THREAD_M x THREAD_N
// elements of C in the registers of a thread. Global memory is read along its contiguous axis; transposing happens on the
// way into shared memory. The next tiles are loaded into registers while this one is multiplied.
// The kernel defines TRANS_A, TRANS_B, EXTRA, ONLY_SUMS (matmul.glsl) and
//   SIZE_M, SIZE_N, STEPS   m, n, k
//   FIRST_A, FIRST_B        first elements
//   STEPS_BEGIN, STEPS_END  the part of k that this workgroup sums up
// What it leaves in acc and in the sums is still to be unscaled (precision.glsl).
#ifndef GS_MATMUL_GPU_GLSL
#define GS_MATMUL_GPU_GLSL
#extension GL_EXT_control_flow_attributes : require
#include "precision.glsl"

layout(local_size_x_id = 3) in;
layout(constant_id = 4) const uint TILE_M = 64;
layout(constant_id = 5) const uint TILE_N = 64;
layout(constant_id = 6) const uint TILE_K = 16;
layout(constant_id = 7) const uint THREAD_M = 4;
layout(constant_id = 8) const uint THREAD_N = 4;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };

// Rows of shared memory are padded against bank conflicts, and stay aligned for loads of four.
const uint STRIDE_A = TILE_M + 4u, STRIDE_B = TILE_N + 4u;
shared float a_tile[TILE_K * STRIDE_A]; // (k, m)
shared float b_tile[TILE_K * STRIDE_B]; // (k, n)

const uint LOADS_A = TILE_M * TILE_K / gl_WorkGroupSize.x, LOADS_B = TILE_N * TILE_K / gl_WorkGroupSize.x;
float a_next[LOADS_A], b_next[LOADS_B];

// Element i of a tile of `width` rows or columns and TILE_K steps: x = (place along the width, step).
uvec2 place(uint i, uint width, bool k_contiguous) {
    return k_contiguous ? uvec2(i / TILE_K, i % TILE_K) : uvec2(i % width, i / width);
}

void load(uint row, uint col, uint k) {
    for (uint i = 0; i < LOADS_A; i++) {
        uvec2 p = place(gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, TILE_M, TRANS_A == 0u) + uvec2(row, k);
        uint e = TRANS_A == 0u ? p.x * STEPS + p.y : p.y * SIZE_M + p.x;
        a_next[i] = 0.0;
        if (p.x < SIZE_M && p.y < STEPS_END && EXTRA != ONLY_SUMS) a_next[i] = a[FIRST_A + e];
    }
    for (uint i = 0; i < LOADS_B; i++) {
        uvec2 p = place(gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, TILE_N, TRANS_B != 0u) + uvec2(col, k);
        uint e = TRANS_B == 0u ? p.y * SIZE_N + p.x : p.x * STEPS + p.y;
        b_next[i] = 0.0;
        if (p.x < SIZE_N && p.y < STEPS_END) b_next[i] = b[FIRST_B + e];
    }
}

void share() {
    for (uint i = 0; i < LOADS_A; i++) {
        uvec2 p = place(gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, TILE_M, TRANS_A == 0u);
        a_tile[p.y * STRIDE_A + p.x] = factor_a(a_next[i]);
    }
    for (uint i = 0; i < LOADS_B; i++) {
        uvec2 p = place(gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, TILE_N, TRANS_B != 0u);
        b_tile[p.y * STRIDE_B + p.x] = factor_b(b_next[i]);
    }
}

// A thread's rows and columns are groups of up to 4 neighbours, spread over the tile: its neighbours in the subgroup
// read neighbouring banks.
const uint VECTOR_M = THREAD_M < 4u ? THREAD_M : 4u, VECTOR_N = THREAD_N < 4u ? THREAD_N : 4u;
const uint THREADS_N = TILE_N / THREAD_N, THREADS_M = TILE_M / THREAD_M;
uint row_of(uint i) {
    return i / VECTOR_M * (THREADS_M * VECTOR_M) + gl_LocalInvocationID.x / THREADS_N * VECTOR_M + i % VECTOR_M;
}
uint column_of(uint j) {
    return j / VECTOR_N * (THREADS_N * VECTOR_N) + gl_LocalInvocationID.x % THREADS_N * VECTOR_N + j % VECTOR_N;
}

float acc[THREAD_M * THREAD_N];

// Unrolled by hand: compilers that leave the loop as it is compute addresses in each step.
const uint UNROLLED = THREAD_M * THREAD_N >= 16u ? 8u : 16u;

void multiply() {
    for (uint first = 0; first < TILE_K; first += UNROLLED) {
        [[unroll]] for (uint step_ = 0; step_ < UNROLLED; step_++) {
            uint k = first + step_;
            float av[THREAD_M], bv[THREAD_N];
            for (uint i = 0; i < THREAD_M; i++) av[i] = a_tile[k * STRIDE_A + row_of(i)];
            for (uint j = 0; j < THREAD_N; j++) bv[j] = b_tile[k * STRIDE_B + column_of(j)];
            for (uint i = 0; i < THREAD_M; i++)
                for (uint j = 0; j < THREAD_N; j++) acc[i * THREAD_N + j] = fma(av[i], bv[j], acc[i * THREAD_N + j]);
        }
    }
}

// Multiplies the tile at (row, col). Returns the sum of column `col` + thread over the tile's part of B, if `sums`.
float multiply_tile(uint row, uint col, bool sums) {
    float sum = 0.0;
    for (uint i = 0; i < THREAD_M * THREAD_N; i++) acc[i] = 0.0;
    load(row, col, STEPS_BEGIN);
    for (uint k = STEPS_BEGIN; k < STEPS_END; k += TILE_K) {
        share();
        barrier();
        if (k + TILE_K < STEPS_END) load(row, col, k + TILE_K);
        if (EXTRA != ONLY_SUMS) multiply();
        if (sums)
            for (uint i = 0; i < TILE_K; i++) sum += b_tile[i * STRIDE_B + gl_LocalInvocationID.x];
        barrier();
    }
    return sum;
}

#endif
