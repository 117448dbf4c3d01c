// A classifier's last product with its loss and their gradients, for drivers that run workgroups on CPU threads: a lane is
// a row of the batch with its logits in registers. Four rows of the kernel are CLASSES whole texels.
// SHUFFLE: the lanes load different ones and hand them round.
//
// Before it is included: constants CLASSES, WANT_ACCURACY, WANT_DLOGITS, WANT_DX, BIAS_OF_HEAD, TAIL (features % 4);
// HEAD_EPILOGUE, the mode of dx's; the buffers act, act4, rows, and param_texels; epilogue.glsl, math.glsl. Behind it:
// head_x and head_y, which load elements k .. k + 3 of a row of x and of the epilogue's y.
// HEAD_X, HEAD_KERNEL, HEAD_GRADIENT: the factors as the products take them; HEAD_DX: from the sum to dx (precision.glsl).
#ifndef HEAD_X
#define HEAD_X(v) (v)
#define HEAD_KERNEL(v) (v)
#define HEAD_GRADIENT(v) (v)
#define HEAD_DX(v) (v)
#endif

struct head_tensors {
    uint features, rows; // rows that the step has
    uint kernel, bias, loss, accuracy, dlogits, dx; // first elements; multiples of 4
};
head_tensors head;

vec4 head_x(uint row, uint k);
vec4 head_y(uint row, uint k);

const uint VECTORS = (CLASSES + 3u) / 4u;
vec4 v4[VECTORS];   // logits, then their gradients; 0 beyond CLASSES
vec4 block[CLASSES]; // four rows of the kernel, flat

#ifdef SHUFFLE
void load_block(uint k) {
    int t = int(head.kernel + k * CLASSES >> 2), last = textureSize(param_texels) - 1;
    vec4 mine[(CLASSES + 7u) / 8u];
    [[unroll]] for (uint f = 0; f < (CLASSES + 7u) / 8u; f++)
        mine[f] = HEAD_KERNEL(texelFetch(param_texels, min(t + int(8u * f + gl_SubgroupInvocationID), last)));
    [[unroll]] for (uint i = 0; i < CLASSES; i++) {
        vec4 v = mine[i >> 3];
        block[i] = vec4(subgroupShuffle(v.x, i & 7u), subgroupShuffle(v.y, i & 7u), subgroupShuffle(v.z, i & 7u),
                        subgroupShuffle(v.w, i & 7u));
    }
}
#else
void load_block(uint k) {
    int t = int(head.kernel + k * CLASSES >> 2), last = textureSize(param_texels) - 1;
    [[unroll]] for (uint i = 0; i < CLASSES; i++)
        block[i] = HEAD_KERNEL(texelFetch(param_texels, min(t + int(i), last)));
}
#endif

// Element (j, c) of the block.
float kernel_at(uint j, uint c) { return block[j * CLASSES + c >> 2][j * CLASSES + c & 3u]; }

void add_features(uint row, uint k, uint count) {
    vec4 x = HEAD_X(head_x(row, k));
    load_block(k);
    [[unroll]] for (uint j = 0; j < count; j++)
        [[unroll]] for (uint c = 0; c < CLASSES; c++) v4[c >> 2][c & 3u] = fma(x[j], kernel_at(j, c), v4[c >> 2][c & 3u]);
}

void logits(uint row) {
    [[unroll]] for (uint i = 0; i < VECTORS; i++) v4[i] = vec4(0.0);
    uint end = head.features & ~3u;
    for (uint k = 0; k < end; k += 4u) add_features(row, k, 4u);
    if (TAIL != 0u) add_features(row, end, TAIL);
    if (BIAS_OF_HEAD == 0u) return;
    int t = int(head.bias >> 2), last = textureSize(param_texels) - 1;
    [[unroll]] for (uint i = 0; i < VECTORS; i++) v4[i] += texelFetch(param_texels, min(t + int(i), last));
}

void loss(uint row, int target, bool stores) {
    bool live = row < head.rows;
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
        rows[head.loss + row] = !live ? 0.0 : inside ? best - own + log_(sum) : NAN;
        if (WANT_ACCURACY != 0u) rows[head.accuracy + row] = live && int(index) == target ? 1.0 : 0.0;
    }
    if (WANT_DLOGITS == 0u) return;
    float scale = 1.0 / float(head.rows);
    [[unroll]] for (uint c = 0; c < CLASSES; c++) {
        float g = (v4[c >> 2][c & 3u] / sum - (int(c) == target ? 1.0 : 0.0)) * scale;
        v4[c >> 2][c & 3u] = live && inside ? g : 0.0;
    }
    if (!stores) return;
    if ((CLASSES & 3u) == 0u)
        [[unroll]] for (uint i = 0; i < VECTORS; i++) act4[head.dlogits + row * CLASSES + 4u * i >> 2] = v4[i];
    else
        [[unroll]] for (uint c = 0; c < CLASSES; c++) act[head.dlogits + row * CLASSES + c] = v4[c >> 2][c & 3u];
}

// Four elements of dx, of which `count` exist.
void gradient4(uint row, uint k, uint count, bool stores) {
    uint e = row * head.features + k;
    vec4 v = vec4(0.0), y = vec4(0.0);
    load_block(k);
    [[unroll]] for (uint j = 0; j < count; j++)
        [[unroll]] for (uint c = 0; c < CLASSES; c++) v[j] = fma(v4[c >> 2][c & 3u], kernel_at(j, c), v[j]);
    v = HEAD_DX(v);
    if (HEAD_EPILOGUE == 2u) y = head_y(row, k);
    if (TAIL == 0u) {
        v = epilogue4_as(HEAD_EPILOGUE, v, y, e);
        if (stores) act4[head.dx + e >> 2] = v;
        return;
    }
    [[unroll]] for (uint j = 0; j < count; j++) {
        float r = epilogue1(v[j], y[j], e + j);
        if (stores) act[head.dx + e + j] = r;
    }
}

void head_row(uint row, int target, bool stores) {
    logits(row);
    loss(row, target, stores);
    if (WANT_DX == 0u) return;
    [[unroll]] for (uint i = 0; i < VECTORS; i++) v4[i] = HEAD_GRADIENT(v4[i]);
    uint end = head.features & ~3u;
    for (uint k = 0; k < end; k += 4u) gradient4(row, k, 4u, stores);
    if (TAIL != 0u) gradient4(row, end, TAIL, stores);
}
