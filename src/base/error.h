// The error message that travels with a failing status. Every internal function that can fail takes a
// gs__error first, or an object that has one; the context owns it and shows it to the caller.
#ifndef GS_BASE_ERROR_H
#define GS_BASE_ERROR_H

#include <gradsmith/status.h>

typedef struct gs__error {
    gs_status status;
    char message[512]; // what was found, what was expected, what to do
} gs__error;

#if defined(__GNUC__)
#define GS__PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define GS__PRINTF(text, first)
#endif

// Records a message (replacing an older one) and returns `status`. `error` may be NULL.
gs_status gs__fail(gs__error *error, gs_status status, const char *format, ...) GS__PRINTF(3, 4);

// Puts "place: " in front of the recorded message, e.g. the file's or the layer's name. Returns `status`.
gs_status gs__fail_at(gs__error *error, gs_status status, const char *place, ...) GS__PRINTF(3, 4);

// On failure: keeps the status in the local variable `status` and jumps to the label `fail`.
#define GS_TRY(call)                                                                                                   \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status != GS_OK) goto fail;                                                                                \
    } while (0)

#endif
