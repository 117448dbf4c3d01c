// The files of a folder.
#ifndef GS_PROTECT_LIST_H
#define GS_PROTECT_LIST_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

#define GS__SIGNATURE_NAME "SIGNATURE"

typedef struct gs__file_list {
    char **paths; // below the folder, in the order of their bytes
    uint32_t count, capacity;
} gs__file_list;

// All regular files of a folder and of the folders in it. What a process that ended left half-written is removed.
// GS_ERR_FILE: a file that a process is writing, a link, or something else that is neither file nor folder.
gs_status gs__file_list_read(gs__error *error, const char *dir, gs__file_list *list);
void gs__file_list_deinit(gs__file_list *list);

// Losses, metrics, times, and signatures: never encrypted.
bool gs__file_is_log(const char *path);

#endif
