// Op row_loss (src/op/row_loss.c): losses of whole vectors, over the last axis; `positions` of them in a row of the batch.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rows.glsl"
#include "state.glsl"

#define COSINE 0u              // -sum x t / (|x| |t|); a norm is at least 1e-7
#define CATEGORICAL_HINGE 1u   // max(max (1 - t) x - sum t x + 1, 0)
#define FOCAL_LOGITS 2u        // -alpha sum t (1 - q)^gamma log q, q = softmax(x)
#define FOCAL_PROBABILITIES 3u // the same of q = x / sum x, clipped to [1e-7, 1 - 1e-7]

layout(constant_id = 3) const uint KIND = 0;
layout(constant_id = 4) const uint WANT_DX = 0;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer TARGETS { float targets[]; };
layout(set = 0, binding = 2) writeonly buffer ROWS { float rows[]; };
layout(set = 0, binding = 3) writeonly buffer DX { float dx[]; };

layout(push_constant) uniform PUSH {
    uint row_count, positions, classes;
    uint x, targets, loss, dx; // first elements
    float alpha, gamma, smoothing;
} push;

const float LOW = 1e-7, HIGH = 1.0 - 1e-7;

uint first; // element of the position
uint n;     // its classes, 0 when it does not count
float scale;

float x_at(uint k) { return x[push.x + first + k]; }
float target_at(uint k) { return targets[push.targets + first + k]; }
float raised(float base, float power) { return power == 0.0 ? 1.0 : base > 0.0 ? exp_(power * log_(base)) : 0.0; }

float cosine() {
    vec3 sums = vec3(0.0);
    for (uint k = row_lane(); k < n; k += ROW_LANES) {
        float v = x_at(k), t = target_at(k);
        sums += vec3(v * v, t * t, v * t);
    }
    sums = vec3(row_sum(sums.x), row_sum(sums.y), row_sum(sums.z));
    float of_x = min(inversesqrt(sums.x), 1e7), of_t = min(inversesqrt(sums.y), 1e7);
    float inner = inversesqrt(sums.x) > 1e7 ? 0.0 : sums.z * of_x * of_x;
    if (WANT_DX != 0u)
        for (uint k = row_lane(); k < n; k += ROW_LANES)
            dx[push.dx + first + k] = scale * of_x * of_t * (inner * x_at(k) - target_at(k));
    return -sums.z * of_x * of_t;
}

float categorical_hinge() {
    float positive = 0.0, negative = -INF;
    uint index = 0u;
    for (uint k = row_lane(); k < n; k += ROW_LANES) {
        float t = target_at(k), other = (1.0 - t) * x_at(k);
        positive += t * x_at(k);
        if (other > negative) {
            negative = other;
            index = k;
        }
    }
    positive = row_sum(positive);
    row_best(negative, index);
    float margin = negative - positive + 1.0;
    if (WANT_DX != 0u)
        for (uint k = row_lane(); k < n; k += ROW_LANES) {
            float t = target_at(k);
            dx[push.dx + first + k] = margin > 0.0 ? scale * ((k == index ? 1.0 - t : 0.0) - t) : 0.0;
        }
    return max(margin, 0.0);
}

// -alpha t (1 - q)^gamma log q, and q times its derivative by q.
float focal_term(float q, float log_q, float t, out float slope) {
    float rest = 1.0 - q, inner = push.gamma == 0.0 ? 0.0 : push.gamma * q * raised(max(rest, LOW), push.gamma - 1.0);
    slope = -push.alpha * t * (raised(rest, push.gamma) - inner * log_q);
    return -push.alpha * t * raised(rest, push.gamma) * log_q;
}

float focal() {
    bool logits = KIND == FOCAL_LOGITS;
    float best = -INF, sum = 0.0, loss = 0.0, inner = 0.0;
    uint index = 0u;
    if (logits) {
        for (uint k = row_lane(); k < n; k += ROW_LANES) best = max(best, x_at(k));
        row_best(best, index);
    }
    for (uint k = row_lane(); k < n; k += ROW_LANES) sum += logits ? exp_(x_at(k) - best) : x_at(k);
    sum = row_sum(sum);
    float log_sum = log_(sum);
    // Two rounds: the sum of all slopes, then the gradient.
    for (uint round = 0u; round < 1u + WANT_DX; round++) {
        for (uint k = row_lane(); k < n; k += ROW_LANES) {
            float t = target_at(k) * (1.0 - push.smoothing) + push.smoothing / float(push.classes);
            float q = logits ? exp_(x_at(k) - best) / sum : x_at(k) / sum, slope;
            bool clips = !logits && (q < LOW || q > HIGH);
            float kept = logits ? q : q < LOW ? LOW : q > HIGH ? HIGH : q;
            float term = focal_term(kept, logits ? x_at(k) - best - log_sum : log_(kept), t, slope);
            if (clips) slope = 0.0;
            if (round == 0u) {
                loss += term;
                inner += slope;
            } else dx[push.dx + first + k] = scale * (logits ? slope - q * inner : (clips ? 0.0 : slope / q) - inner) / (logits ? 1.0 : sum);
        }
        if (round == 0u) inner = row_sum(inner);
    }
    return row_sum(loss);
}

void main() {
    uint row = row_index();
    float mean = 1.0 / float(push.positions), loss = 0.0;
    scale = mean / float(state.cur.rows);
    // No early return: all invocations of a workgroup meet at the same barriers.
    for (uint begin = 0u; begin < push.positions; begin += ROW_PARTS) {
        uint part = begin + row_part();
        bool exists = row < push.row_count && part < push.positions, counts = exists && row < state.cur.rows;
        first = (row * push.positions + part) * push.classes;
        n = counts ? push.classes : 0u;
        float value = KIND == COSINE ? cosine() : KIND == CATEGORICAL_HINGE ? categorical_hinge() : focal();
        if (counts) loss += value;
        if (WANT_DX != 0u && exists && !counts)
            for (uint k = row_lane(); k < push.classes; k += ROW_LANES) dx[push.dx + first + k] = 0.0;
    }
    bool first_lane = row_lane() == 0u;
    loss = row_sum_parts(first_lane ? loss : 0.0) * mean;
    if (row < push.row_count && first_lane && row_part() == 0u) rows[push.loss + row] = loss;
}
