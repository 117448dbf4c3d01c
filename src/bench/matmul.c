// The library's own matmul, as training uses it: the op in a plan of one node, replayed.
#include "base/memory.h"
#include "bench/bench.h"
#include "plan/graph.h"
#include "plan/plan.h"
#include "plan/shuffle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHECKED = 64 };

struct product {
    gs_bench_form form;
    uint32_t m, n, k;
    gs_precision precision;
    uint64_t a_count, b_count, c_count;
    float *a, *b; // host copies
    gs__graph graph;
    gs__value a_value, b_value, c_value;
    gs__plan *plan;
};

// Values in -1 .. 1 with 24 bits, the same for the same seed.
static void fill(float *values, uint64_t count, uint32_t seed) {
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t bits = gs__mix32((uint32_t)i * 2 + seed) >> 8;
        values[i] = (float)((int32_t)bits - (1 << 23)) / (float)(1 << 23);
    }
}

static gs_status add_value(struct product *p, uint32_t rows, uint32_t columns, gs__storage storage, gs__value *value) {
    const gs_shape shape = {2, {rows, columns}};
    gs_status status = gs__graph_value(&p->graph, &shape, GS_F32, storage, NULL, value);
    if (status == GS_OK) p->graph.values[*value].pinned = true; // written and read from outside
    return status;
}

// The node of a layer's forward or backward pass that is this product.
static gs_status make_graph(struct product *p, gs__error *error) {
    gs_status status = GS_OK;
    gs__node node = {.op = gs__op_find("matmul"),
                     .pass = p->form == GS_BENCH_A_B ? GS__FORWARD : GS__BACKWARD,
                     .precision = p->precision};
    gs__graph_init(&p->graph, error, true, 1);
    const bool a_trans = p->form == GS_BENCH_AT_B, b_trans = p->form == GS_BENCH_A_BT;
    GS_TRY(add_value(p, a_trans ? p->k : p->m, a_trans ? p->m : p->k, GS__STORAGE_ACTIVATION, &p->a_value));
    GS_TRY(add_value(p, b_trans ? p->n : p->k, b_trans ? p->k : p->n, GS__STORAGE_ACTIVATION, &p->b_value));
    GS_TRY(add_value(p, p->m, p->n, GS__STORAGE_ACTIVATION, &p->c_value));
    switch (p->form) {
    case GS_BENCH_A_B: // y = x kernel
        node.x[0] = p->a_value, node.x[1] = p->b_value, node.y[0] = p->c_value;
        break;
    case GS_BENCH_A_BT: // dx = dy kernel^T
        node.dy[0] = p->a_value, node.x[1] = p->b_value, node.dx[0] = p->c_value;
        break;
    case GS_BENCH_AT_B: // dkernel = x^T dy; of the kernel only the shape is read
        node.x[0] = p->a_value, node.dy[0] = p->b_value, node.dx[1] = p->c_value;
        GS_TRY(gs__graph_alias(&p->graph, p->c_value, &p->graph.values[p->c_value].shape, &node.x[1]));
        break;
    }
    GS_TRY(gs__graph_append(&p->graph, &node));
fail:
    return status;
}

static void product_deinit(struct product *p) {
    gs__plan_destroy(p->plan);
    gs__graph_deinit(&p->graph);
    free(p->a);
    free(p->b);
}

static gs_status product_init(struct product *p, gs__bench *bench) {
    gs_status status = GS_OK;
    p->a_count = (uint64_t)p->m * p->k;
    p->b_count = (uint64_t)p->k * p->n;
    p->c_count = (uint64_t)p->m * p->n;
    GS_TRY(make_graph(p, bench->error));
    GS_TRY(gs__plan_create(bench->error, &(gs__plan_params){.gpu = bench->gpu, .graph = &p->graph}, &p->plan));
    p->a = gs__allocate(bench->error, p->a_count, sizeof *p->a, "a matrix");
    p->b = gs__allocate(bench->error, p->b_count, sizeof *p->b, "a matrix");
    if (!p->a || !p->b) return GS_ERR_MEMORY;
    fill(p->a, p->a_count, 0);
    fill(p->b, p->b_count, 1);
    GS_TRY(gs__plan_write(p->plan, p->a_value, p->a, p->a_count * sizeof *p->a));
    GS_TRY(gs__plan_write(p->plan, p->b_value, p->b, p->b_count * sizeof *p->b));
fail:
    return status;
}

// Element (row, column) in double precision, of the factors as the product takes them; *squares: sum of the squared products.
static double exact(const struct product *p, uint32_t row, uint32_t column, double *squares) {
    double sum = 0;
    *squares = 0;
    for (uint64_t i = 0; i < p->k; i++) {
        const float x = p->a[p->form == GS_BENCH_AT_B ? i * p->m + row : row * (uint64_t)p->k + i];
        const float y = p->b[p->form == GS_BENCH_A_BT ? column * (uint64_t)p->k + i : i * p->n + column];
        const double a = gs__narrow(p->precision, (double)x), b = gs__narrow(p->precision, (double)y);
        sum += a * b;
        *squares += a * b * a * b;
    }
    return sum;
}

// The corners and places all over C.
static gs_status check(const struct product *p, gs__bench *bench, gs_bench_result *result) {
    float *c = gs__allocate(bench->error, p->c_count, sizeof *c, "a matrix");
    if (!c) return GS_ERR_MEMORY;
    gs_status status = gs__plan_read(p->plan, p->c_value, c, p->c_count * sizeof *c);
    for (uint32_t i = 0; i < CHECKED && status == GS_OK; i++) {
        const uint32_t row = i < 4 ? (i & 1) * (p->m - 1) : gs__mix32(2 * i) % p->m;
        const uint32_t column = i < 4 ? (i >> 1) * (p->n - 1) : gs__mix32(2 * i + 1) % p->n;
        double squares;
        const double expected = exact(p, row, column, &squares);
        const double found = (double)c[(uint64_t)row * p->n + column];
        result->checked++;
        result->wrong += !(fabs(found - expected) <= gs__bench_tolerance(p->k, squares)); // NaN is wrong too
    }
    free(c);
    return status;
}

static gs_status record_product(void *user, gs__commands *commands, uint32_t count) {
    const struct product *p = user;
    return gs__plan_record(p->plan, commands, count);
}

static double flop_of(const struct product *p) {
    return 2.0 * p->m * p->n * p->k;
}

// *rate: GFLOP/s of a smaller product of this form, by which it is guessed what would take too long; 0: unknown.
static gs_status measure(gs__bench *bench, const char *name, struct product *p, double *rate) {
    gs_status status = GS_OK;
    gs__bench_timing timing;
    gs_bench_result result = {.kind = GS_BENCH_PRODUCT, .form = p->form, .m = p->m, .n = p->n, .k = p->k};
    snprintf(result.name, sizeof result.name, "%s", name);
    const double guess_s = *rate > 0 ? flop_of(p) / *rate * 1e-9 : 0;
    if (guess_s * bench->repeats > bench->budget_s) {
        result.skipped = true;
        snprintf(result.detail, sizeof result.detail, "%u times %.2g s is over %g s", bench->repeats, guess_s,
                 bench->budget_s);
        return gs__bench_add(bench, &result);
    }
    p->precision = bench->params->precision;
    GS_TRY(product_init(p, bench));
    const gs__bench_op op = {record_product, p, flop_of(p)}, peak = gs__bench_fma_op(bench->fma);
    GS_TRY(gs__bench_time(bench, &op, &peak, bench->repeats, bench->budget_s, &timing));
    GS_TRY(check(p, bench, &result));
    *rate = flop_of(p) / timing.ns.median;
    if (timing.too_slow) {
        result.skipped = true;
        snprintf(result.detail, sizeof result.detail, "%u times %.2g s is over %g s", bench->repeats,
                 timing.ns.median * 1e-9, bench->budget_s);
    }
    result.value = gs__bench_rate(&timing.ns, op.work);
    result.device_clock = timing.device_clock;
    result.per_repeat = timing.count;
    result.peak_share = timing.share;
fail:
    product_deinit(p);
    return status == GS_OK ? gs__bench_add(bench, &result) : gs__bench_skip_failed(bench, status, &result);
}

static gs_status measure_squares(gs__bench *bench) {
    static const uint32_t usual[] = {256, 512, 1024, 2048, 4096};
    const uint32_t *sizes = bench->params->size_count ? bench->params->sizes : usual;
    const uint32_t count = bench->params->size_count ? bench->params->size_count
                           : bench->params->quick    ? 2
                                                     : sizeof usual / sizeof usual[0];
    double rates[3] = {0};
    for (uint32_t i = 0; i < count; i++)
        for (int form = GS_BENCH_A_B; form <= GS_BENCH_AT_B; form++) {
            struct product p = {.form = (gs_bench_form)form, .m = sizes[i], .n = sizes[i], .k = sizes[i]};
            gs_status status = measure(bench, "square", &p, &rates[form]);
            if (status != GS_OK) return status;
        }
    return GS_OK;
}

// Forward, dX and dW of layer `layer` (from 1) of a workload, `in` to `out` features. The first has no dX: nobody wants it.
static gs_status measure_layer(gs__bench *bench, const char *workload, uint32_t layer, uint32_t batch, uint32_t in,
                               uint32_t out) {
    char name[64];
    snprintf(name, sizeof name, "%s layer %u", workload, layer);
    for (int form = GS_BENCH_A_B; form <= GS_BENCH_AT_B; form++) {
        struct product p = {.form = (gs_bench_form)form, .m = batch, .n = out, .k = in};
        double rate = 0;
        if (form == GS_BENCH_A_BT && layer == 1) continue;
        if (form == GS_BENCH_A_BT) p.n = in, p.k = out;
        if (form == GS_BENCH_AT_B) p.m = in, p.k = batch;
        gs_status status = measure(bench, name, &p, &rate);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

gs_status gs__bench_matmul(gs__bench *bench) {
    static const struct {
        const char *name;
        uint32_t batch, features[4];
    } workloads[] = {{"W1", 32, {784, 64, 10}}, {"W1b", 1024, {784, 64, 10}}, {"W2", 128, {784, 512, 512, 10}}};
    gs_status status = measure_squares(bench);
    if (bench->params->size_count) return status;
    for (uint32_t w = 0; w < sizeof workloads / sizeof workloads[0]; w++)
        for (uint32_t layer = 1; layer < 4 && workloads[w].features[layer] && status == GS_OK; layer++)
            status = measure_layer(bench, workloads[w].name, layer, workloads[w].batch,
                                   workloads[w].features[layer - 1], workloads[w].features[layer]);
    return status;
}
