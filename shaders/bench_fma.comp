// The device's float32 peak (src/bench/peak.c): each invocation has CHAINS chains of vec4 multiply-adds that do not
// depend on each other. Every chain tends to term / (1 - factor), so the numbers stay ordinary, and the host can check
// the sums. Variables instead of an array: not every driver unrolls loops.
#version 450

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint CHAINS = 4; // 1 to 6
layout(constant_id = 2) const uint ROUNDS = 256; // of 8 multiply-adds in each chain
layout(constant_id = 3) const uint SPLIT = 0; // 1: as a product and a sum

layout(push_constant) uniform PUSH { float factor, term; } push;

layout(set = 0, binding = 0) writeonly buffer Y { vec4 y[]; };

vec4 factor = vec4(push.factor), term = vec4(push.term);
vec4 advance(vec4 x) { return SPLIT != 0u ? x * factor + term : fma(x, factor, term); }

void main() {
    uint item = gl_GlobalInvocationID.x;
    vec4 x0 = vec4(0.0, 1.0, 2.0, 3.0) + float(item % 64u);
    vec4 x1 = x0 + 4.0, x2 = x0 + 8.0, x3 = x0 + 12.0, x4 = x0 + 16.0, x5 = x0 + 20.0;
#define ALL                             \
    x0 = advance(x0);                   \
    if (CHAINS > 1u) x1 = advance(x1);  \
    if (CHAINS > 2u) x2 = advance(x2);  \
    if (CHAINS > 3u) x3 = advance(x3);  \
    if (CHAINS > 4u) x4 = advance(x4);  \
    if (CHAINS > 5u) x5 = advance(x5);
    for (uint round = 0u; round < ROUNDS; round++) { ALL ALL ALL ALL ALL ALL ALL ALL }
    vec4 sum = x0;
    if (CHAINS > 1u) sum += x1;
    if (CHAINS > 2u) sum += x2;
    if (CHAINS > 3u) sum += x3;
    if (CHAINS > 4u) sum += x4;
    if (CHAINS > 5u) sum += x5;
    y[item] = sum;
}
