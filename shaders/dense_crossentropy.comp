// Op dense_crossentropy (src/op/dense_crossentropy.c) for GPUs: a workgroup takes ROWS_ rows of the batch. Logits and
// their gradients stay in shared memory.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "dense_crossentropy.glsl"

layout(constant_id = 5) const uint COLUMNS = 16; // CLASSES, up to a power of two
layout(local_size_x = 128) in;

const uint SIZE = 128u, ROWS_ = 4u, SPLITS = SIZE / (ROWS_ * COLUMNS); // of the features
shared float part[SIZE];
shared float value[ROWS_ * MAX_CLASSES]; // logits, then their gradients

void logits(uint first_row) {
    uint t = gl_LocalInvocationID.x, col = t % COLUMNS, row = first_row + t / COLUMNS % ROWS_;
    float sum = 0.0;
    if (col < CLASSES && row < push.row_count)
        for (uint k = t / (COLUMNS * ROWS_); k < push.features; k += SPLITS)
            sum = fma(narrow(act[push.x + row * push.features + k]), factor_b(param[push.kernel + k * CLASSES + col]), sum);
    part[t] = sum;
    barrier();
    if (t >= COLUMNS * ROWS_) return;
    for (uint s = 1u; s < SPLITS; s++) sum += part[t + s * COLUMNS * ROWS_];
    if (BIAS != 0u && col < CLASSES) sum += param[push.bias + col];
    value[t / COLUMNS * MAX_CLASSES + col] = sum;
}

// One invocation does a row: there are few classes.
void loss(uint row, uint at) {
    bool live = row < state.cur.rows;
    int target = targets[push.targets + row];
    bool inside = target >= 0 && uint(target) < CLASSES;
    float best = -INF, sum = 0.0, own = 0.0;
    uint index = 0u;
    for (uint c = 0; c < CLASSES; c++) {
        float v = value[at + c];
        if (v > best) {
            best = v;
            index = c;
        }
        if (int(c) == target) own = v;
    }
    for (uint c = 0; c < CLASSES; c++) sum += exp_(value[at + c] - best);
    rows[push.loss + row] = !live ? 0.0 : inside ? best - own + log_(sum) : NAN;
    if (WANT_ACCURACY != 0u) rows[push.accuracy + row] = live && int(index) == target ? 1.0 : 0.0;
    if (WANT_DLOGITS == 0u) return;
    for (uint c = 0; c < CLASSES; c++) {
        float g = exp_(value[at + c] - best) / sum - (int(c) == target ? 1.0 : 0.0);
        g = live && inside ? g / float(state.cur.rows) : 0.0;
        value[at + c] = factor_a(g);
        act[push.dlogits + row * CLASSES + c] = g;
    }
}

void gradient(uint first_row) {
    uint count = min(ROWS_, push.row_count - first_row) * push.features;
    for (uint i = gl_LocalInvocationID.x; i < count; i += SIZE) {
        uint row = i / push.features, k = i % push.features, e = first_row * push.features + i;
        float v = 0.0, y = 0.0;
        for (uint c = 0; c < CLASSES; c++)
            v = fma(value[row * MAX_CLASSES + c], factor_b(param[push.kernel + k * CLASSES + c]), v);
        if (EPILOGUE_MODE == 2u) y = act[push.epilogue_y + e];
        act[push.dx + e] = epilogue1(unscaled(v), y, e);
    }
}

void main() {
    uint first_row = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * ROWS_;
    if (first_row >= push.row_count) return;
    logits(first_row);
    barrier();
    uint row = gl_LocalInvocationID.x;
    if (row < ROWS_ && first_row + row < push.row_count) loss(first_row + row, row * MAX_CLASSES);
    barrier();
    if (WANT_DX != 0u) gradient(first_row);
}
