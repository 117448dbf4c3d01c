#include "plan/epilogue.h"

#include "base/rng.h"
#include "state.h"
#include <math.h>

void gs__epilogue_spec(const gs__epilogue *e, bool backward, uint32_t spec[GS__EPILOGUE_SPEC_COUNT]) {
    spec[0] = gs__epilogue_empty(e) ? 0 : backward ? 2 : 1;
    spec[1] = (uint32_t)e->activation;
    spec[2] = e->rate != 0.0f;
}

float gs__dropout_scale(float rate) {
    return (float)(1.0 / (1.0 - (double)rate));
}

// The largest float below 1 gives 2^32 - 2^8: no overflow.
uint32_t gs__dropout_threshold(float rate) {
    return (uint32_t)((double)rate * 4294967296.0);
}

// --- reference --------------------------------------------------------------------------------------------------

static double sigmoid(double x) {
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

double gs__activate(gs_activation kind, double x, double alpha) {
    switch (kind) {
    case GS_ACTIVATION_RELU:
        return x < 0 ? 0 : x;
    case GS_ACTIVATION_LEAKY_RELU:
        return x > 0 ? x : alpha * x;
    case GS_ACTIVATION_ELU:
        return x > 0 ? x : alpha * expm1(x);
    case GS_ACTIVATION_GELU:
        return 0.5 * x * erfc(-x * sqrt(0.5));
    case GS_ACTIVATION_SILU:
        return x * sigmoid(x);
    case GS_ACTIVATION_SIGMOID:
        return sigmoid(x);
    case GS_ACTIVATION_TANH:
        return tanh(x);
    case GS_ACTIVATION_SOFTPLUS:
        return (x < 0 ? 0 : x) + log1p(exp(-fabs(x)));
    case GS_ACTIVATION_LINEAR:
    case GS_ACTIVATION_SOFTMAX:
        break; // softmax is no elementwise function
    }
    return x;
}

double gs__activate_grad(gs_activation kind, double x, double y, double alpha) {
    switch (kind) {
    case GS_ACTIVATION_RELU:
        return y > 0 ? 1 : 0;
    case GS_ACTIVATION_LEAKY_RELU:
        return y > 0 ? 1 : alpha;
    case GS_ACTIVATION_ELU:
        return y > 0 ? 1 : y + alpha;
    case GS_ACTIVATION_GELU: {
        const double pi = 3.14159265358979323846;
        return 0.5 * erfc(-x * sqrt(0.5)) + x * exp(-0.5 * x * x) / sqrt(2 * pi);
    }
    case GS_ACTIVATION_SILU:
        return sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x));
    case GS_ACTIVATION_SIGMOID:
        return y * (1 - y);
    case GS_ACTIVATION_TANH:
        return 1 - y * y;
    case GS_ACTIVATION_SOFTPLUS:
        return -expm1(-y);
    case GS_ACTIVATION_LINEAR:
    case GS_ACTIVATION_SOFTMAX:
        break;
    }
    return 1;
}

bool gs__activation_grad_needs_x(gs_activation kind) {
    return kind == GS_ACTIVATION_GELU || kind == GS_ACTIVATION_SILU;
}

static double dropout_factor(const struct gs_state *state, uint32_t key, uint32_t threshold, float scale,
                             uint64_t element) {
    const uint32_t counter[4] = {(uint32_t)(element / 4), state->cur.step_lo, state->cur.step_hi, key};
    const uint32_t seed[2] = {state->set.seed_lo, state->set.seed_hi};
    uint32_t word[4];
    gs__philox(counter, seed, word);
    return word[element % 4] < threshold ? 0 : (double)scale;
}

double gs__dropout_factor(const struct gs_state *state, uint32_t key, float rate, uint64_t element) {
    return dropout_factor(state, key, gs__dropout_threshold(rate), gs__dropout_scale(rate), element);
}

static double keep_factor(const gs__epilogue *e, const struct gs_state *state, uint64_t element) {
    return e->rate != 0.0f ? gs__dropout_factor(state, e->key, e->rate, element) : 1;
}

void gs__epilogue_forward(const gs__epilogue *e, const struct gs_state *state, double *y, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        y[i] = keep_factor(e, state, i) * gs__activate(e->activation, y[i], (double)e->alpha);
}

void gs__epilogue_backward(const gs__epilogue *e, const struct gs_state *state, const double *y, double *dx,
                           uint64_t count) {
    const double scale = (double)gs__dropout_scale(e->rate);
    for (uint64_t i = 0; i < count; i++)
        dx[i] *= keep_factor(e, state, i) * gs__activate_grad(e->activation, 0, y[i] / scale, (double)e->alpha);
}

double gs__epilogue_element(const uint32_t spec[GS__EPILOGUE_SPEC_COUNT], const gs__epilogue_values *values,
                            const struct gs_state *state, double v, double y, uint64_t element) {
    const gs_activation kind = (gs_activation)spec[1];
    if (spec[0] == 0) return v;
    const double keep = spec[2] ? dropout_factor(state, values->key, values->threshold, values->scale, element) : 1;
    if (spec[0] == 1) return keep * gs__activate(kind, v, (double)values->alpha);
    return keep * v * gs__activate_grad(kind, 0, y / (double)values->scale, (double)values->alpha);
}
