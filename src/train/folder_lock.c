// flock is no part of POSIX, but fcntl's locks belong to a process and vanish with any close of the file.
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include <gradsmith/checkpoint.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct gs_lock {
    char *path;
    int fd;
};

static gs_status fail_system(gs__error *error, const char *path, const char *what) {
    return gs__fail(error, GS_ERR_FILE, "%s: %s: %s", gs__path_show(path), what, strerror(errno));
}

// The one that holds it takes the file away at its end: then what we have locked is not there any more.
static bool is_in_place(const gs_lock *lock) {
    struct stat ours, there;
    return fstat(lock->fd, &ours) == 0 && stat(lock->path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

static gs_status name_holder(gs__error *error, const gs_lock *lock, const char *dir) {
    char text[200] = "", shown[200];
    const ssize_t bytes = pread(lock->fd, text, sizeof text - 1, 0);
    text[bytes > 0 ? strcspn(text, "\n") : 0] = 0;
    return gs__fail(error, GS_ERR_FILE, "%s is in use by %s: wait for its end, or choose another folder",
                    gs__path_show(dir), text[0] ? gs__text_show(text, shown, sizeof shown) : "another process");
}

static gs_status take(gs__error *error, gs_lock *lock, const char *dir) {
    for (int try = 0; try < 100; try++) {
        do lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        while (lock->fd < 0 && errno == EINTR);
        if (lock->fd < 0) return fail_system(error, lock->path, "cannot be opened");
        if (flock(lock->fd, LOCK_EX | LOCK_NB) != 0)
            return errno == EWOULDBLOCK ? name_holder(error, lock, dir)
                                        : fail_system(error, lock->path, "cannot be locked");
        if (is_in_place(lock)) return GS_OK;
        close(lock->fd);
        lock->fd = -1;
    }
    return gs__fail(error, GS_ERR_FILE, "%s: it vanishes again and again", gs__path_show(lock->path));
}

static gs_status sign(gs__error *error, const gs_lock *lock) {
    char host[128] = "", text[200];
    gethostname(host, sizeof host - 1);
    const int length = snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
    if (ftruncate(lock->fd, 0) == 0 && pwrite(lock->fd, text, (size_t)length, 0) == length) return GS_OK;
    return fail_system(error, lock->path, "cannot be written");
}

gs_status gs_folder_lock(gs_context *context, const char *dir, gs_lock **lock) {
    if (!context || !lock) return GS_ERR_ARGUMENT;
    gs_status status = GS_OK;
    gs__error *error = gs__context_error(context);
    *lock = NULL;
    if (!dir) return gs__fail(error, GS_ERR_ARGUMENT, "lock: the folder is NULL");
    gs_lock *made = gs__allocate(error, 1, sizeof *made, "lock");
    if (!made) return GS_ERR_MEMORY;
    made->fd = -1;
    made->path = gs__path_join(error, dir, "lock");
    status = made->path ? take(error, made, dir) : GS_ERR_MEMORY;
    if (status != GS_OK) {
        if (made->fd >= 0) close(made->fd);
        free(made->path);
        free(made);
        return status;
    }
    *lock = made;
    GS_TRY(sign(error, made));
    GS_TRY(gs__dir_tidy(error, dir));
fail:
    if (status != GS_OK) gs_folder_unlock(lock);
    return status;
}

void gs_folder_unlock(gs_lock **lock) {
    if (!lock || !*lock) return;
    unlink((*lock)->path);
    close((*lock)->fd);
    free((*lock)->path);
    free(*lock);
    *lock = NULL;
}
