// Reading, atomic writing, folders, gzip.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "files.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static gs__error error;

static void check_content(const char *path, const char *expected) {
    size_t bytes;
    char *data = files_get(path, &bytes);
    assert_string_equal(data, expected);
    assert_int_equal(bytes, strlen(expected));
    free(data);
}

static void test_read(void **state) {
    (void)state;
    char *data = NULL;
    size_t bytes = 0;
    const char *path = files_put("read", "abc\0def", 7);
    assert_int_equal(gs__file_read(&error, path, 7, &data, &bytes), GS_OK);
    assert_int_equal(bytes, 7);
    assert_memory_equal(data, "abc\0def", 8);
    free(data);
    path = files_put("empty", "", 0);
    assert_int_equal(gs__file_read(&error, path, 0, &data, &bytes), GS_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(data[0], 0);
    free(data);
}

static void test_read_fails(void **state) {
    (void)state;
    char *data = NULL;
    size_t bytes;
    expect_failure(&error, gs__file_read(&error, files_path("missing"), 10, &data, &bytes), GS_ERR_FILE, "missing",
                   "No such file", NULL);
    expect_failure(&error, gs__file_read(&error, files_path(""), 10, &data, &bytes), GS_ERR_FILE, "Is a directory",
                   NULL);
    const char *path = files_put("long", "0123456789", 10);
    expect_failure(&error, gs__file_read(&error, path, 9, &data, &bytes), GS_ERR_FILE, "long", "10", "9", NULL);
    // A device without an end: the limit holds although its size is unknown.
    expect_failure(&error, gs__file_read(&error, "/dev/zero", 100000, &data, &bytes), GS_ERR_FILE, "/dev/zero",
                   "100000", NULL);
    // The reason is still there when the path is too long to show.
    char deep[3000];
    memset(deep, 'x', sizeof deep);
    for (size_t i = 100; i < sizeof deep; i += 100) deep[i] = '/';
    memcpy(deep + sizeof deep - 5, "/end", 5);
    expect_failure(&error, gs__file_read(&error, deep, 10, &data, &bytes), GS_ERR_FILE, "xx/end: ", "No such file",
                   NULL);
}

static void *feed(void *path) {
    FILE *pipe_end = fopen(path, "wb");
    if (!pipe_end) return path;
    for (int i = 0; i < 20000; i++) fprintf(pipe_end, "%06d\n", i);
    return fclose(pipe_end) ? path : NULL;
}

static void test_read_pipe(void **state) {
    (void)state;
    char path[1024], *data = NULL;
    size_t bytes;
    snprintf(path, sizeof path, "%s", files_path("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    pthread_t thread;
    void *failed;
    assert_int_equal(pthread_create(&thread, NULL, feed, path), 0);
    assert_int_equal(gs__file_read(&error, path, 1 << 20, &data, &bytes), GS_OK);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(bytes, 20000 * 7);
    assert_memory_equal(data + bytes - 7, "019999\n", 7);
    free(data);
}

static void test_write(void **state) {
    (void)state;
    const char *path = files_path("written");
    int before = files_count(files_path(""));
    assert_int_equal(gs__file_write(&error, path, "one", 3), GS_OK);
    check_content(path, "one");
    assert_int_equal(gs__file_write(&error, path, "three", 5), GS_OK);
    check_content(path, "three");
    assert_int_equal(files_count(files_path("")), before + 1); // no temporary file stays
    struct stat info;
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0666 & ~mask);
}

// Until commit the old file is there, whole.
static void test_write_is_atomic(void **state) {
    (void)state;
    const char *path = files_put("atomic", "old", 3);
    int before = files_count(files_path(""));
    gs__file_writer *writer = NULL;
    assert_int_equal(gs__file_begin(&error, path, &writer), GS_OK);
    assert_int_equal(gs__file_append(writer, "new ", 4), GS_OK);
    check_content(path, "old");
    gs__file_discard(writer);
    check_content(path, "old");
    assert_int_equal(files_count(files_path("")), before);

    gs__file_writer *second = NULL;
    assert_int_equal(gs__file_begin(&error, path, &writer), GS_OK);
    assert_int_equal(gs__file_begin(&error, path, &second), GS_OK); // two at once: the last one to commit wins
    assert_int_equal(gs__file_append(writer, "first", 5), GS_OK);
    assert_int_equal(gs__file_append(second, "second", 6), GS_OK);
    assert_int_equal(gs__file_commit(&second), GS_OK);
    check_content(path, "second");
    assert_int_equal(gs__file_commit(&writer), GS_OK);
    assert_null(writer);
    check_content(path, "first");
    assert_int_equal(files_count(files_path("")), before);
}

static void test_write_fails(void **state) {
    (void)state;
    expect_failure(&error, gs__file_write(&error, files_path("no/such/file"), "x", 1), GS_ERR_FILE, "no/such/file",
                   "No such file", NULL);
    expect_failure(&error, gs__file_write(&error, files_path(""), "x", 1), GS_ERR_FILE, "Is a directory", NULL);
    expect_failure(&error, gs__file_write(&error, "", "x", 1), GS_ERR_FILE, "empty name", NULL);
    // In place, as it is a device; it is still one afterwards.
    expect_failure(&error, gs__file_write(&error, "/dev/full", "x", 1), GS_ERR_FILE, "/dev/full", "No space", NULL);
    struct stat info;
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    gs__file_discard(NULL);
}

// A disk that fills up while writing: a limit on the file's size does the same.
static void test_write_fails_halfway(void **state) {
    (void)state;
    const char *path = files_put("halfway", "old", 3);
    int before = files_count(files_path(""));
    static char large[100000];
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 50000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    gs_status status = gs__file_write(&error, path, large, sizeof large);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    expect_failure(&error, status, GS_ERR_FILE, "halfway", "cannot be written", "large", NULL);
    check_content(path, "old");
    assert_int_equal(files_count(files_path("")), before);
}

static void test_write_through_link(void **state) {
    (void)state;
    const char *target = files_put("target", "old", 3), *link = files_path("link");
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(gs__file_write(&error, link, "new", 3), GS_OK);
    check_content(target, "new");
    struct stat info;
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

static void test_append_f32(void **state) {
    (void)state;
    enum { COUNT = 3000 }; // more than the buffer inside
    static float values[COUNT];
    for (int i = 0; i < COUNT; i++) values[i] = (float)i;
    gs__file_writer *writer = NULL;
    assert_int_equal(gs__file_begin(&error, files_path("floats"), &writer), GS_OK);
    assert_int_equal(gs__file_append_f32(writer, values, COUNT), GS_OK);
    assert_int_equal(gs__file_commit(&writer), GS_OK);
    size_t bytes;
    char *data = files_get(files_path("floats"), &bytes);
    assert_int_equal(bytes, sizeof values);
    assert_memory_equal(data + 4, "\0\0\x80\x3F", 4);          // 1.0f, little-endian
    assert_memory_equal(data + 2999 * 4, "\0\x70\x3B\x45", 4); // 2999
    free(data);
}

static void test_folders(void **state) {
    (void)state;
    assert_int_equal(gs__dir_make(&error, files_path("a/b//c/")), GS_OK);
    assert_int_equal(gs__dir_make(&error, files_path("a/b/c")), GS_OK);
    assert_int_equal(gs__dir_make(&error, "/"), GS_OK);
    assert_true(gs__file_exists(files_path("a/b/c")));
    files_put("plain", "x", 1);
    expect_failure(&error, gs__dir_make(&error, files_path("plain")), GS_ERR_FILE, "plain", "Not a directory", NULL);
    expect_failure(&error, gs__dir_make(&error, files_path("plain/below")), GS_ERR_FILE, "plain", "Not a directory",
                   NULL);
    expect_failure(&error, gs__dir_make(&error, ""), GS_ERR_FILE, "empty name", NULL);
}

static void test_paths(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {NULL, "b", "b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = gs__path_join(&error, cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

// --- gzip --------------------------------------------------------------------------------------------------------

static size_t pack(const void *data, size_t bytes, unsigned char *packed, size_t room) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)(uintptr_t)data;
    stream.avail_in = (unsigned)bytes;
    stream.next_out = packed;
    stream.avail_out = (unsigned)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t size = stream.total_out;
    deflateEnd(&stream);
    return size;
}

static void test_gzip(void **state) {
    (void)state;
    static char zeros[1000000];
    static unsigned char packed[20000];
    char *data;
    size_t bytes, size = pack(zeros, sizeof zeros, packed, sizeof packed);
    const char *path = files_put("zeros", packed, size);
    assert_int_equal(gs__file_read_gzip(&error, path, sizeof zeros, &data, &bytes), GS_OK);
    assert_int_equal(bytes, sizeof zeros);
    assert_memory_equal(data, zeros, sizeof zeros);
    free(data);
    expect_failure(&error, gs__file_read_gzip(&error, path, sizeof zeros - 1, &data, &bytes), GS_ERR_FORMAT, "zeros",
                   "999999", NULL);

    size = pack("hello ", 6, packed, sizeof packed);
    size += pack("world", 5, packed + size, sizeof packed - size);
    assert_int_equal(gs__gzip_inflate(&error, "two", packed, size, 100, &data, &bytes), GS_OK);
    assert_string_equal(data, "hello world");
    assert_int_equal(bytes, 11);
    free(data);

    path = files_put("plain.gz", "no gzip, whatever its name", 26);
    assert_int_equal(gs__file_read_gzip(&error, path, 100, &data, &bytes), GS_OK);
    assert_string_equal(data, "no gzip, whatever its name");
    free(data);
}

static void test_gzip_fails(void **state) {
    (void)state;
    unsigned char packed[200];
    char text[101], *data;
    for (int i = 0; i < 100; i++) text[i] = (char)('a' + i * i % 26);
    size_t bytes, size = pack(text, 100, packed, sizeof packed);
    expect_failure(&error, gs__gzip_inflate(&error, "half.gz", packed, size / 2, 1000, &data, &bytes), GS_ERR_FORMAT,
                   "half.gz", "truncated gzip", NULL);
    expect_failure(&error, gs__gzip_inflate(&error, "short.gz", packed, size - 1, 1000, &data, &bytes), GS_ERR_FORMAT,
                   "short.gz", "truncated gzip", NULL);
    packed[size] = 'x';
    expect_failure(&error, gs__gzip_inflate(&error, "more.gz", packed, size + 1, 1000, &data, &bytes), GS_ERR_FORMAT,
                   "more.gz", "1 bytes follow", NULL);
    packed[size - 6] ^= 1; // of the checksum
    expect_failure(&error, gs__gzip_inflate(&error, "sum.gz", packed, size, 1000, &data, &bytes), GS_ERR_FORMAT,
                   "sum.gz", "corrupt gzip", NULL);
    // It is given up long before its end.
    static unsigned char bomb[400000];
    char *zeros = calloc(64, 1 << 20);
    assert_non_null(zeros);
    size = pack(zeros, 64 << 20, bomb, sizeof bomb);
    free(zeros);
    expect_failure(&error, gs__gzip_inflate(&error, "bomb.gz", bomb, size, UINT64_MAX, &data, &bytes), GS_ERR_FORMAT,
                   "bomb.gz", "a bomb is not unpacked", NULL);
    assert_true(gs__is_bomb((1 << 24) + 1, 80000) && !gs__is_bomb(1 << 24, 1) && !gs__is_bomb(1 << 25, 1 << 18));
}

static gs_status inflate_damaged(void *user, const char *packed, size_t packed_bytes) {
    (void)user;
    char *data;
    size_t bytes;
    gs_status status = gs__gzip_inflate(&error, "damaged", packed, packed_bytes, 1 << 16, &data, &bytes);
    if (status == GS_OK) free(data);
    return status;
}

static void test_gzip_damage(void **state) {
    (void)state;
    unsigned char packed[200];
    char text[100];
    for (int i = 0; i < 100; i++) text[i] = (char)('a' + i * i % 26);
    size_t size = pack(text, 100, packed, sizeof packed);
    // All but flags, time and system of the 10-byte header are guarded.
    assert_true(damage(packed, size, true, inflate_damaged, NULL) >= 2 * (size - 8));
}

int main(void) {
    // Else a file size limit ends the process instead of failing the write.
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_fails),
        cmocka_unit_test(test_read_pipe),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_is_atomic),
        cmocka_unit_test(test_write_fails),
        cmocka_unit_test(test_write_fails_halfway),
        cmocka_unit_test(test_write_through_link),
        cmocka_unit_test(test_append_f32),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_gzip_fails),
        cmocka_unit_test(test_gzip_damage),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
