// Adadelta (Zeiler 2012). Slots: means of the squared gradients, of the squared steps. rho is State's beta2.
#ifndef GS_ADADELTA_GLSL
#define GS_ADADELTA_GLSL
#include "update.glsl"

void update(uint quad) {
    uint slot = push.slots / 4u + 2u * quad;
    vec4 g = gradient(quad), squares = slot_at(slot), steps = slot_at(slot + 1u);
    squares = state.set.beta2 * squares + state.set.beta2_rest * g * g;
    vec4 step = sqrt((steps + state.set.epsilon) / (squares + state.set.epsilon)) * g;
    slots[slot] = squares;
    slots[slot + 1u] = state.set.beta2 * steps + state.set.beta2_rest * step * step;
    parameters[push.parameters / 4u + quad] = decayed(quad) - state.cur.learning_rate * step;
}

#endif
