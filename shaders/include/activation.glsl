// Activations and their derivatives. The numbers are gs_activation's (include/gradsmith/layer.h); formulas and
// defaults are Keras 3's. src/plan/epilogue.c is the reference. NaN goes in, NaN comes out: hence comparisons where
// min, max and clamp, which may drop it, would be shorter.
#ifndef GS_ACTIVATION_GLSL
#define GS_ACTIVATION_GLSL
#include "math.glsl"

#define LINEAR 0u
#define RELU 1u
#define LEAKY_RELU 2u // alpha: slope for x < 0
#define ELU 3u        // alpha: -limit for x -> -inf
#define GELU 4u       // exact: x * Phi(x)
#define SILU 5u
#define SIGMOID 6u
#define TANH 7u
#define SOFTPLUS 8u

float activate(uint kind, float x, float alpha) {
    switch (kind) {
    case RELU: return x < 0.0 ? 0.0 : x;
    case LEAKY_RELU: return x > 0.0 ? x : alpha * x;
    case ELU: return x > 0.0 ? x : alpha * expm1_(x);
    case GELU: return 0.5 * x * erfc_(-0.70710678 * x);
    case SILU: return x * sigmoid_(x);
    case SIGMOID: return sigmoid_(x);
    case TANH: return tanh_(x);
    case SOFTPLUS: return softplus_(x);
    }
    return x;
}

// dy/dx. GELU and SILU need x; the others need only y = activate(x) (and ignore x). alpha >= 0.
float activate_grad(uint kind, float x, float y, float alpha) {
    switch (kind) {
    case RELU: return y > 0.0 ? 1.0 : 0.0;
    case LEAKY_RELU: return y > 0.0 ? 1.0 : alpha;
    case ELU: return y > 0.0 ? 1.0 : y + alpha;
    case GELU: return 0.5 * erfc_(-0.70710678 * x) + 0.39894228 * x * exp_(-0.5 * x * x);
    case SILU: {
        float s = sigmoid_(x);
        return s + x * s * (1.0 - s);
    }
    case SIGMOID: return y * (1.0 - y);
    case TANH: return 1.0 - y * y;
    case SOFTPLUS: return -expm1_(-y);
    }
    return 1.0;
}

#endif
