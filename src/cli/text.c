// Numbers, shapes and foreign text for people.
#include "cli.h"
#include <inttypes.h>
#include <string.h>

cli_text cli_group(uint64_t value) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    cli_text out;
    size_t length = strlen(digits), written = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) out.text[written++] = ',';
        out.text[written++] = digits[i];
    }
    out.text[written] = 0;
    return out;
}

cli_text cli_bytes(uint64_t bytes) {
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) value /= 1024, unit++;
    cli_text out;
    snprintf(out.text, sizeof out.text, "%.2f %s", value, units[unit]);
    return out;
}

cli_text cli_shape(const char *first, const gs_shape *shape) {
    cli_text out;
    size_t length = (size_t)snprintf(out.text, sizeof out.text, "(%s", first != NULL ? first : "");
    for (uint32_t i = 0; i < shape->rank && i < GS_MAX_RANK; i++) {
        const char *comma = i > 0 || first != NULL ? ", " : "";
        length += (size_t)snprintf(out.text + length, sizeof out.text - length, "%s%" PRId64, comma, shape->dim[i]);
    }
    // One dimension alone is written with a comma, as Python and Keras do.
    bool single = shape->rank + (first != NULL ? 1U : 0U) == 1;
    snprintf(out.text + length, sizeof out.text - length, "%s", single ? ",)" : ")");
    return out;
}

cli_text cli_duration(double seconds) {
    cli_text out;
    if (!(seconds >= 0 && seconds < 1e9)) {
        snprintf(out.text, sizeof out.text, "?");
    } else if (seconds < 0.0995) {
        snprintf(out.text, sizeof out.text, "%.1f ms", seconds * 1e3);
    } else if (seconds < 9.995) {
        snprintf(out.text, sizeof out.text, "%.2f s", seconds);
    } else if (seconds < 59.95) {
        snprintf(out.text, sizeof out.text, "%.1f s", seconds);
    } else {
        uint64_t whole = (uint64_t)(seconds + 0.5), hours = whole / 3600;
        unsigned minutes = (unsigned)(whole / 60 % 60), rest = (unsigned)(whole % 60);
        if (hours > 0) snprintf(out.text, sizeof out.text, "%" PRIu64 ":%02u:%02u", hours, minutes, rest);
        else snprintf(out.text, sizeof out.text, "%u:%02u", minutes, rest);
    }
    return out;
}

// Is this byte inside of a UTF-8 sequence, not its first?
static bool continues(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

cli_text cli_clean(const char *text, unsigned columns) {
    cli_text out;
    size_t length = 0;
    unsigned used = 0;
    bool cut = false;
    for (; *text != 0; text++) {
        if (!continues(*text)) {
            if ((columns > 0 && used == columns) || length + 8 > sizeof out.text) {
                cut = true;
                break;
            }
            used++;
        } else if (length + 4 > sizeof out.text) {
            cut = true;
            break;
        }
        bool control = (unsigned char)*text < 0x20 || *text == 0x7f;
        if (control) out.text[length++] = '?';
        else out.text[length++] = *text;
    }
    if (cut) { // the last character gives way to the mark
        while (length > 0 && continues(out.text[length - 1])) length--;
        if (length > 0) length--;
        out.text[length++] = '~';
    }
    out.text[length] = 0;
    return out;
}

unsigned cli_columns(const char *text) {
    unsigned columns = 0;
    for (; *text != 0; text++) columns += !continues(*text);
    return columns;
}

void cli_repeat(FILE *file, const char *text, unsigned count) {
    for (unsigned i = 0; i < count; i++) fputs(text, file);
}
