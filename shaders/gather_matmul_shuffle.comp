// Op gather_matmul (src/op/gather_matmul.c) for CPU drivers whose subgroups have 8 lanes and can shuffle.
#version 450
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "epilogue_push.glsl"

layout(constant_id = 0) const uint ROWS = 16;
layout(constant_id = 1) const uint BIAS = 0;
layout(constant_id = 2) const uint ALIGNED = 0;
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
#include "gather_matmul.glsl"

layout(set = 0, binding = 2) writeonly buffer ACTIVATION_WORDS { uint act_words[]; };
layout(set = 0, binding = 3) writeonly buffer STATE_BUFFER { gs_state written; };

void main() {
    source = row_source_load();
    m = push.m;
    n = push.n;
    k = push.k;
    scale = push.scale;
    first_texel = push.samples >> 2;
    first_kernel = push.kernel;
    first_bias = push.bias;
    first_row = push.rows;
    first_product = push.product;
    uint first_target = push.targets, to_target = push.target_rows, target_count = push.target_count;
    uint tile = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x, tiles_n = (n + COLUMNS - 1u) / COLUMNS;
    uint own_row = tile / tiles_n * ROWS, column = tile % tiles_n;
    gather_matmul_tile(own_row, column);

    // Loops instead of branches: they cost one turn where there is nothing to do, a branch all that is in it.
    uint count = column == 0u ? target_count : 0u, row = min(own_row, m - ROWS);
    for (uint i = 0; i < count; i++)
        [[unroll]] for (uint g = 0; g < GROUPS; g++) {
            uint r = row + 8u * g + gl_LocalInvocationID.x;
            bool live = r < source.rows;
            uint word = data_word(first_target + (live ? row_sample(source, r) : 0u) * target_count + i);
            if (owns_row(own_row, row, g)) act_words[to_target + r * target_count + i] = live ? word : 0u;
        }
    uint last = tile == 0u && gl_LocalInvocationID.x == 0u ? 1u : 0u;
    for (uint i = 0; i < last; i++) written.cur = state.next;
}
