// What a training leaves behind: the run's folder with history.csv, log.jsonl and classes.json, and --log's file.
// The model's own files are the library's to write.
#ifndef GS_CLI_OUTPUTS_H
#define GS_CLI_OUTPUTS_H

#include "cli.h"

typedef struct cli_outputs {
    const char *dir;   // NULL: none
    char *made;        // the first folder that had to be made, NULL when all were there
    FILE *files[3];    // history.csv, log.jsonl, --log's
    char *paths[3];    // of those; NULL: not wanted
    bool was_there[3]; // before this run
    bool begun;        // an epoch has been written
    gs_lock *lock;     // of the folder; outlives cli_outputs_close, and is the caller's to release then
    int failed;        // errno of a write that failed
    const char *failed_path;
} cli_outputs;

// Makes `dir` where needed, locks it, and opens the files, so that what cannot be written is known before training. Files that
// are there keep their text until the first epoch. Returns an exit code after a message.
int cli_outputs_open(cli_outputs *outputs, gs_context *context, const char *dir, const char *log_path);
// Appends an epoch to all files. False when that failed: cli_outputs_close then says so.
bool cli_outputs_epoch(cli_outputs *outputs, const gs_event *event);
// Names of the classes, for predict; removes an older list when there are none.
int cli_outputs_classes(cli_outputs *outputs, gs_context *context, const char *const *names, uint32_t count);
// Closes the files. When no epoch was written and the model was not saved, takes away what opening made.
int cli_outputs_close(cli_outputs *outputs, bool saved);

#endif
