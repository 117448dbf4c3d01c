// Options of train that say how files become samples, and the recipe in a run's folder.
#ifndef GS_CLI_RECIPE_H
#define GS_CLI_RECIPE_H

#include "cli.h"

typedef struct cli_recipe {
    const char *label, *label_as, *categorical, *ignore, *delimiter, *missing; // NULL: not given
    const char *image_size, *channels, *scale, *split;
    bool no_header, one_hot;
    double test_split;
} cli_recipe;

// Words to values, before anything is opened; prints what is wrong with the command line. What is not given keeps what
// *params has.
int cli_recipe_parse(const cli_recipe *options, gs_recipe_params *params);
// Whether this data, or these options, ask for a recipe.
bool cli_recipe_is_needed(const cli_recipe *options, const gs_recipe_params *params, const char *spec);

// DIR/data.json: writes the recipe, or takes away that of an older run when it is NULL.
int cli_recipe_save(gs_context *context, const gs_recipe *recipe, const char *dir);
// Loads data by DIR/data.json where there is one. `part`: all, train, validation or test.
int cli_recipe_load(gs_context *context, const char *dir, const char *spec, const char *data_dir, const char *part,
                    gs_data **data);
// Samples for predict, likewise.
int cli_recipe_load_input(gs_context *context, const char *dir, const char *path, const gs_shape *sample_shape,
                          gs_data **data);

#endif
