// Matrix product for drivers that run workgroups on CPU threads: no shared memory, no barriers. A workgroup is one
// subgroup of 8; a lane owns 4 columns and ROWS rows in registers. Operands are read as whole texels: a load from a
// storage buffer is a loop over the lanes there. Rows that begin within a texel take two.
// SHUFFLE: the lanes load different parts of A and hand them round.
#extension GL_EXT_samplerless_texture_functions : require
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

// Rows first .. end - 1 of the 8 that v holds; acc[to] is that of the first of the 8.
void multiply(uint to, uint first, uint end, vec4 v, mat4 b) {
    for (uint r = first; r < end; r++)
        for (uint i = 0; i < 4; i++) {
            float a = TRANS_A == 0u ? subgroupShuffle(v[i], r) : subgroupShuffle(v[r & 3u], (r & 4u) + i);
            acc[(to + r) % ROWS] = fma(vec4(a), b[i], acc[(to + r) % ROWS]);
        }
}

void add_product(uint row, uint k, uint count, bool tail, mat4 b) {
    for (uint g = 0; g < ROWS; g += 8u) multiply(g, 0u, min(ROWS, 8u), rows_of_a(row + g, k, count, tail), b);
}

// As the part of block_of_b that load i makes.
vec4 load_of_b(uint col, uint k, uint i) {
    return load_b(push.b + (TRANS_B == 0u ? (k + i) * push.n + col : min(col + i, push.n - 1u) * push.k + k));
}

// All whole blocks, of 16 rows. The loads of the next block stand between the products of this one, so that a processor
// has work for as long as each takes, wherever its data come from.
void add_blocks(uint row, uint col, uint end) {
    vec4 v = rows_of_a(row, 0u, 4u, false), w = rows_of_a(row + 8u, 0u, 4u, false), v_next, w_next;
    mat4 loaded, next;
    for (uint i = 0; i < 4; i++) loaded[i] = load_of_b(col, 0u, i);
    for (uint k = 0; k < end; k += 4u) {
        uint then = min(k + 4u, end - 4u);
        mat4 b = TRANS_B == 0u ? loaded : transpose(loaded);
        next[0] = load_of_b(col, then, 0u);
        multiply(0u, 0u, 3u, v, b);
        next[1] = load_of_b(col, then, 1u);
        multiply(0u, 3u, 5u, v, b);
        next[2] = load_of_b(col, then, 2u);
        multiply(0u, 5u, 8u, v, b);
        next[3] = load_of_b(col, then, 3u);
        multiply(8u, 0u, 3u, w, b);
        v_next = rows_of_a(row, then, 4u, false);
        multiply(8u, 3u, 5u, w, b);
        w_next = rows_of_a(row + 8u, then, 4u, false);
        multiply(8u, 5u, 8u, w, b);
        if (EXTRA >= SUMS) sum += (b[0] + b[1]) + (b[2] + b[3]);
        loaded = next;
        v = v_next;
        w = w_next;
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
    bool ahead = ROWS == 16u && EXTRA != ONLY_SUMS && end != 0u;
    if (ahead) add_blocks(row, col, end);
#else
    const bool ahead = false;
#endif
    for (uint k = 0; k < end && !ahead; k += 4u) add_block(row, col, k, 4u, false);
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
