// Ops binary_crossentropy and pointwise_loss (src/op/*.c): losses between elements, their mean over a row of
// `row_length` elements, one row of the batch at a time. p: output, t: target, e = p - t.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rows.glsl"
#include "state.glsl"

#define BINARY_LOGITS 0u        // max(p, 0) - p t + log(1 + exp(-|p|))
#define BINARY_PROBABILITIES 1u // -t log p - (1 - t) log(1 - p), p clipped to [1e-7, 1 - 1e-7] as Keras does
#define SQUARED 2u              // e^2
#define ABSOLUTE 3u             // |e|
#define HUBER 4u                // |e| <= delta ? e^2 / 2 : delta |e| - delta^2 / 2

layout(constant_id = 3) const uint KIND = 0;
layout(constant_id = 4) const uint INTEGER_TARGETS = 0;
layout(constant_id = 5) const uint WANT_DX = 0;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer TARGETS { int targets[]; };
layout(set = 0, binding = 2) writeonly buffer ROWS { float rows[]; };
layout(set = 0, binding = 3) writeonly buffer DX { float dx[]; };

layout(push_constant) uniform PUSH {
    uint row_count, row_length;
    uint x, targets, loss, dx; // first elements
    float delta;
} push;

const float LOW = 1e-7, HIGH = 1.0 - 1e-7;

float signum(float e) { return e > 0.0 ? 1.0 : e < 0.0 ? -1.0 : e; }

float loss_(float p, float t) {
    float e = p - t;
    switch (KIND) {
    case BINARY_LOGITS: return (p < 0.0 ? 0.0 : p) - p * t + log1p_(exp_(-abs(p)));
    case BINARY_PROBABILITIES: {
        float q = p < LOW ? LOW : p > HIGH ? HIGH : p;
        return -t * log_(q) - (1.0 - t) * log_(1.0 - q);
    }
    case SQUARED: return e * e;
    case ABSOLUTE: return abs(e);
    case HUBER: return abs(e) <= push.delta ? 0.5 * e * e : push.delta * abs(e) - 0.5 * push.delta * push.delta;
    }
    return 0.0;
}

float slope(float p, float t) {
    float e = p - t;
    switch (KIND) {
    case BINARY_LOGITS: return sigmoid_(p) - t;
    case BINARY_PROBABILITIES: return p < LOW || p > HIGH ? 0.0 : e / (p * (1.0 - p));
    case SQUARED: return 2.0 * e;
    case ABSOLUTE: return signum(e);
    case HUBER: return abs(e) <= push.delta ? e : push.delta * signum(e);
    }
    return 0.0;
}

float target_(uint i) {
    int t = targets[push.targets + i];
    return INTEGER_TARGETS != 0u ? float(t) : intBitsToFloat(t);
}

void main() {
    uint row = row_index();
    bool exists = row < push.row_count, counts = exists && row < state.cur.rows;
    uint length = exists ? push.row_length : 0u; // no return: the others wait at barriers
    float mean = 1.0 / float(push.row_length), scale = mean / float(state.cur.rows), loss = 0.0;
    for (uint k = row_lane(); k < length; k += ROW_LANES) {
        uint i = row * push.row_length + k;
        float gradient = 0.0;
        if (counts) {
            float p = x[push.x + i], t = target_(i);
            loss += loss_(p, t);
            gradient = scale * slope(p, t);
        }
        if (WANT_DX != 0u) dx[push.dx + i] = gradient;
    }
    loss = row_sum(loss) * mean;
    if (exists && row_lane() == 0u) rows[push.loss + row] = loss;
}
