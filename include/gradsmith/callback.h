// Callbacks: what happens during a training beside the training. Semantics and defaults are those of Keras 3.
//
//     gs_callback *stop;
//     gs_early_stopping_create(context, &(gs_early_stopping_params){.patience = 3, .restore_best_weights = true}, &stop);
//     gs_model_fit(model, data, &(gs_fit_params){.epochs = 50, .validation = test, .callbacks = &stop,
//                                                .callback_count = 1}, NULL);
//     gs_callback_destroy(&stop);
//
// One of your own is a gs_callback filled in by hand: Keras's LambdaCallback.
#ifndef GRADSMITH_CALLBACK_H
#define GRADSMITH_CALLBACK_H

#include <gradsmith/train.h>

#ifdef __cplusplus
extern "C" {
#endif

// A training under way; lives during the call of gs_model_fit.
typedef struct gs_training gs_training;

// A hook that returns something else than GS_OK ends the training with that status; gs_training_fail gives the message.
// Hooks are called on the thread that called gs_model_fit, callbacks in their order. A hook that is NULL is not called.
// During `steps` the device is at work: that hook must neither touch the model nor set the learning rate. All others
// may read and write weights, save, evaluate and predict. None may compile, fit or destroy the model.
struct gs_callback {
    const char *name; // for messages; NULL: "callback"
    void *user;
    gs_status (*train_begin)(void *user, gs_training *training);
    gs_status (*epoch_begin)(void *user, gs_training *training);
    // After each submission, so for many steps at once: event->step_losses has them all.
    gs_status (*steps)(void *user, gs_training *training, const gs_event *event);
    // After every `interval` steps, counted since the first fit (event->total_step). Costs a wait for the device.
    gs_status (*at_step)(void *user, gs_training *training, const gs_event *event);
    uint64_t interval;
    gs_status (*epoch_end)(void *user, gs_training *training, const gs_event *event);
    // Whenever train_begin was called, also after a failure; outcome: what fit is about to return.
    gs_status (*train_end)(void *user, gs_training *training, gs_status outcome);
    // What a checkpoint keeps of the callback, and a resumed training gives back to it after train_begin. Borrowed.
    double *state;
    uint32_t state_count;
    // Where not NULL at the end of train_begin: a copy of all parameters, each after the other, kept likewise.
    float *weights;
    void (*destroy)(void *user); // called by gs_callback_destroy; NULL: nothing to free
};

// Destroys what one of the functions below made. Takes a pointer to NULL.
GS_API void gs_callback_destroy(gs_callback **callback);

// --- for hooks -----------------------------------------------------------------------------------------------------
typedef struct gs_training_info {
    uint32_t epoch, first_epoch, epochs; // from 0; first_epoch: above 0 when resumed
    uint64_t steps;                      // of an epoch
    uint64_t total_step;                 // finished since the first fit
    uint32_t batch_size;
    bool has_validation, resumed;
    uint32_t metric_count;
    const char *metric_names[GS_MAX_METRICS]; // static
} gs_training_info;
GS_API void gs_training_get_info(const gs_training *training, gs_training_info *info);

GS_API gs_model *gs_training_model(gs_training *training);

// Ends the training: fit returns GS_OK as if this epoch had been the last one. In `steps` and at_step the epoch is cut
// short. `reason` is shown as a note; NULL: none.
GS_API void gs_training_stop(gs_training *training, const char *reason);

// A note to whoever runs the training (gs_context_params.note).
GS_API void gs_training_note(gs_training *training, const char *text);

// Records a message, "NAME: TEXT", and returns `status`, for the hook to return.
GS_API gs_status gs_training_fail(gs_training *training, gs_status status, const char *text);

// The rate of the coming step, and another one from there on. Errors: GS_ERR_ARGUMENT (not above 0, within `steps`, set
// where the optimizer has a schedule).
GS_API gs_status gs_training_get_learning_rate(gs_training *training, double *rate);
GS_API gs_status gs_training_set_learning_rate(gs_training *training, double rate);

// "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate" ...: false when the event has no such value.
GS_API bool gs_event_value(const gs_event *event, const char *name, double *value);

// --- monitors ------------------------------------------------------------------------------------------------------
// AUTO: the greater the better for metrics such as accuracy, AUC, precision; the less the better for the rest.
typedef enum gs_monitor_mode { GS_MONITOR_AUTO, GS_MONITOR_MIN, GS_MONITOR_MAX } gs_monitor_mode;

// Does `monitor` get better as it grows?
GS_API bool gs_monitor_rises(const char *monitor, gs_monitor_mode mode);

// --- callbacks that come with the library --------------------------------------------------------------------------
// Params may be NULL for defaults, and are copied. Errors of all: GS_ERR_ARGUMENT, GS_ERR_MEMORY. When the monitored
// value does not exist, fit fails at the end of its first epoch and lists those that do.

// Stops when the monitored value has not improved for `patience` epochs.
typedef struct gs_early_stopping_params {
    const char *monitor; // NULL: "val_loss"
    double min_delta;    // a smaller change is no improvement
    uint32_t patience;   // 0: at the first epoch without improvement
    gs_monitor_mode mode;
    bool has_baseline;
    double baseline; // patience counts until this is beaten, too
    bool restore_best_weights;
    uint32_t start_from_epoch; // earlier epochs are not looked at
} gs_early_stopping_params;
GS_API gs_status gs_early_stopping_create(gs_context *context, const gs_early_stopping_params *params,
                                          gs_callback **callback);

// Multiplies the learning rate by `factor` when the monitored value has not improved for `patience` epochs. The optimizer
// keeps the new rate (gs_model_get_compile, the model's file). Not with a schedule.
typedef struct gs_reduce_lr_on_plateau_params {
    const char *monitor; // NULL: "val_loss"
    double factor;       // above 0, below 1; 0: 0.1
    uint32_t patience;   // 0: 10
    gs_monitor_mode mode;
    double min_delta;  // a smaller change is no improvement; >= 0; 0: 0.0001; negative: 0
    uint32_t cooldown; // epochs after a reduction that do not count
    double min_lr;     // >= 0
} gs_reduce_lr_on_plateau_params;
GS_API gs_status gs_reduce_lr_on_plateau_create(gs_context *context, const gs_reduce_lr_on_plateau_params *params,
                                                gs_callback **callback);

// Saves the model during the training.
typedef struct gs_model_checkpoint_params {
    // Required. A folder as gs_model_save writes it, or the weights alone when it ends in .safetensors. {epoch} (from
    // 1), {step} and {NAME} of a value are replaced; formats as in {epoch:02d} and {val_loss:.3f}.
    const char *path;
    const char *monitor; // of save_best_only; NULL: "val_loss"
    gs_monitor_mode mode;
    bool save_best_only;
    bool has_threshold;
    double threshold;      // save_best_only: from the first epoch on, only what is better than this
    uint32_t every_epochs; // 0: 1
    uint64_t every_steps;  // in its place, at steps; not with save_best_only
} gs_model_checkpoint_params;
GS_API gs_status gs_model_checkpoint_create(gs_context *context, const gs_model_checkpoint_params *params,
                                            gs_callback **callback);

// One line an epoch (RFC 4180), header first.
typedef struct gs_csv_logger_params {
    const char *path; // required
    char separator;   // 0: ','
    // Goes on with a file that has the same header; rows of epochs that are run again go. A resumed training always does.
    bool append;
} gs_csv_logger_params;
GS_API gs_status gs_csv_logger_create(gs_context *context, const gs_csv_logger_params *params, gs_callback **callback);

// Event files for TensorBoard: DIR/train and DIR/validation, with epoch_loss, epoch_METRIC, epoch_learning_rate.
typedef struct gs_tensorboard_params {
    const char *dir;          // required
    uint32_t histogram_every; // epochs between histograms of all parameters; 0: none
    uint64_t scalar_every;    // steps between values of batch_loss; 0: none
} gs_tensorboard_params;
GS_API gs_status gs_tensorboard_create(gs_context *context, const gs_tensorboard_params *params,
                                       gs_callback **callback);

#ifdef __cplusplus
}
#endif
#endif
