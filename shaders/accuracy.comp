// Accuracy of each row: the mean over its positions of (prediction == target). A prediction is the first of the
// greatest classes, or, binary, whether the value is above the threshold. NaN is never the greatest.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rows.glsl"
#include "state.glsl"

layout(constant_id = 3) const uint KIND = 0;        // gs__accuracy_kind
layout(constant_id = 4) const uint INT_TARGETS = 0; // binary; sparse targets always are

#define SPARSE 0u
#define CATEGORICAL 1u
#define BINARY 2u

layout(push_constant) uniform PUSH {
    uint x, targets, y; // first elements
    uint batch;         // rows
    uint positions;     // of a row
    uint classes;       // of a position; binary: 1
    float threshold;
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) readonly buffer TARGETS { uint targets[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Y { float y[]; };

const uint NONE = 0xFFFFFFFFu;

float load(bool target, uint i) { return target ? uintBitsToFloat(targets[push.targets + i]) : x[push.x + i]; }

// NONE where the position is not `live`, or all is NaN.
uint argmax(bool target, uint position, bool live) {
    float best = -INF;
    uint at = NONE;
    if (live)
        for (uint i = row_lane(); i < push.classes; i += ROW_LANES) {
            float v = load(target, position * push.classes + i);
            if (v > best || (v == best && i < at)) {
                best = v;
                at = i;
            }
        }
    row_best(best, at);
    return at;
}

bool correct(uint position, bool live) {
    if (KIND == CATEGORICAL) {
        uint prediction = argmax(false, position, live), target = argmax(true, position, live);
        return live && prediction == target && target != NONE;
    }
    uint word = live ? targets[push.targets + position] : NONE;
    if (KIND == SPARSE) return argmax(false, position, live) == word && word != NONE;
    float target = INT_TARGETS != 0u ? float(int(word)) : uintBitsToFloat(word);
    return live && (x[push.x + position] > push.threshold ? 1.0 : 0.0) == target;
}

void main() {
    uint row = row_index();
    bool here = row < min(push.batch, state.cur.rows);
    float hits = 0.0;
    for (uint first = 0u; first < push.positions; first += ROW_PARTS) {
        uint p = first + row_part();
        if (correct(row * push.positions + p, here && p < push.positions)) hits += 1.0;
    }
    hits = row_sum_parts(row_lane() == 0u ? hits : 0.0);
    if (row_lane() == 0u && row_part() == 0u && row < push.batch) y[push.y + row] = hits / float(push.positions);
}
