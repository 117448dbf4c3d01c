#include "protect/list.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 16, MAX_FILES = 100000 };

static bool ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

bool gs__file_is_log(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return ends_with(name, ".csv") || ends_with(name, ".jsonl") || strstr(name, ".tfevents.") ||
           strcmp(name, GS__SIGNATURE_NAME) == 0;
}

static gs_status add(gs__error *error, gs__file_list *list, const char *path) {
    if (list->count == MAX_FILES)
        return gs__fail(error, GS_ERR_FILE, "more than %d files: is this a model's folder?", (int)MAX_FILES);
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity ? 2 * list->capacity : 32;
        char **paths = realloc(list->paths, capacity * sizeof *paths);
        if (!paths) return gs__fail(error, GS_ERR_MEMORY, "out of memory for a list of files");
        list->paths = paths;
        list->capacity = capacity;
    }
    list->paths[list->count] = gs__text_copy(error, path);
    return list->paths[list->count++] ? GS_OK : GS_ERR_MEMORY;
}

static gs_status read_folder(gs__error *error, const char *dir, const char *below, int depth, gs__file_list *list);

static gs_status take_entry(gs__error *error, const char *dir, const char *below, const char *name, int depth,
                            gs__file_list *list) {
    gs_status status = GS_ERR_MEMORY;
    struct stat info;
    char *relative = gs__path_join(error, below, name), *path = relative ? gs__path_join(error, dir, relative) : NULL;
    long writer = 0;
    const bool is_temporary = gs__file_is_temporary(name, &writer) && writer > 0;
    if (!path) goto fail;
    if (lstat(path, &info) != 0) {
        status = gs__fail(error, GS_ERR_FILE, "%s: %s", gs__path_show(path), strerror(errno));
    } else if (S_ISDIR(info.st_mode)) {
        status = depth < MAX_DEPTH
                     ? read_folder(error, dir, relative, depth + 1, list)
                     : gs__fail(error, GS_ERR_FILE, "%s: folders within folders, too deep", gs__path_show(path));
    } else if (!S_ISREG(info.st_mode)) {
        status = gs__fail(error, GS_ERR_FILE, "%s: is neither a file nor a folder (a link?)", gs__path_show(path));
    } else if (is_temporary && kill((pid_t)writer, 0) != 0 && errno == ESRCH) {
        status = unlink(path) == 0
                     ? GS_OK
                     : gs__fail(error, GS_ERR_FILE, "%s: left by a process that ended, and cannot be removed: %s",
                                gs__path_show(path), strerror(errno));
    } else if (is_temporary) {
        status = gs__fail(error, GS_ERR_FILE, "%s: process %ld is writing this file: wait until it ends",
                          gs__path_show(path), writer);
    } else if (depth > 0 || strcmp(name, "lock") != 0) {
        status = add(error, list, relative);
    } else {
        status = GS_OK; // says who uses the folder; no part of the model
    }
fail:
    free(relative);
    free(path);
    return status;
}

struct folder {
    gs__error *error;
    const char *dir, *below;
    int depth;
    gs__file_list *list;
};

static gs_status visit(void *user, const char *name) {
    const struct folder *f = user;
    return take_entry(f->error, f->dir, f->below, name, f->depth, f->list);
}

static gs_status read_folder(gs__error *error, const char *dir, const char *below, int depth, gs__file_list *list) {
    char *path = gs__path_join(error, dir, below ? below : "");
    if (!path) return GS_ERR_MEMORY;
    const gs_status status = gs__dir_visit(error, path, visit, &(struct folder){error, dir, below, depth, list});
    free(path);
    return status;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

gs_status gs__file_list_read(gs__error *error, const char *dir, gs__file_list *list) {
    *list = (gs__file_list){0};
    gs_status status = read_folder(error, dir, NULL, 0, list);
    if (status != GS_OK) gs__file_list_deinit(list);
    else if (list->count) qsort(list->paths, list->count, sizeof *list->paths, compare);
    return status;
}

void gs__file_list_deinit(gs__file_list *list) {
    for (uint32_t i = 0; i < list->count; i++) free(list->paths[i]);
    free(list->paths);
    *list = (gs__file_list){0};
}
