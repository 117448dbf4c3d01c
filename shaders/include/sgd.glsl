// Stochastic gradient descent, with momentum, as Keras: v = momentum v - rate g; w += v.
#ifndef GS_SGD_GLSL
#define GS_SGD_GLSL
#include "update.glsl"

layout(constant_id = 3) const uint MOMENTUM = 0; // 1: slot v
layout(constant_id = 4) const uint NESTEROV = 0; // 1: w += momentum v - rate g, with the new v

void update(uint quad) {
    vec4 step = -cur.learning_rate * gradient(quad);
    if (MOMENTUM != 0u) {
        uint slot = first_slot + quad;
        vec4 v = settings.momentum * slot_at(slot) + step;
        slots[slot] = v;
        step = NESTEROV != 0u ? settings.momentum * v + step : v;
    }
    parameters[first_parameter + quad] = decayed(quad) + step;
}

#endif
