// Ops matmul_gradients and matmul_adam for drivers that run workgroups on CPU threads, as matmul_cpu.glsl: a workgroup is
// one subgroup of 8, a lane owns 4 columns and ROWS rows of one of the products.
// SHUFFLE: the lanes load different parts of A and hand them round.
// ADAM: the gradients are not stored, but the parameters are updated by them.
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#include "precision.glsl"
#include "texel.glsl"

#define NOT_ALIGNED 0u
#define ALL_ALIGNED 1u
#define MIXED 2u
layout(constant_id = 0) const uint ROWS = 8; // 1, 2, 4, 8 or 16; at most any m
layout(constant_id = 1) const uint TAIL = 0; // k % 4
// Whether m and n of a product are multiples of 4: these drivers run both sides of a branch, so it is better known.
layout(constant_id = 2) const uint ALIGNED = MIXED;
// Rows of a tile of those that are not, at most ROWS: few make little of the code that the others run through in vain.
layout(constant_id = 4) const uint ANY_ROWS = 8;
layout(local_size_x = 8) in;
#ifdef ADAM
#define TICK_BINDING 3
#include "adam_rule.glsl"
#include "tick.glsl"
#endif

#define PRODUCT(i) uint m##i, n##i, a##i, b##i, c##i, sums##i, end##i;
layout(push_constant) uniform PUSH {
    uint k;
    // C (m, n) = A (k, m)^T B (k, n). First elements, multiples of 4; sums: column sums of B, NO_SUMS: not wanted.
    // end: workgroups of this product and those before it; unused ones repeat the last.
    PRODUCT(0)
    PRODUCT(1)
    PRODUCT(2)
#ifdef ADAM
    // c and sums count from the first parameter.
    uint parameters, slots;
    TICK_PUSH // tick_row_stride 0: this dispatch does not end the step
#else
    PRODUCT(3)
#endif
} push;
#define NO_SUMS 0xFFFFFFFFu

#ifdef ADAM
layout(set = 0, binding = 1) buffer PARAMETERS { float parameters[]; };
layout(set = 0, binding = 1) buffer PARAMETERS4 { vec4 parameters4[]; };
layout(set = 0, binding = 2) buffer SLOTS { float slots[]; };
layout(set = 0, binding = 2) buffer SLOTS4 { vec4 slots4[]; };
layout(set = 0, binding = 8) uniform textureBuffer act_texels;
layout(set = 0, binding = 9) uniform textureBuffer parameter_texels;
layout(set = 0, binding = 10) uniform textureBuffer slot_texels;
#define a_texels act_texels
#define b_texels act_texels
#else
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(set = 0, binding = 2) writeonly buffer C4 { vec4 c4[]; };
layout(set = 0, binding = 8) uniform textureBuffer a_texels;
layout(set = 0, binding = 9) uniform textureBuffer b_texels;
#endif

TEXEL_LOAD(load_a_aligned, a_texels, true)
TEXEL_LOAD(load_b_aligned, b_texels, true)
TEXEL_LOAD(load_a_any, a_texels, false)
TEXEL_LOAD(load_b_any, b_texels, false)

#define COLUMNS 32u // of a workgroup

struct product {
    uint m, n, a, b, c, sums;
    uint row, col, own_row, own_col; // this lane's; at the edges moved back from what it owns
    bool stores, aligned;
};

vec4 acc[ROWS], sum = vec4(0.0);

// Steps k .. k + count - 1. Both factors are 0 beyond, so that nothing spoils the sums.
#define ADD_STEPS(name, rows, load_a, load_b)                                                                 \
    void name(product p, uint k, uint count) {                                                                \
        vec4 b[4];                                                                                            \
        for (uint i = 0; i < 4; i++) {                                                                        \
            b[i] = i < count ? factor_b4(load_b(p.b + (k + min(i, count - 1u)) * p.n + p.col)) : vec4(0.0);              \
            sum += b[i];                                                                                      \
        }                                                                                                     \
        MULTIPLY(rows, load_a)                                                                                \
    }

#ifdef SHUFFLE
#define MULTIPLY(rows, load_a)                                                                                \
    uint lane = gl_SubgroupInvocationID, step_ = lane & 3u;                                                   \
    for (uint g = 0; g < rows; g += 8u) {                                                                     \
        vec4 v = factor_a4(load_a(p.a + (k + min(step_, count - 1u)) * p.m + min(p.row + g + (lane & 4u), p.m - 1u))); \
        if (step_ >= count) v = vec4(0.0);                                                                    \
        for (uint r = 0; r < min(rows, 8u); r++)                                                              \
            for (uint i = 0; i < 4; i++)                                                                      \
                acc[g + r] = fma(vec4(subgroupShuffle(v[r & 3u], (r & 4u) + i)), b[i], acc[g + r]);           \
    }
#else
#define MULTIPLY(rows, load_a)                                                                                \
    for (uint i = 0; i < 4; i++) {                                                                            \
        vec4 v;                                                                                               \
        for (uint r = 0; r < rows; r++) {                                                                     \
            if ((r & 3u) == 0u)                                                                               \
                v = i < count ? factor_a4(load_a(p.a + (k + min(i, count - 1u)) * p.m + p.row + r)) : vec4(0.0); \
            acc[r] = fma(vec4(v[r & 3u]), b[i], acc[r]);                                                      \
        }                                                                                                     \
    }
#endif

ADD_STEPS(add_aligned, ROWS, load_a_aligned, load_b_aligned)
ADD_STEPS(add_any, ANY_ROWS, load_a_any, load_b_any)

product find() {
    uint tile = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x, begin = 0u;
    product p = product(push.m0, push.n0, push.a0, push.b0, push.c0, push.sums0, 0u, 0u, 0u, 0u, true, true);
#define PICK(i, before)                                                                                       \
    if (tile >= push.end##before) {                                                                           \
        p = product(push.m##i, push.n##i, push.a##i, push.b##i, push.c##i, push.sums##i, 0u, 0u, 0u, 0u, true, true); \
        begin = push.end##before;                                                                             \
    }
    PICK(1, 0)
    PICK(2, 1)
#ifdef ADAM
    if (tile >= push.end2) p.stores = false; // of a grid that was folded
#else
    PICK(3, 2)
    if (tile >= push.end3) p.stores = false;
#endif
    p.aligned = ALIGNED == MIXED ? ROWS >= 4u && ((p.m | p.n) & 3u) == 0u : ALIGNED == ALL_ALIGNED;
    uint tiles_n = (p.n + COLUMNS - 1u) / COLUMNS, rows = p.aligned ? ROWS : ANY_ROWS;
    p.own_row = (tile - begin) / tiles_n * rows;
    p.own_col = (tile - begin) % tiles_n * COLUMNS + 4u * gl_LocalInvocationID.x;
    p.row = min(p.own_row, p.m - rows);
    p.col = p.n >= 4u ? min(p.own_col, p.n - 4u) : 0u;
    p.stores = p.stores && p.own_row < p.m && p.own_col < p.n;
    return p;
}

#ifdef ADAM
adam_rule rule;
float decay; // decoupled, as in update.glsl
uint first_parameter, first_slot;

// Slots of elements e .. e + 3: m and v of four elements follow each other.
vec4 slot_any(uint e, uint slot) {
    int quad = int(first_slot >> 2) + 2 * int(e >> 2) + int(slot);
    return texel_shift(texelFetch(slot_texels, quad), texelFetch(slot_texels, min(quad + 2, textureSize(slot_texels) - 1)),
                       e & 3u);
}

TEXEL_LOAD(parameter_any, parameter_texels, false)

// Columns below own_col belong to the neighbour.
void store(product p, bool aligned, uint e, vec4 g) {
    uint quad = first_parameter + e >> 2, slot = (first_slot >> 2) + 2u * (e >> 2);
    vec4 w, m, v;
    if (aligned) {
        w = texelFetch(parameter_texels, int(quad));
        m = texelFetch(slot_texels, int(slot));
        v = texelFetch(slot_texels, int(slot + 1u));
        w = adam(rule, w - w * decay, g, m, v);
        parameters4[quad] = w;
        slots4[slot] = m;
        slots4[slot + 1u] = v;
        return;
    }
    w = parameter_any(first_parameter + e);
    m = slot_any(e, 0u);
    v = slot_any(e, 1u);
    w = adam(rule, w - w * decay, g, m, v);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (p.col + i < p.own_col || p.col + i >= p.n) continue;
        uint at = first_slot + 8u * (e + i >> 2) + (e + i & 3u);
        parameters[first_parameter + e + i] = w[i];
        slots[at] = m[i];
        slots[at + 4u] = v[i];
    }
}
#else
// Columns below own_col belong to the neighbour.
void store(product p, bool aligned, uint e, vec4 v) {
    if (aligned) {
        c4[e >> 2] = v;
        return;
    }
    for (uint i = 0; i < 4; i++)
        if (p.col + i >= p.own_col && p.col + i < p.n) c[e + i] = v[i];
}
#endif

// Rows 0 .. tile_rows - 1, then perhaps the sums. Not unrolled: that would be more code than the instruction cache holds.
// Without an index that varies, which would put all of acc into memory.
#define STORE_ALL(name, aligned, tile_rows)                                                                   \
    void name(product p, uint count) {                                                                        \
        [[dont_unroll]] for (uint r = 0; r < count; r++) {                                                    \
            vec4 v = sum;                                                                                     \
            [[unroll]] for (uint i = 0; i < tile_rows; i++) v = r == i ? acc[i] : v;                          \
            uint e = r < tile_rows ? p.c + (p.row + r) * p.n : p.sums;                                        \
            if (p.row + r >= p.own_row) store(p, aligned, e + p.col, unscaled4(v));                                      \
        }                                                                                                     \
    }
STORE_ALL(store_aligned, true, ROWS)
STORE_ALL(store_any, false, ANY_ROWS)

void multiply() {
    product p = find();
    for (uint r = 0; r < ROWS; r++) acc[r] = vec4(0.0);
    // Loops instead of branches: a branch that nobody takes costs as much as one that is taken, a loop one turn of it.
    uint end = push.k & ~3u, end_aligned = p.aligned ? end : 0u, end_any = p.aligned ? 0u : end;
    if (ALIGNED != NOT_ALIGNED) {
        for (uint k = 0; k < end_aligned; k += 4u) add_aligned(p, k, 4u);
        if (TAIL != 0u && p.aligned) add_aligned(p, end, TAIL);
    }
    if (ALIGNED != ALL_ALIGNED) {
        for (uint k = 0; k < end_any; k += 4u) add_any(p, k, 4u);
        if (TAIL != 0u && !p.aligned) add_any(p, end, TAIL);
    }
    if (!p.stores) return;
    uint sums = p.own_row == 0u && p.sums != NO_SUMS ? 1u : 0u;
    if (ALIGNED != NOT_ALIGNED) store_aligned(p, p.aligned ? ROWS + sums : 0u);
    if (ALIGNED != ALL_ALIGNED) store_any(p, p.aligned ? 0u : ANY_ROWS + sums);
}

void main() {
#ifdef ADAM
    rule = adam_rule_of(state.cur, state.set);
    decay = state.cur.learning_rate * state.set.weight_decay;
    first_parameter = push.parameters;
    first_slot = push.slots;
#endif
    multiply();
#ifdef ADAM
    bool first = (gl_WorkGroupID.x | gl_WorkGroupID.y) == 0u;
    if (first && push.tick_row_stride != 0u) TICK_STEP(gl_LocalInvocationID.x);
#endif
}
