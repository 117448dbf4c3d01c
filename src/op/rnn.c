// rnn: SimpleRNN, LSTM and GRU over time, as Keras: the recurrent part. p = before * kernel (+ recurrent bias)
//   SIMPLE  h = act(z + p)
//   LSTM    i, f, g, o = ract, ract, act, ract of z + p;   c = f c' + i g;   h = o act(c)
//   GRU     u, r = ract(z + p), n = act(z + r p);   h = u before + (1 - u) n       (reset_after)
//   z (B, T, G U), kernel (U, G U), bias (G U) -> y[0] = h (B, T, U). Where `backwards`, time runs from the last to the
//   first; results stay at the place of their input.
// y[1] = gates and states of each step, y[2] = what each step began with (B, T, U), y[3] = a carry (B, U), y[4] = GRU's
// gradients of p (B, T, G U): saved, or the kernels' own. dx through time step by step; dkernel and dbias then as the
// gradients of one product over all steps.
#include "op/attr.h"
#include "plan/product.h"
#include "shaders.h"

enum { KERNEL = 1, BIAS = 2, SAVED = 1, BEFORE = 2, CARRY = 3, PRODUCTS = 4 };

static int64_t gates_of(gs__rnn_kind kind) {
    return kind == GS__RNN_LSTM ? 4 : kind == GS__RNN_GRU ? 3 : 1;
}

static int64_t saved_of(gs__rnn_kind kind) {
    return kind == GS__RNN_LSTM ? 5 : 4;
}

static bool takes(gs_activation activation) {
    return !gs__activation_grad_needs_x(activation) && activation != GS_ACTIVATION_SOFTMAX;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__rnn_attr *a = gs__node_attr(node, gs__rnn_attr);
    const gs_shape *z = &x[0]->shape, *kernel = &x[KERNEL]->shape;
    const int64_t gates = gates_of(a->kind);
    char first[128], second[128];
    if (!takes(a->activation) || !takes(a->recurrent_activation))
        return gs__fail(error, GS_ERR_ARGUMENT, "rnn: gelu, silu and softmax are no activations of recurrent layers");
    if (z->rank != 3 || kernel->rank != 2 || kernel->dim[1] != gates * kernel->dim[0] || z->dim[2] != kernel->dim[1])
        return gs__fail(error, GS_ERR_ARGUMENT, "rnn: input %s and kernel %s do not fit %lld gates",
                        gs__shape_text(z, true, first, sizeof first),
                        gs__shape_text(kernel, false, second, sizeof second), (long long)gates);
    if (x[BIAS] && (a->kind != GS__RNN_GRU || x[BIAS]->shape.rank != 1 || x[BIAS]->shape.dim[0] != kernel->dim[1]))
        return gs__fail(error, GS_ERR_ARGUMENT, "rnn: a recurrent bias is GRU's, of %lld elements",
                        (long long)kernel->dim[1]);
    for (uint32_t i = 0; i < 3; i++)
        if (x[i] && x[i]->dtype != GS_F32)
            return gs__fail(error, GS_ERR_ARGUMENT, "rnn: input %u is %s but must be float32", i,
                            gs__dtype_name(x[i]->dtype));
    const int64_t units = kernel->dim[0];
    y[0].shape = (gs_shape){3, {z->dim[0], z->dim[1], units}};
    y[SAVED].shape = (gs_shape){3, {z->dim[0], z->dim[1], saved_of(a->kind) * units}};
    y[SAVED].absent = a->kind == GS__RNN_SIMPLE;
    y[BEFORE].shape = y[0].shape;
    y[CARRY].shape = (gs_shape){2, {z->dim[0], units}};
    y[CARRY].absent = a->kind == GS__RNN_SIMPLE;
    y[PRODUCTS].shape = *z;
    y[PRODUCTS].absent = a->kind != GS__RNN_GRU;
    return GS_OK;
}

// The time of step `step`, counted as it runs; outside: none.
static uint32_t time_of(const gs__rnn_attr *a, uint32_t step, uint32_t times) {
    if (step >= times) return UINT32_MAX; // -1 too
    return a->backwards ? times - 1 - step : step;
}

static uint32_t local_size(const gs__recorder *recorder) {
    return gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU ? 8 : 64;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__rnn_attr *a = gs__node_attr(node, gs__rnn_attr);
    const gs_shape *y = &gs__recorder_value(recorder, node->y[0])->shape;
    struct gs_push_rnn_step push = {
        .batch = (uint32_t)y->dim[0], .times = (uint32_t)y->dim[1], .units = (uint32_t)y->dim[2]};
    for (uint32_t step = 0; step < push.times; step++) {
        push.time = time_of(a, step, push.times);
        push.last_time = time_of(a, step - 1, push.times);
        push.next_time = time_of(a, step + 1, push.times);
        gs__dispatch d = gs__dispatch_init(&gs__shader_rnn_step, GS_SPEC_RNN_STEP_COUNT, &push, sizeof push);
        d.spec[GS_SPEC_RNN_STEP_LOCAL_SIZE_X] = local_size(recorder);
        d.spec[GS_SPEC_RNN_STEP_KIND] = (uint32_t)a->kind;
        d.spec[GS_SPEC_RNN_STEP_ACTIVATION] = (uint32_t)a->activation;
        d.spec[GS_SPEC_RNN_STEP_RECURRENT_ACTIVATION] = (uint32_t)a->recurrent_activation;
        d.spec[GS_SPEC_RNN_STEP_HAS_BIAS] = node->x[BIAS] != 0;
        gs__bind(recorder, &d, 0, GS__READ, node->x[0], &push.z);
        gs__bind(recorder, &d, 0, GS__READ, node->x[BIAS], &push.bias);
        gs__bind(recorder, &d, 1, GS__READ, node->x[KERNEL], &push.kernel);
        gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, node->y[0], &push.y);
        gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, node->y[BEFORE], &push.before);
        // A binding that is written and has no tensor would be the State's.
        const gs__value saved = node->y[SAVED] ? node->y[SAVED] : node->y[BEFORE];
        gs__bind(recorder, &d, 3, GS__READ | GS__WRITE, saved, &push.saved);
        const uint64_t items = (uint64_t)(push.batch + 3) / 4 * push.units;
        gs_status status = gs__dispatch_record_1d(recorder, &d, items, local_size(recorder));
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static gs_status record_steps(gs__recorder *recorder, const gs__node *node, struct gs_push_rnn_step_backward *push) {
    const gs__rnn_attr *a = gs__node_attr(node, gs__rnn_attr);
    for (uint32_t step = push->times; step-- > 0;) {
        push->time = time_of(a, step, push->times);
        push->last_time = time_of(a, step - 1, push->times);
        push->next_time = time_of(a, step + 1, push->times);
        gs__dispatch d =
            gs__dispatch_init(&gs__shader_rnn_step_backward, GS_SPEC_RNN_STEP_BACKWARD_COUNT, push, sizeof *push);
        d.spec[GS_SPEC_RNN_STEP_BACKWARD_LOCAL_SIZE_X] = local_size(recorder);
        d.spec[GS_SPEC_RNN_STEP_BACKWARD_KIND] = (uint32_t)a->kind;
        d.spec[GS_SPEC_RNN_STEP_BACKWARD_ACTIVATION] = (uint32_t)a->activation;
        d.spec[GS_SPEC_RNN_STEP_BACKWARD_RECURRENT_ACTIVATION] = (uint32_t)a->recurrent_activation;
        gs__bind(recorder, &d, 0, GS__READ, node->x[KERNEL], &push->kernel);
        gs__bind(recorder, &d, 1, GS__READ, node->dy[0], &push->dy);
        gs__bind(recorder, &d, 1, GS__READ, node->y[BEFORE], &push->before);
        gs__bind(recorder, &d, 2, GS__READ, node->y[SAVED] ? node->y[SAVED] : node->y[0], &push->saved);
        gs__bind(recorder, &d, 3, GS__READ | GS__WRITE, node->dx[0], &push->dz);
        gs__bind(recorder, &d, 3, GS__READ | GS__WRITE, node->y[CARRY], &push->carry);
        gs__bind(recorder, &d, 3, GS__READ | GS__WRITE, node->y[PRODUCTS], &push->products);
        const uint64_t items = (uint64_t)(push->batch + 3) / 4 * push->units;
        gs_status status = gs__dispatch_record_1d(recorder, &d, items, local_size(recorder));
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    const gs_shape *y = &gs__recorder_value(recorder, node->y[0])->shape;
    struct gs_push_rnn_step_backward push = {
        .batch = (uint32_t)y->dim[0], .times = (uint32_t)y->dim[1], .units = (uint32_t)y->dim[2]};
    if (!node->dx[0])
        return gs__fail(gs__recorder_error(recorder), GS_ERR_INTERNAL,
                        "rnn: the gradient of its input is not asked for");
    gs_status status = record_steps(recorder, node, &push);
    if (status != GS_OK) return status;
    const gs__value products = node->y[PRODUCTS] ? node->y[PRODUCTS] : node->dx[0];
    const uint32_t rows = push.batch * push.times;
    return gs__product_record_gradients(recorder, node->y[BEFORE], products, rows, push.units,
                                        gs__value_count(recorder, products) / rows, node->dx[KERNEL], node->dx[BIAS],
                                        GS_PRECISION_FLOAT32);
}

// --- reference ------------------------------------------------------------------------------------------------------
struct sizes {
    uint64_t batch, times, units, gates, saved;
};

static struct sizes sizes_of(const gs__reference *r) {
    const gs__rnn_attr *a = gs__node_attr(r->node, gs__rnn_attr);
    const gs_shape *y = &r->y_shape[0];
    return (struct sizes){(uint64_t)y->dim[0], (uint64_t)y->dim[1], (uint64_t)y->dim[2], (uint64_t)gates_of(a->kind),
                          (uint64_t)saved_of(a->kind)};
}

// p of one gate and unit.
static double product_of(const gs__reference *r, const struct sizes *s, const double *before, uint64_t column) {
    double sum = r->x[BIAS] ? r->x[BIAS][column] : 0;
    for (uint64_t k = 0; k < s->units; k++) sum += before[k] * r->x[KERNEL][k * s->gates * s->units + column];
    return sum;
}

static void ref_forward(const gs__reference *r) {
    const gs__rnn_attr *a = gs__node_attr(r->node, gs__rnn_attr);
    const struct sizes s = sizes_of(r);
    for (uint64_t b = 0; b < s.batch; b++)
        for (uint32_t step = 0; step < s.times; step++) {
            const uint32_t last = time_of(a, step - 1, (uint32_t)s.times);
            const uint64_t at = b * s.times + time_of(a, step, (uint32_t)s.times), from = b * s.times + last;
            double *before = r->y[BEFORE] + at * s.units;
            for (uint64_t u = 0; u < s.units; u++) before[u] = step ? r->y[0][from * s.units + u] : 0;
            for (uint64_t u = 0; u < s.units; u++) {
                double z[4] = {0}, p[4] = {0}, h, *saved = a->kind ? r->y[SAVED] + at * s.saved * s.units + u : NULL;
                for (uint64_t g = 0; g < s.gates; g++) {
                    z[g] = r->x[0][(at * s.gates + g) * s.units + u];
                    p[g] = product_of(r, &s, before, g * s.units + u);
                }
                if (a->kind == GS__RNN_LSTM) {
                    const double i = gs__activate(a->recurrent_activation, z[0] + p[0], 0);
                    const double f = gs__activate(a->recurrent_activation, z[1] + p[1], 0);
                    const double g = gs__activate(a->activation, z[2] + p[2], 0);
                    const double o = gs__activate(a->recurrent_activation, z[3] + p[3], 0);
                    const double c = i * g + (step ? f * r->y[SAVED][(from * s.saved + 4) * s.units + u] : 0);
                    const double kept[5] = {i, f, g, o, c};
                    for (int k = 0; k < 5; k++) saved[(uint64_t)k * s.units] = kept[k];
                    h = o * gs__activate(a->activation, c, 0);
                } else if (a->kind == GS__RNN_GRU) {
                    const double update = gs__activate(a->recurrent_activation, z[0] + p[0], 0);
                    const double reset = gs__activate(a->recurrent_activation, z[1] + p[1], 0);
                    const double n = gs__activate(a->activation, z[2] + reset * p[2], 0);
                    const double kept[4] = {update, reset, n, p[2]};
                    for (int k = 0; k < 4; k++) saved[(uint64_t)k * s.units] = kept[k];
                    h = update * before[u] + (1 - update) * n;
                } else {
                    h = gs__activate(a->activation, z[0] + p[0], 0);
                }
                r->y[0][at * s.units + u] = h;
            }
        }
}

// Gradients of z and of p of one unit, from that of h; *carry passes to the step before.
static void ref_cell(const gs__reference *r, const struct sizes *s, uint64_t at, uint64_t last, uint64_t u, double dh,
                     double *carry, double *dz, double *dp) {
    const gs__rnn_attr *a = gs__node_attr(r->node, gs__rnn_attr);
    const double *saved = a->kind ? r->y[SAVED] + at * s->saved * s->units + u : NULL;
    double v[5] = {0};
    for (uint64_t k = 0; saved && k < s->saved; k++) v[k] = saved[k * s->units];
#define SLOPE(value)           gs__activate_grad(a->activation, 0, value, 0)
#define RECURRENT_SLOPE(value) gs__activate_grad(a->recurrent_activation, 0, value, 0)
    if (a->kind == GS__RNN_LSTM) {
        const double c = gs__activate(a->activation, v[4], 0);
        const double old = last == UINT64_MAX ? 0 : r->y[SAVED][(last * s->saved + 4) * s->units + u];
        const double dc = dh * v[3] * SLOPE(c) + *carry;
        dz[0] = dc * v[2] * RECURRENT_SLOPE(v[0]);
        dz[1] = dc * old * RECURRENT_SLOPE(v[1]);
        dz[2] = dc * v[0] * SLOPE(v[2]);
        dz[3] = dh * c * RECURRENT_SLOPE(v[3]);
        *carry = dc * v[1];
        for (int g = 0; g < 4; g++) dp[g] = dz[g];
    } else if (a->kind == GS__RNN_GRU) {
        const double all = dh + *carry, old = r->y[BEFORE][at * s->units + u];
        dz[2] = all * (1 - v[0]) * SLOPE(v[2]);
        dz[0] = dp[0] = all * (old - v[2]) * RECURRENT_SLOPE(v[0]);
        dz[1] = dp[1] = dz[2] * v[3] * RECURRENT_SLOPE(v[1]);
        dp[2] = dz[2] * v[1];
        *carry = all * v[0];
    } else {
        dz[0] = dp[0] = dh * SLOPE(r->y[0][at * s->units + u]);
    }
#undef SLOPE
#undef RECURRENT_SLOPE
}

static void ref_kernel(const gs__reference *r, const struct sizes *s, const double *dp) {
    const uint64_t columns = s->gates * s->units, rows = s->batch * s->times;
    for (uint64_t c = 0; c < columns; c++) {
        for (uint64_t k = 0; r->dx[KERNEL] && k < s->units; k++) {
            double sum = 0;
            for (uint64_t i = 0; i < rows; i++) sum += r->y[BEFORE][i * s->units + k] * dp[i * columns + c];
            r->dx[KERNEL][k * columns + c] = sum;
        }
        if (!r->dx[BIAS]) continue;
        r->dx[BIAS][c] = 0;
        for (uint64_t i = 0; i < rows; i++) r->dx[BIAS][c] += dp[i * columns + c];
    }
}

static void ref_backward(const gs__reference *r) {
    const gs__rnn_attr *a = gs__node_attr(r->node, gs__rnn_attr);
    const struct sizes s = sizes_of(r);
    const uint64_t columns = s.gates * s.units;
    double *dp = a->kind == GS__RNN_GRU ? r->y[PRODUCTS] : r->dx[0];
    for (uint64_t b = 0; b < s.batch; b++)
        for (uint32_t step = (uint32_t)s.times; step-- > 0;) {
            const uint32_t last = time_of(a, step - 1, (uint32_t)s.times);
            const uint64_t at = b * s.times + time_of(a, step, (uint32_t)s.times);
            const uint64_t next = b * s.times + time_of(a, step + 1, (uint32_t)s.times);
            for (uint64_t u = 0; u < s.units; u++) {
                double dh = r->dy[0][at * s.units + u], carry = 0, dz[4] = {0}, own[4] = {0};
                if (step + 1 < s.times) {
                    for (uint64_t c = 0; c < columns; c++) dh += dp[next * columns + c] * r->x[KERNEL][u * columns + c];
                    if (a->kind) carry = r->y[CARRY][b * s.units + u];
                }
                ref_cell(r, &s, at, last == UINT32_MAX ? UINT64_MAX : b * s.times + last, u, dh, &carry, dz, own);
                for (uint64_t g = 0; g < s.gates; g++) {
                    r->dx[0][at * columns + g * s.units + u] = dz[g];
                    dp[at * columns + g * s.units + u] = own[g];
                }
                if (a->kind) r->y[CARRY][b * s.units + u] = carry;
            }
        }
    ref_kernel(r, &s, dp);
}

const gs_op gs__op_rnn = {
    .name = "rnn",
    .inputs = 3,
    .outputs = 5,
    .optional = 1u << BIAS,
    .attr_bytes = sizeof(gs__rnn_attr),
    .needs_x = 1u << KERNEL,
    .needs_y = 31,
    .differentiable = 7,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
