// Adamax (Kingma and Ba 2015, algorithm 2) as Keras: epsilon is added to u. Slots m, u.
#ifndef GS_ADAMAX_GLSL
#define GS_ADAMAX_GLSL
#include "update.glsl"

void update(uint quad) {
    uint slot = push.slots / 4u + 2u * quad;
    vec4 g = gradient(quad), m = slot_at(slot), u = slot_at(slot + 1u);
    m += (g - m) * state.set.beta1_rest;
    u = max(state.set.beta2 * u, abs(g));
    slots[slot] = m;
    slots[slot + 1u] = u;
    float rate = state.cur.learning_rate / state.cur.beta1_gap;
    parameters[push.parameters / 4u + quad] = decayed(quad) - rate * m / (u + state.set.epsilon);
}

#endif
