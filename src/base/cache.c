#include "base/cache.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAX_BYTES (256u << 20)

enum { MAX_LINE_BYTES = 512 };

char *gs__cache_dir(void) {
    const char *own = getenv("GRADSMITH_CACHE");
    if (own && own[0]) return strcmp(own, "off") == 0 ? NULL : gs__path_join(NULL, own, "");
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    // The XDG specification wants a relative path to be ignored.
    if (xdg && xdg[0] == '/') return gs__path_join(NULL, xdg, "gradsmith");
    if (home && home[0] == '/') return gs__path_join(NULL, home, ".cache/gradsmith");
    return NULL;
}

static bool write_line(char line[MAX_LINE_BYTES], const char *head, const void *data, size_t bytes) {
    const unsigned long sum = crc32_z(crc32_z(0, NULL, 0), data, bytes);
    const int length = snprintf(line, MAX_LINE_BYTES, "gradsmith cache 1 %s %zu %08lx\n", head, bytes, sum);
    return length > 0 && length < MAX_LINE_BYTES;
}

size_t gs__cache_check(const char *file, size_t file_bytes, const char *head) {
    char expected[MAX_LINE_BYTES];
    const char *end = memchr(file, '\n', file_bytes < MAX_LINE_BYTES ? file_bytes : MAX_LINE_BYTES);
    const size_t line = end ? (size_t)(end - file) + 1 : 0;
    // The line that was written for this content and head, or the file is not it.
    const bool good = end && write_line(expected, head, file + line, file_bytes - line) && strlen(expected) == line &&
                      memcmp(file, expected, line) == 0;
    return good ? line : 0;
}

bool gs__cache_read(const char *dir, const char *name, const char *head, char **data, size_t *bytes) {
    char *path = gs__path_join(NULL, dir, name), *file = NULL;
    size_t file_bytes = 0;
    const bool found = path && gs__file_read(NULL, path, MAX_BYTES, &file, &file_bytes) == GS_OK;
    free(path);
    if (!found) return false;
    const size_t line = gs__cache_check(file, file_bytes, head);
    if (!line) {
        free(file);
        return false;
    }
    memmove(file, file + line, file_bytes - line + 1);
    *data = file;
    *bytes = file_bytes - line;
    return true;
}

bool gs__cache_write(const char *dir, const char *name, const char *head, const void *data, size_t bytes) {
    gs_status status = GS_ERR_ARGUMENT;
    gs__file_writer *writer = NULL;
    char line[MAX_LINE_BYTES], *path = gs__path_join(NULL, dir, name);
    if (!path || bytes > MAX_BYTES - MAX_LINE_BYTES || !write_line(line, head, data, bytes)) goto fail;
    GS_TRY(gs__dir_make(NULL, dir));
    GS_TRY(gs__file_begin(NULL, path, &writer));
    GS_TRY(gs__file_append(writer, line, strlen(line)));
    GS_TRY(gs__file_append(writer, data, bytes));
    status = gs__file_replace(&writer);
fail:
    gs__file_discard(writer);
    free(path);
    return status == GS_OK;
}

uint64_t gs__hash(uint64_t hash, const void *data, size_t bytes) {
    const unsigned char *from = data;
    hash ^= UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ from[i]) * UINT64_C(0x100000001b3);
    return hash ^ UINT64_C(0xcbf29ce484222325);
}
