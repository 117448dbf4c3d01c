#include "update.h"

#include "op/attr.h"
#include "plan/tick.h"
#include "tensor/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 7, SAMPLES = 7, BATCH = 3 };

struct update {
    const update_case *c;
    gs__error error;
    gs__graph graph;
    gs__plan *plan;
    const gs__node *node;
    struct gs_state state;
    double *parameters, *gradients, *slots, *new_parameters, *new_slots, *found; // references' and device's
    uint64_t count, slots_count;
    uint64_t seed;
    char title[128];
};

// Two parameters, the second behind padding; a gather that makes State.next current, as in every training step.
static void build(struct update *u, int64_t size) {
    const gs__gather_attr gather = {.batch = BATCH};
    const gs_shape shapes[] = {{1, {size}}, {2, {5, 3}}}, samples = {2, {SAMPLES, 2}};
    gs__value value, rows[2];
    gs__graph_init(&u->graph, &u->error, true, BATCH);
    op_expect_ok(&u->error, gs__graph_value(&u->graph, &samples, GS_F32, GS__STORAGE_SAMPLES, NULL, &value), u->title);
    op_expect_ok(&u->error, gs__graph_apply(&u->graph, "gather", NULL, &gather, &value, 1, rows), u->title);
    for (int i = 0; i < 2; i++)
        op_expect_ok(&u->error, gs__graph_value(&u->graph, &shapes[i], GS_F32, GS__STORAGE_PARAMETER, "w", &value),
                     u->title);
    *(gs__tick *)u->c->attr = (gs__tick){.row_stride = BATCH};
    op_expect_ok(&u->error, gs__graph_update(&u->graph, u->c->op, u->c->attr, u->c->slot_count), u->title);
    u->node = &u->graph.nodes[u->graph.node_count - 1];
    u->count = (uint64_t)u->graph.values[u->node->x[0]].shape.dim[0];
    u->slots_count = u->count * u->c->slot_count;
    u->state.set = u->c->set;
    u->state.set.data_count = SAMPLES;
    u->state.set.batch = BATCH;
    gs__state_start(&u->state);
}

static double *make_values(struct update *u, uint64_t count, double low, double high) {
    double *values = malloc((count + 1) * sizeof *values);
    assert_non_null(values);
    for (uint64_t i = 0; i < count; i++) values[i] = (double)(float)op_random(&u->seed, low, high);
    return values;
}

static void reference_step(struct update *u) {
    const gs__reference r = {
        .node = u->node,
        .x = {u->parameters, u->gradients, u->slots_count ? u->slots : NULL},
        .y = {u->new_parameters, u->slots_count ? u->new_slots : NULL},
        .x_shape = {{1, {(int64_t)u->count}}, {1, {(int64_t)u->count}}, {1, {(int64_t)u->slots_count}}},
        .y_shape = {{1, {(int64_t)u->count}}, {1, {(int64_t)u->slots_count}}},
        .state = &u->state,
    };
    u->node->op->ref_forward(&r);
    memcpy(u->parameters, u->new_parameters, u->count * sizeof(double));
    memcpy(u->slots, u->new_slots, u->slots_count * sizeof(double));
}

static void step(struct update *u, int number) {
    char what[192];
    if (!u->c->constant_gradient || !number)
        for (uint64_t i = 0; i < u->count; i++) u->gradients[i] = (double)(float)op_random(&u->seed, -2, 2);
    op_write(u->plan, &u->error, u->node->x[1], u->gradients);
    gs__tick_next(&u->state); // cur is now what the step sees
    reference_step(u);
    gs__run run = {.steps = 1};
    while (run.finished < 1) op_expect_ok(&u->error, gs__plan_advance(u->plan, &run), u->title);
    assert_int_equal(run.entry_count, 1);
    assert_true(run.entries[7] == (float)u->state.cur.rows);

    op_read(u->plan, &u->error, u->node->x[0], u->found);
    snprintf(what, sizeof what, "%s: parameters after step %d", u->title, number + 1);
    op_compare(what, u->found, u->parameters, u->count, 1e-5, 1e-6);
    if (!u->slots_count) return;
    op_read(u->plan, &u->error, u->node->x[2], u->found);
    snprintf(what, sizeof what, "%s: slots after step %d", u->title, number + 1);
    op_compare(what, u->found, u->slots, u->slots_count, 1e-5, 1e-6);
}

static void check_size(const op_fixture *f, const update_case *c, int64_t size, int kernels, bool parts) {
    struct update u = {.c = c, .seed = 3};
    snprintf(u.title, sizeof u.title, "%s of %lld (%s kernels)", c->op, (long long)size,
             kernels == GS__KERNELS_GPU ? "GPU" : "CPU");
    build(&u, size);
    op_expect_ok(&u.error,
                 gs__plan_create(&u.error, &(gs__plan_params){.gpu = f->gpu[kernels], .graph = &u.graph}, &u.plan),
                 u.title);
    u.parameters = make_values(&u, u.count, -1, 1);
    u.gradients = make_values(&u, u.count, -1, 1);
    u.slots = make_values(&u, u.slots_count, 0, 0);
    u.new_parameters = make_values(&u, u.count, 0, 0);
    u.new_slots = make_values(&u, u.slots_count, 0, 0);
    u.found = make_values(&u, u.count + u.slots_count, 0, 0);
    op_write(u.plan, &u.error, u.node->x[0], u.parameters);
    op_expect_ok(&u.error, gs__plan_set_state(u.plan, &u.state), u.title);
    for (int i = 0; i < STEPS; i++) step(&u, i);
    if (parts) assert_in_range(gs__plan_dispatch_count(u.plan), 3, 100);
    else assert_int_equal(gs__plan_dispatch_count(u.plan), 2); // and the gather

    struct gs_state state;
    op_expect_ok(&u.error, gs__plan_get_state(u.plan, &state), u.title);
    assert_memory_equal(&state.cur, &u.state.cur, sizeof state.cur);
    assert_memory_equal(&state.next, &u.state.next, sizeof state.next);
    assert_int_equal(state.next.step_lo, STEPS);

    double *owned[] = {u.parameters, u.gradients, u.slots, u.new_parameters, u.new_slots, u.found};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    gs__plan_destroy(u.plan);
    gs__graph_deinit(&u.graph);
}

void update_check(void *fixture, const update_case *c) {
    // Around a quad, the padding, a CPU workgroup (256 elements) and a GPU workgroup (512).
    static const int64_t sizes[] = {1, 3, 16, 17, 239, 255, 509, 512, 4099};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int kernels = 0; kernels < 2; kernels++) check_size(fixture, c, sizes[i], kernels, false);
}

void update_check_parts(void *fixture, const update_case *c) {
    op_fixture *f = fixture;
    for (int kernels = 0; kernels < 2; kernels++) {
        gs__gpu_caps *caps = (gs__gpu_caps *)(uintptr_t)gs__gpu_get_caps(f->gpu[kernels]), saved = *caps;
        caps->max_storage_range = 160 * 1024;
        check_size(f, c, 50021, kernels, true);
        caps->max_storage_range = saved.max_storage_range;
        caps->max_texel_elements = 1024;
        check_size(f, c, 4099, kernels, kernels == GS__KERNELS_CPU);
        *caps = saved;
    }
}
