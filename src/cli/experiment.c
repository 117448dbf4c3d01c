// Experiment files of train: their settings under those of the command line.
#include "options.h"
#include "resume.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES_LIMIT = 64 << 20 };
#define WRITTEN "experiment.json"
#define UNDONE  ".experiment.json.tmp" // until the training is over

// Is the operand an experiment, not a model? What is no JSON is left to the reader of models to refuse.
static bool is_experiment(const train_options *options) {
    const char *path = options->model;
    struct stat status;
    if (path == NULL || stat(path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > BYTES_LIMIT)
        return false;
    size_t bytes;
    char *text = options->key != NULL ? cli_read_model_file(options->loader, path, BYTES_LIMIT, &bytes)
                                      : cli_read_file(path, BYTES_LIMIT, &bytes);
    cJSON *root = text != NULL ? cJSON_ParseWithLength(text, bytes) : NULL;
    bool found = cJSON_IsObject(root) && cJSON_GetObjectItemCaseSensitive(root, "class_name") == NULL &&
                 (cJSON_HasObjectItem(root, "model") || cJSON_HasObjectItem(root, "layers") ||
                  cJSON_HasObjectItem(root, "epochs") || cJSON_HasObjectItem(root, "data"));
    cJSON_Delete(root);
    free(text);
    return found;
}

int cli_experiment_open(train_options *options, int argc, char **argv) {
    if (options->resume == NULL && !is_experiment(options)) return CLI_OK;
    const char *path = options->model;
    if (options->loader == NULL && gs_context_create(&options->loader, NULL) != GS_OK) return cli_fail("out of memory");
    if (gs_experiment_load(options->loader, path, &options->experiment) != GS_OK)
        return cli_fail_context(options->loader, NULL);
    // The command line once more, on top of what the file says.
    gs_experiment *e = options->experiment;
    train_options own = {
        .experiment = e,
        .loader = options->loader,
        .data = e->data,
        .data_dir = e->data_dir,
        .augment = e->augment,
        .class_weight = e->class_weight,
        .validation_data = e->validation_data,
        .init = e->init,
        .weights = e->weights,
        .freeze = e->freeze,
        .device = e->device,
        .epochs = e->epochs,
        .batch_size = e->batch_size,
        .seed = e->seed,
        .max_steps = e->max_steps,
        .validation_split = e->validation_split,
        .checkpoint_steps = e->checkpoint_steps,
        .checkpoint_minutes = e->checkpoint_minutes,
        .keep = e->keep,
        .resume_file = options->resume_file,
        .encrypt = options->encrypt,
        .key = options->key,
        .no_shuffle = !e->shuffle,
        .compile = CLI_COMPILE_NONE,
    };
    own.compile.precision = e->precision;
    *options = own;
    int code = cli_train_parse(argc, argv, options);
    if (code != CLI_GO_ON) return code;
    options->model = NULL;
    if (options->resume != NULL) options->out = options->resume;
    // Of two kinds of validation the one of the command line counts.
    if (options->validation_split != e->validation_split) {
        if (options->validation_data == e->validation_data) options->validation_data = NULL;
    } else if (options->validation_data != e->validation_data) options->validation_split = 0;
    // So it is with first weights.
    if (options->weights != e->weights) {
        if (options->init == e->init) options->init = NULL;
    } else if (options->init != e->init) options->weights = NULL;
    if (options->layers != NULL) e->layers = options->layers;
    return CLI_OK;
}

void cli_experiment_close(train_options *options) {
    gs_experiment_destroy(&options->experiment);
    gs_context_destroy(&options->loader);
    gs_key_destroy(&options->key);
    free(options->resume_file);
}

int cli_plateau_parse(const char *text, gs_reduce_lr_on_plateau_params *plateau) {
    char *end;
    double factor = strtod(text, &end), least = 0;
    unsigned long patience = 10;
    bool good = end != text && factor > 0 && factor < 1;
    if (good && *end == ':') {
        const char *word = end + 1;
        patience = strtoul(word, &end, 10);
        good = end != word && word[0] >= '0' && word[0] <= '9' && patience >= 1 && patience <= 1000000;
    }
    if (good && *end == ':') {
        const char *word = end + 1;
        least = strtod(word, &end);
        good = end != word && least >= 0 && isfinite(least);
    }
    if (!good || *end != 0)
        return cli_misuse("train",
                          "--reduce-on-plateau: expected FACTOR[:PATIENCE[:MIN]] with FACTOR above 0 and below 1, "
                          "PATIENCE from 1 to 1000000, MIN at least 0, found \"%s\"",
                          text);
    *plateau = (gs_reduce_lr_on_plateau_params){.factor = factor, .patience = (uint32_t)patience, .min_lr = least};
    return CLI_OK;
}

int cli_on_nan_parse(const char *text, gs_nan_policy *policy, double *factor) {
    static const char *const words[] = {"stop", "skip", "restore"};
    size_t length = strcspn(text, ":"), word = 0;
    char *end = NULL;
    while (word < 3 && (strlen(words[word]) != length || strncmp(text, words[word], length) != 0)) word++;
    bool good = word < 3 && (text[length] == 0 || word == GS_NAN_RESTORE);
    *factor = 0;
    if (good && text[length] != 0) {
        *factor = strtod(text + length + 1, &end);
        good = end != text + length + 1 && *end == 0 && *factor > 0 && *factor < 1;
    }
    if (!good)
        return cli_misuse("train",
                          "--on-nan: expected stop, skip or restore[:FACTOR] with FACTOR above 0 and below 1, found "
                          "\"%s\"",
                          text);
    *policy = (gs_nan_policy)word;
    return CLI_OK;
}

static int add(gs_context *context, gs_experiment *e, cJSON *object) {
    char *text = object != NULL ? cJSON_PrintUnformatted(object) : NULL;
    int code = text != NULL ? CLI_OK : cli_fail("out of memory");
    if (text != NULL && gs_experiment_add_callback(context, e, text) != GS_OK) code = cli_fail_context(context, NULL);
    cJSON_free(text);
    cJSON_Delete(object);
    return code;
}

static cJSON *describe(const char *name) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", name);
    return object;
}

// Callbacks that options ask for.
static int add_callbacks(const train_options *options, gs_context *context, gs_experiment *e) {
    bool validates = options->validation_data != NULL || options->validation_split > 0;
    const char *monitor = validates ? "val_loss" : "loss";
    int code = CLI_OK;
    if (options->early_stopping != NO_EARLY_STOPPING) {
        cJSON *object = describe("EarlyStopping");
        cJSON_AddStringToObject(object, "monitor", monitor);
        cJSON_AddNumberToObject(object, "patience", (double)options->early_stopping);
        cJSON_AddBoolToObject(object, "restore_best_weights", true);
        code = add(context, e, object);
    }
    gs_reduce_lr_on_plateau_params plateau;
    if (code == CLI_OK && options->plateau != NULL) {
        code = cli_plateau_parse(options->plateau, &plateau);
        cJSON *object = describe("ReduceLROnPlateau");
        cJSON_AddStringToObject(object, "monitor", monitor);
        cJSON_AddNumberToObject(object, "factor", plateau.factor);
        cJSON_AddNumberToObject(object, "patience", plateau.patience);
        cJSON_AddNumberToObject(object, "min_lr", plateau.min_lr);
        if (code == CLI_OK) code = add(context, e, object);
        else cJSON_Delete(object);
    }
    if (code == CLI_OK && options->save_best != NULL) {
        cJSON *object = describe("ModelCheckpoint");
        cJSON_AddStringToObject(object, "path", options->save_best);
        cJSON_AddStringToObject(object, "monitor", monitor);
        cJSON_AddBoolToObject(object, "save_best_only", true);
        code = add(context, e, object);
    }
    if (code == CLI_OK && options->tensorboard != NULL) {
        cJSON *object = describe("TensorBoard");
        cJSON_AddStringToObject(object, "dir", options->tensorboard);
        cJSON_AddNumberToObject(object, "histogram_every", options->encrypt ? 0 : 1);
        code = add(context, e, object);
    }
    return code;
}

int cli_experiment_prepare(const train_options *options, const gs_recipe_params *recipe, gs_context *context,
                           gs_model *model, gs_experiment **made, gs_callback *const **callbacks, uint32_t *count) {
    gs_experiment *e = options->experiment;
    if (e == NULL) {
        if (gs_experiment_create(context, made) != GS_OK) return cli_fail_context(context, NULL);
        e = *made;
    }
    e->init = options->init;
    e->weights = options->weights;
    e->freeze = options->freeze;
    e->data = options->data;
    e->data_dir = options->data_dir;
    e->recipe = *recipe;
    e->augment = options->augment;
    e->class_weight = options->class_weight;
    e->validation_data = options->validation_data;
    e->validation_split = options->validation_split;
    e->epochs = options->epochs;
    e->batch_size = options->batch_size;
    e->seed = options->seed;
    e->max_steps = options->max_steps;
    e->shuffle = !options->no_shuffle;
    e->device = options->device;
    e->checkpoint_steps = options->checkpoint_steps;
    e->checkpoint_minutes = options->checkpoint_minutes;
    e->keep = options->keep;
    if (options->on_nan != NULL && cli_on_nan_parse(options->on_nan, &e->on_nan, &e->nan_factor) != CLI_OK)
        return CLI_USAGE;
    int code = add_callbacks(options, context, e);
    if (code != CLI_OK) return code;
    if (gs_experiment_make_callbacks(context, e, options->out, callbacks, count) != GS_OK)
        return cli_fail_context(context, NULL);
    if (options->out == NULL) return CLI_OK;
    char *path = cli_join(options->out, UNDONE);
    if (path == NULL) return CLI_FAILED;
    if (gs_experiment_save(context, e, model, path) != GS_OK) code = cli_fail_context(context, NULL);
    free(path);
    return code;
}

int cli_experiment_finish(const char *dir, bool keep) {
    if (dir == NULL) return CLI_OK;
    char *undone = cli_join(dir, UNDONE), *path = cli_join(dir, WRITTEN);
    int code = undone != NULL && path != NULL ? CLI_OK : CLI_FAILED;
    if (code == CLI_OK && !keep) unlink(undone);
    else if (code == CLI_OK && rename(undone, path) != 0) code = cli_fail("%s: %s", path, strerror(errno));
    free(undone);
    free(path);
    return code;
}
