#include "train/checkpoint_file.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "context/context.h"
#include "train/counts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_WORDS = sizeof(struct gs_state) / 4, SUM_COUNT = sizeof(gs__sums) / sizeof(double), VERSION = 1 };
enum { NAME_BYTES = GS__MAX_NAME_BYTES + 40 };

// --- the JSON ------------------------------------------------------------------------------------------------------
static void append_numbers(gs__text *text, const char *key, const double *values, uint32_t count) {
    gs__text_append(text, "\"%s\":[", key);
    // 17 digits are exact. JSON has neither NaN, which is null, nor infinities, which are strings.
    for (uint32_t i = 0; i < count; i++) {
        const char *const comma = i ? "," : "";
        if (isnan(values[i])) gs__text_append(text, "%snull", comma);
        else if (isinf(values[i])) gs__text_append(text, "%s\"%sinf\"", comma, values[i] < 0 ? "-" : "");
        else gs__text_append(text, "%s%.17g", comma, values[i]);
    }
    gs__text_append(text, "]");
}

static void append_device(gs__text *text, const gs_training *t) {
    gs__gpu *gpu = NULL;
    if (gs__context_gpu(t->model->context, &gpu) != GS_OK) return;
    const gs_device_info *info = &gs__gpu_get_caps(gpu)->info;
    gs__text_append(text, "\"device\":");
    gs__text_append_json(text, info->name);
    gs__text_append(text, ",\"driver\":");
    gs__text_append_json(text, info->driver);
    gs__text_append(text, ",");
}

void gs__checkpoint_head(gs__text *text, const gs_training *t, uint32_t epoch) {
    const struct gs_settings *set = &t->session->state.set;
    gs__text_append(text, "\"version\":%d,\"step\":%" PRIu64 ",\"first_step\":%" PRIu64 ",\"epoch\":%u,\"stopped\":%s,",
                    VERSION, t->info.total_step, t->first_step, epoch, t->stop ? "true" : "false");
    gs__text_append(
        text, "\"batch_size\":%u,\"samples\":%u,\"data\":\"%016" PRIx64 "\",\"shuffle\":%s,\"seed\":[%u,%u],",
        set->batch, set->data_count, t->data_digest, set->shuffle ? "true" : "false", set->seed_lo, set->seed_hi);
    gs__text_append(text, "\"precision\":\"%s\",", gs_precision_name(t->model->compile.precision));
    append_device(text, t);
    gs__text_append(text, "\"restores\":%u,\"skipped\":%" PRIu64 ",", t->restores, t->skipped);
    append_numbers(text, "seconds", &t->seconds, 1);
    gs__text_append(text, ",");
    append_numbers(text, "sums", (const double *)(const void *)&t->sums, SUM_COUNT);
    gs__text_append(text, ",\"columns\":");
    gs__history_names(&t->history, text);
    gs__text_append(text, ",\"callbacks\":[");
    for (uint32_t i = 0; i < t->params->callback_count; i++) {
        const gs_callback *c = t->params->callbacks[i];
        gs__text_append(text, "%s{\"name\":", i ? "," : "");
        gs__text_append_json(text, gs__callback_name(c));
        gs__text_append(text, ",");
        append_numbers(text, "state", c->state, c->state ? c->state_count : 0);
        gs__text_append(text, "}");
    }
    gs__text_append(text, "]");
}

static void append_state(gs__text *text, const struct gs_state *state) {
    uint32_t words[STATE_WORDS];
    memcpy(words, state, sizeof words);
    gs__text_append(text, ",\"state\":[");
    for (uint32_t i = 0; i < STATE_WORDS; i++) gs__text_append(text, "%s%u", i ? "," : "", words[i]);
    gs__text_append(text, "]");
}

// --- the tensors ---------------------------------------------------------------------------------------------------
// A tensor of the file, and where its values are.
struct tensor {
    char name[NAME_BYTES];
    gs__safetensors_entry entry;
};

struct list {
    struct tensor *tensors;
    uint32_t count, capacity;
    bool failed;
};

static struct tensor *add(struct list *list, const void *values, const gs_shape *shape) {
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct tensor *larger = realloc(list->tensors, capacity * sizeof *larger);
        if (!larger) {
            list->failed = true;
            return NULL;
        }
        list->tensors = larger;
        list->capacity = capacity;
    }
    struct tensor *tensor = &list->tensors[list->count++];
    *tensor = (struct tensor){.entry = {.shape = *shape, .values = values}};
    return tensor;
}

static void add_flat(struct list *list, const char *name, const void *values, uint64_t count, const char *dtype) {
    struct tensor *tensor = count ? add(list, values, &(gs_shape){1, {(int64_t)count}}) : NULL;
    if (!tensor) return;
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->entry.dtype = dtype;
}

// A tensor for each parameter that is trained: `first` is where the flat array begins, quads as in gs__safetensors_entry.
static void add_trained(struct list *list, const gs_model *model, const char *kind, const float *first,
                        uint32_t quads) {
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        if (!gs__model_is_trained(model, p)) continue;
        const uint64_t at = p->offset / sizeof(float);
        struct tensor *tensor = add(list, first + (quads ? at / 4 * quads : at), &p->shape);
        if (!tensor) return;
        snprintf(tensor->name, sizeof tensor->name, "%s/%s", kind, p->name);
        tensor->entry.quad_words = quads;
    }
}

static void add_slots(struct list *list, const gs_model *model, const float *slots) {
    const gs__slot_layout layout = gs__model_slot_layout(model);
    char kind[32];
    for (uint32_t s = 0; s < layout.slot_count; s++) {
        snprintf(kind, sizeof kind, "optimizer/%u", s);
        add_trained(list, model, kind, slots + 4 * (size_t)s, 4 * layout.slot_count);
    }
    if (!layout.slot_count) add_flat(list, "optimizer/factors", slots, layout.accumulator / sizeof *slots, NULL);
    if (layout.average > layout.accumulator)
        add_trained(list, model, "accumulator", slots + layout.accumulator / sizeof *slots, 0);
    if (layout.bytes > layout.average) add_trained(list, model, "average", slots + layout.average / sizeof *slots, 0);
}

static void add_weights(struct list *list, const gs_model *model, const float *weights) {
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        struct tensor *tensor = add(list, weights + p->offset / sizeof(float), &p->shape);
        if (tensor) snprintf(tensor->name, sizeof tensor->name, "%s", p->name);
    }
}

// All of a checkpoint that is flat memory. The order is that of the file.
static void add_all(struct list *list, const gs__checkpoint *c) {
    char name[NAME_BYTES];
    add_weights(list, c->model, c->weights);
    if (c->slots) add_slots(list, c->model, c->slots);
    for (uint32_t i = 0; i < GS_MAX_METRICS; i++) {
        snprintf(name, sizeof name, "counts/%u", i);
        add_flat(list, name, c->counts[i], c->count_counts[i], "U32");
    }
    for (uint32_t i = 0; i < c->callback_count; i++) {
        snprintf(name, sizeof name, "callback/%u/weights", i);
        if (c->callback_weights[i]) add_flat(list, name, c->callback_weights[i], c->model->parameter_elements, NULL);
    }
    if (c->history_rows) {
        const gs_shape shape = {2, {c->history_rows, c->history_columns}};
        struct tensor *tensor = add(list, c->history, &shape);
        if (!tensor) return;
        snprintf(tensor->name, sizeof tensor->name, "history");
        tensor->entry.dtype = "F64";
    }
}

gs_status gs__checkpoint_write(gs__error *error, const gs_key *key, const gs__checkpoint *checkpoint,
                               const char *path) {
    gs_status status = GS_OK;
    gs__text text = {0};
    struct list list = {0};
    gs__safetensors_entry *entries = NULL;
    gs__file_writer *writer = NULL;
    gs__text_append(&text, "{%s", checkpoint->head);
    append_state(&text, checkpoint->state);
    gs__text_append(&text, "}");
    GS_TRY(gs__text_check(error, &text));
    add_all(&list, checkpoint);
    entries = list.failed ? NULL : gs__allocate(error, list.count, sizeof *entries, "list of tensors");
    if (!entries) {
        status = gs__fail(error, GS_ERR_MEMORY, "out of host memory for a list of tensors");
        goto fail;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        entries[i] = list.tensors[i].entry;
        entries[i].name = list.tensors[i].name;
    }
    GS_TRY(gs__protect_begin(error, key, path, &writer));
    GS_TRY(gs__safetensors_append(error, writer, "training", text.data, entries, list.count));
    status = gs__file_commit(&writer);
fail:
    gs__file_discard(writer);
    gs__text_deinit(&text);
    free(entries);
    free(list.tensors);
    return status;
}

// --- reading -------------------------------------------------------------------------------------------------------
static gs_status find_tensor(gs_training *t, gs__safetensors *file, const char *name, uint64_t count, const char *dtype,
                             uint32_t *index) {
    gs__safetensors_info info = {0};
    const int64_t at = gs__safetensors_find(file, name);
    if (at >= 0) gs__safetensors_get(file, (uint32_t)at, &info);
    *index = (uint32_t)at;
    if (at >= 0 && info.count == count && strcmp(info.dtype, dtype) == 0) return GS_OK;
    return gs__fail(t->model->error, GS_ERR_ARGUMENT,
                    "tensor \"%s\" has %llu values, but this model and optimizer need %llu of %s: the checkpoint is "
                    "another training's",
                    name, (unsigned long long)(at >= 0 ? info.count : 0), (unsigned long long)count, dtype);
}

static gs_status read_flat(gs_training *t, gs__safetensors *file, const char *name, uint64_t count, const char *dtype,
                           void *to) {
    uint32_t index;
    gs_status status = find_tensor(t, file, name, count, dtype, &index);
    return status == GS_OK ? gs__safetensors_read_raw(file, index, to) : status;
}

// Into the flat arrays that the entries lie in, which are `base`'s.
static gs_status read_list(gs_training *t, gs__safetensors *file, const struct list *list) {
    gs_status status = GS_OK;
    gs__error *error = t->model->error;
    if (list->failed) return gs__fail(error, GS_ERR_MEMORY, "out of host memory for a list of tensors");
    for (uint32_t i = 0; i < list->count && status == GS_OK; i++) {
        const struct tensor *tensor = &list->tensors[i];
        const gs__safetensors_entry *entry = &tensor->entry;
        uint64_t count = 0;
        gs__shape_count(&entry->shape, &count);
        float *values = gs__allocate(error, count, sizeof *values, tensor->name);
        if (!values) return GS_ERR_MEMORY;
        status = read_flat(t, file, tensor->name, count, "F32", values);
        uint32_t *to = (uint32_t *)(uintptr_t)entry->values; // ours: see read_weights
        const uint32_t quads = entry->quad_words ? entry->quad_words : 4;
        for (uint64_t k = 0; k < count && status == GS_OK; k += 4)
            memcpy(to + k / 4 * quads, values + k, (count - k < 4 ? (size_t)(count - k) : 4) * sizeof *values);
        free(values);
    }
    return status;
}

// `slots` may be NULL: there are none. What lies between the parameters in it stays as it is.
static gs_status read_weights(gs_training *t, gs__safetensors *file, float *slots) {
    gs_status status = GS_OK;
    gs_model *model = t->model;
    struct list list = {0};
    float *weights = gs__allocate(model->error, model->parameter_bytes, 1, "weights");
    if (!weights) return GS_ERR_MEMORY;
    add_weights(&list, model, weights);
    if (slots) add_slots(&list, model, slots);
    GS_TRY(read_list(t, file, &list));
    memcpy(model->weights, weights, model->parameter_bytes);
    model->host_stale = false;
    model->device_stale = true;
fail:
    free(list.tensors);
    free(weights);
    return status;
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
        if (cJSON_IsString(item) && strcmp(item->valuestring, "inf") == 0) values[i] = (double)INFINITY;
        else if (cJSON_IsString(item) && strcmp(item->valuestring, "-inf") == 0) values[i] = -(double)INFINITY;
        else if (!cJSON_IsNull(item)) GS_TRY(gs__json_as_number(json, item, &values[i]));
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
                         "the checkpoint was made with %llu, this training has %llu", (unsigned long long)then,
                         (unsigned long long)now);
}

static gs_status check_same_text(gs__json *json, const cJSON *object, const char *key, const char *now) {
    const char *then = NULL;
    char shown[40];
    gs_status status = gs__json_get_string(json, object, key, GS__JSON_REQUIRED, &then);
    if (status != GS_OK || strcmp(then, now) == 0) return status;
    return gs__json_fail(json, gs__json_find(object, key), GS_ERR_ARGUMENT,
                         "the checkpoint was made with %s, this training has %s",
                         gs__text_show(then, shown, sizeof shown), now);
}

static gs_status check_settings(gs_training *t, gs__json *json, const cJSON *root, const struct gs_settings *set) {
    gs_status status = GS_OK;
    char data[20];
    double seed[2];
    GS_TRY(check_same(json, root, "version", VERSION));
    GS_TRY(check_same(json, root, "batch_size", set->batch));
    GS_TRY(check_same(json, root, "samples", set->data_count));
    GS_TRY(check_same_text(json, root, "precision", gs_precision_name(t->model->compile.precision)));
    GS_TRY(read_numbers(json, root, "seed", seed, 2));
    if (seed[0] != set->seed_lo || seed[1] != set->seed_hi)
        return gs__json_fail(json, gs__json_find(root, "seed"), GS_ERR_ARGUMENT,
                             "the checkpoint was made with another seed than this training's");
    snprintf(data, sizeof data, "%016" PRIx64, t->data_digest);
    status = check_same_text(json, root, "data", data);
    if (status == GS_ERR_ARGUMENT) status = gs__fail_at(t->model->error, status, "the data are not those of before");
fail:
    return status;
}

static gs_status read_state(gs_training *t, gs__json *json, const cJSON *root, struct gs_state *state) {
    gs_status status = GS_OK;
    double numbers[STATE_WORDS];
    uint32_t words[STATE_WORDS];
    struct gs_state then;
    GS_TRY(read_numbers(json, root, "state", numbers, STATE_WORDS));
    for (uint32_t i = 0; i < STATE_WORDS; i++) {
        if (!(numbers[i] >= 0) || numbers[i] > UINT32_MAX)
            return gs__json_fail(json, gs__json_find(root, "state"), GS_ERR_FORMAT, "%g is no 32-bit word", numbers[i]);
        words[i] = (uint32_t)numbers[i];
    }
    memcpy(&then, words, sizeof then);
    if (then.next.begin >= state->set.data_count || then.next.rows > state->set.batch ||
        then.set.segments > GS_MAX_SEGMENTS)
        return gs__json_fail(json, gs__json_find(root, "state"), GS_ERR_FORMAT, "a position outside of the data");
    // A callback may have changed the rate, and a NaN the schedule. All else is made from the model's settings.
    state->next = state->cur = then.next;
    state->set.learning_rate = then.set.learning_rate;
    state->set.segments = then.set.segments;
    memcpy(state->schedule, then.schedule, sizeof state->schedule);
    t->info.total_step = (uint64_t)state->next.step_hi << 32 | state->next.step_lo;
    // What a save and a further fit begin with.
    if (state->set.learning_rate > 0.0f) t->model->compile.optimizer.learning_rate = state->set.learning_rate;
fail:
    return status;
}

static gs_status read_position(gs_training *t, gs__json *json, const cJSON *root) {
    gs_status status = GS_OK;
    uint64_t number = 0;
    double sums[SUM_COUNT];
    GS_TRY(gs__json_get_uint(json, root, "epoch", GS__JSON_REQUIRED, 0, UINT32_MAX, &number));
    t->info.first_epoch = (uint32_t)number;
    GS_TRY(gs__json_get_uint(json, root, "first_step", GS__JSON_REQUIRED, 0, UINT64_MAX, &t->first_step));
    GS_TRY(gs__json_get_uint(json, root, "skipped", GS__JSON_OPTIONAL, 0, UINT64_MAX, &t->skipped));
    number = 0;
    GS_TRY(gs__json_get_uint(json, root, "restores", GS__JSON_OPTIONAL, 0, UINT32_MAX, &number));
    t->restores = (uint32_t)number;
    GS_TRY(gs__json_get_bool(json, root, "stopped", GS__JSON_REQUIRED, &t->stop));
    GS_TRY(read_numbers(json, root, "seconds", &t->seconds, 1));
    GS_TRY(read_numbers(json, root, "sums", sums, SUM_COUNT));
    memcpy(&t->sums, sums, sizeof t->sums);
fail:
    return status;
}

static gs_status read_history(gs_training *t, gs__safetensors *file) {
    gs_status status = GS_OK;
    gs__history *history = &t->history;
    const uint32_t rows = t->info.first_epoch;
    history->rows = 0;
    if (!rows) return GS_OK;
    uint32_t index;
    GS_TRY(find_tensor(t, file, "history", (uint64_t)rows * history->columns, "F64", &index));
    GS_TRY(gs__history_grow(t->model->error, history, rows));
    GS_TRY(gs__safetensors_read_raw(file, index, history->values));
fail:
    return status;
}

static gs_status read_counts(gs_training *t, gs__safetensors *file) {
    gs_status status = GS_OK;
    char name[32];
    for (uint32_t i = 0; i < t->session->graph.metric_count; i++) {
        const uint64_t count = gs__counts_count(t->session, i);
        if (!count) continue;
        uint32_t *words = gs__allocate(t->model->error, count, sizeof *words, "counts of a metric");
        if (!words) return GS_ERR_MEMORY;
        snprintf(name, sizeof name, "counts/%u", i);
        status = read_flat(t, file, name, count, "U32", words);
        if (status == GS_OK)
            status = gs__plan_write(t->session->plan, t->session->graph.counts[i], words, count * sizeof *words);
        free(words);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static gs_status read_callbacks(gs_training *t, gs__json *json, const cJSON *root, gs__safetensors *file) {
    gs_status status = GS_OK;
    const cJSON *array = NULL, *item;
    uint32_t i = 0;
    GS_TRY(gs__json_get_array(json, root, "callbacks", GS__JSON_REQUIRED, &array));
    if ((uint32_t)cJSON_GetArraySize(array) != t->params->callback_count)
        return gs__json_fail(json, array, GS_ERR_ARGUMENT,
                             "the checkpoint was made with %d callbacks, this training has %u",
                             cJSON_GetArraySize(array), t->params->callback_count);
    cJSON_ArrayForEach(item, array) {
        const gs_callback *c = t->params->callbacks[i];
        const char *name = NULL, *own = gs__callback_name(c);
        char tensor[40];
        GS_TRY(gs__json_get_string(json, item, "name", GS__JSON_REQUIRED, &name));
        if (strcmp(name, own) != 0)
            return gs__json_fail(json, item, GS_ERR_ARGUMENT, "the checkpoint has %.60s here, this training %.60s",
                                 name, own);
        if (c->state) GS_TRY(read_numbers(json, item, "state", c->state, c->state_count));
        snprintf(tensor, sizeof tensor, "callback/%u/weights", i++);
        if (c->weights && t->model->parameter_elements)
            GS_TRY(read_flat(t, file, tensor, t->model->parameter_elements, "F32", c->weights));
    }
fail:
    return status;
}

// The bits of another device's arithmetic may be others.
static void compare_device(gs_training *t, const cJSON *root) {
    gs__gpu *gpu = NULL;
    const cJSON *name = gs__json_find(root, "device"), *driver = gs__json_find(root, "driver");
    char shown[120], note[400];
    if (!cJSON_IsString(name) || !cJSON_IsString(driver) || gs__context_gpu(t->model->context, &gpu) != GS_OK) return;
    const gs_device_info *info = &gs__gpu_get_caps(gpu)->info;
    const bool same = strcmp(info->name, name->valuestring) == 0;
    if (same && strcmp(info->driver, driver->valuestring) == 0) return;
    snprintf(note, sizeof note, "the checkpoint was made on %s%s; this %s may end with other bits",
             same ? "driver " : "", gs__text_show(same ? driver->valuestring : name->valuestring, shown, sizeof shown),
             same ? "driver" : "device");
    gs_training_note(t, note);
}

gs_status gs__checkpoint_open(gs_context *context, const char *path, gs__safetensors **file) {
    gs__error *error = gs__context_error(context);
    gs_status status = gs__safetensors_open_in(context, path, file);
    if (status != GS_OK) return status;
    if (!gs__safetensors_metadata(*file, "training"))
        status =
            gs__fail(error, GS_ERR_FORMAT, "%s: there is no training in it: it is no checkpoint", gs__path_show(path));
    if (status == GS_OK) status = gs__safetensors_check(*file);
    if (status == GS_OK) return GS_OK;
    gs__safetensors_close(*file);
    *file = NULL;
    return status;
}

gs_status gs__checkpoint_read(gs_training *t, gs__safetensors *file, struct gs_state *state, float *slots) {
    gs_status status = GS_OK;
    gs__json *json = NULL;
    const char *text = gs__safetensors_metadata(file, "training");
    GS_TRY(gs__json_parse(t->model->error, text, strlen(text), "training", &json));
    const cJSON *root = gs__json_root(json);
    GS_TRY(check_settings(t, json, root, &state->set));
    GS_TRY(read_position(t, json, root));
    GS_TRY(read_state(t, json, root, state));
    GS_TRY(read_callbacks(t, json, root, file));
    GS_TRY(read_history(t, file));
    GS_TRY(read_weights(t, file, slots));
fail:
    gs__json_destroy(json);
    return status;
}

gs_status gs__checkpoint_restore(gs_training *t, gs__safetensors *file, struct gs_state *state) {
    gs_status status = GS_OK;
    gs_model *model = t->model;
    gs__json *json = NULL;
    const uint64_t slot_bytes = model->device_slots ? gs__model_slot_bytes(model) : 0;
    float *slots = slot_bytes ? gs__allocate(model->error, slot_bytes, 1, "optimizer state") : NULL;
    if (slot_bytes && !slots) return GS_ERR_MEMORY;
    if (slots) GS_TRY(gs__buffer_read(model->device_slots, 0, slots, slot_bytes));
    GS_TRY(gs__checkpoint_read(t, file, state, slots));
    GS_TRY(gs__model_upload(model));
    if (slots) GS_TRY(gs__buffer_write(model->device_slots, 0, slots, slot_bytes));
    GS_TRY(read_counts(t, file));
    const char *text = gs__safetensors_metadata(file, "training");
    GS_TRY(gs__json_parse(model->error, text, strlen(text), "training", &json));
    compare_device(t, gs__json_root(json));
fail:
    gs__json_destroy(json);
    free(slots);
    return status;
}
