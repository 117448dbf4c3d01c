#define _XOPEN_SOURCE 700 // nftw

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "files.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[512];

int files_setup(void **state) {
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/gradsmith-test-XXXXXX", parent && parent[0] ? parent : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info, (void)kind, (void)place;
    return remove(path);
}

int files_teardown(void **state) {
    (void)state;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *files_path(const char *name) {
    static char paths[8][1024];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s%s%s", folder, name[0] ? "/" : "", name);
    return path;
}

const char *files_put(const char *name, const void *data, size_t bytes) {
    const char *path = files_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    return path;
}

char *files_get(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *data = malloc((size_t)size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)size, file), size);
    fclose(file);
    data[size] = 0;
    *bytes = (size_t)size;
    return data;
}

int files_count(const char *path) {
    DIR *dir = opendir(path);
    assert_non_null(dir);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) count++;
    closedir(dir);
    return count;
}

void expect_failure(const gs__error *error, gs_status status, gs_status expected, ...) {
    if (status != expected)
        fail_msg("%s, expected %s: %s", gs_status_name(status), gs_status_name(expected), error->message);
    assert_int_equal(error->status, expected);
    assert_null(strchr(error->message, '\n'));
    va_list texts;
    va_start(texts, expected);
    for (const char *text; (text = va_arg(texts, const char *));)
        if (!strstr(error->message, text)) fail_msg("\"%s\" is not in the message: %s", text, error->message);
    va_end(texts);
}

static gs_status parse_copy(const char *data, size_t bytes, size_t flip, char mask, damage_parse *parse, void *user) {
    char *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    if (bytes) memcpy(copy, data, bytes);
    if (flip < bytes) copy[flip] = (char)(copy[flip] ^ mask);
    gs_status status = parse(user, copy, bytes);
    free(copy);
    return status;
}

size_t damage(const void *data, size_t bytes, bool prefixes_fail, damage_parse *parse, void *user) {
    size_t failed = 0;
    assert_int_equal(parse_copy(data, bytes, SIZE_MAX, 0, parse, user), GS_OK);
    for (size_t i = 0; i < bytes; i++) {
        gs_status status = parse_copy(data, i, SIZE_MAX, 0, parse, user);
        if (prefixes_fail && status == GS_OK) fail_msg("the first %zu of %zu bytes were accepted", i, bytes);
        failed += parse_copy(data, bytes, i, (char)0xFF, parse, user) != GS_OK;
        failed += parse_copy(data, bytes, i, 1, parse, user) != GS_OK;
    }
    return failed;
}
