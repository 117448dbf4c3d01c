// What a training step does with the gradients, on the device against the interpreter: every optimizer, clipping,
// accumulation, averages and schedules, over parameters of awkward sizes; the State to the bit.
#include "harness.h"

#include "model/model.h"
#include "op/attr.h"
#include "plan/interpret.h"
#include "plan/tick.h"
#include "tensor/shape.h"
#include "update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 9, SAMPLES = 7, BATCH = 3 };

static const gs_shape shapes[] = {
    {1, {1}},  {2, {1, 1}},    {2, {3, 5}},   {2, {1, 37}},      {2, {41, 1}},
    {1, {17}}, {3, {3, 7, 5}}, {2, {67, 65}}, {4, {2, 3, 5, 9}},
};
enum { PARAMETERS = sizeof shapes / sizeof shapes[0] };

struct step {
    gs__error error;
    gs__graph graph;
    gs__plan *plan;
    gs__interpreter *it;
    gs__model_parameter parameters[PARAMETERS];
    gs__model_layer layer; // of all parameters
    gs_model model;
    gs__value gradients, weights, slots;
    uint64_t count, slot_floats;
    struct gs_state state;
};

// Enough of a model for gs__model_build_update.
static void make_model(struct step *s, const gs_optimizer *o) {
    uint64_t offset = 0;
    for (uint32_t i = 0; i < PARAMETERS; i++) {
        gs__model_parameter *p = &s->parameters[i];
        *p = (gs__model_parameter){.name = "w", .shape = shapes[i], .offset = offset};
        gs__shape_count(&p->shape, &p->count);
        offset += (p->count * sizeof(float) + GS__PARAMETER_ALIGN - 1) / GS__PARAMETER_ALIGN * GS__PARAMETER_ALIGN;
    }
    s->model = (gs_model){.layers = &s->layer,
                          .layer_count = 1,
                          .error = &s->error,
                          .parameters = s->parameters,
                          .parameter_count = PARAMETERS,
                          .parameter_bytes = offset,
                          .trainable_bytes = offset};
    s->model.compile.optimizer = *o;
    op_expect_ok(&s->error, gs__optimizer_check(&s->error, o), "optimizer");
    gs__optimizer_defaults(&s->model.compile.optimizer);
    s->count = offset / sizeof(float);
}

static void build(struct step *s) {
    const gs__gather_attr gather = {.batch = BATCH};
    const gs_shape samples = {2, {SAMPLES, 2}};
    gs__value value, rows[2];
    gs__graph_init(&s->graph, &s->error, true, BATCH);
    op_expect_ok(&s->error, gs__graph_value(&s->graph, &samples, GS_F32, GS__STORAGE_SAMPLES, NULL, &value), "x");
    op_expect_ok(&s->error, gs__graph_apply(&s->graph, "gather", NULL, &gather, &value, 1, rows), "gather");
    for (uint32_t i = 0; i < PARAMETERS; i++)
        op_expect_ok(&s->error, gs__graph_value(&s->graph, &shapes[i], GS_F32, GS__STORAGE_PARAMETER, "w", &value),
                     "w");
    op_expect_ok(&s->error, gs__model_build_update(&s->model, &s->graph, &(gs__tick){.row_stride = BATCH}), "update");
    s->graph.trainable_bytes = s->model.trainable_bytes;
    s->slot_floats = s->graph.storage_bytes[GS__STORAGE_SLOTS] / sizeof(float);
    gs__graph *g = &s->graph;
    op_expect_ok(&s->error, gs__graph_flat(g, GS__STORAGE_GRADIENT, 0, s->count, "g", &s->gradients), "g");
    op_expect_ok(&s->error, gs__graph_flat(g, GS__STORAGE_PARAMETER, 0, s->count, "w", &s->weights), "w");
    if (s->slot_floats)
        op_expect_ok(&s->error, gs__graph_flat(g, GS__STORAGE_SLOTS, 0, s->slot_floats, "s", &s->slots), "slots");
    s->state.set.data_count = SAMPLES;
    s->state.set.batch = BATCH;
    gs__model_settings(&s->model, &s->state);
    gs__state_start(&s->state);
}

// Padding stays 0, as in a model.
static void fill(const struct step *s, double *values, uint64_t *seed, double scale) {
    memset(values, 0, s->count * sizeof *values);
    for (uint32_t i = 0; i < PARAMETERS; i++)
        for (uint64_t j = 0; j < s->parameters[i].count; j++)
            values[s->parameters[i].offset / sizeof(float) + j] = (double)(float)op_random(seed, -scale, scale);
}

static void check(op_fixture *f, const gs_optimizer *o, int kernels) {
    struct step s = {0};
    uint64_t seed = 5;
    char what[128];
    make_model(&s, o);
    build(&s);
    op_expect_ok(&s.error,
                 gs__plan_create(&s.error, &(gs__plan_params){.gpu = f->gpu[kernels], .graph = &s.graph}, &s.plan),
                 "plan");
    op_expect_ok(&s.error, gs__interpreter_create(&s.graph, &s.it), "interpreter");
    double *values = calloc(s.count + s.slot_floats, sizeof *values);
    assert_non_null(values);
    fill(&s, values, &seed, 0.5);
    op_write(s.plan, &s.error, s.weights, values);
    memcpy(gs__interpreter_data(s.it, s.weights), values, s.count * sizeof *values);
    op_expect_ok(&s.error, gs__plan_set_state(s.plan, &s.state), "state");
    for (int i = 0; i < STEPS; i++) {
        fill(&s, values, &seed, i % 3 ? 0.02 : 2);
        op_write(s.plan, &s.error, s.gradients, values);
        memcpy(gs__interpreter_data(s.it, s.gradients), values, s.count * sizeof *values);
        struct gs_state stepped = s.state;
        op_expect_ok(&s.error, gs__interpreter_step(s.it, &stepped), "interpreter");
        gs__tick_next(&s.state);
        gs__run run = {.steps = 1};
        while (run.finished < 1) op_expect_ok(&s.error, gs__plan_advance(s.plan, &run), "step");
        op_read(s.plan, &s.error, s.weights, values);
        snprintf(what, sizeof what, "%s (%s kernels): weights after step %d", gs_optimizer_name(o->kind),
                 kernels == GS__KERNELS_GPU ? "GPU" : "CPU", i + 1);
        op_compare(what, values, gs__interpreter_data(s.it, s.weights), s.count, 1e-5, 2e-6);
        if (!s.slot_floats) continue;
        op_read(s.plan, &s.error, s.slots, values);
        snprintf(what, sizeof what, "%s: slots after step %d", gs_optimizer_name(o->kind), i + 1);
        op_compare(what, values, gs__interpreter_data(s.it, s.slots), s.slot_floats, 1e-5, 2e-6);
    }
    struct gs_state state;
    op_expect_ok(&s.error, gs__plan_get_state(s.plan, &state), "state");
    assert_memory_equal(&state, &s.state, sizeof state);
    free(values);
    gs__interpreter_destroy(s.it);
    gs__plan_destroy(s.plan);
    gs__graph_deinit(&s.graph);
}

static void check_all(void **state, const gs_optimizer *cases, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (int kernels = 0; kernels < 2; kernels++) check(*state, &cases[i], kernels);
}
#define CHECK_ALL(state, cases) check_all(state, cases, sizeof(cases) / sizeof(cases)[0])

static void optimizers(void **state) {
    const gs_optimizer cases[] = {
        gs_adagrad(.learning_rate = 0.05f, .epsilon = 1e-3f),
        gs_adadelta(.learning_rate = 0.5f, .epsilon = 1e-3f, .weight_decay = 0.1f),
        gs_adamax(.learning_rate = 0.02f, .epsilon = 1e-3f, .weight_decay = 0.1f),
        gs_nadam(.learning_rate = 0.02f, .epsilon = 1e-2f, .beta2 = 0.9f),
        gs_lion(.learning_rate = 0.01f, .weight_decay = 0.1f, .beta1 = 0.5f),
        gs_adafactor(.learning_rate = 0.05f, .epsilon = 1e-4f, .weight_decay = 0.1f),
        gs_adafactor(.learning_rate = 0.6f, .epsilon2 = 0.05f, .clip_threshold = 0.5f, .beta2_decay = -0.5f),
    };
    CHECK_ALL(state, cases);
}

static void clipping(void **state) {
    const gs_optimizer cases[] = {
        gs_sgd(.learning_rate = 0.1f, .clipnorm = 0.5f),
        gs_sgd(.learning_rate = 0.1f, .global_clipnorm = 2.5f), // only each third step is above it
        gs_sgd(.learning_rate = 0.1f, .global_clipnorm = 1e6f),
        gs_sgd(.learning_rate = 0.1f, .clipvalue = 0.3f),
        gs_sgd(.learning_rate = 0.1f, .momentum = 0.5f, .clipvalue = 1e-3f),
    };
    CHECK_ALL(state, cases);
}

// 9 steps: with 4, and with 2, one is left over.
static void accumulation(void **state) {
    const gs_optimizer cases[] = {
        gs_sgd(.learning_rate = 0.1f, .accumulate = 4),
        gs_sgd(.learning_rate = 0.1f, .momentum = 0.9f, .accumulate = 3),
        gs_adam(.learning_rate = 0.02f, .epsilon = 1e-2f, .accumulate = 2, .clipnorm = 0.5f),
        gs_rmsprop(.learning_rate = 0.02f, .epsilon = 1e-2f, .accumulate = 4, .momentum = 0.5f),
        gs_nadam(.learning_rate = 0.02f, .epsilon = 1e-2f, .accumulate = 2),
        gs_lion(.learning_rate = 0.01f, .accumulate = 5),
        gs_adafactor(.learning_rate = 0.05f, .epsilon = 1e-4f, .accumulate = 2, .global_clipnorm = 3),
    };
    CHECK_ALL(state, cases);
}

static void averages(void **state) {
    const gs_optimizer cases[] = {
        gs_sgd(.learning_rate = 0.1f, .use_ema = true, .ema_momentum = 0.5f),
        gs_adam(.learning_rate = 0.02f, .epsilon = 1e-2f, .use_ema = true, .ema_overwrite = 3),
        gs_adafactor(.learning_rate = 0.05f, .epsilon = 1e-4f, .use_ema = true, .accumulate = 2),
        gs_sgd(.learning_rate = 0.1f, .use_ema = true, .accumulate = 3, .ema_overwrite = 2, .ema_momentum = -1),
    };
    CHECK_ALL(state, cases);
}

// The State is compared to the bit, the learning rate with it.
static void schedules(void **state) {
    static const char *const forms[] = {
        "constant:warmup_steps=4",
        "exponential:decay_steps=3:decay_rate=0.7",
        "step:decay_steps=2:decay_rate=0.3:warmup_steps=1:warmup_from=0.01",
        "inverse_time:decay_steps=3:decay_rate=0.7",
        "polynomial:decay_steps=7:power=2.5",
        "polynomial:decay_steps=3:power=0.7:cycle",
        "piecewise:boundaries=1/4/5:values=0.1/0.2/0.3/0.4",
        "cosine:decay_steps=7:alpha=0.1:warmup_steps=3",
        "cosine_restarts:decay_steps=2:t_mul=1.5:m_mul=0.7",
        "cosine_restarts:decay_steps=3:t_mul=1:m_mul=0.7",
        "one_cycle:decay_steps=9",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        gs_optimizer o = gs_sgd(.learning_rate = 0.15f);
        char message[400] = "";
        if (gs_schedule_parse(forms[i], &o.schedule, message, sizeof message) != GS_OK)
            fail_msg("%s: %s", forms[i], message);
        for (int kernels = 0; kernels < 2; kernels++) check(*state, &o, kernels);
    }
}

// As many dispatches as before these features were there: a plain update is one, and the gather.
static void plain_updates_are_one_dispatch(void **state) {
    op_fixture *f = *state;
    const gs_optimizer plain[] = {gs_adam(), gs_sgd(.schedule = {.kind = GS_SCHEDULE_COSINE, .decay_steps = 5})};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        struct step s = {0};
        make_model(&s, &plain[i]);
        build(&s);
        op_expect_ok(&s.error,
                     gs__plan_create(&s.error, &(gs__plan_params){.gpu = f->gpu[1], .graph = &s.graph}, &s.plan),
                     "plan");
        assert_int_equal(gs__plan_dispatch_count(s.plan), 2);
        gs__plan_destroy(s.plan);
        gs__graph_deinit(&s.graph);
    }
}

static void parts(void **state) {
    gs__tick_attr attr = {.tick = {0}};
    const struct gs_settings set = {.learning_rate = 0.05f,
                                    .beta1 = 0.9f,
                                    .beta1_rest = 0.1f,
                                    .beta2 = 0.99f,
                                    .beta2_rest = 0.01f,
                                    .epsilon = 1e-2f};
    update_check_parts(*state, &(update_case){.op = "adamax", .attr = &attr, .slot_count = 2, .set = set});
    update_check(*state, &(update_case){.op = "nadam", .attr = &attr, .slot_count = 2, .set = set});
    update_check(*state, &(update_case){.op = "adagrad", .attr = &attr, .slot_count = 1, .set = set});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimizers), cmocka_unit_test(clipping),  cmocka_unit_test(accumulation),
        cmocka_unit_test(averages),   cmocka_unit_test(schedules), cmocka_unit_test(plain_updates_are_one_dispatch),
        cmocka_unit_test(parts),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
