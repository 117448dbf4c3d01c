// All of a training in one file, so that no two files can be of different moments: safetensors with
//   weights, optimizer        flat, as on the device; floats
//   callback/I/weights        the copies that callbacks have
//   __metadata__.training     JSON: where the training stands, and the numbers of the callbacks
#include "train/training.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include "data/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POSITION_WORDS = sizeof(struct gs_position) / 4, SUM_COUNT = sizeof(gs__sums) / sizeof(double), VERSION = 1 };

// --- writing -------------------------------------------------------------------------------------------------------
static void append_numbers(gs__text *text, const char *key, const double *values, uint32_t count) {
    gs__text_append(text, "\"%s\":[", key);
    // As bits too large for JSON's doubles would not be: 17 digits are exact, and a NaN is null.
    for (uint32_t i = 0; i < count; i++)
        gs__text_append(text, values[i] == values[i] ? "%s%.17g" : "%snull", i ? "," : "", values[i]);
    gs__text_append(text, "]");
}

static void append_training(gs__text *text, const gs_training *t, const struct gs_state *state) {
    const struct gs_settings *set = &state->set;
    uint32_t words[POSITION_WORDS];
    double numbers[POSITION_WORDS];
    memcpy(words, &state->next, sizeof words);
    for (uint32_t i = 0; i < POSITION_WORDS; i++) numbers[i] = words[i];
    // Behind the last step of an epoch the next one begins.
    const uint32_t epoch = t->info.epoch + (state->next.begin == 0 ? 1 : 0);
    const gs_precision precision = t->model->compile.precision;
    uint32_t rate;
    memcpy(&rate, &set->learning_rate, sizeof rate);
    gs__text_append(text, "{\"version\":%d,\"epoch\":%u,\"stopped\":%s,\"batch_size\":%u,\"samples\":%u,", VERSION,
                    epoch, t->stop ? "true" : "false", set->batch, set->data_count);
    if (precision != GS_PRECISION_FLOAT32) gs__text_append(text, "\"precision\":\"%s\",", gs_precision_name(precision));
    gs__text_append(text, "\"seed\":[%u,%u],\"shuffle\":%s,\"learning_rate\":%u,", set->seed_lo, set->seed_hi,
                    set->shuffle ? "true" : "false", rate);
    append_numbers(text, "position", numbers, POSITION_WORDS);
    gs__text_append(text, ",");
    append_numbers(text, "sums", (const double *)(const void *)&t->sums, SUM_COUNT);
    gs__text_append(text, ",\"callbacks\":[");
    for (uint32_t i = 0; i < t->params->callback_count; i++) {
        const gs_callback *c = t->params->callbacks[i];
        gs__text_append(text, "%s{\"name\":", i ? "," : "");
        gs__text_append_json(text, gs__callback_name(c));
        gs__text_append(text, ",");
        append_numbers(text, "state", c->state, c->state ? c->state_count : 0);
        gs__text_append(text, "}");
    }
    gs__text_append(text, "]}");
}

// The flat tensors; names is room for those of callbacks.
static uint32_t list_entries(const gs_training *t, const float *slots, char (*names)[40],
                             gs__safetensors_entry *entries) {
    const gs_model *model = t->model;
    uint32_t count = 0;
    const int64_t elements = (int64_t)(model->parameter_bytes / sizeof(float));
    if (elements) entries[count++] = (gs__safetensors_entry){"weights", {1, {elements}}, model->weights};
    if (slots)
        entries[count++] =
            (gs__safetensors_entry){"optimizer", {1, {(int64_t)(gs__model_slot_bytes(model) / sizeof(float))}}, slots};
    for (uint32_t i = 0; i < t->params->callback_count; i++) {
        const gs_callback *c = t->params->callbacks[i];
        if (!c->weights || !model->parameter_elements) continue;
        snprintf(names[i], sizeof names[i], "callback/%u/weights", i);
        entries[count++] = (gs__safetensors_entry){names[i], {1, {(int64_t)model->parameter_elements}}, c->weights};
    }
    return count;
}

gs_status gs__backup_write(gs_training *t, const char *path) {
    gs_status status = GS_OK;
    gs_model *model = t->model;
    gs__text text = {0};
    struct gs_state state;
    float *slots = NULL;
    const uint32_t most = t->params->callback_count + 2;
    gs__safetensors_entry *entries = gs__allocate(model->error, most, sizeof *entries, "list of tensors");
    char(*names)[40] = gs__allocate(model->error, most, sizeof *names, "list of tensors");
    if (!entries || !names) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(gs__model_download(model));
    GS_TRY(gs__plan_get_state(t->session->plan, &state));
    if (model->device_slots) {
        slots = gs__allocate(model->error, gs__model_slot_bytes(model), 1, "optimizer state");
        status = slots ? gs__buffer_read(model->device_slots, 0, slots, gs__model_slot_bytes(model)) : GS_ERR_MEMORY;
        if (status != GS_OK) goto fail;
    }
    append_training(&text, t, &state);
    GS_TRY(gs__text_check(model->error, &text));
    GS_TRY(gs__safetensors_write_in(model->context, path, "training", text.data, entries,
                                    list_entries(t, slots, names, entries)));
fail:
    gs__text_deinit(&text);
    free(slots);
    free(entries);
    free(names);
    return status;
}

// --- reading -------------------------------------------------------------------------------------------------------
static gs_status read_tensor(gs_training *t, gs__safetensors *file, const char *name, uint64_t count, float *to) {
    gs__safetensors_info info = {0};
    const int64_t index = gs__safetensors_find(file, name);
    if (index >= 0) gs__safetensors_get(file, (uint32_t)index, &info);
    if (index >= 0 && info.count == count) return gs__safetensors_read_f32(file, (uint32_t)index, to);
    return gs__fail(t->model->error, GS_ERR_ARGUMENT,
                    "\"%s\" has %llu values, but this model and optimizer need %llu: the backup is another training's",
                    name, (unsigned long long)(index >= 0 ? info.count : 0), (unsigned long long)count);
}

static gs_status read_numbers(gs__json *json, const cJSON *object, const char *key, double *values, uint32_t count) {
    gs_status status = GS_OK;
    const cJSON *array = NULL, *item;
    uint32_t i = 0;
    GS_TRY(gs__json_get_array(json, object, key, GS__JSON_REQUIRED, &array));
    if ((uint32_t)cJSON_GetArraySize(array) != count)
        return gs__json_fail(json, array, GS_ERR_FORMAT, "expected %u numbers, found %d", count,
                             cJSON_GetArraySize(array));
    cJSON_ArrayForEach(item, array) {
        values[i] = (double)NAN;
        if (!cJSON_IsNull(item)) GS_TRY(gs__json_as_number(json, item, &values[i]));
        i++;
    }
fail:
    return status;
}

// What must be as it was, or the rest of the training would be another one.
static gs_status check_same(gs__json *json, const cJSON *object, const char *key, uint64_t now) {
    uint64_t then = 0;
    gs_status status = gs__json_get_uint(json, object, key, GS__JSON_REQUIRED, 0, UINT32_MAX, &then);
    if (status != GS_OK || then == now) return status;
    return gs__json_fail(json, gs__json_find(object, key), GS_ERR_ARGUMENT,
                         "the backup was made with %llu, this training has %llu", (unsigned long long)then,
                         (unsigned long long)now);
}

static gs_status check_precision(gs_training *t, gs__json *json, const cJSON *root) {
    const char *then = gs_precision_name(GS_PRECISION_FLOAT32), *now = gs_precision_name(t->model->compile.precision);
    char shown[40];
    gs_status status = gs__json_get_string(json, root, "precision", GS__JSON_OPTIONAL, &then);
    if (status != GS_OK || strcmp(then, now) == 0) return status;
    return gs__json_fail(json, gs__json_find(root, "precision"), GS_ERR_ARGUMENT,
                         "the backup was made with %s, this training has %s", gs__text_show(then, shown, sizeof shown),
                         now);
}

static gs_status read_position(gs_training *t, gs__json *json, const cJSON *root, struct gs_state *state) {
    gs_status status = GS_OK;
    uint64_t number = 0;
    double numbers[POSITION_WORDS], sums[SUM_COUNT], seed[2];
    uint32_t words[POSITION_WORDS];
    GS_TRY(check_same(json, root, "version", VERSION));
    GS_TRY(check_same(json, root, "batch_size", state->set.batch));
    GS_TRY(check_same(json, root, "samples", state->set.data_count));
    GS_TRY(check_precision(t, json, root));
    GS_TRY(read_numbers(json, root, "seed", seed, 2));
    if (seed[0] != state->set.seed_lo || seed[1] != state->set.seed_hi)
        return gs__json_fail(json, gs__json_find(root, "seed"), GS_ERR_ARGUMENT,
                             "the backup was made with another seed than this training's");
    GS_TRY(gs__json_get_uint(json, root, "epoch", GS__JSON_REQUIRED, 0, UINT32_MAX, &number));
    t->info.first_epoch = (uint32_t)number;
    GS_TRY(gs__json_get_bool(json, root, "stopped", GS__JSON_REQUIRED, &t->stop));
    GS_TRY(gs__json_get_uint(json, root, "learning_rate", GS__JSON_REQUIRED, 0, UINT32_MAX, &number));
    const uint32_t bits = (uint32_t)number;
    memcpy(&state->set.learning_rate, &bits, sizeof bits);
    GS_TRY(read_numbers(json, root, "sums", sums, SUM_COUNT));
    memcpy(&t->sums, sums, sizeof t->sums);
    GS_TRY(read_numbers(json, root, "position", numbers, POSITION_WORDS));
    for (uint32_t i = 0; i < POSITION_WORDS; i++) {
        if (!(numbers[i] >= 0) || numbers[i] > UINT32_MAX)
            return gs__json_fail(json, gs__json_find(root, "position"), GS_ERR_FORMAT, "%g is no 32-bit word",
                                 numbers[i]);
        words[i] = (uint32_t)numbers[i];
    }
    memcpy(&state->next, words, sizeof state->next);
    if (state->next.begin >= state->set.data_count || state->next.rows > state->set.batch)
        return gs__json_fail(json, gs__json_find(root, "position"), GS_ERR_FORMAT, "a position outside of the data");
    state->cur = state->next;
    t->info.total_step = (uint64_t)state->next.step_hi << 32 | state->next.step_lo;
    // What a save and a further fit begin with.
    if (state->set.learning_rate > 0.0f) t->model->compile.optimizer.learning_rate = state->set.learning_rate;
fail:
    return status;
}

static gs_status read_callbacks(gs_training *t, gs__json *json, const cJSON *root, gs__safetensors *file) {
    gs_status status = GS_OK;
    const cJSON *array = NULL, *item;
    uint32_t i = 0;
    GS_TRY(gs__json_get_array(json, root, "callbacks", GS__JSON_REQUIRED, &array));
    if ((uint32_t)cJSON_GetArraySize(array) != t->params->callback_count)
        return gs__json_fail(json, array, GS_ERR_ARGUMENT,
                             "the backup was made with %d callbacks, this training has %u", cJSON_GetArraySize(array),
                             t->params->callback_count);
    cJSON_ArrayForEach(item, array) {
        const gs_callback *c = t->params->callbacks[i];
        const char *name = NULL, *own = gs__callback_name(c);
        char tensor[40];
        GS_TRY(gs__json_get_string(json, item, "name", GS__JSON_REQUIRED, &name));
        if (strcmp(name, own) != 0)
            return gs__json_fail(json, item, GS_ERR_ARGUMENT, "the backup has %.60s here, this training %.60s", name,
                                 own);
        if (c->state) GS_TRY(read_numbers(json, item, "state", c->state, c->state_count));
        snprintf(tensor, sizeof tensor, "callback/%u/weights", i++);
        if (c->weights) GS_TRY(read_tensor(t, file, tensor, t->model->parameter_elements, c->weights));
    }
fail:
    return status;
}

static gs_status read_weights(gs_training *t, gs__safetensors *file) {
    gs_status status = GS_OK;
    gs_model *model = t->model;
    float *slots = NULL;
    const uint64_t slot_bytes = model->device_slots ? gs__model_slot_bytes(model) : 0;
    if (model->parameter_bytes)
        GS_TRY(read_tensor(t, file, "weights", model->parameter_bytes / sizeof(float), model->weights));
    model->host_stale = false;
    model->device_stale = true;
    GS_TRY(gs__model_upload(model));
    if (!slot_bytes) return GS_OK;
    slots = gs__allocate(model->error, slot_bytes, 1, "optimizer state");
    if (!slots) return GS_ERR_MEMORY;
    GS_TRY(read_tensor(t, file, "optimizer", slot_bytes / sizeof(float), slots));
    GS_TRY(gs__buffer_write(model->device_slots, 0, slots, slot_bytes));
fail:
    free(slots);
    return status;
}

gs_status gs__backup_read(gs_training *t, const char *path, struct gs_state *state) {
    gs_status status = GS_OK;
    gs__error *error = t->model->error;
    gs__safetensors *file = NULL;
    gs__json *json = NULL;
    GS_TRY(gs__safetensors_open_in(t->model->context, path, &file));
    const char *text = gs__safetensors_metadata(file, "training");
    if (!text) status = gs__fail(error, GS_ERR_FORMAT, "there is no training in it; resume takes what a backup wrote");
    if (status == GS_OK) status = gs__json_parse(error, text, strlen(text), "training", &json);
    if (status == GS_OK) status = read_position(t, json, gs__json_root(json), state);
    if (status == GS_OK) status = read_callbacks(t, json, gs__json_root(json), file);
    if (status == GS_OK) status = read_weights(t, file);
    if (status != GS_OK) gs__fail_at(error, status, "%s", gs__path_show(path));
fail:
    gs__json_destroy(json);
    gs__safetensors_close(file);
    return status;
}

// --- the callback --------------------------------------------------------------------------------------------------
struct backup {
    gs_callback callback; // first
    char *path;
    uint32_t every_epochs;
};

static gs_status epoch_end(void *user, gs_training *training, const gs_event *event) {
    const struct backup *b = user;
    const bool epoch_due = b->every_epochs && (event->epoch + 1) % b->every_epochs == 0;
    const bool step_due = b->callback.interval && event->total_step % b->callback.interval == 0;
    return epoch_due || step_due || training->stop ? gs__backup_write(training, b->path) : GS_OK;
}

static gs_status at_step(void *user, gs_training *training, const gs_event *event) {
    const struct backup *b = user;
    // An epoch's end is not over before its validation and its callbacks: epoch_end sees to it.
    if (event->step == event->steps) return GS_OK;
    return gs__backup_write(training, b->path);
}

static void destroy(void *user) {
    struct backup *b = user;
    free(b->path);
    free(b);
}

gs_status gs_backup_create(gs_context *context, const gs_backup_params *params, gs_callback **callback) {
    if (!context || !callback) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    struct backup *b;
    *callback = NULL;
    if (!params || !params->path || !params->path[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "Backup: the path is missing");
    gs_status status = gs__callback_make(context, "Backup", sizeof *b, &b);
    if (status != GS_OK) return status;
    b->every_epochs = params->every_epochs || params->every_steps ? params->every_epochs : 1;
    b->callback.epoch_end = epoch_end;
    b->callback.at_step = params->every_steps ? at_step : NULL;
    b->callback.interval = params->every_steps;
    b->callback.destroy = destroy;
    b->path = gs__text_copy(error, params->path);
    if (!b->path) {
        destroy(b);
        return GS_ERR_MEMORY;
    }
    *callback = &b->callback;
    return GS_OK;
}
