// y[i] = FACTOR * x[i] + ADD, after REPEAT turns of a loop that changes nothing: ways that are right, wrong and slow.
#version 450

layout(local_size_x = 64) in;
layout(constant_id = 0) const float FACTOR = 2.0;
layout(constant_id = 1) const float ADD = 0.0;
layout(constant_id = 2) const uint REPEAT = 1;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform PUSH {
    uint count;
    uint x, y;
} push;

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= push.count) return;
    float v = x[push.x + i];
    // No compiler can tell that it ends where it began: it depends on what is read.
    for (uint r = 1; r < REPEAT; r++) v = v > 1.0e30 ? v * 0.5 : min(v, 1.0e30);
    y[push.y + i] = FACTOR * v + ADD;
}
