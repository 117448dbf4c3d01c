// gradsmith: the program.
#include "cli.h"
#include <errno.h>
#include <locale.h>
#include <string.h>

static const struct {
    const char *name, *summary;
    cli_main *run;
} commands[] = {
    {"devices", "list the Vulkan devices and say which one is used", cli_devices},
    {"summary", "show a model's layers, parameters and memory", cli_summary},
    {"train", "train a model on a data set", cli_train},
    {"evaluate", "loss and accuracy of a trained model on a data set", cli_evaluate},
    {"predict", "what a trained model says about an image or an array", cli_predict},
    {"plot", "draw a training: curves, confusion matrix, filters", cli_plot},
    {"protect", "encrypt a model", cli_protect},
    {"unprotect", "decrypt a model", cli_unprotect},
    {"rekey", "encrypt a model with another key", cli_rekey},
    {"sign", "sign the files of a model", cli_sign},
    {"verify", "whether the files of a model are as they were signed", cli_verify},
    {"keygen", "make a key", cli_keygen},
    {"bench", "measure the device: peaks, matrix products, training", cli_bench},
    {"report", "merge and compare what bench measured, on one page", cli_report},
    {"doctor", "examine every device: driver, features, right results", cli_doctor},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int print_help(FILE *file) {
    fprintf(file, "gradsmith trains neural networks on any GPU that has a Vulkan driver.\n\n"
                  "Usage: gradsmith COMMAND [OPTION...]\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) fprintf(file, "  %-10s%s\n", commands[i].name, commands[i].summary);
    fprintf(file, "  %-10s%s\n", "help", "help on a command: gradsmith help train");
    fprintf(file, "\nOptions:\n"
                  "  --help      show this and end\n"
                  "  --version   show the version and end\n"
                  "\nEnvironment:\n"
                  "  GRADSMITH_DEVICE    the device to use: auto, an index, or a part of its name\n"
                  "  GRADSMITH_DATA_DIR  where data sets are, as --data-dir\n"
                  "  GRADSMITH_PASSPHRASE_FILE  where the passphrase of a protected model is\n"
                  "  GRADSMITH_VALIDATE  1: run under the Vulkan validation layers\n"
                  "  NO_COLOR            set: no colours\n"
                  "More of them, for caches, kernels and memory, are in docs/troubleshooting.md.\n"
                  "\nExit codes: 0 done, 1 failed, 2 the command line is wrong, 130 stopped by Ctrl-C.\n"
                  "\nExample: train on Fashion-MNIST (Debian package dataset-fashion-mnist), then test:\n"
                  "  gradsmith train --layers \"784 dense:64:relu dropout:0.2 dense:10\" \\\n"
                  "      --data fashion-mnist --epochs 5 --out runs/first\n"
                  "  gradsmith evaluate runs/first --data fashion-mnist:test\n");
    return CLI_OK;
}

static int unknown(const char *word) {
    const char *names[COMMAND_COUNT + 2] = {0};
    for (size_t i = 0; i < COMMAND_COUNT; i++) names[i] = commands[i].name;
    names[COMMAND_COUNT] = "help";
    const char *closest = cli_closest(word, names);
    const char *what = word[0] == '-' ? "option" : "command";
    if (closest != NULL) return cli_misuse(NULL, "unknown %s \"%s\"; did you mean \"%s\"?", what, word, closest);
    return cli_misuse(NULL, "unknown %s \"%s\"", what, word);
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0) {
        const char *sodium = gs_protect_version();
        printf("gradsmith %s\n", GRADSMITH_VERSION);
        if (sodium != NULL) printf("protected models: libsodium %s\n", sodium);
        else printf("protected models: not in this build (libsodium-dev)\n");
        return CLI_OK;
    }
    bool help = strcmp(word, "help") == 0;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (help && argc == 2)) return print_help(stdout);
    if (help) word = argv[2];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(word, commands[i].name) != 0) continue;
        if (!help) return commands[i].run(argc - 1, argv + 1);
        char option[] = "--help";
        return commands[i].run(2, (char *[]){argv[2], option, NULL});
    }
    return unknown(word);
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, ""); // for UTF-8; numbers keep their points
    int code = dispatch(argc, argv);
    const char *problem = NULL;
    if (fflush(stdout) != 0) problem = strerror(errno);
    else if (ferror(stdout) != 0) problem = "cannot be written"; // an earlier write; its errno is gone
    if (problem != NULL && code == CLI_OK) code = cli_fail("standard output: %s", problem);
    return code;
}
