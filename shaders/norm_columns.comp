// batch_norm and row_norm (src/plan/norm.c): sums over the rows of each channel, first stage. A workgroup takes LANES
// channels and a chunk of rows, and leaves two numbers for each channel:
//   MODE 0: mean, and sum of the squared differences from it, of the rows that the step has
//   MODE 1: sum of dy, and of dy * (x - mean) / deviation, of the channel
//   MODE 2: the same with mean and deviation of the row and group
#version 450
#extension GL_GOOGLE_include_directive : require
#include "norm.glsl"
#include "state.glsl"

layout(constant_id = 0) const uint SIZE = 128;
layout(constant_id = 1) const uint LANES = 32; // a power of two
layout(constant_id = 2) const uint MODE = 0;
layout(local_size_x = 128, local_size_x_id = 0) in;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };         // MODE 0: x, else dy
layout(set = 0, binding = 1) readonly buffer X { float x[]; };
layout(set = 0, binding = 2) readonly buffer STATISTICS { float statistics[]; };
layout(set = 0, binding = 3) writeonly buffer PARTIALS { float partials[]; };

layout(push_constant) uniform PUSH {
    uint a, x, statistics, partials;  // first elements
    uint rows, channels, stride;      // rows: that there can be
    uint sample_rows;                 // of each sample; 0: all rows are there
    uint chunk, blocks;               // rows of a chunk; workgroups for each chunk
    uint inner, groups, depth;        // MODE 2: rows of a group's sample, groups, channels of a group
    uint group_count;                 // MODE 2: of means in `statistics`, the deviations follow
} push;

shared float sums[2][SIZE];

void main() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x, i = gl_LocalInvocationID.x;
    uint part = group / push.blocks, channel = group % push.blocks * LANES + i % LANES;
    uint present = push.sample_rows == 0u ? push.rows : min(push.rows, state.cur.rows * push.sample_rows);
    uint begin = min(part * push.chunk, present), end = min(begin + push.chunk, present);
    bool used = channel < push.channels && part * push.chunk < push.rows;
    float first = 0.0, second = 0.0, origin = 0.0, mean = 0.0, rdev = 0.0;
    if (used && MODE == 0u && begin < end) origin = a[push.a + begin * push.channels + channel];
    if (used && MODE == 1u) {
        mean = statistics[push.statistics + NORM_MEAN * push.stride + channel];
        rdev = statistics[push.statistics + NORM_RDEV * push.stride + channel];
    }
    if (used) {
        for (uint row = begin + i / LANES; row < end; row += SIZE / LANES) {
            uint at = row * push.channels + channel;
            float v = a[push.a + at];
            if (MODE == 0u) {
                float d = v - origin;
                first += d;
                second += d * d;
                continue;
            }
            if (MODE == 2u) {
                uint g = row / push.inner * push.groups + channel / push.depth;
                mean = statistics[push.statistics + g];
                rdev = statistics[push.statistics + push.group_count + g];
            }
            first += v;
            second += v * ((x[push.x + at] - mean) * rdev);
        }
    }
    if (SIZE > LANES) {
        sums[0][i] = first;
        sums[1][i] = second;
        barrier();
        for (uint half_ = SIZE / 2u; half_ >= LANES; half_ /= 2u) {
            if (i < half_) {
                sums[0][i] += sums[0][i + half_];
                sums[1][i] += sums[1][i + half_];
            }
            barrier();
        }
        first = sums[0][i % LANES];
        second = sums[1][i % LANES];
    }
    if (!used || i >= LANES) return;
    if (MODE == 0u) {
        float count = float(end - begin), shift = count > 0.0 ? first / count : 0.0;
        second -= first * shift;
        if (second < 0.0) second = 0.0;
        first = origin + shift;
    }
    uint to = push.partials + 2u * part * push.stride + channel;
    partials[to] = first;
    partials[to + push.stride] = second;
}
