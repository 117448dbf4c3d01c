// Op matmul (src/op/matmul.c) for GPUs. A workgroup makes a tile of C from tiles of A and B in shared memory, a thread
// THREAD_M x THREAD_N elements of it in registers. Global memory is read along its contiguous axis; transposing happens
// on the way into shared memory. The next tiles are loaded into registers while this one is multiplied.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "matmul.glsl"

layout(local_size_x_id = 3) in;
layout(constant_id = 4) const uint TILE_M = 64;
layout(constant_id = 5) const uint TILE_N = 64;
layout(constant_id = 6) const uint TILE_K = 16;
layout(constant_id = 7) const uint THREAD_M = 4;
layout(constant_id = 8) const uint THREAD_N = 4;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 3) readonly buffer X { float extra[]; };

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
        uint e = TRANS_A == 0u ? p.x * push.k + p.y : p.y * push.m + p.x;
        a_next[i] = 0.0;
        if (p.x < push.m && p.y < push.k && EXTRA != ONLY_SUMS) a_next[i] = a[push.a + e];
    }
    for (uint i = 0; i < LOADS_B; i++) {
        uvec2 p = place(gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, TILE_N, TRANS_B != 0u) + uvec2(col, k);
        uint e = TRANS_B == 0u ? p.y * push.n + p.x : p.x * push.k + p.y;
        b_next[i] = 0.0;
        if (p.x < push.n && p.y < push.k) b_next[i] = b[push.b + e];
    }
}

void share() {
    for (uint i = 0; i < LOADS_A; i++) {
        uvec2 p = place(gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, TILE_M, TRANS_A == 0u);
        a_tile[p.y * STRIDE_A + p.x] = a_next[i];
    }
    for (uint i = 0; i < LOADS_B; i++) {
        uvec2 p = place(gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, TILE_N, TRANS_B != 0u);
        b_tile[p.y * STRIDE_B + p.x] = b_next[i];
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

void multiply() {
    for (uint k = 0; k < TILE_K; k++) {
        float av[THREAD_M], bv[THREAD_N];
        for (uint i = 0; i < THREAD_M; i++) av[i] = a_tile[k * STRIDE_A + row_of(i)];
        for (uint j = 0; j < THREAD_N; j++) bv[j] = b_tile[k * STRIDE_B + column_of(j)];
        for (uint i = 0; i < THREAD_M; i++)
            for (uint j = 0; j < THREAD_N; j++) acc[i * THREAD_N + j] = fma(av[i], bv[j], acc[i * THREAD_N + j]);
    }
}

void store(uint row, uint col) {
    for (uint i = 0; i < THREAD_M; i++) {
        uint m = row + row_of(i);
        if (m >= push.m) continue;
        if (VECTOR_N == 4u && (push.n & 3u) == 0u) {
            for (uint j = 0; j < THREAD_N; j += 4u) {
                uint n = col + column_of(j), e = m * push.n + n;
                if (n >= push.n) continue;
                uint at = i * THREAD_N + j;
                vec4 v = vec4(acc[at], acc[at + 1u], acc[at + 2u], acc[at + 3u]), x = vec4(0.0);
                uint from = push.extra + (EXTRA == BIAS ? n : e);
                if (EXTRA == BIAS || EPILOGUE_MODE == 2u)
                    x = vec4(extra[from], extra[from + 1u], extra[from + 2u], extra[from + 3u]);
                if (EXTRA == BIAS) v += x;
                c4[(push.c + e) >> 2] = epilogue4(v, x, e);
            }
        } else {
            for (uint j = 0; j < THREAD_N; j++) {
                uint n = col + column_of(j), e = m * push.n + n;
                if (n >= push.n) continue;
                float v = acc[i * THREAD_N + j], x = 0.0;
                if (EXTRA == BIAS || EPILOGUE_MODE == 2u) x = extra[push.extra + (EXTRA == BIAS ? n : e)];
                if (EXTRA == BIAS) v += x;
                c[push.c + e] = epilogue1(v, x, e);
            }
        }
    }
}

void main() {
    uint tiles_n = (push.n + TILE_N - 1u) / TILE_N, tile = tile_index();
    uint row = tile / tiles_n * TILE_M, col = tile % tiles_n * TILE_N;
    if (row >= push.m) return;
    for (uint i = 0; i < THREAD_M * THREAD_N; i++) acc[i] = 0.0;
    // The workgroups of the first tile row add up the columns of B, thread i column i.
    bool sums = EXTRA >= SUMS && row == 0u && gl_LocalInvocationID.x < TILE_N;
    float sum = 0.0;

    load(row, col, 0u);
    for (uint k = 0; k < push.k; k += TILE_K) {
        share();
        barrier();
        if (k + TILE_K < push.k) load(row, col, k + TILE_K);
        if (EXTRA != ONLY_SUMS) multiply();
        if (sums)
            for (uint i = 0; i < TILE_K; i++) sum += b_tile[i * STRIDE_B + gl_LocalInvocationID.x];
        barrier();
    }
    if (sums && col + gl_LocalInvocationID.x < push.n) c[push.sums + col + gl_LocalInvocationID.x] = sum;
    if (EXTRA != ONLY_SUMS) store(row, col);
}
