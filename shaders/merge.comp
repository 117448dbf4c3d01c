// Op merge (src/op/merge.c): two tensors of one shape, four elements an invocation.
//   WANT 0: out = a op b;   1: out = dy * d(a op b)/da;   2: out = dy * d(a op b)/db
#version 450
#extension GL_GOOGLE_include_directive : require
#include "item.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint KIND = 0;
layout(constant_id = 1) const uint WANT = 0;

#define SUBTRACT 0u
#define MULTIPLY 1u
#define MAXIMUM 2u

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) readonly buffer DY { float dy[]; };
layout(set = 0, binding = 3) writeonly buffer OUT { float out_[]; };

layout(push_constant) uniform PUSH {
    uint count;
    uint a, b, dy, out_; // first elements
} push;

float merged(float x, float y) {
    if (KIND == SUBTRACT) return x - y;
    if (KIND == MULTIPLY) return x * y;
    if (isnan(x) || isnan(y)) return x + y;
    return (KIND == MAXIMUM) == (x > y) ? x : y;
}

float gradient(float x, float y, float d) {
    if (KIND == MULTIPLY) return d * (WANT == 1u ? y : x);
    if (x == y) return 0.5 * d; // as PyTorch: equal ones share it
    bool first = (KIND == MAXIMUM) == (x > y);
    return first == (WANT == 1u) ? d : 0.0;
}

void main() {
    uint first = 4u * item_index();
    if (first >= push.count) return;
    uint end = min(first + 4u, push.count);
    for (uint i = first; i < end; i++) {
        float r;
        if (WANT == 0u) r = merged(a[push.a + i], b[push.b + i]);
        else if (KIND == SUBTRACT) r = WANT == 1u ? dy[push.dy + i] : -dy[push.dy + i];
        else r = gradient(a[push.a + i], b[push.b + i], dy[push.dy + i]);
        out_[push.out_ + i] = r;
    }
}
