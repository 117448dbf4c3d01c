// Options of train.
#ifndef GS_CLI_TRAIN_H
#define GS_CLI_TRAIN_H

#include "compile.h"
#include "recipe.h"

typedef struct train_options {
    const char *model, *layers, *data, *data_dir, *validation_data, *augment, *init, *out, *log, *device, *plateau;
    uint64_t epochs, batch_size, seed, max_steps;
    double validation_split;
    bool no_shuffle, no_autotune, quiet, profile;
    cli_compile compile;
    cli_recipe recipe;
} train_options;

// As cli_parse.
int cli_train_parse(int argc, char **argv, train_options *options);

#endif
