// Checks and times the ways of a choice, in buffers of its own.
#include "base/clock.h"
#include "plan/tune.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 15, LEAST_ROUNDS = 5, SAMPLES = 64, MOST_REPEATS = 64 };
#define MOST_BYTES     (UINT64_C(512) << 20) // of all windows
#define REPLAY_NS      1000000.0             // about as long as one measurement should take
#define SLOW_NS        5000000.0             // then a few measurements will do
#define WORTH          0.97                  // a way replaces the rule's when it takes less than this share of its time
#define HOPELESS       8.0                   // times the least, at first sight
#define UNWRITTEN_BYTE 0xC9

struct measurement {
    gs__gpu *gpu;
    const gs__tuning *t;
    uint64_t deadline_ns;
    gs__buffer *buffers[GS__MAX_BINDINGS], *state_buffer;
    void *before[GS__MAX_BINDINGS]; // what each window holds at first
    void *after[GS__MAX_BINDINGS];  // what the first right way wrote
    void *found;                    // what a way wrote; room for the largest window
    uint64_t largest;
    struct gs_state state;
    gs__commands *commands[GS__MAX_WAYS];
    bool right[GS__MAX_WAYS], timed[GS__MAX_WAYS];
    bool alone;   // nothing was measured before it
    int32_t base; // the way that wrote `after`; below 0: none yet
    double samples[GS__MAX_WAYS][ROUNDS];
};

static bool writes(const gs__tuning *t, uint32_t binding) {
    return t->window[binding].access & GS__WRITE;
}

// --- inputs ---------------------------------------------------------------------------------------------------------
static uint32_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

// Floats in -1 .. 1, bytes, and class 0: an index must stay one.
static void fill_window(const gs__tuning *t, uint32_t binding, unsigned char *window) {
    uint64_t seed = binding + 1;
    memset(window, t->window[binding].access & GS__READ ? 0 : UNWRITTEN_BYTE, t->window[binding].bytes);
    for (uint32_t i = 0; i < t->tensor_count; i++) {
        if (t->tensor[i].binding != binding || !(t->tensor[i].access & GS__READ)) continue;
        unsigned char *at = window + t->tensor[i].begin;
        if (t->tensor[i].dtype == GS_F32) {
            float *values = (float *)(void *)at;
            for (uint64_t e = 0; e < t->tensor[i].bytes / sizeof(float); e++)
                values[e] = (float)next_random(&seed) / 1073741824.0f - 1.0f;
        } else if (t->tensor[i].dtype == GS_U8) {
            for (uint64_t e = 0; e < t->tensor[i].bytes; e++) at[e] = (unsigned char)next_random(&seed);
        }
    }
}

static bool is_power_of_two(uint64_t n) {
    return (n & (n - 1)) == 0;
}

// lavapipe compiles kernels that read texels once for buffers whose size is a power of two and once for others: this one
// should be of the kind of the plan's, or its kernel is not the one that the plan will run.
static uint64_t buffer_bytes(uint64_t bytes, uint64_t plan_bytes) {
    if (is_power_of_two(bytes) == is_power_of_two(plan_bytes)) return bytes;
    if (is_power_of_two(bytes)) return bytes + 16;
    uint64_t power = 16;
    while (power < bytes) power *= 2;
    return power;
}

static gs_status make_buffers(struct measurement *m) {
    gs_status status = GS_OK;
    const gs__tuning *t = m->t;
    for (uint32_t b = 0; b < t->choice.ways[0].shader->binding_count; b++) {
        const uint64_t bytes = t->window[b].bytes;
        if (bytes > m->largest) m->largest = bytes;
        GS_TRY(gs__buffer_create(m->gpu, GS__MEMORY_DEVICE, buffer_bytes(bytes, t->window[b].buffer_bytes), "tuning",
                                 &m->buffers[b]));
        m->before[b] = malloc(bytes);
        if (writes(t, b)) m->after[b] = malloc(bytes);
        if (!m->before[b] || (writes(t, b) && !m->after[b])) return GS_ERR_MEMORY;
        fill_window(t, b, m->before[b]);
        GS_TRY(gs__buffer_write(m->buffers[b], 0, m->before[b], bytes));
    }
    m->found = malloc(m->largest);
    if (!m->found) return GS_ERR_MEMORY;
    m->state.set = (struct gs_settings){.seed_lo = 1, .batch = t->batch, .data_count = t->batch};
    m->state.next.rows = m->state.cur.rows = t->batch;
    GS_TRY(gs__buffer_create(m->gpu, GS__MEMORY_DEVICE, sizeof m->state, "tuning", &m->state_buffer));
    GS_TRY(gs__buffer_write(m->state_buffer, 0, &m->state, sizeof m->state));
fail:
    return status;
}

static void clean_up(struct measurement *m) {
    for (uint32_t i = 0; i < GS__MAX_WAYS; i++) gs__commands_destroy(m->commands[i]);
    for (uint32_t b = 0; b < GS__MAX_BINDINGS; b++) {
        gs__buffer_destroy(m->buffers[b]);
        free(m->before[b]);
        free(m->after[b]);
    }
    gs__buffer_destroy(m->state_buffer);
    free(m->found);
}

// --- running --------------------------------------------------------------------------------------------------------
// `repeats` dispatches, each with a barrier behind it, between two timestamps.
static gs_status record(struct measurement *m, uint32_t way, uint32_t repeats) {
    gs_status status = GS_OK;
    const gs__gpu_caps *caps = gs__gpu_get_caps(m->gpu);
    const gs__way *w = &m->t->choice.ways[way];
    const uint64_t row = caps->max_groups[0];
    const uint32_t groups[3] = {(uint32_t)(w->groups < row ? w->groups : row), (uint32_t)((w->groups + row - 1) / row),
                                1};
    gs__range ranges[GS__MAX_BINDINGS], state = {m->state_buffer, 0, sizeof m->state};
    gs__pipeline *pipeline;
    for (uint32_t b = 0; b < w->shader->binding_count; b++)
        ranges[b] = (gs__range){m->buffers[b], 0, m->t->window[b].bytes};
    GS_TRY(gs__pipeline_get(m->gpu, w->shader, w->spec, w->spec_count, &pipeline));
    if (!m->commands[way]) GS_TRY(gs__commands_create(m->gpu, caps->timestamps ? 2 : 0, &m->commands[way]));
    GS_TRY(gs__commands_begin(m->commands[way]));
    if (caps->timestamps) gs__commands_timestamp(m->commands[way], 0);
    for (uint32_t i = 0; i < repeats; i++) {
        GS_TRY(gs__commands_dispatch(m->commands[way], pipeline, ranges, &state, m->t->push, m->t->push_bytes, groups));
        gs__commands_barrier(m->commands[way], false);
    }
    if (caps->timestamps) gs__commands_timestamp(m->commands[way], 1);
    GS_TRY(gs__commands_end(m->commands[way]));
fail:
    return status;
}

static gs_status run(struct measurement *m, uint32_t way, double *ns) {
    gs_status status = GS_OK;
    const uint64_t begin = gs__clock_ns();
    double stamps[2] = {0, 0};
    GS_TRY(gs__commands_submit(m->commands[way]));
    GS_TRY(gs__commands_wait(m->commands[way]));
    *ns = (double)(gs__clock_ns() - begin);
    if (gs__gpu_get_caps(m->gpu)->timestamps) {
        GS_TRY(gs__commands_timestamps(m->commands[way], stamps, 2));
        *ns = stamps[1] - stamps[0];
    }
fail:
    return status;
}

// --- checking -------------------------------------------------------------------------------------------------------
// A sample of the first tensor that is written, `window` being its binding's content, against the reference.
static bool agrees(const struct measurement *m, uint32_t way, uint32_t tensor, const unsigned char *window) {
    const gs__tuning *t = m->t;
    const float *windows[GS__MAX_BINDINGS], *values = (const float *)(const void *)(window + t->tensor[tensor].begin);
    const uint64_t count = t->tensor[tensor].bytes / sizeof(float);
    for (uint32_t b = 0; b < GS__MAX_BINDINGS; b++) windows[b] = m->before[b];
    uint64_t seed = 7;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const uint64_t e = i == 0 ? 0 : i == 1 ? count - 1 : ((uint64_t)next_random(&seed) << 20) % count;
        const gs__expected expected = t->choice.expect(t->push, t->choice.ways[way].spec, &m->state, windows, e);
        if (!(fabs((double)values[e] - expected.value) <= expected.tolerance)) return false;
    }
    return true;
}

static void drop(struct measurement *m, gs__tuner *tuner, uint32_t way, const char *what) {
    const gs__way *w = &m->t->choice.ways[way];
    tuner->dropped++;
    gs__gpu_note(m->gpu, "kernel %s in the form %s (%s) gives %s on %s and is not used; a newer driver may help",
                 w->shader->name, w->name, m->t->choice.key, what, gs__gpu_get_caps(m->gpu)->info.name);
}

static uint32_t first_written(const gs__tuning *t) {
    uint32_t i = 0;
    while (i < t->tensor_count && !(t->tensor[i].access & GS__WRITE)) i++;
    return i;
}

// Runs a way once on the inputs and decides m->right[way].
static gs_status check(struct measurement *m, gs__tuner *tuner, uint32_t way) {
    gs_status status = GS_OK;
    const gs__tuning *t = m->t;
    const uint32_t tensor = first_written(t), binding_count = t->choice.ways[0].shader->binding_count;
    bool same = true, agreed = true;
    double ns;
    for (uint32_t b = 0; b < binding_count; b++)
        if (writes(t, b)) GS_TRY(gs__buffer_write(m->buffers[b], 0, m->before[b], t->window[b].bytes));
    GS_TRY(record(m, way, 1));
    GS_TRY(run(m, way, &ns));
    for (uint32_t b = 0; b < binding_count; b++) {
        if (!writes(t, b)) continue;
        void *to = m->base < 0 ? m->after[b] : m->found;
        GS_TRY(gs__buffer_read(m->buffers[b], 0, to, t->window[b].bytes));
        if (m->base >= 0) same = same && memcmp(m->found, m->after[b], t->window[b].bytes) == 0;
        if (t->choice.expect && tensor < t->tensor_count && b == t->tensor[tensor].binding)
            agreed = agrees(m, way, tensor, to);
    }
    m->right[way] = agreed && same;
    if (!agreed) drop(m, tuner, way, "wrong results");
    else if (!same) drop(m, tuner, way, "other bits than the first form");
    else if (m->base < 0) m->base = (int32_t)way;
fail:
    return status;
}

// --- timing ---------------------------------------------------------------------------------------------------------
static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool late(const struct measurement *m) {
    return gs__clock_ns() >= m->deadline_ns;
}

static double median(double *samples, uint32_t count) {
    qsort(samples, count, sizeof *samples, ascending);
    return samples[count / 2];
}

// How many dispatches one measurement takes, and how many there are. Ways that take far longer than the fastest are
// left out.
static gs_status look_over(struct measurement *m, uint32_t *repeats, uint32_t *rounds) {
    gs_status status = GS_OK;
    const gs__choice *choice = &m->t->choice;
    double ns[GS__MAX_WAYS] = {0}, least = INFINITY;
    for (uint32_t i = 0; i < choice->way_count; i++) {
        double again;
        if (!m->right[i]) continue;
        GS_TRY(run(m, i, &ns[i]));
        GS_TRY(run(m, i, &again));
        if (again < ns[i]) ns[i] = again;
        if (ns[i] < least) least = ns[i];
    }
    *repeats = least > 0 && least < REPLAY_NS / MOST_REPEATS ? MOST_REPEATS : (uint32_t)(REPLAY_NS / least);
    if (*repeats < 1) *repeats = 1;
    *rounds = least < SLOW_NS ? ROUNDS : LEAST_ROUNDS;
    for (uint32_t i = 0; i < choice->way_count; i++) {
        if (!m->right[i]) continue;
        m->timed[i] = ns[i] <= HOPELESS * least;
        if (m->timed[i]) GS_TRY(record(m, i, *repeats));
    }
fail:
    return status;
}

// Medians of rounds in which the ways take turns, so that what disturbs the device disturbs all of them. *chosen: the
// fastest, NULL when time ran out before.
static gs_status time_ways(struct measurement *m, const gs__way **chosen) {
    gs_status status = GS_OK;
    const gs__choice *choice = &m->t->choice;
    uint32_t repeats, wanted, rounds = 0;
    GS_TRY(look_over(m, &repeats, &wanted));
    for (; rounds < wanted && !late(m); rounds++)
        for (uint32_t i = 0; i < choice->way_count; i++)
            if (m->timed[i]) GS_TRY(run(m, i, &m->samples[i][rounds]));
    if (rounds < LEAST_ROUNDS) return GS_OK;
    double best = INFINITY;
    for (uint32_t i = 0; i < choice->way_count; i++) {
        if (!m->timed[i]) continue;
        double ns = median(m->samples[i], rounds);
        if ((int32_t)i == m->base) ns *= WORTH;
        if (ns >= best) continue;
        best = ns;
        *chosen = &choice->ways[i];
    }
fail:
    return status;
}

static gs_status measure(struct measurement *m, gs__tuner *tuner) {
    gs_status status = GS_OK;
    const gs__choice *choice = &m->t->choice;
    const gs__way *chosen = NULL;
    gs__kernel kernels[GS__MAX_WAYS] = {0};
    for (uint32_t i = 0; i < choice->way_count; i++) {
        kernels[i] = (gs__kernel){.shader = choice->ways[i].shader, .spec_count = choice->ways[i].spec_count};
        memcpy(kernels[i].spec, choice->ways[i].spec, sizeof kernels[i].spec);
    }
    GS_TRY(make_buffers(m));
    GS_TRY(gs__pipeline_prepare(m->gpu, kernels, choice->way_count));
    for (uint32_t i = 0; i < choice->way_count && !late(m); i++) GS_TRY(check(m, tuner, i));
    if (m->base < 0) chosen = &choice->ways[0]; // all are wrong: training will show it
    else if (!late(m)) GS_TRY(time_ways(m, &chosen));
    // A choice that takes more than all the time there is must not take it again at the next start.
    if (!chosen && m->alone) chosen = &choice->ways[m->base];
    if (!chosen) return GS_OK;
    gs__tuner_set(tuner, choice, chosen);
    tuner->measured++;
fail:
    return status;
}

// Tries the kernels that are used only where they are right: on all the choices that one is met with, or some of them,
// if they take little memory. `tunings` are in order, most work first.
static gs_status prove(gs__gpu *gpu, gs__tuner *tuner, const gs__tuning *tunings, uint32_t count) {
    enum { MOST_TRIES = 8, MOST_TRY_BYTES = 64 << 20 };
    gs_status status = GS_OK;
    const gs__shader *shader = NULL;
    bool right = true;
    uint32_t tries = 0;
    for (uint32_t i = count; i-- > 0 && tries < MOST_TRIES && right;) {
        const gs__choice *choice = &tunings[i].choice;
        const gs__shader *own = choice->ways[0].shader;
        uint64_t bytes = 0;
        for (uint32_t b = 0; b < GS__MAX_BINDINGS; b++) bytes += tunings[i].window[b].bytes;
        if (!choice->unproven || gs__tuner_tried(tuner, own) || (shader && own != shader) || bytes > MOST_TRY_BYTES)
            continue;
        struct measurement m = {.gpu = gpu, .t = &tunings[i], .base = -1};
        shader = own;
        status = make_buffers(&m);
        for (uint32_t way = 0; way < choice->way_count && status == GS_OK; way++) status = check(&m, tuner, way);
        right = status == GS_OK && m.base == 0;
        tries++;
        clean_up(&m);
    }
    if (shader) gs__tuner_prove(tuner, shader, right);
    return status == GS_ERR_DEVICE || status == GS_ERR_DEVICE_LOST ? status : GS_OK;
}

static int most_work_first(const void *a, const void *b) {
    const uint64_t x = ((const gs__tuning *)a)->choice.work, y = ((const gs__tuning *)b)->choice.work;
    return (x < y) - (x > y);
}

gs_status gs__tune(gs__gpu *gpu, gs__tuning *tunings, uint32_t count) {
    gs__tuner *tuner = gs__tuner_get(gpu);
    gs__error *error = gs__gpu_error(gpu);
    const gs__error before = *error;
    if (!tuner || !count) return GS_OK;
    qsort(tunings, count, sizeof *tunings, most_work_first);
    const uint32_t measured = tuner->measured, proofs = tuner->proof_count;
    bool started = false;
    const uint64_t begin = gs__clock_ns();
    gs_status status = prove(gpu, tuner, tunings, count);
    const bool proved = tuner->proof_count > proofs;
    if (status == GS_OK) *error = before;
    for (uint32_t i = 0; i < count && status == GS_OK; i++) {
        if (tunings[i].choice.unproven && !gs__tuner_trusts(tuner, tunings[i].choice.ways[0].shader)) continue;
        uint64_t bytes = 0;
        for (uint32_t b = 0; b < GS__MAX_BINDINGS; b++) bytes += tunings[i].window[b].bytes;
        if (!gs__tuner_wants(tuner, &tunings[i].choice) || bytes > MOST_BYTES) continue;
        struct measurement m = {.gpu = gpu, .t = &tunings[i], .deadline_ns = begin + tuner->left_ns, .base = -1};
        if (late(&m)) break;
        m.alone = !started && tuner->left_ns == GS__TUNE_NS;
        started = true;
        status = measure(&m, tuner);
        clean_up(&m);
        if (status == GS_ERR_DEVICE || status == GS_ERR_DEVICE_LOST) continue;
        // Want of memory, a kernel too large for the device: the rule's way may do, and tells if it does not.
        if (status != GS_OK) *error = before;
        status = GS_OK;
    }
    const uint64_t spent = gs__clock_ns() - begin;
    tuner->left_ns = spent < tuner->left_ns ? tuner->left_ns - spent : 0;
    if (tuner->measured > measured || proved) gs__tuner_save(tuner, gpu);
    return status;
}
