// Adagrad (Duchi, Hazan, Singer 2011) as Keras: epsilon is under the root. Slot: sum of squares.
#ifndef GS_ADAGRAD_GLSL
#define GS_ADAGRAD_GLSL
#include "update.glsl"

void update(uint quad) {
    uint slot = push.slots / 4u + quad;
    vec4 g = gradient(quad), sum = slot_at(slot);
    sum += g * g;
    slots[slot] = sum;
    parameters[push.parameters / 4u + quad] = decayed(quad) - state.cur.learning_rate * g / sqrt(sum + state.set.epsilon);
}

#endif
