// A tile of gather and a product at once, for CPU drivers whose subgroups have 8 lanes and can shuffle: those of
// matmul_shuffle.comp, and so are the bits. Lane i loads 16 bytes of row i, and keeps them as floats as it uses them.
//
// Before it is included: constants ROWS (of a tile: 1, 2, 4, 8 or 16; at most m), BIAS, ALIGNED (1: n is a multiple of
// 4), epilogue.glsl with EPILOGUE_POSITION state.next. The kernel gives the variables below their values first of all.
#include "row_source.glsl"
#include "texel.glsl"

#ifndef ACTIVATION_ACCESS
#define ACTIVATION_ACCESS writeonly
#endif
layout(set = 0, binding = 2) ACTIVATION_ACCESS buffer ACTIVATIONS { float act[]; };
layout(set = 0, binding = 2) ACTIVATION_ACCESS buffer ACTIVATIONS4 { vec4 act4[]; };
layout(set = 0, binding = 8) uniform utextureBuffer data_texels;
layout(set = 0, binding = 9) uniform textureBuffer param_texels;

TEXEL_LOAD(load, param_texels, ALIGNED != 0u)
TEXEL_LOAD(load_any, param_texels, false)

#define COLUMNS 32u
const uint GROUPS = (ROWS + 7u) / 8u; // of rows, of a lane each

vec4 acc[ROWS];
uint m, n, k, first_texel, first_kernel, first_bias, first_row, first_product;
float scale;
row_source source;

uint data_word(uint word) {
    uvec4 t = texelFetch(data_texels, int(word >> 2));
    return (word & 2u) == 0u ? ((word & 1u) == 0u ? t.x : t.y) : ((word & 1u) == 0u ? t.z : t.w);
}

// Whether this lane's row of group g is the tile's own.
bool owns_row(uint own_row, uint row, uint g) {
    uint i = 8u * g + gl_LocalInvocationID.x;
    return own_row < m && row + i >= own_row && i < ROWS;
}

// Columns below `own` belong to the neighbour.
void store(uint e, uint col, uint own, vec4 v) {
    if (ALIGNED != 0u) {
        act4[e >> 2] = v;
        return;
    }
    for (uint i = 0; i < 4; i++)
        if (col + i >= own && col + i < n) act[e + i] = v[i];
}

// A tile of the product. The column tiles share the storing of the rows between them.
void gather_matmul_tile(uint own_row, uint column) {
    uint lane = gl_LocalInvocationID.x, tiles_n = (n + COLUMNS - 1u) / COLUMNS;
    uint own_col = column * COLUMNS + 4u * lane;
    // At the edges whole tiles are computed, moved back; what the neighbour owns is not stored.
    uint row = min(own_row, m - ROWS), col = n >= 4u ? min(own_col, n - 4u) : 0u;

    uint texel[GROUPS], to[GROUPS];
    bool live[GROUPS], owns[GROUPS];
    [[unroll]] for (uint g = 0; g < GROUPS; g++) {
        uint r = min(row + 8u * g + lane, m - 1u);
        owns[g] = owns_row(own_row, row, g);
        live[g] = r < source.rows;
        texel[g] = first_texel + (live[g] ? row_sample(source, r) : 0u) * (k >> 4);
        to[g] = (first_row + r * k) >> 2;
    }

    for (uint r = 0; r < ROWS; r++) acc[r] = vec4(0.0);
    uint turn = 0u, texels = k >> 4;
    for (uint t = 0; t < texels; t++) {
        uvec4 bytes[GROUPS];
        [[unroll]] for (uint g = 0; g < GROUPS; g++) bytes[g] = texelFetch(data_texels, int(texel[g] + t));
        [[dont_unroll]] for (uint w = 0; w < 4u; w++) {
            vec4 b[4];
            [[unroll]] for (uint i = 0; i < 4; i++) b[i] = load(first_kernel + (16u * t + 4u * w + i) * n + col);
            [[unroll]] for (uint g = 0; g < GROUPS; g++) {
                uint word = w == 0u ? bytes[g].x : w == 1u ? bytes[g].y : w == 2u ? bytes[g].z : bytes[g].w;
                vec4 v = live[g] ? bytes_of(word) * scale : vec4(0.0);
                if (owns[g] && turn == column) act4[to[g] + 4u * t + w] = v;
                [[unroll]] for (uint r = 0; r < min(ROWS, 8u); r++)
                    [[unroll]] for (uint i = 0; i < 4; i++)
                        acc[8u * g + r] = fma(vec4(subgroupShuffle(v[i], r)), b[i], acc[8u * g + r]);
            }
        }
        turn = turn + 1u == tiles_n ? 0u : turn + 1u;
    }

    bool stores = own_row < m && own_col < n;
    vec4 bias = BIAS != 0u ? load_any(first_bias + col) : vec4(0.0);
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint e = (row + r) * n + col;
        vec4 v = BIAS != 0u ? acc[r] + bias : acc[r];
        if (ALIGNED != 0u) v = epilogue4(v, vec4(0.0), e);
        else
            [[unroll]] for (uint i = 0; i < 4; i++) v[i] = epilogue1(v[i], 0.0, e + i);
        if (stores && row + r >= own_row) store(first_product + e, col, own_col, v);
    }
}
