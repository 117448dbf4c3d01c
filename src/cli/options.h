// Command lines: a table of options for getopt_long, from which the help is printed too.
#ifndef GS_CLI_OPTIONS_H
#define GS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

// Exactly one of flag, text, integer and real is set; it receives the value and holds the default before.
typedef struct cli_option {
    const char *name;     // without dashes; NULL ends the table
    const char *argument; // what the help calls the value; NULL: a flag
    const char *help;
    bool *flag;
    const char **text;
    uint64_t *integer;
    uint64_t minimum, maximum; // of an integer
    double *real;              // always finite
    double low, high;          // of a real number
    bool above, below;         // low or high itself is not allowed
    bool clears;               // the flag makes it false
    char letter;               // its short form, 'o' for -o; 0: none
} cli_option;

typedef struct cli_usage {
    const char *command;
    const char *synopsis; // after the command: "MODEL --data DATA [OPTION...]"
    const char *text;     // what it does; lines of at most 80 columns
    const cli_option *options;
    const char **operand; // receives the one operand; NULL: it takes none, or `operands`
    const char *operand_name;
    char ***operands; // receives all operands, of which there may be any number; NULL: see operand
    int *operand_count;
    const char *examples; // may be NULL
    // An option beside which there are only those of the list, which NULL ends, and no operand; NULL: there is none.
    const char *alone;
    const char *const *alone_with;
} cli_usage;

enum { CLI_GO_ON = -1 };

// Reads the options and the operand. Returns CLI_GO_ON, or the exit code when the program should end: after --help,
// and after an error, which it prints.
int cli_parse(const cli_usage *usage, int argc, char **argv);

#endif
