// Keys. Everything secret lies in memory of sodium_malloc: locked, between guard pages, wiped when it is freed.
#ifndef GS_PROTECT_KEY_H
#define GS_PROTECT_KEY_H

#include "base/error.h"
#include <gradsmith/protect.h>
#include <stdbool.h>

enum { GS__KEY_BYTES = 32, GS__SALT_BYTES = 16, GS__KEY_CHECK_BYTES = 16 };
enum { GS__KDF_KEY_FILE = 1, GS__KDF_ARGON2ID = 2 };

// How the keys of a file come from the secret.
typedef struct gs__kdf {
    uint32_t kind;
    uint32_t passes; // 0 for key files
    uint64_t memory_bytes;
    unsigned char salt[GS__SALT_BYTES];
} gs__kdf;

// The keys of files with one salt.
typedef struct gs__file_keys {
    unsigned char stream[GS__KEY_BYTES], header[GS__KEY_BYTES];
    unsigned char check[GS__KEY_CHECK_BYTES]; // tells a wrong key from a damaged file; not secret
} gs__file_keys;

// Of files that are written. For any thread.
const gs__kdf *gs__key_own_kdf(const gs_key *key);
// Of a file that has these numbers, into locked memory of the caller. The last ones are kept, so that a folder of files
// takes Argon2id once for each salt. For any thread. GS_ERR_FORMAT: numbers out of range; GS_ERR_ARGUMENT: a passphrase where a key file is needed, or the reverse.
gs_status gs__key_derive(gs__error *error, const gs_key *key, const char *name, const gs__kdf *kdf,
                         gs__file_keys *keys);

// Starts libsodium.
gs_status gs__sodium_begin(gs__error *error);
// 32 secret bytes of a file that only its owner can read, in memory of sodium_malloc.
gs_status gs__secret_read(gs__error *error, const char *path, const char *what, unsigned char **secret);
// A new file of mode 0600 (`secret`) or 0644; GS_ERR_FILE where there is one already.
gs_status gs__key_file_write(gs__error *error, const char *path, bool secret, const void *data, size_t bytes);

#endif
