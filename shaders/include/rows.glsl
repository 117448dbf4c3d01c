// Rows shared out among the invocations of a workgroup, for kernels that reduce along rows. A workgroup has
// ROW_SIZE invocations: ROW_LANES neighbours work on one part of a row, ROW_PARTS parts make a row, and there are
// ROW_SIZE / (ROW_LANES * ROW_PARTS) rows. All are powers of two. src/plan/rows.h chooses them and dispatches.
//
// With one lane and one part nothing waits: no barrier is left in the kernel. Sums have one fixed order.
// row_sum and row_best must be called by all invocations of the workgroup.
#ifndef GS_ROWS_GLSL
#define GS_ROWS_GLSL
#include "math.glsl"

layout(constant_id = 0) const uint ROW_SIZE = 32;
layout(constant_id = 1) const uint ROW_LANES = 32;
layout(constant_id = 2) const uint ROW_PARTS = 1;
layout(local_size_x = 32, local_size_x_id = 0) in;

shared float row_values[ROW_SIZE];
shared uint row_indices[ROW_SIZE];

uint row_lane() { return gl_LocalInvocationID.x % ROW_LANES; }
uint row_part() { return gl_LocalInvocationID.x / ROW_LANES % ROW_PARTS; }
uint row_index() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    return (group * ROW_SIZE + gl_LocalInvocationID.x) / (ROW_LANES * ROW_PARTS);
}

// Sum of `v` over each `width` neighbours, a power of two; all of them receive it.
float row_sum_(float v, uint width) {
    if (width == 1u) return v;
    uint i = gl_LocalInvocationID.x;
    row_values[i] = v;
    barrier();
    for (uint half_ = width / 2u; half_ > 0u; half_ /= 2u) {
        if (i % width < half_) row_values[i] += row_values[i + half_];
        barrier();
    }
    float sum = row_values[i - i % width];
    barrier();
    return sum;
}

// Over the lanes of a part.
float row_sum(float v) { return row_sum_(v, ROW_LANES); }
// Over the lanes and parts of a row.
float row_sum_parts(float v) { return row_sum_(v, ROW_LANES * ROW_PARTS); }

// Largest `v` over the lanes of a part, and its `index`: the smallest of equal values. NaN loses.
void row_best(inout float v, inout uint index) {
    if (ROW_LANES == 1u) return;
    uint i = gl_LocalInvocationID.x;
    row_values[i] = v;
    row_indices[i] = index;
    barrier();
    for (uint half_ = ROW_LANES / 2u; half_ > 0u; half_ /= 2u) {
        if (i % ROW_LANES < half_) {
            float other = row_values[i + half_];
            uint other_index = row_indices[i + half_];
            if (other > row_values[i] || (other == row_values[i] && other_index < row_indices[i])) {
                row_values[i] = other;
                row_indices[i] = other_index;
            }
        }
        barrier();
    }
    v = row_values[i - i % ROW_LANES];
    index = row_indices[i - i % ROW_LANES];
    barrier();
}

#endif
