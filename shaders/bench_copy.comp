// Copies a buffer (src/bench/peak.c), PER_ITEM vec4 an invocation. The buffers are whole multiples of a workgroup's part.
#version 450

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint PER_ITEM = 1;

layout(push_constant) uniform PUSH { uint count; } push; // vec4

layout(set = 0, binding = 0) readonly buffer X { vec4 x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { vec4 y[]; };

void main() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint first = group * (gl_WorkGroupSize.x * PER_ITEM) + gl_LocalInvocationID.x;
    if (first >= push.count) return;
    for (uint i = 0u; i < PER_ITEM; i++) y[first + i * gl_WorkGroupSize.x] = x[first + i * gl_WorkGroupSize.x];
}
