// matmul_gradients: the gradients of several layers' kernels and biases at once, in one dispatch; on GPUs a second one
// adds up parts where the sums are long (plan/tile.h).
// Put into graphs by gs__graph_group_gradients in the place of matmul's backward nodes.
//   x_i (..., I_i), dy_i (..., O_i), M rows each -> dkernel_i = x_i^T dy_i (I_i, O_i), dbias_i = column sums of dy_i (O_i)
#include "op/attr.h"
#include "plan/gradients.h"
#include "plan/graph.h"
#include "plan/matrix.h"
#include "plan/product.h"
#include "plan/tile.h"
#include "shaders.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    const gs__matmul_gradients_attr *a = gs__node_attr(node, gs__matmul_gradients_attr);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < GS__GRADIENTS_MAX; i++) {
        y[2 * i].absent = y[2 * i + 1].absent = true;
        if (i >= a->count) continue;
        const gs__value_info *in = x[2 * i], *dy = x[2 * i + 1];
        uint64_t in_count = 0, dy_count = 0;
        if (!in || !dy || !in->shape.rank || !dy->shape.rank)
            return gs__fail(error, GS_ERR_ARGUMENT, "matmul_gradients: pair %u is missing", i);
        gs__shape_count(&in->shape, &in_count);
        gs__shape_count(&dy->shape, &dy_count);
        const int64_t features = in->shape.dim[in->shape.rank - 1], outputs = dy->shape.dim[dy->shape.rank - 1];
        if (i == 0) rows = in_count / (uint64_t)features;
        if (in_count != rows * (uint64_t)features || dy_count != rows * (uint64_t)outputs)
            return gs__fail(error, GS_ERR_ARGUMENT, "matmul_gradients: pair %u has not the rows of the first", i);
        y[2 * i].shape = (gs_shape){2, {features, outputs}};
        y[2 * i + 1].shape = (gs_shape){1, {outputs}};
        y[2 * i].absent = false;
        y[2 * i + 1].absent = a->no_bias >> i & 1u;
    }
    return a->count ? GS_OK : gs__fail(error, GS_ERR_ARGUMENT, "matmul_gradients: no pairs");
}

// --- CPU drivers: one dispatch --------------------------------------------------------------------------------------
struct push {
    uint32_t k;
    gs__gradient_product product[GS__GRADIENTS_MAX];
};
_Static_assert(sizeof(struct push) == sizeof(struct gs_push_matmul_gradients_cpu) &&
                   sizeof(struct push) == sizeof(struct gs_push_matmul_gradients_shuffle) &&
                   (int)GS_SPEC_MATMUL_GRADIENTS_CPU_ROWS == (int)GS__GRADIENT_SPEC_ROWS &&
                   (int)GS_SPEC_MATMUL_GRADIENTS_CPU_TAIL == (int)GS__GRADIENT_SPEC_TAIL &&
                   (int)GS_SPEC_MATMUL_GRADIENTS_CPU_ALIGNED == (int)GS__GRADIENT_SPEC_ALIGNED &&
                   (int)GS_SPEC_MATMUL_GRADIENTS_CPU_ANY_ROWS == (int)GS__GRADIENT_SPEC_ANY_ROWS,
               "the shader's interface");

static gs_status record_cpu(gs__recorder *recorder, const gs__gradients *g) {
    const bool shuffle = gs__recorder_shuffles(recorder, g->precision);
    struct push push = {.k = g->rows};
    gs__dispatch d =
        gs__dispatch_init(shuffle ? &gs__shader_matmul_gradients_shuffle : &gs__shader_matmul_gradients_cpu,
                          GS_SPEC_MATMUL_GRADIENTS_CPU_COUNT, &push, sizeof push);
    for (uint32_t i = 0; i < g->count; i++) {
        const struct gs__gradients_pair *pair = &g->pair[i];
        gs__gradient_product *p = &push.product[i];
        p->m = pair->i;
        p->n = pair->o;
        gs__bind(recorder, &d, 0, GS__READ, pair->x, &p->a);
        gs__bind(recorder, &d, 1, GS__READ, pair->dy, &p->b);
        gs__bind(recorder, &d, 2, GS__WRITE, pair->dkernel, &p->c);
        gs__bind(recorder, &d, 2, GS__WRITE, pair->dbias, &p->sums);
        if (!pair->dbias) p->sums = GS__NO_SUMS;
    }
    d.spec[GS__PRECISION_SPEC] = gs__precision_spec(g->precision, false, true);
    const uint32_t tiles = gs__gradient_tiles(&d, push.product, g->count, GS__GRADIENTS_MAX, g->rows);
    return gs__dispatch_record_1d(recorder, &d, tiles, 1);
}

// --- GPUs -----------------------------------------------------------------------------------------------------------
enum { WORDS_GPU = 6, WORDS_SUM = 4 };
_Static_assert((int)GS__MAX_PAIRS == (int)GS__GRADIENTS_MAX, "pairs of a node");
_Static_assert(sizeof(struct gs_push_matmul_gradients) == (4 + WORDS_GPU * GS__GRADIENTS_MAX) * sizeof(uint32_t) &&
                   sizeof(struct gs_push_matmul_gradients_sum) ==
                       (3 + WORDS_SUM * GS__GRADIENTS_MAX) * sizeof(uint32_t),
               "the shaders' products");

// The members of a product in the push constants.
enum { GPU_M, GPU_N, GPU_A, GPU_B, GPU_C, GPU_SUMS };
enum { SUM_COUNT, SUM_N, SUM_C, SUM_SUMS };

static uint32_t exponent(uint32_t size) {
    uint32_t e = 0;
    while (e < 31 && 1u << e < size) e++;
    return e;
}

static uint32_t padded(uint32_t count) {
    return (count + 3) / 4 * 4;
}

// Sizes of all products; where they lie in a part.
struct layout {
    uint32_t m[GS__GRADIENTS_MAX], n[GS__GRADIENTS_MAX], c[GS__GRADIENTS_MAX], sums[GS__GRADIENTS_MAX];
    uint32_t part; // elements
    gs__split split;
};

static struct layout layout_of(const gs__gpu_caps *caps, const gs__gradients *g) {
    struct layout l = {.part = 0};
    for (uint32_t i = 0; i < g->count; i++) {
        l.m[i] = g->pair[i].i;
        l.n[i] = g->pair[i].o;
        l.c[i] = l.part;
        l.part += padded(l.m[i] * l.n[i]);
        l.sums[i] = l.part;
        if (g->pair[i].dbias) l.part += padded(l.n[i]);
    }
    l.split = gs__split_of(caps, l.m, l.n, g->count, g->rows);
    return l;
}

gs_shape gs__gradients_scratch(const gs__gpu_caps *caps, const gs__gradients *g) {
    const struct layout l = layout_of(caps, g);
    return l.split.parts < 2 ? (gs_shape){0} : (gs_shape){2, {l.split.parts, l.part}};
}

// The reference in terms of the kernel's interface, for tuning: an element of the first product, or of the parts.
static gs__expected expect(const void *push_constants, const uint32_t *spec, const struct gs_state *state,
                           const float *const windows[GS__MAX_BINDINGS], uint64_t element) {
    const uint32_t *push = push_constants, *p = push + 4;
    uint64_t part = 0;
    if (spec[GS_SPEC_MATMUL_GRADIENTS_PARTS]) {
        part = element / push[3];
        element %= push[3];
        for (uint32_t i = 0; i < GS__GRADIENTS_MAX; i++)
            if (push[4 + i * WORDS_GPU + GPU_M] && element >= push[4 + i * WORDS_GPU + GPU_C])
                p = push + 4 + i * WORDS_GPU;
        element -= p[GPU_C];
    }
    const uint64_t n = p[GPU_N], row = element / n, column = element % n;
    const uint64_t begin = part * push[1], end = begin + push[1] < push[0] ? begin + push[1] : push[0];
    if (row >= p[GPU_M]) return (gs__expected){0, INFINITY}; // column sums, which tests compare, or padding
    const float *a = windows[0] + p[GPU_A], *b = windows[1] + p[GPU_B];
    double sum = 0, magnitude = 1;
    for (uint64_t k = begin; k < end; k++) {
        const double product = gs__narrow_a(spec[GS__PRECISION_SPEC], state, (double)a[k * p[GPU_M] + row]) *
                               gs__narrow_b(spec[GS__PRECISION_SPEC], state, (double)b[k * n + column]);
        sum += product;
        magnitude += fabs(product);
    }
    return (gs__expected){sum, 2e-6 * magnitude};
}

// Products first .. first + count - 1, of those that `l` is of.
static gs_status record_products(gs__recorder *recorder, const gs__gradients *g, const struct layout *l, uint32_t first,
                                 uint32_t count) {
    const bool parts = l->split.parts > 1;
    uint32_t push[4 + WORDS_GPU * GS__GRADIENTS_MAX] = {g->rows, l->split.steps, 0, l->part};
    gs__choice choice = {.expect = expect};
    gs__dispatch d = gs__dispatch_init(&gs__shader_matmul_gradients, GS_SPEC_MATMUL_GRADIENTS_COUNT, push, sizeof push);
    int used = snprintf(choice.key, sizeof choice.key, "gradients,gpu,k%u,p%u,%u", gs__size_class(g->rows),
                        l->split.parts, gs__precision_spec(g->precision, false, true));
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t *p = push + 4 + (i - first) * WORDS_GPU;
        const struct gs__gradients_pair *pair = &g->pair[i];
        p[GPU_M] = l->m[i];
        p[GPU_N] = l->n[i];
        p[GPU_C] = l->c[i];
        p[GPU_SUMS] = l->sums[i];
        gs__bind(recorder, &d, 0, GS__READ, pair->x, &p[GPU_A]);
        gs__bind(recorder, &d, 1, GS__READ, pair->dy, &p[GPU_B]);
        if (!parts) gs__bind(recorder, &d, 2, GS__WRITE, pair->dkernel, &p[GPU_C]);
        if (!parts) gs__bind(recorder, &d, 2, GS__WRITE, pair->dbias, &p[GPU_SUMS]);
        if (!pair->dbias) p[GPU_SUMS] = GS__NO_SUMS;
        choice.work += (uint64_t)l->m[i] * l->n[i] * g->rows;
        // Powers of two by their exponents, so that four products fit into the key.
        if (used > 0 && (size_t)used < sizeof choice.key)
            used += snprintf(choice.key + used, sizeof choice.key - (size_t)used, ",%ux%u%s", exponent(l->m[i]),
                             exponent(l->n[i]), l->n[i] % 4 ? "o" : "");
    }
    if (parts) gs__bind(recorder, &d, 2, GS__WRITE, g->scratch, &push[2]);
    gs__tile_ways(&choice, gs__recorder_caps(recorder), &gs__shader_matmul_gradients, GS_SPEC_MATMUL_GRADIENTS_COUNT,
                  l->m + first, l->n + first, count, l->split.parts);
    for (uint32_t i = 0; i < choice.way_count; i++)
        choice.ways[i].spec[GS__PRECISION_SPEC] = gs__precision_spec(g->precision, false, true);
    return gs__dispatch_record_choice(recorder, &d, &choice);
}

static gs_status record_sum(gs__recorder *recorder, const gs__gradients *g, const struct layout *l) {
    uint32_t push[3 + WORDS_SUM * GS__GRADIENTS_MAX] = {l->split.parts, l->part};
    gs__dispatch d =
        gs__dispatch_init(&gs__shader_matmul_gradients_sum, GS_SPEC_MATMUL_GRADIENTS_SUM_COUNT, push, sizeof push);
    gs__bind(recorder, &d, 0, GS__READ, g->scratch, &push[2]);
    for (uint32_t i = 0; i < g->count; i++) {
        uint32_t *p = push + 3 + i * WORDS_SUM;
        p[SUM_COUNT] = l->m[i] * l->n[i];
        p[SUM_N] = g->pair[i].dbias ? l->n[i] : 0;
        gs__bind(recorder, &d, 1, GS__WRITE, g->pair[i].dkernel, &p[SUM_C]);
        gs__bind(recorder, &d, 1, GS__WRITE, g->pair[i].dbias, &p[SUM_SUMS]);
    }
    return gs__dispatch_record_1d(recorder, &d, l->part / 4, gs__shader_matmul_gradients_sum.local_size[0]);
}

// Whether any of the products is one for matrix units: then each gets a dispatch of its own.
static bool take_matrices(gs__recorder *recorder, const gs__gradients *g) {
    bool take = false;
    for (uint32_t i = 0; i < g->count; i++)
        take = take || gs__matrix_takes(recorder, g->precision, g->pair[i].i, g->pair[i].o, g->rows);
    return take;
}

static gs_status record_each(gs__recorder *recorder, const gs__gradients *g) {
    gs_status status = GS_OK;
    for (uint32_t i = 0; i < g->count && status == GS_OK; i++) {
        const struct gs__gradients_pair *p = &g->pair[i];
        status = gs__product_record_gradients(recorder, p->x, p->dy, g->rows, p->i, p->o, p->dkernel, p->dbias,
                                              g->precision);
    }
    return status;
}

gs_status gs__gradients_record(gs__recorder *recorder, const gs__gradients *g) {
    gs_status status = GS_OK;
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    struct layout l = layout_of(caps, g);
    if (l.split.parts < 2 && take_matrices(recorder, g)) return record_each(recorder, g);
    if (!g->scratch) l.split = (gs__split){1, g->rows};
    // All x stand behind one binding, and all dy.
    const bool together = gs__storage_fits_binding(recorder, gs__recorder_value(recorder, g->pair[0].x)->storage);
    for (uint32_t i = 0; i < g->count; i += together ? g->count : 1)
        GS_TRY(record_products(recorder, g, &l, i, together ? g->count : 1));
    if (l.split.parts > 1) GS_TRY(record_sum(recorder, g, &l));
fail:
    return status;
}

// --- the op ---------------------------------------------------------------------------------------------------------
static gs__gradients gradients_of(const gs__graph *graph, const gs__node *node) {
    gs__gradients g = {.count = gs__node_attr(node, gs__matmul_gradients_attr)->count,
                       .scratch = node->scratch[0],
                       .precision = node->precision};
    for (uint32_t i = 0; i < g.count; i++) {
        const gs_shape *kernel = &graph->values[node->y[2 * i]].shape;
        g.pair[i] = (struct gs__gradients_pair){(uint32_t)kernel->dim[0], (uint32_t)kernel->dim[1], node->x[2 * i],
                                                node->x[2 * i + 1],       node->y[2 * i],           node->y[2 * i + 1]};
        g.rows = (uint32_t)(gs__graph_count(graph, node->x[2 * i]) / (uint64_t)kernel->dim[0]);
    }
    return g;
}

static void scratch(const gs__graph *graph, const gs__gpu_caps *caps, const gs__node *node,
                    gs_shape shapes[GS__MAX_SCRATCH]) {
    const gs__gradients g = gradients_of(graph, node);
    shapes[0] = gs__gradients_scratch(caps, &g);
}

static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs__gradients g = gradients_of(gs__recorder_graph(recorder), node);
    bool texels = true;
    if (gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_GPU) return gs__gradients_record(recorder, &g);
    for (uint32_t i = 0; i < 2 * g.count; i++)
        texels = texels && gs__storage_fits_texels(recorder, gs__recorder_value(recorder, node->x[i])->storage);
    return texels ? record_cpu(recorder, &g) : record_each(recorder, &g);
}

static void ref_forward(const gs__reference *r) {
    for (uint32_t p = 0; p < gs__node_attr(r->node, gs__matmul_gradients_attr)->count; p++) {
        const uint64_t m = (uint64_t)r->y_shape[2 * p].dim[0], n = (uint64_t)r->y_shape[2 * p].dim[1];
        uint64_t count = 0;
        gs__shape_count(&r->x_shape[2 * p], &count);
        for (uint64_t i = 0; i < m; i++)
            for (uint64_t o = 0; o < n; o++) {
                double sum = 0;
                for (uint64_t row = 0; row < count / m; row++)
                    sum += gs__narrow(r->node->precision, r->x[2 * p][row * m + i]) *
                           gs__narrow_gradient(r->node->precision, r->state, r->x[2 * p + 1][row * n + o]);
                r->y[2 * p][i * n + o] = sum;
            }
        for (uint64_t o = 0; r->y[2 * p + 1] && o < n; o++) {
            double sum = 0;
            for (uint64_t row = 0; row < count / m; row++)
                sum += gs__narrow_gradient(r->node->precision, r->state, r->x[2 * p + 1][row * n + o]);
            r->y[2 * p + 1][o] = sum;
        }
    }
}

const gs_op gs__op_matmul_gradients = {
    .name = "matmul_gradients",
    .inputs = 2 * GS__GRADIENTS_MAX,
    .outputs = 2 * GS__GRADIENTS_MAX,
    .optional = 0xFC, // all pairs but the first
    .attr_bytes = sizeof(gs__matmul_gradients_attr),
    .shape = shape,
    .scratch = scratch,
    .forward = forward,
    .ref_forward = ref_forward,
};
