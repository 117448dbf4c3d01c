// Encrypted files: written as a stream, read as a whole.
#include "base/memory.h"
#include "context/context.h"
#include "protect/key.h"
#include "protect/protect.h"

#include <stdlib.h>
#include <string.h>

// Where what lies in the header.
enum {
    VERSION = 1,
    AT_VERSION = 8,
    AT_KIND = 12,
    AT_PASSES = 16,
    AT_CHUNK = 20,
    AT_MEMORY = 24,
    AT_SALT = 32,
    AT_STREAM = 48,
    AT_CHECK = 72,
    AT_RESERVED = 88,
    FIXED_BYTES = 104, // up to here it is known when the file is begun, and is part of what each chunk's tag covers
    AT_LENGTH = 104,
    AT_MAC = 112,
    MAC_BYTES = 32,
};

static const unsigned char magic[8] = {0x89, 'G', 'S', 'E', 'N', 'C', '\r', '\n'};

bool gs__protect_is(const void *data, size_t bytes) {
    return bytes >= sizeof magic && memcmp(data, magic, sizeof magic) == 0;
}

gs_status gs__protect_write(gs__error *error, const gs_key *key, const char *path, const void *data, size_t bytes) {
    gs__file_writer *writer = NULL;
    gs_status status;
    GS_TRY(gs__protect_begin(error, key, path, &writer));
    GS_TRY(gs__file_append(writer, data, bytes));
    return gs__file_commit(&writer);
fail:
    gs__file_discard(writer);
    return status;
}

gs_status gs__protect_read(gs__error *error, const gs_key *key, bool required, const char *path, uint64_t max_bytes,
                           char **data, size_t *bytes, bool *encrypted) {
    char *file = NULL;
    size_t file_bytes = 0;
    // What encryption adds does not count.
    const uint64_t most = max_bytes + max_bytes / 1024 + 1024;
    gs_status status = gs__file_read(error, path, most, &file, &file_bytes);
    if (status != GS_OK) return status;
    const bool is = gs__protect_is(file, file_bytes);
    if (encrypted) *encrypted = is;
    if (is) {
        status = gs__protect_open(error, key, gs__path_show(path), file, file_bytes, data, bytes);
        free(file);
        return status;
    }
    if (required) {
        free(file);
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: is not encrypted, but a key was given: somebody may have put it in the place of the file "
                        "that was; leave the key out if it is to be read nevertheless",
                        gs__path_show(path));
    }
    *data = file;
    *bytes = file_bytes;
    return GS_OK;
}

#ifdef GRADSMITH_HAS_SODIUM
#include <sodium.h>

_Static_assert(AT_MAC + MAC_BYTES == GS__PROTECT_HEADER_BYTES, "the header has no gap");
_Static_assert(crypto_secretstream_xchacha20poly1305_ABYTES == GS__PROTECT_TAG_BYTES, "as documented");
_Static_assert(crypto_secretstream_xchacha20poly1305_HEADERBYTES == AT_CHECK - AT_STREAM, "as documented");

static void put(unsigned char *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)from[i] << (8 * i);
    return value;
}

void gs__protect_free(char *data, size_t bytes) {
    if (data) sodium_memzero(data, bytes);
    free(data);
}

// --- writing -----------------------------------------------------------------------------------------------------
struct sealer {
    gs__file_keys keys;
    crypto_secretstream_xchacha20poly1305_state state;
    unsigned char header[GS__PROTECT_HEADER_BYTES];
    uint64_t length;
    size_t used;
    unsigned char plain[GS__PROTECT_CHUNK_BYTES]; // of the chunk that is being filled
    unsigned char sealed[GS__PROTECT_CHUNK_BYTES + GS__PROTECT_TAG_BYTES];
};

static gs_status seal(struct sealer *s, gs__file_writer *writer, bool last) {
    crypto_secretstream_xchacha20poly1305_push(&s->state, s->sealed, NULL, s->plain, s->used, s->header, FIXED_BYTES,
                                               last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                                    : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
    const size_t bytes = s->used + GS__PROTECT_TAG_BYTES;
    s->used = 0;
    return gs__file_append_raw(writer, s->sealed, bytes);
}

static gs_status append(void *state, gs__file_writer *writer, const void *data, size_t bytes) {
    struct sealer *s = state;
    const unsigned char *from = data;
    s->length += bytes;
    while (bytes > 0) {
        // A full chunk goes out when more follows: the last one is known only at the end.
        if (s->used == sizeof s->plain) {
            gs_status status = seal(s, writer, false);
            if (status != GS_OK) return status;
        }
        const size_t room = sizeof s->plain - s->used, n = bytes < room ? bytes : room;
        memcpy(s->plain + s->used, from, n);
        s->used += n;
        from += n;
        bytes -= n;
    }
    return GS_OK;
}

static void make_mac(const gs__file_keys *keys, const unsigned char *header, unsigned char *mac) {
    crypto_generichash(mac, MAC_BYTES, header, AT_MAC, keys->header, sizeof keys->header);
}

static gs_status finish(void *state, gs__file_writer *writer) {
    struct sealer *s = state;
    gs_status status = seal(s, writer, true);
    if (status != GS_OK) return status;
    put(s->header + AT_LENGTH, s->length, 8);
    make_mac(&s->keys, s->header, s->header + AT_MAC);
    return gs__file_rewrite(writer, AT_LENGTH, s->header + AT_LENGTH, sizeof s->header - AT_LENGTH);
}

static void destroy(void *state) {
    sodium_free(state);
}

gs_status gs__protect_begin(gs__error *error, const gs_key *key, const char *path, gs__file_writer **writer) {
    gs_status status;
    struct sealer *s = NULL;
    *writer = NULL;
    if (!key) return gs__file_begin(error, path, writer);
    const gs__kdf *kdf = gs__key_own_kdf(key);
    s = sodium_malloc(sizeof *s);
    if (!s) return gs__fail(error, GS_ERR_MEMORY, "%s: out of memory that can be locked", gs__path_show(path));
    memset(s, 0, sizeof *s);
    GS_TRY(gs__key_derive(error, key, gs__path_show(path), kdf, &s->keys));
    memcpy(s->header, magic, sizeof magic);
    put(s->header + AT_VERSION, VERSION, 4);
    put(s->header + AT_KIND, kdf->kind, 4);
    put(s->header + AT_PASSES, kdf->passes, 4);
    put(s->header + AT_CHUNK, GS__PROTECT_CHUNK_BYTES, 4);
    put(s->header + AT_MEMORY, kdf->memory_bytes, 8);
    memcpy(s->header + AT_SALT, kdf->salt, sizeof kdf->salt);
    crypto_secretstream_xchacha20poly1305_init_push(&s->state, s->header + AT_STREAM, s->keys.stream);
    memcpy(s->header + AT_CHECK, s->keys.check, sizeof s->keys.check);
    GS_TRY(gs__file_begin(error, path, writer));
    GS_TRY(gs__file_append_raw(*writer, s->header, sizeof s->header));
    gs__file_set_filter(*writer, &(gs__file_filter){s, append, finish, destroy});
    return GS_OK;
fail:
    sodium_free(s);
    gs__file_discard(*writer);
    *writer = NULL;
    return status;
}

// --- reading -----------------------------------------------------------------------------------------------------
struct opener {
    gs__error *error;
    const char *name;
    const unsigned char *file;
    size_t file_bytes;
    uint64_t length;
    gs__file_keys *keys; // in locked memory
};

static gs_status read_kdf(struct opener *o, gs__kdf *kdf) {
    static const unsigned char zeros[FIXED_BYTES - AT_RESERVED];
    const unsigned char *header = o->file;
    if (o->file_bytes < GS__PROTECT_HEADER_BYTES)
        return gs__fail(o->error, GS_ERR_FORMAT, "%s: is cut off: it has %zu bytes, its header alone takes %d", o->name,
                        o->file_bytes, (int)GS__PROTECT_HEADER_BYTES);
    const uint64_t version = get(header + AT_VERSION, 4);
    if (version != VERSION || get(header + AT_CHUNK, 4) != GS__PROTECT_CHUNK_BYTES ||
        memcmp(header + AT_RESERVED, zeros, sizeof zeros) != 0)
        return gs__fail(o->error, GS_ERR_FORMAT,
                        "%s: its header is damaged, or of a newer gradsmith: version %llu, expected %d", o->name,
                        (unsigned long long)version, (int)VERSION);
    kdf->kind = (uint32_t)get(header + AT_KIND, 4);
    kdf->passes = (uint32_t)get(header + AT_PASSES, 4);
    kdf->memory_bytes = get(header + AT_MEMORY, 8);
    memcpy(kdf->salt, header + AT_SALT, sizeof kdf->salt);
    return GS_OK;
}

static uint64_t count_chunks(uint64_t length) {
    return length ? (length + GS__PROTECT_CHUNK_BYTES - 1) / GS__PROTECT_CHUNK_BYTES : 1;
}

// Key, header and size, before memory is taken.
static gs_status check_header(struct opener *o) {
    unsigned char mac[MAC_BYTES];
    const unsigned char *header = o->file;
    if (sodium_memcmp(header + AT_CHECK, o->keys->check, sizeof o->keys->check) != 0)
        return gs__fail(o->error, GS_ERR_ARGUMENT,
                        "%s: the key is wrong (or salt and limits in its header were changed)", o->name);
    make_mac(o->keys, header, mac);
    if (sodium_memcmp(header + AT_MAC, mac, sizeof mac) != 0)
        return gs__fail(o->error, GS_ERR_FORMAT, "%s: its header was changed or is damaged", o->name);
    o->length = get(header + AT_LENGTH, 8);
    const uint64_t body = o->file_bytes - GS__PROTECT_HEADER_BYTES;
    const uint64_t expected =
        o->length <= UINT64_MAX / 2 ? o->length + count_chunks(o->length) * GS__PROTECT_TAG_BYTES : UINT64_MAX / 2;
    if (body < expected)
        return gs__fail(o->error, GS_ERR_FORMAT, "%s: is cut off: it has %zu bytes of %llu", o->name, o->file_bytes,
                        (unsigned long long)(expected + GS__PROTECT_HEADER_BYTES));
    if (body > expected)
        return gs__fail(o->error, GS_ERR_FORMAT, "%s: %llu bytes follow its end", o->name,
                        (unsigned long long)(body - expected));
    return GS_OK;
}

static gs_status open_chunks(struct opener *o, unsigned char *out) {
    crypto_secretstream_xchacha20poly1305_state state;
    const unsigned char *from = o->file + GS__PROTECT_HEADER_BYTES;
    const uint64_t count = count_chunks(o->length);
    gs_status status = GS_OK;
    if (crypto_secretstream_xchacha20poly1305_init_pull(&state, o->file + AT_STREAM, o->keys->stream) != 0)
        return gs__fail(o->error, GS_ERR_FORMAT, "%s: its header is damaged", o->name);
    for (uint64_t i = 0; i < count && status == GS_OK; i++) {
        const uint64_t left = o->length - i * GS__PROTECT_CHUNK_BYTES;
        const size_t n = left < GS__PROTECT_CHUNK_BYTES ? (size_t)left : GS__PROTECT_CHUNK_BYTES;
        unsigned char tag = 0;
        const unsigned char expected = i + 1 == count ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                                      : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
        if (crypto_secretstream_xchacha20poly1305_pull(&state, out, NULL, &tag, from, n + GS__PROTECT_TAG_BYTES,
                                                       o->file, FIXED_BYTES) != 0 ||
            tag != expected)
            status = gs__fail(o->error, GS_ERR_FORMAT,
                              "%s: chunk %llu of %llu was changed, is damaged, or lies in the place of another",
                              o->name, (unsigned long long)i + 1, (unsigned long long)count);
        out += n;
        from += n + GS__PROTECT_TAG_BYTES;
    }
    sodium_memzero(&state, sizeof state);
    return status;
}

gs_status gs__protect_open(gs__error *error, const gs_key *key, const char *name, const void *file, size_t file_bytes,
                           char **out, size_t *out_bytes) {
    struct opener o = {.error = error, .name = name, .file = file, .file_bytes = file_bytes};
    gs__kdf kdf;
    gs_status status;
    char *plain = NULL;
    GS_TRY(read_kdf(&o, &kdf));
    if (!key)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: is encrypted with a %s, and none was given", name,
                        kdf.kind == GS__KDF_KEY_FILE ? "key file" : "passphrase");
    o.keys = sodium_malloc(sizeof *o.keys);
    if (!o.keys) return gs__fail(error, GS_ERR_MEMORY, "%s: out of memory that can be locked", name);
    GS_TRY(gs__key_derive(error, key, name, &kdf, o.keys));
    GS_TRY(check_header(&o));
    plain = gs__allocate(error, o.length + 1, 1, name);
    if (!plain) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(open_chunks(&o, (unsigned char *)plain));
    *out = plain;
    *out_bytes = (size_t)o.length;
    sodium_free(o.keys);
    return GS_OK;
fail:
    // None of it is used, not even what verified.
    sodium_free(o.keys);
    if (plain) gs__protect_free(plain, (size_t)o.length);
    return status;
}
#else
static gs_status fail_unsupported(gs__error *error, const char *name) {
    return gs__fail(error, GS_ERR_UNSUPPORTED,
                    "%s: an encrypted file: this gradsmith was built without libsodium (libsodium-dev)", name);
}

void gs__protect_free(char *data, size_t bytes) {
    (void)bytes;
    free(data);
}

gs_status gs__protect_begin(gs__error *error, const gs_key *key, const char *path, gs__file_writer **writer) {
    return key ? fail_unsupported(error, gs__path_show(path)) : gs__file_begin(error, path, writer);
}

gs_status gs__protect_open(gs__error *error, const gs_key *key, const char *name, const void *file, size_t file_bytes,
                           char **out, size_t *out_bytes) {
    (void)key, (void)file, (void)file_bytes, (void)out, (void)out_bytes;
    return fail_unsupported(error, name);
}
#endif

// --- what a context reads and writes -----------------------------------------------------------------------------
const gs_key *gs__context_key(gs_context *context, gs_key_use use) {
    const gs_key *key = NULL;
    const unsigned uses = gs__context_get_key(context, &key);
    return key && (use == GS_KEY_READ || (uses & (unsigned)use)) ? key : NULL;
}

gs_status gs_context_set_key(gs_context *context, const gs_key *key, unsigned use) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__context_put_key(context, key, key ? use : 0);
    return GS_OK;
}

bool gs_file_is_encrypted(const char *path) {
    char *data = NULL;
    size_t bytes = 0;
    const bool is = path && gs__file_read_head(path, sizeof magic, &data, &bytes) && gs__protect_is(data, bytes);
    free(data);
    return is;
}

gs_status gs__context_begin_file(gs_context *context, const char *path, gs__file_writer **writer) {
    return gs__protect_begin(gs__context_error(context), gs__context_key(context, GS_KEY_ENCRYPT), path, writer);
}

gs_status gs__context_write_file(gs_context *context, const char *path, const void *data, size_t bytes) {
    return gs__protect_write(gs__context_error(context), gs__context_key(context, GS_KEY_ENCRYPT), path, data, bytes);
}

gs_status gs__context_read_file(gs_context *context, const char *path, uint64_t max_bytes, char **data, size_t *bytes) {
    return gs__protect_read(gs__context_error(context), gs__context_key(context, GS_KEY_READ),
                            gs__context_key(context, GS_KEY_REQUIRE) != NULL, path, max_bytes, data, bytes, NULL);
}

gs_status gs_file_write(gs_context *context, const char *path, const void *data, size_t bytes) {
    if (!context) return GS_ERR_ARGUMENT;
    if (!path || (!data && bytes))
        return gs__fail(gs__context_error(context), GS_ERR_ARGUMENT, "gs_file_write: an argument is NULL");
    return gs__context_write_file(context, path, data, bytes);
}

gs_status gs_file_read(gs_context *context, const char *path, uint64_t max_bytes, char **data, size_t *bytes) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!path || !data || !bytes) return gs__fail(error, GS_ERR_ARGUMENT, "gs_file_read: an argument is NULL");
    *data = NULL;
    return gs__context_read_file(context, path, max_bytes, data, bytes);
}

void gs_file_free(char **data, size_t bytes) {
    if (!data) return;
    gs__protect_free(*data, bytes);
    *data = NULL;
}
