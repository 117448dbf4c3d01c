// Encrypting, decrypting and re-encrypting the files of a folder.
#include "base/memory.h"
#include "context/context.h"
#include "protect/list.h"
#include "protect/protect.h"

#include <stdlib.h>

#define MAX_FILE_BYTES (UINT64_C(1) << 40)

struct change {
    gs__error *error;
    const char *dir;
    const gs_key *old_key, *new_key; // NULL: the files are plain
    gs__file_writer **writers;       // of new files, complete but for their name
    uint32_t writer_count;
    gs_protect_info info;
};

// What the file is to hold, or *data NULL: it is as wanted.
static gs_status read_old(struct change *c, const char *path, char **data, size_t *bytes) {
    bool encrypted = false;
    gs_status status = gs__protect_read(c->error, c->old_key ? c->old_key : c->new_key, c->old_key && c->new_key, path,
                                        MAX_FILE_BYTES, data, bytes, &encrypted);
    if (status == GS_OK) {
        // Plain ones are wanted in unprotect, encrypted ones in protect, which read it with the new key.
        if (encrypted != (c->old_key != NULL)) {
            gs__protect_free(*data, *bytes);
            *data = NULL;
        }
        return GS_OK;
    }
    // Of a rekey that was interrupted: the new key is there already.
    if (status != GS_ERR_ARGUMENT || !c->old_key || !c->new_key) return status;
    gs__error first = *c->error;
    if (gs__protect_read(c->error, c->new_key, true, path, MAX_FILE_BYTES, data, bytes, NULL) != GS_OK) {
        *c->error = first;
        return status;
    }
    gs__protect_free(*data, *bytes);
    *data = NULL;
    return GS_OK;
}

static gs_status prepare(struct change *c, const char *name) {
    gs_status status = GS_ERR_MEMORY;
    gs__file_writer *writer = NULL;
    char *data = NULL, *path = gs__path_join(c->error, c->dir, name);
    size_t bytes = 0;
    if (!path) goto fail;
    GS_TRY(read_old(c, path, &data, &bytes));
    if (!data) {
        c->info.kept_count++;
        goto fail;
    }
    GS_TRY(gs__protect_begin(c->error, c->new_key, path, &writer));
    GS_TRY(gs__file_append(writer, data, bytes));
    c->writers[c->writer_count++] = writer;
    writer = NULL;
fail:
    gs__file_discard(writer);
    gs__protect_free(data, bytes);
    free(path);
    return status;
}

static gs_status change_folder(gs_context *context, const char *dir, const gs_key *old_key, const gs_key *new_key,
                               gs_protect_info *info) {
    gs_status status = GS_OK;
    struct change c = {.error = gs__context_error(context), .dir = dir, .old_key = old_key, .new_key = new_key};
    gs__file_list list = {0};
    uint32_t done = 0;
    GS_TRY(gs__file_list_read(c.error, dir, &list));
    c.writers = gs__allocate(c.error, list.count, sizeof *c.writers, "list of files");
    if (!c.writers) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        if (gs__file_is_log(list.paths[i])) c.info.plain_count++;
        else GS_TRY(prepare(&c, list.paths[i]));
    }
    // All are there and were read; now they take their places.
    for (; done < c.writer_count; done++) {
        gs__file_writer *writer = c.writers[done];
        c.writers[done] = NULL;
        GS_TRY(gs__file_commit(&writer));
    }
    c.info.changed_count = c.writer_count;
    if (info) *info = c.info;
fail:
    for (uint32_t i = done; i < c.writer_count; i++) gs__file_discard(c.writers[i]);
    free(c.writers);
    gs__file_list_deinit(&list);
    return status;
}

static gs_status check(gs_context *context, const char *dir, const gs_key *key, const gs_key *other) {
    if (!context) return GS_ERR_ARGUMENT;
    if (dir && key && other) return GS_OK;
    return gs__fail(gs__context_error(context), GS_ERR_ARGUMENT, "a %s is missing", dir ? "key" : "folder");
}

gs_status gs_folder_protect(gs_context *context, const char *dir, const gs_key *key, gs_protect_info *info) {
    gs_status status = check(context, dir, key, key);
    return status == GS_OK ? change_folder(context, dir, NULL, key, info) : status;
}

gs_status gs_folder_unprotect(gs_context *context, const char *dir, const gs_key *key, gs_protect_info *info) {
    gs_status status = check(context, dir, key, key);
    return status == GS_OK ? change_folder(context, dir, key, NULL, info) : status;
}

gs_status gs_folder_rekey(gs_context *context, const char *dir, const gs_key *old_key, const gs_key *new_key,
                          gs_protect_info *info) {
    gs_status status = check(context, dir, old_key, new_key);
    return status == GS_OK ? change_folder(context, dir, old_key, new_key, info) : status;
}
