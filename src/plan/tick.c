// Twin of tick_next in shaders/include/tick.glsl: equal to the bit, so single operations, nothing contracted.
#include "plan/tick.h"

#include "plan/shuffle.h"
#include "schedule.h"
#include "state.h"

static uint32_t rows_at(const struct gs_state *state, uint32_t begin) {
    const uint32_t left = state->set.data_count - begin;
    return left < state->set.batch ? left : state->set.batch;
}

void gs__state_start(struct gs_state *state) {
    state->next = (struct gs_position){
        .rows = rows_at(state, 0),
        .token = gs__mix32(state->set.seed_lo ^ gs__mix32(state->set.seed_hi)),
        .learning_rate = gs_schedule_rate(state, 0, 0),
        .beta1_gap = state->set.beta1_rest,
        .beta2_gap = state->set.beta2_rest,
        .nadam_decay = 0.96f,
        .nadam_product = state->set.beta1 * 0.52f,
        .loss_scale_log2 = state->set.loss_scale_log2,
    };
    state->cur = state->next;
}

// The step was an update.
static void updated(const struct gs_state *state, struct gs_position *p) {
    // 1 - beta (1 - gap), such that a rounded beta does no harm.
    p->beta1_gap = p->beta1_gap + state->set.beta1_rest * (1.0f - p->beta1_gap);
    p->beta2_gap = p->beta2_gap + state->set.beta2_rest * (1.0f - p->beta2_gap);
    p->updates++;
    p->nadam_decay = p->nadam_decay * 0.96f;
    float factor = 0.5f * p->nadam_decay;
    factor = 1.0f - factor;
    factor = factor * state->set.beta1;
    p->nadam_product = factor * p->nadam_product;
}

// As Keras's LossScaleOptimizer.
static void next_loss_scale(const struct gs_settings *set, struct gs_position *p) {
    if (set->loss_scale_growth) {
        p->good_steps = p->skip ? 0 : p->good_steps + 1;
        if (p->skip) p->loss_scale_log2 -= p->loss_scale_log2 > -GS_LOSS_SCALE_LIMIT;
        else if (p->good_steps >= set->loss_scale_growth) {
            p->loss_scale_log2 += p->loss_scale_log2 < GS_LOSS_SCALE_LIMIT;
            p->good_steps = 0;
        }
    }
    p->skip = 0;
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
    p.learning_rate = gs_schedule_rate(state, p.step_lo, p.step_hi);
    const uint32_t steps = state->set.accumulate ? state->set.accumulate : 1;
    if (steps == 1 ? !p.skip : p.step_lo % steps == 0) updated(state, &p);
    next_loss_scale(&state->set, &p);
    state->next = p;
}
