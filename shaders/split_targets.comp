// Op split_targets (src/op/split_targets.c): rows of targets and a weight, apart.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer PACKED { uint packed[]; };
layout(set = 0, binding = 1) writeonly buffer SPLIT { uint split[]; };

layout(push_constant) uniform PUSH {
    uint count;             // words of packed rows
    uint row_length;        // words of a packed row
    uint packed, targets, weights; // first words
} push;

void main() {
    uint i = item_index();
    if (i >= push.count) return;
    uint row = i / push.row_length, k = i % push.row_length, word = packed[push.packed + i];
    if (k + 1u == push.row_length) split[push.weights + row] = word;
    else split[push.targets + row * (push.row_length - 1u) + k] = word;
}
