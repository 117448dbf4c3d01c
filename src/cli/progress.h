// Progress of a training: on a terminal a bar that is rewritten in place, else one plain line an epoch.
#ifndef GS_CLI_PROGRESS_H
#define GS_CLI_PROGRESS_H

#include "cli.h"

typedef struct cli_progress {
    bool quiet;
    bool validation; // each epoch ends with one
    cli_terminal terminal;
    unsigned drawn;      // columns of the bar on the screen; 0: none
    double last_drawn_s; // monotonic
} cli_progress;

void cli_progress_init(cli_progress *progress, bool quiet, bool validation);
// Before the first step, which waits for the kernels to be compiled.
void cli_progress_start(cli_progress *progress, uint32_t epochs);
void cli_progress_event(cli_progress *progress, const gs_event *event);
// After the last event: the figures of an epoch that was cut short.
void cli_progress_partial(cli_progress *progress, const gs_event *last);
// Wipes the bar, so that something else can be printed.
void cli_progress_clear(cli_progress *progress);

#endif
