// Experiments: reading, making what they describe, writing them whole.
#include "train/experiment.h"

#include "base/file.h"
#include "base/memory.h"
#include "context/context.h"
#include "model/model.h"
#include "protect/protect.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_BYTES (64u << 20)

typedef union params {
    gs_early_stopping_params early_stopping;
    gs_model_checkpoint_params model_checkpoint;
    gs_csv_logger_params csv_logger;
    gs_tensorboard_params tensorboard;
    gs_reduce_lr_on_plateau_params plateau;
} params;

// A callback that is described, not made.
struct described {
    const gs__callback_kind *kind;
    params params;
};

struct experiment {
    gs_experiment public; // first
    char *model_path, *model_json;
    gs__json **documents; // what the strings are borrowed from
    uint32_t document_count;
    const cJSON *root; // of the file; NULL: there is none
    struct described *described;
    gs_callback **made;
    uint32_t described_count, made_count;
};

// --- tables ----------------------------------------------------------------------------------------------------------
#define MEMBER(name, kind, struct_, member, ...)                                                                       \
    { .key = (name), .type = GS__FIELD_##kind, .offset = offsetof(struct_, member), __VA_ARGS__ }
#define ANY               .least = 0
#define FROM(a, b)        .least = (a), .most = (b)
#define E(key, TYPE, ...) MEMBER(#key, TYPE, gs_experiment, key, __VA_ARGS__)

static const char *const modes[] = {"auto", "min", "max", NULL};
static const char *const label_kinds[] = {"auto", "class", "value", NULL};
static const char *const missings[] = {"error", "mean", "zero", "drop", NULL};
static const char *const scales[] = {"none", "standard", "minmax", NULL};
static const char *const nan_policies[] = {"stop", "skip", "restore", NULL};
static const char *const splits[] = {"auto", "last", "random", "stratified", NULL};

const gs__field gs__recipe_fields[] = {
#define F(key, TYPE, ...) MEMBER(#key, TYPE, gs_recipe_params, key, __VA_ARGS__)
    F(label, TEXT, ANY),
    F(label_kind, WORD, .words = label_kinds),
    F(categorical, TEXT, ANY),
    F(ignore, TEXT, ANY),
    F(delimiter, CHAR, ANY),
    F(no_header, BOOL, ANY),
    F(missing, WORD, .words = missings),
    F(image_height, U32, FROM(0, 65536)),
    F(image_width, U32, FROM(0, 65536)),
    F(image_channels, U32, FROM(0, 3)),
    F(scale, WORD, .words = scales),
    F(one_hot, BOOL, ANY),
    F(test_share, NUMBER, FROM(0, 1), .below = true),
    F(split, WORD, .words = splits),
    {0},
#undef F
};

const gs__field gs__experiment_fields[] = {
    E(init, TEXT, ANY),
    E(weights, TEXT, ANY),
    E(freeze, TEXT, ANY),
    E(precision, TEXT, ANY),
    E(data, TEXT, ANY),
    E(data_dir, TEXT, ANY),
    E(validation_data, TEXT, ANY),
    E(validation_split, NUMBER, FROM(0, 1), .below = true),
    E(augment, TEXT, ANY),
    E(class_weight, TEXT, ANY),
    E(epochs, U64, FROM(1, 1000000)),
    E(batch_size, U64, FROM(1, 1 << 20)),
    E(seed, U64, ANY),
    E(shuffle, BOOL, ANY),
    E(max_steps, U64, ANY),
    E(checkpoint_steps, U64, ANY),
    E(checkpoint_minutes, NUMBER, FROM(0, 1e7)),
    E(keep, U64, FROM(0, 1000000)),
    E(on_nan, WORD, .words = nan_policies),
    E(nan_factor, NUMBER, FROM(0, 1), .below = true),
    E(device, TEXT, ANY),
    {0},
};
const char *const gs__experiment_others[] = {"$schema", "description", "recipe",    "model",     "layers", "optimizer",
                                             "loss",    "metrics",     "gradsmith", "callbacks", NULL};

#define U32_MOST 4294967295.0
static const gs__field early_stopping[] = {
#define F(key, TYPE, ...) MEMBER(#key, TYPE, gs_early_stopping_params, key, __VA_ARGS__)
    F(monitor, TEXT, ANY),
    F(min_delta, NUMBER, ANY),
    F(patience, U32, FROM(0, U32_MOST)),
    F(mode, WORD, .words = modes),
    F(baseline, NUMBER, .given = offsetof(gs_early_stopping_params, has_baseline)),
    F(restore_best_weights, BOOL, ANY),
    F(start_from_epoch, U32, FROM(0, U32_MOST)),
    {0},
#undef F
};
static const gs__field reduce_lr_on_plateau[] = {
#define F(key, TYPE, ...) MEMBER(#key, TYPE, gs_reduce_lr_on_plateau_params, key, __VA_ARGS__)
    F(monitor, TEXT, ANY),
    F(factor, NUMBER, FROM(1e-6, 1), .below = true),
    F(patience, U32, FROM(1, U32_MOST)),
    F(mode, WORD, .words = modes),
    F(min_delta, NUMBER, ANY),
    F(cooldown, U32, FROM(0, U32_MOST)),
    F(min_lr, NUMBER, FROM(0, 3e38)),
    {0},
#undef F
};
static const gs__field model_checkpoint[] = {
#define F(key, TYPE, ...) MEMBER(#key, TYPE, gs_model_checkpoint_params, key, __VA_ARGS__)
    F(path, PATH, .required = true),
    F(monitor, TEXT, ANY),
    F(mode, WORD, .words = modes),
    F(save_best_only, BOOL, ANY),
    F(threshold, NUMBER, .given = offsetof(gs_model_checkpoint_params, has_threshold)),
    F(every_epochs, U32, FROM(0, U32_MOST)),
    F(every_steps, U64, ANY),
    {0},
#undef F
};
static const gs__field csv_logger[] = {
    MEMBER("path", PATH, gs_csv_logger_params, path, .required = true),
    MEMBER("separator", CHAR, gs_csv_logger_params, separator, ANY),
    MEMBER("append", BOOL, gs_csv_logger_params, append, ANY),
    {0},
};
static const gs__field tensorboard[] = {
    MEMBER("dir", PATH, gs_tensorboard_params, dir, .required = true),
    MEMBER("histogram_every", U32, gs_tensorboard_params, histogram_every, FROM(0, U32_MOST)),
    MEMBER("scalar_every", U64, gs_tensorboard_params, scalar_every, ANY),
    {0},
};
#define CREATE(name, create)                                                                                           \
    static gs_status make_##name(gs_context *context, const void *from, gs_callback **callback) {                      \
        return create(context, from, callback);                                                                        \
    }
CREATE(early_stopping, gs_early_stopping_create)
CREATE(model_checkpoint, gs_model_checkpoint_create)
CREATE(csv_logger, gs_csv_logger_create)
CREATE(tensorboard, gs_tensorboard_create)

// An exact zero of min_delta is negative there.
static gs_status make_reduce_lr_on_plateau(gs_context *context, const void *from, gs_callback **callback) {
    gs_reduce_lr_on_plateau_params p = *(const gs_reduce_lr_on_plateau_params *)from;
    if (p.min_delta == 0) p.min_delta = -1;
    return gs_reduce_lr_on_plateau_create(context, &p, callback);
}

const gs__callback_kind gs__callback_kinds[] = {
    {"EarlyStopping", early_stopping, make_early_stopping},
    {"ReduceLROnPlateau", reduce_lr_on_plateau, make_reduce_lr_on_plateau},
    {"ModelCheckpoint", model_checkpoint, make_model_checkpoint},
    {"CSVLogger", csv_logger, make_csv_logger},
    {"TensorBoard", tensorboard, make_tensorboard},
    {0},
};

// What a member that is not there means, where it is not zero.
static void set_defaults(const gs__callback_kind *kind, params *p) {
    *p = (params){0};
    if (kind->fields == early_stopping) p->early_stopping.monitor = "val_loss";
    if (kind->fields == model_checkpoint) p->model_checkpoint.monitor = "val_loss";
    if (kind->fields == reduce_lr_on_plateau)
        p->plateau =
            (gs_reduce_lr_on_plateau_params){.monitor = "val_loss", .factor = 0.1, .patience = 10, .min_delta = 0.0001};
    if (kind->fields == csv_logger) p->csv_logger.separator = ',';
}

// --- reading ---------------------------------------------------------------------------------------------------------
static gs_status grow(gs__error *error, void *list, uint32_t count, size_t bytes) {
    void *old, *larger;
    memcpy(&old, list, sizeof old);
    larger = realloc(old, (count + 1) * bytes);
    if (!larger) return gs__fail(error, GS_ERR_MEMORY, "out of host memory for an experiment");
    memcpy(list, &larger, sizeof larger);
    return GS_OK;
}

static gs_status read_callback(gs__error *error, gs__json *json, const cJSON *item, struct experiment *e) {
    gs_status status = GS_OK;
    static const char *const others[] = {"name", NULL};
    const char *name = NULL;
    const gs__callback_kind *kind = gs__callback_kinds;
    GS_TRY(gs__json_get_string(json, item, "name", GS__JSON_REQUIRED, &name));
    while (kind->name && strcmp(kind->name, name) != 0) kind++;
    if (!kind->name) {
        gs__text known = {0};
        for (kind = gs__callback_kinds; kind->name; kind++)
            gs__text_append(&known, "%s%s", kind == gs__callback_kinds ? "" : ", ", kind->name);
        status = gs__json_fail(json, gs__json_find(item, "name"), GS_ERR_FORMAT,
                               "unknown callback \"%.60s\"; known are %s", name, known.data ? known.data : "");
        gs__text_deinit(&known);
        return status;
    }
    GS_TRY(gs__fields_refuse_others(json, item, kind->fields, others));
    GS_TRY(grow(error, &e->described, e->described_count, sizeof *e->described));
    struct described *d = &e->described[e->described_count];
    d->kind = kind;
    set_defaults(kind, &d->params);
    GS_TRY(gs__fields_read(json, item, kind->fields, &d->params));
    e->described_count++;
fail:
    return status;
}

static gs_status read_model(gs__error *error, gs__json *json, const char *path, struct experiment *e) {
    gs_status status = GS_OK;
    const cJSON *item = gs__json_find(e->root, "model");
    char found[64];
    GS_TRY(gs__json_get_string(json, e->root, "layers", GS__JSON_OPTIONAL, &e->public.layers));
    if ((item != NULL) == (e->public.layers != NULL))
        return gs__json_fail(json, e->root, GS_ERR_FORMAT, "expected \"model\" or \"layers\", found %s",
                             item ? "both" : "neither");
    if (!item) return GS_OK;
    if (cJSON_IsObject(item)) {
        e->model_json = cJSON_PrintUnformatted(item);
        e->public.model_json = e->model_json;
        return e->model_json ? GS_OK : gs__fail(error, GS_ERR_MEMORY, "out of host memory for a model's JSON");
    }
    if (!cJSON_IsString(item) || !item->valuestring[0])
        return gs__json_fail(json, item, GS_ERR_FORMAT, "expected a path or a model, found %s",
                             gs__json_show(item, found, sizeof found));
    // Beside the file.
    const char *slash = strrchr(path, '/');
    if (item->valuestring[0] == '/' || !slash) e->model_path = gs__text_copy(error, item->valuestring);
    else {
        char *dir = gs__text_copy(error, path);
        if (!dir) return GS_ERR_MEMORY;
        dir[slash - path] = 0;
        e->model_path = gs__path_join(error, slash == path ? "/" : dir, item->valuestring);
        free(dir);
    }
    e->public.model = e->model_path;
    return e->model_path ? GS_OK : GS_ERR_MEMORY;
fail:
    return status;
}

static gs_status read_recipe(gs__json *json, struct experiment *e) {
    gs_status status = GS_OK;
    const cJSON *recipe = NULL;
    gs_augment ignored;
    char wrong[400];
    GS_TRY(gs__json_get_object(json, e->root, "recipe", GS__JSON_OPTIONAL, &recipe));
    if (recipe) GS_TRY(gs__fields_refuse_others(json, recipe, gs__recipe_fields, NULL));
    if (recipe) GS_TRY(gs__fields_read(json, recipe, gs__recipe_fields, &e->public.recipe));
    if (e->public.augment && gs_augment_parse(e->public.augment, &ignored, wrong, sizeof wrong) != GS_OK)
        return gs__json_fail(json, gs__json_find(e->root, "augment"), GS_ERR_FORMAT, "%s", wrong);
fail:
    return status;
}

static gs_status read_all(gs__error *error, gs__json *json, const char *path, struct experiment *e) {
    gs_status status = GS_OK;
    const cJSON *callbacks = NULL, *item;
    gs_compile_params compile;
    e->root = gs__json_root(json);
    GS_TRY(gs__json_as_object(json, e->root));
    GS_TRY(gs__fields_refuse_others(json, e->root, gs__experiment_fields, gs__experiment_others));
    GS_TRY(gs__fields_read(json, e->root, gs__experiment_fields, &e->public));
    if (e->public.validation_data && e->public.validation_split > 0)
        GS_TRY(gs__json_fail(json, gs__json_find(e->root, "validation_split"), GS_ERR_FORMAT,
                             "there is validation_data already; leave out one"));
    if (e->public.init && e->public.weights)
        GS_TRY(gs__json_fail(json, gs__json_find(e->root, "weights"), GS_ERR_FORMAT,
                             "there is init already, which takes all weights from a file; leave out one"));
    gs__error unknown = {0};
    gs_precision ignored;
    if (e->public.precision && gs__precision_parse(&unknown, e->public.precision, &ignored) != GS_OK)
        GS_TRY(gs__json_fail(json, gs__json_find(e->root, "precision"), GS_ERR_FORMAT, "%s", unknown.message));
    GS_TRY(read_recipe(json, e));
    GS_TRY(read_model(error, json, path, e));
    GS_TRY(gs__compile_read(json, e->root, e->root, &compile)); // so that what is wrong is said now
    GS_TRY(gs__json_get_array(json, e->root, "callbacks", GS__JSON_OPTIONAL, &callbacks));
    cJSON_ArrayForEach(item, callbacks) GS_TRY(read_callback(error, json, item, e));
fail:
    return status;
}

static gs_status keep_document(gs__error *error, struct experiment *e, gs__json *json) {
    gs_status status = grow(error, &e->documents, e->document_count, sizeof(gs__json *));
    if (status == GS_OK) e->documents[e->document_count++] = json;
    else gs__json_destroy(json);
    return status;
}

gs_status gs_experiment_create(gs_context *context, gs_experiment **experiment) {
    if (!context || !experiment) return GS_ERR_ARGUMENT;
    struct experiment *e = gs__allocate(gs__context_error(context), 1, sizeof *e, "an experiment");
    *experiment = e ? &e->public : NULL;
    if (!e) return GS_ERR_MEMORY;
    e->public.epochs = 1;
    e->public.batch_size = 32;
    e->public.shuffle = true;
    return GS_OK;
}

gs_status gs__experiment_parse(gs_context *context, const char *path, const char *text, size_t bytes,
                               gs_experiment **experiment) {
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    gs__json *json = NULL;
    GS_TRY(gs__json_parse(error, text, bytes, gs__path_show(path), &json));
    gs__json_name_root(json, "$");
    status = gs_experiment_create(context, experiment);
    if (status != GS_OK) {
        gs__json_destroy(json);
        goto fail;
    }
    struct experiment *e = (struct experiment *)(void *)*experiment;
    GS_TRY(keep_document(error, e, json));
    GS_TRY(read_all(error, json, path, e));
fail:
    if (status != GS_OK) gs_experiment_destroy(experiment);
    return status;
}

gs_status gs_experiment_load(gs_context *context, const char *path, gs_experiment **experiment) {
    if (!context || !experiment) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    *experiment = NULL;
    if (!path) return gs__fail(error, GS_ERR_ARGUMENT, "gs_experiment_load: the path is NULL");
    char *text = NULL;
    size_t bytes = 0;
    gs_status status = gs__context_read_file(context, path, MAX_BYTES, &text, &bytes);
    if (status == GS_OK) status = gs__experiment_parse(context, path, text, bytes, experiment);
    free(text);
    return status;
}

void gs_experiment_destroy(gs_experiment **experiment) {
    if (!experiment || !*experiment) return;
    struct experiment *e = (struct experiment *)(void *)*experiment;
    for (uint32_t i = 0; i < e->made_count; i++) gs_callback_destroy(&e->made[i]);
    for (uint32_t i = 0; i < e->document_count; i++) gs__json_destroy(e->documents[i]);
    free(e->made);
    free(e->described);
    free(e->documents);
    free(e->model_path);
    cJSON_free(e->model_json);
    free(e);
    *experiment = NULL;
}

gs_status gs_experiment_add_callback(gs_context *context, gs_experiment *experiment, const char *text) {
    if (!context || !experiment || !text) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    struct experiment *e = (struct experiment *)(void *)experiment;
    gs__json *json = NULL;
    gs_status status = gs__json_parse(error, text, strlen(text), "callback", &json);
    if (status != GS_OK) return status;
    gs__json_name_root(json, "$");
    status = read_callback(error, json, gs__json_root(json), e);
    if (status == GS_OK) return keep_document(error, e, json);
    gs__json_destroy(json);
    return status;
}

// --- making ----------------------------------------------------------------------------------------------------------
static gs_status model_text(gs_context *context, gs_model *model, char **text) {
    size_t bytes = 0;
    gs_status status = gs_model_to_json(model, NULL, 0, &bytes);
    if (status != GS_OK) return status;
    *text = gs__allocate(gs__context_error(context), bytes, 1, "model's JSON");
    return *text ? gs_model_to_json(model, *text, bytes, NULL) : GS_ERR_MEMORY;
}

// The JSON of the model; *name: for messages.
static gs_status read_architecture(gs_context *context, const gs_experiment *e, char **text, const char **name) {
    gs_status status = GS_OK;
    gs__error *error = gs__context_error(context);
    gs_model *model = NULL;
    struct stat info;
    size_t bytes;
    char *inside = NULL;
    *name = "model";
    if (e->layers) {
        status = gs_model_from_layers(context, e->layers, e->seed, &model);
        if (status == GS_OK) status = model_text(context, model, text);
        gs_model_destroy(&model);
        return status;
    }
    if (!e->model && !e->model_json) return gs__fail(error, GS_ERR_ARGUMENT, "the experiment has no model");
    if (!e->model) {
        *text = gs__text_copy(error, e->model_json);
        return *text ? GS_OK : GS_ERR_MEMORY;
    }
    *name = gs__path_show(e->model);
    if (stat(e->model, &info) == 0 && S_ISDIR(info.st_mode)) inside = gs__path_join(error, e->model, "model.json");
    status = gs__context_read_file(context, inside ? inside : e->model, MAX_BYTES, text, &bytes);
    free(inside);
    return status;
}

// What the experiment says of optimizer, loss and metrics takes the place of what the model says.
static bool put_compile(cJSON *model, const cJSON *root) {
    static const char *const keys[] = {"optimizer", "loss", "metrics", NULL};
    cJSON *config = cJSON_GetObjectItemCaseSensitive(model, "compile_config");
    if (!cJSON_IsObject(config)) {
        cJSON_DeleteItemFromObjectCaseSensitive(model, "compile_config");
        config = cJSON_AddObjectToObject(model, "compile_config");
    }
    bool good = config != NULL;
    for (size_t i = 0; keys[i] && good; i++) {
        const cJSON *item = gs__json_find(root, keys[i]);
        if (!item) continue;
        cJSON_DeleteItemFromObjectCaseSensitive(config, keys[i]);
        good = cJSON_AddItemToObject(config, keys[i], cJSON_Duplicate(item, true));
    }
    const cJSON *own = gs__json_find(root, "gradsmith");
    if (own || gs__json_find(root, "optimizer")) cJSON_DeleteItemFromObjectCaseSensitive(model, "gradsmith");
    if (own && good) good = cJSON_AddItemToObject(model, "gradsmith", cJSON_Duplicate(own, true));
    return good;
}

gs_status gs_experiment_make_model(gs_context *context, const gs_experiment *experiment, gs_model **model) {
    if (!context || !experiment || !model) return GS_ERR_ARGUMENT;
    const struct experiment *e = (const struct experiment *)(const void *)experiment;
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    char *text = NULL, *whole = NULL;
    const char *name = NULL;
    gs__json *json = NULL;
    cJSON *root = NULL;
    *model = NULL;
    GS_TRY(read_architecture(context, experiment, &text, &name));
    if (e->root && !experiment->model_json) {
        // What is wrong with the file is said of the file as it is, line and column included.
        GS_TRY(gs__json_parse(error, text, strlen(text), name, &json));
    }
    root = e->root ? cJSON_Parse(text) : NULL;
    if (cJSON_IsObject(root)) {
        whole = put_compile(root, e->root) ? cJSON_PrintUnformatted(root) : NULL;
        if (!whole) GS_TRY(gs__fail(error, GS_ERR_MEMORY, "out of host memory for a model's JSON"));
    }
    const char *final = whole ? whole : text;
    status = gs_model_from_json(context, final, strlen(final), experiment->seed, model);
    if (status != GS_OK) GS_TRY(gs__fail_at(error, status, "%s", name));
    if (experiment->precision) {
        gs_compile_params compile = {0};
        GS_TRY(gs__precision_parse(error, experiment->precision, &compile.precision));
        GS_TRY(gs_model_compile(*model, &compile));
    }
fail:
    if (status != GS_OK) gs_model_destroy(model);
    gs__json_destroy(json);
    cJSON_Delete(root);
    cJSON_free(whole);
    free(text);
    return status;
}

// Puts relative paths into the folder; strings[] are to be freed.
static gs_status place(gs__error *error, const char *dir, const struct described *d, params *p, char *strings[4]) {
    uint32_t count = 0;
    *p = d->params;
    for (const gs__field *f = d->kind->fields; f->key; f++) {
        const char *path;
        if (f->type != GS__FIELD_PATH || !dir) continue;
        memcpy(&path, (const char *)p + f->offset, sizeof path);
        if (!path || path[0] == '/') continue;
        strings[count] = gs__path_join(error, dir, path);
        if (!strings[count]) return GS_ERR_MEMORY;
        memcpy((char *)p + f->offset, &strings[count++], sizeof path);
    }
    return GS_OK;
}

gs_status gs_experiment_make_callbacks(gs_context *context, gs_experiment *experiment, const char *dir,
                                       gs_callback *const **callbacks, uint32_t *count) {
    if (!context || !experiment || !callbacks || !count) return GS_ERR_ARGUMENT;
    struct experiment *e = (struct experiment *)(void *)experiment;
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    for (uint32_t i = 0; i < e->made_count; i++) gs_callback_destroy(&e->made[i]);
    e->made_count = 0;
    for (uint32_t i = 0; i < e->described_count; i++) {
        params p;
        char *strings[4] = {0};
        GS_TRY(grow(error, &e->made, i, sizeof(gs_callback *)));
        status = place(error, dir, &e->described[i], &p, strings);
        if (status == GS_OK) status = e->described[i].kind->create(context, &p, &e->made[i]);
        for (int s = 0; s < 4; s++) free(strings[s]);
        if (status != GS_OK) return gs__fail_at(error, status, "callback %u", i);
        e->made_count++;
    }
    *callbacks = e->made;
    *count = e->made_count;
fail:
    return status;
}

// --- writing ---------------------------------------------------------------------------------------------------------
static void append_callbacks(gs__text *text, const struct experiment *e) {
    gs__text_append(text, ", \"callbacks\": [");
    for (uint32_t i = 0; i < e->described_count; i++) {
        gs__text_append(text, "%s{\"name\": \"%s\", ", i ? ", " : "", e->described[i].kind->name);
        gs__fields_write(text, e->described[i].kind->fields, &e->described[i].params);
        gs__text_append(text, "}");
    }
    gs__text_append(text, "]");
}

static bool move(cJSON *from, cJSON *to, const char *key, const char *new_key) {
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(from, key);
    return !item || cJSON_AddItemToObject(to, new_key, item);
}

// {model, optimizer, loss, metrics} of the model's own JSON, then the rest.
static char *compose(const char *model_json, const char *rest) {
    static const char *const keys[] = {"optimizer", "loss", "metrics"};
    cJSON *root = cJSON_CreateObject(), *model = cJSON_Parse(model_json), *others = cJSON_Parse(rest);
    cJSON *config = model ? cJSON_DetachItemFromObjectCaseSensitive(model, "compile_config") : NULL;
    bool good = root && model && others;
    for (size_t i = 0; i < 3 && good && config; i++) good = move(config, root, keys[i], keys[i]);
    good = good && move(model, root, "gradsmith", "gradsmith");
    while (good && others->child) {
        char *key = others->child->string;
        good = move(others, root, key, key);
    }
    // The model last: it is long.
    good = good && cJSON_AddItemToObject(root, "model", model);
    if (good) model = NULL;
    char *text = good ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    cJSON_Delete(model);
    cJSON_Delete(others);
    cJSON_Delete(config);
    return text;
}

gs_status gs_experiment_save(gs_context *context, const gs_experiment *experiment, gs_model *model, const char *path) {
    if (!context || !experiment || !model || !path) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    gs__text rest = {0};
    char *json = NULL, *whole = NULL;
    gs_compile_params compile;
    gs_experiment said = *experiment;
    gs_model_get_compile(model, &compile);
    said.precision = gs_precision_name(compile.precision);
    GS_TRY(model_text(context, model, &json));
    gs__text_append(&rest, "{");
    gs__fields_write(&rest, gs__experiment_fields, &said);
    gs__text_append(&rest, ", \"recipe\": {");
    gs__fields_write(&rest, gs__recipe_fields, &experiment->recipe);
    gs__text_append(&rest, "}");
    append_callbacks(&rest, (const struct experiment *)(const void *)experiment);
    gs__text_append(&rest, "}");
    GS_TRY(gs__text_check(error, &rest));
    whole = compose(json, rest.data);
    if (!whole) GS_TRY(gs__fail(error, GS_ERR_MEMORY, "out of host memory for an experiment"));
    GS_TRY(gs__context_write_file(context, path, whole, strlen(whole)));
fail:
    gs__text_deinit(&rest);
    cJSON_free(whole);
    free(json);
    return status;
}
