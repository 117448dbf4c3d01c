// What the commands of the program share. The program sees the public headers only.
#ifndef GS_CLI_CLI_H
#define GS_CLI_CLI_H

#include <gradsmith/gradsmith.h>
#include <stdbool.h>
#include <stdio.h>

#if defined(__GNUC__)
#define CLI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CLI_PRINTF(text, first)
#endif

// Exit codes. Stopped by a signal: 128 + its number, as shells say it.
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_SIGNAL = 128 };

typedef int cli_main(int argc, char **argv); // argv[0] is the command; returns an exit code
cli_main cli_devices, cli_summary, cli_train, cli_evaluate, cli_predict, cli_plot, cli_bench, cli_doctor, cli_report;
cli_main cli_protect, cli_unprotect, cli_rekey, cli_sign, cli_verify, cli_keygen;

// Prints "gradsmith: " and the message as one line to stderr; returns CLI_FAILED.
CLI_PRINTF(1, 2) int cli_fail(const char *format, ...);
// The context's message, after "WHAT: " unless `what` is NULL or the message names it; returns CLI_FAILED.
int cli_fail_context(const gs_context *context, const char *what);
// Prints "gradsmith: note: " and the text to stderr; a gs_note.
void cli_note(void *user, const char *text);
// Prints the message and where to find help to stderr; returns CLI_USAGE. `command` may be NULL.
CLI_PRINTF(2, 3) int cli_misuse(const char *command, const char *format, ...);

// The word of `words` (NULL at its end) that was likely meant, or NULL.
const char *cli_closest(const char *word, const char *const *words);

// --- text ----------------------------------------------------------------------------------------------------------
enum { CLI_TEXT_BYTES = 320 };
typedef struct cli_text {
    char text[CLI_TEXT_BYTES];
} cli_text;

cli_text cli_group(uint64_t value);                           // 50890 -> "50,890"
cli_text cli_bytes(uint64_t bytes);                           // "198.79 KB", as Keras writes it (of 1024)
cli_text cli_shape(const char *first, const gs_shape *shape); // "(None, 64)"; first may be NULL
cli_text cli_duration(double seconds);                        // "8.1 ms", "0.42 s", "12.3 s", "4:05", "1:02:03"
// A copy without control characters, so that a file's text cannot steer the terminal; cut to `columns` (0: as is).
cli_text cli_clean(const char *text, unsigned columns);
// Columns that UTF-8 text takes, one for each code point.
unsigned cli_columns(const char *text);
void cli_repeat(FILE *file, const char *text, unsigned count);

// --- terminal ------------------------------------------------------------------------------------------------------
typedef struct cli_terminal {
    bool live;  // a terminal that can rewrite a line
    bool color; // and may be coloured: NO_COLOR is not set
    bool utf8;
} cli_terminal;
cli_terminal cli_terminal_of(FILE *file);
unsigned cli_terminal_columns(FILE *file); // 80 when unknown

// --- files ---------------------------------------------------------------------------------------------------------
// Reads a regular file of at most `limit` bytes and ends it with a zero. NULL after a message; free it.
char *cli_read_file(const char *path, size_t limit, size_t *bytes);
// The same of a file that may be encrypted, and must be where the context's key is required.
char *cli_read_model_file(gs_context *context, const char *path, size_t limit, size_t *bytes);
// "DIR/NAME"; NULL without memory. Free it.
char *cli_join(const char *dir, const char *name);

// --- models --------------------------------------------------------------------------------------------------------
// MODEL, a file as Keras writes it or a run's folder, or `layers`, the short form; the other is NULL.
int cli_open_architecture(gs_context *context, const char *path, const char *layers, uint64_t seed, gs_model **model);
// A folder that `train --out` wrote, with its weights.
int cli_open_run(gs_context *context, const char *dir, gs_model **model);
// What a training step consists of.
void cli_print_plan(const gs_plan *plan);

#endif
