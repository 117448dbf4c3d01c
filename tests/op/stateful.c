#include "stateful.h"

#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stateful {
    const stateful_case *c;
    const gs_op *op;
    gs__error error;
    gs__graph graph;
    gs__value x[GS__MAX_INPUTS], y[GS__MAX_OUTPUTS];
    uint64_t x_count[GS__MAX_INPUTS], y_count[GS__MAX_OUTPUTS];
    double *expected[GS__MAX_OUTPUTS];
    struct gs_state state;
    char title[256];
};

static uint64_t count_of(const gs_shape *shape) {
    uint64_t count = 0;
    assert_true(gs__shape_count(shape, &count));
    return count;
}

static double *allocate(uint64_t count) {
    double *values = calloc(count ? count : 1, sizeof *values);
    assert_non_null(values);
    return values;
}

static void build(struct stateful *s) {
    const stateful_case *c = s->c;
    const uint32_t batch = (uint32_t)c->x[0].shape.dim[0];
    uint32_t count = 0;
    gs__graph_init(&s->graph, &s->error, true, batch);
    for (uint32_t i = 0; i < s->op->inputs; i++) {
        const op_input *in = &c->x[i];
        if (!in->shape.rank) continue;
        count = i + 1;
        s->x_count[i] = count_of(&in->shape);
        op_expect_ok(&s->error, gs__graph_value(&s->graph, &in->shape, in->dtype, in->storage, NULL, &s->x[i]),
                     s->title);
        s->graph.values[s->x[i]].pinned = true;
    }
    if (c->in_place) {
        op_expect_ok(&s->error, gs__graph_in_place(&s->graph, c->op, c->attr, s->x, count, c->in_place), s->title);
        for (uint32_t i = 0; i < c->in_place; i++) s->y[i] = s->x[i];
    } else {
        op_expect_ok(&s->error, gs__graph_apply(&s->graph, c->op, "tested", c->attr, s->x, count, s->y), s->title);
    }
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) {
        if (!s->y[i]) continue;
        s->graph.values[s->y[i]].pinned = true;
        s->y_count[i] = count_of(&s->graph.values[s->y[i]].shape);
        s->expected[i] = allocate(s->y_count[i]);
    }
    s->state.set.batch = s->state.set.data_count = batch;
}

// The inputs of a step: a function of its number and of nothing else.
static void make_inputs(const struct stateful *s, uint32_t step, double *x[GS__MAX_INPUTS]) {
    uint64_t seed = 17 + step;
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
        x[i] = NULL;
        if (!s->x[i]) continue;
        const op_input *in = &s->c->x[i];
        const double low = in->low == in->high ? -1 : in->low, high = in->low == in->high ? 1 : in->high;
        x[i] = allocate(s->x_count[i]);
        for (uint64_t k = 0; k < s->x_count[i]; k++) {
            const double v = in->values ? in->values[k] : op_random(&seed, low, high);
            x[i][k] = in->dtype == GS_F32 ? (double)(float)v : floor(v);
        }
    }
}

static void free_inputs(double *x[GS__MAX_INPUTS]) {
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) free(x[i]);
}

static void set_rows(struct stateful *s, uint32_t step) {
    s->state.cur.rows = s->c->rows[step] ? s->c->rows[step] : s->state.set.batch;
    s->state.next = s->state.cur;
}

static void compute_expected(struct stateful *s) {
    for (uint32_t step = 0; step < s->c->steps; step++) {
        double *x[GS__MAX_INPUTS];
        make_inputs(s, step, x);
        set_rows(s, step);
        gs__reference r = {.node = &s->graph.nodes[0], .state = &s->state};
        for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
            r.x[i] = x[i];
            if (!s->x[i]) continue;
            r.x_shape[i] = s->graph.values[s->x[i]].shape;
            r.x_dtype[i] = s->graph.values[s->x[i]].dtype;
        }
        for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) {
            r.y[i] = s->expected[i];
            if (s->y[i]) r.y_shape[i] = s->graph.values[s->y[i]].shape;
        }
        s->op->ref_forward(&r);
        free_inputs(x);
    }
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++)
        if (s->c->convert && s->y[i]) s->c->convert(s->expected[i], s->y_count[i]);
}

static void run_steps(struct stateful *s, gs__plan *plan) {
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) {
        if (!s->y[i] || s->c->in_place) continue;
        double *zeros = allocate(s->y_count[i]);
        op_write(plan, &s->error, s->y[i], zeros);
        free(zeros);
    }
    for (uint32_t step = 0; step < s->c->steps; step++) {
        double *x[GS__MAX_INPUTS];
        make_inputs(s, step, x);
        set_rows(s, step);
        op_expect_ok(&s->error, gs__plan_set_state(plan, &s->state), s->title);
        for (uint32_t i = 0; i < GS__MAX_INPUTS; i++)
            if (s->x[i]) op_write(plan, &s->error, s->x[i], x[i]);
        op_expect_ok(&s->error, op_run_step(plan), s->title);
        free_inputs(x);
    }
}

static void check_device(struct stateful *s, gs__gpu *gpu) {
    gs__plan *plan;
    double *first[GS__MAX_OUTPUTS] = {0};
    char what[320];
    op_expect_ok(&s->error, gs__plan_create(&s->error, &(gs__plan_params){.gpu = gpu, .graph = &s->graph}, &plan),
                 s->title);
    for (int repeat = 0; repeat < 2; repeat++) {
        run_steps(s, plan);
        for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) {
            if (!s->y[i]) continue;
            double *found = allocate(s->y_count[i]);
            snprintf(what, sizeof what, "%s: y[%u]", s->title, i);
            op_read(plan, &s->error, s->y[i], found);
            if (repeat && memcmp(found, first[i], s->y_count[i] * sizeof *found) != 0)
                fail_msg("%s: another result the second time", what);
            free(first[i]);
            first[i] = allocate(s->y_count[i]);
            memcpy(first[i], found, s->y_count[i] * sizeof *found);
            if (s->c->convert) s->c->convert(found, s->y_count[i]);
            op_compare(what, found, s->expected[i], s->y_count[i], s->c->relative, s->c->absolute);
            free(found);
        }
    }
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) free(first[i]);
    gs__plan_destroy(plan);
}

void stateful_check(void *fixture, const stateful_case *c) {
    op_fixture *f = fixture;
    struct stateful s = {.c = c, .op = gs__op_find(c->op)};
    char shapes[2][96];
    if (!s.op) fail_msg("there is no op \"%s\"", c->op);
    assert_in_range(c->steps, 1, STATEFUL_MAX_STEPS);
    for (int i = 0; i < 2; i++) gs__shape_text(&c->x[i].shape, false, shapes[i], sizeof shapes[i]);
    snprintf(s.title, sizeof s.title, "%s x %s %s", c->op, shapes[0], shapes[1]);
    build(&s);
    compute_expected(&s);
    const size_t length = strlen(s.title);
    for (int i = 0; i < 2; i++) {
        snprintf(s.title + length, sizeof s.title - length, " (%s kernels)", i == GS__KERNELS_GPU ? "GPU" : "CPU");
        check_device(&s, f->gpu[i]);
    }
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) free(s.expected[i]);
    gs__graph_deinit(&s.graph);
}
