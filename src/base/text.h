// Text that grows.
#ifndef GS_BASE_TEXT_H
#define GS_BASE_TEXT_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

// Zero-initialise. `data` is NULL or ends with a zero byte. Out of memory is remembered, so that a caller checks
// once, at the end.
typedef struct gs__text {
    char *data;
    size_t length, capacity; // bytes, without the ending zero
    bool failed;
} gs__text;

void gs__text_append(gs__text *text, const char *format, ...) GS__PRINTF(2, 3);
void gs__text_append_bytes(gs__text *text, const char *bytes, size_t count);
// As a JSON string, quotes included.
void gs__text_append_json(gs__text *text, const char *string);
// GS_OK, or GS_ERR_MEMORY when an append failed.
gs_status gs__text_check(gs__error *error, const gs__text *text);
void gs__text_deinit(gs__text *text);

// Copies `source` for use in a message: control characters become '?', and what does not fit is cut off and marked by
// "...". Returns `buffer`, which must have room for 8 bytes at least.
const char *gs__text_show(const char *source, char *buffer, size_t buffer_bytes);

#endif
