// Experiments: a whole training in one JSON file. docs/experiment.md describes it, assets/experiment.schema.json is for
// editors.
//
//     gs_experiment_load(context, "experiment.json", &e);
//     gs_data_load(context, e->data, e->data_dir, &data);
//     gs_experiment_make_model(context, e, &model);
//     gs_experiment_make_callbacks(context, e, "runs/mine", &callbacks, &count);
//     gs_model_fit(model, data, &(gs_fit_params){.epochs = (uint32_t)e->epochs, .callbacks = callbacks, ...}, NULL);
//     gs_experiment_save(context, e, model, "runs/mine/experiment.json");
#ifndef GRADSMITH_EXPERIMENT_H
#define GRADSMITH_EXPERIMENT_H

#include <gradsmith/augment.h>
#include <gradsmith/callback.h>
#include <gradsmith/recipe.h>

#ifdef __cplusplus
extern "C" {
#endif

// What an experiment says; may be changed. Strings are borrowed: those of the file live as long as the experiment, those
// that a caller puts here must live as long, too.
typedef struct gs_experiment {
    // The model: one of the three, looked at in this order.
    const char *layers;                            // short form
    const char *model;                             // path of a Keras JSON file, or of a folder with a model.json
    const char *model_json;                        // in the file itself
    const char *init;                              // first weights, a .safetensors file; NULL: by the seed
    const char *weights;                           // fine-tuning: those that fit, of such a file; not with init
    const char *freeze;                            // layers that are not trained, "dense,conv*"; NULL: none
    const char *precision;                         // "mixed_float16"; NULL: the model's
    const char *data, *data_dir, *validation_data; // as gs_data_load takes them
    double validation_split;
    gs_recipe_params recipe; // how files become samples; validation_share and split_seed: see validation_split and seed
    const char *augment;     // as gs_augment_parse takes it; NULL: none
    const char *class_weight;                     // as --class-weight: "balanced", "0:1,2:5"; NULL: none
    uint64_t epochs, batch_size, seed, max_steps; // max_steps 0: no limit
    bool shuffle;
    uint64_t checkpoint_steps, keep; // as gs_checkpoint_params has them
    double checkpoint_minutes;
    gs_nan_policy on_nan;
    double nan_factor;  // as gs_fit_params has them
    const char *device; // NULL: auto
} gs_experiment;

// An experiment that says nothing: the defaults. Destroyed as one that was loaded.
GS_API gs_status gs_experiment_create(gs_context *context, gs_experiment **experiment);

// Reads a file and checks all of it but the model. A path of a model is relative to the file; paths of data and weights
// are relative to the current folder, as on a command line.
// Errors: GS_ERR_FILE, GS_ERR_FORMAT with the place, as in
//   experiment.json: $.optimizer.learning_rate: expected a number, found "fast"
GS_API gs_status gs_experiment_load(gs_context *context, const char *path, gs_experiment **experiment);
GS_API void gs_experiment_destroy(gs_experiment **experiment);

// The model with its first weights (`init` and `weights` are not read, `freeze` is not done), compiled with the experiment's optimizer, loss and metrics; what
// it leaves open is the model's own.
GS_API gs_status gs_experiment_make_model(gs_context *context, const gs_experiment *experiment, gs_model **model);

// Adds a callback in the form that the file has: {"name": "EarlyStopping", "patience": 3}.
GS_API gs_status gs_experiment_add_callback(gs_context *context, gs_experiment *experiment, const char *json);

// Makes the callbacks: *count of them in *callbacks, owned by the experiment. Their relative paths are in `dir`, the
// run's folder (NULL: the current one).
GS_API gs_status gs_experiment_make_callbacks(gs_context *context, gs_experiment *experiment, const char *dir,
                                              gs_callback *const **callbacks, uint32_t *count);

// Writes it whole, defaults and the model included, so that it repeats the training to the bit on the same device and
// driver. `model`: as compiled; save before fit, which may change the learning rate. Errors: GS_ERR_FILE.
GS_API gs_status gs_experiment_save(gs_context *context, const gs_experiment *experiment, gs_model *model,
                                    const char *path);

#ifdef __cplusplus
}
#endif
#endif
