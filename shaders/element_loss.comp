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
#define KL 5u                   // t log(t / p), both clipped to [1e-7, 1]; the sum over the last axis
#define POISSON 6u              // p - t log(p + 1e-7)
#define LOG_COSH 7u             // log cosh e
#define HINGE 8u                // max(1 - t p, 0), t = -1 for 0
#define SQUARED_HINGE 9u        // its square
#define FOCAL_LOGITS 10u        // w (1 - q)^gamma of BINARY_LOGITS, q = t s + (1 - t) (1 - s), s = sigmoid(p),
#define FOCAL_PROBABILITIES 11u // and of BINARY_PROBABILITIES, s = p; w = t alpha + (1 - t) (1 - alpha), or 1

layout(constant_id = 3) const uint KIND = 0;
layout(constant_id = 4) const uint INTEGER_TARGETS = 0;
layout(constant_id = 5) const uint WANT_DX = 0;
layout(constant_id = 6) const uint SMOOTH = 0;   // targets become t (1 - smoothing) + smoothing / 2
layout(constant_id = 7) const uint BALANCED = 0; // focal: with alpha

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer TARGETS { int targets[]; };
layout(set = 0, binding = 2) writeonly buffer ROWS { float rows[]; };
layout(set = 0, binding = 3) writeonly buffer DX { float dx[]; };

layout(push_constant) uniform PUSH {
    uint row_count, row_length;
    uint x, targets, loss, dx; // first elements
    float delta; // focal: gamma
    float alpha, smoothing;
    float mean; // factor of the sum over a row
} push;

const float LOW = 1e-7, HIGH = 1.0 - 1e-7;

float signum(float e) { return e > 0.0 ? 1.0 : e < 0.0 ? -1.0 : e; }

float hinge_target(float t) { return t == 0.0 ? -1.0 : t; }
float raised(float x, float power) { return power == 0.0 ? 1.0 : x > 0.0 ? exp_(power * log_(x)) : 0.0; }

float binary_logits(float p, float t) { return (p < 0.0 ? 0.0 : p) - p * t + log1p_(exp_(-abs(p))); }
float binary_probabilities(float p, float t) {
    float q = p < LOW ? LOW : p > HIGH ? HIGH : p;
    return -t * log_(q) - (1.0 - t) * log_(1.0 - q);
}

// A binary cross-entropy and its slope become focal ones. s: probability, ds: its slope.
float focal(float loss, float s, float t, out float rest, out float weight) {
    rest = 1.0 - (t * s + (1.0 - t) * (1.0 - s));
    weight = BALANCED != 0u ? t * push.alpha + (1.0 - t) * (1.0 - push.alpha) : 1.0;
    return weight * raised(rest, push.delta) * loss;
}
float focal_slope(float loss, float slope_, float s, float ds, float t) {
    float rest, weight;
    focal(loss, s, t, rest, weight);
    float inner = push.delta == 0.0 ? 0.0 : push.delta * raised(max(rest, LOW), push.delta - 1.0);
    return weight * (raised(rest, push.delta) * slope_ - inner * (2.0 * t - 1.0) * ds * loss);
}

float loss_(float p, float t) {
    float e = p - t, rest, weight;
    switch (KIND) {
    case BINARY_LOGITS: return binary_logits(p, t);
    case BINARY_PROBABILITIES: return binary_probabilities(p, t);
    case FOCAL_LOGITS: return focal(binary_logits(p, t), sigmoid_(p), t, rest, weight);
    case FOCAL_PROBABILITIES: return focal(binary_probabilities(p, t), p, t, rest, weight);
    case KL: {
        float q = clamp(t, LOW, 1.0);
        return q * (log_(q) - log_(p < LOW ? LOW : p > 1.0 ? 1.0 : p));
    }
    case POISSON: return p - t * log_(p + LOW);
    case LOG_COSH: return abs(e) + (log1p_(exp_(-2.0 * abs(e))) - 0.69314718);
    case HINGE: return max(1.0 - hinge_target(t) * p, 0.0);
    case SQUARED_HINGE: {
        float m = max(1.0 - hinge_target(t) * p, 0.0);
        return m * m;
    }
    case SQUARED: return e * e;
    case ABSOLUTE: return abs(e);
    case HUBER: return abs(e) <= push.delta ? 0.5 * e * e : push.delta * abs(e) - 0.5 * push.delta * push.delta;
    }
    return 0.0;
}

float slope(float p, float t) {
    float e = p - t, s = sigmoid_(p);
    float probabilities = p < LOW || p > HIGH ? 0.0 : e / (p * (1.0 - p));
    switch (KIND) {
    case BINARY_LOGITS: return s - t;
    case BINARY_PROBABILITIES: return probabilities;
    case FOCAL_LOGITS: return focal_slope(binary_logits(p, t), s - t, s, s * (1.0 - s), t);
    case FOCAL_PROBABILITIES: return focal_slope(binary_probabilities(p, t), probabilities, p, 1.0, t);
    case KL: return p < LOW || p > 1.0 ? 0.0 : -clamp(t, LOW, 1.0) / p;
    case POISSON: return 1.0 - t / (p + LOW);
    case LOG_COSH: return tanh_(e);
    case HINGE: return hinge_target(t) * p < 1.0 ? -hinge_target(t) : 0.0;
    case SQUARED_HINGE: return -2.0 * hinge_target(t) * max(1.0 - hinge_target(t) * p, 0.0);
    case SQUARED: return 2.0 * e;
    case ABSOLUTE: return signum(e);
    case HUBER: return abs(e) <= push.delta ? e : push.delta * signum(e);
    }
    return 0.0;
}

float target_(uint i) {
    int t = targets[push.targets + i];
    float value = INTEGER_TARGETS != 0u ? float(t) : intBitsToFloat(t);
    return SMOOTH != 0u ? value * (1.0 - push.smoothing) + 0.5 * push.smoothing : value;
}

void main() {
    uint row = row_index();
    bool exists = row < push.row_count, counts = exists && row < state.cur.rows;
    uint length = exists ? push.row_length : 0u; // no return: the others wait at barriers
    float mean = push.mean, scale = mean / float(state.cur.rows), loss = 0.0;
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
