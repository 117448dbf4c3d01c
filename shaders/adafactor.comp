// Op adafactor (src/op/adafactor.c): Shazeer and Stern 2018, of one parameter, in phases. A matrix (the last two
// dimensions; there are MATRICES of them) of rows x columns keeps means of the squared gradients of its rows (r) and
// columns (c); any other parameter a mean for each element, in r.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "state.glsl"
#include "sum.glsl"

layout(constant_id = 2) const uint PHASE = 0;
layout(constant_id = 3) const uint FACTORED = 0;
layout(constant_id = 4) const uint SKIPS = 0; // nothing is done at steps that only accumulate
const uint MEANS = 0u, ROW_MEANS = 1u, SQUARES = 2u, TOTALS = 3u, APPLY = 4u;

layout(push_constant) uniform PUSH {
    uint matrices, rows, columns; // not factored: 1, 1, elements
    uint w, g, r, c;              // first elements
    uint scratch;                 // sums of squares of u and w; of their parts; a mean of r for each matrix
    uint parts;
} push;

layout(set = 0, binding = 0, std430) buffer PARAMETERS { float w[]; };
layout(set = 0, binding = 1, std430) readonly buffer GRADIENTS { float g[]; };
layout(set = 0, binding = 2, std430) buffer FACTORS { float factors[]; };
layout(set = 0, binding = 3, std430) buffer SCRATCH { float scratch[]; };

float square(uint i) { return g[push.g + i] * g[push.g + i] + state.set.epsilon; }

float moved(float old, float mean) {
    float rest = pow(float(state.cur.updates + 1u), state.set.beta2_decay); // 1 - beta2_t
    return old + rest * (mean - old);
}

// Sum by the lanes, then one of them writes.
void means(uint item) {
    uint rows = push.matrices * push.rows;
    bool is_row = item < rows;
    bool is_column = !is_row && item < rows + push.matrices * push.columns;
    uint column = item - rows;
    uint first = is_row ? item * push.columns : column / push.columns * push.rows * push.columns + column % push.columns;
    uint stride = is_row ? 1u : push.columns;
    uint count = is_row ? push.columns : is_column ? push.rows : 0u;
    float sum = 0.0;
    for (uint i = sum_lane(); i < count; i += LANES) sum += square(first + i * stride);
    sum = sum_lanes(sum);
    uint at = is_row ? push.r + item : push.c + column;
    if (count != 0u && sum_lane() == 0u) factors[at] = moved(factors[at], sum / float(count));
}

void row_means(uint item) {
    float sum = 0.0;
    if (item < push.matrices)
        for (uint i = sum_lane(); i < push.rows; i += LANES) sum += factors[push.r + item * push.rows + i];
    sum = sum_lanes(sum);
    if (item < push.matrices && sum_lane() == 0u) scratch[push.scratch + 2u + 2u * push.parts + item] = sum / float(push.rows);
}

float step_at(uint i) {
    float v;
    if (FACTORED != 0u) {
        uint row = i / push.columns, matrix = row / push.rows;
        v = factors[push.r + row] / scratch[push.scratch + 2u + 2u * push.parts + matrix] *
            factors[push.c + matrix * push.columns + i % push.columns];
    } else {
        v = factors[push.r + i];
    }
    // Where a whole row and a whole column had no gradient, v may be 0.
    float gradient = g[push.g + i];
    return gradient == 0.0 ? 0.0 : gradient / sqrt(v);
}

void squares(uint part) {
    uint elements = push.matrices * push.rows * push.columns;
    uint chunk = (elements + push.parts - 1u) / push.parts;
    uint first = part * chunk, end = part < push.parts ? min(first + chunk, elements) : 0u;
    vec2 sum = vec2(0.0);
    for (uint i = first + sum_lane(); i < end; i += LANES) {
        if (FACTORED == 0u) factors[push.r + i] = moved(factors[push.r + i], square(i));
        float u = step_at(i), x = w[push.w + i];
        sum += vec2(u * u, x * x);
    }
    sum.x = sum_lanes(sum.x);
    sum.y = sum_lanes(sum.y);
    if (part < push.parts && sum_lane() == 0u) {
        scratch[push.scratch + 2u + part] = sum.x;
        scratch[push.scratch + 2u + push.parts + part] = sum.y;
    }
}

void totals(uint which) {
    float sum = 0.0;
    if (which < 2u)
        for (uint i = sum_lane(); i < push.parts; i += LANES) sum += scratch[push.scratch + 2u + which * push.parts + i];
    sum = sum_lanes(sum);
    if (which < 2u && sum_lane() == 0u) scratch[push.scratch + which] = sum;
}

void apply(uint i) {
    uint elements = push.matrices * push.rows * push.columns;
    if (i >= elements) return;
    vec2 rms = sqrt(vec2(scratch[push.scratch], scratch[push.scratch + 1u]) / float(elements));
    // Weight decay comes before all the rest.
    float kept = 1.0 - state.cur.learning_rate * state.set.weight_decay;
    float rate = min(state.cur.learning_rate, inversesqrt(float(state.cur.updates + 1u)));
    rate *= max(state.set.epsilon2, rms.y * abs(kept));
    w[push.w + i] = w[push.w + i] * kept - rate * step_at(i) / max(1.0, rms.x / state.set.clip_threshold);
}

void main() {
    uint steps = max(state.set.accumulate, 1u);
    if (SKIPS != 0u ? state.cur.step_lo % steps != steps - 1u : state.cur.skip != 0u) return;
    uint item = sum_item();
    if (PHASE == MEANS) means(item);
    if (PHASE == ROW_MEANS) row_means(item);
    if (PHASE == SQUARES) squares(item);
    if (PHASE == TOTALS) totals(item);
    if (PHASE == APPLY) apply(item);
}
