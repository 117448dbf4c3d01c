// The epochs of a training that are over, as a table: what a checkpoint keeps of them, and a resumed training tells again.
#ifndef GS_TRAIN_HISTORY_H
#define GS_TRAIN_HISTORY_H

#include "base/text.h"
#include <gradsmith/train.h>

// Zero-initialise.
typedef struct gs__history {
    uint32_t metric_count;
    const char *metric_names[GS_MAX_METRICS]; // static
    bool has_validation;
    uint32_t columns; // 0: nothing was begun
    uint32_t rows, capacity;
    double *values; // (rows, columns)
} gs__history;

void gs__history_begin(gs__history *history, const char *const *metric_names, uint32_t metric_count,
                       bool has_validation);
// A row, of an event of an epoch's end.
gs_status gs__history_add(gs__error *error, gs__history *history, const gs_event *event);
// Room for another so many rows, zeroed, which the caller fills in.
gs_status gs__history_grow(gs__error *error, gs__history *history, uint32_t rows);
// The event of a row. `epoch` is the row.
void gs__history_event(const gs__history *history, uint32_t row, gs_event *event);
// The names of the columns: a JSON array.
void gs__history_names(const gs__history *history, gs__text *text);
void gs__history_deinit(gs__history *history);

#endif
