#include "train/checkpoints.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "context/context.h"
#include "train/checkpoint_file.h"
#include "train/counts.h"
#include "train/nan.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_HEAD "step-"
#define NAME_TAIL ".safetensors"
enum { NAME_DIGITS = 12, DEFAULT_KEEP = 3, ALIGN = 256 };

enum stage {
    IDLE,
    COPYING, // submitted; the host's part is taken when it has seen the same steps
    COPIED,  // both are there
    WRITING, // the thread has them
};

struct gs__checkpoints {
    gs_training *training;
    const gs_checkpoint_params *params;
    uint32_t every_epochs, keep;
    uint64_t every_ns, begun_ns; // by the clock
    uint64_t run_step;           // of the epoch, that the run under way began with
    enum stage stage;
    uint64_t copied_at; // COPYING: steps of the run
    uint64_t step;      // total, of the one being made or made last
    bool none;          // there was none yet
    // What is being made.
    gs__buffer *buffer; // the device's part
    gs__commands *commands;
    gs__checkpoint parts; // where in the buffer they are, and the host's part, which is owned
    gs__text head;
    // The thread.
    const gs_key *key; // NULL: plain files
    pthread_t thread;
    atomic_bool done;
    gs__error error;
    gs_status status;
    char *path;
    // What came of it.
    bool on_disk;
    uint64_t written;  // the newest on disk
    uint32_t failures; // in a row
    bool unsaid;       // the last one failed, and nobody was told but by a note
};

// --- the folder ------------------------------------------------------------------------------------------------------
static bool parse_name(const char *name, uint64_t *step) {
    const size_t head = sizeof NAME_HEAD - 1;
    if (strncmp(name, NAME_HEAD, head) != 0) return false;
    const size_t digits = strspn(name + head, "0123456789");
    if (digits < NAME_DIGITS || digits > 19 || strcmp(name + head + digits, NAME_TAIL) != 0) return false;
    *step = strtoull(name + head, NULL, 10);
    return true;
}

static char *path_of(gs__error *error, const char *dir, uint64_t step) {
    char name[64];
    snprintf(name, sizeof name, NAME_HEAD "%0*" PRIu64 NAME_TAIL, (int)NAME_DIGITS, step);
    return gs__path_join(error, dir, name);
}

struct steps {
    gs__error *error;
    uint64_t *steps; // newest first
    uint32_t count, capacity;
};

static gs_status list_one(void *user, const char *name) {
    struct steps *s = user;
    uint64_t step;
    if (!parse_name(name, &step)) return GS_OK;
    if (s->count == s->capacity) {
        const uint32_t capacity = s->capacity ? 2 * s->capacity : 16;
        uint64_t *larger = realloc(s->steps, capacity * sizeof *larger);
        if (!larger) return gs__fail(s->error, GS_ERR_MEMORY, "out of host memory for a list of checkpoints");
        s->steps = larger;
        s->capacity = capacity;
    }
    s->steps[s->count++] = step;
    return GS_OK;
}

static int descending(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

static gs_status list(gs__error *error, const char *dir, struct steps *steps) {
    *steps = (struct steps){.error = error};
    gs_status status = gs__dir_visit(error, dir, list_one, steps);
    if (steps->count) qsort(steps->steps, steps->count, sizeof *steps->steps, descending);
    return status;
}

// Removes all but the newest `keep` up to `newest`. Those above it are of a future that did not come: damaged ones that
// were passed over.
static gs_status prune(gs__error *error, const char *dir, uint64_t newest, uint32_t keep) {
    struct steps steps;
    gs_status status = list(error, dir, &steps);
    for (uint32_t i = 0, kept = 0; i < steps.count && status == GS_OK; i++) {
        if (steps.steps[i] <= newest && kept++ < keep) continue;
        char *path = path_of(error, dir, steps.steps[i]);
        if (!path) status = GS_ERR_MEMORY;
        else if (unlink(path) != 0 && errno != ENOENT)
            status = gs__fail(error, GS_ERR_FILE, "%s: cannot be removed: %s", gs__path_show(path), strerror(errno));
        free(path);
    }
    free(steps.steps);
    return status;
}

gs_status gs__checkpoints_newest(gs_training *training, const char *path, gs__safetensors **file) {
    gs__error *error = training->model->error;
    struct steps steps = {0};
    struct stat info;
    const size_t length = strlen(path), tail = sizeof NAME_TAIL - 1;
    *file = NULL;
    const bool there = stat(path, &info) == 0;
    if (there ? !S_ISDIR(info.st_mode) : length > tail && strcmp(path + length - tail, NAME_TAIL) == 0)
        return gs__checkpoint_open(training->model->context, path, file);
    gs_status status = there ? list(error, path, &steps) : GS_OK;
    for (uint32_t i = 0; i < steps.count && status == GS_OK && !*file; i++) {
        char *one = path_of(error, path, steps.steps[i]), note[sizeof error->message + 80];
        status = one ? gs__checkpoint_open(training->model->context, one, file) : GS_ERR_MEMORY;
        free(one);
        if (status != GS_ERR_FORMAT && status != GS_ERR_FILE) continue;
        const bool last = i + 1 == steps.count;
        snprintf(note, sizeof note, "%s%s", error->message, last ? "" : "; the checkpoint before it is used");
        gs_training_note(training, note);
        status = last ? gs__fail(error, GS_ERR_FORMAT,
                                 "%s: all of its %u checkpoints are damaged; to start again, remove the folder",
                                 gs__path_show(path), steps.count)
                      : GS_OK;
    }
    free(steps.steps);
    return status;
}

// --- the device's part -----------------------------------------------------------------------------------------------
struct piece {
    gs__buffer *from;
    uint64_t offset, bytes, at; // at: in our buffer
};

// State, weights, slots, then counts. Returns how many; *bytes: of our buffer.
static uint32_t list_pieces(const gs_training *t, struct piece *pieces, uint64_t *bytes) {
    const gs_model *model = t->model;
    const gs__plan *plan = t->session->plan;
    uint32_t count = 0;
    uint64_t offset;
    gs__buffer *state = gs__plan_memory(plan, GS__STORAGE_STATE, &offset);
    pieces[count++] = (struct piece){state, offset, sizeof(struct gs_state), 0};
    pieces[count++] = (struct piece){model->device_weights, 0, model->parameter_bytes, 0};
    pieces[count++] = (struct piece){model->device_slots, 0, model->device_slots ? gs__model_slot_bytes(model) : 0, 0};
    for (uint32_t i = 0; i < t->session->graph.metric_count; i++) {
        const gs__value_info *info = &t->session->graph.graph.values[t->session->graph.counts[i]];
        gs__buffer *buffer = gs__plan_memory(plan, info->storage, &offset);
        pieces[count++] = (struct piece){buffer, offset + info->offset, 4 * gs__counts_count(t->session, i), 0};
    }
    *bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        pieces[i].at = *bytes;
        *bytes += (pieces[i].bytes + ALIGN - 1) / ALIGN * ALIGN;
    }
    return count;
}

static gs_status make_copy(gs__checkpoints *c) {
    gs_status status = GS_OK;
    gs_training *t = c->training;
    struct piece pieces[3 + GS_MAX_METRICS];
    uint64_t bytes;
    gs__gpu *gpu;
    GS_TRY(gs__context_gpu(t->model->context, &gpu));
    const uint32_t count = list_pieces(t, pieces, &bytes);
    GS_TRY(gs__buffer_create(gpu, GS__MEMORY_READBACK, bytes, "checkpoint", &c->buffer));
    const char *map = gs__buffer_map(c->buffer);
    if (!map) return gs__fail(t->model->error, GS_ERR_INTERNAL, "a checkpoint's memory is not host-visible");
    c->parts.model = t->model;
    c->parts.state = (const struct gs_state *)(const void *)map;
    c->parts.weights = (const float *)(const void *)(map + pieces[1].at);
    c->parts.slots = pieces[2].bytes ? (const float *)(const void *)(map + pieces[2].at) : NULL;
    for (uint32_t i = 3; i < count; i++) {
        c->parts.counts[i - 3] = (const uint32_t *)(const void *)(map + pieces[i].at);
        c->parts.count_counts[i - 3] = pieces[i].bytes / 4;
    }
    GS_TRY(gs__commands_create(gpu, 0, &c->commands));
    GS_TRY(gs__commands_begin(c->commands));
    for (uint32_t i = 0; i < count; i++) {
        const gs__range range = {pieces[i].from, pieces[i].offset, pieces[i].bytes};
        if (pieces[i].bytes) gs__commands_copy(c->commands, range, c->buffer, pieces[i].at);
    }
    GS_TRY(gs__commands_end(c->commands));
fail:
    return status;
}

// Behind all that was submitted. Nothing where the last one is still being made.
static gs_status copy(gs__checkpoints *c, uint64_t at) {
    if (c->stage != IDLE) return GS_OK;
    gs_status status = gs__commands_submit(c->commands);
    if (status != GS_OK) return status;
    c->stage = COPYING;
    c->copied_at = at;
    c->begun_ns = gs__clock_ns();
    return GS_OK;
}

// --- the host's part -------------------------------------------------------------------------------------------------
static void drop_host_part(gs__checkpoints *c) {
    for (uint32_t i = 0; i < c->parts.callback_count; i++) free(c->parts.callback_weights[i]);
    free(c->parts.callback_weights);
    free(c->parts.history);
    gs__text_deinit(&c->head);
    c->parts.callback_weights = NULL;
    c->parts.callback_count = 0;
    c->parts.history = NULL;
    c->head = (gs__text){0};
}

static void *duplicate(gs__error *error, const void *from, uint64_t bytes) {
    void *to = gs__allocate(error, bytes, 1, "checkpoint");
    if (to && bytes) memcpy(to, from, bytes);
    return to;
}

// What the host knows of the moment, copied. `epoch`: that the next step belongs to.
static gs_status take_host_part(gs__checkpoints *c, uint32_t epoch) {
    gs_status status = GS_OK;
    const gs_training *t = c->training;
    gs__error *error = t->model->error;
    const uint32_t count = t->params->callback_count;
    drop_host_part(c);
    c->step = t->info.total_step;
    c->none = false;
    gs__checkpoint_head(&c->head, t, epoch);
    GS_TRY(gs__text_check(error, &c->head));
    c->parts.head = c->head.data;
    c->parts.history_rows = t->history.rows;
    c->parts.history_columns = t->history.columns;
    c->parts.history =
        duplicate(error, t->history.values, (uint64_t)t->history.rows * t->history.columns * sizeof(double));
    c->parts.callback_weights = gs__allocate(error, count, sizeof *c->parts.callback_weights, "checkpoint");
    if (!c->parts.history || !c->parts.callback_weights) return GS_ERR_MEMORY;
    for (c->parts.callback_count = 0; c->parts.callback_count < count; c->parts.callback_count++) {
        const float *weights = t->params->callbacks[c->parts.callback_count]->weights;
        if (!weights || !t->model->parameter_elements) continue;
        float *kept = duplicate(error, weights, t->model->parameter_elements * sizeof *weights);
        if (!kept) return GS_ERR_MEMORY;
        c->parts.callback_weights[c->parts.callback_count] = kept;
    }
    c->stage = COPIED;
fail:
    return status;
}

// --- writing ---------------------------------------------------------------------------------------------------------
static void *write_file(void *user) {
    gs__checkpoints *c = user;
    c->path = NULL;
    c->status = GS_OK;
    // The next loss will say it. Until then a good checkpoint must not give way to a bad one.
    if (gs__all_finite(c->parts.weights, c->training->model->parameter_bytes)) {
        c->path = path_of(&c->error, c->params->dir, c->step);
        c->status = c->path ? gs__checkpoint_write(&c->error, c->key, &c->parts, c->path) : GS_ERR_MEMORY;
        if (c->status == GS_OK) c->status = prune(&c->error, c->params->dir, c->step, c->keep);
    }
    atomic_store(&c->done, true);
    return NULL;
}

// Signals are for the other threads.
static int start_thread(gs__checkpoints *c) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    const int code = pthread_create(&c->thread, NULL, write_file, c);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return code;
}

// `last`: of the training. Of failures in a row the first, second, fourth, ... are told.
static void report(gs__checkpoints *c, bool last) {
    char text[sizeof c->error.message + 200], row[40] = "", newest[64];
    if (c->status == GS_OK) {
        if (c->path) c->written = c->step, c->on_disk = true, c->unsaid = false;
        c->failures = 0;
        return;
    }
    c->unsaid = !c->params->failed;
    c->failures++;
    if (!last && (c->failures & (c->failures - 1))) return;
    if (c->failures > 1) snprintf(row, sizeof row, " (%u in a row)", c->failures);
    snprintf(newest, sizeof newest, c->on_disk ? "the newest on disk is of step %" PRIu64 : "none is on disk",
             c->written);
    snprintf(text, sizeof text, "the checkpoint of step %" PRIu64 " is not written%s: %s; %s%s", c->step, row,
             c->error.message, last ? "" : "the training goes on, ", newest);
    if (c->params->failed) c->params->failed(c->params->user, text);
    else gs_training_note(c->training, text);
}

static void finish_writing(gs__checkpoints *c, bool last) {
    c->stage = IDLE;
    report(c, last);
    free(c->path);
    c->path = NULL;
}

// Waits for the thread.
static void reap(gs__checkpoints *c) {
    pthread_join(c->thread, NULL);
    finish_writing(c, false);
}

static gs_status start_writing(gs__checkpoints *c) {
    gs_status status = gs__commands_wait(c->commands);
    if (status != GS_OK) return status;
    atomic_store(&c->done, false);
    c->stage = WRITING;
    if (start_thread(c) == 0) return GS_OK;
    write_file(c);
    finish_writing(c, false);
    return GS_OK;
}

// --- when ------------------------------------------------------------------------------------------------------------
gs_status gs__checkpoints_open(gs_training *training, const gs_checkpoint_params *params,
                               gs__checkpoints **checkpoints) {
    gs_status status = GS_OK;
    gs__error *error = training->model->error;
    *checkpoints = NULL;
    if (!params) return GS_OK;
    if (!params->dir || !params->dir[0]) return gs__fail(error, GS_ERR_ARGUMENT, "checkpoints: the folder is missing");
    if (!(params->every_minutes >= 0) || params->every_minutes > 1e7)
        return gs__fail(error, GS_ERR_ARGUMENT, "checkpoints: every %g minutes: expected 0 to 1e7",
                        params->every_minutes);
    gs__checkpoints *c = gs__allocate(error, 1, sizeof *c, "checkpoints");
    if (!c) return GS_ERR_MEMORY;
    const bool by_default = !params->every_epochs && !params->every_steps && !(params->every_minutes > 0);
    c->training = training;
    c->params = params;
    c->every_epochs = by_default ? 1 : params->every_epochs;
    c->every_ns = (uint64_t)(params->every_minutes * 60e9);
    c->keep = params->keep ? params->keep : DEFAULT_KEEP;
    c->begun_ns = gs__clock_ns();
    c->none = true;
    c->key = gs__context_key(training->model->context, GS_KEY_ENCRYPT);
    GS_TRY(gs__dir_make(error, params->dir));
    GS_TRY(gs__dir_tidy(error, params->dir));
    GS_TRY(make_copy(c));
    // Those of another training.
    if (!training->params->resume) GS_TRY(prune(error, params->dir, 0, 0));
    if (!training->params->resume && params->begun) GS_TRY(params->begun(params->user));
    *checkpoints = c;
    return GS_OK;
fail:
    gs__checkpoints_close(c);
    return status;
}

uint64_t gs__checkpoints_close(gs__checkpoints *c) {
    if (!c) return 0;
    if (c->stage == WRITING) reap(c);
    const uint64_t newest = c->on_disk ? c->written : 0;
    drop_host_part(c);
    gs__commands_destroy(c->commands);
    gs__buffer_destroy(c->buffer);
    free(c->path);
    free(c);
    return newest;
}

static gs_status at_mark(void *user, gs__run *run) {
    gs__checkpoints *c = user;
    // The last step of a run is gs__checkpoints_step's: callbacks come between.
    if (run->submitted == run->steps) return GS_OK;
    run->mark += c->params->every_steps;
    return copy(c, run->submitted);
}

void gs__checkpoints_mark(gs__checkpoints *c, gs__run *run, uint64_t step) {
    if (!c) return;
    c->run_step = step;
    if (!c->params->every_steps) return;
    run->mark = c->params->every_steps - c->training->info.total_step % c->params->every_steps;
    run->at_mark = at_mark;
    run->user = c;
}

gs_status gs__checkpoints_poll(gs__checkpoints *c, gs__run *run) {
    gs_status status = GS_OK;
    if (!c) return GS_OK;
    if (c->stage == WRITING && atomic_load(&c->done)) reap(c);
    if (c->stage == COPIED) GS_TRY(start_writing(c));
    if (c->stage == COPYING && run->finished == c->copied_at) {
        GS_TRY(take_host_part(c, c->training->info.epoch));
        GS_TRY(start_writing(c));
    }
    const bool epoch_over = c->run_step + run->submitted == c->training->info.steps;
    if (c->every_ns && !epoch_over && gs__clock_ns() - c->begun_ns >= c->every_ns) {
        GS_TRY(copy(c, run->submitted));
        if (c->stage == COPYING && run->finished == c->copied_at) GS_TRY(take_host_part(c, c->training->info.epoch));
    }
fail:
    return status;
}

// With nothing in flight.
static gs_status make(gs__checkpoints *c, uint32_t epoch) {
    if (c->stage == WRITING && atomic_load(&c->done)) reap(c);
    if (c->stage != IDLE) return GS_OK;
    gs_status status = copy(c, 0);
    return status == GS_OK ? take_host_part(c, epoch) : status;
}

gs_status gs__checkpoints_drop(gs__checkpoints *c) {
    if (!c || c->stage != COPYING) return GS_OK;
    c->stage = IDLE;
    return gs__commands_wait(c->commands);
}

gs_status gs__checkpoints_step(gs__checkpoints *c) {
    const gs_training *t = c ? c->training : NULL;
    if (!c || !c->params->every_steps || t->info.total_step % c->params->every_steps != 0) return GS_OK;
    if (!c->none && c->step == t->info.total_step) return GS_OK; // made at the mark
    return make(c, t->info.epoch);
}

gs_status gs__checkpoints_epoch(gs__checkpoints *c) {
    if (!c) return GS_OK;
    const gs_training *t = c->training;
    const uint64_t every_steps = c->params->every_steps;
    const bool by_epochs = c->every_epochs && (t->info.epoch + 1) % c->every_epochs == 0;
    const bool by_steps = every_steps && t->info.total_step % every_steps == 0;
    const bool by_clock = c->every_ns && gs__clock_ns() - c->begun_ns >= c->every_ns;
    return by_epochs || by_steps || by_clock ? make(c, t->info.epoch + 1) : GS_OK;
}

// Until nothing is being made.
static gs_status complete(gs__checkpoints *c) {
    gs_status status = GS_OK;
    if (c->stage == COPIED) GS_TRY(start_writing(c));
    if (c->stage == WRITING) reap(c);
fail:
    return status;
}

gs_status gs__checkpoints_finish(gs__checkpoints *c, bool epoch_over) {
    gs_status status = GS_OK;
    if (!c) return GS_OK;
    const gs_training *t = c->training;
    GS_TRY(complete(c));
    if (!c->on_disk || c->written != t->info.total_step) {
        GS_TRY(make(c, t->info.epoch + (epoch_over ? 1 : 0)));
        GS_TRY(gs__commands_wait(c->commands));
        write_file(c);
        const bool bad = !c->path && c->status == GS_OK;
        finish_writing(c, true);
        if (bad)
            return gs__fail(t->model->error, GS_ERR_NAN,
                            "weights are not finite after the last step (%" PRIu64 "): lower the learning rate, or "
                            "look for bad values in the data",
                            t->info.total_step);
    }
    if (c->unsaid) return gs__fail(t->model->error, GS_ERR_FILE, "a checkpoint is not written: %s", c->error.message);
fail:
    return status;
}
