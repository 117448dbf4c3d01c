// Op gather_matmul (src/op/gather_matmul.c) for CPU drivers whose subgroups have 8 lanes and can shuffle. The tiles are
// those of matmul_shuffle, and so are the bits; lane i loads 16 bytes of row i, and keeps them as floats as it uses them.
#version 450
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "epilogue_push.glsl"

layout(constant_id = 0) const uint ROWS = 16; // of a tile: 1, 2, 4, 8 or 16; at most m
layout(constant_id = 1) const uint BIAS = 0;
layout(constant_id = 2) const uint ALIGNED = 0; // 1: n is a multiple of 4
layout(local_size_x = 8) in;

layout(push_constant) uniform PUSH {
    uint m, n, k;          // k: bytes of a sample, a multiple of 16
    uint samples, targets; // first words
    uint kernel, bias;     // first elements
    uint product, rows, target_rows;
    uint target_count; // words of a row
    float scale;       // of the bytes
    EPILOGUE_PUSH
} push;
#define EPILOGUE_POSITION state.next
#include "epilogue.glsl"
#include "row_source.glsl"
#include "texel.glsl"

layout(set = 0, binding = 2) writeonly buffer ACTIVATIONS { float act[]; };
layout(set = 0, binding = 2) writeonly buffer ACTIVATIONS4 { vec4 act4[]; };
layout(set = 0, binding = 2) writeonly buffer ACTIVATION_WORDS { uint act_words[]; };
layout(set = 0, binding = 3) writeonly buffer STATE_BUFFER { gs_state written; };
layout(set = 0, binding = 8) uniform utextureBuffer data_texels;
layout(set = 0, binding = 9) uniform textureBuffer parameter_texels;

TEXEL_LOAD(load, parameter_texels, ALIGNED != 0u)
TEXEL_LOAD(load_any, parameter_texels, false)

#define COLUMNS 32u
const uint GROUPS = (ROWS + 7u) / 8u; // of rows, of a lane each

vec4 acc[ROWS];
uint m, n, k;

vec4 bytes_of(uint word) { return vec4(uvec4(word, word >> 8, word >> 16, word >> 24) & 255u); }

uint data_word(uint word) {
    uvec4 t = texelFetch(data_texels, int(word >> 2));
    return (word & 2u) == 0u ? ((word & 1u) == 0u ? t.x : t.y) : ((word & 1u) == 0u ? t.z : t.w);
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

void main() {
    row_source source = row_source_load();
    m = push.m;
    n = push.n;
    k = push.k;
    uint first_kernel = push.kernel, first_row = push.rows, first_product = push.product;
    float scale = push.scale;
    uint lane = gl_LocalInvocationID.x, tile = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint tiles_n = (n + COLUMNS - 1u) / COLUMNS, column = tile % tiles_n;
    uint own_row = tile / tiles_n * ROWS, own_col = column * COLUMNS + 4u * lane;
    // At the edges whole tiles are computed, moved back; what the neighbour owns is not stored.
    uint row = min(own_row, m - ROWS), col = n >= 4u ? min(own_col, n - 4u) : 0u;

    uint texel[GROUPS], to[GROUPS], target_from[GROUPS];
    bool live[GROUPS], owns[GROUPS];
    [[unroll]] for (uint g = 0; g < GROUPS; g++) {
        uint r = min(row + 8u * g + lane, m - 1u);
        owns[g] = own_row < m && row + 8u * g + lane >= own_row && 8u * g + lane < ROWS;
        live[g] = r < source.rows;
        uint sample_ = live[g] ? row_sample(source, r) : 0u;
        texel[g] = (push.samples >> 2) + sample_ * (k >> 4);
        to[g] = (first_row + r * k) >> 2;
        target_from[g] = push.targets + sample_ * push.target_count;
    }

    for (uint r = 0; r < ROWS; r++) acc[r] = vec4(0.0);
    uint turn = 0u; // the column tiles share the rows' storing
    for (uint t = 0; t < k >> 4; t++) {
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
    vec4 bias = BIAS != 0u ? load_any(push.bias + col) : vec4(0.0);
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint e = (row + r) * n + col;
        vec4 v = BIAS != 0u ? acc[r] + bias : acc[r];
        if (ALIGNED != 0u) v = epilogue4(v, vec4(0.0), e);
        else
            [[unroll]] for (uint i = 0; i < 4; i++) v[i] = epilogue1(v[i], 0.0, e + i);
        if (stores && row + r >= own_row) store(first_product + e, col, own_col, v);
    }
    // One turn costs as much as a branch; only the first column tile takes more.
    uint target_count = column == 0u ? push.target_count : 0u, first_target = push.target_rows;
    for (uint i = 0; i < target_count; i++)
        [[unroll]] for (uint g = 0; g < GROUPS; g++) {
            uint r = row + 8u * g + lane;
            uint word = live[g] ? data_word(target_from[g] + i) : 0u;
            if (owns[g]) act_words[first_target + r * push.target_count + i] = word;
        }
    uint last = tile == 0u && lane == 0u ? 1u : 0u;
    for (uint i = 0; i < last; i++) written.cur = state.next;
}
