// Ops activation, dropout and epilogue (src/op/*.c): out = epilogue(f(v)), four elements an invocation.
//   forward:  f(v) = activate(v)
//   backward: f(v) = v * activate'(x)
// dropout and epilogue use f = LINEAR and put what they do into the epilogue.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "epilogue_push.glsl"
#include "item.glsl"

layout(constant_id = 0) const uint BACKWARD = 0;
layout(constant_id = 1) const uint ACTIVATION = 0;
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer V { float v[]; };
layout(set = 0, binding = 0) readonly buffer V4 { vec4 v4[]; };
layout(set = 0, binding = 1) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer X4 { vec4 x4[]; };
layout(set = 0, binding = 2) readonly buffer Y { float y[]; };
layout(set = 0, binding = 2) readonly buffer Y4 { vec4 y4[]; };
layout(set = 0, binding = 3) writeonly buffer OUT { float out1[]; };
layout(set = 0, binding = 3) writeonly buffer OUT4 { vec4 out4[]; };

layout(push_constant) uniform PUSH {
    uint count;
    uint v, x, y, out_; // first elements; multiples of 4
    float alpha;
    EPILOGUE_PUSH
} push;
#include "epilogue.glsl"

float f(float a, float b) {
    if (BACKWARD == 0u) return activate(ACTIVATION, a, push.alpha);
    return a * activate_grad(ACTIVATION, b, activate(ACTIVATION, b, push.alpha), push.alpha);
}

void main() {
    uint first = 4u * item_index();
    if (first >= push.count) return;
    uint n = min(push.count - first, 4u);
    vec4 a = vec4(0.0), b = vec4(0.0), c = vec4(0.0);
    if (n == 4u) {
        a = v4[(push.v + first) / 4u];
        if (BACKWARD != 0u && ACTIVATION != LINEAR) b = x4[(push.x + first) / 4u];
        if (EPILOGUE_MODE == 2u) c = y4[(push.y + first) / 4u];
    } else {
        for (uint i = 0u; i < n; i++) {
            a[i] = v[push.v + first + i];
            if (BACKWARD != 0u && ACTIVATION != LINEAR) b[i] = x[push.x + first + i];
            if (EPILOGUE_MODE == 2u) c[i] = y[push.y + first + i];
        }
    }
    vec4 r = vec4(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w));
    r = epilogue4(r, c, first);
    if (n == 4u) {
        out4[(push.out_ + first) / 4u] = r;
    } else {
        for (uint i = 0u; i < n; i++) out1[push.out_ + first + i] = r[i];
    }
}
