// Gradient of a convolution's kernel for drivers that run workgroups on CPU threads: a workgroup is one subgroup of 8, a
// lane owns 4 columns and ROWS rows in registers. SHUFFLE: the lanes load different parts of A and hand them round.
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_EXT_control_flow_attributes : require
#include "conv2d_kernel.glsl"
#include "texel.glsl"

layout(constant_id = 1) const uint ROWS = 8; // ALIGNED_A: 4, 8, 12 or 16; else up to 16
layout(constant_id = 2) const uint TAIL = 0; // 1: a part of the sum may have pixels that are not a multiple of 4
layout(constant_id = 3) const uint ALIGNED_A = 0; // 1: channels and kc are multiples of 4
layout(constant_id = 4) const uint ALIGNED_C = 0; // 1: pc and n are multiples of 4
layout(local_size_x = 8) in;

layout(set = 0, binding = 8) uniform textureBuffer a_texels;
layout(set = 0, binding = 9) uniform textureBuffer b_texels;

#define COLUMNS 32u // of a workgroup

TEXEL_LOAD(load_b, b_texels, ALIGNED_C != 0u)
vec4 load_a4(uint e) { return texelFetch(a_texels, int(e >> 2)); }
float load_a1(uint e) {
    vec4 v = texelFetch(a_texels, int(e >> 2));
    vec2 pair = (e & 2u) != 0u ? v.zw : v.xy;
    return (e & 1u) != 0u ? pair.y : pair.x;
}

// Rows are loaded in pieces: four channels of a tap, of one of four pixels, or one row, of one pixel.
#ifdef SHUFFLE
const uint PIECE = 8u; // rows that the lanes load at once
const uint PIECES = (ROWS + 7u) / 8u;
#else
const uint PIECE = ALIGNED_A != 0u ? 4u : 1u;
const uint PIECES = ROWS / PIECE;
#endif
row_place places[PIECES];

vec4 acc[ROWS], sum = vec4(0.0);

vec4 load_piece(uint i, pixel_place at) {
    uint e;
    bool inside = find_element(places[i], at, e);
    vec4 v = ALIGNED_A != 0u ? load_a4(e) : vec4(load_a1(e));
    return inside ? v : vec4(0.0);
}

// Pixels `at` .. + 3 are added, of which those from `count` on are 0. SHUFFLE and ALIGNED_A: `at` is the lane's own.
void add_pixels(tile_place p, uint col, uint pixel, uint count, pixel_place at) {
    vec4 b[4];
    [[unroll]] for (uint i = 0; i < 4; i++) {
        b[i] = load_b(push.b + (pixel + min(i, count - 1u)) * push.pc + p.group * push.n + col);
        if (i >= count) b[i] = vec4(0.0);
        sum += b[i];
    }
#ifdef SHUFFLE
    if (ALIGNED_A != 0u) {
        [[unroll]] for (uint g = 0; g < PIECES; g++) {
            vec4 v = load_piece(g, at);
            if ((gl_SubgroupInvocationID & 3u) >= count) v = vec4(0.0);
            [[unroll]] for (uint r = 0; r < 8u; r++)
                [[unroll]] for (uint i = 0; i < 4; i++)
                    if (8u * g + r < ROWS)
                        acc[8u * g + r] = fma(vec4(subgroupShuffle(v[r & 3u], (r & 4u) + i)), b[i], acc[8u * g + r]);
        }
        return;
    }
#endif
    pixel_place one = pixel_place(0u, 0u, 1u);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        [[unroll]] for (uint g = 0; g < PIECES; g++) {
            vec4 v = load_piece(g, at);
            if (i >= count) v = vec4(0.0);
            [[unroll]] for (uint r = 0; r < PIECE; r++) {
                if (PIECE * g + r >= ROWS) continue;
#ifdef SHUFFLE
                acc[PIECE * g + r] = fma(vec4(subgroupShuffle(v.x, r)), b[i], acc[PIECE * g + r]);
#else
                acc[PIECE * g + r] = fma(vec4(v[r]), b[i], acc[PIECE * g + r]);
#endif
            }
        }
        at = advance(at, one);
    }
}

// Columns below `own` belong to the neighbour.
void store(uint e, uint col, uint own, vec4 v) {
    if (ALIGNED_C != 0u) {
        c4[e >> 2] = v;
        return;
    }
    [[unroll]] for (uint i = 0; i < 4; i++)
        if (col + i >= own && col + i < push.n) c[e + i] = v[i];
}

void main() {
    tile_place p = find_tile(ROWS, COLUMNS);
    uint own_col = p.col + 4u * gl_LocalInvocationID.x, col = push.n >= 4u ? min(own_col, push.n - 4u) : 0u;
    uint lane = gl_LocalInvocationID.x, first = min(p.part * push.part_pixels, push.pixels);
    [[unroll]] for (uint i = 0; i < PIECES; i++) {
#ifdef SHUFFLE
        uint row = p.row + 8u * i + (ALIGNED_A != 0u ? lane & 4u : lane);
#else
        uint row = p.row + PIECE * i;
#endif
        places[i] = find_row(min(row, push.m - 1u), p.group);
    }
    [[unroll]] for (uint r = 0; r < ROWS; r++) acc[r] = vec4(0.0);

    uint count = min(push.part_pixels, push.pixels - first), end = first + (count & ~3u);
#ifdef SHUFFLE
    pixel_place at = find_pixel(first + (ALIGNED_A != 0u ? lane & 3u : 0u));
#else
    pixel_place at = find_pixel(first);
#endif
    pixel_place four = find_pixel(4u);
    for (uint pixel = first; pixel < end; pixel += 4u) {
        add_pixels(p, col, pixel, 4u, at);
        at = advance(at, four);
    }
    if (TAIL != 0u && (count & 3u) != 0u) add_pixels(p, col, end, count & 3u, at);

    if (!p.valid || own_col >= push.n) return;
    uint column = p.group * push.n + col, base = p.part * push.part_stride + column;
    if (SUMS != 0u && p.row == 0u) store(push.sums + base, col, own_col, sum);
    [[unroll]] for (uint r = 0; r < ROWS; r++)
        if (p.row + r < push.m) store(push.c + base + (p.row + r) * push.pc, col, own_col, acc[r]);
}
