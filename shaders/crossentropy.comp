// Ops sparse_crossentropy and categorical_crossentropy (src/op/*.c), one row of the batch at a time, which has
// `positions` distributions over `classes`. From logits:
//   loss = sum_k t[k] (log sum exp x - x[k]),   dx = softmax(x) sum t - t
// From probabilities, as Keras does: q = x / sum x, clipped to [1e-7, 1 - 1e-7];
//   loss = -sum_k t[k] log q[k],   dx = (g - sum g q) / sum x,   g[k] = -t[k] / q[k], 0 where it was clipped
// Smoothed: t[k] (1 - smoothing) + smoothing / classes in the place of t[k].
// Sparse: t[k] is 1 at the target and 0 elsewhere. Means over positions and rows.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "rows.glsl"
#include "state.glsl"

layout(constant_id = 3) const uint SPARSE = 1;
layout(constant_id = 4) const uint FROM_PROBABILITIES = 0;
layout(constant_id = 5) const uint WANT_DX = 0;
layout(constant_id = 6) const uint WANT_ACCURACY = 0; // only with SPARSE
layout(constant_id = 7) const uint SMOOTH = 0;
layout(constant_id = 8) const uint IGNORES = 0; // positions with the target `ignored` cost nothing; with SPARSE
// One term of the sums is all there is.
const bool ONE_HOT = SPARSE != 0u && SMOOTH == 0u;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer TARGETS { int targets[]; };
layout(set = 0, binding = 2) writeonly buffer ROWS { float rows[]; };
layout(set = 0, binding = 3) writeonly buffer DX { float dx[]; };

layout(push_constant) uniform PUSH {
    uint row_count, positions, classes;
    uint x, targets, loss, accuracy, dx; // first elements
    float smoothing;
    int ignored;
} push;

const float LOW = 1e-7, HIGH = 1.0 - 1e-7;

// One position: `at` is its index; `n` the classes it has, 0 when it does not count.
struct position {
    uint at, n;
    int target;        // sparse
    float loss, scale; // of the gradient
};

float target_(position p, uint k) {
    float t;
    if (SPARSE != 0u) t = int(k) == p.target ? 1.0 : 0.0;
    else t = intBitsToFloat(targets[push.targets + p.at * push.classes + k]);
    return SMOOTH != 0u ? t * (1.0 - push.smoothing) + push.smoothing / float(push.classes) : t;
}

// First index of the largest x; `best` receives it.
uint argmax(position p, out float best) {
    uint index = 0u;
    best = -INF;
    for (uint k = row_lane(); k < p.n; k += ROW_LANES) {
        float v = x[push.x + p.at * push.classes + k];
        if (v > best) {
            best = v;
            index = k;
        }
    }
    row_best(best, index);
    return index;
}

void from_logits(inout position p, float best) {
    uint begin = push.x + p.at * push.classes;
    float sum = 0.0, weight = 0.0, loss = 0.0;
    for (uint k = row_lane(); k < p.n; k += ROW_LANES) sum += exp_(x[begin + k] - best);
    sum = row_sum(sum);
    float log_sum = log_(sum);
    if (ONE_HOT) {
        weight = 1.0;
        if (p.target >= 0) loss = best - x[begin + uint(p.target)] + log_sum;
    } else {
        for (uint k = row_lane(); k < p.n; k += ROW_LANES) {
            float t = target_(p, k);
            weight += t;
            loss += t * (best - x[begin + k] + log_sum);
        }
        weight = row_sum(weight);
        loss = row_sum(loss);
    }
    p.loss = loss;
    if (WANT_DX == 0u) return;
    for (uint k = row_lane(); k < p.n; k += ROW_LANES) {
        float softmax = exp_(x[begin + k] - best) / sum;
        dx[push.dx + p.at * push.classes + k] = p.scale * (softmax * weight - target_(p, k));
    }
}

// d(-t log clip(q)) / dq
float slope(float q, float t) { return q < LOW || q > HIGH ? 0.0 : -t / q; }
float clipped(float q) { return q < LOW ? LOW : q > HIGH ? HIGH : q; }

void from_probabilities(inout position p) {
    uint begin = push.x + p.at * push.classes;
    float sum = 0.0, loss = 0.0, inner = 0.0;
    for (uint k = row_lane(); k < p.n; k += ROW_LANES) sum += x[begin + k];
    sum = row_sum(sum);
    if (ONE_HOT) {
        if (p.target >= 0) {
            float q = x[begin + uint(p.target)] / sum;
            loss = -log_(clipped(q));
            inner = slope(q, 1.0) * q;
        }
    } else {
        for (uint k = row_lane(); k < p.n; k += ROW_LANES) {
            float q = x[begin + k] / sum, t = target_(p, k);
            loss -= t * log_(clipped(q));
            inner += slope(q, t) * q;
        }
        loss = row_sum(loss);
        inner = row_sum(inner);
    }
    p.loss = loss;
    if (WANT_DX == 0u) return;
    for (uint k = row_lane(); k < p.n; k += ROW_LANES) {
        float q = x[begin + k] / sum;
        dx[push.dx + p.at * push.classes + k] = p.scale * (slope(q, target_(p, k)) - inner) / sum;
    }
}

void main() {
    uint row = row_index();
    bool counts = row < min(push.row_count, state.cur.rows);
    float mean = 1.0 / float(push.positions), loss = 0.0, hits = 0.0;
    // No early return: all invocations of a workgroup meet at the same barriers.
    for (uint first = 0u; first < push.positions; first += ROW_PARTS) {
        uint part = first + row_part();
        bool exists = row < push.row_count && part < push.positions;
        position p = position(row * push.positions + part, 0u, -1, 0.0, mean / float(state.cur.rows));
        if (counts && exists) {
            p.n = push.classes;
            if (SPARSE != 0u) p.target = targets[push.targets + p.at];
        }
        // Reads nothing outside the row, whatever the target; the gradient is 0.
        if (IGNORES != 0u && p.target == push.ignored) p.n = 0u;
        bool outside = SPARSE != 0u && p.n > 0u && (p.target < 0 || p.target >= int(push.classes));
        if (outside) p.n = 0u;
        if (p.n == 0u) p.target = -1;
        float best = 0.0;
        if (FROM_PROBABILITIES == 0u || WANT_ACCURACY != 0u) {
            uint index = argmax(p, best);
            if (p.n > 0u && int(index) == p.target) hits += 1.0;
        }
        if (FROM_PROBABILITIES == 0u) from_logits(p, best);
        else from_probabilities(p);
        if (p.n > 0u) loss += p.loss;
        if (outside) loss = NAN;
        if (WANT_DX != 0u && exists && p.n == 0u)
            for (uint k = row_lane(); k < push.classes; k += ROW_LANES) dx[push.dx + p.at * push.classes + k] = 0.0;
    }
    // Each lane of a part has the part's sum: only the first one's counts.
    bool first_lane = row_lane() == 0u;
    loss = row_sum_parts(first_lane ? loss : 0.0) * mean;
    hits = row_sum_parts(first_lane ? hits : 0.0) * mean;
    if (row >= push.row_count || !first_lane || row_part() != 0u) return;
    rows[push.loss + row] = loss;
    if (WANT_ACCURACY != 0u) rows[push.accuracy + row] = hits;
}
