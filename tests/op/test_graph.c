// The graph and its backward pass: skip connections, shared weights, branches, fused and unfused epilogues. A whole
// plan on the device is compared with the interpreter, and the interpreter's gradients with numeric ones.
#include "harness.h"

#include "op/attr.h"
#include "plan/interpret.h"
#include "plan/shuffle.h"
#include "plan/tick.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 5, IN = 7, HIDDEN = 8, OUT = 3, SAMPLES = 13 };

struct net {
    gs__error error;
    gs__graph graph;
    gs__value samples, targets;
    gs__value parameters[8];
    uint32_t parameter_count;
    uint32_t loss_slot;
};

static void ok(struct net *n, gs_status status) {
    op_expect_ok(&n->error, status, "graph");
}

static gs__value parameter(struct net *n, int64_t rows, int64_t columns) {
    gs__value value;
    const gs_shape shape = columns ? (gs_shape){2, {rows, columns}} : (gs_shape){1, {rows}};
    ok(n, gs__graph_value(&n->graph, &shape, GS_F32, GS__STORAGE_PARAMETER, "w", &value));
    n->parameters[n->parameter_count++] = value;
    return value;
}

static gs__value apply(struct net *n, const char *op, const void *attr, gs__value a, gs__value b, gs__value c) {
    gs__value y[GS__MAX_OUTPUTS] = {0};
    const gs__value x[3] = {a, b, c};
    ok(n, gs__graph_apply(&n->graph, op, op, attr, x, c ? 3 : b ? 2 : 1, y));
    return y[0];
}

static gs__value activate(struct net *n, gs_activation kind, gs__value x) {
    return apply(n, "activation", &(gs__activation_attr){.kind = kind, .alpha = 0.2f}, x, 0, 0);
}

static gs__value begin(struct net *n, bool training) {
    gs__value y[GS__MAX_OUTPUTS] = {0};
    memset(n, 0, sizeof *n);
    gs__graph_init(&n->graph, &n->error, training, BATCH);
    ok(n, gs__graph_value(&n->graph, &(gs_shape){2, {SAMPLES, IN}}, GS_F32, GS__STORAGE_SAMPLES, NULL, &n->samples));
    ok(n, gs__graph_value(&n->graph, &(gs_shape){2, {SAMPLES, OUT}}, GS_F32, GS__STORAGE_TARGETS, NULL, &n->targets));
    ok(n, gs__graph_apply(&n->graph, "gather", NULL, &(gs__gather_attr){.batch = BATCH},
                          (gs__value[]){n->samples, n->targets}, 2, y));
    n->targets = y[1]; // of the batch
    return y[0];
}

static void finish(struct net *n, gs__value output, bool fuse) {
    gs__value y[GS__MAX_OUTPUTS] = {0};
    ok(n, gs__graph_apply(&n->graph, "pointwise_loss", NULL, &(gs__pointwise_loss_attr){.kind = GS_LOSS_MSE},
                          (gs__value[]){output, n->targets}, 2, y));
    n->loss_slot = gs__graph_row_slot(&n->graph, y[0]);
    if (fuse) ok(n, gs__graph_fuse(&n->graph));
    if (n->graph.training) {
        ok(n, gs__graph_backward(&n->graph));
        gs__sgd_attr attr = {.tick = {.row_stride = BATCH}};
        attr.tick.first[0] = (uint16_t)n->loss_slot;
        attr.tick.count[0] = 1;
        ok(n, gs__graph_update(&n->graph, "sgd", &attr, 0));
    }
    ok(n, gs__graph_prune(&n->graph));
}

// dense -> tanh -> dropout, then the same weights twice, around them a skip connection; two heads, one through GELU.
static void build_fused(struct net *n, bool training, bool fuse) {
    gs__value x = begin(n, training);
    gs__value w1 = parameter(n, IN, HIDDEN), b1 = parameter(n, HIDDEN, 0);
    gs__value shared = parameter(n, HIDDEN, HIDDEN), bias = parameter(n, HIDDEN, 0);
    gs__value head1 = parameter(n, HIDDEN, OUT), head2 = parameter(n, HIDDEN, OUT), b2 = parameter(n, OUT, 0);
    gs__value h = activate(n, GS_ACTIVATION_TANH, apply(n, "matmul", NULL, x, w1, b1));
    if (training) h = apply(n, "dropout", &(gs__dropout_attr){.rate = 0.3f, .key = 4}, h, 0, 0);
    gs__value a = activate(n, GS_ACTIVATION_SIGMOID, apply(n, "matmul", NULL, h, shared, bias));
    gs__value b = activate(n, GS_ACTIVATION_SOFTPLUS, apply(n, "matmul", NULL, a, shared, bias));
    gs__value skip = apply(n, "add", NULL, b, h, 0);
    gs__reshape_attr to = {.shape = {3, {BATCH, 2, HIDDEN / 2}}}, back = {.shape = {2, {BATCH, HIDDEN}}};
    gs__value viewed = apply(n, "reshape", &back, apply(n, "reshape", &to, skip, 0, 0), 0, 0);
    gs__value y1 = apply(n, "matmul", NULL, viewed, head1, b2);
    gs__value y2 = apply(n, "matmul", NULL, activate(n, GS_ACTIVATION_GELU, skip), head2, 0);
    finish(n, apply(n, "softmax", NULL, apply(n, "add", NULL, y1, y2, 0), 0, 0), fuse);
}

static void build(struct net *n, bool training) {
    build_fused(n, training, true);
}

static struct gs_state start_state(void) {
    struct gs_state state = {
        .set = {
            .seed_lo = 5, .seed_hi = 6, .data_count = SAMPLES, .batch = BATCH, .shuffle = 1, .learning_rate = 0.25f}};
    gs__state_start(&state);
    return state;
}

static void fill(double *values, uint64_t count, uint64_t seed) {
    for (uint64_t i = 0; i < count; i++) values[i] = (double)(float)op_random(&seed, -1, 1);
}

static gs__interpreter *interpret(struct net *n) {
    gs__interpreter *it;
    ok(n, gs__interpreter_create(&n->graph, &it));
    fill(gs__interpreter_data(it, n->samples), SAMPLES * IN, 1);
    fill(gs__interpreter_data(it, n->samples + 1), SAMPLES * OUT, 2);
    for (uint32_t i = 0; i < n->parameter_count; i++) {
        uint64_t count;
        gs__shape_count(&n->graph.values[n->parameters[i]].shape, &count);
        fill(gs__interpreter_data(it, n->parameters[i]), count, 3 + i);
    }
    return it;
}

static double loss_of(struct net *n, gs__interpreter *it) {
    struct gs_state state = start_state();
    ok(n, gs__interpreter_step(it, &state));
    return gs__interpreter_row_sum(it, n->loss_slot) / state.cur.rows;
}

// The update is undone by reading the gradient from it: w' = w - rate * g.
static void gradients_are_numeric_ones(void **unused) {
    (void)unused;
    struct net n;
    build(&n, true);
    gs__interpreter *it = interpret(&n);
    const double rate = (double)0.25f, h = 1e-3;
    for (uint32_t p = 0; p < n.parameter_count; p++) {
        uint64_t count;
        gs__shape_count(&n.graph.values[n.parameters[p]].shape, &count);
        for (uint64_t i = 0; i < count; i++) {
            gs__interpreter_destroy(it);
            it = interpret(&n);
            const double w = gs__interpreter_data(it, n.parameters[p])[i], at[4] = {2 * h, h, -h, -2 * h};
            loss_of(&n, it);
            const double gradient = (w - gs__interpreter_data(it, n.parameters[p])[i]) / rate;
            double f[4];
            for (int k = 0; k < 4; k++) {
                gs__interpreter_destroy(it);
                it = interpret(&n);
                gs__interpreter_data(it, n.parameters[p])[i] = w + at[k];
                f[k] = loss_of(&n, it);
            }
            const double numeric = (-f[0] + 8 * f[1] - 8 * f[2] + f[3]) / (12 * h);
            if (!(fabs(numeric - gradient) <= 1e-8 + 1e-6 * fabs(numeric)))
                fail_msg("parameter %u element %d: gradient %.9g, numeric %.9g", p, (int)i, gradient, numeric);
        }
    }
    gs__interpreter_destroy(it);
    gs__graph_deinit(&n.graph);
}

// Several steps over two epochs, a batch that is not full among them.
static void plan_equals_interpreter(void **state) {
    op_fixture *f = *state;
    for (int kernels = 0; kernels < 2; kernels++) {
        struct net n;
        build(&n, true);
        gs__interpreter *it = interpret(&n);
        gs__plan *plan;
        struct gs_state device = start_state(), host = device;
        ok(&n, gs__plan_create(&n.error, &(gs__plan_params){.gpu = f->gpu[kernels], .graph = &n.graph}, &plan));
        ok(&n, gs__plan_set_state(plan, &device));
        op_write(plan, &n.error, n.samples, gs__interpreter_data(it, n.samples));
        op_write(plan, &n.error, n.samples + 1, gs__interpreter_data(it, n.samples + 1));
        for (uint32_t i = 0; i < n.parameter_count; i++)
            op_write(plan, &n.error, n.parameters[i], gs__interpreter_data(it, n.parameters[i]));
        gs__run run = {.steps = 6};
        double losses[6];
        while (run.finished < run.steps) {
            ok(&n, gs__plan_advance(plan, &run));
            for (uint32_t i = 0; i < run.entry_count; i++)
                losses[run.finished - run.entry_count + i] = (double)run.entries[i * GS_RING_SUMS];
        }
        for (int i = 0; i < 6; i++) {
            ok(&n, gs__interpreter_step(it, &host));
            const double expected = gs__interpreter_row_sum(it, n.loss_slot);
            assert_true(fabs(losses[i] - expected) <= 1e-5 * fabs(expected));
            gs__tick_next(&host);
        }
        ok(&n, gs__plan_get_state(plan, &device));
        assert_memory_equal(&device, &host, sizeof host);
        for (uint32_t i = 0; i < n.parameter_count; i++) {
            double found[64];
            uint64_t count;
            gs__shape_count(&n.graph.values[n.parameters[i]].shape, &count);
            op_read(plan, &n.error, n.parameters[i], found);
            op_compare("parameter", found, gs__interpreter_data(it, n.parameters[i]), count, 1e-5, 1e-6);
        }
        gs__plan_destroy(plan);
        gs__interpreter_destroy(it);
        gs__graph_deinit(&n.graph);
    }
}

static void fusing_changes_no_result(void **unused) {
    (void)unused;
    struct net nets[2];
    gs__interpreter *its[2];
    struct gs_state states[2] = {start_state(), start_state()};
    for (int fuse = 0; fuse < 2; fuse++) {
        build_fused(&nets[fuse], true, fuse);
        its[fuse] = interpret(&nets[fuse]);
    }
    // The activations of tanh + dropout, sigmoid and softplus, forward.
    assert_true(nets[1].graph.node_count + 4 <= nets[0].graph.node_count);
    for (int step = 0; step < 4; step++) {
        double losses[2];
        for (int fuse = 0; fuse < 2; fuse++) {
            ok(&nets[fuse], gs__interpreter_step(its[fuse], &states[fuse]));
            gs__tick_next(&states[fuse]);
            losses[fuse] = gs__interpreter_row_sum(its[fuse], nets[fuse].loss_slot);
        }
        assert_true(fabs(losses[0] - losses[1]) <= 1e-12 * fabs(losses[0]));
    }
    for (int fuse = 0; fuse < 2; fuse++) {
        gs__interpreter_destroy(its[fuse]);
        gs__graph_deinit(&nets[fuse].graph);
    }
}

static void evaluation_has_no_backward(void **unused) {
    (void)unused;
    struct net n;
    build(&n, false);
    for (uint32_t i = 0; i < n.graph.node_count; i++) assert_int_equal(n.graph.nodes[i].pass, GS__FORWARD);
    gs__graph_deinit(&n.graph);
}

static void shuffle_is_a_bijection(void **unused) {
    (void)unused;
    static const uint32_t counts[] = {1, 2, 3, 5, 31, 32, 33, 1000, 60000};
    for (uint32_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        uint8_t *seen = calloc(counts[c], 1);
        uint32_t fixed = 0;
        for (uint32_t i = 0; i < counts[c]; i++) {
            const uint32_t at = gs__shuffled(i, counts[c], 1, 2, 3);
            assert_true(at < counts[c]);
            assert_false(seen[at]);
            seen[at] = 1;
            fixed += at == i;
        }
        if (counts[c] >= 1000) assert_true(fixed < 10);
        free(seen);
    }
    uint32_t same = 0;
    for (uint32_t i = 0; i < 1000; i++) same += gs__shuffled(i, 1000, 1, 2, 3) == gs__shuffled(i, 1000, 1, 2, 4);
    assert_true(same < 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_numeric_ones), cmocka_unit_test(plan_equals_interpreter),
        cmocka_unit_test(fusing_changes_no_result),   cmocka_unit_test(evaluation_has_no_backward),
        cmocka_unit_test(shuffle_is_a_bijection),
    };
    return cmocka_run_group_tests(tests, op_setup, op_teardown);
}
