// Files: read whole, written so that a reader never sees half of one.
#ifndef GS_BASE_FILE_H
#define GS_BASE_FILE_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Every message begins with the path and ends with the system's reason.

// Reads a regular file or a pipe to its end. *data (freed with free()) has a zero byte after the last one, which
// *bytes does not count. GS_ERR_FILE: cannot be read, or is larger than max_bytes.
gs_status gs__file_read(gs__error *error, const char *path, uint64_t max_bytes, char **data, size_t *bytes);

// The same, decompressed when the content is gzip (whatever the name); max_bytes limits what comes out.
// GS_ERR_FORMAT: truncated or corrupt gzip.
gs_status gs__file_read_gzip(gs__error *error, const char *path, uint64_t max_bytes, char **data, size_t *bytes);

// Are these bytes, from so many packed ones, taken for a bomb, which is made to fill the memory? So are more than 16 MiB
// from less than one byte in 200.
bool gs__is_bomb(uint64_t bytes, uint64_t packed_bytes);

// Decompresses gzip data (one or more members). `name` is for messages.
gs_status gs__gzip_inflate(gs__error *error, const char *name, const void *packed, size_t packed_bytes,
                           uint64_t max_bytes, char **data, size_t *bytes);

// Maps a regular file of at least min_bytes for reading; *map stays NULL for smaller ones and for what is no regular
// file. Nobody may make the file shorter meanwhile. Unmapped by gs__file_unmap, which takes NULL.
gs_status gs__file_map(gs__error *error, const char *path, uint64_t min_bytes, void **map, uint64_t *bytes);
void gs__file_unmap(void *map, uint64_t bytes);

// The first bytes of a regular file, freed with free(); fewer where it is shorter. False where it cannot be read.
bool gs__file_read_head(const char *path, size_t most, char **data, size_t *bytes);

bool gs__file_exists(const char *path);

// A file being written: a temporary file in the same folder, which commit syncs and renames to `path`. A device or
// a pipe is written in place. The error is borrowed until commit or discard.
typedef struct gs__file_writer gs__file_writer;

gs_status gs__file_begin(gs__error *error, const char *path, gs__file_writer **writer);
gs_status gs__file_append(gs__file_writer *writer, const void *data, size_t bytes);
// Little-endian, whatever the host is.
gs_status gs__file_append_f32(gs__file_writer *writer, const float *values, uint64_t count);
// What stands between gs__file_append and the file, e.g. encryption: what append is given goes out by
// gs__file_append_raw. commit calls `finish` once all is appended; `destroy` is called in any case.
typedef struct gs__file_filter {
    void *state;
    gs_status (*append)(void *state, gs__file_writer *writer, const void *data, size_t bytes);
    gs_status (*finish)(void *state, gs__file_writer *writer);
    void (*destroy)(void *state);
} gs__file_filter;
void gs__file_set_filter(gs__file_writer *writer, const gs__file_filter *filter);
gs_status gs__file_append_raw(gs__file_writer *writer, const void *data, size_t bytes);
// Writes over bytes that are there already. GS_ERR_FILE for what cannot be gone back in, as a pipe.
gs_status gs__file_rewrite(gs__file_writer *writer, uint64_t offset, const void *data, size_t bytes);
// Frees the writer, whether or not it succeeds, and sets *writer to NULL. On failure the old file is still there.
gs_status gs__file_commit(gs__file_writer **writer);
// The same without waiting for the disk: after a crash of the system the file may be there cut off. For files whose
// reader can tell.
gs_status gs__file_replace(gs__file_writer **writer);
// Removes the temporary file and frees the writer. Takes NULL.
void gs__file_discard(gs__file_writer *writer);

// begin, append, commit.
gs_status gs__file_write(gs__error *error, const char *path, const void *data, size_t bytes);

// Makes a folder and its parents where they are missing.
gs_status gs__dir_make(gs__error *error, const char *path);
// Calls for the name of each entry but . and .., in no order, until `visit` returns something else than GS_OK.
gs_status gs__dir_visit(gs__error *error, const char *path, gs_status (*visit)(void *user, const char *name),
                        void *user);
// Whether a name is NAME.PID-TRY.tmp, a file that gs__file_begin made and that has not taken its place. `process` (may be
// NULL) receives the one that writes, or wrote.
bool gs__file_is_temporary(const char *name, long *process);
// Removes temporary files of writers that were killed. Nobody else may write into the folder.
gs_status gs__dir_tidy(gs__error *error, const char *path);

// "dir/name" ("name" when dir is NULL or ""), freed with free(). NULL with GS_ERR_MEMORY.
char *gs__path_join(gs__error *error, const char *dir, const char *name);

// The last part of a path that is too long for a message; mostly the path itself.
const char *gs__path_show(const char *path);

#endif
