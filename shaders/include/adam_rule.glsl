// Adam (Kingma and Ba 2015). Formulas: include/gradsmith/optimizer.h.
#ifndef GS_ADAM_RULE_GLSL
#define GS_ADAM_RULE_GLSL
#include "state.glsl"

layout(constant_id = 3) const uint PAPER_EPSILON = 0; // 1: epsilon is added to sqrt(v / (1 - beta2^t))

struct adam_rule {
    float rate, epsilon, rest1, rest2;
};

adam_rule adam_rule_of(gs_position cur, gs_settings settings) {
    float root = sqrt(cur.beta2_gap);
    return adam_rule(cur.learning_rate * root / cur.beta1_gap, settings.epsilon * (PAPER_EPSILON != 0u ? root : 1.0),
                     settings.beta1_rest, settings.beta2_rest);
}

// The new values of four parameters w, which are decayed already; their slots m and v change in place.
vec4 adam(adam_rule rule, vec4 w, vec4 g, inout vec4 m, inout vec4 v) {
    m += (g - m) * rule.rest1;
    v += (g * g - v) * rule.rest2;
    return w - m * rule.rate / (sqrt(v) + rule.epsilon);
}

#endif
