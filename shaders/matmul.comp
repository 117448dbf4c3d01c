// Op matmul (src/op/matmul.c) for GPUs: a workgroup makes a tile of C, or of one part of C: a sum over some of k only.
// Parts lie one behind the other, rounded up to 4 elements; matmul_sum.comp adds them up.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "matmul.glsl"

#define SIZE_M push.m
#define SIZE_N push.n
#define STEPS push.k
#define FIRST_A push.a
#define FIRST_B push.b
layout(constant_id = 9) const uint PARTS = 0; // 1: several parts
uint steps_begin = 0u, steps_end = push.k;
#define STEPS_BEGIN steps_begin
#define STEPS_END steps_end
#include "matmul_gpu.glsl"

layout(set = 0, binding = 3) readonly buffer X { float extra[]; };

void store(uint row, uint col, uint first) {
    for (uint i = 0; i < THREAD_M; i++) {
        uint m = row + row_of(i);
        if (m >= push.m) continue;
        if (VECTOR_N == 4u && (push.n & 3u) == 0u) {
            for (uint j = 0; j < THREAD_N; j += 4u) {
                uint n = col + column_of(j), e = m * push.n + n;
                if (n >= push.n) continue;
                uint at = i * THREAD_N + j;
                vec4 v = unscaled4(vec4(acc[at], acc[at + 1u], acc[at + 2u], acc[at + 3u])), x = vec4(0.0);
                uint from = push.extra + (EXTRA == BIAS ? n : e);
                if (EXTRA == BIAS || EPILOGUE_MODE == 2u)
                    x = vec4(extra[from], extra[from + 1u], extra[from + 2u], extra[from + 3u]);
                if (EXTRA == BIAS) v += x;
                c4[(first + e) >> 2] = epilogue4(v, x, e);
            }
        } else {
            for (uint j = 0; j < THREAD_N; j++) {
                uint n = col + column_of(j), e = m * push.n + n;
                if (n >= push.n) continue;
                float v = unscaled(acc[i * THREAD_N + j]), x = 0.0;
                if (EXTRA == BIAS || EPILOGUE_MODE == 2u) x = extra[push.extra + (EXTRA == BIAS ? n : e)];
                if (EXTRA == BIAS) v += x;
                c[first + e] = epilogue1(v, x, e);
            }
        }
    }
}

void main() {
    uint tiles_n = (push.n + TILE_N - 1u) / TILE_N, tile = tile_index();
    uint part = 0u, first = push.c;
    if (PARTS != 0u) {
        uint tiles = (push.m + TILE_M - 1u) / TILE_M * tiles_n;
        part = tile / tiles;
        tile -= part * tiles;
        steps_begin = part * push.steps;
        steps_end = min(steps_begin + push.steps, push.k);
        first += part * ((push.m * push.n + 3u) & ~3u);
        if (steps_begin >= push.k) return;
    }
    uint row = tile / tiles_n * TILE_M, col = tile % tiles_n * TILE_N;
    if (row >= push.m) return;
    // The workgroups of the first tile row add up the columns of B, thread i column i.
    bool sums = EXTRA >= SUMS && row == 0u && gl_LocalInvocationID.x < TILE_N;
    float sum = multiply_tile(row, col, sums);
    if (sums && col + gl_LocalInvocationID.x < push.n) c[push.sums + col + gl_LocalInvocationID.x] = unscaled(sum);
    if (EXTRA != ONLY_SUMS) store(row, col, first);
}
