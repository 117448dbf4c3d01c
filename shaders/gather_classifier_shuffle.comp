// Op gather_classifier (src/op/gather_classifier.c) for CPU drivers whose subgroups have 8 lanes and can shuffle. A
// workgroup, which is one subgroup, takes ROWS rows of the batch through the hidden layer and the head.
#version 450
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "epilogue_push.glsl"

layout(constant_id = 0) const uint ROWS = 16;
layout(constant_id = 1) const uint BIAS = 0; // of the hidden layer
layout(constant_id = 2) const uint CLASSES = 10;
layout(constant_id = 3) const uint BIAS_OF_HEAD = 0;
layout(constant_id = 4) const uint WANT_ACCURACY = 0;
layout(constant_id = 5) const uint WANT_GRADIENT = 0;
layout(local_size_x = 8) in;

layout(push_constant) uniform PUSH {
    uint m, n, k;          // k: bytes of a sample, a multiple of 16; n: a multiple of 4
    uint samples, targets; // first words
    float scale;           // of the bytes
    // First elements; multiples of 4.
    uint kernel, bias, hidden, rows, target_rows, head_kernel, head_bias, loss, accuracy, dlogits, dhidden;
    EPILOGUE_PUSH // of the hidden layer, forwards and backwards
} push;
#define EPILOGUE_POSITION state.next
#include "epilogue.glsl"
#include "math.glsl"

#define ALIGNED 1u
#define ACTIVATION_ACCESS coherent
#include "gather_matmul.glsl"

layout(set = 0, binding = 2) coherent buffer ACTIVATION_WORDS { uint act_words[]; };
layout(set = 0, binding = 3) writeonly buffer STATE_BUFFER { gs_state written; };
layout(set = 0, binding = 3) writeonly buffer ROW_SLOTS { float rows[]; };

#define SHUFFLE
#define TAIL 0u
#define WANT_DLOGITS WANT_GRADIENT
#define WANT_DX WANT_GRADIENT
const uint HEAD_EPILOGUE = EPILOGUE_MODE != 0u ? 2u : 0u;
#include "head_cpu.glsl"

vec4 head_x(uint row, uint at) { return act4[first_product + row * n + at >> 2]; }
vec4 head_y(uint row, uint at) { return head_x(row, at); }

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
    first_product = push.hidden;
    uint first_target = push.targets, to_target = push.target_rows;
    head = head_tensors(n, source.rows, push.head_kernel, push.head_bias, push.loss, push.accuracy, push.dlogits,
                        push.dhidden);
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x, tiles_n = (n + COLUMNS - 1u) / COLUMNS;
    uint own_row = group * ROWS, row = min(own_row, m - ROWS);
    [[dont_unroll]] for (uint column = 0; column < tiles_n; column++) gather_matmul_tile(own_row, column);

    // What the other lanes have stored of a row.
    subgroupMemoryBarrierBuffer();
    subgroupBarrier();
    [[dont_unroll]] for (uint g = 0; g < GROUPS; g++) {
        uint r = min(row + 8u * g + gl_LocalInvocationID.x, m - 1u);
        bool live = r < source.rows, owns = owns_row(own_row, row, g);
        uint target = data_word(first_target + (live ? row_sample(source, r) : 0u));
        if (owns) act_words[to_target + r] = live ? target : 0u;
        head_row(r, int(target), owns);
    }
    // A loop instead of a branch: see matmul_gradients_cpu.glsl.
    uint last = group == 0u && gl_LocalInvocationID.x == 0u ? 1u : 0u;
    for (uint i = 0; i < last; i++) written.cur = state.next;
}
