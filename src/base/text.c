#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(gs__text *text, size_t more) {
    if (text->failed) return false;
    if (text->data && more <= text->capacity - text->length) return true;
    size_t capacity = text->capacity ? text->capacity : 120;
    while (capacity - text->length < more && capacity < SIZE_MAX / 4) capacity *= 2;
    char *data = capacity - text->length < more ? NULL : realloc(text->data, capacity + 1);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void gs__text_append_bytes(gs__text *text, const char *bytes, size_t count) {
    if (!reserve(text, count)) return;
    if (count) memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = 0;
}

void gs__text_append(gs__text *text, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int count = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (count < 0) text->failed = true;
    else if (reserve(text, (size_t)count)) {
        vsnprintf(text->data + text->length, (size_t)count + 1, format, again);
        text->length += (size_t)count;
    }
    va_end(again);
}

void gs__text_append_json(gs__text *text, const char *string) {
    gs__text_append_bytes(text, "\"", 1);
    for (const char *p = string; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') gs__text_append(text, "\\%c", c);
        else if (c < 0x20) gs__text_append(text, "\\u%04x", c);
        else gs__text_append_bytes(text, p, 1);
    }
    gs__text_append_bytes(text, "\"", 1);
}

gs_status gs__text_check(gs__error *error, const gs__text *text) {
    return text->failed ? gs__fail(error, GS_ERR_MEMORY, "out of memory: a text of %zu bytes cannot grow", text->length)
                        : GS_OK;
}

void gs__text_deinit(gs__text *text) {
    free(text->data);
    *text = (gs__text){0};
}

const char *gs__text_show(const char *source, char *buffer, size_t buffer_bytes) {
    size_t length = strlen(source), used = 0;
    size_t keep = length < buffer_bytes ? length : buffer_bytes - 4;
    for (; used < keep; used++) {
        unsigned char c = (unsigned char)source[used];
        buffer[used] = source[used];
        if (c < 0x20 || c == 0x7F) buffer[used] = '?';
    }
    if (keep < length) {
        // Not within a UTF-8 sequence.
        while (used > 0 && ((unsigned char)source[used] & 0xC0) == 0x80) used--;
        memcpy(buffer + used, "...", 3);
        used += 3;
    }
    buffer[used] = 0;
    return buffer;
}
