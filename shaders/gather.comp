// The first kernel of a step: makes State.next current, and copies the step's rows out of the data set. Samples are
// converted to float and scaled; targets are copied word by word. Rows that the step does not have become zeros.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"
#include "shuffle.glsl"
#include "state.h"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint DTYPE = 0;   // of the samples: gs_dtype
layout(constant_id = 2) const uint ALIGNED = 0; // 1: a row is a multiple of four elements

#define F32 0u
#define I32 1u
#define U8 2u

layout(push_constant) uniform PUSH {
    uint samples, targets, x, y;         // first words; x: rows of samples; y: rows of targets
    uint batch;                          // rows
    uint sample_count, target_count;     // elements of a row
    uint sample_items, target_items;     // invocations of a row
    uint window_first, window_count;     // of the samples that are bound; the first window's dispatch does all the rest
    float scale;
} push;

// Each twice: by words and by fours.
layout(set = 0, binding = 0, std430) readonly buffer SAMPLES { uint samples[]; };
layout(set = 0, binding = 0, std430) readonly buffer SAMPLES4 { uvec4 samples4[]; };
layout(set = 0, binding = 1, std430) readonly buffer TARGETS { uint targets[]; };
layout(set = 0, binding = 2, std430) writeonly buffer ROWS { uint rows[]; };
layout(set = 0, binding = 2, std430) writeonly buffer ROWS4 { uvec4 rows4[]; };
layout(set = 0, binding = 3, std430) buffer STATE_BUFFER { gs_state state; };

uint source(uint row) {
    if (state.set.stream != 0u) return (state.next.step_lo & (state.set.stream - 1u)) * state.set.batch + row;
    uint index = state.next.begin + row;
    if (state.set.shuffle != 0u)
        index = shuffled(index, state.set.data_count, state.set.seed_lo, state.set.seed_hi, state.next.epoch);
    return state.set.data_begin + index;
}

vec4 bytes_of(uint word) { return vec4(uvec4(word, word >> 8, word >> 16, word >> 24) & 255u); }

float load1(uint element) {
    if (DTYPE == U8) return float(samples[push.samples + element / 4u] >> 8u * (element & 3u) & 255u);
    uint word = samples[push.samples + element];
    return DTYPE == I32 ? float(int(word)) : uintBitsToFloat(word);
}

// Elements element .. element + 3, a multiple of four.
vec4 load4(uint element) {
    if (DTYPE == U8) return bytes_of(samples[push.samples + element / 4u]);
    uvec4 word = samples4[(push.samples + element) / 4u];
    return DTYPE == I32 ? vec4(ivec4(word)) : uintBitsToFloat(word);
}

// Item j of a row takes the quads j, j + sample_items, ..., so that neighbours load neighbours.
void copy_sample(uint row, uint item) {
    bool here = row < state.next.rows;
    uint sample_ = here ? source(row) - push.window_first : 0u;
    if (here ? sample_ >= push.window_count : push.window_first > 0u) return;
    uint from = sample_ * push.sample_count, to = row * push.sample_count;
    for (uint e = 4u * item; e < push.sample_count; e += 4u * push.sample_items) {
        if (ALIGNED != 0u) {
            vec4 v = here ? load4(from + e) * push.scale : vec4(0.0);
            rows4[(push.x + to + e) / 4u] = floatBitsToUint(v);
        } else
            for (uint i = e; i < min(e + 4u, push.sample_count); i++)
                rows[push.x + to + i] = floatBitsToUint(here ? load1(from + i) * push.scale : 0.0);
    }
}

void copy_target(uint row, uint item) {
    bool here = row < state.next.rows;
    uint from = here ? source(row) * push.target_count : 0u;
    for (uint i = item; i < push.target_count; i += push.target_items)
        rows[push.y + row * push.target_count + i] = here ? targets[push.targets + from + i] : 0u;
}

void main() {
    uint item = item_index(), sample_end = push.batch * push.sample_items;
    if (item == 0u && push.window_first == 0u) state.cur = state.next;
    if (item < sample_end) copy_sample(item / push.sample_items, item % push.sample_items);
    else if (push.target_items > 0u) {
        item -= sample_end;
        if (item < push.batch * push.target_items) copy_target(item / push.target_items, item % push.target_items);
    }
}
