// Op dense_crossentropy for drivers that run workgroups on CPU threads: no shared memory, no barriers. A workgroup is
// one subgroup of 8, a lane is a row of the batch with its logits in registers. Four rows of the kernel are CLASSES
// whole texels. SHUFFLE: the lanes load different ones and hand them round.
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#include "dense_crossentropy.glsl"
#include "texel.glsl"

layout(constant_id = 5) const uint TAIL = 0; // features % 4
layout(local_size_x = 8) in;

layout(set = 0, binding = 0) buffer ACTIVATIONS4 { vec4 act4[]; };
layout(set = 0, binding = 8) uniform textureBuffer act_texels;
layout(set = 0, binding = 9) uniform textureBuffer param_texels;

const uint VECTORS = (CLASSES + 3u) / 4u;
vec4 v4[VECTORS];   // logits, then their gradients; 0 beyond CLASSES
vec4 block[CLASSES]; // four rows of the kernel, flat

#ifdef SHUFFLE
void load_block(uint k) {
    int t = int(push.kernel + k * CLASSES >> 2), last = textureSize(param_texels) - 1;
    vec4 mine[(CLASSES + 7u) / 8u];
    [[unroll]] for (uint f = 0; f < (CLASSES + 7u) / 8u; f++)
        mine[f] = texelFetch(param_texels, min(t + int(8u * f + gl_SubgroupInvocationID), last));
    [[unroll]] for (uint i = 0; i < CLASSES; i++) {
        vec4 v = mine[i >> 3];
        block[i] = vec4(subgroupShuffle(v.x, i & 7u), subgroupShuffle(v.y, i & 7u), subgroupShuffle(v.z, i & 7u),
                        subgroupShuffle(v.w, i & 7u));
    }
}
#else
void load_block(uint k) {
    int t = int(push.kernel + k * CLASSES >> 2), last = textureSize(param_texels) - 1;
    [[unroll]] for (uint i = 0; i < CLASSES; i++) block[i] = texelFetch(param_texels, min(t + int(i), last));
}
#endif

// Element (j, c) of the block.
float kernel_at(uint j, uint c) { return block[j * CLASSES + c >> 2][j * CLASSES + c & 3u]; }

TEXEL_LOAD(load4, act_texels, TAIL == 0u)

void add_features(uint row, uint k, uint count) {
    vec4 x = load4(push.x + row * push.features + k);
    load_block(k);
    [[unroll]] for (uint j = 0; j < count; j++)
        [[unroll]] for (uint c = 0; c < CLASSES; c++) v4[c >> 2][c & 3u] = fma(x[j], kernel_at(j, c), v4[c >> 2][c & 3u]);
}

void logits(uint row) {
    [[unroll]] for (uint i = 0; i < VECTORS; i++) v4[i] = vec4(0.0);
    uint end = push.features & ~3u;
    for (uint k = 0; k < end; k += 4u) add_features(row, k, 4u);
    if (TAIL != 0u) add_features(row, end, TAIL);
    if (BIAS == 0u) return;
    int t = int(push.bias >> 2), last = textureSize(param_texels) - 1;
    [[unroll]] for (uint i = 0; i < VECTORS; i++) v4[i] += texelFetch(param_texels, min(t + int(i), last));
}

void loss(uint row, bool stores) {
    bool live = row < state.cur.rows;
    int target = targets[push.targets + row];
    bool inside = target >= 0 && uint(target) < CLASSES;
    float best = -INF, sum = 0.0, own = 0.0;
    uint index = 0u;
    [[unroll]] for (uint c = 0; c < CLASSES; c++) {
        float v = v4[c >> 2][c & 3u];
        bool better = v > best;
        best = better ? v : best;
        index = better ? c : index;
        own = int(c) == target ? v : own;
    }
    [[unroll]] for (uint c = 0; c < CLASSES; c++) {
        v4[c >> 2][c & 3u] = exp_(v4[c >> 2][c & 3u] - best);
        sum += v4[c >> 2][c & 3u];
    }
    if (stores) {
        rows[push.loss + row] = !live ? 0.0 : inside ? best - own + log_(sum) : NAN;
        if (WANT_ACCURACY != 0u) rows[push.accuracy + row] = live && int(index) == target ? 1.0 : 0.0;
    }
    if (WANT_DLOGITS == 0u) return;
    float scale = 1.0 / float(state.cur.rows);
    [[unroll]] for (uint c = 0; c < CLASSES; c++) {
        float g = (v4[c >> 2][c & 3u] / sum - (int(c) == target ? 1.0 : 0.0)) * scale;
        v4[c >> 2][c & 3u] = live && inside ? g : 0.0;
    }
    if (!stores) return;
    if ((CLASSES & 3u) == 0u)
        [[unroll]] for (uint i = 0; i < VECTORS; i++) act4[push.dlogits + row * CLASSES + 4u * i >> 2] = v4[i];
    else
        [[unroll]] for (uint c = 0; c < CLASSES; c++) act[push.dlogits + row * CLASSES + c] = v4[c >> 2][c & 3u];
}

// Four elements of dx, of which `count` exist.
void gradient4(uint row, uint k, uint count, bool stores) {
    uint e = row * push.features + k;
    vec4 v = vec4(0.0), y = vec4(0.0);
    load_block(k);
    [[unroll]] for (uint j = 0; j < count; j++)
        [[unroll]] for (uint c = 0; c < CLASSES; c++) v[j] = fma(v4[c >> 2][c & 3u], kernel_at(j, c), v[j]);
    if (EPILOGUE_MODE == 2u) y = load4(push.epilogue_y + e);
    if (TAIL == 0u) {
        v = epilogue4(v, y, e);
        if (stores) act4[push.dx + e >> 2] = v;
        return;
    }
    [[unroll]] for (uint j = 0; j < count; j++) {
        float r = epilogue1(v[j], y[j], e + j);
        if (stores) act[push.dx + e + j] = r;
    }
}

void main() {
    uint own = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * 8u + gl_LocalInvocationID.x;
    // Lanes without a row of their own keep the others company.
    uint row = min(own, push.row_count - 1u);
    bool stores = own < push.row_count;
    logits(row);
    loss(row, stores);
    if (WANT_DX == 0u) return;
    uint end = push.features & ~3u;
    for (uint k = 0; k < end; k += 4u) gradient4(row, k, 4u, stores);
    if (TAIL != 0u) gradient4(row, end, TAIL, stores);
}
