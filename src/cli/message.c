// Errors of the program: one line on stderr.
#include "cli.h"
#include <stdarg.h>
#include <string.h>

static void print_line(const char *format, va_list arguments) {
    char message[4096];
    vsnprintf(message, sizeof message, format, arguments);
    for (char *c = message; *c != 0; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    }
    fflush(stdout); // keeps the order when both go to one place
    fprintf(stderr, "gradsmith: %s\n", message);
}

int cli_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
    return CLI_FAILED;
}

void cli_note(void *user, const char *text) {
    (void)user;
    cli_fail("note: %s", text);
}

int cli_fail_context(const gs_context *context, const char *what) {
    const char *message = gs_context_message(context);
    if (what == NULL || strstr(message, what) != NULL) return cli_fail("%s", message);
    return cli_fail("%s: %s", what, message);
}

int cli_misuse(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try \"gradsmith %s%s--help\".\n", command != NULL ? command : "", command != NULL ? " " : "");
    return CLI_USAGE;
}

// Changes of one character, and swaps of two neighbours, that make `a` out of `b` (Damerau, Levenshtein).
static unsigned edit_distance(const char *a, const char *b) {
    enum { LONGEST = 40 };
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST) return LONGEST;
    unsigned row[3][LONGEST + 1];
    unsigned *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= b_length; j++) last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        unsigned *oldest = before;
        before = last, last = now, now = oldest;
    }
    return last[b_length];
}

const char *cli_closest(const char *word, const char *const *words) {
    size_t length = strlen(word);
    unsigned limit = length <= 3 ? 1 : length <= 6 ? 2 : 3;
    const char *closest = NULL;
    unsigned closest_distance = limit + 1;
    for (; *words != NULL; words++) {
        unsigned distance = edit_distance(word, *words);
        if (distance < closest_distance) closest = *words, closest_distance = distance;
    }
    return closest;
}
