// Encrypted files and folders, keys, signatures.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "files.h"
#include "protect/protect.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef GRADSMITH_HAS_SODIUM
enum { HEADER = GS__PROTECT_HEADER_BYTES, CHUNK = GS__PROTECT_CHUNK_BYTES + GS__PROTECT_TAG_BYTES };

static gs_context *context;
static gs_key *file_key, *other_key, *phrase;
static gs__error error;

static void fails(gs_status status, gs_status expected, const char *a, const char *b) {
    gs__error shown = {.status = expected};
    snprintf(shown.message, sizeof shown.message, "%s", gs_context_message(context));
    expect_failure(&shown, status, expected, a, b, NULL);
}

static void good(gs_status status) {
    if (status != GS_OK) fail_msg("%s", gs_context_message(context));
}

// The least that Argon2id takes: these tests are about what is done with its result.
static gs_key *make_phrase(const char *text) {
    gs_key *key = NULL;
    const gs_key_params params = {
        .passphrase = text, .passphrase_bytes = strlen(text), .passes = 1, .memory_bytes = 8192};
    good(gs_key_create(context, &params, &key));
    return key;
}

static gs_key *make_file_key(const char *name) {
    gs_key *key = NULL;
    good(gs_key_file_create(context, files_path(name)));
    good(gs_key_create(context, &(gs_key_params){.key_file = files_path(name)}, &key));
    return key;
}

static int setup(void **state) {
    if (files_setup(state) != 0 || gs_context_create(&context, NULL) != GS_OK) return -1;
    file_key = make_file_key("first.key");
    other_key = make_file_key("second.key");
    phrase = make_phrase("correct horse");
    return 0;
}

static int teardown(void **state) {
    gs_key_destroy(&file_key);
    gs_key_destroy(&other_key);
    gs_key_destroy(&phrase);
    gs_key_destroy(&phrase);
    gs_context_destroy(&context);
    return files_teardown(state);
}

static char *pattern(size_t bytes) {
    char *data = malloc(bytes + 1);
    assert_non_null(data);
    for (size_t i = 0; i < bytes; i++) data[i] = (char)(i * 7 + i / 251 + 1);
    return data;
}

static gs_status open_file(const gs_key *key, const char *path, char **data, size_t *bytes) {
    return gs__protect_read(&error, key, false, path, 1 << 20, data, bytes, NULL);
}

static void test_round_trip(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 17, 65535, 65536, 65537, 131072, 200001};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        const size_t size = sizes[i / 2];
        const gs_key *key = i % 2 ? phrase : file_key;
        char *plain = pattern(size), *back = NULL;
        size_t bytes = 0, sealed_bytes;
        assert_int_equal(gs__protect_write(&error, key, files_path("round"), plain, size), GS_OK);
        assert_int_equal(open_file(key, files_path("round"), &back, &bytes), GS_OK);
        assert_int_equal(bytes, size);
        assert_memory_equal(back, plain, size);
        assert_int_equal(back[size], 0);
        gs__protect_free(back, bytes);
        char *sealed = files_get(files_path("round"), &sealed_bytes);
        const size_t chunks = size ? (size + 65535) / 65536 : 1;
        assert_int_equal(sealed_bytes, HEADER + size + 17 * chunks);
        assert_true(gs__protect_is(sealed, sealed_bytes) && gs_file_is_encrypted(files_path("round")));
        // No four bytes of it are there.
        for (size_t at = 0; size >= 17 && at + 8 < sealed_bytes; at++)
            assert_true(memcmp(sealed + at, plain + 1, 8) != 0);
        free(sealed);
        free(plain);
    }
    // The same content gives other bytes each time.
    size_t a_bytes, b_bytes;
    assert_int_equal(gs__protect_write(&error, file_key, files_path("a"), "same", 4), GS_OK);
    assert_int_equal(gs__protect_write(&error, file_key, files_path("b"), "same", 4), GS_OK);
    char *a = files_get(files_path("a"), &a_bytes), *b = files_get(files_path("b"), &b_bytes);
    assert_memory_not_equal(a + HEADER, b + HEADER, 21);
    free(a);
    free(b);
}

// In pieces of all sizes, as the writers of models append.
static void test_pieces(void **state) {
    (void)state;
    enum { SIZE = 150000 };
    char *plain = pattern(SIZE), *back = NULL;
    size_t bytes = 0;
    gs__file_writer *writer = NULL;
    assert_int_equal(gs__protect_begin(&error, file_key, files_path("pieces"), &writer), GS_OK);
    for (size_t at = 0, n = 1; at < SIZE; at += n, n = n * 3 % 40009 + 1) {
        if (n > SIZE - at) n = SIZE - at;
        assert_int_equal(gs__file_append(writer, plain + at, n), GS_OK);
    }
    assert_int_equal(gs__file_commit(&writer), GS_OK);
    assert_int_equal(open_file(file_key, files_path("pieces"), &back, &bytes), GS_OK);
    assert_int_equal(bytes, SIZE);
    assert_memory_equal(back, plain, SIZE);
    gs__protect_free(back, bytes);
    // What is discarded leaves nothing.
    assert_int_equal(gs__protect_begin(&error, file_key, files_path("none"), &writer), GS_OK);
    assert_int_equal(gs__file_append(writer, plain, SIZE), GS_OK);
    gs__file_discard(writer);
    assert_false(gs__file_exists(files_path("none")));
    free(plain);
}

static void refuses(const gs_key *key, const char *file, size_t bytes, gs_status expected, const char *text) {
    char *out = NULL;
    size_t out_bytes = 0;
    expect_failure(&error, gs__protect_open(&error, key, "it", file, bytes, &out, &out_bytes), expected, "it: ", text,
                   NULL);
    assert_null(out);
}

static char *sealed(const gs_key *key, size_t size, size_t *bytes) {
    char *plain = pattern(size);
    assert_int_equal(gs__protect_write(&error, key, files_path("sealed"), plain, size), GS_OK);
    free(plain);
    return files_get(files_path("sealed"), bytes);
}

static void test_wrong_key(void **state) {
    (void)state;
    size_t bytes;
    char *file = sealed(file_key, 100, &bytes);
    gs_key *wrong = make_phrase("correct horsE");
    refuses(other_key, file, bytes, GS_ERR_ARGUMENT, "the key is wrong");
    refuses(phrase, file, bytes, GS_ERR_ARGUMENT, "encrypted with a key file, but a passphrase was given");
    refuses(NULL, file, bytes, GS_ERR_ARGUMENT, "encrypted with a key file, and none was given");
    free(file);
    file = sealed(phrase, 100, &bytes);
    refuses(wrong, file, bytes, GS_ERR_ARGUMENT, "the key is wrong");
    refuses(file_key, file, bytes, GS_ERR_ARGUMENT, "encrypted with a passphrase, but a key file was given");
    refuses(NULL, file, bytes, GS_ERR_ARGUMENT, "encrypted with a passphrase, and none was given");
    free(file);
    gs_key_destroy(&wrong);
}

static void test_cut_and_swapped(void **state) {
    (void)state;
    size_t bytes, again_bytes;
    char *file = sealed(file_key, 200000, &bytes), *again = sealed(file_key, 200000, &again_bytes);
    char *copy = malloc(bytes + CHUNK), spare[CHUNK];
    assert_non_null(copy);
    assert_int_equal(bytes, again_bytes);
    refuses(file_key, file, bytes - 1, GS_ERR_FORMAT, "is cut off");
    refuses(file_key, file, HEADER + CHUNK, GS_ERR_FORMAT, "is cut off");
    refuses(file_key, file, HEADER, GS_ERR_FORMAT, "is cut off");
    refuses(file_key, file, 20, GS_ERR_FORMAT, "is cut off");
    // A byte more, and a chunk twice.
    memcpy(copy, file, bytes);
    copy[bytes] = 0;
    refuses(file_key, copy, bytes + 1, GS_ERR_FORMAT, "1 bytes follow its end");
    memmove(copy + HEADER + CHUNK, copy + HEADER, bytes - HEADER);
    refuses(file_key, copy, bytes + CHUNK, GS_ERR_FORMAT, "follow its end");
    // Two change places; one comes from another file with the same key.
    memcpy(copy, file, bytes);
    memcpy(spare, copy + HEADER, CHUNK);
    memcpy(copy + HEADER, copy + HEADER + CHUNK, CHUNK);
    memcpy(copy + HEADER + CHUNK, spare, CHUNK);
    refuses(file_key, copy, bytes, GS_ERR_FORMAT, "chunk 1 of 4");
    memcpy(copy, file, bytes);
    memcpy(copy + HEADER + CHUNK, again + HEADER + CHUNK, CHUNK);
    refuses(file_key, copy, bytes, GS_ERR_FORMAT,
            "chunk 2 of 4 was changed, is damaged, or lies in the place of another");
    memcpy(copy, again, HEADER);
    refuses(file_key, copy, bytes, GS_ERR_FORMAT, "chunk 1 of 4");
    free(copy);
    free(file);
    free(again);
}

static gs_status open_damaged(void *user, const char *data, size_t bytes) {
    char *out = NULL;
    size_t out_bytes = 0;
    gs_status status = gs__protect_open(&error, user, "damaged", data, bytes, &out, &out_bytes);
    assert_true((status == GS_OK) == (out != NULL));
    gs__protect_free(out, out_bytes);
    return status;
}

static void test_damage(void **state) {
    (void)state;
    size_t bytes;
    char *file = sealed(file_key, 30, &bytes);
    assert_int_equal(damage(file, bytes, true, open_damaged, file_key), 2 * bytes);
    free(file);
}

static void test_header(void **state) {
    (void)state;
    static const struct {
        size_t at;
        unsigned char value;
        gs_status status;
        const char *text;
    } cases[] = {
        {8, 2, GS_ERR_FORMAT, "its header is damaged, or of a newer gradsmith: version 2"},
        {12, 9, GS_ERR_FORMAT, "key kind 9"},
        {12, 1, GS_ERR_ARGUMENT, "encrypted with a key file, but a passphrase"},
        {19, 0xFF, GS_ERR_FORMAT, "Argon2id with 4278190081 passes"},
        {22, 2, GS_ERR_FORMAT, "its header is damaged"},
        {29, 1, GS_ERR_FORMAT, "over 1099511635968 bytes; at most 8 and 1073741824"},
        {25, 0x40, GS_ERR_ARGUMENT, "salt and limits in its header were changed"},
        {33, 0x55, GS_ERR_ARGUMENT, "the key is wrong"},
        {50, 0x55, GS_ERR_FORMAT, "its header was changed"},
        {90, 1, GS_ERR_FORMAT, "its header is damaged"},
        {104, 99, GS_ERR_FORMAT, "its header was changed"},
        {120, 0x55, GS_ERR_FORMAT, "its header was changed"},
    };
    size_t bytes;
    char *file = sealed(phrase, 50, &bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char kept = file[cases[i].at];
        if ((unsigned char)kept == cases[i].value) continue; // a random byte
        file[cases[i].at] = (char)cases[i].value;
        refuses(phrase, file, bytes, cases[i].status, cases[i].text);
        file[cases[i].at] = kept;
    }
    free(file);
}

static void test_plain(void **state) {
    (void)state;
    char *data = NULL;
    size_t bytes = 0;
    bool encrypted = true;
    files_put("plain", "text", 4);
    assert_int_equal(gs__protect_read(&error, NULL, false, files_path("plain"), 9, &data, &bytes, &encrypted), GS_OK);
    assert_true(!encrypted && bytes == 4 && strcmp(data, "text") == 0);
    gs__protect_free(data, bytes);
    gs_status status = gs__protect_read(&error, file_key, true, files_path("plain"), 9, &data, &bytes, &encrypted);
    expect_failure(&error, status, GS_ERR_FORMAT, "plain: is not encrypted, but a key was given", NULL);
    assert_false(gs_file_is_encrypted(files_path("plain")) || gs_file_is_encrypted(files_path("no such")) ||
                 gs_file_is_encrypted(files_path("")));
}

static void test_context(void **state) {
    (void)state;
    char *data = NULL;
    size_t bytes = 0;
    const char *path = files_path("of-context");
    good(gs_context_set_key(context, file_key, GS_KEY_READ));
    good(gs_file_write(context, path, "text", 4));
    assert_false(gs_file_is_encrypted(path));
    good(gs_context_set_key(context, file_key, GS_KEY_REQUIRE));
    fails(gs_file_read(context, path, 9, &data, &bytes), GS_ERR_FORMAT, "is not encrypted", NULL);
    good(gs_context_set_key(context, file_key, GS_KEY_REQUIRE | GS_KEY_ENCRYPT));
    good(gs_file_write(context, path, "text", 4));
    assert_true(gs_file_is_encrypted(path));
    good(gs_file_read(context, path, 9, &data, &bytes));
    assert_string_equal(data, "text");
    gs_file_free(&data, bytes);
    gs_file_free(&data, bytes);
    good(gs_context_set_key(context, NULL, GS_KEY_ENCRYPT));
    fails(gs_file_read(context, path, 9, &data, &bytes), GS_ERR_ARGUMENT, "none was given", NULL);
    good(gs_file_write(context, path, "text", 4));
    assert_false(gs_file_is_encrypted(path));
    // A file that takes the place of another keeps its rights.
    struct stat info;
    assert_int_equal(chmod(path, 0640), 0);
    good(gs_file_write(context, path, "more", 4));
    assert_true(stat(path, &info) == 0 && (info.st_mode & 0777) == 0640);
}

static void test_keys(void **state) {
    (void)state;
    gs_key *key = NULL;
    struct stat info;
    const char *path = files_path("first.key");
    assert_true(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600 && info.st_size == 32);
    fails(gs_key_file_create(context, path), GS_ERR_FILE, "first.key", "never overwritten");
    static const unsigned modes[] = {0640, 0604, 0601, 0660, 0666};
    const gs_key_params params = {.key_file = files_path("bad.key")};
    files_put("bad.key", "01234567890123456789012345678901", 32);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(params.key_file, modes[i]), 0);
        fails(gs_key_create(context, &params, &key), GS_ERR_FILE, "bad.key: others than its owner", "chmod 600");
    }
    assert_int_equal(chmod(params.key_file, 0400), 0);
    good(gs_key_create(context, &params, &key));
    gs_key_destroy(&key);
    assert_int_equal(chmod(files_put("short.key", "0123456789012345678901234567890", 31), 0600), 0);
    fails(gs_key_create(context, &(gs_key_params){.key_file = files_path("short.key")}, &key), GS_ERR_FORMAT,
          "has 31 bytes, but a key file has 32", NULL);
    assert_int_equal(chmod(files_put("long.key", "012345678901234567890123456789012", 33), 0600), 0);
    fails(gs_key_create(context, &(gs_key_params){.key_file = files_path("long.key")}, &key), GS_ERR_FORMAT,
          "has 33 bytes", NULL);
    fails(gs_key_create(context, &(gs_key_params){.key_file = files_path("no.key")}, &key), GS_ERR_FILE, "no.key",
          NULL);
    fails(gs_key_create(context, &(gs_key_params){.key_file = files_path("")}, &key), GS_ERR_FILE, "regular file",
          NULL);
    fails(gs_key_create(context, NULL, &key), GS_ERR_ARGUMENT, "either a passphrase or a key file", NULL);
    fails(gs_key_create(context, &(gs_key_params){.passphrase = ""}, &key), GS_ERR_ARGUMENT, "1 to 1024 bytes", NULL);
    fails(gs_key_create(context, &(gs_key_params){.passphrase = "a", .passphrase_bytes = 1, .passes = 9}, &key),
          GS_ERR_ARGUMENT, "1 to 8 passes", NULL);
    assert_null(key);
    assert_non_null(gs_protect_version());
}

// More salts than are kept: each file can still be read, in any order, and written beside that.
static void test_salts(void **state) {
    (void)state;
    enum { FILES = 40 };
    char name[32], text[32], *data = NULL;
    size_t bytes = 0;
    char key_path[1024];
    snprintf(key_path, sizeof key_path, "%s", files_path("first.key"));
    const gs_key_params params = {.key_file = key_path};
    for (int i = 0; i < FILES; i++) {
        gs_key *key = NULL;
        snprintf(name, sizeof name, "salt-%d", i);
        good(gs_key_create(context, &params, &key));
        assert_int_equal(gs__protect_write(&error, key, files_path(name), name, strlen(name)), GS_OK);
        gs_key_destroy(&key);
    }
    gs__file_writer *writer = NULL;
    assert_int_equal(gs__protect_begin(&error, file_key, files_path("meanwhile"), &writer), GS_OK);
    for (int i = 0; i < 3 * FILES; i++) {
        snprintf(name, sizeof name, "salt-%d", i * 7 % FILES);
        assert_int_equal(open_file(file_key, files_path(name), &data, &bytes), GS_OK);
        assert_string_equal(data, name);
        gs__protect_free(data, bytes);
        snprintf(text, sizeof text, "own %d", i);
        assert_int_equal(gs__protect_write(&error, file_key, files_path("own"), text, strlen(text)), GS_OK);
        assert_int_equal(open_file(file_key, files_path("own"), &data, &bytes), GS_OK);
        assert_string_equal(data, text);
        gs__protect_free(data, bytes);
    }
    assert_int_equal(gs__file_append(writer, "text", 4), GS_OK);
    assert_int_equal(gs__file_commit(&writer), GS_OK);
    assert_int_equal(open_file(file_key, files_path("meanwhile"), &data, &bytes), GS_OK);
    assert_string_equal(data, "text");
    gs__protect_free(data, bytes);
}

// --- folders -----------------------------------------------------------------------------------------------------
static const char *const names[] = {"m/model.json", "m/model.safetensors", "m/best/model.safetensors",
                                    "m/c.safetensors"};
enum { NAMES = sizeof names / sizeof *names };

static void make_folder(void) {
    assert_int_equal(mkdir(files_path("m"), 0777), 0);
    assert_int_equal(mkdir(files_path("m/best"), 0777), 0);
    for (size_t i = 0; i < NAMES; i++) {
        char *plain = pattern(1000 + 70000 * i);
        files_put(names[i], plain, 1000 + 70000 * i);
        free(plain);
    }
    files_put("m/history.csv", "epoch,loss\n", 11);
}

// What the files are: every one whole, with one of the keys (NULL: plain).
static void check_folder(const gs_key *const *keys, size_t key_count) {
    for (size_t i = 0; i < NAMES; i++) {
        char *plain = pattern(1000 + 70000 * i), *data = NULL;
        size_t bytes = 0;
        gs_status status = GS_ERR_ARGUMENT;
        for (size_t k = 0; k < key_count && status != GS_OK; k++)
            status =
                gs__protect_read(&error, keys[k], keys[k] != NULL, files_path(names[i]), 1 << 20, &data, &bytes, NULL);
        if (status != GS_OK) fail_msg("%s", error.message);
        assert_int_equal(bytes, 1000 + 70000 * i);
        assert_memory_equal(data, plain, bytes);
        gs__protect_free(data, bytes);
        free(plain);
    }
    size_t bytes;
    char *log = files_get(files_path("m/history.csv"), &bytes);
    assert_string_equal(log, "epoch,loss\n");
    free(log);
}

static void expect_info(const gs_protect_info *info, uint32_t changed, uint32_t kept) {
    assert_int_equal(info->changed_count, changed);
    assert_int_equal(info->kept_count, kept);
    assert_int_equal(info->plain_count, 1);
}

static void test_folder(void **state) {
    (void)state;
    gs_protect_info info;
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", files_path("m"));
    make_folder();
    good(gs_folder_protect(context, dir, phrase, &info));
    expect_info(&info, NAMES, 0);
    check_folder(&(const gs_key *){phrase}, 1);
    good(gs_folder_protect(context, dir, phrase, &info));
    expect_info(&info, 0, NAMES);
    // With another key nothing is touched.
    fails(gs_folder_protect(context, dir, file_key, NULL), GS_ERR_ARGUMENT, "encrypted with a passphrase", NULL);
    fails(gs_folder_unprotect(context, dir, file_key, NULL), GS_ERR_ARGUMENT, "encrypted with a passphrase", NULL);
    fails(gs_folder_rekey(context, dir, file_key, other_key, NULL), GS_ERR_ARGUMENT, "encrypted with a passphrase",
          NULL);
    check_folder(&(const gs_key *){phrase}, 1);
    good(gs_folder_rekey(context, dir, phrase, file_key, &info));
    expect_info(&info, NAMES, 0);
    check_folder(&(const gs_key *){file_key}, 1);
    // As an interruption would leave it: one file has the new key. And a temporary file of a process that is no more.
    char *plain = pattern(1000), stale[64], *sealed_file;
    size_t bytes;
    assert_int_equal(gs__protect_write(&error, other_key, files_path(names[0]), plain, 1000), GS_OK);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    assert_true(waitpid(child, NULL, 0) == child);
    snprintf(stale, sizeof stale, "m/model.json.%ld-0.tmp", (long)child);
    files_put(stale, "half", 4);
    good(gs_folder_rekey(context, dir, file_key, other_key, &info));
    expect_info(&info, NAMES - 1, 1);
    assert_false(gs__file_exists(files_path(stale)));
    check_folder(&(const gs_key *){other_key}, 1);
    snprintf(stale, sizeof stale, "m/model.json.%ld-0.tmp", (long)getpid());
    files_put(stale, "half", 4);
    fails(gs_folder_rekey(context, dir, other_key, file_key, NULL), GS_ERR_FILE, "is writing this file", NULL);
    assert_int_equal(unlink(files_path(stale)), 0);
    // A damaged file, a plain one among them, a link: nothing is touched.
    sealed_file = files_get(files_path(names[3]), &bytes);
    files_put(names[3], sealed_file, bytes - 1);
    fails(gs_folder_rekey(context, dir, other_key, file_key, NULL), GS_ERR_FORMAT, "m/c.safetensors", "cut off");
    fails(gs_folder_unprotect(context, dir, other_key, NULL), GS_ERR_FORMAT, "m/c.safetensors", "cut off");
    files_put(names[3], sealed_file, bytes);
    files_put("m/a.json", "{}", 2);
    fails(gs_folder_rekey(context, dir, other_key, file_key, NULL), GS_ERR_FORMAT, "a.json", "is not encrypted");
    assert_int_equal(unlink(files_path("m/a.json")), 0);
    assert_int_equal(symlink("model.json", files_path("m/link")), 0);
    fails(gs_folder_unprotect(context, dir, other_key, NULL), GS_ERR_FILE, "m/link", "neither a file nor a folder");
    assert_int_equal(unlink(files_path("m/link")), 0);
    check_folder(&(const gs_key *){other_key}, 1);
    good(gs_folder_unprotect(context, dir, other_key, &info));
    expect_info(&info, NAMES, 0);
    check_folder(&(const gs_key *){NULL}, 1);
    good(gs_folder_unprotect(context, dir, other_key, &info));
    expect_info(&info, 0, NAMES);
    assert_int_equal(files_count(files_path("m")), 5);
    assert_int_equal(files_count(files_path("m/best")), 1);
    free(plain);
    free(sealed_file);
}

// Killed at any moment: each file is whole, with one of the two keys, and doing it again completes it.
static void test_killed(void **state) {
    (void)state;
    const gs_key *keys[3] = {NULL, file_key, other_key};
    unsigned killed = 0;
    srand(1);
    for (unsigned round = 0; round < 60; round++) {
        const gs_key *from = keys[round % 3], *to = keys[(round + 1) % 3];
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            gs_status status = !from ? gs_folder_protect(context, files_path("m"), to, NULL)
                               : !to ? gs_folder_unprotect(context, files_path("m"), from, NULL)
                                     : gs_folder_rekey(context, files_path("m"), from, to, NULL);
            _exit(status == GS_OK ? 0 : 1);
        }
        nanosleep(&(struct timespec){.tv_nsec = rand() % 60000000}, NULL);
        kill(child, SIGKILL);
        int code = 0;
        assert_true(waitpid(child, &code, 0) == child);
        killed += WIFSIGNALED(code);
        assert_true(WIFSIGNALED(code) || WEXITSTATUS(code) == 0);
        check_folder((const gs_key *[]){from, to}, 2);
        good(!from ? gs_folder_protect(context, files_path("m"), to, NULL)
             : !to ? gs_folder_unprotect(context, files_path("m"), from, NULL)
                   : gs_folder_rekey(context, files_path("m"), from, to, NULL));
        check_folder(&to, 1);
        assert_int_equal(files_count(files_path("m")), 5);
    }
    printf("killed %u times of 60\n", killed);
    assert_true(killed > 0);
}

// --- signatures --------------------------------------------------------------------------------------------------
static void test_sign(void **state) {
    (void)state;
    char secret[1024], public[1024], stranger[1024], dir[1024];
    uint32_t count = 0;
    size_t bytes;
    snprintf(secret, sizeof secret, "%s", files_path("sign.key"));
    snprintf(public, sizeof public, "%s", files_path("sign.pub"));
    snprintf(stranger, sizeof stranger, "%s", files_path("stranger.pub"));
    snprintf(dir, sizeof dir, "%s", files_path("m"));
    good(gs_signing_key_create(context, secret, public));
    good(gs_signing_key_create(context, files_path("stranger.key"), stranger));
    fails(gs_signing_key_create(context, secret, files_path("new.pub")), GS_ERR_FILE, "sign.key", "never overwritten");
    assert_false(gs__file_exists(files_path("new.pub")));
    fails(gs_folder_verify(context, dir, public, NULL), GS_ERR_FILE, "SIGNATURE", NULL);
    good(gs_folder_sign(context, dir, secret, &count));
    assert_int_equal(count, NAMES + 1);
    good(gs_folder_verify(context, dir, public, &count));
    assert_int_equal(count, NAMES + 1);
    good(gs_folder_sign(context, dir, secret, NULL)); // again: the older signature is not signed
    good(gs_folder_verify(context, dir, public, &count));
    assert_int_equal(count, NAMES + 1);
    fails(gs_folder_verify(context, dir, stranger, NULL), GS_ERR_FORMAT, "was made with another key", NULL);
    fails(gs_folder_verify(context, dir, secret, NULL), GS_ERR_FORMAT, "is no public key", NULL);
    fails(gs_folder_sign(context, dir, public, NULL), GS_ERR_FILE, "chmod 600", NULL);
    // Files that come, go and change.
    files_put("m/new", "x", 1);
    fails(gs_folder_verify(context, dir, public, NULL), GS_ERR_FORMAT, "m/new: was not there when", NULL);
    assert_int_equal(rename(files_path("m/new"), files_path("m/a-new")), 0);
    fails(gs_folder_verify(context, dir, public, NULL), GS_ERR_FORMAT, "m/a-new: was not there when", NULL);
    assert_int_equal(unlink(files_path("m/a-new")), 0);
    assert_int_equal(rename(files_path(names[1]), files_path("kept")), 0);
    fails(gs_folder_verify(context, dir, public, NULL), GS_ERR_FORMAT, "m/model.safetensors: is missing", NULL);
    assert_int_equal(rename(files_path("kept"), files_path(names[1])), 0);
    char *model = files_get(files_path(names[2]), &bytes);
    model[bytes / 2] ^= 1;
    files_put(names[2], model, bytes);
    fails(gs_folder_verify(context, dir, public, NULL), GS_ERR_FORMAT, "best/model.safetensors: was changed", NULL);
    model[bytes / 2] ^= 1;
    files_put(names[2], model, bytes);
    free(model);
    good(gs_folder_verify(context, dir, public, NULL));
    // Every byte of the signature counts.
    char *text = files_get(files_path("m/SIGNATURE"), &bytes);
    for (size_t at = 0; at < bytes; at++) {
        text[at] ^= 1;
        files_put("m/SIGNATURE", text, bytes);
        assert_int_equal(gs_folder_verify(context, dir, public, NULL), GS_ERR_FORMAT);
        text[at] ^= 1;
    }
    for (size_t cut = 0; cut < bytes; cut += 13) {
        files_put("m/SIGNATURE", text, cut);
        assert_int_equal(gs_folder_verify(context, dir, public, NULL), GS_ERR_FORMAT);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_wrong_key),  cmocka_unit_test(test_cut_and_swapped),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_header),
        cmocka_unit_test(test_plain),      cmocka_unit_test(test_context),
        cmocka_unit_test(test_keys),       cmocka_unit_test(test_salts),
        cmocka_unit_test(test_folder),     cmocka_unit_test(test_killed),
        cmocka_unit_test(test_sign),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
#else
// What a build without libsodium says.
static void test_unsupported(void **state) {
    (void)state;
    gs_context *context = NULL;
    gs_key *key = NULL;
    char *data = NULL;
    size_t bytes = 0;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    assert_null(gs_protect_version());
    assert_int_equal(gs_key_create(context, &(gs_key_params){.key_file = "x"}, &key), GS_ERR_UNSUPPORTED);
    assert_non_null(strstr(gs_context_message(context), "libsodium-dev"));
    assert_int_equal(gs_folder_sign(context, ".", "x", NULL), GS_ERR_UNSUPPORTED);
    files_put("sealed", "\x89GSENC\r\n........", 16);
    assert_true(gs_file_is_encrypted(files_path("sealed")));
    assert_int_equal(gs_file_read(context, files_path("sealed"), 99, &data, &bytes), GS_ERR_UNSUPPORTED);
    gs_context_destroy(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unsupported)};
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
#endif
