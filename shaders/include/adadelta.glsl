// Adadelta (Zeiler 2012). Slots: means of the squared gradients, of the squared steps. rho is State's beta2.
#ifndef GS_ADADELTA_GLSL
#define GS_ADADELTA_GLSL
#include "update.glsl"

void update(uint quad) {
    uint slot = first_slot + 2u * quad;
    vec4 g = gradient(quad), squares = slot_at(slot), steps = slot_at(slot + 1u);
    squares = settings.beta2 * squares + settings.beta2_rest * g * g;
    vec4 step = sqrt((steps + settings.epsilon) / (squares + settings.epsilon)) * g;
    slots[slot] = squares;
    slots[slot + 1u] = settings.beta2 * steps + settings.beta2_rest * step * step;
    parameters[first_parameter + quad] = decayed(quad) - cur.learning_rate * step;
}

#endif
