// Activations and their derivatives. The numbers are gs_activation's (include/gradsmith/layer.h); formulas and
// defaults are Keras 3's. src/plan/epilogue.c is the reference.
#ifndef GS_ACTIVATION_GLSL
#define GS_ACTIVATION_GLSL

#define LINEAR 0u
#define RELU 1u
#define LEAKY_RELU 2u // alpha: slope for x < 0
#define ELU 3u        // alpha: -limit for x -> -inf
#define GELU 4u       // exact: x * Phi(x)
#define SILU 5u
#define SIGMOID 6u
#define TANH 7u
#define SOFTPLUS 8u

// Complementary error function, relative error below 1.2e-7 (Numerical Recipes, 6.2.2, Chebyshev fit).
float erfc_(float x) {
    float z = abs(x);
    float t = 1.0 / (1.0 + 0.5 * z);
    float p = -1.26551223 +
              t * (1.00002368 +
                   t * (0.37409196 +
                        t * (0.09678418 +
                             t * (-0.18628806 +
                                  t * (0.27886807 +
                                       t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
    float r = t * exp(-z * z + p);
    return x >= 0.0 ? r : 2.0 - r;
}

float sigmoid_(float x) { return 1.0 / (1.0 + exp(-clamp(x, -87.0, 87.0))); }

float tanh_(float x) {
    // The built-in may overflow; an odd series keeps the relative error small near 0.
    float c = clamp(x, -9.1, 9.1);
    float s = c * c;
    float small = c * (1.0 + s * (-0.33333333 + s * (0.13333333 - s * 0.053968254)));
    float e = exp(2.0 * c);
    return abs(c) < 0.15 ? small : (e - 1.0) / (e + 1.0);
}

float activate(uint kind, float x, float alpha) {
    switch (kind) {
    case RELU: return max(x, 0.0);
    case LEAKY_RELU: return x > 0.0 ? x : alpha * x;
    case ELU: return x > 0.0 ? x : alpha * (exp(min(x, 0.0)) - 1.0);
    case GELU: return 0.5 * x * erfc_(-0.70710678 * x);
    case SILU: return x * sigmoid_(x);
    case SIGMOID: return sigmoid_(x);
    case TANH: return tanh_(x);
    case SOFTPLUS: return max(x, 0.0) + log(1.0 + exp(-abs(x)));
    }
    return x;
}

// dy/dx. GELU and SILU need x; the others need only y = activate(x) (and ignore x).
float activate_grad(uint kind, float x, float y, float alpha) {
    switch (kind) {
    case RELU: return y > 0.0 ? 1.0 : 0.0;
    case LEAKY_RELU: return y > 0.0 ? 1.0 : alpha;
    case ELU: return y > 0.0 ? 1.0 : y + alpha;
    case GELU: return 0.5 * erfc_(-0.70710678 * x) + 0.39894228 * x * exp(-0.5 * x * x);
    case SILU: {
        float s = sigmoid_(x);
        return s + x * s * (1.0 - s);
    }
    case SIGMOID: return y * (1.0 - y);
    case TANH: return 1.0 - y * y;
    case SOFTPLUS: return 1.0 - exp(-y);
    }
    return 1.0;
}

#endif
