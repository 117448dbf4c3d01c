// Models that nobody reads without the key, and signatures (docs/protection.md). Needs a build with libsodium; without it
// all functions here that do something fail with GS_ERR_UNSUPPORTED.
#ifndef GRADSMITH_PROTECT_H
#define GRADSMITH_PROTECT_H

#include <gradsmith/device.h>

#ifdef __cplusplus
extern "C" {
#endif

// The version of libsodium that is used, "1.0.18"; NULL in a build without.
GS_API const char *gs_protect_version(void);

// A passphrase, or the content of a key file, in locked memory that is wiped when it is freed.
typedef struct gs_key gs_key;

typedef struct gs_key_params {
    // One of the two.
    const void *passphrase; // any bytes; copied, so the caller can wipe its own
    size_t passphrase_bytes;
    const char *key_file; // 32 bytes; only its owner may read it (mode 0600)
    // Of Argon2id, for files that are written; files that are read have their own. 0: 3 passes over 256 MiB, about a
    // second. At most 8 and 1 GiB.
    uint64_t passes, memory_bytes;
} gs_key_params;

// The first file that is read or written with a passphrase takes the time that Argon2id takes. Errors: GS_ERR_ARGUMENT, GS_ERR_FILE (a key file that cannot be read, or that
// others can read), GS_ERR_FORMAT (not 32 bytes), GS_ERR_MEMORY.
GS_API gs_status gs_key_create(gs_context *context, const gs_key_params *params, gs_key **key);
// Must not be a context's key any more. Takes a pointer to NULL too; sets *key to NULL.
GS_API void gs_key_destroy(gs_key **key);
// A new key file, mode 0600, with 32 random bytes. Errors: GS_ERR_FILE (also: there is such a file already).
GS_API gs_status gs_key_file_create(gs_context *context, const char *path);

typedef enum gs_key_use {
    GS_KEY_READ = 0,    // encrypted files can be read, others too
    GS_KEY_REQUIRE = 1, // of models and checkpoints, only encrypted ones are read
    GS_KEY_ENCRYPT = 2, // files of models, checkpoints, recipes and experiments are written encrypted
} gs_key_use;

// What this context, and all that was made from it, reads and writes from now on. `use`: the sum of several.
// The key is borrowed until another takes its place (NULL: none) or the context is destroyed.
GS_API gs_status gs_context_set_key(gs_context *context, const gs_key *key, unsigned use);

// Whether a file begins as an encrypted one does; false where it cannot be read.
GS_API bool gs_file_is_encrypted(const char *path);
// A small file as the context's key says: written encrypted where it is GS_KEY_ENCRYPT, read decrypted where it is.
// *data has a zero byte after the last one; gs_file_free wipes and frees it, NULL too.
// Errors: GS_ERR_FILE, GS_ERR_FORMAT (damaged, cut off, changed), GS_ERR_ARGUMENT (no key, or a wrong one).
GS_API gs_status gs_file_write(gs_context *context, const char *path, const void *data, size_t bytes);
GS_API gs_status gs_file_read(gs_context *context, const char *path, uint64_t max_bytes, char **data, size_t *bytes);
GS_API void gs_file_free(char **data, size_t bytes);

// What was done to the files of a folder.
typedef struct gs_protect_info {
    uint32_t changed_count; // files written anew
    uint32_t kept_count;    // files that were as wanted already
    uint32_t plain_count;   // logs (.csv, .jsonl, event files) and signatures, which are never encrypted
} gs_protect_info;

// Encrypts all files of a folder and of the folders in it, but for logs: losses and times stay readable. All new files
// are written, beside the old ones, before the first takes the place of an old one; where that is interrupted, doing the
// same again completes it. `info` may be NULL. Errors: GS_ERR_FILE, GS_ERR_FORMAT, GS_ERR_ARGUMENT (a wrong key).
GS_API gs_status gs_folder_protect(gs_context *context, const char *dir, const gs_key *key, gs_protect_info *info);
GS_API gs_status gs_folder_unprotect(gs_context *context, const char *dir, const gs_key *key, gs_protect_info *info);
// From one key to another. A file that has the new one already is kept.
GS_API gs_status gs_folder_rekey(gs_context *context, const char *dir, const gs_key *old_key, const gs_key *new_key,
                                 gs_protect_info *info);

// --- signatures (Ed25519) --------------------------------------------------------------------------------------------
// Two new files: a secret key, mode 0600, and a public one, for those who verify. GS_ERR_FILE: either is there already.
GS_API gs_status gs_signing_key_create(gs_context *context, const char *secret_path, const char *public_path);
// Writes dir/SIGNATURE: the SHA-256 of each file of the folder and of the folders in it, signed. It can be removed, and
// takes the place of an older one. *file_count may be NULL.
GS_API gs_status gs_folder_sign(gs_context *context, const char *dir, const char *secret_path, uint32_t *file_count);
// GS_OK: the signature is of this key, and each file is there and as it was, and no other. GS_ERR_FORMAT: what differs.
GS_API gs_status gs_folder_verify(gs_context *context, const char *dir, const char *public_path, uint32_t *file_count);

#ifdef __cplusplus
}
#endif
#endif
