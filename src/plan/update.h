// What the optimizers share: shaders/include/update.glsl and one dispatch over all parameters at once.
#ifndef GS_PLAN_UPDATE_H
#define GS_PLAN_UPDATE_H

#include "plan/record.h"
#include "plan/tick.h"

struct gs_state;

// Constant ids that update.glsl takes; an optimizer's own begin behind.
enum { GS__UPDATE_SPEC = 3 };

// Checks x = { parameters, gradients, slots } and shapes y = { parameters, slots }; see gs__graph_update.
gs_status gs__update_shape(gs__error *error, const char *op, uint32_t slot_count, const gs__value_info *const *x,
                           gs__value_info *y);

// The kernels of an optimizer, for both classes; their interfaces are equal.
typedef struct gs__update_kernels {
    const gs__shader *gpu, *cpu; // shaders NAME and NAME_cpu
    uint32_t spec_count;
} gs__update_kernels;

// Records the update. Constants GS__UPDATE_SPEC .. spec_count - 1 are given by `spec`. The last dispatch (there are
// several where the parameters exceed what a binding may hold) ends the step.
gs_status gs__update_record(gs__recorder *recorder, const gs__node *node, const gs__update_kernels *kernels,
                            const gs__tick *tick, const uint32_t *spec);

// Reference: where slot `slot` of parameter `element` lies.
static inline uint64_t gs__update_slot(uint64_t element, uint32_t slot, uint32_t slot_count) {
    return 4 * (element / 4 * slot_count + slot) + element % 4;
}

// Reference: the parameter after decoupled weight decay.
double gs__update_decayed(const struct gs_state *state, double w);

// Reference: whether the step that State.cur stands at ends an accumulation.
bool gs__update_is_due(const struct gs_state *state);
// Reference: an optimizer over all parameters, element by element. `rule` changes the slots of an element in place, and
// returns its new parameter, of which `w` is decayed already. Nothing changes at a step that only accumulates.
typedef double gs__update_rule(const gs__reference *r, double w, double gradient, double *slots);
void gs__update_reference(const gs__reference *r, const gs__tick *tick, uint32_t slot_count, gs__update_rule *rule);

// Records a kernel of flat.glsl over two flat arrays. Their first dispatch elements are those of x[0] and x[1], as long
// as the shorter one.
gs_status gs__flat_record(gs__recorder *recorder, const gs__node *node, const gs__shader *shader, uint32_t spec_count);

// Where sums of squares are put: op square_sum makes so many, of each GS__SQUARE_SUM_ELEMENTS elements.
enum { GS__SQUARE_SUM_PARTS = 256, GS__SQUARE_SUM_ELEMENTS = 1 << 24 };
// Reference of Adam: the new value of a parameter w, which is decayed already; its slots m and v change in place.
double gs__adam_reference(const struct gs_state *state, bool paper_epsilon, double w, double g, double *slots);

#endif
