// matmul_adam: matmul_gradients and adam at once, for all parameters of up to GS__ADAM_MAX layers. The gradients are used
// where they are made and never stored. Put into graphs by gs__graph_fuse_for, for CPU drivers only.
//   x_i (..., I_i), dy_i (..., O_i), M rows each; parameters (P), slots m and v (2 P)  ->  parameters, slots, in place
#include "op/attr.h"
#include "plan/gradients.h"
#include "plan/update.h"
#include "shaders.h"
#include "state.h"
#include "tensor/shape.h"

struct push {
    uint32_t k;
    gs__gradient_product product[GS__ADAM_MAX];
    uint32_t parameters, slots;
    uint32_t tick_row_stride;
    uint32_t tick_sum0, tick_sum1, tick_sum2, tick_sum3, tick_sum4, tick_sum5, tick_sum6;
};
_Static_assert(sizeof(struct push) == sizeof(struct gs_push_matmul_adam_cpu) &&
                   sizeof(struct push) == sizeof(struct gs_push_matmul_adam_shuffle) &&
                   (int)GS_SPEC_MATMUL_ADAM_CPU_ROWS == (int)GS__GRADIENT_SPEC_ROWS &&
                   (int)GS_SPEC_MATMUL_ADAM_CPU_TAIL == (int)GS__GRADIENT_SPEC_TAIL &&
                   (int)GS_SPEC_MATMUL_ADAM_CPU_ALIGNED == (int)GS__GRADIENT_SPEC_ALIGNED &&
                   (int)GS_SPEC_MATMUL_ADAM_CPU_ANY_ROWS == (int)GS__GRADIENT_SPEC_ANY_ROWS,
               "the shader's interface");

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__value_info *const update[3] = {x[GS__ADAM_PARAMETERS], NULL, x[GS__ADAM_SLOTS]};
    (void)node;
    if (!update[0] || !update[2])
        return gs__fail(error, GS_ERR_INTERNAL, "op matmul_adam: parameters or slots are missing");
    y[0].shape = update[0]->shape;
    y[0].storage = update[0]->storage;
    y[1].shape = update[2]->shape;
    y[1].storage = update[2]->storage;
    return GS_OK;
}

// Sizes of the product of x (..., m) and dy (..., n); returns the rows.
static uint32_t size(const gs__recorder *recorder, gs__value x, gs__value dy, gs__gradient_product *product) {
    const gs_shape *in = &gs__recorder_value(recorder, x)->shape, *out = &gs__recorder_value(recorder, dy)->shape;
    product->m = (uint32_t)in->dim[in->rank - 1];
    product->n = (uint32_t)out->dim[out->rank - 1];
    return gs__value_count(recorder, x) / product->m;
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__matmul_adam_attr *attr = gs__node_attr(node, gs__matmul_adam_attr);
    struct push push = {0};
    gs__dispatch d =
        gs__dispatch_init(gs__recorder_shuffles(recorder, node->precision) ? &gs__shader_matmul_adam_shuffle
                                                                           : &gs__shader_matmul_adam_cpu,
                          GS_SPEC_MATMUL_ADAM_CPU_COUNT, &push, sizeof push);
    for (uint32_t i = 0; i < attr->count; i++) {
        gs__gradient_product *p = &push.product[i];
        push.k = size(recorder, node->x[2 * i], node->x[2 * i + 1], p);
        gs__bind(recorder, &d, 0, GS__READ, node->x[2 * i], &p->a);
        gs__bind(recorder, &d, 0, GS__READ, node->x[2 * i + 1], &p->b);
        p->c = attr->kernel[i];
        p->sums = attr->bias[i];
    }
    gs__bind(recorder, &d, 1, GS__READ | GS__WRITE, node->x[GS__ADAM_PARAMETERS], &push.parameters);
    gs__bind(recorder, &d, 2, GS__READ | GS__WRITE, node->x[GS__ADAM_SLOTS], &push.slots);
    gs__bind_state(recorder, &d, 3, GS__READ | GS__WRITE);
    if (attr->tick.row_stride) GS__TICK_PUSH(push, &attr->tick);
    d.spec[GS_SPEC_MATMUL_ADAM_CPU_PAPER_EPSILON] = attr->paper_epsilon;
    const uint32_t tiles = gs__gradient_tiles(&d, push.product, attr->count, GS__ADAM_MAX, push.k);
    return gs__dispatch_record_1d(recorder, &d, tiles, 1);
}

static void ref_update(const gs__reference *r, uint64_t i, double g) {
    double slots[2] = {r->y[1][gs__update_slot(i, 0, 2)], r->y[1][gs__update_slot(i, 1, 2)]};
    r->y[0][i] = gs__adam_reference(r->state, gs__node_attr(r->node, gs__matmul_adam_attr)->paper_epsilon,
                                    gs__update_decayed(r->state, r->y[0][i]), g, slots);
    for (uint32_t s = 0; s < 2; s++) r->y[1][gs__update_slot(i, s, 2)] = slots[s];
}

static void ref_forward(const gs__reference *r) {
    const gs__matmul_adam_attr *attr = gs__node_attr(r->node, gs__matmul_adam_attr);
    for (uint32_t p = 0; p < attr->count; p++) {
        const gs_shape *in = &r->x_shape[2 * p], *out = &r->x_shape[2 * p + 1];
        const uint64_t m = (uint64_t)in->dim[in->rank - 1], n = (uint64_t)out->dim[out->rank - 1];
        uint64_t count = 0;
        gs__shape_count(in, &count);
        for (uint64_t o = 0; o < n; o++) {
            double sums = 0;
            for (uint64_t i = 0; i < m; i++) {
                double sum = 0;
                for (uint64_t row = 0; row < count / m; row++)
                    sum += r->x[2 * p][row * m + i] * r->x[2 * p + 1][row * n + o];
                ref_update(r, attr->kernel[p] + i * n + o, sum);
            }
            for (uint64_t row = 0; row < count / m; row++) sums += r->x[2 * p + 1][row * n + o];
            if (attr->bias[p] != GS__NO_SUMS) ref_update(r, attr->bias[p] + o, sums);
        }
    }
}

const gs_op gs__op_matmul_adam = {
    .name = "matmul_adam",
    .inputs = 2 * GS__ADAM_MAX + 2,
    .outputs = 2,
    .optional = 0x3C, // all pairs but the first
    .attr_bytes = sizeof(gs__matmul_adam_attr),
    .has_side_effect = true,
    .shape = shape,
    .forward = forward,
    .ref_forward = ref_forward,
};
