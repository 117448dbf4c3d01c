// Adamax (Kingma and Ba 2015, algorithm 2) as Keras: epsilon is added to u. Slots m, u.
#ifndef GS_ADAMAX_GLSL
#define GS_ADAMAX_GLSL
#include "update.glsl"

void update(uint quad) {
    uint slot = first_slot + 2u * quad;
    vec4 g = gradient(quad), m = slot_at(slot), u = slot_at(slot + 1u);
    m += (g - m) * settings.beta1_rest;
    u = max(settings.beta2 * u, abs(g));
    slots[slot] = m;
    slots[slot + 1u] = u;
    float rate = cur.learning_rate / cur.beta1_gap;
    parameters[first_parameter + quad] = decayed(quad) - rate * m / (u + settings.epsilon);
}

#endif
