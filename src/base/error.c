#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

gs_status gs__fail(gs__error *error, gs_status status, const char *format, ...) {
    if (!error) return status;
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    error->status = status;
    return status;
}

gs_status gs__fail_at(gs__error *error, gs_status status, const char *place, ...) {
    if (!error) return status;
    char old[sizeof error->message], prefix[256];
    memcpy(old, error->message, sizeof old);
    va_list args;
    va_start(args, place);
    vsnprintf(prefix, sizeof prefix, place, args);
    va_end(args);
    snprintf(error->message, sizeof error->message, "%s: %.*s", prefix, (int)(sizeof old - sizeof prefix - 3), old);
    error->status = status;
    return status;
}

const char *gs_status_text(gs_status status) {
    switch (status) {
#define GS_STATUS_TEXT(name, value, text)                                                                              \
    case name:                                                                                                         \
        return text;
        GS_STATUS_MAP(GS_STATUS_TEXT)
#undef GS_STATUS_TEXT
    }
    return "unknown status";
}

const char *gs_status_name(gs_status status) {
    switch (status) {
#define GS_STATUS_NAME(name, value, text)                                                                              \
    case name:                                                                                                         \
        return #name;
        GS_STATUS_MAP(GS_STATUS_NAME)
#undef GS_STATUS_NAME
    }
    return "unknown status";
}
