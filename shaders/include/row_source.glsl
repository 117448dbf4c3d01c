// Which sample is a row of the coming step: src/op/gather.c.
#ifndef GS_ROW_SOURCE_GLSL
#define GS_ROW_SOURCE_GLSL
#include "shuffle.glsl"
#include "state.glsl"

struct row_source {
    uint begin, rows, epoch, step_lo;
    uint seed_lo, seed_hi, data_begin, data_count, shuffle, stream, batch;
};

// To be loaded first of all: in a loop or a branch, CPU drivers load uniforms for each lane.
row_source row_source_load() {
    return row_source(state.next.begin, state.next.rows, state.next.epoch, state.next.step_lo, state.set.seed_lo,
                      state.set.seed_hi, state.set.data_begin, state.set.data_count, state.set.shuffle, state.set.stream,
                      state.set.batch);
}

// The sample of row `row`, which must be below s.rows.
uint row_sample(row_source s, uint row) {
    if (s.stream != 0u) return (s.step_lo & (s.stream - 1u)) * s.batch + row;
    uint index = s.begin + row;
    if (s.shuffle != 0u) index = shuffled(index, s.data_count, s.seed_lo, s.seed_hi, s.epoch);
    return s.data_begin + index;
}

// Four samples of unsigned bytes.
vec4 bytes_of(uint word) { return vec4(uvec4(word, word >> 8, word >> 16, word >> 24) & 255u); }

#endif
