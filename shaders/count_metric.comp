// Op count_metric (src/op/count_metric.c): counts over the steps of a pass, in integers: their order does not matter. An
// invocation has one position, of `classes` outputs.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"
#include "math.glsl"
#include "state.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint CONFUSION = 0; // 1: counts[target * classes + prediction]
layout(constant_id = 1) const uint SPARSE = 0;    // targets are class indices
layout(constant_id = 2) const uint LINK = 0;      // outputs become probabilities: 1 sigmoid, 2 softmax
layout(constant_id = 3) const uint INT_TARGETS = 0;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer TARGETS { uint targets[]; };
layout(set = 0, binding = 2) buffer COUNTS { uint counts[]; }; // histograms of hits, and of the others

layout(push_constant) uniform PUSH {
    uint positions; // of a row
    uint classes, buckets;
    uint x, targets, counts; // first elements
} push;

float target_at(uint i) {
    uint word = targets[push.targets + i];
    return INT_TARGETS != 0u ? float(int(word)) : uintBitsToFloat(word);
}

// Keras's evenly spaced thresholds i / (buckets - 1); 2 buckets: the threshold 0.5.
uint bucket(float p) {
    if (push.buckets == 2u) return p > 0.5 ? 1u : 0u;
    float at = ceil(clamp(p, 0.0, 1.0) * float(push.buckets - 1u)) - 1.0;
    return at > 0.0 ? uint(at) : 0u;
}

void main() {
    uint position = item_index();
    if (position >= state.cur.rows * push.positions) return;
    uint first = push.x + position * push.classes, best = 0u, largest = 0u;
    for (uint k = 1u; k < push.classes; k++) {
        if (x[first + k] > x[first + best]) best = k;
        if (SPARSE == 0u && target_at(position * push.classes + k) > target_at(position * push.classes + largest)) largest = k;
    }
    uint target = SPARSE != 0u ? targets[push.targets + position] : largest;
    if (CONFUSION != 0u) {
        if (target < push.classes) atomicAdd(counts[push.counts + target * push.classes + best], 1u);
        return;
    }
    float sum = 0.0;
    for (uint k = 0u; LINK == 2u && k < push.classes; k++) sum += exp_(x[first + k] - x[first + best]);
    for (uint k = 0u; k < push.classes; k++) {
        float p = x[first + k];
        if (LINK == 1u) p = sigmoid_(p);
        if (LINK == 2u) p = exp_(p - x[first + best]) / sum;
        bool hit = SPARSE != 0u ? k == target : target_at(position * push.classes + k) > 0.5;
        atomicAdd(counts[push.counts + (hit ? 0u : push.buckets) + bucket(p)], 1u);
    }
}
