// Options of train.
#ifndef GS_CLI_TRAIN_H
#define GS_CLI_TRAIN_H

#include "compile.h"
#include "key.h"
#include "recipe.h"

#define NO_EARLY_STOPPING UINT64_MAX

typedef struct train_options {
    const char *model, *layers, *data, *data_dir, *validation_data, *augment, *init, *weights, *freeze, *out, *log,
        *device, *plateau, *class_weight;
    uint64_t epochs, batch_size, seed, max_steps;
    double validation_split;
    bool no_shuffle, no_autotune, no_plots, quiet, profile;
    cli_compile compile;
    cli_recipe recipe;
    const char *resume; // a run's folder; NULL: a new training
    char *resume_file;  // what it holds; owned
    uint64_t checkpoint_steps, keep;
    double checkpoint_minutes;
    const char *on_nan;                  // NULL: not given
    const char *save_best, *tensorboard; // callbacks
    uint64_t early_stopping;             // patience, or NO_EARLY_STOPPING
    gs_experiment *experiment;           // NULL: MODEL is none
    gs_context *loader;                  // that the experiment was loaded with
    bool encrypt;                        // what is written of the model; so is what was made of an encrypted one
    cli_key wish;                        // where the key comes from
    gs_key *key;                         // NULL: neither is anything read encrypted, nor written
} train_options;

// What fine-tuning does to a new model: weights of those layers that the file has (NULL: none), layers that are not trained
// ("a,b*"; NULL: none), Normalization layers that have no numbers yet get those of the data. Says what it did unless quiet.
// Returns the exit code.
int cli_fine_tune(gs_context *context, gs_model *model, const gs_data *data, const train_options *options);

// As cli_parse. What is not given keeps what it has.
int cli_train_parse(int argc, char **argv, train_options *options);

// FACTOR[:PATIENCE[:MIN]] of --reduce-on-plateau.
int cli_plateau_parse(const char *text, gs_reduce_lr_on_plateau_params *plateau);

// Where something that is read is encrypted, or `encrypt` is wanted: gets the key, for the loader, which it makes, too.
int cli_train_unlock(train_options *options);
// What a context of this training reads and writes.
int cli_train_use_key(const train_options *options, gs_context *context);

// stop, skip or restore[:FACTOR] of --on-nan.
int cli_on_nan_parse(const char *text, gs_nan_policy *policy, double *factor);

// When the operand is an experiment: loads it, and parses the command line again on top of it.
int cli_experiment_open(train_options *options, int argc, char **argv);
void cli_experiment_close(train_options *options);
// Once the model is compiled: the callbacks, and the experiment in the run's folder, under a name that is not yet its own.
// *made is to be destroyed after the training.
int cli_experiment_prepare(const train_options *options, const gs_recipe_params *recipe, gs_context *context,
                           gs_model *model, gs_experiment **made, gs_callback *const **callbacks, uint32_t *count);
// Gives it its name, or takes it away.
int cli_experiment_finish(const char *dir, bool keep);

#endif
