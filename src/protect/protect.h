// Encrypted files: docs/protection.md has the format byte by byte.
#ifndef GS_PROTECT_PROTECT_H
#define GS_PROTECT_PROTECT_H

#include "base/file.h"
#include <gradsmith/protect.h>

enum { GS__PROTECT_HEADER_BYTES = 144, GS__PROTECT_CHUNK_BYTES = 65536, GS__PROTECT_TAG_BYTES = 17 };

// Whether these first bytes of a file are those of an encrypted one.
bool gs__protect_is(const void *data, size_t bytes);

// gs__file_begin for a file that is encrypted with the key; NULL: a plain one. For any thread.
gs_status gs__protect_begin(gs__error *error, const gs_key *key, const char *path, gs__file_writer **writer);
// The same for a file that is there as a whole.
gs_status gs__protect_write(gs__error *error, const gs_key *key, const char *path, const void *data, size_t bytes);

// Decrypts a file's content in memory. *out (wiped and freed with gs__protect_free) has a zero byte after the last one.
// `name` is for messages. GS_ERR_ARGUMENT: no key, a wrong one; GS_ERR_FORMAT: cut off, changed, damaged.
gs_status gs__protect_open(gs__error *error, const gs_key *key, const char *name, const void *file, size_t file_bytes,
                           char **out, size_t *out_bytes);
// A whole file, decrypted where it is encrypted. `required`: GS_ERR_FORMAT where it is not. *encrypted may be NULL.
gs_status gs__protect_read(gs__error *error, const gs_key *key, bool required, const char *path, uint64_t max_bytes,
                           char **data, size_t *bytes, bool *encrypted);
void gs__protect_free(char *data, size_t bytes); // takes NULL

// --- what a context reads and writes ---------------------------------------------------------------------------------
// The key of a context, for a use; NULL: it has none for that.
const gs_key *gs__context_key(gs_context *context, gs_key_use use);
// The three above with the key of a context, as its uses say. Messages go to the context's error.
gs_status gs__context_begin_file(gs_context *context, const char *path, gs__file_writer **writer);
gs_status gs__context_write_file(gs_context *context, const char *path, const void *data, size_t bytes);
gs_status gs__context_read_file(gs_context *context, const char *path, uint64_t max_bytes, char **data, size_t *bytes);

#endif
