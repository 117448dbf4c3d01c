// Nadam (Dozat 2016) as Keras. Slots m, v. The momentum's schedule u_t is in the State.
#ifndef GS_NADAM_GLSL
#define GS_NADAM_GLSL
#include "update.glsl"

void update(uint quad) {
    float u = state.set.beta1 * (1.0 - 0.5 * state.cur.nadam_decay);
    float next = state.set.beta1 * (1.0 - 0.48 * state.cur.nadam_decay);
    float of_m = next / (1.0 - state.cur.nadam_product * next);
    float of_g = (1.0 - u) / (1.0 - state.cur.nadam_product);

    uint slot = push.slots / 4u + 2u * quad;
    vec4 g = gradient(quad), m = slot_at(slot), v = slot_at(slot + 1u);
    m += (g - m) * state.set.beta1_rest;
    v += (g * g - v) * state.set.beta2_rest;
    slots[slot] = m;
    slots[slot + 1u] = v;
    vec4 step = (of_m * m + of_g * g) / (sqrt(v / state.cur.beta2_gap) + state.set.epsilon);
    parameters[push.parameters / 4u + quad] = decayed(quad) - state.cur.learning_rate * step;
}

#endif
