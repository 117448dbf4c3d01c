// Compares what a step left on the device with the references, node by node: each node's reference gets what the device
// had as its inputs, so an error belongs to the op that made it.
#include "base/memory.h"
#include "doctor/doctor.h"
#include "op/attr.h"
#include "plan/interpret.h"
#include "plan/plan.h"
#include "plan/tick.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    gs__doctor_checks *checks;
    gs__graph *graph;
    gs__plan *plan;
    gs__interpreter *host;
    bool *used;        // by value: some node touches it
    uint32_t *unread;  // by value: 1 + the entry of the op whose result is in host memory but was not readable
    void *bytes;       // of the largest value
    double *values;    // likewise
    uint64_t capacity; // elements
    struct gs_state before, after, at; // of the device; what references see
    float entry[GS_RING_SUMS];
};

static uint32_t entry_of(const gs__node *node) {
    uint32_t count, index = 0;
    const gs_op *const *table = gs__op_table(&count);
    while (index + 1 < count && table[index] != node->op) index++;
    return 2 * index + (node->pass == GS__BACKWARD);
}

// Outputs that are the kernels' own: saved for the backward pass in whatever form. And those of which only the sum says
// something: each kernel divides it in its own way.
static void special_outputs(const gs_op *op, uint32_t *own, uint32_t *summed) {
    static const struct {
        const char *op;
        uint32_t own, summed;
    } known[] = {{"batch_norm", 1u << 1, 0},
                 {"row_norm", 1u << 1 | 1u << 2, 0},
                 {"rnn", 30, 0},
                 {"adafactor", 1u << 2, 0},
                 {"penalty", 0, 1},
                 {"square_sum", 0, 1}};
    *own = *summed = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(op->name, known[i].op) == 0) *own = known[i].own, *summed = known[i].summed;
}

// The results of a node that are compared; returns how many.
static uint32_t results_of(const gs__node *node, gs__value *results) {
    uint32_t count = 0, own, summed;
    special_outputs(node->op, &own, &summed);
    for (uint32_t i = 0; i < GS__MAX_OUTPUTS && node->pass == GS__FORWARD; i++)
        if (node->y[i] && !(own & 1u << i)) results[count++] = node->y[i];
    for (uint32_t i = 0; i < GS__MAX_INPUTS; i++)
        if (node->dx[i]) results[count++] = node->dx[i];
    return count;
}

static bool is_flat(gs__storage storage) {
    return storage == GS__STORAGE_PARAMETER || storage == GS__STORAGE_GRADIENT || storage == GS__STORAGE_SLOTS;
}

// Whether two values have memory in common, whatever the plan makes of it.
static bool overlap(const gs__graph *graph, gs__value a, gs__value b) {
    a = gs__graph_owner(graph, a);
    b = gs__graph_owner(graph, b);
    const gs__value_info *x = &graph->values[a], *y = &graph->values[b];
    if (a == b) return true;
    if (x->storage != y->storage || !is_flat(x->storage)) return false;
    return x->offset < y->offset + gs__graph_count(graph, b) * sizeof(float) &&
           y->offset < x->offset + gs__graph_count(graph, a) * sizeof(float);
}

// Whether what node `index` writes there is still there at the end of the step.
static bool stays(const gs__graph *graph, uint32_t index, gs__value value) {
    gs__value results[GS__MAX_INPUTS + GS__MAX_OUTPUTS];
    for (uint32_t i = index + 1; i < graph->node_count; i++) {
        const uint32_t count = results_of(&graph->nodes[i], results);
        for (uint32_t r = 0; r < count; r++)
            if (overlap(graph, value, results[r])) return false;
    }
    return true;
}

// --- copies ---------------------------------------------------------------------------------------------------------
static gs_status read_value(struct run *r, gs__value value, double *to) {
    const gs__value_info *info = &r->graph->values[value];
    const uint64_t count = gs__graph_count(r->graph, value);
    gs_status status = gs__plan_read(r->plan, value, r->bytes, count * gs__dtype_bytes(info->dtype));
    for (uint64_t i = 0; i < count && status == GS_OK; i++)
        to[i] = info->dtype == GS_F32   ? (double)((const float *)r->bytes)[i]
                : info->dtype == GS_I32 ? (double)((const int32_t *)r->bytes)[i]
                                        : (double)((const uint8_t *)r->bytes)[i];
    return status;
}

// Host memory becomes what the device has.
static gs_status copy_all(struct run *r) {
    gs_status status = GS_OK;
    memset(r->unread, 0, r->graph->value_count * sizeof *r->unread);
    for (gs__value v = 1; v < r->graph->value_count && status == GS_OK; v++)
        if (r->used[v] && !r->graph->values[v].alias) status = read_value(r, v, gs__interpreter_data(r->host, v));
    return status;
}

// --- errors ---------------------------------------------------------------------------------------------------------
// How much more some ops may be off, and why.
static double looseness(const gs_op *op) {
    static const struct {
        const char *op;
        double factor;
    } known[] = {
        {"batch_norm", 10}, // where a channel hardly varies: a difference of nearly equal numbers, scaled up
        {"row_norm", 10},        {"augment", 10}, // pixels between others, chosen by a rotation
        {"mixup", 10},                            // pow
        {"gaussian_noise", 100},                  // Vulkan promises sine and cosine to 2^-11 only
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(op->name, known[i].op) == 0) return known[i].factor;
    return 1;
}

double gs__doctor_tolerance(const gs_op *op, double expected, double largest, bool is_state) {
    return looseness(op) * (2e-5 * fabs(expected) + 1e-5 * largest + (is_state ? 1e-12 : 1e-6));
}

static double ulp_of(double x) {
    int exponent;
    frexp(x, &exponent);
    return ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
}

struct found {
    uint64_t wrong, at; // at: the worst element
    double worst, max_relative, max_ulp;
};

static struct found compare(const gs_op *op, const double *found, const double *expected, uint64_t count,
                            gs_dtype dtype, bool is_state) {
    struct found result = {0};
    double largest = 0;
    for (uint64_t i = 0; i < count; i++) largest = fmax(largest, fabs(expected[i]));
    for (uint64_t i = 0; i < count; i++) {
        const double error = fabs(found[i] - expected[i]), size = fabs(expected[i]);
        if (found[i] == expected[i]) continue;
        // A whole number has no rounding errors.
        if (isnan(found[i]) && isnan(expected[i])) continue;
        const double excess =
            dtype == GS_F32 ? error / gs__doctor_tolerance(op, expected[i], largest, is_state) : 2 * error;
        const bool is_wrong = !(excess <= 1);
        result.wrong += is_wrong;
        if (!(excess <= result.worst) || (is_wrong && !isfinite(excess)))
            if (isfinite(result.worst)) result.worst = isnan(excess) ? (double)INFINITY : excess, result.at = i;
        if (size * 1024 < largest || size == 0) continue;
        result.max_relative = fmax(result.max_relative, isnan(error) ? (double)INFINITY : error / size);
        result.max_ulp = fmax(result.max_ulp, isnan(error) ? (double)INFINITY : error / ulp_of(size));
    }
    return result;
}

static void set_place(const struct run *r, const gs__node *node, char *place, size_t bytes, const char *what,
                      const struct found *f, const double *found, const double *expected, uint64_t count) {
    snprintf(place, bytes, "model \"%.40s\"%s%.60s, %s: element %llu of %llu is %.7g, expected %.7g; %llu wrong",
             r->checks->title, node->layer ? ", layer " : "", node->layer ? node->layer : "", what,
             (unsigned long long)f->at, (unsigned long long)count, found[f->at], expected[f->at],
             (unsigned long long)f->wrong);
}

// An entry of the op whose result, not seen itself, the node has read; 0 with none, else 1 + the entry.
static void note_behind(const struct run *r, const gs__node *node, uint64_t behind[GS__DOCTOR_BEHIND_WORDS],
                        bool *is_behind) {
    for (uint32_t i = 0; i < GS__MAX_INPUTS + GS__MAX_OUTPUTS; i++) {
        const gs__value x = i < GS__MAX_INPUTS ? node->x[i] : node->dy[i - GS__MAX_INPUTS];
        for (gs__value v = 1; x && v < r->graph->value_count; v++) {
            if (!r->unread[v] || !overlap(r->graph, x, v)) continue;
            const uint32_t entry = r->unread[v] - 1;
            behind[entry / 64] |= (uint64_t)1 << entry % 64;
            *is_behind = true;
        }
    }
}

static void add(struct run *r, const gs__node *node, const char *what, const struct found *f, const double *found,
                const double *expected, uint64_t count) {
    gs__doctor_entry *e = &r->checks->entries[entry_of(node)];
    uint64_t behind[GS__DOCTOR_BEHIND_WORDS] = {0};
    bool is_behind = false;
    if (f->wrong) note_behind(r, node, behind, &is_behind);
    e->values += count;
    if (is_behind) {
        e->behind_wrong += f->wrong;
        for (uint32_t i = 0; i < GS__DOCTOR_BEHIND_WORDS; i++) e->behind[i] |= behind[i];
        set_place(r, node, e->behind_place, sizeof e->behind_place, what, f, found, expected, count);
        return;
    }
    e->wrong += f->wrong;
    e->max_relative = fmax(e->max_relative, f->max_relative);
    e->max_ulp = fmax(e->max_ulp, f->max_ulp);
    if (!(f->worst > e->worst)) return;
    e->worst = f->worst;
    set_place(r, node, e->place, sizeof e->place, what, f, found, expected, count);
}

static void check_sum(struct run *r, const gs__node *node, const double *expected, uint64_t count) {
    double found = 0, should = 0;
    for (uint64_t i = 0; i < count; i++) found += r->values[i], should += expected[i];
    const struct found f = compare(node->op, &found, &should, 1, GS_F32, false);
    add(r, node, "sum of the result", &f, &found, &should, 1);
}

// The only result is a word of the State.
static void check_skip(struct run *r, const gs__node *node) {
    const double *gradients = gs__interpreter_data(r->host, node->x[0]), found = r->after.cur.skip;
    double expected = 0;
    for (uint64_t i = 0; i < gs__graph_count(r->graph, node->x[0]); i++)
        if (!isfinite(gradients[i])) expected = 1;
    const struct found f = compare(node->op, &found, &expected, 1, GS_I32, true);
    add(r, node, "word of the State, whether the step is skipped", &f, &found, &expected, 1);
}

// --- a step ---------------------------------------------------------------------------------------------------------
static gs_status check_result(struct run *r, uint32_t index, gs__value value) {
    const gs__node *node = &r->graph->nodes[index];
    const gs__value_info *info = &r->graph->values[value];
    const uint64_t count = gs__graph_count(r->graph, value);
    const bool is_state = info->storage == GS__STORAGE_PARAMETER || info->storage == GS__STORAGE_SLOTS;
    double *expected = gs__interpreter_data(r->host, value);
    const gs__value owner = gs__graph_owner(r->graph, value);
    if (!stays(r->graph, index, value)) {
        for (uint64_t i = 0; i < count && info->dtype == GS_F32; i++) expected[i] = (double)(float)expected[i];
        r->unread[owner] = 1 + entry_of(node);
        return GS_OK;
    }
    gs_status status = read_value(r, value, r->values);
    if (status != GS_OK) return status;
    uint32_t own, summed;
    special_outputs(node->op, &own, &summed);
    if (summed && value == node->y[0]) {
        check_sum(r, node, expected, count);
        return GS_OK;
    }
    const struct found f = compare(node->op, r->values, expected, count, info->dtype, is_state);
    char what[128];
    snprintf(what, sizeof what, "%s%.80s", node->pass == GS__BACKWARD ? "gradient" : "result",
             info->name ? info->name : "");
    add(r, node, what, &f, r->values, expected, count);
    memcpy(expected, r->values, count * sizeof *expected);
    for (gs__value v = 1; v < r->graph->value_count; v++)
        if (r->unread[v] && overlap(r->graph, v, value)) r->unread[v] = 0;
    return GS_OK;
}

static const gs__tick *tick_of(const gs__node *node) {
    if (strcmp(node->op->name, "matmul_adam") == 0) return &gs__node_attr(node, gs__matmul_adam_attr)->tick;
    static const char *const ops[] = {"tick",     "sgd",    "rmsprop", "adam", "adagrad",
                                      "adadelta", "adamax", "nadam",   "lion"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (strcmp(node->op->name, ops[i]) == 0) return &gs__node_attr(node, gs__tick_attr)->tick;
    return NULL;
}

// The sums that the step left in the ring, and where the State stands after it.
static void check_end(struct run *r) {
    const gs__node *node = NULL;
    const gs__tick *tick = NULL;
    for (uint32_t i = r->graph->node_count; i > 0 && !tick; i--) {
        node = &r->graph->nodes[i - 1];
        tick = tick_of(node);
        if (tick && !tick->row_stride) tick = NULL;
    }
    if (!tick) return;
    double found[GS_RING_SUMS], expected[GS_RING_SUMS] = {0};
    for (uint32_t s = 0; s < GS__TICK_SUMS; s++)
        for (uint32_t i = 0; i < tick->count[s]; i++)
            expected[s] += gs__interpreter_row_sum(r->host, tick->first[s] + i);
    expected[GS_RING_SUMS - 1] = r->at.cur.skip ? -(double)r->at.cur.rows : r->at.cur.rows;
    for (uint32_t s = 0; s < GS_RING_SUMS; s++) found[s] = (double)r->entry[s];
    struct found f = compare(node->op, found, expected, GS_RING_SUMS, GS_F32, false);
    add(r, node, "sums of the step", &f, found, expected, GS_RING_SUMS);
    struct gs_state next = r->before;
    next.next.skip = r->after.cur.skip;
    gs__tick_next(&next);
    next.next.skip = r->after.next.skip;
    if (memcmp(&next.next, &r->after.next, sizeof next.next) == 0) return;
    // Words that are floats are shown as words too: they are compared to the bit.
    double was[sizeof next.next / 4], should[sizeof next.next / 4];
    const uint32_t words = sizeof next.next / 4;
    uint32_t a[sizeof next.next / 4], b[sizeof next.next / 4];
    memcpy(a, &r->after.next, sizeof a);
    memcpy(b, &next.next, sizeof b);
    for (uint32_t i = 0; i < words; i++) was[i] = a[i], should[i] = b[i];
    f = compare(node->op, was, should, words, GS_I32, false);
    add(r, node, "State", &f, was, should, words);
}

static gs_status step(struct run *r) {
    gs_status status = GS_OK;
    gs__value results[GS__MAX_INPUTS + GS__MAX_OUTPUTS];
    GS_TRY(copy_all(r));
    GS_TRY(gs__plan_get_state(r->plan, &r->before));
    gs__run run = {.steps = 1};
    while (run.finished < run.steps) {
        GS_TRY(gs__plan_advance(r->plan, &run));
        if (run.entry_count) memcpy(r->entry, run.entries, sizeof r->entry);
    }
    GS_TRY(gs__plan_get_state(r->plan, &r->after));
    r->at = r->before;
    r->at.cur = r->at.next;
    r->at.cur.skip = r->after.cur.skip;
    for (uint32_t i = 0; i < r->graph->node_count; i++) {
        if (r->graph->nodes[i].op->view) continue;
        GS_TRY(gs__interpreter_node(r->host, i, &r->at));
        const uint32_t count = results_of(&r->graph->nodes[i], results);
        for (uint32_t k = 0; k < count; k++) GS_TRY(check_result(r, i, results[k]));
        if (strcmp(r->graph->nodes[i].op->name, "check_finite") == 0) check_skip(r, &r->graph->nodes[i]);
    }
    check_end(r);
    r->checks->steps++;
fail:
    return status;
}

// --- the whole ------------------------------------------------------------------------------------------------------
struct marks {
    bool *used;
    gs__graph *graph;
};

static void mark(void *user, gs__value value, bool is_write) {
    const struct marks *m = user;
    (void)is_write;
    if (!value) return;
    m->used[gs__graph_owner(m->graph, value)] = true;
    m->graph->values[gs__graph_owner(m->graph, value)].pinned = true;
}

static gs_status allocate(struct run *r) {
    gs__error *error = r->checks->error;
    const uint32_t count = r->graph->value_count;
    for (gs__value v = 1; v < count; v++) {
        const uint64_t elements = gs__graph_count(r->graph, v);
        if (elements > r->capacity) r->capacity = elements;
    }
    r->unread = gs__allocate(error, count, sizeof *r->unread, "checks");
    r->bytes = gs__allocate(error, r->capacity, sizeof(float), "checks");
    r->values = gs__allocate(error, r->capacity, sizeof *r->values, "checks");
    return r->unread && r->bytes && r->values ? GS_OK : GS_ERR_MEMORY;
}

gs_status gs__doctor_check_graph(gs__doctor_checks *checks, gs__graph *graph, const gs__doctor_values *values,
                                 uint32_t value_count, const struct gs_state *state, uint32_t steps) {
    gs_status status = GS_OK;
    struct run r = {.checks = checks, .graph = graph};
    // The plan adds scratch values: room for those of every node.
    r.used = gs__allocate(checks->error, graph->value_count + (uint64_t)GS__MAX_SCRATCH * graph->node_count,
                          sizeof *r.used, "checks");
    if (!r.used) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < graph->node_count; i++)
        gs__node_visit(&graph->nodes[i], mark, &(struct marks){r.used, graph});
    GS_TRY(gs__plan_create(checks->error, &(gs__plan_params){.gpu = checks->gpu, .graph = graph}, &r.plan));
    GS_TRY(gs__interpreter_create(graph, &r.host));
    GS_TRY(allocate(&r));
    for (uint32_t i = 0; i < value_count; i++)
        GS_TRY(gs__plan_write(r.plan, values[i].value, values[i].data, values[i].bytes));
    GS_TRY(gs__plan_set_state(r.plan, state));
    for (uint32_t i = 0; i < steps; i++) {
        if (checks->stop && *checks->stop) GS_TRY(gs__fail(checks->error, GS_STOPPED, "stopped"));
        GS_TRY(step(&r));
    }
    checks->models++;
fail:
    gs__plan_destroy(r.plan);
    gs__interpreter_destroy(r.host);
    free(r.used);
    free(r.unread);
    free(r.bytes);
    free(r.values);
    return status;
}

void gs__doctor_settle(gs__doctor_checks *checks) {
    uint64_t wrong[GS__DOCTOR_BEHIND_WORDS] = {0};
    for (uint32_t i = 0; i < 2 * GS__DOCTOR_MAX_OPS; i++)
        if (checks->entries[i].wrong) wrong[i / 64] |= (uint64_t)1 << i % 64;
    for (uint32_t i = 0; i < 2 * GS__DOCTOR_MAX_OPS; i++) {
        gs__doctor_entry *e = &checks->entries[i];
        bool excused = false;
        for (uint32_t w = 0; w < GS__DOCTOR_BEHIND_WORDS; w++) excused = excused || (e->behind[w] & wrong[w]);
        if (!e->behind_wrong || excused) continue;
        if (!e->wrong) memcpy(e->place, e->behind_place, sizeof e->place);
        e->wrong += e->behind_wrong;
    }
}
