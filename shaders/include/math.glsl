// Functions that GLSL lacks, or whose precision it leaves open where training would feel it: Vulkan allows log an
// absolute error of 2^-21 near 1, and exp(x) - 1 cancels near 0. NaN goes in, NaN comes out: SwiftShader's exp makes
// it infinity.
#ifndef GS_MATH_GLSL
#define GS_MATH_GLSL

#define INF uintBitsToFloat(0x7F800000u)
#define NAN uintBitsToFloat(0x7FC00000u)

float exp_(float x) { return isnan(x) ? x : exp(x); }

// 2 atanh(s), |s| <= 1/3. The last coefficient stands for the rest of the series too.
float twice_atanh_(float s) {
    float q = s * s;
    float tail = 0.14285714 + q * (0.11111111 + q * (0.09090909 + q * 0.08333333));
    return 2.0 * s * (1.0 + q * (0.33333333 + q * (0.2 + q * tail)));
}

// log(1 + e), 0 <= e <= 1.
float log1p_(float e) { return twice_atanh_(e / (2.0 + e)); }

// log(x), relative error below 1e-6 near 1 too.
float log_(float x) {
    float near = twice_atanh_((x - 1.0) / (x + 1.0));
    return (x > 0.5 && x < 2.0) || isnan(x) ? near : log(x);
}

// exp(x) - 1, x <= 0.
float expm1_(float x) {
    float series = x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666667 + x * (0.0083333333 + x * 0.0013888889)))));
    return x > -0.25 ? series : exp_(x) - 1.0;
}

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
    float r = t * exp_(-z * z + p);
    return x >= 0.0 ? r : 2.0 - r;
}

float sigmoid_(float x) {
    float e = exp_(-abs(x));
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

float tanh_(float x) {
    // An odd series keeps the relative error small near 0.
    float s = x * x;
    float series = x * (1.0 + s * (-0.33333333 + s * (0.13333333 - s * 0.053968254)));
    float e = exp_(-2.0 * abs(x));
    float t = (1.0 - e) / (1.0 + e);
    return abs(x) < 0.15 ? series : x < 0.0 ? -t : t;
}

// log(1 + exp(x))
float softplus_(float x) { return (x < 0.0 ? 0.0 : x) + log1p_(exp_(-abs(x))); }

#endif
