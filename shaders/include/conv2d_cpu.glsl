// Convolution for drivers that run workgroups on CPU threads, as matmul_cpu.glsl: no shared memory, a workgroup is one
// subgroup of 8, a lane owns 4 columns and ROWS rows in registers, operands are read as texels.
// SHUFFLE: the lanes load different rows of the source and hand them round.
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_EXT_control_flow_attributes : require
#include "conv2d.glsl"
#include "texel.glsl"

layout(constant_id = 2) const uint ROWS = 8; // 1, 2, 4, 8 or 16; SHUFFLE: 8 or 16
layout(constant_id = 3) const uint TAIL = 0; // kc % 4
layout(constant_id = 4) const uint ALIGNED_A = 0; // 1: sc and kc are multiples of 4
layout(constant_id = 5) const uint ALIGNED_C = 0; // 1: rc and n are multiples of 4
layout(local_size_x = 8) in;

layout(set = 0, binding = 8) uniform textureBuffer a_texels;
layout(set = 0, binding = 9) uniform textureBuffer b_texels;
layout(set = 0, binding = 11) uniform textureBuffer extra_texels;

#define COLUMNS 32u // of a workgroup

TEXEL_LOAD(load_a, a_texels, ALIGNED_A != 0u)
TEXEL_LOAD(load_b, b_texels, TRANSPOSED != 0u ? ALIGNED_A != 0u : ALIGNED_C != 0u)
TEXEL_LOAD(load_extra, extra_texels, ALIGNED_C != 0u)

#ifdef SHUFFLE
const uint PLACES = ROWS / 8u; // a lane keeps those of rows 8 i + lane
#else
const uint PLACES = ROWS;
#endif
row_place places[PLACES];
uint source[PLACES]; // first element of the row's channels at this tap
bool inside[PLACES];

vec4 acc[ROWS];

vec4 first_of(vec4 v, uint count) { return mix(vec4(0.0), v, lessThan(uvec4(0, 1, 2, 3), uvec4(count))); }

// Channels k .. k + 3 of the kernel's tap, for columns `col` .. + 3; zero from k + count on.
mat4 block_of_b(tile_place p, uint tap, uint col, uint k, uint count) {
    mat4 b;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (TRANSPOSED == 0u) {
            b[i] = load_b(push.b + (tap * push.kc + k + min(i, count - 1u)) * push.rc + p.group * push.n + col);
            if (i >= count) b[i] = vec4(0.0);
        } else {
            b[i] = first_of(load_b(push.b + (tap * push.n + min(col + i, push.n - 1u)) * push.sc + p.group * push.kc + k), count);
        }
    }
    return TRANSPOSED == 0u ? b : transpose(b);
}

void add_block(tile_place p, uint tap, uint col, uint k, uint count) {
    mat4 b = block_of_b(p, tap, col, k, count);
#ifdef SHUFFLE
    [[unroll]] for (uint g = 0; g < PLACES; g++) {
        vec4 v = load_a(source[g] + k);
        v = inside[g] ? first_of(v, count) : vec4(0.0);
        [[unroll]] for (uint r = 0; r < 8u; r++)
            [[unroll]] for (uint i = 0; i < 4; i++) acc[8u * g + r] = fma(vec4(subgroupShuffle(v[i], r)), b[i], acc[8u * g + r]);
    }
#else
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        vec4 v = load_a(source[r] + k);
        v = inside[r] ? first_of(v, count) : vec4(0.0);
        [[unroll]] for (uint i = 0; i < 4; i++) acc[r] = fma(vec4(v[i]), b[i], acc[r]);
    }
#endif
}

uint pixel_of(uint r) {
#ifdef SHUFFLE
    return subgroupShuffle(places[r / 8u].pixel, r % 8u);
#else
    return places[r].pixel;
#endif
}

void main() {
    tile_place p = find_tile(ROWS, COLUMNS);
    // At the edge whole tiles are computed, moved back; what the neighbour owns is not stored.
    uint own_col = p.col + 4u * gl_LocalInvocationID.x, col = push.n >= 4u ? min(own_col, push.n - 4u) : 0u;
    [[unroll]] for (uint i = 0; i < PLACES; i++) {
#ifdef SHUFFLE
        places[i] = find_row(p.row + 8u * i + gl_SubgroupInvocationID, p.phase_h, p.phase_w);
#else
        places[i] = find_row(p.row + i, p.phase_h, p.phase_w);
#endif
    }
    [[unroll]] for (uint r = 0; r < ROWS; r++) acc[r] = vec4(0.0);

    uint end = push.kc & ~3u;
    for (uint y = 0; y < push.kh; y++) {
        int dh, dw;
        if (!tap_h(y, p.phase_h, dh)) continue;
        for (uint x = 0; x < push.kw; x++) {
            if (!tap_w(x, p.phase_w, dw)) continue;
            [[unroll]] for (uint i = 0; i < PLACES; i++) {
                uint h = uint(places[i].h + dh), w = uint(places[i].w + dw);
                inside[i] = h < push.sh && w < push.sw;
                source[i] = push.a + p.group * push.kc;
                if (inside[i]) source[i] += ((places[i].image * push.sh + h) * push.sw + w) * push.sc;
            }
            uint tap = y * push.kw + x;
            for (uint k = 0; k < end; k += 4u) add_block(p, tap, col, k, 4u);
            if (TAIL != 0u) add_block(p, tap, col, end, TAIL);
        }
    }

    vec4 bias = BIAS != 0u ? load_extra(push.extra + p.group * push.n + col) : vec4(0.0);
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint pixel = pixel_of(r), e = pixel * push.rc + p.group * push.n + col;
        if (!p.valid || own_col >= push.n || pixel == NONE) continue;
        vec4 v = BIAS != 0u ? acc[r] + bias : acc[r];
        vec4 y = EPILOGUE_MODE == 2u ? load_extra(push.extra + e) : vec4(0.0);
        if (ALIGNED_C != 0u) {
            c4[(push.c + e) >> 2] = epilogue4(v, y, e);
            continue;
        }
        [[unroll]] for (uint i = 0; i < 4; i++)
            if (col + i >= own_col && col + i < push.n) c[push.c + e + i] = epilogue1(v[i], y[i], e + i);
    }
}
