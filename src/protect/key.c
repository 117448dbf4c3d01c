#include "protect/key.h"
#include "base/file.h"
#include "base/memory.h"
#include "context/context.h"
#include "protect/protect.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef GRADSMITH_HAS_SODIUM
#include <sodium.h>

#define MAX_MEMORY_BYTES (UINT64_C(1) << 30) // a file must not make us take more
enum { MAX_PASSES = 8, MAX_PASSPHRASE_BYTES = 1024, MAX_KEPT = 16 };

struct derived {
    gs__kdf kdf;
    gs__file_keys *keys;
    struct derived *next;
};

struct gs_key {
    uint32_t kind;
    unsigned char *secret; // passphrase or key
    size_t secret_bytes;
    gs__kdf own;          // of files that are written
    struct derived *made; // what was derived last
    pthread_mutex_t lock; // of `made`
};

const char *gs_protect_version(void) {
    return sodium_version_string();
}

gs_status gs__sodium_begin(gs__error *error) {
    return sodium_init() >= 0 ? GS_OK : gs__fail(error, GS_ERR_INTERNAL, "libsodium does not start");
}

static gs_status fail_memory(gs__error *error) {
    return gs__fail(error, GS_ERR_MEMORY, "out of memory that can be locked for a key");
}

// --- files of keys -----------------------------------------------------------------------------------------------
static gs_status read_secret(gs__error *error, int fd, const char *path, const char *what, unsigned char *secret) {
    struct stat info;
    unsigned char more;
    size_t used = 0;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return gs__fail(error, GS_ERR_FILE, "%s: a %s must be a regular file", gs__path_show(path), what);
    if (info.st_mode & 077)
        return gs__fail(
            error, GS_ERR_FILE,
            "%s: others than its owner have a right to this %s (mode %04o): take it from them with chmod 600",
            gs__path_show(path), what, (unsigned)info.st_mode & 07777);
    while (used < GS__KEY_BYTES) {
        const ssize_t n = read(fd, secret + used, GS__KEY_BYTES - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return gs__fail(error, GS_ERR_FILE, "%s: cannot be read: %s", gs__path_show(path), strerror(errno));
        if (n == 0) break;
        used += (size_t)n;
    }
    if (used == GS__KEY_BYTES && read(fd, &more, 1) == 0) return GS_OK;
    return gs__fail(error, GS_ERR_FORMAT, "%s: has %lld bytes, but a %s has %d", gs__path_show(path),
                    (long long)info.st_size, what, (int)GS__KEY_BYTES);
}

gs_status gs__secret_read(gs__error *error, const char *path, const char *what, unsigned char **secret) {
    int fd;
    do fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return gs__fail(error, GS_ERR_FILE, "%s: the %s cannot be opened: %s", gs__path_show(path), what,
                        strerror(errno));
    *secret = sodium_malloc(GS__KEY_BYTES);
    gs_status status = *secret ? read_secret(error, fd, path, what, *secret) : fail_memory(error);
    close(fd);
    if (status == GS_OK) return GS_OK;
    sodium_free(*secret);
    *secret = NULL;
    return status;
}

gs_status gs__key_file_write(gs__error *error, const char *path, bool secret, const void *data, size_t bytes) {
    const unsigned char *from = data;
    size_t left = bytes;
    int fd;
    do fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return gs__fail(error, GS_ERR_FILE, "%s: cannot be made: %s%s", gs__path_show(path), strerror(errno),
                        errno == EEXIST ? "; a key is never overwritten" : "");
    int code = 0;
    while (left > 0 && code == 0) {
        const ssize_t n = write(fd, from, left);
        if (n < 0 && errno != EINTR) code = errno;
        from += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    if (code == 0 && fsync(fd) != 0) code = errno;
    if (close(fd) != 0 && code == 0) code = errno;
    if (code == 0) return GS_OK;
    unlink(path);
    return gs__fail(error, GS_ERR_FILE, "%s: cannot be written: %s", gs__path_show(path), strerror(code));
}

gs_status gs_key_file_create(gs_context *context, const char *path) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!path || !path[0]) return gs__fail(error, GS_ERR_ARGUMENT, "gs_key_file_create: the path is missing");
    gs_status status = gs__sodium_begin(error);
    if (status != GS_OK) return status;
    unsigned char *secret = sodium_malloc(GS__KEY_BYTES);
    if (!secret) return fail_memory(error);
    randombytes_buf(secret, GS__KEY_BYTES);
    status = gs__key_file_write(error, path, true, secret, GS__KEY_BYTES);
    sodium_free(secret);
    return status;
}

// --- deriving ----------------------------------------------------------------------------------------------------
static gs_status check_kdf(gs__error *error, const gs_key *key, const char *name, const gs__kdf *kdf) {
    if (kdf->kind != GS__KDF_ARGON2ID && kdf->kind != GS__KDF_KEY_FILE)
        return gs__fail(error, GS_ERR_FORMAT, "%s: its header is damaged, or of a newer gradsmith: key kind %u", name,
                        (unsigned)kdf->kind);
    if (kdf->kind != key->kind)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: is encrypted with a %s, but a %s was given", name,
                        kdf->kind == GS__KDF_ARGON2ID ? "passphrase" : "key file",
                        key->kind == GS__KDF_ARGON2ID ? "passphrase" : "key file");
    const bool argon = kdf->kind == GS__KDF_ARGON2ID;
    const bool good = argon ? kdf->passes >= crypto_pwhash_argon2id_OPSLIMIT_MIN && kdf->passes <= MAX_PASSES &&
                                  kdf->memory_bytes >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
                                  kdf->memory_bytes <= MAX_MEMORY_BYTES
                            : kdf->passes == 0 && kdf->memory_bytes == 0;
    if (good) return GS_OK;
    return gs__fail(
        error, GS_ERR_FORMAT,
        "%s: its header is damaged: Argon2id with %u passes over %llu bytes; at most %d and %llu are allowed", name,
        (unsigned)kdf->passes, (unsigned long long)kdf->memory_bytes, (int)MAX_PASSES,
        (unsigned long long)MAX_MEMORY_BYTES);
}

static bool make_master(const gs_key *key, const gs__kdf *kdf, unsigned char *master) {
    if (kdf->kind == GS__KDF_KEY_FILE)
        return crypto_generichash(master, GS__KEY_BYTES, kdf->salt, sizeof kdf->salt, key->secret, key->secret_bytes) ==
               0;
    return crypto_pwhash_argon2id(master, GS__KEY_BYTES, (const char *)key->secret, key->secret_bytes, kdf->salt,
                                  kdf->passes, (size_t)kdf->memory_bytes, crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0;
}

// d->kdf is given; d->keys becomes what it makes of the secret.
static gs_status derive(gs__error *error, const gs_key *key, struct derived *d) {
    static const char context[crypto_kdf_CONTEXTBYTES + 1] = "GSfile 1";
    unsigned char *master = sodium_malloc(GS__KEY_BYTES);
    gs__file_keys *keys = sodium_malloc(sizeof *keys);
    gs_status status = master && keys ? GS_OK : fail_memory(error);
    if (status == GS_OK && !make_master(key, &d->kdf, master))
        status = gs__fail(error, GS_ERR_MEMORY, "out of memory for Argon2id, which takes %llu bytes",
                          (unsigned long long)d->kdf.memory_bytes);
    if (status == GS_OK) {
        crypto_kdf_derive_from_key(keys->stream, sizeof keys->stream, 1, context, master);
        crypto_kdf_derive_from_key(keys->header, sizeof keys->header, 2, context, master);
        crypto_kdf_derive_from_key(keys->check, sizeof keys->check, 3, context, master);
        sodium_mprotect_readonly(keys);
        d->keys = keys;
    } else if (keys) {
        sodium_free(keys);
    }
    if (master) sodium_free(master);
    return status;
}

static void free_derived(struct derived *d) {
    sodium_free(d->keys);
    free(d);
}

static bool same_kdf(const gs__kdf *a, const gs__kdf *b) {
    return a->kind == b->kind && a->passes == b->passes && a->memory_bytes == b->memory_bytes &&
           memcmp(a->salt, b->salt, sizeof a->salt) == 0;
}

// Of hostile files each may have a salt of its own. The one for what is written is the last to go.
static void keep(gs_key *key, struct derived *made) {
    struct derived **last = &key->made;
    uint32_t count = 1;
    made->next = key->made;
    key->made = made;
    for (; *last && count <= MAX_KEPT; last = &(*last)->next) count += !same_kdf(&(*last)->kdf, &key->own);
    while (*last) {
        struct derived *old = *last;
        if (same_kdf(&old->kdf, &key->own)) {
            last = &old->next;
            continue;
        }
        *last = old->next;
        free_derived(old);
    }
}

gs_status gs__key_derive(gs__error *error, const gs_key *key, const char *name, const gs__kdf *kdf,
                         gs__file_keys *keys) {
    gs_status status = check_kdf(error, key, name, kdf);
    if (status != GS_OK) return status;
    gs_key *k = (gs_key *)(uintptr_t)key; // what was derived is kept, under the lock
    pthread_mutex_lock(&k->lock);
    struct derived *found = k->made;
    while (found && !same_kdf(kdf, &found->kdf)) found = found->next;
    if (!found) {
        found = gs__allocate(error, 1, sizeof *found, "a key");
        status = found ? GS_OK : GS_ERR_MEMORY;
        if (found) {
            found->kdf = *kdf;
            status = derive(error, key, found);
        }
        if (status == GS_OK) keep(k, found);
        else free(found);
    }
    if (status == GS_OK) memcpy(keys, found->keys, sizeof *keys);
    pthread_mutex_unlock(&k->lock);
    return status;
}

const gs__kdf *gs__key_own_kdf(const gs_key *key) {
    return &key->own;
}

// --- keys --------------------------------------------------------------------------------------------------------
static gs_status check_params(gs__error *error, const gs_key_params *params) {
    if (!params || (params->passphrase != NULL) == (params->key_file != NULL))
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_key_create needs either a passphrase or a key file");
    if (params->passphrase && (params->passphrase_bytes < 1 || params->passphrase_bytes > MAX_PASSPHRASE_BYTES))
        return gs__fail(error, GS_ERR_ARGUMENT, "a passphrase has 1 to %d bytes, this one has %zu",
                        (int)MAX_PASSPHRASE_BYTES, params->passphrase_bytes);
    return GS_OK;
}

static gs_status take_secret(gs__error *error, const gs_key_params *params, gs_key *key) {
    if (params->key_file) {
        key->secret_bytes = GS__KEY_BYTES;
        return gs__secret_read(error, params->key_file, "key file", &key->secret);
    }
    key->secret_bytes = params->passphrase_bytes;
    key->secret = sodium_malloc(key->secret_bytes);
    if (!key->secret) return fail_memory(error);
    memcpy(key->secret, params->passphrase, key->secret_bytes);
    return GS_OK;
}

gs_status gs_key_create(gs_context *context, const gs_key_params *params, gs_key **out) {
    if (!context || !out) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs_status status = check_params(error, params);
    *out = NULL;
    if (status == GS_OK) status = gs__sodium_begin(error);
    if (status != GS_OK) return status;
    gs_key *key = gs__allocate(error, 1, sizeof *key, "a key");
    if (!key) return GS_ERR_MEMORY;
    key->kind = params->key_file ? GS__KDF_KEY_FILE : GS__KDF_ARGON2ID;
    pthread_mutex_init(&key->lock, NULL);
    key->own.kind = key->kind;
    if (!params->key_file) {
        const uint64_t passes = params->passes ? params->passes : crypto_pwhash_argon2id_OPSLIMIT_MODERATE;
        key->own.passes = passes > MAX_PASSES ? UINT32_MAX : (uint32_t)passes;
        key->own.memory_bytes = params->memory_bytes ? params->memory_bytes : crypto_pwhash_argon2id_MEMLIMIT_MODERATE;
    }
    randombytes_buf(key->own.salt, sizeof key->own.salt);
    status = check_kdf(error, key, "the new key", &key->own);
    if (status != GS_OK)
        status =
            gs__fail(error, GS_ERR_ARGUMENT, "gs_key_create: Argon2id takes 1 to %d passes over at most %llu bytes",
                     (int)MAX_PASSES, (unsigned long long)MAX_MEMORY_BYTES);
    if (status == GS_OK) status = take_secret(error, params, key);
    if (status != GS_OK) goto fail;
    *out = key;
    return GS_OK;
fail:
    gs_key_destroy(&key);
    return status;
}

void gs_key_destroy(gs_key **pointer) {
    if (!pointer || !*pointer) return;
    gs_key *key = *pointer;
    for (struct derived *d = key->made, *next; d; d = next) {
        next = d->next;
        free_derived(d);
    }
    sodium_free(key->secret);
    pthread_mutex_destroy(&key->lock);
    free(key);
    *pointer = NULL;
}
#else
const char *gs_protect_version(void) {
    return NULL;
}

static gs_status fail_unsupported(gs_context *context) {
    if (!context) return GS_ERR_ARGUMENT;
    return gs__fail(gs__context_error(context), GS_ERR_UNSUPPORTED,
                    "protected models need libsodium: this gradsmith was built without it (libsodium-dev)");
}

gs_status gs_key_create(gs_context *context, const gs_key_params *params, gs_key **key) {
    (void)params;
    if (key) *key = NULL;
    return fail_unsupported(context);
}

void gs_key_destroy(gs_key **key) {
    (void)key;
}

gs_status gs_key_file_create(gs_context *context, const char *path) {
    (void)path;
    return fail_unsupported(context);
}
#endif
