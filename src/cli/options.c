#include "options.h"
#include "cli.h"
#include <errno.h>
#include <float.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// getopt_long's value of an option: its place in the table and FIRST, so that it is not taken for a letter.
enum { MAX_OPTIONS = 128, FIRST = 256, HELP = FIRST + MAX_OPTIONS };

// Prints words of `text` from column `indent` on, wrapped before column 80.
static void print_wrapped(const char *text, unsigned indent) {
    for (unsigned column = indent; *text != 0;) {
        size_t length = strcspn(text, " ");
        bool first = column == indent;
        if (!first && column + 1 + length > 79) {
            printf("\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        column += (unsigned)printf("%s%.*s", first ? "" : " ", (int)length, text);
        text += length + strspn(text + length, " ");
    }
    printf("\n");
}

static void print_option(char letter, const char *name, const char *argument, const char *help) {
    enum { INDENT = 28 };
    const char both[] = {'-', letter, ',', ' ', 0};
    unsigned column = (unsigned)printf("  %s--%s%s%s", letter != 0 ? both : "", name, argument != NULL ? " " : "",
                                       argument != NULL ? argument : "");
    if (column + 2 > INDENT) {
        printf("\n");
        column = 0;
    }
    printf("%*s", (int)(INDENT - column), "");
    print_wrapped(help, INDENT);
}

static void print_help(const cli_usage *usage) {
    printf("Usage: gradsmith %s %s\n\n%s\n\nOptions:\n", usage->command, usage->synopsis, usage->text);
    for (const cli_option *option = usage->options; option->name != NULL; option++)
        print_option(option->letter, option->name, option->argument, option->help);
    print_option(0, "help", NULL, "show this and end");
    if (usage->examples != NULL) printf("\nExamples:\n%s", usage->examples);
}

static int read_integer(const cli_usage *usage, const cli_option *option, const char *text) {
    errno = 0;
    uint64_t value = 0;
    // Digits only: strtoull itself would take "-1", " 1" and "1x".
    bool good = text[0] != 0 && strspn(text, "0123456789") == strlen(text);
    if (good) value = strtoull(text, NULL, 10);
    if (!good || errno != 0 || value < option->minimum || value > option->maximum)
        return cli_misuse(usage->command, "--%s: expected an integer from %" PRIu64 " to %" PRIu64 ", found \"%s\"",
                          option->name, option->minimum, option->maximum, text);
    *option->integer = value;
    return CLI_GO_ON;
}

static int read_real(const cli_usage *usage, const cli_option *option, const char *text) {
    char *end, range[80] = "";
    double value = strtod(text, &end);
    bool good = end != text && *end == 0 && strspn(text, " \t") == 0 && isfinite(value);
    good = good && (option->above ? value > option->low : value >= option->low);
    good = good && (option->below ? value < option->high : value <= option->high);
    // What is not 0 here must not become 0, which means the default, as a float.
    good = good && (value == 0 || fabs(value) >= 1e-37);
    if (option->high < FLT_MAX) snprintf(range, sizeof range, " to %s%g", option->below ? "below " : "", option->high);
    if (!good)
        return cli_misuse(usage->command, "--%s: expected a number %s %g%s, found \"%s\"", option->name,
                          option->above ? "above" : "from", option->low, range, text);
    *option->real = value;
    return CLI_GO_ON;
}

static int set_option(const cli_usage *usage, const cli_option *option, const char *value) {
    if (option->integer != NULL) return read_integer(usage, option, value);
    if (option->real != NULL) return read_real(usage, option, value);
    if (option->flag != NULL) {
        *option->flag = !option->clears;
        return CLI_GO_ON;
    }
    if (value[0] == 0)
        return cli_misuse(usage->command, "--%s: expected %s, found \"\"", option->name, option->argument);
    *option->text = value;
    return CLI_GO_ON;
}

// What getopt_long found wrong with `word`, an element of the command line.
static int report(const cli_usage *usage, const char *word, const cli_option *needs_value) {
    if (needs_value != NULL)
        return cli_misuse(usage->command, "--%s needs a value: --%s %s", needs_value->name, needs_value->name,
                          needs_value->argument);
    const char *names[MAX_OPTIONS + 2];
    unsigned count = 0;
    for (const cli_option *option = usage->options; option->name != NULL; option++) names[count++] = option->name;
    names[count++] = "help";
    names[count] = NULL;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *bare = name + strspn(name, "-");
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(names[i], bare) == 0 && strncmp(word, "--", 2) == 0)
            return cli_misuse(usage->command, "--%s takes no value, found \"%s\"", bare, word);
    }
    const char *closest = cli_closest(bare, names);
    if (closest != NULL) return cli_misuse(usage->command, "unknown option \"%s\"; did you mean --%s?", name, closest);
    return cli_misuse(usage->command, "unknown option \"%s\"", name);
}

// getopt_long takes a unique beginning for the whole name; a script that relies on it breaks with the next option.
static int check_whole(const cli_usage *usage, const cli_option *option, char **argv) {
    const char *word = argv[optind - 1];
    if (option->argument != NULL && word == optarg) word = argv[optind - 2];
    word += strspn(word, "-");
    size_t length = strcspn(word, "=");
    if (strlen(option->name) == length) return CLI_GO_ON;
    return cli_misuse(usage->command, "unknown option \"--%.*s\"; did you mean --%s?", (int)length, word, option->name);
}

static int take_operand(const cli_usage *usage, int argc, char **argv) {
    if (usage->operands != NULL) {
        *usage->operands = argv + optind;
        *usage->operand_count = argc - optind;
        return CLI_GO_ON;
    }
    if (usage->operand != NULL && optind < argc) {
        *usage->operand = argv[optind++];
        if ((*usage->operand)[0] == 0)
            return cli_misuse(usage->command, "expected %s, found \"\"", usage->operand_name);
    }
    if (optind < argc)
        return cli_misuse(usage->command, "unexpected argument \"%s\"%s%s", argv[optind],
                          usage->operand != NULL ? ": there already is a " : "",
                          usage->operand != NULL ? usage->operand_name : "");
    return CLI_GO_ON;
}

static bool is_alone_with(const cli_usage *usage, const char *name) {
    if (strcmp(name, usage->alone) == 0) return true;
    for (const char *const *other = usage->alone_with; *other != NULL; other++)
        if (strcmp(name, *other) == 0) return true;
    return false;
}

static int check_alone(const cli_usage *usage, const bool *given) {
    bool is_given = false;
    const cli_option *other = NULL;
    for (int i = 0; usage->alone != NULL && usage->options[i].name != NULL && i < MAX_OPTIONS; i++) {
        if (!given[i]) continue;
        if (strcmp(usage->options[i].name, usage->alone) == 0) is_given = true;
        if (!is_alone_with(usage, usage->options[i].name)) other = &usage->options[i];
    }
    if (is_given && other != NULL)
        return cli_misuse(usage->command, "--%s knows all settings of the training: leave out --%s", usage->alone,
                          other->name);
    if (is_given && usage->operand != NULL && *usage->operand != NULL)
        return cli_misuse(usage->command, "--%s knows all settings of the training: leave out %s \"%s\"", usage->alone,
                          usage->operand_name, *usage->operand);
    return CLI_GO_ON;
}

// Of what getopt_long found: a letter, or a place and FIRST.
static int place_of(const cli_usage *usage, int found) {
    int place = 0;
    if (found >= FIRST) return found - FIRST;
    while (usage->options[place].letter != found) place++;
    return place;
}

int cli_parse(const cli_usage *usage, int argc, char **argv) {
    bool given[MAX_OPTIONS] = {0};
    struct option longs[MAX_OPTIONS + 2] = {0};
    char letters[MAX_OPTIONS * 2 + 3] = ":h"; // the colon: what lacks a value is told apart
    size_t used = 2;
    int count = 0;
    for (; usage->options[count].name != NULL && count < MAX_OPTIONS; count++) {
        const cli_option *option = &usage->options[count];
        int has_value = option->argument != NULL ? required_argument : no_argument;
        longs[count] = (struct option){option->name, has_value, NULL, FIRST + count};
        if (option->letter == 0) continue;
        letters[used++] = option->letter;
        if (option->argument != NULL) letters[used++] = ':';
    }
    longs[count] = (struct option){"help", no_argument, NULL, HELP};
    opterr = 0; // the messages are ours
    optind = 1;
    int found;
    while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (found == HELP || found == 'h') {
            print_help(usage);
            return CLI_OK;
        }
        if (found == ':') return report(usage, NULL, &usage->options[place_of(usage, optopt)]);
        if (found == '?') {
            char letter[] = {'-', (char)optopt, 0};
            return report(usage, optopt > 0 && optopt < FIRST ? letter : argv[optind - 1], NULL);
        }
        const int place = place_of(usage, found);
        const cli_option *option = &usage->options[place];
        given[place] = true;
        int code = found < FIRST ? CLI_GO_ON : check_whole(usage, option, argv);
        if (code == CLI_GO_ON) code = set_option(usage, option, optarg);
        if (code != CLI_GO_ON) return code;
    }
    int code = take_operand(usage, argc, argv);
    return code == CLI_GO_ON ? check_alone(usage, given) : code;
}
