// RMSprop as Keras: epsilon is under the root. Slot v, and the velocity when there is momentum. rho is State's beta2.
#ifndef GS_RMSPROP_GLSL
#define GS_RMSPROP_GLSL
#include "update.glsl"

layout(constant_id = 3) const uint MOMENTUM = 0; // 1: w -= velocity

void update(uint quad) {
    uint slot = first_slot + (MOMENTUM != 0u ? 2u : 1u) * quad;
    vec4 g = gradient(quad), v = slot_at(slot);
    v = settings.beta2 * v + settings.beta2_rest * g * g;
    slots[slot] = v;
    vec4 step = cur.learning_rate * g / sqrt(v + settings.epsilon);
    if (MOMENTUM != 0u) {
        step += settings.momentum * slot_at(slot + 1u);
        slots[slot + 1u] = step;
    }
    parameters[first_parameter + quad] = decayed(quad) - step;
}

#endif
