// Op matmul (src/op/matmul.c) on matrix units: VK_KHR_cooperative_matrix, factors of 16 bits, sums in float. A workgroup
// makes a tile of C, a subgroup SUB_M x SUB_N of it in fragments of FRAG_M x FRAG_N. Tiles of A and B are rounded on
// their way into shared memory, where they lie as in memory: the fragments' loads transpose. The next tiles are loaded
// into registers while this one is multiplied.
//
// Each element of C is one sum over k in steps of FRAG_K, whatever the tile: all tiles give the same bits.
// BFLOAT: factors are bfloat16, else float16.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_control_flow_attributes : require
#ifdef BFLOAT
#extension GL_EXT_bfloat16 : require
#define FACTOR bfloat16_t
#else
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define FACTOR float16_t
#endif
#include "matmul.glsl"

layout(local_size_x_id = 3) in; // a multiple of the subgroup size: one subgroup for each part of the tile
layout(constant_id = 4) const uint TILE_M = 64; // all are powers of two
layout(constant_id = 5) const uint TILE_N = 64;
layout(constant_id = 6) const uint TILE_K = 32;
layout(constant_id = 7) const uint SUB_M = 32;
layout(constant_id = 8) const uint SUB_N = 32;
layout(constant_id = 9) const uint FRAG_M = 16;
layout(constant_id = 10) const uint FRAG_N = 16;
layout(constant_id = 11) const uint FRAG_K = 16;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 0) readonly buffer A4 { vec4 a4[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 1) readonly buffer B4 { vec4 b4[]; };
layout(set = 0, binding = 3) readonly buffer X { float extra[]; };

// As stored: rows, and columns in groups of 8 factors with one group of padding against bank conflicts.
const uint ROWS_A = TRANS_A == 0u ? TILE_M : TILE_K, GROUPS_A = (TRANS_A == 0u ? TILE_K : TILE_M) / 8u;
const uint ROWS_B = TRANS_B == 0u ? TILE_K : TILE_N, GROUPS_B = (TRANS_B == 0u ? TILE_N : TILE_K) / 8u;
const uint STRIDE_A = GROUPS_A + 1u, STRIDE_B = GROUPS_B + 1u;
shared uvec4 a_tile[ROWS_A * STRIDE_A];
shared uvec4 b_tile[ROWS_B * STRIDE_B];

const uint SUBGROUPS_N = TILE_N / SUB_N, SUBGROUPS = TILE_M / SUB_M * SUBGROUPS_N;
shared float c_part[SUBGROUPS * FRAG_M * FRAG_N]; // a fragment of each subgroup on its way out

const uint LOADS_A = (ROWS_A * GROUPS_A + gl_WorkGroupSize.x - 1u) / gl_WorkGroupSize.x;
const uint LOADS_B = (ROWS_B * GROUPS_B + gl_WorkGroupSize.x - 1u) / gl_WorkGroupSize.x;
vec4 a_next[2u * LOADS_A], b_next[2u * LOADS_B];

uint pack2(float x, float y) {
#ifdef BFLOAT
    uvec2 u = floatBitsToUint(round_bfloat(vec4(x, y, 0.0, 0.0)).xy);
    return u.x >> 16 | u.y;
#else
    return packFloat2x16(f16vec2(x, y));
#endif
}

float unpack1(uint pair, bool high) {
#ifdef BFLOAT
    return uintBitsToFloat(high ? pair & 0xFFFF0000u : pair << 16);
#else
    vec2 v = unpackHalf2x16(pair);
    return high ? v.y : v.x;
#endif
}

uvec4 pack8(vec4 x, vec4 y, bool scale) {
#ifndef BFLOAT
    if (scale) {
        x *= loss_scale(1);
        y *= loss_scale(1);
    }
#endif
    return uvec4(pack2(x.x, x.y), pack2(x.z, x.w), pack2(y.x, y.y), pack2(y.z, y.w));
}

// Eight neighbours of a row of A or B as stored, (rows, columns); 0 outside.
#define LOAD8(name, array, array4, first)                                                                     \
    void name(uint row, uint column, uint rows, uint columns, out vec4 x, out vec4 y) {                       \
        x = y = vec4(0.0);                                                                                    \
        if (row >= rows) return;                                                                              \
        uint e = first + row * columns + column;                                                              \
        if ((columns & 3u) == 0u) {                                                                           \
            if (column < columns) x = array4[e >> 2];                                                         \
            if (column + 4u < columns) y = array4[(e >> 2) + 1u];                                             \
            return;                                                                                           \
        }                                                                                                     \
        [[unroll]] for (uint i = 0; i < 4u; i++) {                                                            \
            if (column + i < columns) x[i] = array[e + i];                                                    \
            if (column + i + 4u < columns) y[i] = array[e + i + 4u];                                          \
        }                                                                                                     \
    }
LOAD8(load8_a, a, a4, push.a)
LOAD8(load8_b, b, b4, push.b)

void load(uint row, uint col, uint k) {
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
        uint item = gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, r = item / GROUPS_A, c = item % GROUPS_A * 8u;
        if (TRANS_A == 0u) load8_a(row + r, k + c, push.m, push.k, a_next[2u * i], a_next[2u * i + 1u]);
        else load8_a(k + r, row + c, push.k, push.m, a_next[2u * i], a_next[2u * i + 1u]);
    }
    [[unroll]] for (uint i = 0; i < LOADS_B; i++) {
        uint item = gl_LocalInvocationID.x + i * gl_WorkGroupSize.x, r = item / GROUPS_B, c = item % GROUPS_B * 8u;
        if (TRANS_B == 0u) load8_b(k + r, col + c, push.k, push.n, b_next[2u * i], b_next[2u * i + 1u]);
        else load8_b(col + r, k + c, push.n, push.k, b_next[2u * i], b_next[2u * i + 1u]);
    }
}

void share() {
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
        uint item = gl_LocalInvocationID.x + i * gl_WorkGroupSize.x;
        if (item < ROWS_A * GROUPS_A)
            a_tile[item / GROUPS_A * STRIDE_A + item % GROUPS_A] =
                pack8(a_next[2u * i], a_next[2u * i + 1u], PRECISION_SCALE_A);
    }
    [[unroll]] for (uint i = 0; i < LOADS_B; i++) {
        uint item = gl_LocalInvocationID.x + i * gl_WorkGroupSize.x;
        if (item < ROWS_B * GROUPS_B)
            b_tile[item / GROUPS_B * STRIDE_B + item % GROUPS_B] =
                pack8(b_next[2u * i], b_next[2u * i + 1u], PRECISION_SCALE_B);
    }
}

const uint FRAGS_M = SUB_M / FRAG_M, FRAGS_N = SUB_N / FRAG_N;
coopmat<float, gl_ScopeSubgroup, FRAG_M, FRAG_N, gl_MatrixUseAccumulator> acc[FRAGS_M * FRAGS_N];

// This subgroup's part of the tile.
uint sub_row() { return gl_SubgroupID / SUBGROUPS_N * SUB_M; }
uint sub_col() { return gl_SubgroupID % SUBGROUPS_N * SUB_N; }

void multiply() {
    uint row = sub_row(), col = sub_col();
    [[unroll]] for (uint k = 0; k < TILE_K; k += FRAG_K) {
        coopmat<FACTOR, gl_ScopeSubgroup, FRAG_M, FRAG_K, gl_MatrixUseA> x[FRAGS_M];
        coopmat<FACTOR, gl_ScopeSubgroup, FRAG_K, FRAG_N, gl_MatrixUseB> y;
        [[unroll]] for (uint i = 0; i < FRAGS_M; i++) {
            uint m = row + i * FRAG_M;
            if (TRANS_A == 0u)
                coopMatLoad(x[i], a_tile, m * STRIDE_A + k / 8u, STRIDE_A, gl_CooperativeMatrixLayoutRowMajor);
            else coopMatLoad(x[i], a_tile, k * STRIDE_A + m / 8u, STRIDE_A, gl_CooperativeMatrixLayoutColumnMajor);
        }
        [[unroll]] for (uint j = 0; j < FRAGS_N; j++) {
            uint n = col + j * FRAG_N;
            if (TRANS_B == 0u)
                coopMatLoad(y, b_tile, k * STRIDE_B + n / 8u, STRIDE_B, gl_CooperativeMatrixLayoutRowMajor);
            else coopMatLoad(y, b_tile, n * STRIDE_B + k / 8u, STRIDE_B, gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint i = 0; i < FRAGS_M; i++)
                acc[i * FRAGS_N + j] = coopMatMulAdd(x[i], y, acc[i * FRAGS_N + j]);
        }
    }
}

// Four neighbours of C, of which those beyond the last column are not stored.
void store4(uint m, uint n, vec4 v) {
    uint e = m * push.n + n;
    v = unscaled4(v);
    if ((push.n & 3u) == 0u) {
        vec4 x = vec4(0.0);
        uint from = push.extra + (EXTRA == BIAS ? n : e);
        if (EXTRA == BIAS || EPILOGUE_MODE == 2u)
            x = vec4(extra[from], extra[from + 1u], extra[from + 2u], extra[from + 3u]);
        if (EXTRA == BIAS) v += x;
        c4[(push.c + e) >> 2] = epilogue4(v, x, e);
        return;
    }
    for (uint i = 0; i < min(4u, push.n - n); i++) {
        float x = 0.0;
        if (EXTRA == BIAS || EPILOGUE_MODE == 2u) x = extra[push.extra + (EXTRA == BIAS ? n : e) + i];
        c[push.c + e + i] = epilogue1(EXTRA == BIAS ? v[i] + x : v[i], x, e + i);
    }
}

void store(uint row, uint col) {
    const uint QUADS_N = FRAG_N / 4u, QUADS = FRAG_M * QUADS_N;
    uint part = gl_SubgroupID * FRAG_M * FRAG_N;
    [[unroll]] for (uint f = 0; f < FRAGS_M * FRAGS_N; f++) {
        uint m = row + sub_row() + f / FRAGS_N * FRAG_M, n = col + sub_col() + f % FRAGS_N * FRAG_N;
        subgroupBarrier();
        coopMatStore(acc[f], c_part, part, FRAG_N, gl_CooperativeMatrixLayoutRowMajor);
        subgroupMemoryBarrierShared();
        subgroupBarrier();
        for (uint q = gl_SubgroupInvocationID; q < QUADS; q += gl_SubgroupSize) {
            uint r = m + q / QUADS_N, s = n + q % QUADS_N * 4u, at = part + 4u * q;
            if (r < push.m && s < push.n)
                store4(r, s, vec4(c_part[at], c_part[at + 1u], c_part[at + 2u], c_part[at + 3u]));
        }
    }
}

void main() {
    uint tiles_n = (push.n + TILE_N - 1u) / TILE_N, tile = tile_index();
    uint row = tile / tiles_n * TILE_M, col = tile % tiles_n * TILE_N;
    if (row >= push.m) return;
    [[unroll]] for (uint f = 0; f < FRAGS_M * FRAGS_N; f++)
        acc[f] = coopmat<float, gl_ScopeSubgroup, FRAG_M, FRAG_N, gl_MatrixUseAccumulator>(0.0);
    // The workgroups of the first tile row add up the columns of B, which is not transposed: thread i column i.
    uint t = gl_LocalInvocationID.x;
    bool sums = EXTRA == SUMS && row == 0u && t < TILE_N;
    float sum = 0.0;

    load(row, col, 0u);
    for (uint k = 0; k < push.k; k += TILE_K) {
        share();
        barrier();
        if (k + TILE_K < push.k) load(row, col, k + TILE_K);
        multiply();
        if (sums)
            for (uint i = 0; i < TILE_K; i++) sum += unpack1(b_tile[i * STRIDE_B + t / 8u][t / 2u & 3u], (t & 1u) != 0u);
        barrier();
    }
    if (sums && col + t < push.n) c[push.sums + col + t] = unscaled(sum);
    store(row, col);
}
