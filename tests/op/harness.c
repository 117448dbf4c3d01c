#include "harness.h"

#include "op/attr.h"
#include "plan/epilogue.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int op_setup(void **state) {
    op_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    const char *validate = getenv("GRADSMITH_VALIDATE");
    const gs__instance_params params = {.validate = validate && *validate == '1'};
    op_expect_ok(&f->error, gs__instance_create(&f->error, &params, &f->instance), "instance");
    uint32_t index;
    op_expect_ok(&f->error, gs__instance_choose(&f->error, f->instance, NULL, &index, NULL, 0), "device");
    const char *names[2] = {"gpu", "cpu"};
    for (int i = 0; i < 2; i++) {
        setenv("GRADSMITH_KERNELS", names[i], 1);
        op_expect_ok(&f->error, gs__gpu_open(&f->error, f->instance, index, &f->gpu[i]), "open");
    }
    unsetenv("GRADSMITH_KERNELS");
    print_message("device: %s\n", gs__gpu_get_caps(f->gpu[0])->info.name);
    *state = f;
    return 0;
}

int op_teardown(void **state) {
    op_fixture *f = *state;
    const char *first = NULL;
    for (int i = 0; i < 2; i++) gs__gpu_close(f->gpu[i]);
    uint64_t errors = gs__instance_validation_errors(f->instance, &first);
    if (errors) print_error("%llu validation messages, the first: %s\n", (unsigned long long)errors, first);
    gs__instance_destroy(f->instance);
    free(f);
    return errors ? -1 : 0;
}

double op_random(uint64_t *seed, double low, double high) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(*seed >> 11) / 9007199254740992.0;
}

void op_expect_ok(const gs__error *error, gs_status status, const char *what) {
    if (status != GS_OK) fail_msg("%s: %s: %s", what, gs_status_name(status), error->message);
}

gs_status op_run_step(gs__plan *plan) {
    gs_status status = gs__plan_submit(plan, 0, 0);
    return status == GS_OK ? gs__commands_wait(plan->commands[0][0]) : status;
}

static uint64_t count_of(const gs_shape *shape) {
    uint64_t count = 0;
    assert_true(gs__shape_count(shape, &count));
    return count;
}

void op_write(gs__plan *plan, gs__error *error, gs__value value, const double *values) {
    const gs__value_info *info = &plan->graph->values[value];
    const uint64_t count = count_of(&info->shape), bytes = count * gs__dtype_bytes(info->dtype);
    void *data = malloc(bytes);
    assert_non_null(data);
    for (uint64_t i = 0; i < count; i++) {
        if (info->dtype == GS_F32) ((float *)data)[i] = (float)values[i];
        if (info->dtype == GS_I32) ((int32_t *)data)[i] = (int32_t)values[i];
        if (info->dtype == GS_U8) ((uint8_t *)data)[i] = (uint8_t)values[i];
    }
    op_expect_ok(error, gs__plan_write(plan, value, data, bytes), "write");
    free(data);
}

void op_read(gs__plan *plan, gs__error *error, gs__value value, double *values) {
    const gs__value_info *info = &plan->graph->values[value];
    const uint64_t count = count_of(&info->shape), bytes = count * gs__dtype_bytes(info->dtype);
    void *data = malloc(bytes);
    assert_non_null(data);
    op_expect_ok(error, gs__plan_read(plan, value, data, bytes), "read");
    for (uint64_t i = 0; i < count; i++) {
        if (info->dtype == GS_F32) values[i] = (double)((float *)data)[i];
        if (info->dtype == GS_I32) values[i] = ((int32_t *)data)[i];
        if (info->dtype == GS_U8) values[i] = ((uint8_t *)data)[i];
    }
    free(data);
}

void op_compare(const char *what, const double *found, const double *expected, uint64_t count, double relative,
                double absolute) {
    double worst = 1.0;
    uint64_t at = UINT64_MAX;
    for (uint64_t i = 0; i < count; i++) {
        if (isnan(expected[i]) && isnan(found[i])) continue;
        if (isinf(expected[i]) && found[i] == expected[i]) continue;
        double excess = fabs(found[i] - expected[i]) / (absolute + relative * fabs(expected[i]));
        if (!(excess <= worst)) worst = excess, at = i;
        if (isnan(excess)) break;
    }
    if (at != UINT64_MAX)
        fail_msg("%s: element %llu of %llu is %.9g, expected %.9g (%.3g times the tolerance)", what,
                 (unsigned long long)at, (unsigned long long)count, found[at], expected[at], worst);
}

// --- one case -----------------------------------------------------------------------------------------------------
struct tensors {
    double *x[GS__MAX_INPUTS], *y[GS__MAX_OUTPUTS], *dy[GS__MAX_OUTPUTS], *dx[GS__MAX_INPUTS], *stored;
    uint64_t x_count[GS__MAX_INPUTS], y_count[GS__MAX_OUTPUTS];
};

struct run {
    const op_case *c;
    const gs_op *op;
    gs__error error;
    gs__graph graph;
    gs__value x[GS__MAX_INPUTS], y[GS__MAX_OUTPUTS], dy[GS__MAX_OUTPUTS], dx[GS__MAX_INPUTS], stored;
    gs__node forward, backward;
    struct gs_state state;
    struct tensors expected;
    uint64_t seed;
    char title[256];
};

static gs__value leaf(struct run *r, const gs_shape *shape, gs_dtype dtype, gs__storage storage) {
    gs__value value;
    op_expect_ok(&r->error, gs__graph_value(&r->graph, shape, dtype, storage, NULL, &value), r->title);
    r->graph.values[value].pinned = true;
    return value;
}

static double *random_values(struct run *r, const op_input *in) {
    const uint64_t count = count_of(&in->shape);
    double *values = malloc(count * sizeof *values);
    assert_non_null(values);
    const double low = in->low == in->high ? -1 : in->low, high = in->low == in->high ? 1 : in->high;
    for (uint64_t i = 0; i < count; i++) {
        double v = in->values ? in->values[i] : op_random(&r->seed, low, high);
        values[i] = in->dtype == GS_F32 ? (double)(float)v : floor(v);
    }
    return values;
}

static void build(struct run *r) {
    const op_case *c = r->c;
    const uint32_t batch = c->batch ? c->batch : c->x[0].shape.rank ? (uint32_t)c->x[0].shape.dim[0] : 1;
    uint32_t x_count = 0;
    gs__graph_init(&r->graph, &r->error, true, batch);
    r->graph.precision = c->precision;
    for (uint32_t i = 0; i < r->op->inputs; i++) {
        if (c->x[i].absent || (!c->x[i].shape.rank && r->op->optional & 1u << i)) continue;
        x_count = i + 1;
        r->x[i] = leaf(r, &c->x[i].shape, c->x[i].dtype, c->x[i].storage);
        r->graph.values[r->x[i]].wants_grad = !c->x[i].constant && r->op->differentiable & 1u << i;
        r->expected.x[i] = random_values(r, &c->x[i]);
        r->expected.x_count[i] = count_of(&c->x[i].shape);
    }
    op_expect_ok(&r->error, gs__graph_apply(&r->graph, c->op, "tested", c->attr, r->x, x_count, r->y), r->title);
    r->graph.nodes[0].epilogue = c->epilogue;
    for (uint32_t i = 0; i < r->op->outputs; i++) {
        if (!r->y[i]) continue;
        r->graph.values[r->y[i]].pinned = true;
        r->expected.y_count[i] = count_of(&r->graph.values[r->y[i]].shape);
        r->expected.y[i] = calloc(r->expected.y_count[i], sizeof(double));
        assert_non_null(r->expected.y[i]);
    }
    r->state.set = c->set;
    r->state.cur = c->position;
    if (!r->state.set.batch) r->state.set.batch = batch;
    if (!r->state.set.data_count) r->state.set.data_count = batch;
    if (c->rows) r->state.cur.rows = c->rows;
    if (!r->state.cur.rows) r->state.cur.rows = batch;
    r->state.next = r->state.cur;
}

// The stored result that a backward epilogue differentiates through is a leaf of its own.
static void add_backward_epilogue(struct run *r, gs__node *node) {
    if (gs__epilogue_empty(&r->c->backward_epilogue)) return;
    node->epilogue = r->c->backward_epilogue;
    r->stored = leaf(r, &r->c->x[0].shape, GS_F32, GS__STORAGE_ACTIVATION);
    node->epilogue_y = r->stored;
    r->expected.stored = random_values(r, &(op_input){.shape = r->c->x[0].shape});
    gs__epilogue_forward(&r->c->backward_epilogue, &r->state, r->expected.stored, r->expected.x_count[0]);
    for (uint64_t i = 0; i < r->expected.x_count[0]; i++) r->expected.stored[i] = (double)(float)r->expected.stored[i];
}

static void add_gradients(struct run *r) {
    if (r->c->no_backward) return;
    if (r->op->self_gradient) {
        for (uint32_t i = 0; i < r->op->inputs; i++) {
            if (!r->x[i] || !r->graph.values[r->x[i]].wants_grad) continue;
            r->dx[i] = leaf(r, &r->c->x[i].shape, GS_F32, GS__STORAGE_ACTIVATION);
            r->graph.nodes[0].dx[i] = r->dx[i];
        }
        if (r->op->epilogue_on_gradient) add_backward_epilogue(r, &r->graph.nodes[0]);
    } else if (r->op->differentiable) {
        for (uint32_t i = 0; i < r->op->outputs; i++) {
            // Nothing differentiates through what is written in place.
            if (!r->y[i] || (r->c->own | r->op->in_place) & 1u << i) continue;
            const gs_shape shape = r->graph.values[r->y[i]].shape;
            r->dy[i] = leaf(r, &shape, GS_F32, GS__STORAGE_ACTIVATION);
            r->expected.dy[i] = random_values(r, &(op_input){.shape = shape});
            // As behind every loss: rows that the step does not have get no gradient.
            if (r->c->rows && shape.rank && shape.dim[0] == r->state.set.batch) {
                const uint64_t row = count_of(&shape) / (uint64_t)shape.dim[0];
                for (uint64_t j = r->c->rows * row; j < count_of(&shape); j++) r->expected.dy[i][j] = 0;
            }
        }
        gs__node *node;
        op_expect_ok(&r->error, gs__graph_backward_node(&r->graph, 0, r->dy, &node), r->title);
        memcpy(r->dx, node->dx, sizeof r->dx);
        add_backward_epilogue(r, &r->graph.nodes[1]);
        r->backward = r->graph.nodes[1];
    }
    for (uint32_t i = 0; i < r->op->inputs; i++) {
        if (!r->dx[i]) continue;
        r->graph.values[r->dx[i]].pinned = true;
        r->expected.dx[i] = calloc(r->expected.x_count[i], sizeof(double));
        assert_non_null(r->expected.dx[i]);
    }
    r->forward = r->graph.nodes[0];
}

static gs__reference reference_of(const struct run *r, const gs__node *node, const struct tensors *t) {
    gs__reference ref = {.node = node, .state = &r->state};
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
        ref.x[i] = t->x[i];
        ref.dx[i] = t->dx[i];
        if (!r->x[i]) continue;
        ref.x_shape[i] = r->graph.values[r->x[i]].shape;
        ref.x_dtype[i] = r->graph.values[r->x[i]].dtype;
    }
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) {
        ref.y[i] = t->y[i];
        ref.dy[i] = t->dy[i];
        if (r->y[i]) ref.y_shape[i] = r->graph.values[r->y[i]].shape;
    }
    return ref;
}

// What the numeric gradient is taken of.
static double objective(const struct run *r, const struct tensors *t) {
    gs__reference ref = reference_of(r, &r->forward, t);
    memset(ref.dx, 0, sizeof ref.dx);
    r->op->ref_forward(&ref);
    double sum = 0;
    for (uint32_t i = 0; i < r->op->outputs; i++) {
        if (r->op->self_gradient && i) break;
        if (!r->op->self_gradient && !t->dy[i]) continue;
        for (uint64_t j = 0; j < t->y_count[i]; j++) sum += t->y[i][j] * (r->op->self_gradient ? 1.0 : t->dy[i][j]);
    }
    return r->op->self_gradient && !r->c->gradient_of_sum ? sum / r->state.cur.rows : sum;
}

// The four-point formula, on at most 64 elements of each input.
static void check_numeric(struct run *r) {
    struct tensors t = r->expected;
    for (uint32_t i = 0; i < r->op->outputs; i++)
        if (t.y[i]) t.y[i] = calloc(t.y_count[i], sizeof(double));
    const double tolerance = r->c->gradient_tolerance > 0 ? r->c->gradient_tolerance : 1e-5, h = 1e-3;
    for (uint32_t i = 0; i < r->op->inputs; i++) {
        if (!r->dx[i]) continue;
        const uint64_t stride = t.x_count[i] / 64 + 1;
        for (uint64_t j = 0; j < t.x_count[i]; j += stride) {
            const double x = t.x[i][j];
            double f[4];
            const double at[4] = {2 * h, h, -h, -2 * h};
            for (int k = 0; k < 4; k++) {
                t.x[i][j] = x + at[k];
                f[k] = objective(r, &t);
            }
            t.x[i][j] = x;
            const double numeric = (-f[0] + 8 * f[1] - 8 * f[2] + f[3]) / (12 * h), found = r->expected.dx[i][j];
            if (!(fabs(numeric - found) <= tolerance * (1 + fabs(numeric))))
                fail_msg("%s: reference dx[%u][%llu] is %.9g, numeric gradient %.9g", r->title, i,
                         (unsigned long long)j, found, numeric);
        }
    }
    for (uint32_t i = 0; i < r->op->outputs; i++) free(t.y[i]);
}

static void compute_expected(struct run *r) {
    gs__reference forward = reference_of(r, &r->forward, &r->expected);
    if (!r->op->self_gradient) memset(forward.dx, 0, sizeof forward.dx);
    r->op->ref_forward(&forward);
    if (r->backward.op) {
        gs__reference backward = reference_of(r, &r->backward, &r->expected);
        r->op->ref_backward(&backward);
    }
    if (!r->c->no_numeric) check_numeric(r);
    gs__epilogue_forward(&r->c->epilogue, &r->state, r->expected.y[0], r->expected.y_count[0]);
    if (r->stored)
        gs__epilogue_backward(&r->c->backward_epilogue, &r->state, r->expected.stored, r->expected.dx[0],
                              r->expected.x_count[0]);
}

// What the device makes of one tensor: compared with the reference, and with its first run.
static void check_tensor(struct run *r, gs__plan *plan, const char *name, uint32_t index, gs__value value,
                         const double *expected, uint64_t count, double **first) {
    if (!value) return;
    char what[320];
    snprintf(what, sizeof what, "%s: %s[%u]", r->title, name, index);
    double *found = malloc(count * sizeof *found);
    assert_non_null(found);
    op_read(plan, &r->error, value, found);
    op_compare(what, found, expected, count, r->c->relative > 0 ? r->c->relative : 1e-5,
               r->c->absolute > 0 ? r->c->absolute : 1e-6);
    if (*first && memcmp(*first, found, count * sizeof *found) != 0)
        fail_msg("%s: another result the second time", what);
    if (*first) free(found);
    else *first = found;
}

static void check_device(struct run *r, gs__gpu *gpu) {
    gs__plan *plan;
    double *first[GS__MAX_INPUTS + GS__MAX_OUTPUTS] = {0};
    op_expect_ok(&r->error, gs__plan_create(&r->error, &(gs__plan_params){.gpu = gpu, .graph = &r->graph}, &plan),
                 r->title);
    for (int repeat = 0; repeat < 2; repeat++) {
        op_expect_ok(&r->error, gs__plan_set_state(plan, &r->state), r->title);
        for (uint32_t i = 0; i < r->op->inputs; i++)
            if (r->x[i]) op_write(plan, &r->error, r->x[i], r->expected.x[i]);
        // Backward reads what forward stored, and `dy`; with an epilogue, forward's y is not what backward needs.
        for (uint32_t i = 0; i < r->op->outputs; i++)
            if (r->dy[i]) op_write(plan, &r->error, r->dy[i], r->expected.dy[i]);
        if (r->stored) op_write(plan, &r->error, r->stored, r->expected.stored);
        op_expect_ok(&r->error, op_run_step(plan), r->title);
        for (uint32_t i = 0; i < r->op->outputs; i++)
            if (!(r->c->own & 1u << i))
                check_tensor(r, plan, "y", i, r->y[i], r->expected.y[i], r->expected.y_count[i], &first[i]);
        for (uint32_t i = 0; i < r->op->inputs; i++)
            check_tensor(r, plan, "dx", i, r->dx[i], r->expected.dx[i], r->expected.x_count[i],
                         &first[GS__MAX_OUTPUTS + i]);
    }
    for (uint32_t i = 0; i < GS__MAX_INPUTS + GS__MAX_OUTPUTS; i++) free(first[i]);
    gs__plan_destroy(plan);
}

void op_check(void *state, const op_case *c) {
    op_fixture *f = state;
    struct run r = {.c = c, .op = gs__op_find(c->op), .seed = 1};
    if (!r.op) fail_msg("there is no op \"%s\"", c->op);
    char shapes[GS__MAX_INPUTS][96];
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) gs__shape_text(&c->x[i].shape, false, shapes[i], sizeof shapes[i]);
    snprintf(r.title, sizeof r.title, "%s x %s %s rows %u", c->op, shapes[0], r.op->inputs > 1 ? shapes[1] : "",
             c->rows);
    build(&r);
    r.forward = r.graph.nodes[0];
    add_gradients(&r);
    compute_expected(&r);
    char title[256];
    memcpy(title, r.title, sizeof title);
    for (int i = 0; i < 2; i++) {
        snprintf(r.title, sizeof r.title, "%.200s (%s kernels)", title, i == GS__KERNELS_GPU ? "GPU" : "CPU");
        check_device(&r, f->gpu[i]);
    }
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++) {
        free(r.expected.x[i]);
        free(r.expected.dx[i]);
    }
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS; i++) {
        free(r.expected.y[i]);
        free(r.expected.dy[i]);
    }
    free(r.expected.stored);
    gs__graph_deinit(&r.graph);
}
