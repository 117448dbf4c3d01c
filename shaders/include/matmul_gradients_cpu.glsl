// Op matmul_gradients for drivers that run workgroups on CPU threads, as matmul_cpu.glsl: a workgroup is one subgroup of
// 8, a lane owns 4 columns and ROWS rows of one of the products. SHUFFLE: the lanes load different parts of A and hand
// them round.
#extension GL_EXT_samplerless_texture_functions : require
#include "texel.glsl"

layout(constant_id = 0) const uint ROWS = 8; // 1, 2, 4, 8 or 16; at most any m
layout(constant_id = 1) const uint TAIL = 0; // k % 4
layout(local_size_x = 8) in;

#define PRODUCT(i) uint m##i, n##i, a##i, b##i, c##i, sums##i, end##i;
layout(push_constant) uniform PUSH {
    uint k;
    // C (m, n) = A (k, m)^T B (k, n). First elements, multiples of 4; sums: column sums of B, NO_SUMS: not wanted.
    // end: workgroups of this product and those before it; unused ones repeat the last.
    PRODUCT(0)
    PRODUCT(1)
    PRODUCT(2)
    PRODUCT(3)
} push;
#define NO_SUMS 0xFFFFFFFFu

layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(set = 0, binding = 2) writeonly buffer C4 { vec4 c4[]; };
layout(set = 0, binding = 8) uniform textureBuffer a_texels;
layout(set = 0, binding = 9) uniform textureBuffer b_texels;

TEXEL_LOAD(load_a_aligned, a_texels, true)
TEXEL_LOAD(load_b_aligned, b_texels, true)
TEXEL_LOAD(load_a_any, a_texels, false)
TEXEL_LOAD(load_b_any, b_texels, false)

#define COLUMNS 32u // of a workgroup

struct product {
    uint m, n, a, b, c, sums;
    uint row, col, own_row, own_col; // this lane's; at the edges moved back from what it owns
    bool stores;
};

vec4 acc[ROWS], sum = vec4(0.0);

// Steps k .. k + count - 1. Both factors are 0 beyond, so that nothing spoils the sums.
#define ADD_STEPS(name, load_a, load_b)                                                                       \
    void name(product p, uint k, uint count) {                                                                \
        vec4 b[4];                                                                                            \
        for (uint i = 0; i < 4; i++) {                                                                        \
            b[i] = i < count ? load_b(p.b + (k + min(i, count - 1u)) * p.n + p.col) : vec4(0.0);              \
            sum += b[i];                                                                                      \
        }                                                                                                     \
        MULTIPLY(load_a)                                                                                      \
    }

#ifdef SHUFFLE
#define MULTIPLY(load_a)                                                                                      \
    uint lane = gl_SubgroupInvocationID, step_ = lane & 3u;                                                   \
    for (uint g = 0; g < ROWS; g += 8u) {                                                                     \
        vec4 v = load_a(p.a + (k + min(step_, count - 1u)) * p.m + min(p.row + g + (lane & 4u), p.m - 1u));   \
        if (step_ >= count) v = vec4(0.0);                                                                    \
        for (uint r = 0; r < min(ROWS, 8u); r++)                                                              \
            for (uint i = 0; i < 4; i++)                                                                      \
                acc[g + r] = fma(vec4(subgroupShuffle(v[r & 3u], (r & 4u) + i)), b[i], acc[g + r]);           \
    }
#else
#define MULTIPLY(load_a)                                                                                      \
    for (uint i = 0; i < 4; i++) {                                                                            \
        vec4 v;                                                                                               \
        for (uint r = 0; r < ROWS; r++) {                                                                     \
            if ((r & 3u) == 0u) v = i < count ? load_a(p.a + (k + min(i, count - 1u)) * p.m + p.row + r) : vec4(0.0); \
            acc[r] = fma(vec4(v[r & 3u]), b[i], acc[r]);                                                      \
        }                                                                                                     \
    }
#endif

ADD_STEPS(add_aligned, load_a_aligned, load_b_aligned)
ADD_STEPS(add_any, load_a_any, load_b_any)

product find() {
    uint tile = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x, begin = 0u;
    product p = product(push.m0, push.n0, push.a0, push.b0, push.c0, push.sums0, 0u, 0u, 0u, 0u, true);
#define PICK(i, before)                                                                                       \
    if (tile >= push.end##before) {                                                                           \
        p = product(push.m##i, push.n##i, push.a##i, push.b##i, push.c##i, push.sums##i, 0u, 0u, 0u, 0u, true); \
        begin = push.end##before;                                                                             \
    }
    PICK(1, 0)
    PICK(2, 1)
    PICK(3, 2)
    if (tile >= push.end3) p.stores = false; // of a grid that was folded
    uint tiles_n = (p.n + COLUMNS - 1u) / COLUMNS;
    p.own_row = (tile - begin) / tiles_n * ROWS;
    p.own_col = (tile - begin) % tiles_n * COLUMNS + 4u * gl_LocalInvocationID.x;
    p.row = min(p.own_row, p.m - ROWS);
    p.col = p.n >= 4u ? min(p.own_col, p.n - 4u) : 0u;
    p.stores = p.stores && p.own_row < p.m && p.own_col < p.n;
    return p;
}

// Columns below own_col belong to the neighbour.
void store(product p, bool aligned, uint e, vec4 v) {
    if (aligned) {
        c4[e >> 2] = v;
        return;
    }
    for (uint i = 0; i < 4; i++)
        if (p.col + i >= p.own_col && p.col + i < p.n) c[e + i] = v[i];
}

void main() {
    product p = find();
    for (uint r = 0; r < ROWS; r++) acc[r] = vec4(0.0);
    uint end = push.k & ~3u;
    bool aligned = ROWS >= 4u && ((p.m | p.n) & 3u) == 0u;
    if (aligned) {
        for (uint k = 0; k < end; k += 4u) add_aligned(p, k, 4u);
        if (TAIL != 0u) add_aligned(p, end, TAIL);
    } else {
        for (uint k = 0; k < end; k += 4u) add_any(p, k, 4u);
        if (TAIL != 0u) add_any(p, end, TAIL);
    }
    if (!p.stores) return;
    if (p.own_row == 0u && p.sums != NO_SUMS) store(p, aligned, p.sums + p.col, sum);
    for (uint r = 0; r < ROWS; r++)
        if (p.row + r >= p.own_row) store(p, aligned, p.c + (p.row + r) * p.n + p.col, acc[r]);
}
