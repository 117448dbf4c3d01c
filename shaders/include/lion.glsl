// Lion (Chen et al. 2023). Slot m.
#ifndef GS_LION_GLSL
#define GS_LION_GLSL
#include "update.glsl"

void update(uint quad) {
    uint slot = first_slot + quad;
    vec4 g = gradient(quad), m = slot_at(slot);
    vec4 direction = sign(m * settings.beta1 + g * settings.beta1_rest);
    slots[slot] = m * settings.beta2 + g * settings.beta2_rest;
    parameters[first_parameter + quad] = decayed(quad) - cur.learning_rate * direction;
}

#endif
