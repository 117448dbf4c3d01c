// Lion (Chen et al. 2023). Slot m.
#ifndef GS_LION_GLSL
#define GS_LION_GLSL
#include "update.glsl"

void update(uint quad) {
    uint slot = push.slots / 4u + quad;
    vec4 g = gradient(quad), m = slot_at(slot);
    vec4 direction = sign(m * state.set.beta1 + g * state.set.beta1_rest);
    slots[slot] = m * state.set.beta2 + g * state.set.beta2_rest;
    parameters[push.parameters / 4u + quad] = decayed(quad) - state.cur.learning_rate * direction;
}

#endif
