// x[i] = 3 * x[i] + add, in place: a chain of dispatches is right only when each sees the one before.
#version 450

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) buffer X { uint x[]; };
layout(push_constant) uniform PUSH {
    uint count;
    uint add;
} push;

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < push.count) x[i] = 3 * x[i] + push.add;
}
