// matmul: y = x kernel + bias, over the last axis of x.
//   x (..., I), kernel (I, O), bias (O), may be absent -> y (..., O).   M: product of the leading dimensions.
//   dx = dy kernel^T (M, I),  dkernel = x^T dy (I, O),  dbias = column sums of dy (O).   Saves: x, kernel.
// In mixed precision x, kernel and dy are rounded to 16 bits, also for dbias.
// All three are C (m, n) = A (m, k) B (k, n) with A or B read as its transpose. The column sums come from the kernel that
// makes dkernel, which reads all of dy anyhow. Two families of kernels: shaders/matmul.comp, shaders/matmul_cpu.comp.
#include "plan/graph.h"
#include "plan/matrix.h"
#include "plan/place.h"
#include "plan/product.h"
#include "plan/record.h"
#include "plan/tile.h"
#include "plan/tune.h"
#include "shaders.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>

static bool is_float(gs__error *error, const gs__value_info *x, const char *what, gs_status *status) {
    if (x->dtype == GS_F32) return true;
    *status = gs__fail(error, GS_ERR_ARGUMENT, "%s is %s but must be float32", what, gs__dtype_name(x->dtype));
    return false;
}

static gs_status shape(gs__error *error, const gs__node *node, const gs__value_info *const *x, gs__value_info *y) {
    (void)node;
    gs_status status = GS_OK;
    const gs_shape *in = &x[0]->shape, *kernel = &x[1]->shape;
    char text[96];
    if (!is_float(error, x[0], "input", &status) || !is_float(error, x[1], "kernel", &status)) return status;
    if (x[2] && !is_float(error, x[2], "bias", &status)) return status;
    if (in->rank < 1)
        return gs__fail(error, GS_ERR_ARGUMENT, "input is a scalar but must have at least one dimension: its features");
    if (kernel->rank != 2)
        return gs__fail(error, GS_ERR_ARGUMENT, "kernel has shape %s but must be (input features, output features)",
                        gs__shape_text(kernel, false, text, sizeof text));
    const int64_t features = in->dim[in->rank - 1];
    if (features != kernel->dim[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "input has %lld features but the kernel expects %lld",
                        (long long)features, (long long)kernel->dim[0]);
    if (x[2] && (x[2]->shape.rank != 1 || x[2]->shape.dim[0] != kernel->dim[1]))
        return gs__fail(error, GS_ERR_ARGUMENT, "bias has shape %s but the kernel makes %lld features",
                        gs__shape_text(&x[2]->shape, false, text, sizeof text), (long long)kernel->dim[1]);
    y[0].shape = *in;
    y[0].shape.dim[in->rank - 1] = kernel->dim[1];
    y[0].dtype = GS_F32;
    return GS_OK;
}

static uint32_t divide_up(uint32_t a, uint32_t b) {
    return a / b + (a % b != 0);
}

// The push constants of all three kernels are those of shaders/include/matmul.glsl.
_Static_assert(sizeof(struct gs_push_matmul) == sizeof(struct gs_push_matmul_cpu) &&
                   sizeof(struct gs_push_matmul) == sizeof(struct gs_push_matmul_shuffle),
               "push constants");

// The reference in terms of the kernels' interface, for tuning.
static gs__expected expect(const void *push_constants, const uint32_t *spec, const struct gs_state *state,
                           const float *const windows[GS__MAX_BINDINGS], uint64_t element) {
    const struct gs_push_matmul *push = push_constants;
    const float *a = windows[0] + push->a, *b = windows[1] + push->b, *extra = windows[3] + push->extra;
    const bool parts = push->steps < push->k;
    const uint64_t count = (uint64_t)push->m * push->n, part = parts ? element / ((count + 3) / 4 * 4) : 0;
    const uint64_t begin = part * push->steps, end = begin + push->steps < push->k ? begin + push->steps : push->k;
    element -= part * ((count + 3) / 4 * 4);
    if (element >= count) return (gs__expected){0, INFINITY}; // between two parts
    const uint64_t row = element / push->n, column = element % push->n;
    double sum = 0, magnitude = 1;
    for (uint64_t k = begin; k < end; k++) {
        const float x = a[spec[GS_SPEC_MATMUL_TRANS_A] ? k * push->m + row : row * push->k + k];
        const float y = b[spec[GS_SPEC_MATMUL_TRANS_B] ? column * push->k + k : k * push->n + column];
        const double product = gs__narrow_a(spec[GS__PRECISION_SPEC], state, (double)x) *
                               gs__narrow_b(spec[GS__PRECISION_SPEC], state, (double)y);
        sum += product;
        magnitude += fabs(product);
    }
    if (spec[GS_SPEC_MATMUL_EXTRA] == GS__PRODUCT_BIAS) sum += (double)extra[column];
    const gs__epilogue_values values = GS__EPILOGUE_VALUES(push);
    const uint32_t *epilogue = spec + GS__EPILOGUE_SPEC;
    const double y = epilogue[0] == 2 ? (double)extra[element] : 0;
    const double value = gs__epilogue_element(epilogue, &values, state, sum, y, element);
    // Of a sum in float, and of an activation's approximations.
    const double slope = fmax(1, fabs((double)values.alpha)) * (double)values.scale;
    return (gs__expected){value, 2e-6 * magnitude * slope + 1e-4 * fabs(value)};
}

static gs_status record(gs__recorder *recorder, gs__dispatch *d, const gs__product *p, const gs__split *split,
                        gs__choice *choice) {
    struct gs_push_matmul *push = d->push;
    *push = (struct gs_push_matmul){.m = p->m, .n = p->n, .k = p->k, .steps = split->steps};
    GS__EPILOGUE_PUSH(*push, &p->epilogue);
    for (uint32_t i = 0; i < choice->way_count; i++) {
        uint32_t *spec = choice->ways[i].spec;
        spec[GS_SPEC_MATMUL_TRANS_A] = p->trans_a;
        spec[GS_SPEC_MATMUL_TRANS_B] = p->trans_b;
        spec[GS_SPEC_MATMUL_EXTRA] = p->extra;
        gs__epilogue_spec(&p->epilogue, p->backward, spec + GS__EPILOGUE_SPEC);
        spec[GS__PRECISION_SPEC] = gs__precision_spec(p->precision, p->gradient_a, p->gradient_b);
    }
    snprintf(choice->key, sizeof choice->key, "matmul,%s,%c%c%d,m%u,n%u,k%u,%u%u%u,e%u,p%u,%u",
             choice->unproven                               ? "coop"
             : choice->ways[0].shader == &gs__shader_matmul ? "gpu"
                                                            : "cpu",
             p->trans_a ? 't' : 'n', p->trans_b ? 't' : 'n', (int)p->extra, gs__size_class(p->m), gs__size_class(p->n),
             gs__size_class(p->k), p->m % 4 == 0, p->n % 4 == 0, p->k % 4 == 0, choice->ways[0].spec[GS__EPILOGUE_SPEC],
             split->parts, choice->ways[0].spec[GS__PRECISION_SPEC]);
    choice->work = (uint64_t)p->m * p->n * p->k;
    choice->expect = expect;
    if (p->extra == GS__PRODUCT_ONLY_SUMS) choice->way_count = 1;
    gs__bind(recorder, d, 0, GS__READ, p->a, &push->a);
    gs__bind(recorder, d, 1, GS__READ, p->b, &push->b);
    gs__bind(recorder, d, 2, GS__WRITE, p->c, &push->c);
    gs__bind(recorder, d, 2, GS__WRITE, p->sums, &push->sums);
    gs__bind(recorder, d, 3, GS__READ, p->extra == GS__PRODUCT_BIAS ? p->bias : p->epilogue_y, &push->extra);
    return gs__dispatch_record_choice(recorder, d, choice);
}

// --- GPUs -----------------------------------------------------------------------------------------------------------
static gs__split split_of(const gs__gpu_caps *caps, uint32_t m, uint32_t n, uint32_t k) {
    return gs__split_of(caps, &m, &n, 1, k);
}

gs_shape gs__product_scratch(const gs__gpu_caps *caps, uint32_t m, uint32_t n, uint32_t k) {
    const gs__split split = split_of(caps, m, n, k);
    if (split.parts < 2) return (gs_shape){0};
    return (gs_shape){2, {split.parts, ((int64_t)m * n + 3) / 4 * 4}};
}

static gs_status record_gpu(gs__recorder *recorder, const gs__product *p, const gs__split *split) {
    gs__choice choice = {.way_count = 0};
    struct gs_push_matmul push;
    gs__dispatch d = gs__dispatch_init(&gs__shader_matmul, GS_SPEC_MATMUL_COUNT, &push, sizeof push);
    gs__tile_ways(&choice, gs__recorder_caps(recorder), &gs__shader_matmul, GS_SPEC_MATMUL_COUNT, &p->m, &p->n, 1,
                  split->parts);
    return record(recorder, &d, p, split, &choice);
}

static gs_status record_matrix(gs__recorder *recorder, const gs__product *p) {
    gs__choice choice = {.way_count = 0};
    struct gs_push_matmul push;
    gs__matrix_ways(gs__recorder_caps(recorder), p, &choice);
    gs__dispatch d = gs__dispatch_init(choice.ways[0].shader, GS_SPEC_MATMUL_COOP_HALF_COUNT, &push, sizeof push);
    return record(recorder, &d, p, &(gs__split){1, p->k}, &choice);
}

// The parts into p->scratch, then their sum, bias and epilogue.
static gs_status record_parts(gs__recorder *recorder, const gs__product *p, const gs__split *split) {
    gs_status status = GS_OK;
    gs__product parts = *p;
    parts.c = p->scratch;
    parts.extra = GS__PRODUCT_PLAIN;
    parts.bias = parts.epilogue_y = 0;
    parts.epilogue = (gs__epilogue){0};
    GS_TRY(record_gpu(recorder, &parts, split));

    struct gs_push_matmul_sum push = {.count = p->m * p->n, .n = p->n, .parts = split->parts};
    gs__dispatch d = gs__dispatch_init(&gs__shader_matmul_sum, GS_SPEC_MATMUL_SUM_COUNT, &push, sizeof push);
    GS__EPILOGUE_PUSH(push, &p->epilogue);
    gs__epilogue_spec(&p->epilogue, p->backward, d.spec + GS__EPILOGUE_SPEC);
    d.spec[GS_SPEC_MATMUL_SUM_BIAS] = p->extra == GS__PRODUCT_BIAS;
    gs__bind(recorder, &d, 0, GS__READ, p->scratch, &push.from);
    gs__bind(recorder, &d, 1, GS__READ, p->extra == GS__PRODUCT_BIAS ? p->bias : p->epilogue_y, &push.extra);
    gs__bind(recorder, &d, 2, GS__WRITE, p->c, &push.c);
    GS_TRY(gs__dispatch_record_1d(recorder, &d, divide_up(push.count, 4), gs__shader_matmul_sum.local_size[0]));
fail:
    return status;
}

// --- CPU drivers ----------------------------------------------------------------------------------------------------
enum { CPU_COLUMNS = 32, CPU_MAX_ROWS = 16, CPU_LANES = 8 };

static bool fits_texels(gs__recorder *recorder, gs__value value) {
    const gs__gpu_caps *caps = gs__recorder_caps(recorder);
    // The recorder's window begins up to offset_align bytes before the tensor.
    const uint64_t bytes = (uint64_t)gs__value_count(recorder, value) * sizeof(float) + caps->offset_align + 16;
    return bytes <= (uint64_t)caps->max_texel_elements * 16;
}

static void add_cpu_way(gs__choice *choice, const gs__product *p, bool shuffle, uint32_t rows) {
    gs__way *way = &choice->ways[choice->way_count++];
    *way = (gs__way){.shader = shuffle ? &gs__shader_matmul_shuffle : &gs__shader_matmul_cpu,
                     .spec_count = GS_SPEC_MATMUL_CPU_COUNT};
    snprintf(way->name, sizeof way->name, "%s%u", shuffle ? "shuffle" : "cpu", rows);
    way->spec[GS_SPEC_MATMUL_CPU_ROWS] = rows;
    way->spec[GS_SPEC_MATMUL_CPU_TAIL] = p->k % 4 != 0;
    way->spec[GS_SPEC_MATMUL_CPU_ALIGNED_A] = (p->trans_a ? p->m : p->k) % 4 == 0;
    way->spec[GS_SPEC_MATMUL_CPU_ALIGNED_B] = (p->trans_b ? p->k : p->n) % 4 == 0;
    way->spec[GS_SPEC_MATMUL_CPU_ALIGNED_C] = p->n % 4 == 0;
    way->groups = (uint64_t)divide_up(p->m, rows) * divide_up(p->n, CPU_COLUMNS);
}

// The rule: many rows to a lane mean few loads; but each thread must get some workgroups. A shuffle pays for itself where
// lanes have 8 rows or more to hand round.
static gs_status record_cpu(gs__recorder *recorder, const gs__product *p) {
    const bool shuffle = gs__recorder_shuffles(recorder, p->precision);
    const uint64_t columns = divide_up(p->n, CPU_COLUMNS);
    const uint32_t least = shuffle ? CPU_LANES : 4;
    gs__choice choice = {.way_count = 0};
    uint32_t rule = CPU_MAX_ROWS;
    while (rule > p->m || (rule > 8 && divide_up(p->m, rule) * columns < 32)) rule /= 2;
    add_cpu_way(&choice, p, shuffle && rule >= CPU_LANES, rule);
    for (uint32_t rows = CPU_MAX_ROWS; rows >= least; rows /= 2)
        if (rows != rule && rows <= p->m) add_cpu_way(&choice, p, shuffle, rows);
    struct gs_push_matmul push;
    gs__dispatch d = gs__dispatch_init(choice.ways[0].shader, GS_SPEC_MATMUL_CPU_COUNT, &push, sizeof push);
    return record(recorder, &d, p, &(gs__split){1, p->k}, &choice);
}

gs_status gs__product_record(gs__recorder *recorder, const gs__product *p) {
    const bool texels = fits_texels(recorder, p->a) && fits_texels(recorder, p->b) && fits_texels(recorder, p->bias) &&
                        fits_texels(recorder, p->epilogue_y);
    if (gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_CPU && texels) return record_cpu(recorder, p);
    const gs__split whole = {1, p->k}, split = split_of(gs__recorder_caps(recorder), p->m, p->n, p->k);
    if (p->scratch && split.parts > 1 && p->extra < GS__PRODUCT_SUMS) return record_parts(recorder, p, &split);
    if (p->extra != GS__PRODUCT_ONLY_SUMS && gs__matrix_takes(recorder, p->precision, p->m, p->n, p->k))
        return record_matrix(recorder, p);
    return record_gpu(recorder, p, &whole);
}

// --- the op ---------------------------------------------------------------------------------------------------------
static gs_status forward(gs__recorder *recorder, const gs__node *node) {
    const gs_shape *kernel = &gs__recorder_value(recorder, node->x[1])->shape;
    const uint32_t i = (uint32_t)kernel->dim[0], o = (uint32_t)kernel->dim[1];
    return gs__product_record(recorder, &(gs__product){.m = gs__value_count(recorder, node->x[0]) / i,
                                                       .n = o,
                                                       .k = i,
                                                       .a = node->x[0],
                                                       .b = node->x[1],
                                                       .c = node->y[0],
                                                       .extra = node->x[2] ? GS__PRODUCT_BIAS : GS__PRODUCT_PLAIN,
                                                       .bias = node->x[2],
                                                       .epilogue = node->epilogue,
                                                       .scratch = node->scratch[0],
                                                       .precision = node->precision});
}

static uint32_t count_of(const gs__graph *graph, gs__value value) {
    return (uint32_t)gs__graph_count(graph, value);
}

// Of the forward pass's product, or of dx's and of dkernel's.
static void scratch(const gs__graph *graph, const gs__gpu_caps *caps, const gs__node *node,
                    gs_shape shapes[GS__MAX_SCRATCH]) {
    const gs_shape *kernel = &graph->values[node->x[1]].shape;
    const uint32_t i = (uint32_t)kernel->dim[0], o = (uint32_t)kernel->dim[1];
    if (node->pass == GS__FORWARD) {
        shapes[0] = gs__product_scratch(caps, count_of(graph, node->x[0]) / i, o, i);
        return;
    }
    const uint32_t m = count_of(graph, node->dy[0]) / o;
    const gs__gradients gradients = {.rows = m, .count = 1, .pair = {{.i = i, .o = o, .dbias = node->dx[2]}}};
    if (node->dx[0]) shapes[0] = gs__product_scratch(caps, m, i, o);
    if (node->dx[1]) shapes[1] = gs__gradients_scratch(caps, &gradients);
}

// Whether both gradients can stand behind one binding, as those of a layer's parameters do: its window must cover
// nothing else, or validation takes it for a write to what lies between.
static bool share_binding(gs__recorder *recorder, gs__value a, gs__value b) {
    const gs__value_info *x = gs__recorder_value(recorder, a), *y = gs__recorder_value(recorder, b);
    if (!x || !y || x->storage != y->storage) return false;
    const uint64_t x_end = x->offset + (uint64_t)gs__value_count(recorder, a) * sizeof(float);
    const uint64_t y_end = y->offset + (uint64_t)gs__value_count(recorder, b) * sizeof(float);
    const uint64_t gap = x->offset < y->offset ? y->offset - x_end : x->offset - y_end;
    return gap < (x->storage == GS__STORAGE_ACTIVATION ? GS__ACTIVATION_ALIGN : GS__PARAMETER_ALIGN);
}

gs_status gs__product_record_gradients(gs__recorder *recorder, gs__value x, gs__value dy, uint32_t m, uint32_t i,
                                       uint32_t o, gs__value dkernel, gs__value dbias, gs_precision precision) {
    gs_status status = GS_OK;
    const bool fused = share_binding(recorder, dkernel, dbias);
    const gs__product kernel = {.m = i,
                                .n = o,
                                .k = m,
                                .trans_a = true,
                                .a = x,
                                .b = dy,
                                .c = dkernel,
                                .extra = fused ? GS__PRODUCT_SUMS : GS__PRODUCT_PLAIN,
                                .sums = fused ? dbias : 0,
                                .precision = precision,
                                .gradient_b = true};
    const gs__product bias = {.m = 1,
                              .n = o,
                              .k = m,
                              .trans_a = true,
                              .b = dy,
                              .extra = GS__PRODUCT_ONLY_SUMS,
                              .sums = dbias,
                              .precision = precision,
                              .gradient_b = true};
    if (dkernel) GS_TRY(gs__product_record(recorder, &kernel));
    if (dbias && !fused) GS_TRY(gs__product_record(recorder, &bias));
fail:
    return status;
}

static gs_status backward(gs__recorder *recorder, const gs__node *node) {
    const gs_shape *kernel = &gs__recorder_value(recorder, node->x[1])->shape;
    const uint32_t i = (uint32_t)kernel->dim[0], o = (uint32_t)kernel->dim[1];
    const uint32_t m = gs__value_count(recorder, node->dy[0]) / o;
    const gs__product dx = {.m = m,
                            .n = i,
                            .k = o,
                            .trans_b = true,
                            .a = node->dy[0],
                            .b = node->x[1],
                            .c = node->dx[0],
                            .epilogue = node->epilogue,
                            .backward = true,
                            .epilogue_y = node->epilogue_y,
                            .scratch = node->scratch[0],
                            .precision = node->precision,
                            .gradient_a = true};
    gs_status status = node->dx[0] ? gs__product_record(recorder, &dx) : GS_OK;
    if (status != GS_OK) return status;
    const gs__value dkernel = node->dx[1], dbias = node->dx[2];
    if (gs__recorder_caps(recorder)->kernel_class == GS__KERNELS_GPU && dkernel &&
        (!dbias || share_binding(recorder, dkernel, dbias)))
        return gs__gradients_record(recorder,
                                    &(gs__gradients){.rows = m,
                                                     .count = 1,
                                                     .pair = {{i, o, node->x[0], node->dy[0], dkernel, dbias}},
                                                     .scratch = node->scratch[1],
                                                     .precision = node->precision});
    return gs__product_record_gradients(recorder, node->x[0], node->dy[0], m, i, o, dkernel, dbias, node->precision);
}

static uint64_t rows_of(const gs__reference *r) {
    uint64_t count = 0;
    gs__shape_count(&r->x_shape[0], &count);
    return count / (uint64_t)r->x_shape[1].dim[0];
}

// What the products take: see docs/precision.md.
static double factor(const gs__reference *r, double value) {
    return gs__narrow(r->node->precision, value);
}
static double gradient(const gs__reference *r, uint64_t element) {
    return gs__narrow_gradient(r->node->precision, r->state, r->dy[0][element]);
}

static void ref_forward(const gs__reference *r) {
    const uint64_t rows = rows_of(r), ni = (uint64_t)r->x_shape[1].dim[0], no = (uint64_t)r->x_shape[1].dim[1];
    for (uint64_t m = 0; m < rows; m++)
        for (uint64_t o = 0; o < no; o++) {
            double sum = 0;
            for (uint64_t i = 0; i < ni; i++) sum += factor(r, r->x[0][m * ni + i]) * factor(r, r->x[1][i * no + o]);
            r->y[0][m * no + o] = r->x[2] ? sum + r->x[2][o] : sum;
        }
}

static void ref_backward(const gs__reference *r) {
    const uint64_t rows = rows_of(r), ni = (uint64_t)r->x_shape[1].dim[0], no = (uint64_t)r->x_shape[1].dim[1];
    for (uint64_t m = 0; r->dx[0] && m < rows; m++)
        for (uint64_t i = 0; i < ni; i++) {
            double sum = 0;
            for (uint64_t o = 0; o < no; o++) sum += gradient(r, m * no + o) * factor(r, r->x[1][i * no + o]);
            r->dx[0][m * ni + i] = sum;
        }
    for (uint64_t i = 0; r->dx[1] && i < ni; i++)
        for (uint64_t o = 0; o < no; o++) {
            double sum = 0;
            for (uint64_t m = 0; m < rows; m++) sum += factor(r, r->x[0][m * ni + i]) * gradient(r, m * no + o);
            r->dx[1][i * no + o] = sum;
        }
    for (uint64_t o = 0; r->dx[2] && o < no; o++) {
        double sum = 0;
        for (uint64_t m = 0; m < rows; m++) sum += gradient(r, m * no + o);
        r->dx[2][o] = sum;
    }
}

const gs_op gs__op_matmul = {
    .name = "matmul",
    .inputs = 3,
    .outputs = 1,
    .optional = 1u << 2,
    .needs_x = 3,
    .differentiable = 7,
    .takes_epilogue = true,
    .shape = shape,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
};
