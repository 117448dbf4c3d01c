// Sums by LANES invocations together, a power of two; 1 (CPU drivers): nothing is shared, nothing waits.
#ifndef GS_SUM_GLSL
#define GS_SUM_GLSL

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint LANES = 1; // divides the workgroup

shared float sum_part[gl_WorkGroupSize.x];

uint sum_item() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    return (group * gl_WorkGroupSize.x + gl_LocalInvocationID.x) / LANES;
}

uint sum_lane() { return gl_LocalInvocationID.x % LANES; }

// In uniform control flow. The sum is lane 0's.
float sum_lanes(float value) {
    if (LANES == 1u) return value;
    uint i = gl_LocalInvocationID.x;
    barrier(); // an earlier sum has been read
    sum_part[i] = value;
    for (uint width = LANES / 2u; width > 0u; width /= 2u) {
        barrier();
        if (sum_lane() < width) sum_part[i] += sum_part[i + width];
    }
    return sum_part[i];
}

#endif
