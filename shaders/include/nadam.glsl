// Nadam (Dozat 2016) as Keras. Slots m, v. The momentum's schedule u_t is in the State.
#ifndef GS_NADAM_GLSL
#define GS_NADAM_GLSL
#include "update.glsl"

void update(uint quad) {
    float u = settings.beta1 * (1.0 - 0.5 * cur.nadam_decay);
    float next = settings.beta1 * (1.0 - 0.48 * cur.nadam_decay);
    float of_m = next / (1.0 - cur.nadam_product * next);
    float of_g = (1.0 - u) / (1.0 - cur.nadam_product);

    uint slot = first_slot + 2u * quad;
    vec4 g = gradient(quad), m = slot_at(slot), v = slot_at(slot + 1u);
    m += (g - m) * settings.beta1_rest;
    v += (g * g - v) * settings.beta2_rest;
    slots[slot] = m;
    slots[slot + 1u] = v;
    vec4 step = (of_m * m + of_g * g) / (sqrt(v / cur.beta2_gap) + settings.epsilon);
    parameters[first_parameter + quad] = decayed(quad) - cur.learning_rate * step;
}

#endif
