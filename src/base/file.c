#define _XOPEN_SOURCE 700 // realpath is of POSIX 2008, but with its XSI option only
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_PATH_BYTES = 220 };

const char *gs__path_show(const char *path) {
    size_t length = strlen(path);
    if (!length) return "\"\"";
    return length <= SHOWN_PATH_BYTES ? path : path + length - SHOWN_PATH_BYTES;
}

static gs_status fail_errno(gs__error *error, const char *path, const char *what, int code) {
    return gs__fail(error, code == ENOMEM ? GS_ERR_MEMORY : GS_ERR_FILE, "%s: %s: %s", gs__path_show(path), what,
                    strerror(code));
}

static int open_retry(const char *path, int flags, mode_t mode) {
    int fd;
    do fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

bool gs__file_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

char *gs__path_join(gs__error *error, const char *dir, const char *name) {
    size_t length = dir ? strlen(dir) : 0, bytes = length + strlen(name) + 2;
    char *path = gs__allocate(error, bytes, 1, "path");
    if (path) snprintf(path, bytes, "%s%s%s", length ? dir : "", length && dir[length - 1] != '/' ? "/" : "", name);
    return path;
}

gs_status gs__file_map(gs__error *error, const char *path, uint64_t min_bytes, void **map, uint64_t *bytes) {
    struct stat info;
    *map = NULL;
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0) return fail_errno(error, path, "cannot be opened", errno);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < 1 || (uint64_t)info.st_size < min_bytes ||
        (uint64_t)info.st_size > SIZE_MAX) {
        close(fd);
        return GS_OK;
    }
    void *made = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    const int code = errno;
    close(fd);
    if (made == MAP_FAILED) return fail_errno(error, path, "cannot be mapped", code);
    *map = made;
    *bytes = (uint64_t)info.st_size;
    return GS_OK;
}

void gs__file_unmap(void *map, uint64_t bytes) {
    if (map) munmap(map, (size_t)bytes);
}

// --- reading -----------------------------------------------------------------------------------------------------

// Reads to the end of `fd`; `expected` bytes are a guess.
static gs_status read_all(gs__error *error, const char *path, int fd, size_t expected, uint64_t max_bytes, char **data,
                          size_t *bytes) {
    size_t capacity = expected + 1, used = 0;
    char *buffer = gs__allocate(error, capacity + 1, 1, gs__path_show(path));
    if (!buffer) return GS_ERR_MEMORY;
    gs_status status;
    for (;;) {
        if (used == capacity) {
            char *larger = capacity < SIZE_MAX / 4 ? realloc(buffer, capacity * 2 + 1) : NULL;
            if (!larger) {
                status = fail_errno(error, path, "cannot be read", ENOMEM);
                goto fail;
            }
            buffer = larger;
            capacity *= 2;
        }
        ssize_t n = read(fd, buffer + used, capacity - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            status = fail_errno(error, path, "cannot be read", errno);
            goto fail;
        }
        if (n == 0) break;
        used += (size_t)n;
        if (used > max_bytes) {
            status = gs__fail(error, GS_ERR_FILE, "%s: is larger than the %llu bytes that are allowed here",
                              gs__path_show(path), (unsigned long long)max_bytes);
            goto fail;
        }
    }
    buffer[used] = 0;
    *data = buffer;
    *bytes = used;
    return GS_OK;
fail:
    free(buffer);
    return status;
}

gs_status gs__file_read(gs__error *error, const char *path, uint64_t max_bytes, char **data, size_t *bytes) {
    gs_status status = GS_OK;
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0) return fail_errno(error, path, "cannot be opened", errno);
    struct stat info;
    size_t expected = 4096;
    if (fstat(fd, &info) != 0) {
        status = fail_errno(error, path, "cannot be read", errno);
    } else if (S_ISDIR(info.st_mode)) {
        status = fail_errno(error, path, "cannot be read", EISDIR);
    } else if (S_ISREG(info.st_mode)) {
        if (info.st_size > 0) expected = (size_t)info.st_size;
        if ((uint64_t)info.st_size > max_bytes)
            status = gs__fail(error, GS_ERR_FILE, "%s: has %lld bytes; at most %llu are allowed here",
                              gs__path_show(path), (long long)info.st_size, (unsigned long long)max_bytes);
    }
    if (status == GS_OK) status = read_all(error, path, fd, expected, max_bytes, data, bytes);
    close(fd);
    return status;
}

bool gs__file_read_head(const char *path, size_t most, char **data, size_t *bytes) {
    struct stat info;
    const int fd = open_retry(path, O_RDONLY | O_NONBLOCK, 0);
    char *head = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? malloc(most + 1) : NULL;
    size_t used = 0;
    bool good = head != NULL;
    while (good && used < most) {
        const ssize_t n = read(fd, head + used, most - used);
        if (n < 0 && errno == EINTR) continue;
        good = n >= 0;
        if (n <= 0) break;
        used += (size_t)n;
    }
    if (fd >= 0) close(fd);
    if (!good) {
        free(head);
        return false;
    }
    *data = head;
    *bytes = used;
    return true;
}

gs_status gs__file_read_gzip(gs__error *error, const char *path, uint64_t max_bytes, char **data, size_t *bytes) {
    char *packed = NULL;
    size_t packed_bytes = 0;
    gs_status status = gs__file_read(error, path, max_bytes, &packed, &packed_bytes);
    if (status != GS_OK) return status;
    if (packed_bytes < 2 || (unsigned char)packed[0] != 0x1F || (unsigned char)packed[1] != 0x8B) {
        *data = packed;
        *bytes = packed_bytes;
        return GS_OK;
    }
    status = gs__gzip_inflate(error, gs__path_show(path), packed, packed_bytes, max_bytes, data, bytes);
    free(packed);
    return status;
}

// --- writing -----------------------------------------------------------------------------------------------------

struct gs__file_writer {
    gs__error *error;
    char *path;      // in the end
    char *temporary; // NULL: written in place
    int fd;
    gs__file_filter filter;
};

static void free_writer(gs__file_writer *writer) {
    if (!writer) return;
    if (writer->fd >= 0) close(writer->fd);
    if (writer->filter.destroy) writer->filter.destroy(writer->filter.state);
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

void gs__file_discard(gs__file_writer *writer) {
    if (writer && writer->temporary && writer->fd >= 0) unlink(writer->temporary);
    free_writer(writer);
}

// A new file beside the final one. O_EXCL: it is ours alone, whatever other processes and threads do.
static gs_status open_temporary(gs__file_writer *writer) {
    size_t bytes = strlen(writer->path) + 48;
    writer->temporary = gs__allocate(writer->error, bytes, 1, "path");
    if (!writer->temporary) return GS_ERR_MEMORY;
    for (unsigned try = 0; try < 1000 && writer->fd < 0; try++) {
        snprintf(writer->temporary, bytes, "%s.%ld-%u.tmp", writer->path, (long)getpid(), try);
        writer->fd = open_retry(writer->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (writer->fd < 0 && errno != EEXIST) break;
    }
    return writer->fd >= 0 ? GS_OK : fail_errno(writer->error, writer->path, "cannot be written", errno);
}

gs_status gs__file_begin(gs__error *error, const char *path, gs__file_writer **writer_out) {
    gs_status status = GS_ERR_MEMORY;
    struct stat info;
    gs__file_writer *writer = gs__allocate(error, 1, sizeof *writer, "file");
    if (!writer) return GS_ERR_MEMORY;
    writer->error = error;
    writer->fd = -1;
    // A link stays a link: what it points to is replaced.
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) writer->path = realpath(path, NULL);
    if (!writer->path) writer->path = gs__text_copy(error, path);
    if (!writer->path) goto fail;
    if (!path[0]) {
        status = gs__fail(error, GS_ERR_FILE, "cannot write a file with an empty name");
        goto fail;
    }
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        writer->fd = S_ISDIR(info.st_mode) ? (errno = EISDIR, -1) : open_retry(path, O_WRONLY, 0);
        if (writer->fd < 0) {
            status = fail_errno(error, path, "cannot be written", errno);
            goto fail;
        }
    } else {
        GS_TRY(open_temporary(writer));
        // Whoever could not read the old file cannot read the new one.
        if (stat(path, &info) == 0 && fchmod(writer->fd, info.st_mode & 0777) != 0) {
            status = fail_errno(error, path, "cannot be given the rights of the file that it replaces", errno);
            unlink(writer->temporary);
            goto fail;
        }
    }
    *writer_out = writer;
    return GS_OK;
fail:
    free_writer(writer);
    return status;
}

void gs__file_set_filter(gs__file_writer *writer, const gs__file_filter *filter) {
    writer->filter = *filter;
}

gs_status gs__file_append(gs__file_writer *writer, const void *data, size_t bytes) {
    const gs__file_filter *filter = &writer->filter;
    return filter->append ? filter->append(filter->state, writer, data, bytes)
                          : gs__file_append_raw(writer, data, bytes);
}

gs_status gs__file_rewrite(gs__file_writer *writer, uint64_t offset, const void *data, size_t bytes) {
    const char *from = data;
    while (bytes > 0) {
        const ssize_t n = pwrite(writer->fd, from, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(writer->error, writer->path, "cannot be written", errno);
        from += n;
        offset += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return GS_OK;
}

gs_status gs__file_append_raw(gs__file_writer *writer, const void *data, size_t bytes) {
    const char *from = data;
    while (bytes > 0) {
        ssize_t n = write(writer->fd, from, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(writer->error, writer->path, "cannot be written", errno);
        from += n;
        bytes -= (size_t)n;
    }
    return GS_OK;
}

gs_status gs__file_append_f32(gs__file_writer *writer, const float *values, uint64_t count) {
    unsigned char buffer[4096];
    while (count > 0) {
        size_t n = count < sizeof buffer / 4 ? (size_t)count : sizeof buffer / 4;
        for (size_t i = 0; i < n; i++) {
            uint32_t word;
            memcpy(&word, &values[i], 4);
            for (size_t b = 0; b < 4; b++) buffer[i * 4 + b] = (unsigned char)(word >> (8 * b));
        }
        gs_status status = gs__file_append(writer, buffer, n * 4);
        if (status != GS_OK) return status;
        values += n;
        count -= n;
    }
    return GS_OK;
}

// So that the new name is still there after a crash. Some file systems cannot sync a folder: not a failure.
static gs_status sync_folder(gs__error *error, const char *path) {
    char *folder = gs__text_copy(error, path);
    if (!folder) return GS_ERR_MEMORY;
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder ? 1 : 0] = 0;
    gs_status status = GS_OK;
    int fd = open_retry(slash ? folder : ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        status = fail_errno(error, path, "the folder cannot be synced", errno);
    if (fd >= 0) close(fd);
    free(folder);
    return status;
}

static gs_status finish(gs__file_writer **writer_pointer, bool sync) {
    gs__file_writer *writer = *writer_pointer;
    gs_status status = writer->filter.finish ? writer->filter.finish(writer->filter.state, writer) : GS_OK;
    *writer_pointer = NULL;
    if (status != GS_OK) {
        gs__file_discard(writer);
        return status;
    }
    if (!writer->temporary) {
        int code = close(writer->fd) == 0 ? 0 : errno;
        writer->fd = -1;
        if (code) status = fail_errno(writer->error, writer->path, "cannot be written", code);
        free_writer(writer);
        return status;
    }
    if ((sync && fsync(writer->fd) != 0) || rename(writer->temporary, writer->path) != 0) {
        status = fail_errno(writer->error, writer->path, "cannot be written", errno);
        gs__file_discard(writer);
        return status;
    }
    if (sync) status = sync_folder(writer->error, writer->path);
    free_writer(writer);
    return status;
}

gs_status gs__file_commit(gs__file_writer **writer) {
    return finish(writer, true);
}

gs_status gs__file_replace(gs__file_writer **writer) {
    return finish(writer, false);
}

gs_status gs__file_write(gs__error *error, const char *path, const void *data, size_t bytes) {
    gs__file_writer *writer = NULL;
    gs_status status;
    GS_TRY(gs__file_begin(error, path, &writer));
    GS_TRY(gs__file_append(writer, data, bytes));
    return gs__file_commit(&writer);
fail:
    gs__file_discard(writer);
    return status;
}

gs_status gs__dir_make(gs__error *error, const char *path) {
    if (!path[0]) return gs__fail(error, GS_ERR_FILE, "cannot make a folder with an empty name");
    char *part = gs__text_copy(error, path);
    if (!part) return GS_ERR_MEMORY;
    gs_status status = GS_OK;
    char *end = part;
    while (status == GS_OK && *end) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char kept = *end;
        *end = 0;
        struct stat info;
        if (mkdir(part, 0777) != 0) {
            int code = errno;
            // mkdir fails with other codes too where a folder exists, e.g. EROFS.
            if (stat(part, &info) != 0) status = fail_errno(error, part, "the folder cannot be made", code);
            else if (!S_ISDIR(info.st_mode)) status = fail_errno(error, part, "the folder cannot be made", ENOTDIR);
        }
        *end = kept;
    }
    free(part);
    return status;
}

gs_status gs__dir_visit(gs__error *error, const char *path, gs_status (*visit)(void *user, const char *name),
                        void *user) {
    gs_status status = GS_OK;
    DIR *dir = opendir(path);
    if (!dir) return fail_errno(error, path, "the folder cannot be read", errno);
    for (struct dirent *entry; status == GS_OK && (errno = 0, entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) status = visit(user, entry->d_name);
    if (status == GS_OK && errno) status = fail_errno(error, path, "the folder cannot be read", errno);
    closedir(dir);
    return status;
}

bool gs__file_is_temporary(const char *name, long *process) {
    const char *end = strrchr(name, '.'), *dash = strrchr(name, '-');
    if (!end || strcmp(end, ".tmp") != 0 || !dash || dash > end || dash + 1 == end) return false;
    if (strspn(dash + 1, "0123456789") != (size_t)(end - dash - 1)) return false;
    const char *digits = dash;
    while (digits > name && digits[-1] >= '0' && digits[-1] <= '9') digits--;
    if (digits == dash || digits <= name + 1 || digits[-1] != '.') return false;
    if (process) *process = strtol(digits, NULL, 10);
    return true;
}

struct tidy {
    gs__error *error;
    const char *dir;
};

static gs_status tidy_one(void *user, const char *name) {
    const struct tidy *t = user;
    if (!gs__file_is_temporary(name, NULL)) return GS_OK;
    char *path = gs__path_join(t->error, t->dir, name);
    if (!path) return GS_ERR_MEMORY;
    gs_status status =
        unlink(path) == 0 || errno == ENOENT ? GS_OK : fail_errno(t->error, path, "cannot be removed", errno);
    free(path);
    return status;
}

gs_status gs__dir_tidy(gs__error *error, const char *path) {
    return gs__dir_visit(error, path, tidy_one, &(struct tidy){error, path});
}
