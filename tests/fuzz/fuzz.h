// What the fuzz targets share. Each tests/fuzz/fuzz_NAME.c gives one input to one parser; what the parser makes of it is
// freed again. Crashes, leaks, undefined behaviour, hangs and memory out of proportion are found by the sanitizers and
// by libFuzzer (cmake/fuzz.cmake).
#ifndef GS_TESTS_FUZZ_H
#define GS_TESTS_FUZZ_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

// A copy with a zero byte behind it, as files are read; freed with free().
static inline char *fuzz_text(const uint8_t *data, size_t bytes) {
    char *text = malloc(bytes + 1);
    if (!text) abort();
    memcpy(text, data, bytes);
    text[bytes] = 0;
    return text;
}

// A failure must say something: a message that ends within its buffer.
static inline void fuzz_check(gs_status status, const gs__error *error) {
    if (status == GS_OK) return;
    if (!error->message[0] || !memchr(error->message, 0, sizeof error->message)) abort();
    if (status == GS_ERR_INTERNAL) abort();
}

#endif
