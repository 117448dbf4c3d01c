// gradsmith train
#include "train.h"
#include "class_weight.h"
#include "cli.h"
#include "interrupt.h"
#include "options.h"
#include "outputs.h"
#include "pictures.h"
#include "profile.h"
#include "progress.h"
#include "resume.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

// All that a training holds; freed by close_training.
struct training {
    const train_options *options;
    gs_context *context;
    gs_model *model;
    gs_data *data, *validation, *test;
    gs_augment augment;
    gs_recipe_params wishes;
    gs_recipe *recipe;             // NULL: the data needs none
    gs_experiment *experiment;     // made here
    gs_callback *const *callbacks; // of the experiment
    uint32_t callback_count;
    gs_compile_params compile;
    float *class_weight; // may be NULL
    uint32_t class_count;
    cli_outputs outputs;
    cli_progress progress;
    const volatile int *stop;
    char *checkpoint_dir;   // NULL: without --out
    bool checkpoint_failed; // one at least
    bool told;              // that the data is streamed
    gs_event last;          // PROGRESS: an epoch that did not end
    uint32_t epochs;        // finished
};

static bool on_event(void *user, const gs_event *event) {
    struct training *training = user;
    if (event->past) {
        training->epochs++;
        return cli_outputs_epoch(&training->outputs, event);
    }
    training->last = *event;
    if (event->streamed && !training->told && !training->options->quiet) {
        cli_progress_clear(&training->progress);
        printf("%-12sstreamed: it does not fit in device memory\n", "Data");
        training->told = true;
    }
    cli_progress_event(&training->progress, event);
    if (event->kind != GS_EVENT_EPOCH) return true;
    training->epochs++;
    return cli_outputs_epoch(&training->outputs, event);
}

static gs_status on_begun(void *user) {
    const struct training *training = user;
    return cli_resume_begun(training->options->out) == CLI_OK ? GS_OK : GS_ERR_FILE;
}

// The training goes on, and the exit code says in the end that something is missing.
static void on_failed_checkpoint(void *user, const char *text) {
    struct training *training = user;
    cli_progress_clear(&training->progress);
    cli_fail("%s", text);
    training->checkpoint_failed = true;
}

// A loss of values is for values, even where they are whole numbers.
static bool wants_values(const gs_model *model) {
    gs_compile_params compile;
    gs_model_get_compile(model, &compile);
    return compile.loss.kind == GS_LOSS_MSE || compile.loss.kind == GS_LOSS_MAE || compile.loss.kind == GS_LOSS_HUBER;
}

static int load_by_recipe(struct training *training) {
    const train_options *options = training->options;
    gs_context *context = training->context;
    gs_data_parts parts = {0};
    gs_recipe_params wishes = training->wishes;
    wishes.validation_share = options->validation_split;
    wishes.split_seed = options->seed;
    if (wishes.label_kind == GS_LABEL_AUTO && wants_values(training->model)) wishes.label_kind = GS_LABEL_VALUE;
    if (gs_recipe_create(context, &wishes, &training->recipe) != GS_OK ||
        gs_recipe_load(context, training->recipe, options->data, options->data_dir, &parts) != GS_OK)
        return cli_fail_context(context, NULL);
    training->data = parts.train;
    training->validation = parts.validation;
    training->test = parts.test;
    if (options->validation_data != NULL && gs_recipe_load_all(context, training->recipe, options->validation_data,
                                                               options->data_dir, &training->validation) != GS_OK)
        return cli_fail_context(context, NULL);
    return CLI_OK;
}

static int load_data(struct training *training) {
    const train_options *options = training->options;
    gs_context *context = training->context;
    if (cli_recipe_is_needed(&options->recipe, &training->wishes, options->data)) return load_by_recipe(training);
    if (gs_data_load(context, options->data, options->data_dir, &training->data) != GS_OK)
        return cli_fail_context(context, NULL);
    if (options->validation_data != NULL &&
        gs_data_load(context, options->validation_data, options->data_dir, &training->validation) != GS_OK)
        return cli_fail_context(context, NULL);
    return CLI_OK;
}

// Callbacks, and what there is for --resume from here on: a training that is killed while its data is read begins again.
static int describe(struct training *training) {
    const train_options *options = training->options;
    int code = cli_experiment_prepare(options, &training->wishes, training->context, training->model,
                                      &training->experiment, &training->callbacks, &training->callback_count);
    if (code != CLI_OK || options->out == NULL || options->resume != NULL) return code;
    const gs_experiment *made = training->experiment;
    return cli_resume_describe(options->out, training->context, made != NULL ? made : options->experiment,
                               training->model);
}

static int open_training(struct training *training) {
    const train_options *options = training->options;
    gs_context *context = training->context;
    int code = CLI_OK;
    if (options->experiment != NULL) {
        if (gs_experiment_make_model(context, options->experiment, &training->model) != GS_OK)
            code = cli_fail_context(context, NULL);
    } else code = cli_open_architecture(context, options->model, options->layers, options->seed, &training->model);
    if (code != CLI_OK) return code;
    code = cli_compile_apply(&options->compile, &training->compile, context, training->model);
    if (code != CLI_OK) return code;
    code = describe(training);
    if (code != CLI_OK) return code;
    if (options->init != NULL && gs_model_load_weights(training->model, options->init) != GS_OK)
        return cli_fail_context(context, options->init);
    code = load_data(training);
    if (code == CLI_OK) code = cli_fine_tune(context, training->model, training->data, options);
    if (code != CLI_OK) return code;
    return cli_class_weight(options->class_weight, training->data, &training->class_weight, &training->class_count);
}

static void close_training(struct training *training) {
    gs_experiment_destroy(&training->experiment);
    free(training->class_weight);
    free(training->checkpoint_dir);
    gs_recipe_destroy(&training->recipe);
    gs_data_destroy(&training->test);
    gs_data_destroy(&training->validation);
    gs_data_destroy(&training->data);
    gs_model_destroy(&training->model);
    gs_context_destroy(&training->context);
}

static void print_data(const char *head, const gs_data *data) {
    gs_data_info info;
    gs_data_get_info(data, &info);
    printf("%-12s%s: %s samples %s", head, cli_clean(info.name, 0).text, cli_group(info.count).text,
           cli_shape(NULL, &info.sample_shape).text);
    if (info.max_class >= 0) printf(", %" PRId64 " classes", info.max_class + 1);
    printf("\n");
}

// What is about to be trained, on what.
static void print_start(const struct training *training, const gs_device_info *device, const char *reason) {
    const train_options *options = training->options;
    if (options->quiet) return;
    gs_model_info model;
    gs_compile_params compile;
    gs_model_get_info(training->model, &model);
    gs_model_get_compile(training->model, &compile);
    printf("%-12s%s: %s parameters\n", "Model", cli_clean(model.name, 0).text, cli_group(model.parameter_count).text);
    print_data("Data", training->data);
    if (training->validation != NULL) print_data("Validation", training->validation);
    if (training->test != NULL) print_data("Test", training->test);
    if (options->validation_split > 0 && training->recipe == NULL)
        printf("%-12sthe last %g %% of the data\n", "Validation", options->validation_split * 100);
    printf("%-12s%s (%s)\n", "Device", cli_clean(device->name, 0).text, reason);
    float rate = compile.optimizer.learning_rate;
    bool scheduled = compile.optimizer.schedule.kind != GS_SCHEDULE_CONSTANT;
    printf("%-12s%" PRIu64 " epoch%s, batch size %" PRIu64 ", %s, learning rate %g%s%s\n", "Training", options->epochs,
           options->epochs == 1 ? "" : "s", options->batch_size, gs_optimizer_name(compile.optimizer.kind),
           rate > 0 ? (double)rate : 0.0, scheduled ? ", " : "",
           scheduled ? gs_schedule_name(compile.optimizer.schedule.kind) : "");
    if (compile.precision != GS_PRECISION_FLOAT32)
        printf("%-12s%s\n", "Precision", gs_precision_name(compile.precision));
    fflush(stdout);
}

// Trains. *saveable: the model is worth writing.
static int fit(struct training *training, bool *saveable) {
    const train_options *options = training->options;
    cli_progress_init(&training->progress, options->quiet,
                      training->validation != NULL || options->validation_split > 0);
    const gs_experiment *experiment = training->experiment != NULL ? training->experiment : options->experiment;
    gs_fit_params params = {
        .on_nan = experiment->on_nan,
        .nan_factor = experiment->nan_factor,
        .epochs = (uint32_t)options->epochs,
        .batch_size = (uint32_t)options->batch_size,
        .no_shuffle = options->no_shuffle,
        .seed = options->seed,
        .validation = training->validation,
        .validation_split = training->recipe == NULL ? options->validation_split : 0,
        .max_steps = options->max_steps,
        .class_weight = training->class_weight,
        .class_weight_count = training->class_count,
        .callback = on_event,
        .user = training,
        .stop = training->stop,
        .profile = options->profile,
        .augment = options->augment != NULL ? &training->augment : NULL,
        .callbacks = training->callbacks,
        .callback_count = training->callback_count,
    };
    gs_result result;
    const gs_checkpoint_params checkpoints = {.dir = training->checkpoint_dir,
                                              .every_steps = options->checkpoint_steps,
                                              .every_minutes = options->checkpoint_minutes,
                                              .keep = (uint32_t)options->keep,
                                              .begun = on_begun,
                                              .failed = on_failed_checkpoint,
                                              .user = training};
    if (options->out != NULL) params.checkpoints = &checkpoints;
    if (options->resume != NULL) params.resume = training->checkpoint_dir;
    cli_progress_start(&training->progress, params.epochs);
    gs_status status = gs_model_fit(training->model, training->data, &params, &result);
    cli_progress_clear(&training->progress);
    *saveable = status == GS_OK || status == GS_STOPPED;
    if (!*saveable) return cli_fail_context(training->context, NULL);
    cli_progress_partial(&training->progress, &training->last);
    if (options->profile && status == GS_OK)
        return cli_profile_print(training->context, training->model, &result, options->batch_size);
    return CLI_OK;
}

static int save(struct training *training) {
    const char *dir = training->options->out;
    if (dir == NULL) return CLI_OK;
    if (gs_model_save(training->model, dir) != GS_OK) return cli_fail_context(training->context, NULL);
    int code = cli_recipe_save(training->context, training->recipe, dir);
    if (code != CLI_OK) return code;
    uint32_t count = 0;
    const char *const *names = gs_data_class_names(training->data, &count);
    code = cli_outputs_classes(&training->outputs, training->context, names, count);
    return code == CLI_OK ? cli_experiment_finish(dir, true) : code;
}

// What the part that was kept for it says of the trained model.
static int test(struct training *training) {
    gs_result result;
    if (training->test == NULL || *training->stop != 0) return CLI_OK;
    if (gs_model_evaluate(training->model, training->test, 0, &result) != GS_OK)
        return cli_fail_context(training->context, NULL);
    if (training->options->quiet) return CLI_OK;
    printf("%-12sloss %.4f", "Test", result.loss);
    for (uint32_t i = 0; i < result.metric_count; i++) printf("  %s %.4f", result.metric_names[i], result.metrics[i]);
    printf("\n");
    return CLI_OK;
}

// Pictures are no reason for a training to fail: what goes wrong has been said.
static bool draw(struct training *training) {
    const train_options *options = training->options;
    if (options->out == NULL || options->no_plots || options->encrypt || // pictures are not encrypted
        training->epochs == 0 || *training->stop != 0)
        return false;
    gs_data_info info;
    gs_data_get_info(training->data, &info);
    const gs_data *validation = training->validation != NULL ? training->validation : training->data;
    uint64_t begin = 0;
    if (training->validation == NULL) begin = (uint64_t)((double)info.count * (1 - options->validation_split));
    bool validates = training->validation != NULL || options->validation_split > 0;
    if (validates) cli_pictures_confusion(training->context, options->out, training->model, validation, begin);
    if (cli_pictures_draw(training->context, options->out, training->model) == CLI_OK) return true;
    cli_note(NULL, "the pictures were not drawn; the training is not affected");
    return false;
}

// The last words, and the exit code when a signal ended the training.
static int conclude(const struct training *training, bool drawn) {
    const char *dir = training->options->out;
    int number = *training->stop;
    if (number != 0) {
        cli_fail("stopped by %s after %" PRIu64 " steps (%" PRIu32 " whole epochs); %s%s%s", cli_interrupt_name(number),
                 training->last.total_step, training->epochs,
                 dir != NULL ? "the model so far is in " : "the model is lost: there was no --out",
                 dir != NULL ? dir : "", dir != NULL ? "; --resume goes on with it" : "");
        return CLI_SIGNAL + number;
    }
    if (training->options->quiet) return CLI_OK;
    if (dir != NULL)
        printf("Saved to %s: model.json, model.safetensors, experiment.json, history.csv, log.jsonl%s%s%s\n", dir,
               training->recipe != NULL ? ", data.json" : "", drawn ? ", report.html" : "",
               training->options->encrypt ? " (encrypted but for the logs)" : "");
    else printf("The model was not saved: --out DIR does that\n");
    return CLI_OK;
}

// The folder is ours before anything is read or written.
static int open_folder(struct training *training) {
    const train_options *options = training->options;
    int code = cli_outputs_open(&training->outputs, training->context, options->out, options->log);
    if (code != CLI_OK || options->out == NULL) return code;
    training->checkpoint_dir = cli_resume_folder(options->out);
    if (training->checkpoint_dir == NULL) code = CLI_FAILED;
    else if (options->resume == NULL) code = cli_resume_check(options->out);
    if (code != CLI_OK) cli_outputs_close(&training->outputs, false);
    return code;
}

static int train_and_save(struct training *training) {
    const train_options *options = training->options;
    gs_device_info device;
    char reason[256];
    bool saveable = false;
    int code = open_training(training);
    if (code == CLI_OK && gs_device_get(training->context, &device, reason, sizeof reason) != GS_OK)
        code = cli_fail_context(training->context, NULL);
    if (code == CLI_OK) {
        print_start(training, &device, reason);
        code = fit(training, &saveable);
    }
    if (saveable) {
        int save_code = save(training);
        if (code == CLI_OK) code = save_code;
        if (code == CLI_OK) code = test(training);
        saveable = save_code == CLI_OK;
    }
    if (!saveable) cli_experiment_finish(options->out, false);
    int end_code = cli_resume_end(options->out, saveable && *training->stop == 0, training->outputs.begun);
    if (code == CLI_OK) code = end_code;
    int close_code = cli_outputs_close(&training->outputs, saveable);
    return code == CLI_OK ? close_code : code;
}

static int run(struct training training) {
    const train_options *options = training.options;
    const gs_context_params params = {
        .device = options->device, .no_autotune = options->no_autotune, .note = options->quiet ? NULL : cli_note};
    if (gs_context_create(&training.context, &params) != GS_OK) return cli_fail("out of memory");
    int code = cli_train_use_key(options, training.context);
    if (code == CLI_OK) code = open_folder(&training);
    if (code == CLI_OK) {
        training.stop = cli_interrupt_begin();
        code = train_and_save(&training);
        bool drawn = code == CLI_OK && draw(&training);
        if (code == CLI_OK) code = conclude(&training, drawn);
        if (code == CLI_OK && training.checkpoint_failed) code = CLI_FAILED;
        cli_interrupt_end();
    }
    gs_folder_unlock(&training.outputs.lock);
    close_training(&training);
    return code;
}

static int check(const train_options *options) {
    if (options->experiment == NULL && (options->model == NULL) == (options->layers == NULL))
        return cli_misuse("train", "expected MODEL or --layers, found %s", options->model == NULL ? "neither" : "both");
    if (options->data == NULL) return cli_misuse("train", "--data is missing: --data fashion-mnist, for one");
    if (options->validation_data != NULL && options->validation_split > 0)
        return cli_misuse("train", "--validation-split and --validation-data exclude each other");
    gs_reduce_lr_on_plateau_params plateau;
    if (options->plateau != NULL && cli_plateau_parse(options->plateau, &plateau) != CLI_OK) return CLI_USAGE;
    gs_nan_policy policy;
    double factor;
    if (options->on_nan != NULL && cli_on_nan_parse(options->on_nan, &policy, &factor) != CLI_OK) return CLI_USAGE;
    if (options->init != NULL && options->weights != NULL)
        return cli_misuse("train", "--init takes all weights from a file, --weights those that fit: leave out one");
    if (options->out == NULL && (options->checkpoint_steps > 0 || options->checkpoint_minutes > 0 || options->keep > 0))
        return cli_misuse("train", "checkpoints are written to the folder of --out, which is missing");
    if (options->quiet && options->profile)
        return cli_misuse("train", "--profile prints a table, --quiet nothing: leave out one");
    return CLI_OK;
}

static int parse_augment(const train_options *options, gs_augment *augment) {
    char message[512];
    if (options->augment == NULL || gs_augment_parse(options->augment, augment, message, sizeof message) == GS_OK)
        return CLI_OK;
    return cli_misuse("train", "--augment: %s", message);
}

int cli_train(int argc, char **argv) {
    train_options options = {.epochs = 1, .batch_size = 32, .compile = CLI_COMPILE_NONE};
    struct training training = {.options = &options};
    int code = cli_train_parse(argc, argv, &options);
    if (code != CLI_GO_ON) return code;
    code = options.resume != NULL ? cli_resume_open(&options) : CLI_GO_ON;
    if (code != CLI_GO_ON) {
        cli_experiment_close(&options);
        return code;
    }
    code = cli_train_unlock(&options);
    if (code == CLI_OK) code = cli_experiment_open(&options, argc, argv);
    if (code == CLI_OK) code = check(&options);
    if (code == CLI_OK) code = cli_class_weight_check(options.class_weight);
    if (code == CLI_OK) code = cli_compile_parse(&options.compile, &training.compile);
    if (code == CLI_OK && options.experiment != NULL) training.wishes = options.experiment->recipe;
    if (code == CLI_OK) code = cli_recipe_parse(&options.recipe, &training.wishes);
    if (code == CLI_OK) code = parse_augment(&options, &training.augment);
    if (code == CLI_OK) code = run(training);
    cli_experiment_close(&options);
    return code;
}
