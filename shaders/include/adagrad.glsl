// Adagrad (Duchi, Hazan, Singer 2011) as Keras: epsilon is under the root. Slot: sum of squares.
#ifndef GS_ADAGRAD_GLSL
#define GS_ADAGRAD_GLSL
#include "update.glsl"

void update(uint quad) {
    uint slot = first_slot + quad;
    vec4 g = gradient(quad), sum = slot_at(slot);
    sum += g * g;
    slots[slot] = sum;
    parameters[first_parameter + quad] = decayed(quad) - cur.learning_rate * g / sqrt(sum + settings.epsilon);
}

#endif
