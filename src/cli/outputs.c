#include "outputs.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY, LOG, EXTRA_LOG, FILE_COUNT };

// Makes `dir` and its parents. *made: the first that was not there, NULL when all were; free it.
static int make_folders(const char *dir, char **made) {
    size_t length = strlen(dir);
    char *path = strdup(dir);
    if (path == NULL) return cli_fail("out of memory");
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        char kept = path[i];
        path[i] = 0;
        if (mkdir(path, 0777) == 0) {
            if (*made == NULL) *made = strdup(path);
        } else if (errno != EEXIST) {
            int code = cli_fail("--out %s: %s: %s", dir, path, strerror(errno));
            free(path);
            return code;
        }
        path[i] = kept;
    }
    free(path);
    struct stat status;
    if (stat(dir, &status) != 0) return cli_fail("--out %s: %s", dir, strerror(errno));
    if (!S_ISDIR(status.st_mode)) return cli_fail("--out %s: expected a folder, found a file", dir);
    return CLI_OK;
}

// Can files be made here? Permission bits do not say it for root or on a read-only file system.
static int try_folder(const char *dir) {
    char *path = cli_join(dir, ".gradsmith-XXXXXX");
    if (path == NULL) return CLI_FAILED;
    int file = mkstemp(path), code = CLI_OK;
    if (file < 0) code = cli_fail("--out %s: cannot write there: %s", dir, strerror(errno));
    else close(file), unlink(path);
    free(path);
    return code;
}

static int open_file(cli_outputs *outputs, int which, char *path) {
    if (path == NULL) return CLI_FAILED;
    outputs->paths[which] = path;
    outputs->was_there[which] = access(path, F_OK) == 0;
    outputs->files[which] = fopen(path, "a");
    return outputs->files[which] != NULL ? CLI_OK : cli_fail("%s: %s", path, strerror(errno));
}

static bool same_file(FILE *a, FILE *b) {
    struct stat x, y;
    return a != NULL && b != NULL && fstat(fileno(a), &x) == 0 && fstat(fileno(b), &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

int cli_outputs_open(cli_outputs *outputs, gs_context *context, const char *dir, const char *log_path) {
    *outputs = (cli_outputs){.dir = dir};
    int code = CLI_OK;
    if (dir != NULL) {
        code = make_folders(dir, &outputs->made);
        if (code == CLI_OK) code = try_folder(dir);
        if (code == CLI_OK && gs_folder_lock(context, dir, &outputs->lock) != GS_OK)
            code = cli_fail_context(context, NULL);
        if (code == CLI_OK) code = open_file(outputs, HISTORY, cli_join(dir, "history.csv"));
        if (code == CLI_OK) code = open_file(outputs, LOG, cli_join(dir, "log.jsonl"));
    }
    if (code == CLI_OK && log_path != NULL) code = open_file(outputs, EXTRA_LOG, strdup(log_path));
    if (code == CLI_OK && log_path != NULL && same_file(outputs->files[LOG], outputs->files[EXTRA_LOG])) {
        fclose(outputs->files[EXTRA_LOG]);
        outputs->files[EXTRA_LOG] = NULL;
    }
    if (code != CLI_OK) cli_outputs_close(outputs, false);
    return code;
}

// Takes away the folders that make_folders made, as far as they are empty.
static void remove_made(const cli_outputs *outputs) {
    char *path = outputs->made != NULL ? strdup(outputs->dir) : NULL;
    if (path == NULL) return;
    size_t least = strlen(outputs->made);
    while (strlen(path) >= least && rmdir(path) == 0) {
        char *slash = strrchr(path, '/');
        while (slash != NULL && slash[1] == 0 && slash > path) *slash = 0, slash = strrchr(path, '/');
        if (slash == NULL || slash == path) break;
        *slash = 0;
    }
    free(path);
}

// Takes away the text of an older run. What is no plain file, but a pipe, has none.
static void start_file(cli_outputs *outputs, int which) {
    if (ftruncate(fileno(outputs->files[which]), 0) != 0 && errno != EINVAL) {
        outputs->failed = errno;
        outputs->failed_path = outputs->paths[which];
    }
}

int cli_outputs_close(cli_outputs *outputs, bool saved) {
    for (int i = 0; i < FILE_COUNT; i++) {
        // A new model must not stand beside the figures of an older one.
        if (outputs->files[i] != NULL && !outputs->begun && saved) start_file(outputs, i);
        if (outputs->files[i] != NULL && fclose(outputs->files[i]) != 0 && outputs->failed == 0)
            outputs->failed = errno, outputs->failed_path = NULL;
        bool unused = outputs->files[i] != NULL && !outputs->begun && !outputs->was_there[i] && !saved;
        if (unused) unlink(outputs->paths[i]);
        outputs->files[i] = NULL;
    }
    int code = CLI_OK;
    if (outputs->failed != 0)
        code = cli_fail("%s: %s", outputs->failed_path != NULL ? outputs->failed_path : "the log of the epochs",
                        strerror(outputs->failed));
    if (!outputs->begun && !saved) {
        gs_folder_unlock(&outputs->lock);
        remove_made(outputs);
    }
    for (int i = 0; i < FILE_COUNT; i++) free(outputs->paths[i]);
    free(outputs->made);
    *outputs = (cli_outputs){.lock = outputs->lock};
    return code;
}

// Calls for each column of an epoch: loss, metrics, the same of the validation, time and rate.
struct column {
    char name[64];
    double value;
};

static unsigned list_columns(const gs_event *event, struct column columns[2 * GS_MAX_METRICS + 4]) {
    unsigned count = 0;
    for (int validation = 0; validation <= (event->has_validation ? 1 : 0); validation++) {
        const gs_result *result = validation != 0 ? &event->validation : &event->train;
        for (uint32_t i = 0; i <= result->metric_count && i <= GS_MAX_METRICS; i++) {
            struct column *column = &columns[count++];
            snprintf(column->name, sizeof column->name, "%s%s", validation != 0 ? "val_" : "",
                     i == 0 ? "loss" : result->metric_names[i - 1]);
            column->value = i == 0 ? result->loss : result->metrics[i - 1];
        }
    }
    columns[count++] = (struct column){"seconds", event->train.seconds};
    columns[count++] = (struct column){"samples_per_second", event->samples_per_second};
    return count;
}

static char *epoch_json(const gs_event *event, const struct column *columns, unsigned count) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "epoch", event->epoch + 1.0);
    for (unsigned i = 0; i < count; i++) cJSON_AddNumberToObject(object, columns[i].name, columns[i].value);
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

static void write_history(FILE *file, const gs_event *event, const struct column *columns, unsigned count, bool head) {
    if (head) {
        fprintf(file, "epoch");
        for (unsigned i = 0; i < count; i++) fprintf(file, ",%s", columns[i].name);
        fprintf(file, "\n");
    }
    fprintf(file, "%" PRIu32, event->epoch + 1);
    for (unsigned i = 0; i < count; i++) fprintf(file, ",%.9g", columns[i].value);
    fprintf(file, "\n");
}

bool cli_outputs_epoch(cli_outputs *outputs, const gs_event *event) {
    struct column columns[2 * GS_MAX_METRICS + 4];
    unsigned count = list_columns(event, columns);
    char *json = epoch_json(event, columns, count);
    for (int i = 0; i < FILE_COUNT && outputs->failed == 0; i++) {
        FILE *file = outputs->files[i];
        if (file == NULL) continue;
        if (!outputs->begun) start_file(outputs, i);
        if (i == HISTORY) write_history(file, event, columns, count, !outputs->begun);
        else if (json != NULL) fprintf(file, "%s\n", json);
        if (fflush(file) != 0) outputs->failed = errno;
        if (json == NULL) outputs->failed = ENOMEM;
        if (outputs->failed != 0) outputs->failed_path = outputs->paths[i];
    }
    cJSON_free(json);
    outputs->begun = true;
    return outputs->failed == 0;
}

int cli_outputs_classes(cli_outputs *outputs, gs_context *context, const char *const *names, uint32_t count) {
    char *path = cli_join(outputs->dir, "classes.json");
    int code = path != NULL ? CLI_OK : CLI_FAILED;
    if (code == CLI_OK && names == NULL) {
        if (unlink(path) != 0 && errno != ENOENT) code = cli_fail("%s: %s", path, strerror(errno));
    } else if (code == CLI_OK) {
        cJSON *list = cJSON_CreateArray();
        for (uint32_t i = 0; i < count; i++) cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
        char *text = list != NULL ? cJSON_Print(list) : NULL;
        if (text == NULL) code = cli_fail("out of memory");
        else if (gs_file_write(context, path, text, strlen(text)) != GS_OK) code = cli_fail_context(context, NULL);
        cJSON_free(text);
        cJSON_Delete(list);
    }
    free(path);
    return code;
}
