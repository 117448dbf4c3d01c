// L1 and L2 penalty of one parameter, and its gradient. At most `parts` invocations (CPU) or workgroups (GPU) each add
// up a part; there are as many results as rows.
#version 450
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64, local_size_x_id = 0) in; // a power of two
layout(constant_id = 1) const uint LANES = 1;      // invocations of a part: 1, or the workgroup's size
layout(constant_id = 2) const uint GRADIENT = 0;   // 1: dx is written

layout(push_constant) uniform PUSH {
    uint x, dx, y; // first elements
    uint count;    // elements of x
    uint parts, batch;
    float l1, l2;
} push;

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) writeonly buffer DX { float dx[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Y { float y[]; };

shared float partial[gl_WorkGroupSize.x];

void main() {
    uint lane = LANES == 1u ? 0u : gl_LocalInvocationID.x;
    uint part = LANES == 1u ? gl_GlobalInvocationID.x : gl_WorkGroupID.x;
    if (part >= push.parts) return;
    float l1 = 0.0, l2 = 0.0;
    for (uint i = part * LANES + lane; i < push.count; i += push.parts * LANES) {
        float w = x[push.x + i];
        l1 += abs(w);
        l2 += w * w;
        if (GRADIENT != 0u) dx[push.dx + i] = push.l1 * sign(w) + 2.0 * push.l2 * w;
    }
    float sum = push.l1 * l1 + push.l2 * l2;
    if (LANES > 1u) {
        partial[lane] = sum;
        for (uint width = LANES / 2u; width > 0u; width /= 2u) {
            barrier();
            if (lane < width) partial[lane] += partial[lane + width];
        }
        sum = partial[lane];
    }
    if (lane == 0u)
        for (uint row = part; row < push.batch; row += push.parts) y[push.y + row] = row == part ? sum : 0.0;
}
