// Signatures of folders: a text of SHA-256 sums in the form of sha256sum, and a line with the signature of that text.
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include "protect/key.h"
#include "protect/list.h"
#include "protect/protect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef GRADSMITH_HAS_SODIUM
#include <sodium.h>

#define FIRST_LINE  "gradsmith signature 1\n"
#define LAST_LINE   "ed25519 "
#define PUBLIC_LINE "gradsmith ed25519 "
#define MAX_BYTES   (UINT64_C(64) << 20)

enum {
    PUBLIC_BYTES = crypto_sign_PUBLICKEYBYTES,
    SECRET_BYTES = crypto_sign_SECRETKEYBYTES,
    SIGNATURE_BYTES = crypto_sign_BYTES,
    SUM_BYTES = crypto_hash_sha256_BYTES,
    LAST_LINE_BYTES = sizeof LAST_LINE - 1 + 2 * PUBLIC_BYTES + 1 + 2 * SIGNATURE_BYTES + 1,
};

// --- keys --------------------------------------------------------------------------------------------------------
gs_status gs_signing_key_create(gs_context *context, const char *secret_path, const char *public_path) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!secret_path || !public_path || !secret_path[0] || !public_path[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_signing_key_create: a path is missing");
    unsigned char public_key[PUBLIC_BYTES], *secret = NULL;
    char line[sizeof PUBLIC_LINE + 2 * PUBLIC_BYTES + 1], hex[2 * PUBLIC_BYTES + 1];
    gs_status status = gs__sodium_begin(error);
    if (status != GS_OK) return status;
    secret = sodium_malloc(GS__KEY_BYTES + SECRET_BYTES);
    if (!secret) return gs__fail(error, GS_ERR_MEMORY, "out of memory that can be locked for a key");
    randombytes_buf(secret, GS__KEY_BYTES);
    crypto_sign_seed_keypair(public_key, secret + GS__KEY_BYTES, secret);
    snprintf(line, sizeof line, PUBLIC_LINE "%s\n", sodium_bin2hex(hex, sizeof hex, public_key, sizeof public_key));
    GS_TRY(gs__key_file_write(error, public_path, false, line, strlen(line)));
    status = gs__key_file_write(error, secret_path, true, secret, GS__KEY_BYTES);
    if (status != GS_OK) remove(public_path);
fail:
    sodium_free(secret);
    return status;
}

static bool from_hex(const char *hex, unsigned char *to, size_t bytes) {
    size_t length = 0;
    return sodium_hex2bin(to, bytes, hex, 2 * bytes, NULL, &length, NULL) == 0 && length == bytes;
}

static gs_status read_public(gs__error *error, const char *path, unsigned char public_key[PUBLIC_BYTES]) {
    char *text;
    size_t bytes;
    const size_t head = sizeof PUBLIC_LINE - 1;
    gs_status status = gs__file_read(error, path, 4096, &text, &bytes);
    if (status != GS_OK) return status;
    if (bytes < head + 2 * PUBLIC_BYTES || memcmp(text, PUBLIC_LINE, head) != 0 ||
        !from_hex(text + head, public_key, PUBLIC_BYTES))
        status =
            gs__fail(error, GS_ERR_FORMAT, "%s: is no public key: expected a line \"" PUBLIC_LINE "\" and %d digits",
                     gs__path_show(path), 2 * (int)PUBLIC_BYTES);
    free(text);
    return status;
}

// --- the text that is signed ---------------------------------------------------------------------------------------
static gs_status sum_file(gs__error *error, const char *path, char hex[2 * SUM_BYTES + 1]) {
    crypto_hash_sha256_state state;
    unsigned char sum[SUM_BYTES], buffer[16384];
    FILE *file = fopen(path, "rb");
    if (!file) return gs__fail(error, GS_ERR_FILE, "%s: cannot be opened", gs__path_show(path));
    crypto_hash_sha256_init(&state);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;) crypto_hash_sha256_update(&state, buffer, n);
    const bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) return gs__fail(error, GS_ERR_FILE, "%s: cannot be read", gs__path_show(path));
    crypto_hash_sha256_final(&state, sum);
    sodium_bin2hex(hex, 2 * SUM_BYTES + 1, sum, sizeof sum);
    return GS_OK;
}

static bool is_plain_name(const char *path) {
    for (; *path; path++)
        if ((unsigned char)*path < 0x20 || *path == 0x7F || *path == '\\') return false;
    return true;
}

// The text for the files that are there; *count may be NULL.
static gs_status make_text(gs__error *error, const char *dir, gs__text *text, uint32_t *count) {
    gs_status status = GS_OK;
    gs__file_list list = {0};
    char *path = NULL, hex[2 * SUM_BYTES + 1];
    uint32_t files = 0;
    gs__text_append(text, FIRST_LINE);
    GS_TRY(gs__file_list_read(error, dir, &list));
    for (uint32_t i = 0; i < list.count; i++) {
        const char *name = list.paths[i];
        if (strcmp(name, GS__SIGNATURE_NAME) == 0) continue;
        free(path);
        path = gs__path_join(error, dir, name);
        if (!path) {
            status = GS_ERR_MEMORY;
            goto fail;
        }
        if (!is_plain_name(name))
            GS_TRY(gs__fail(error, GS_ERR_FILE, "%s: a name with control characters or a backslash cannot be signed",
                            gs__path_show(dir)));
        GS_TRY(sum_file(error, path, hex));
        gs__text_append(text, "%s  %s\n", hex, name);
        files++;
    }
    if (!files) GS_TRY(gs__fail(error, GS_ERR_FILE, "%s: there are no files in it", gs__path_show(dir)));
    status = gs__text_check(error, text);
    if (count) *count = files;
fail:
    free(path);
    gs__file_list_deinit(&list);
    return status;
}

// --- signing and verifying -----------------------------------------------------------------------------------------
static gs_status check(gs_context *context, const char *dir, const char *key_path) {
    if (!context) return GS_ERR_ARGUMENT;
    if (!dir || !key_path)
        return gs__fail(gs__context_error(context), GS_ERR_ARGUMENT, "the path of a %s is missing",
                        dir ? "key" : "folder");
    return gs__sodium_begin(gs__context_error(context));
}

gs_status gs_folder_sign(gs_context *context, const char *dir, const char *secret_path, uint32_t *file_count) {
    gs_status status = check(context, dir, secret_path);
    if (status != GS_OK) return status;
    gs__error *error = gs__context_error(context);
    gs__text text = {0};
    unsigned char *seed = NULL, *secret = NULL, public_key[PUBLIC_BYTES], signature[SIGNATURE_BYTES];
    char *path = NULL, public_hex[2 * PUBLIC_BYTES + 1], signature_hex[2 * SIGNATURE_BYTES + 1];
    GS_TRY(gs__secret_read(error, secret_path, "signing key", &seed));
    GS_TRY(make_text(error, dir, &text, file_count));
    path = gs__path_join(error, dir, GS__SIGNATURE_NAME);
    secret = sodium_malloc(SECRET_BYTES);
    if (!path || !secret) {
        status = gs__fail(error, GS_ERR_MEMORY, "out of memory for a signature");
        goto fail;
    }
    crypto_sign_seed_keypair(public_key, secret, seed);
    crypto_sign_detached(signature, NULL, (const unsigned char *)text.data, text.length, secret);
    gs__text_append(&text, LAST_LINE "%s %s\n", sodium_bin2hex(public_hex, sizeof public_hex, public_key, PUBLIC_BYTES),
                    sodium_bin2hex(signature_hex, sizeof signature_hex, signature, SIGNATURE_BYTES));
    GS_TRY(gs__text_check(error, &text));
    status = gs__file_write(error, path, text.data, text.length);
fail:
    if (seed) sodium_free(seed);
    if (secret) sodium_free(secret);
    gs__text_deinit(&text);
    free(path);
    return status;
}

static gs_status check_signature(gs__error *error, const char *path, const char *text, size_t bytes,
                                 const unsigned char *public_key) {
    unsigned char own[PUBLIC_BYTES], signature[SIGNATURE_BYTES];
    const char *last = bytes >= LAST_LINE_BYTES ? text + bytes - LAST_LINE_BYTES : NULL;
    const char *key_hex = last ? last + sizeof LAST_LINE - 1 : NULL;
    if (!last || strncmp(text, FIRST_LINE, sizeof FIRST_LINE - 1) != 0 ||
        memcmp(last, LAST_LINE, sizeof LAST_LINE - 1) != 0 || (last > text && last[-1] != '\n') ||
        !from_hex(key_hex, own, PUBLIC_BYTES) || key_hex[2 * PUBLIC_BYTES] != ' ' ||
        !from_hex(key_hex + 2 * PUBLIC_BYTES + 1, signature, SIGNATURE_BYTES) || text[bytes - 1] != '\n')
        return gs__fail(error, GS_ERR_FORMAT, "%s: is no signature, or a damaged one", gs__path_show(path));
    if (sodium_memcmp(own, public_key, PUBLIC_BYTES) != 0)
        return gs__fail(error, GS_ERR_FORMAT, "%s: was made with another key than the one that was given",
                        gs__path_show(path));
    if (crypto_sign_verify_detached(signature, (const unsigned char *)text, bytes - LAST_LINE_BYTES, public_key) != 0)
        return gs__fail(error, GS_ERR_FORMAT, "%s: the signature is wrong: the list of files was changed",
                        gs__path_show(path));
    return GS_OK;
}

// What differs first, of two texts with a line for each file, in the order of the files' names.
static gs_status compare(gs__error *error, const char *dir, const char *is, const char *was) {
    enum { NAME = 2 * SUM_BYTES + 2 };
    for (;;) {
        const char *is_end = strchr(is, '\n'), *was_end = strchr(was, '\n');
        const size_t a = is_end ? (size_t)(is_end - is) : 0, b = was_end ? (size_t)(was_end - was) : 0;
        if (!a && !b) return GS_OK;
        if (a == b && memcmp(is, was, a) == 0) {
            is += a + 1;
            was += b + 1;
            continue;
        }
        char mine[256] = "", theirs[256] = "";
        if (a > NAME) snprintf(mine, sizeof mine, "%.*s", (int)(a - NAME), is + NAME);
        if (b > NAME) snprintf(theirs, sizeof theirs, "%.*s", (int)(b - NAME), was + NAME);
        const int order = !mine[0] ? 1 : !theirs[0] ? -1 : strcmp(mine, theirs);
        if (order == 0)
            return gs__fail(error, GS_ERR_FORMAT, "%s/%s: was changed since it was signed", gs__path_show(dir), mine);
        if (order < 0)
            return gs__fail(error, GS_ERR_FORMAT, "%s/%s: was not there when the folder was signed", gs__path_show(dir),
                            mine);
        return gs__fail(error, GS_ERR_FORMAT, "%s/%s: is missing; it was there when the folder was signed",
                        gs__path_show(dir), theirs);
    }
}

gs_status gs_folder_verify(gs_context *context, const char *dir, const char *public_path, uint32_t *file_count) {
    gs_status status = check(context, dir, public_path);
    if (status != GS_OK) return status;
    gs__error *error = gs__context_error(context);
    unsigned char public_key[PUBLIC_BYTES];
    char *signature = NULL, *path = gs__path_join(error, dir, GS__SIGNATURE_NAME);
    size_t bytes = 0;
    gs__text text = {0};
    if (!path) return GS_ERR_MEMORY;
    GS_TRY(read_public(error, public_path, public_key));
    GS_TRY(gs__file_read(error, path, MAX_BYTES, &signature, &bytes));
    GS_TRY(check_signature(error, path, signature, bytes, public_key));
    signature[bytes - LAST_LINE_BYTES] = 0;
    GS_TRY(make_text(error, dir, &text, file_count));
    status = compare(error, dir, text.data + sizeof FIRST_LINE - 1, signature + sizeof FIRST_LINE - 1);
fail:
    gs__text_deinit(&text);
    free(signature);
    free(path);
    return status;
}
#else
static gs_status fail_unsupported(gs_context *context) {
    if (!context) return GS_ERR_ARGUMENT;
    return gs__fail(gs__context_error(context), GS_ERR_UNSUPPORTED,
                    "signatures need libsodium: this gradsmith was built without it (libsodium-dev)");
}

gs_status gs_signing_key_create(gs_context *context, const char *secret_path, const char *public_path) {
    (void)secret_path, (void)public_path;
    return fail_unsupported(context);
}

gs_status gs_folder_sign(gs_context *context, const char *dir, const char *secret_path, uint32_t *file_count) {
    (void)dir, (void)secret_path, (void)file_count;
    return fail_unsupported(context);
}

gs_status gs_folder_verify(gs_context *context, const char *dir, const char *public_path, uint32_t *file_count) {
    (void)dir, (void)public_path, (void)file_count;
    return fail_unsupported(context);
}
#endif
