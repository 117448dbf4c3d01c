// RMSprop as Keras: epsilon is under the root. Slot v, and the velocity when there is momentum. rho is State's beta2.
#ifndef GS_RMSPROP_GLSL
#define GS_RMSPROP_GLSL
#include "update.glsl"

layout(constant_id = 3) const uint MOMENTUM = 0; // 1: w -= velocity

void update(uint quad) {
    uint slot = push.slots / 4u + (MOMENTUM != 0u ? 2u : 1u) * quad;
    vec4 g = gradient(quad), v = slot_at(slot);
    v = state.set.beta2 * v + state.set.beta2_rest * g * g;
    slots[slot] = v;
    vec4 step = state.cur.learning_rate * g / sqrt(v + state.set.epsilon);
    if (MOMENTUM != 0u) {
        step += state.set.momentum * slot_at(slot + 1u);
        slots[slot + 1u] = step;
    }
    parameters[push.parameters / 4u + quad] = decayed(quad) - step;
}

#endif
