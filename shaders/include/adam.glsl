// Op adam: slots m, v.
#ifndef GS_ADAM_GLSL
#define GS_ADAM_GLSL
#include "update.glsl"
#include "adam_rule.glsl"

void update(uint quad) {
    uint slot = first_slot + 2u * quad;
    vec4 m = slot_at(slot), v = slot_at(slot + 1u);
    vec4 w = adam(adam_rule_of(cur, settings), decayed(quad), gradient(quad), m, v);
    slots[slot] = m;
    slots[slot + 1u] = v;
    parameters[first_parameter + quad] = w;
}

#endif
