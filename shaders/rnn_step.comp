// Op rnn (src/op/rnn.c), forward: one time step of SimpleRNN, LSTM or GRU. An invocation makes one unit of ROWS samples:
// the products with the recurrent kernel of all gates, then the cell.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "item.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint KIND = 0;
layout(constant_id = 2) const uint ACTIVATION = 0;
layout(constant_id = 3) const uint RECURRENT_ACTIVATION = 0;
layout(constant_id = 4) const uint HAS_BIAS = 0; // of the recurrent product: GRU

#define SIMPLE 0u
#define LSTM 1u
#define GRU 2u
const uint GATES = KIND == SIMPLE ? 1u : KIND == LSTM ? 4u : 3u;
const uint SAVED = KIND == SIMPLE ? 0u : KIND == LSTM ? 5u : 4u; // numbers kept for each unit

layout(set = 0, binding = 0) readonly buffer Z { float z[]; };  // and the recurrent bias
layout(set = 0, binding = 1) readonly buffer R { float r[]; };
layout(set = 0, binding = 2) buffer H { float h[]; };           // y, and before: the state that each step began with
layout(set = 0, binding = 3) buffer S { float saved[]; };

layout(push_constant) uniform PUSH {
    uint z, bias, kernel, y, before, saved; // first elements
    uint batch, times, units;
    uint time;                // of this step
    uint last_time, next_time; // of the steps around it; 0xFFFFFFFF: there is none
} push;

#define NONE 0xFFFFFFFFu

void cell(uint sample_, uint unit, vec4 product) {
    uint at = sample_ * push.times + push.time, units = push.units;
    uint to = push.saved + at * SAVED * units + unit;
    vec4 a = vec4(0.0);
    for (uint g = 0u; g < GATES; g++) a[g] = z[push.z + (at * GATES + g) * units + unit];
    float out_ = 0.0;
    if (KIND == SIMPLE) out_ = activate(ACTIVATION, a.x + product.x, 0.0);
    if (KIND == LSTM) {
        a += product;
        float i = activate(RECURRENT_ACTIVATION, a.x, 0.0), f = activate(RECURRENT_ACTIVATION, a.y, 0.0);
        float g = activate(ACTIVATION, a.z, 0.0), o = activate(RECURRENT_ACTIVATION, a.w, 0.0), c = i * g;
        if (push.last_time != NONE)
            c += f * saved[push.saved + ((sample_ * push.times + push.last_time) * SAVED + 4u) * units + unit];
        saved[to] = i;
        saved[to + units] = f;
        saved[to + 2u * units] = g;
        saved[to + 3u * units] = o;
        saved[to + 4u * units] = c;
        out_ = o * activate(ACTIVATION, c, 0.0);
    }
    if (KIND == GRU) {
        if (HAS_BIAS != 0u)
            for (uint g = 0u; g < 3u; g++) product[g] += z[push.bias + g * units + unit];
        float u = activate(RECURRENT_ACTIVATION, a.x + product.x, 0.0);
        float reset = activate(RECURRENT_ACTIVATION, a.y + product.y, 0.0);
        float n = activate(ACTIVATION, a.z + reset * product.z, 0.0);
        float old = push.last_time != NONE ? h[push.before + at * units + unit] : 0.0;
        saved[to] = u;
        saved[to + units] = reset;
        saved[to + 2u * units] = n;
        saved[to + 3u * units] = product.z;
        out_ = u * old + (1.0 - u) * n;
    }
    h[push.y + at * units + unit] = out_;
    if (push.last_time == NONE) h[push.before + at * units + unit] = 0.0;
    if (push.next_time != NONE) h[push.before + (sample_ * push.times + push.next_time) * units + unit] = out_;
}

void main() {
    uint item = item_index(), unit = item % push.units, first = 4u * (item / push.units);
    if (first >= push.batch) return;
    uint n = min(push.batch - first, 4u);
    vec4 product[4] = vec4[4](vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0)); // by gate, of four samples
    if (push.last_time != NONE) {
        uvec4 row = push.before +
                    (min(uvec4(first) + uvec4(0u, 1u, 2u, 3u), uvec4(push.batch - 1u)) * push.times + push.time) * push.units;
        for (uint k = 0u; k < push.units; k++) {
            vec4 state = vec4(h[row.x + k], h[row.y + k], h[row.z + k], h[row.w + k]);
            uint from = push.kernel + k * GATES * push.units + unit;
            for (uint g = 0u; g < GATES; g++) product[g] += state * r[from + g * push.units];
        }
    }
    for (uint i = 0u; i < n; i++) cell(first + i, unit, vec4(product[0][i], product[1][i], product[2][i], product[3][i]));
}
