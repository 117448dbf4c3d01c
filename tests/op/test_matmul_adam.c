// matmul_adam, which only CPU drivers run: the same bits as matmul_gradients and adam, and what its reference says.
#include "harness.h"

#include "model/fuse.h"
#include "op/attr.h"
#include "plan/interpret.h"
#include "plan/tick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3, SAMPLES = 70, MAX_LAYERS = 5 };

struct net {
    int64_t widths[MAX_LAYERS + 2]; // of the input and of each layer; 0 behind the last
    uint32_t batch, no_bias;
    bool paper_epsilon;
    float weight_decay;
};

struct training {
    gs__error error;
    gs__graph graph;
    gs__value samples, targets, parameters, slots;
    struct gs_state state;
};

#define OK(call) op_expect_ok(&t->error, call, #call)

static void build(struct training *t, const struct net *net) {
    const gs__gather_attr gather = {.batch = net->batch};
    const gs__adam_attr adam = {.tick = {.row_stride = net->batch, .count = {1}}, .paper_epsilon = net->paper_epsilon};
    gs__value y[GS__MAX_OUTPUTS], x, rows;
    uint32_t layers = 0;
    while (net->widths[layers + 1]) layers++;
    *t = (struct training){0};
    gs__graph_init(&t->graph, &t->error, true, net->batch);
    const gs_shape in = {2, {SAMPLES, net->widths[0]}}, out = {2, {SAMPLES, net->widths[layers]}};
    OK(gs__graph_value(&t->graph, &in, GS_F32, GS__STORAGE_SAMPLES, NULL, &t->samples));
    OK(gs__graph_value(&t->graph, &out, GS_F32, GS__STORAGE_TARGETS, NULL, &t->targets));
    OK(gs__graph_apply(&t->graph, "gather", NULL, &gather, (gs__value[]){t->samples, t->targets}, 2, y));
    x = y[0];
    rows = y[1];
    for (uint32_t i = 0; i < layers; i++) {
        const gs_shape kernel = {2, {net->widths[i], net->widths[i + 1]}}, bias = {1, {net->widths[i + 1]}};
        gs__value inputs[3] = {x};
        OK(gs__graph_value(&t->graph, &kernel, GS_F32, GS__STORAGE_PARAMETER, "kernel", &inputs[1]));
        const bool has_bias = !(net->no_bias >> i & 1u);
        if (has_bias) OK(gs__graph_value(&t->graph, &bias, GS_F32, GS__STORAGE_PARAMETER, "bias", &inputs[2]));
        OK(gs__graph_apply(&t->graph, "matmul", "dense", NULL, inputs, has_bias ? 3 : 2, y));
        x = y[0];
    }
    OK(gs__graph_apply(&t->graph, "pointwise_loss", "loss", &(gs__pointwise_loss_attr){.kind = GS_LOSS_MSE},
                       (gs__value[]){x, rows}, 2, y));
    OK(gs__graph_backward(&t->graph));
    OK(gs__graph_group_gradients(&t->graph));
    OK(gs__graph_update(&t->graph, "adam", &adam, 2));
    const gs__node *update = &t->graph.nodes[t->graph.node_count - 1];
    t->parameters = update->x[0];
    t->slots = update->x[2];
    OK(gs__graph_prune(&t->graph));
    t->state.set = (struct gs_settings){.data_count = SAMPLES,
                                        .batch = net->batch,
                                        .shuffle = 1,
                                        .learning_rate = 0.01f,
                                        .beta1 = 0.9f,
                                        .beta1_rest = 0.1f,
                                        .beta2 = 0.99f,
                                        .beta2_rest = 0.01f,
                                        .epsilon = 1e-3f,
                                        .weight_decay = net->weight_decay};
    gs__state_start(&t->state);
}

static uint64_t count_of(const struct training *t, gs__value value) {
    const gs_shape *shape = &t->graph.values[value].shape;
    return (uint64_t)shape->dim[0] * (uint64_t)(shape->rank > 1 ? shape->dim[1] : 1);
}

static double *values(uint64_t count, uint64_t seed) {
    double *v = malloc(count * sizeof *v);
    assert_non_null(v);
    for (uint64_t i = 0; i < count; i++) v[i] = (double)(float)op_random(&seed, -0.5, 0.5);
    return v;
}

// Padding between the parameters is zero, as in every model.
static double *first_parameters(const struct training *t) {
    double *all = calloc(count_of(t, t->parameters), sizeof *all);
    assert_non_null(all);
    for (gs__value v = 1; v < t->graph.value_count; v++) {
        if (t->graph.values[v].storage != GS__STORAGE_PARAMETER || !t->graph.values[v].name || v == t->parameters ||
            t->graph.values[v].alias)
            continue;
        double *some = values(count_of(t, v), v);
        memcpy(all + t->graph.values[v].offset / sizeof(float), some, count_of(t, v) * sizeof *some);
        free(some);
    }
    return all;
}

static uint32_t count_ops(const gs__graph *graph, const char *op) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) count += strcmp(graph->nodes[i].op->name, op) == 0;
    return count;
}

// Trains on the device; parameters, then slots, of the caller.
static double *train(struct training *t, gs__gpu *gpu) {
    gs__plan *plan;
    double *x = values(count_of(t, t->samples), 1), *y = values(count_of(t, t->targets), 2), *w = first_parameters(t);
    const uint64_t count = count_of(t, t->parameters);
    OK(gs__plan_create(&t->error, &(gs__plan_params){.gpu = gpu, .graph = &t->graph}, &plan));
    OK(gs__plan_set_state(plan, &t->state));
    op_write(plan, &t->error, t->samples, x);
    op_write(plan, &t->error, t->targets, y);
    op_write(plan, &t->error, t->parameters, w);
    gs__run run = {.steps = STEPS};
    while (run.finished < STEPS) OK(gs__plan_advance(plan, &run));
    struct gs_state state;
    OK(gs__plan_get_state(plan, &state));
    assert_int_equal(state.next.step_lo, STEPS);
    double *found = malloc(3 * count * sizeof *found);
    assert_non_null(found);
    op_read(plan, &t->error, t->parameters, found);
    op_read(plan, &t->error, t->slots, found + count);
    gs__plan_destroy(plan);
    free(x);
    free(y);
    free(w);
    return found;
}

static void check_interpreted(struct training *t, const char *title, const double *found) {
    gs__interpreter *it;
    OK(gs__interpreter_create(&t->graph, &it));
    const uint64_t count = count_of(t, t->parameters);
    double *x = values(count_of(t, t->samples), 1), *y = values(count_of(t, t->targets), 2), *w = first_parameters(t);
    memcpy(gs__interpreter_data(it, t->samples), x, count_of(t, t->samples) * sizeof *x);
    memcpy(gs__interpreter_data(it, t->targets), y, count_of(t, t->targets) * sizeof *y);
    memcpy(gs__interpreter_data(it, t->parameters), w, count * sizeof *w);
    struct gs_state state = t->state;
    for (int i = 0; i < STEPS; i++) {
        OK(gs__interpreter_step(it, &state));
        gs__tick_next(&state);
    }
    op_compare(title, found, gs__interpreter_data(it, t->parameters), count, 1e-4, 2e-5);
    op_compare(title, found + count, gs__interpreter_data(it, t->slots), 2 * count, 1e-3, 1e-5);
    gs__interpreter_destroy(it);
    free(x);
    free(y);
    free(w);
}

static void check(void *fixture, const struct net *net, uint32_t nodes) {
    gs__gpu *gpu = ((op_fixture *)fixture)->gpu[GS__KERNELS_CPU];
    struct training plain, fused, *t = &fused;
    char title[96];
    snprintf(title, sizeof title, "%lld-%lld-%lld, batch size %u", (long long)net->widths[0], (long long)net->widths[1],
             (long long)net->widths[2], net->batch);
    build(&plain, net);
    build(&fused, net);
    OK(gs__graph_fuse_update(&fused.graph, gs__gpu_get_caps(gpu)));
    assert_int_equal(count_ops(&fused.graph, "matmul_adam"), nodes);
    assert_int_equal(count_ops(&fused.graph, "matmul_gradients") + count_ops(&fused.graph, "adam"), 0);
    double *expected = train(&plain, gpu), *found = train(&fused, gpu);
    const uint64_t count = 3 * count_of(t, t->parameters);
    if (memcmp(expected, found, count * sizeof *found) != 0) {
        op_compare(title, found, expected, count, 0, 0);
        fail_msg("%s: other bits than by separate ops", title);
    }
    check_interpreted(&fused, title, found);
    free(expected);
    free(found);
    gs__graph_deinit(&plain.graph);
    gs__graph_deinit(&fused.graph);
}

static void equals_separate_ops(void **state) {
    static const struct net nets[] = {
        {{784, 64, 10, 0}, 32, 0, false, 0},      {{36, 20, 8, 0}, 7, 0, true, 0.1f},
        {{1, 1, 1, 0}, 1, 0, false, 0},           {{3, 5, 7, 0}, 3, 1, false, 0},
        {{17, 33, 31, 3, 0}, 16, 2, false, 0.1f}, {{4, 8, 65, 2, 0}, 33, 0, true, 0},
    };
    for (uint32_t i = 0; i < sizeof nets / sizeof *nets; i++) check(*state, &nets[i], 1);
}

static void several_nodes(void **state) {
    check(*state, &(struct net){{12, 8, 9, 7, 16, 4, 0}, 5, 9, false, 0}, 3);
}

// Where something is amiss, the graph stays as it is.
static void leaves_other_graphs(void **state) {
    gs__gpu *const *gpu = ((op_fixture *)*state)->gpu;
    const struct net net = {{6, 5, 4, 0}, 4, 0, false, 0};
    struct training training, *t = &training;
    build(t, &net);
    OK(gs__graph_fuse_update(&t->graph, gs__gpu_get_caps(gpu[GS__KERNELS_GPU])));
    assert_int_equal(count_ops(&t->graph, "adam"), 1);
    gs__gpu_caps small = *gs__gpu_get_caps(gpu[GS__KERNELS_CPU]);
    small.max_texel_elements = 64;
    OK(gs__graph_fuse_update(&t->graph, &small));
    assert_int_equal(count_ops(&t->graph, "adam"), 1);
    // A parameter whose gradient comes from elsewhere.
    gs__value other;
    OK(gs__graph_value(&t->graph, &(gs_shape){1, {4}}, GS_F32, GS__STORAGE_PARAMETER, "other", &other));
    OK(gs__graph_fuse_update(&t->graph, gs__gpu_get_caps(gpu[GS__KERNELS_CPU])));
    assert_int_equal(count_ops(&t->graph, "adam"), 1);
    gs__graph_deinit(&t->graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_separate_ops), cmocka_unit_test(several_nodes),
                                       cmocka_unit_test(leaves_other_graphs)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
