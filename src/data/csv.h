// Tables as text: RFC 4180, and what programs make of it.
#ifndef GS_DATA_CSV_H
#define GS_DATA_CSV_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS__CSV_MAX_CELLS = 65536, GS__MAX_CATEGORIES = 65536 };

typedef struct gs__csv_cell {
    const char *text; // ends with a zero byte; blanks around a cell without quotes are not part of it
    uint64_t line;    // where it begins
    bool quoted;
} gs__csv_cell;

// Reads rows one by one. The text is changed while that happens, and must end with a zero byte behind its `bytes`.
typedef struct gs__csv {
    gs__error *error;
    const char *name;
    char delimiter;
    char *at, *end;
    uint64_t line;
    gs__csv_cell *cells; // of the last row
    uint32_t count, capacity;
} gs__csv;

// Skips the mark of UTF-8. GS_ERR_FORMAT: UTF-16, zero bytes.
gs_status gs__csv_begin(gs__error *error, const char *name, char delimiter, char *text, size_t bytes, gs__csv *csv);
// The next row that is not blank; *more is false at the end. GS_ERR_FORMAT: quotes that do not end, text behind them.
gs_status gs__csv_next(gs__csv *csv, bool *more);
void gs__csv_deinit(gs__csv *csv);

// The number that a cell is: decimal, whatever the locale. False for anything else, and for what is too large.
bool gs__csv_number(const char *text, double *value);
// Empty, or one of NA, N/A, NaN, null, None, ?
bool gs__csv_is_missing(const char *text);
bool gs__utf8_is_valid(const char *text);

// Strings with numbers from 0 in the order they came.
typedef struct gs__dict {
    char **texts;
    uint32_t count, capacity;
    uint32_t *slots; // number + 1, 0: free
    uint32_t slot_count;
} gs__dict;

int64_t gs__dict_find(const gs__dict *dict, const char *text); // -1: not there
// Finds or adds. GS_ERR_FORMAT beyond GS__MAX_CATEGORIES.
gs_status gs__dict_add(gs__error *error, gs__dict *dict, const char *text, uint32_t *number);
// Sorts: by value where all are numbers, else by bytes. place[old number] = new number; freed with free().
gs_status gs__dict_sort(gs__error *error, gs__dict *dict, uint32_t **place);
void gs__dict_deinit(gs__dict *dict);

#endif
