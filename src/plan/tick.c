// Twin of tick_next in shaders/include/tick.glsl: equal to the bit, so single operations, nothing contracted.
#include "plan/tick.h"

#include "plan/shuffle.h"
#include "state.h"

static uint32_t rows_at(const struct gs_state *state, uint32_t begin) {
    const uint32_t left = state->set.data_count - begin;
    return left < state->set.batch ? left : state->set.batch;
}

void gs__state_start(struct gs_state *state) {
    state->next = (struct gs_position){
        .rows = rows_at(state, 0),
        .token = gs__mix32(state->set.seed_lo ^ gs__mix32(state->set.seed_hi)),
        .learning_rate = state->set.learning_rate,
        .beta1_gap = state->set.beta1_rest,
        .beta2_gap = state->set.beta2_rest,
    };
    state->cur = state->next;
}

void gs__tick_next(struct gs_state *state) {
    struct gs_position p = state->cur = state->next;
    p.token = gs__mix32(p.token ^ gs__mix32(p.step_lo + 0x9E3779B9u));
    p.step_lo++;
    if (!p.step_lo) p.step_hi++;
    p.begin += p.rows;
    if (p.begin >= state->set.data_count) {
        p.begin = 0;
        p.epoch++;
    }
    p.rows = rows_at(state, p.begin);
    p.learning_rate = state->set.learning_rate;
    // 1 - beta (1 - gap), such that a rounded beta does no harm.
    p.beta1_gap = p.beta1_gap + state->set.beta1_rest * (1.0f - p.beta1_gap);
    p.beta2_gap = p.beta2_gap + state->set.beta2_rest * (1.0f - p.beta2_gap);
    state->next = p;
}
