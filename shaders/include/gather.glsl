// The first kernel of a step: makes State.next current, and copies the step's rows out of the data set. Samples are
// converted to float and scaled; targets are copied word by word. Rows that the step does not have become zeros.
//
// GATHER_TEXELS: samples are loaded through a texel buffer, 16 bytes at a time, where rows are whole texels. CPU drivers.
#include "item.glsl"
#include "row_source.glsl"

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
#ifdef GATHER_TEXELS
layout(set = 0, binding = 8) uniform utextureBuffer sample_texels;
#else
layout(set = 0, binding = 0, std430) readonly buffer SAMPLES { uint samples[]; };
layout(set = 0, binding = 0, std430) readonly buffer SAMPLES4 { uvec4 samples4[]; };
#endif
layout(set = 0, binding = 1, std430) readonly buffer TARGETS { uint targets[]; };
layout(set = 0, binding = 2, std430) writeonly buffer ROWS { uint rows[]; };
layout(set = 0, binding = 2, std430) writeonly buffer ROWS4 { uvec4 rows4[]; };
layout(set = 0, binding = 3, std430) writeonly buffer STATE_BUFFER { gs_state written; };

row_source source;
uint first_sample, first_row, sample_count, sample_items, window_first, window_count;
float scale;

vec4 floats_of(uvec4 words) { return DTYPE == I32 ? vec4(ivec4(words)) : uintBitsToFloat(words); }

#ifdef GATHER_TEXELS
void store4(uint quad, bool here, vec4 v) { rows4[quad] = floatBitsToUint(here ? v * scale : vec4(0.0)); }

// Item j of a row takes the texels j, j + sample_items, ..., so that neighbours load neighbours. `from`, `to`: elements.
void copy_elements(bool here, uint from, uint to, uint item) {
    uint quads = DTYPE == U8 ? 4u : 1u, texels = sample_count / (4u * quads);
    uint first = (DTYPE == U8 ? first_sample + from / 4u : first_sample + from) / 4u, quad = (first_row + to) / 4u;
    for (uint t = item; t < texels; t += sample_items) {
        uvec4 words = texelFetch(sample_texels, int(first + t));
        if (DTYPE == U8)
            [[unroll]] for (uint i = 0u; i < 4u; i++) store4(quad + 4u * t + i, here, bytes_of(words[i]));
        else store4(quad + t, here, floats_of(words));
    }
}
#else
float load1(uint element) {
    if (DTYPE == U8) return float(samples[first_sample + element / 4u] >> 8u * (element & 3u) & 255u);
    uint word = samples[first_sample + element];
    return DTYPE == I32 ? float(int(word)) : uintBitsToFloat(word);
}

// Elements element .. element + 3, a multiple of four.
vec4 load4(uint element) {
    if (DTYPE == U8) return bytes_of(samples[first_sample + element / 4u]);
    uvec4 word = samples4[(first_sample + element) / 4u];
    return floats_of(word);
}

// Item j of a row takes the quads j, j + sample_items, ..., so that neighbours load neighbours. `from`, `to`: elements.
void copy_elements(bool here, uint from, uint to, uint item) {
    for (uint e = 4u * item; e < sample_count; e += 4u * sample_items) {
        if (ALIGNED != 0u) {
            vec4 v = here ? load4(from + e) * scale : vec4(0.0);
            rows4[(first_row + to + e) / 4u] = floatBitsToUint(v);
        } else
            for (uint i = e; i < min(e + 4u, sample_count); i++)
                rows[first_row + to + i] = floatBitsToUint(here ? load1(from + i) * scale : 0.0);
    }
}
#endif

void copy_sample(uint row, uint item) {
    bool here = row < source.rows;
    uint sample_ = here ? row_sample(source, row) - window_first : 0u;
    if (here ? sample_ >= window_count : window_first > 0u) return;
    copy_elements(here, sample_ * sample_count, row * sample_count, item);
}

void copy_target(uint row, uint item, uint target_count, uint target_items) {
    bool here = row < source.rows;
    uint from = push.targets + (here ? row_sample(source, row) * target_count : 0u), to = push.y + row * target_count;
    for (uint i = item; i < target_count; i += target_items) rows[to + i] = here ? targets[from + i] : 0u;
}

void main() {
    source = row_source_load();
    first_sample = push.samples;
    first_row = push.x;
    sample_count = push.sample_count;
    sample_items = push.sample_items;
    window_first = push.window_first;
    window_count = push.window_count;
    scale = push.scale;
    uint target_count = push.target_count, target_items = push.target_items, batch = push.batch;

    uint item = item_index(), sample_end = batch * sample_items;
    if (item == 0u && window_first == 0u) written.cur = state.next;
    if (item < sample_end) copy_sample(item / sample_items, item % sample_items);
    else if (target_items > 0u) {
        item -= sample_end;
        if (item < batch * target_items)
            copy_target(item / target_items, item % target_items, target_count, target_items);
    }
}
