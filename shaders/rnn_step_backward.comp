// Op rnn (src/op/rnn.c), backward: one time step, from the last to the first. An invocation makes one unit of four
// samples: the gradient that comes from the step behind it, through the recurrent kernel, then the cell's.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "activation.glsl"
#include "item.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint KIND = 0;
layout(constant_id = 2) const uint ACTIVATION = 0;
layout(constant_id = 3) const uint RECURRENT_ACTIVATION = 0;

#define SIMPLE 0u
#define LSTM 1u
#define GRU 2u
const uint GATES = KIND == SIMPLE ? 1u : KIND == LSTM ? 4u : 3u;
const uint SAVED = KIND == SIMPLE ? 1u : KIND == LSTM ? 5u : 4u; // SIMPLE: y itself

layout(set = 0, binding = 0) readonly buffer R { float r[]; };
layout(set = 0, binding = 1) readonly buffer DY { float dy[]; };    // and before: the states that the steps began with
layout(set = 0, binding = 2) readonly buffer S { float saved[]; };
layout(set = 0, binding = 3) buffer DZ { float dz[]; };             // dz, carry, and GRU's gradients of the products

layout(push_constant) uniform PUSH {
    uint kernel, dy, before, saved, dz, carry, products; // first elements
    uint batch, times, units;
    uint time;                 // of this step
    uint last_time, next_time; // of the steps around it; 0xFFFFFFFF: there is none
} push;

#define NONE 0xFFFFFFFFu

float slope(uint kind, float y) { return activate_grad(kind, 0.0, y, 0.0); }

void cell(uint sample_, uint unit, float dh) {
    uint at = sample_ * push.times + push.time, units = push.units, own = push.carry + sample_ * units + unit;
    uint from = push.saved + at * SAVED * units + unit, to = push.dz + at * GATES * units + unit;
    bool is_last = push.next_time == NONE;
    dh += dy[push.dy + at * units + unit];
    if (KIND == SIMPLE) dz[to] = dh * slope(ACTIVATION, saved[from]);
    if (KIND == LSTM) {
        float i = saved[from], f = saved[from + units], g = saved[from + 2u * units], o = saved[from + 3u * units];
        float c = activate(ACTIVATION, saved[from + 4u * units], 0.0), old = 0.0;
        if (push.last_time != NONE)
            old = saved[push.saved + ((sample_ * push.times + push.last_time) * SAVED + 4u) * units + unit];
        float dc = dh * o * slope(ACTIVATION, c) + (is_last ? 0.0 : dz[own]);
        dz[to] = dc * g * slope(RECURRENT_ACTIVATION, i);
        dz[to + units] = dc * old * slope(RECURRENT_ACTIVATION, f);
        dz[to + 2u * units] = dc * i * slope(ACTIVATION, g);
        dz[to + 3u * units] = dh * c * slope(RECURRENT_ACTIVATION, o);
        dz[own] = dc * f;
    }
    if (KIND == GRU) {
        float u = saved[from], reset = saved[from + units], n = saved[from + 2u * units];
        float product = saved[from + 3u * units], old = dy[push.before + at * units + unit];
        uint behind = push.products + at * GATES * units + unit;
        if (!is_last) dh += dz[own];
        float dn = dh * (1.0 - u) * slope(ACTIVATION, n), du = dh * (old - n) * slope(RECURRENT_ACTIVATION, u);
        float dreset = dn * product * slope(RECURRENT_ACTIVATION, reset);
        dz[to] = dz[behind] = du;
        dz[to + units] = dz[behind + units] = dreset;
        dz[to + 2u * units] = dn;
        dz[behind + 2u * units] = dn * reset;
        dz[own] = dh * u;
    }
}

void main() {
    uint item = item_index(), unit = item % push.units, first = 4u * (item / push.units);
    if (first >= push.batch) return;
    uint n = min(push.batch - first, 4u);
    vec4 dh = vec4(0.0);
    if (push.next_time != NONE) {
        uint length = GATES * push.units, from = push.kernel + unit * length;
        uvec4 row = (min(uvec4(first) + uvec4(0u, 1u, 2u, 3u), uvec4(push.batch - 1u)) * push.times + push.next_time) * length;
        row += KIND == GRU ? push.products : push.dz;
        for (uint k = 0u; k < length; k++)
            dh += vec4(dz[row.x + k], dz[row.y + k], dz[row.z + k], dz[row.w + k]) * r[from + k];
    }
    for (uint i = 0u; i < n; i++) cell(first + i, unit, dh[i]);
}
