// Matrix product for drivers that run workgroups on CPU threads: no shared memory, no barriers. A workgroup is one
// subgroup of 8; a lane owns 4 columns and ROWS rows in registers. Operands are read as whole texels: a load from a
// storage buffer is a loop over the lanes there. Rows that begin within a texel take two.
// SHUFFLE: the lanes load different parts of A and hand them round.
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_EXT_control_flow_attributes : require
#include "matmul.glsl"
#include "texel.glsl"

layout(constant_id = 3) const uint ROWS = 8; // 1, 2, 4, 8 or 16; at most m
layout(constant_id = 4) const uint TAIL = 1; // 0: k is a multiple of 4
layout(constant_id = 5) const uint ALIGNED_A = 0; // 1: the rows of A, as stored, begin with a texel
layout(constant_id = 6) const uint ALIGNED_B = 0;
layout(constant_id = 7) const uint ALIGNED_C = 0; // 1: n is a multiple of 4
layout(local_size_x = 8) in;

layout(set = 0, binding = 8) uniform textureBuffer a_texels;
layout(set = 0, binding = 9) uniform textureBuffer b_texels;
layout(set = 0, binding = 11) uniform textureBuffer extra_texels;

#define COLUMNS 32u // of a workgroup

TEXEL_LOAD(load_a, a_texels, ALIGNED_A != 0u)
TEXEL_LOAD(load_b, b_texels, ALIGNED_B != 0u)
TEXEL_LOAD(load_extra, extra_texels, ALIGNED_C != 0u)

vec4 acc[ROWS], sum = vec4(0.0);

vec4 first_of(vec4 v, uint count) { return mix(vec4(0.0), v, lessThan(uvec4(0, 1, 2, 3), uvec4(count))); }

// Steps k .. k + 3 of columns `col` .. `col` + 3; those from k + `count` on are zero when there is a tail.
mat4 block_of_b(uint col, uint k, uint count, bool tail) {
    mat4 b;
    for (uint i = 0; i < 4; i++) {
        if (TRANS_B == 0u) {
            b[i] = factor_b4(load_b(push.b + (tail ? min(k + i, push.k - 1u) : k + i) * push.n + col));
            if (tail && i >= count) b[i] = vec4(0.0);
        } else {
            b[i] = factor_b4(load_b(push.b + min(col + i, push.n - 1u) * push.k + k));
            if (tail) b[i] = first_of(b[i], count);
        }
    }
    return TRANS_B == 0u ? b : transpose(b);
}

// A is zero where B is, so that no value of another row or of nothing spoils the sum.
vec4 row_of_a(uint row, uint k, uint count, bool tail) {
    vec4 v = factor_a4(load_a(push.a + row * push.k + k));
    return tail ? first_of(v, count) : v;
}
vec4 column_of_a(uint row, uint k, uint end, bool tail) {
    vec4 v = factor_a4(load_a(push.a + (tail ? min(k, push.k - 1u) : k) * push.m + row));
    return tail && k >= end ? vec4(0.0) : v;
}

#ifdef SHUFFLE
// One load serves 8 rows: lane i has row i, or step i % 4 of rows i / 4 * 4 .. + 3.
vec4 rows_of_a(uint row, uint k, uint count, bool tail) {
    uint lane = gl_SubgroupInvocationID;
    return TRANS_A == 0u ? row_of_a(min(row + lane, push.m - 1u), k, count, tail)
                         : column_of_a(min(row + (lane & 4u), push.m - 1u), k + (lane & 3u), k + count, tail);
}

// v: of 8 rows, or of ROWS; acc[to] is that of the first.
void multiply(uint to, vec4 v, mat4 b) {
    for (uint r = 0; r < min(ROWS, 8u); r++)
        for (uint i = 0; i < 4; i++) {
            float a = TRANS_A == 0u ? subgroupShuffle(v[i], r) : subgroupShuffle(v[r & 3u], (r & 4u) + i);
            acc[(to + r) % ROWS] = fma(vec4(a), b[i], acc[(to + r) % ROWS]);
        }
}

void add_product(uint row, uint k, uint count, bool tail, mat4 b) {
    for (uint g = 0; g < ROWS; g += 8u) multiply(g, rows_of_a(row + g, k, count, tail), b);
}

// As the part of block_of_b that load i makes.
vec4 load_of_b(uint col, uint k, uint i) {
    return load_b(push.b + (TRANS_B == 0u ? (k + i) * push.n + col : min(col + i, push.n - 1u) * push.k + k));
}

// Steps that are a cache line of a row. Rows lie a power of two apart often, and then share a few places of the cache:
// all of a line is taken before the next row's drives it out.
#define LINE 16u

// All whole lines, of 16 rows.
void add_lines(uint row, uint col, uint end) {
    for (uint k = 0; k < end; k += LINE) {
        vec4 v[4], w[4];
        mat4 b[4];
        [[unroll]] for (uint q = 0; q < 4; q++) v[q] = rows_of_a(row, k + 4u * q, 4u, false);
        [[unroll]] for (uint q = 0; q < 4; q++) w[q] = rows_of_a(row + 8u, k + 4u * q, 4u, false);
        [[unroll]] for (uint i = 0; i < 4; i++)
            [[unroll]] for (uint q = 0; q < 4; q++) b[q][i] = load_of_b(col, k + 4u * q, i);
        [[unroll]] for (uint q = 0; q < 4; q++) {
            if (TRANS_B != 0u) b[q] = transpose(b[q]);
            multiply(0u, v[q], b[q]);
            multiply(8u, w[q], b[q]);
            if (EXTRA >= SUMS) sum += (b[q][0] + b[q][1]) + (b[q][2] + b[q][3]);
        }
    }
}
#else
void add_product(uint row, uint k, uint count, bool tail, mat4 b) {
    if (TRANS_A == 0u) {
        for (uint r = 0; r < ROWS; r++) {
            vec4 v = row_of_a(row + r, k, count, tail);
            for (uint i = 0; i < 4; i++) acc[r] = fma(vec4(v[i]), b[i], acc[r]);
        }
        return;
    }
    for (uint i = 0; i < 4; i++) {
        vec4 v;
        for (uint r = 0; r < ROWS; r++) {
            if ((r & 3u) == 0u) v = column_of_a(row + r, k + i, k + count, tail);
            acc[r] = fma(vec4(v[r & 3u]), b[i], acc[r]);
        }
    }
}
#endif

void add_block(uint row, uint col, uint k, uint count, bool tail) {
    mat4 b = block_of_b(col, k, count, tail);
    if (EXTRA != ONLY_SUMS) add_product(row, k, count, tail, b);
    if (EXTRA >= SUMS) sum += (b[0] + b[1]) + (b[2] + b[3]);
}

// Columns below `own` belong to the neighbour.
void store(uint e, uint col, uint own, vec4 v) {
    if (ALIGNED_C != 0u) {
        c4[e >> 2] = v;
        return;
    }
    for (uint i = 0; i < 4; i++)
        if (col + i >= own && col + i < push.n) c[e + i] = v[i];
}

void main() {
    uint tiles_n = (push.n + COLUMNS - 1u) / COLUMNS, tile = tile_index();
    uint own_row = tile / tiles_n * ROWS, own_col = tile % tiles_n * COLUMNS + 4u * gl_LocalInvocationID.x;
    // At the edges whole tiles are computed, moved back; what the neighbour owns is not stored.
    uint row = min(own_row, push.m - ROWS), col = push.n >= 4u ? min(own_col, push.n - 4u) : 0u;
    bool stores = own_row < push.m && own_col < push.n;

    for (uint r = 0; r < ROWS; r++) acc[r] = vec4(0.0);
    uint end = push.k & ~3u;
#ifdef SHUFFLE
    uint begin = ROWS == 16u && EXTRA != ONLY_SUMS ? push.k & ~(LINE - 1u) : 0u;
    if (begin != 0u) add_lines(row, col, begin);
#else
    const uint begin = 0u;
#endif
    for (uint k = begin; k < end; k += 4u) add_block(row, col, k, 4u, false);
    if (TAIL != 0u) add_block(row, col, end, push.k - end, true);

    if (EXTRA >= SUMS && stores && own_row == 0u) store(push.sums + col, col, own_col, unscaled4(sum));
    if (EXTRA == ONLY_SUMS) return;
    vec4 bias = EXTRA == BIAS ? load_extra(push.extra + col) : vec4(0.0);
    for (uint r = 0; r < ROWS; r++) {
        if (!stores || row + r < own_row) continue;
        uint e = (row + r) * push.n + col;
        vec4 v = EXTRA == BIAS ? acc[r] + bias : unscaled4(acc[r]);
        vec4 y = EPILOGUE_MODE == 2u ? load_extra(push.extra + e) : vec4(0.0);
        if (ALIGNED_C != 0u) v = epilogue4(v, y, e);
        else
            for (uint i = 0; i < 4; i++) v[i] = epilogue1(v[i], y[i], e + i);
        store(push.c + e, col, own_col, v);
    }
}
