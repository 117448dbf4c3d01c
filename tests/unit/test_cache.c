// The cache's files: found again, ignored when damaged or foreign, safe with several writers.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cache.h"
#include "base/parallel.h"
#include "files.h"

static void expect_dir(const char *expected) {
    char *dir = gs__cache_dir();
    if (!expected) assert_null(dir);
    if (expected && (!dir || strcmp(dir, expected) != 0)) fail_msg("%s, expected %s", dir ? dir : "none", expected);
    free(dir);
}

static void folder(void **state) {
    (void)state;
    unsetenv("GRADSMITH_CACHE");
    setenv("HOME", "/home/someone", 1);
    setenv("XDG_CACHE_HOME", "/var/xdg", 1);
    expect_dir("/var/xdg/gradsmith");
    setenv("XDG_CACHE_HOME", "relative", 1);
    expect_dir("/home/someone/.cache/gradsmith");
    unsetenv("XDG_CACHE_HOME");
    expect_dir("/home/someone/.cache/gradsmith");
    unsetenv("HOME");
    expect_dir(NULL);
    setenv("XDG_CACHE_HOME", "/var/xdg", 1);
    setenv("GRADSMITH_CACHE", "off", 1);
    expect_dir(NULL);
    setenv("GRADSMITH_CACHE", "own", 1);
    expect_dir("own/");
    setenv("GRADSMITH_CACHE", "", 1);
    expect_dir("/var/xdg/gradsmith");
}

static void expect_content(const char *dir, const char *head, const char *expected) {
    char *data = NULL;
    size_t bytes = 0;
    const bool found = gs__cache_read(dir, "file", head, &data, &bytes);
    assert_int_equal(found, expected != NULL);
    if (!found || !expected) return;
    assert_int_equal(bytes, strlen(expected));
    assert_string_equal(data, expected);
    free(data);
}

static void round_trip(void **state) {
    (void)state;
    const char *dir = files_path("made/when/needed");
    expect_content(dir, "kind 1 device", NULL);
    assert_true(gs__cache_write(dir, "file", "kind 1 device", "some\ntext\n", 10));
    expect_content(dir, "kind 1 device", "some\ntext\n");
    expect_content(dir, "kind 2 device", NULL); // another version of the content
    expect_content(dir, "kind 1 devic", NULL);
    expect_content(dir, "kind 1 device 10", NULL);
    assert_true(gs__cache_write(dir, "file", "kind 2 device", "", 0));
    expect_content(dir, "kind 2 device", "");
    expect_content(dir, "kind 1 device", NULL);
}

static void damaged(void **state) {
    (void)state;
    char dir[1024];
    size_t bytes = 0;
    snprintf(dir, sizeof dir, "%s", files_path(""));
    assert_true(gs__cache_write(dir, "file", "kind 1", "0123456789", 10));
    char *good = files_get(files_path("file"), &bytes);
    // Every byte in turn, and every length.
    for (size_t i = 0; i < bytes; i++) {
        char bad[256];
        assert_true(bytes < sizeof bad);
        memcpy(bad, good, bytes);
        bad[i] = (char)(bad[i] ^ 1);
        files_put("file", bad, bytes);
        expect_content(dir, "kind 1", NULL);
        files_put("file", good, i);
        expect_content(dir, "kind 1", NULL);
    }
    char longer[256];
    memcpy(longer, good, bytes);
    longer[bytes] = 'x';
    files_put("file", longer, bytes + 1);
    expect_content(dir, "kind 1", NULL);
    assert_true(gs__cache_write(dir, "file", "kind 1", "0123456789", 10));
    expect_content(dir, "kind 1", "0123456789");
    free(good);
}

static void no_folder(void **state) {
    (void)state;
    char head[600];
    const char *path = files_put("plain", "x", 1);
    assert_false(gs__cache_write(path, "file", "kind 1", "x", 1)); // a file stands where the folder should
    expect_content(path, "kind 1", NULL);
    memset(head, 'h', sizeof head - 1);
    head[sizeof head - 1] = 0;
    assert_false(gs__cache_write(files_path(""), "file", head, "x", 1));
}

enum { WRITERS = 3, ROUNDS = 150, CONTENT_BYTES = 30000 };

// Puts in a block of one letter and takes out a block, which must be whole. Returns whether it always was.
static bool race(const char *dir, char letter) {
    char block[CONTENT_BYTES];
    memset(block, letter, sizeof block);
    for (int i = 0; i < ROUNDS; i++) {
        char *data = NULL;
        size_t bytes = 0;
        if (!gs__cache_write(dir, "file", "race 1", block, sizeof block) ||
            !gs__cache_read(dir, "file", "race 1", &data, &bytes))
            return false;
        bool whole = bytes == sizeof block;
        for (size_t j = 1; whole && j < bytes; j++) whole = data[j] == data[0];
        free(data);
        if (!whole) return false;
    }
    return true;
}

static void several_processes(void **state) {
    (void)state;
    pid_t children[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) _exit(race(files_path("shared"), (char)('a' + i)) ? 0 : 1);
    }
    for (int i = 0; i < WRITERS; i++) {
        int result = -1;
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    }
    assert_int_equal(files_count(files_path("shared")), 1); // no temporary file is left
}

static void hashes(void **state) {
    (void)state;
    // The published value of 64-bit FNV-1a for "foobar".
    const uint64_t offset = UINT64_C(0xcbf29ce484222325);
    assert_true((gs__hash(0, "foobar", 6) ^ offset) == UINT64_C(0x85944171f73967e8));
    assert_true(gs__hash(gs__hash(0, "foo", 3), "bar", 3) == gs__hash(0, "foobar", 6));
}

static void count_one(void *user, uint32_t index) {
    atomic_fetch_add((atomic_uint *)user + index, 1);
}

static void parallel(void **state) {
    (void)state;
    enum { MOST = 1000 };
    static atomic_uint done[MOST];
    const uint32_t counts[] = {0, 1, 2, 7, MOST};
    for (uint32_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (uint32_t i = 0; i < MOST; i++) atomic_store(&done[i], 0);
        gs__parallel(counts[c], count_one, done);
        for (uint32_t i = 0; i < MOST; i++) assert_int_equal(atomic_load(&done[i]), i < counts[c]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folder),    cmocka_unit_test(round_trip),        cmocka_unit_test(damaged),
        cmocka_unit_test(no_folder), cmocka_unit_test(several_processes), cmocka_unit_test(hashes),
        cmocka_unit_test(parallel),
    };
    return cmocka_run_group_tests_name("cache", tests, files_setup, files_teardown);
}
