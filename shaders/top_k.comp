// Sparse top-k accuracy of each row, as TensorFlow's in_top_k: a target counts when fewer than k classes are strictly
// greater, so classes that tie with it at the boundary do no harm; never when a value of its position is not finite or
// the target is no class.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rows.glsl"
#include "state.glsl"

layout(push_constant) uniform PUSH {
    uint x, targets, y; // first elements
    uint batch;         // rows
    uint positions;     // of a row, each with a target
    uint classes;
    uint k; // <= classes
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) readonly buffer TARGETS { int targets[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Y { float y[]; };

bool finite(float v) { return abs(v) <= 3.4028235e38; }

// This lane's share of the classes that are greater; k or more for what never counts.
float greater(uint position) {
    uint target = uint(targets[push.targets + position]);
    if (target >= push.classes) return float(push.k);
    uint begin = push.x + position * push.classes;
    float limit = x[begin + target];
    bool good = finite(limit);
    uint count = 0u;
    for (uint i = row_lane(); i < push.classes; i += ROW_LANES) {
        float v = x[begin + i];
        good = good && finite(v);
        count += v > limit ? 1u : 0u;
    }
    return float(good ? count : push.k);
}

void main() {
    uint row = row_index();
    bool here = row < min(push.batch, state.cur.rows);
    float hits = 0.0;
    for (uint first = 0u; first < push.positions; first += ROW_PARTS) {
        uint p = first + row_part();
        bool live = here && p < push.positions;
        float count = row_sum(live ? greater(row * push.positions + p) : 0.0);
        if (live && count < float(push.k)) hits += 1.0;
    }
    hits = row_sum_parts(row_lane() == 0u ? hits : 0.0);
    if (row_lane() == 0u && row_part() == 0u && row < push.batch) y[push.y + row] = hits / float(push.positions);
}
