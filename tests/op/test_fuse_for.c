// What is fused for a CPU driver (gather_matmul, gather_classifier, matmul_adam): the same bits as the separate ops, and
// what the references say.
#include "harness.h"

#include "model/fuse.h"
#include "op/attr.h"
#include "plan/interpret.h"
#include "plan/tick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3, SAMPLES = 70, MAX_LAYERS = 5, CLASSES = 3 }; // classes that targets have

struct net {
    int64_t widths[MAX_LAYERS + 2]; // of the input and of each layer; 0 behind the last
    uint32_t batch, no_bias;
    bool paper_epsilon;
    float weight_decay;
    bool bytes, classifies, evaluates; // samples are uint8; sparse cross-entropy, else mean squared error
    gs_activation activation;          // of all layers but the last
    float dropout;
};

struct training {
    gs__error error;
    gs__graph graph;
    gs__value samples, targets, parameters, slots; // the last two: 0 where nothing is trained
    struct gs_state state;
};

#define OK(call) op_expect_ok(&t->error, call, #call)

static gs__value decorate(struct training *t, const struct net *net, gs__value x) {
    gs__value y[GS__MAX_OUTPUTS] = {x};
    const gs__activation_attr activation = {.kind = net->activation};
    const gs__dropout_attr dropout = {.rate = net->dropout, .key = 3};
    if (net->activation) OK(gs__graph_apply(&t->graph, "activation", "dense", &activation, y, 1, y));
    if (net->dropout > 0) OK(gs__graph_apply(&t->graph, "dropout", "dropout", &dropout, y, 1, y));
    return y[0];
}

static void build(struct training *t, const struct net *net) {
    const gs__gather_attr gather = {.batch = net->batch};
    const gs__adam_attr adam = {
        .tick = {.row_stride = net->batch, .first = {0, 0, 1}, .count = {1, 0, net->classifies}},
        .paper_epsilon = net->paper_epsilon};
    gs__value y[GS__MAX_OUTPUTS], x, rows;
    uint32_t layers = 0;
    while (net->widths[layers + 1]) layers++;
    *t = (struct training){0};
    gs__graph_init(&t->graph, &t->error, !net->evaluates, net->batch);
    const gs_shape in = {2, {SAMPLES, net->widths[0]}};
    const gs_shape out = {net->classifies ? 1 : 2, {SAMPLES, net->classifies ? 0 : net->widths[layers]}};
    OK(gs__graph_value(&t->graph, &in, net->bytes ? GS_U8 : GS_F32, GS__STORAGE_SAMPLES, NULL, &t->samples));
    OK(gs__graph_value(&t->graph, &out, net->classifies ? GS_I32 : GS_F32, GS__STORAGE_TARGETS, NULL, &t->targets));
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
        if (i + 1 < layers) x = decorate(t, net, x);
    }
    const gs__sparse_crossentropy_attr sparse = {.accuracy = true};
    const gs__pointwise_loss_attr squares = {.kind = GS_LOSS_MSE};
    OK(gs__graph_apply(&t->graph, net->classifies ? "sparse_crossentropy" : "pointwise_loss", "loss",
                       net->classifies ? (const void *)&sparse : &squares, (gs__value[]){x, rows}, 2, y));
    if (net->evaluates)
        OK(gs__graph_apply(&t->graph, "tick", NULL, &(gs__tick_attr){.tick = adam.tick}, NULL, 0, NULL));
    OK(gs__graph_fuse(&t->graph));
    if (!net->evaluates) OK(gs__graph_backward(&t->graph));
    OK(gs__graph_fuse_heads(&t->graph));
    if (!net->evaluates) {
        OK(gs__graph_group_gradients(&t->graph));
        OK(gs__graph_update(&t->graph, "adam", &adam, 2));
        const gs__node *update = &t->graph.nodes[t->graph.node_count - 1];
        t->parameters = update->x[0];
        t->slots = update->x[2];
    }
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

// Whole numbers for samples of bytes and for classes.
static double *data_values(const struct training *t, gs__value value, uint64_t seed, double below) {
    const uint64_t count = count_of(t, value);
    double *v = malloc(count * sizeof *v);
    assert_non_null(v);
    const bool whole = t->graph.values[value].dtype != GS_F32;
    for (uint64_t i = 0; i < count; i++)
        v[i] = whole ? floor(op_random(&seed, 0, below)) : (double)(float)op_random(&seed, -0.5, 0.5);
    return v;
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
    double *x = data_values(t, t->samples, 1, 256), *y = data_values(t, t->targets, 2, CLASSES),
           *w = first_parameters(t);
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
    double *x = data_values(t, t->samples, 1, 256), *y = data_values(t, t->targets, 2, CLASSES),
           *w = first_parameters(t);
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

static gs__gpu *cpu_of(void *fixture) {
    return ((op_fixture *)fixture)->gpu[GS__KERNELS_CPU];
}

static void check(void *fixture, const struct net *net, const char *first, uint32_t updates) {
    gs__gpu *gpu = cpu_of(fixture);
    struct training plain, fused, *t = &fused;
    char title[96];
    snprintf(title, sizeof title, "%lld-%lld-%lld, batch size %u", (long long)net->widths[0], (long long)net->widths[1],
             (long long)net->widths[2], net->batch);
    build(&plain, net);
    build(&fused, net);
    OK(gs__graph_fuse_for(&fused.graph, gs__gpu_get_caps(gpu)));
    assert_string_equal(fused.graph.nodes[0].op->name, gs__caps_shuffle(gs__gpu_get_caps(gpu)) ? first : "gather");
    assert_int_equal(count_ops(&fused.graph, "matmul_adam"), updates);
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

static void update(void **state) {
    static const struct net nets[] = {
        {.widths = {784, 64, 10}, .batch = 32},
        {.widths = {36, 20, 8}, .batch = 7, .paper_epsilon = true, .weight_decay = 0.1f},
        {.widths = {1, 1, 1}, .batch = 1},
        {.widths = {3, 5, 7}, .batch = 3, .no_bias = 1},
        {.widths = {17, 33, 31, 3}, .batch = 16, .no_bias = 2, .weight_decay = 0.1f},
        {.widths = {4, 8, 65, 2}, .batch = 33, .paper_epsilon = true},
    };
    for (uint32_t i = 0; i < sizeof nets / sizeof *nets; i++) check(*state, &nets[i], "gather", 1);
}

static void update_in_several_nodes(void **state) {
    check(*state, &(struct net){.widths = {12, 8, 9, 7, 16, 4}, .batch = 5, .no_bias = 9}, "gather", 3);
}

static void gather_and_product(void **state) {
    static const struct net nets[] = {
        {.widths = {784, 64, 5}, .batch = 32, .bytes = true, .activation = GS_ACTIVATION_RELU, .dropout = 0.2f},
        {.widths = {16, 33, 7}, .batch = 3, .bytes = true, .no_bias = 1},
        {.widths = {48, 3, 1}, .batch = 1, .bytes = true, .activation = GS_ACTIVATION_TANH},
        {.widths = {32, 70, 9}, .batch = 17, .bytes = true, .dropout = 0.5f},
        // Classifiers whose hidden layer is not a multiple of 4 wide, or is not the only one.
        {.widths = {32, 6, 3}, .batch = 13, .bytes = true, .classifies = true, .activation = GS_ACTIVATION_RELU},
        {.widths = {32, 8, 12, 3}, .batch = 13, .bytes = true, .classifies = true, .activation = GS_ACTIVATION_RELU},
    };
    for (uint32_t i = 0; i < sizeof nets / sizeof *nets; i++) check(*state, &nets[i], "gather_matmul", 1);
}

static void classifier(void **state) {
    static const struct net nets[] = {
        {.widths = {784, 64, 10},
         .batch = 32,
         .bytes = true,
         .classifies = true,
         .activation = GS_ACTIVATION_RELU,
         .dropout = 0.2f},
        {.widths = {16, 4, 3}, .batch = 1, .bytes = true, .classifies = true, .no_bias = 3},
        {.widths = {80, 36, 32}, .batch = 5, .bytes = true, .classifies = true, .activation = GS_ACTIVATION_SIGMOID},
        {.widths = {32, 100, 7}, .batch = 27, .bytes = true, .classifies = true, .dropout = 0.4f, .no_bias = 1},
        {.widths = {48, 68, 31}, .batch = 33, .bytes = true, .classifies = true, .activation = GS_ACTIVATION_ELU},
    };
    for (uint32_t i = 0; i < sizeof nets / sizeof *nets; i++) check(*state, &nets[i], "gather_classifier", 1);
}

// Loss and accuracy of the steps of an epoch, the last of them partial.
static void evaluate(struct training *t, gs__gpu *gpu, float *sums) {
    gs__plan *plan;
    double *x = data_values(t, t->samples, 1, 256), *y = data_values(t, t->targets, 2, CLASSES);
    OK(gs__plan_create(&t->error, &(gs__plan_params){.gpu = gpu, .graph = &t->graph}, &plan));
    OK(gs__plan_set_state(plan, &t->state));
    op_write(plan, &t->error, t->samples, x);
    op_write(plan, &t->error, t->targets, y);
    for (gs__value v = 1; v < t->graph.value_count; v++) {
        if (t->graph.values[v].storage != GS__STORAGE_PARAMETER) continue;
        double *w = values(count_of(t, v), v);
        op_write(plan, &t->error, v, w);
        free(w);
    }
    gs__run run = {.steps = STEPS};
    uint32_t count = 0;
    while (run.finished < STEPS) {
        OK(gs__plan_advance(plan, &run));
        memcpy(sums + count * GS_RING_SUMS, run.entries, run.entry_count * GS_RING_SUMS * sizeof *sums);
        count += run.entry_count;
    }
    gs__plan_destroy(plan);
    free(x);
    free(y);
}

static void evaluation(void **state) {
    static const struct net nets[] = {
        {.widths = {48, 20, 5}, .batch = 30, .bytes = true, .classifies = true, .evaluates = true},
        {.widths = {16, 8, 3}, .batch = 32, .bytes = true, .evaluates = true, .activation = GS_ACTIVATION_RELU},
    };
    gs__gpu *gpu = cpu_of(*state);
    for (uint32_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        struct training plain, fused, *t = &fused;
        float expected[STEPS * GS_RING_SUMS], found[STEPS * GS_RING_SUMS];
        build(&plain, &nets[i]);
        build(&fused, &nets[i]);
        OK(gs__graph_fuse_for(&fused.graph, gs__gpu_get_caps(gpu)));
        if (gs__caps_shuffle(gs__gpu_get_caps(gpu)))
            assert_string_equal(fused.graph.nodes[0].op->name,
                                nets[i].classifies ? "gather_classifier" : "gather_matmul");
        evaluate(&plain, gpu, expected);
        evaluate(&fused, gpu, found);
        assert_true(expected[0] > 0 && expected[2 * GS_RING_SUMS + 7] == (float)(SAMPLES - 2 * nets[i].batch));
        assert_memory_equal(expected, found, sizeof found);
        gs__graph_deinit(&plain.graph);
        gs__graph_deinit(&fused.graph);
    }
}

// Where something is amiss, the graph stays as it is.
static void leaves_other_graphs(void **state) {
    gs__gpu *const *gpu = ((op_fixture *)*state)->gpu;
    const struct net net = {.widths = {6, 5, 4}, .batch = 4};
    struct training training, *t = &training;
    build(t, &net);
    OK(gs__graph_fuse_for(&t->graph, gs__gpu_get_caps(gpu[GS__KERNELS_GPU])));
    assert_int_equal(count_ops(&t->graph, "adam"), 1);
    gs__gpu_caps small = *gs__gpu_get_caps(gpu[GS__KERNELS_CPU]);
    small.max_texel_elements = 64;
    OK(gs__graph_fuse_for(&t->graph, &small));
    assert_int_equal(count_ops(&t->graph, "adam"), 1);
    // A parameter whose gradient comes from elsewhere.
    gs__value other;
    OK(gs__graph_value(&t->graph, &(gs_shape){1, {4}}, GS_F32, GS__STORAGE_PARAMETER, "other", &other));
    OK(gs__graph_fuse_for(&t->graph, gs__gpu_get_caps(gpu[GS__KERNELS_CPU])));
    assert_int_equal(count_ops(&t->graph, "adam"), 1);
    gs__graph_deinit(&t->graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(update),
                                       cmocka_unit_test(update_in_several_nodes),
                                       cmocka_unit_test(gather_and_product),
                                       cmocka_unit_test(classifier),
                                       cmocka_unit_test(evaluation),
                                       cmocka_unit_test(leaves_other_graphs)};
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
