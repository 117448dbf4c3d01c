// Files and models that commands read.
#include "cli.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MODEL_BYTES_LIMIT = 64 << 20 };

char *cli_read_file(const char *path, size_t limit, size_t *bytes) {
    char *text = NULL;
    size_t length = 0;
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        cli_fail("%s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(status.st_mode)) {
        cli_fail("%s: expected a file, found %s", path, S_ISDIR(status.st_mode) ? "a folder" : "something else");
        goto done;
    }
    if (status.st_size < 0 || (uint64_t)status.st_size > limit) {
        cli_fail("%s: %" PRIu64 " bytes; at most %zu are read", path, (uint64_t)status.st_size, limit);
        goto done;
    }
    size_t size = (size_t)status.st_size;
    text = malloc(size + 1);
    if (text == NULL) {
        cli_fail("%s: out of memory for %zu bytes", path, size);
        goto done;
    }
    length = fread(text, 1, size, file);
    if (ferror(file) != 0) {
        cli_fail("%s: %s", path, strerror(errno));
        free(text);
        text = NULL;
        goto done;
    }
    text[length] = 0;
done:
    if (file != NULL) fclose(file);
    *bytes = length;
    return text;
}

char *cli_read_model_file(gs_context *context, const char *path, size_t limit, size_t *bytes) {
    struct stat status;
    char *text = NULL;
    *bytes = 0;
    // What is no file is for cli_read_file to say.
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return cli_read_file(path, limit, bytes);
    if (gs_file_read(context, path, limit, &text, bytes) != GS_OK) cli_fail_context(context, NULL);
    return text;
}

char *cli_join(const char *dir, const char *name) {
    size_t bytes = strlen(dir) + strlen(name) + 2;
    char *path = malloc(bytes);
    if (path == NULL) {
        cli_fail("out of memory");
        return NULL;
    }
    bool slash = dir[0] != 0 && dir[strlen(dir) - 1] == '/';
    snprintf(path, bytes, "%s%s%s", dir, slash ? "" : "/", name);
    return path;
}

static bool is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int cli_open_architecture(gs_context *context, const char *path, const char *layers, uint64_t seed, gs_model **model) {
    if (layers != NULL) {
        if (gs_model_from_layers(context, layers, seed, model) == GS_OK) return CLI_OK;
        return cli_fail_context(context, "--layers");
    }
    char *inside = NULL;
    if (is_folder(path)) {
        inside = cli_join(path, "model.json");
        if (inside == NULL) return CLI_FAILED;
        path = inside;
    }
    int code = CLI_FAILED;
    size_t bytes;
    char *json = cli_read_model_file(context, path, MODEL_BYTES_LIMIT, &bytes);
    if (json != NULL) {
        if (gs_model_from_json(context, json, bytes, seed, model) == GS_OK) code = CLI_OK;
        else code = cli_fail_context(context, path);
    }
    free(json);
    free(inside);
    return code;
}

int cli_open_run(gs_context *context, const char *dir, gs_model **model) {
    struct stat status;
    if (stat(dir, &status) != 0) return cli_fail("%s: %s", dir, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return cli_fail("%s: expected a folder that \"gradsmith train --out\" wrote, found a file", dir);
    if (gs_model_load(context, dir, model) == GS_OK) return CLI_OK;
    return cli_fail_context(context, dir);
}
