// Adam (Kingma and Ba 2015) and AdamW. Slots m, v. Formulas: include/gradsmith/optimizer.h.
#ifndef GS_ADAM_GLSL
#define GS_ADAM_GLSL
#include "update.glsl"

layout(constant_id = 3) const uint PAPER_EPSILON = 0; // 1: epsilon is added to sqrt(v / (1 - beta2^t))

void update(uint quad) {
    float root = sqrt(state.cur.beta2_gap);
    float rate = state.cur.learning_rate * root / state.cur.beta1_gap;
    float epsilon = state.set.epsilon * (PAPER_EPSILON != 0u ? root : 1.0);

    uint slot = push.slots / 4u + 2u * quad;
    vec4 g = gradient(quad), m = slot_at(slot), v = slot_at(slot + 1u);
    m += (g - m) * state.set.beta1_rest;
    v += (g * g - v) * state.set.beta2_rest;
    slots[slot] = m;
    slots[slot + 1u] = v;
    parameters[push.parameters / 4u + quad] = decayed(quad) - m * rate / (sqrt(v) + epsilon);
}

#endif
