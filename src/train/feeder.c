#include "train/feeder.h"

#include "base/memory.h"
#include "data/data.h"
#include "plan/shuffle.h"
#include "plan/tick.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4 };

struct slot {
    struct gs_state state; // of the step that it is for
    void *x, *y;
    gs_status status;
    gs__error error;
};

// The thread fills slots[made % SLOTS], the caller takes slots[taken % SLOTS]; the one last taken stays as it is.
struct gs__feeder {
    const gs_data *data;
    uint64_t begin;
    uint64_t *indices;
    struct slot slots[SLOTS];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct gs_state next; // of the step to make next
    uint64_t made, taken;
    bool has_next, stop, has_thread;
    uint32_t generation; // steps on when the caller wants another step than was foreseen
};

static void list_indices(const gs__feeder *f, const struct gs_state *state) {
    const struct gs_settings *set = &state->set;
    for (uint32_t row = 0; row < state->next.rows; row++) {
        uint32_t sample = state->next.begin + row;
        if (set->shuffle) sample = gs__shuffled(sample, set->data_count, set->seed_lo, set->seed_hi, state->next.epoch);
        f->indices[row] = f->begin + sample;
    }
}

static void *work(void *user) {
    gs__feeder *f = user;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        // One slot stays with the caller.
        while (!f->stop && (!f->has_next || f->made - f->taken >= SLOTS - 1)) pthread_cond_wait(&f->changed, &f->lock);
        if (f->stop) break;
        const uint32_t generation = f->generation;
        struct slot *slot = &f->slots[f->made % SLOTS];
        slot->state = f->next;
        pthread_mutex_unlock(&f->lock);
        list_indices(f, &slot->state);
        slot->error = (gs__error){0};
        slot->status = gs__data_fill(&slot->error, f->data, f->indices, slot->state.next.rows, slot->x, slot->y);
        pthread_mutex_lock(&f->lock);
        if (generation == f->generation) {
            f->made++;
            gs__tick_next(&f->next);
            if (slot->status != GS_OK) f->has_next = false; // until it is asked for again
        }
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

gs_status gs__feeder_create(gs__error *error, const gs_data *data, uint64_t begin, uint32_t batch, bool wants_y,
                            gs__feeder **feeder) {
    const uint64_t x_bytes = data->x_bytes / data->count, y_bytes = data->y_bytes / data->count;
    gs__feeder *f = gs__allocate(error, 1, sizeof *f, "feeder");
    *feeder = NULL;
    if (!f) return GS_ERR_MEMORY;
    f->data = data;
    f->begin = begin;
    f->indices = gs__allocate(error, batch, sizeof *f->indices, "numbers of samples");
    bool good = f->indices != NULL;
    for (int i = 0; i < SLOTS && good; i++) {
        f->slots[i].x = gs__allocate(error, batch, x_bytes, "a batch of samples");
        if (wants_y) f->slots[i].y = gs__allocate(error, batch, y_bytes, "a batch of targets");
        good = f->slots[i].x && (!wants_y || f->slots[i].y);
    }
    good = good && pthread_mutex_init(&f->lock, NULL) == 0;
    if (good && pthread_cond_init(&f->changed, NULL) != 0) {
        pthread_mutex_destroy(&f->lock);
        good = false;
    }
    if (good && pthread_create(&f->thread, NULL, work, f) != 0) {
        pthread_cond_destroy(&f->changed);
        pthread_mutex_destroy(&f->lock);
        good = false;
    }
    f->has_thread = good;
    if (!good) {
        gs__feeder_destroy(f);
        return gs__fail(error, GS_ERR_MEMORY, "out of host memory, or no thread, for batches of samples");
    }
    *feeder = f;
    return GS_OK;
}

void gs__feeder_destroy(gs__feeder *f) {
    if (!f) return;
    if (f->has_thread) {
        pthread_mutex_lock(&f->lock);
        f->stop = true;
        pthread_cond_broadcast(&f->changed);
        pthread_mutex_unlock(&f->lock);
        pthread_join(f->thread, NULL);
        pthread_cond_destroy(&f->changed);
        pthread_mutex_destroy(&f->lock);
    }
    for (int i = 0; i < SLOTS; i++) {
        free(f->slots[i].x);
        free(f->slots[i].y);
    }
    free(f->indices);
    free(f);
}

static bool is_same(const struct gs_state *a, const struct gs_state *b) {
    return a->next.step_lo == b->next.step_lo && a->next.step_hi == b->next.step_hi && a->next.epoch == b->next.epoch &&
           a->next.begin == b->next.begin && a->next.rows == b->next.rows && a->set.seed_lo == b->set.seed_lo &&
           a->set.seed_hi == b->set.seed_hi && a->set.shuffle == b->set.shuffle &&
           a->set.data_count == b->set.data_count && a->set.batch == b->set.batch;
}

gs_status gs__feeder_take(gs__feeder *f, gs__error *error, const struct gs_state *state, const void **x,
                          const void **y) {
    pthread_mutex_lock(&f->lock);
    // What is made next, or was made first.
    const struct gs_state *foreseen = f->made > f->taken ? &f->slots[f->taken % SLOTS].state : &f->next;
    if ((!f->has_next && f->made == f->taken) || !is_same(foreseen, state)) {
        f->generation++;
        f->made = f->taken;
        f->next = *state;
        f->has_next = true;
        pthread_cond_broadcast(&f->changed);
    }
    while (f->made == f->taken) pthread_cond_wait(&f->changed, &f->lock);
    const struct slot *slot = &f->slots[f->taken % SLOTS];
    f->taken++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    *x = slot->x;
    *y = slot->y;
    return slot->status == GS_OK ? GS_OK : gs__fail(error, slot->status, "%s", slot->error.message);
}
