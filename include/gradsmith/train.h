// Training, evaluation, prediction: Keras's fit, evaluate, predict.
#ifndef GRADSMITH_TRAIN_H
#define GRADSMITH_TRAIN_H

#include <gradsmith/augment.h>
#include <gradsmith/data.h>
#include <gradsmith/model.h>

#ifdef __cplusplus
extern "C" {
#endif

// Loss and metrics over some samples. Loss includes penalties (regularizers), as Keras reports it.
typedef struct gs_result {
    double loss;
    double metrics[GS_MAX_METRICS]; // as compiled
    uint32_t metric_count;
    const char *metric_names[GS_MAX_METRICS]; // "accuracy", ...; static strings
    uint64_t sample_count;
    double seconds;
} gs_result;

typedef enum gs_event_kind { GS_EVENT_PROGRESS, GS_EVENT_EPOCH } gs_event_kind;

typedef struct gs_event {
    gs_event_kind kind;
    uint32_t epoch; // from 0
    uint32_t epochs;
    uint64_t step, steps; // finished in this epoch, of
    uint64_t total_step;  // finished since the first fit
    gs_result train;      // PROGRESS: so far in this epoch
    bool has_validation;  // EPOCH only
    gs_result validation;
    double samples_per_second; // training only, without validation
    double learning_rate;      // of the last step
    bool streamed;             // the data set does not fit in device memory: batches are sent as they are needed
    bool past;                 // EPOCH only: told again of a training that goes on, from its checkpoint; ends nothing
    const double *step_losses; // PROGRESS: loss of each step since the last event, in order; borrowed for the call
    uint32_t step_loss_count;
} gs_event;

// Returns false to stop after the steps already submitted: fit then returns GS_STOPPED, with the model as trained so
// far. Must not call into the model.
typedef bool gs_event_hook(void *user, const gs_event *event);

typedef struct gs_callback gs_callback; // callback.h

// Checkpoints: from time to time all that a training needs to go on to the bit, in one file, DIR/step-NNNNNNNNNNNN.safetensors
// (docs/file-formats.md): weights, optimizer state, position, schedule, callbacks' state, history. Kept without stopping
// the training: the device copies between two steps, another thread writes. What is due while the last one is still being
// written is left out. The last state of a training that ends without an error is always written.
typedef struct gs_checkpoint_params {
    const char *dir; // required; made when missing. One training at a time: see gs_folder_lock
    // When: after so many epochs, steps, minutes, whichever of them are above 0; none: each epoch.
    uint32_t every_epochs;
    uint64_t every_steps;
    double every_minutes;
    uint32_t keep; // the newest so many; 0: 3
    // Called once the folder is a new training's: what was there is gone, no step is done. A failure ends the training. May
    // be NULL.
    gs_status (*begun)(void *user);
    // A checkpoint could not be written (a full disk): the training goes on all the same. On the thread of fit. NULL: fit
    // returns GS_ERR_FILE at its end, with the model as trained.
    void (*failed)(void *user, const char *text);
    void *user;
} gs_checkpoint_params;

// What is done about a step whose loss or gradients are not finite. In each case it is said, with what made the first such
// value where a repetition on the host finds it.
typedef enum gs_nan_policy {
    GS_NAN_STOP, // fit ends with GS_ERR_NAN
    GS_NAN_SKIP, // the device leaves out the update of such a step; its loss does not count. GS_ERR_NAN after nan_limit
                 // steps in a row, and where only the loss is not finite
    GS_NAN_RESTORE, // weights and optimizer state go back to a copy, made at the beginning of each epoch and every 1000
                    // steps, the learning rate is multiplied by nan_factor, and the training goes on with the data to
                    // come. GS_ERR_NAN after nan_limit times
} gs_nan_policy;

typedef struct gs_fit_params {
    uint32_t epochs;     // 0: 1
    uint32_t batch_size; // 0: 32. The last batch of an epoch may hold fewer samples
    bool no_shuffle;     // default: another order each epoch
    uint64_t seed;       // of shuffling and dropout; the same seed gives the same bits
    const gs_data *validation;
    double validation_split; // 0 <= x < 1: that share of the data, from its end, is validation; not with `validation`
    uint64_t max_steps;      // stop after so many steps in all; 0: no limit
    // The loss and the gradient of a sample are multiplied by its weight; the mean is over all samples all the same, as in
    // Keras. Metrics are not weighted. Finite, >= 0. Either for each sample of the data (those of a validation_split
    // included), or for each class (of training only).
    const float *sample_weight;
    uint64_t sample_weight_count;
    const float *class_weight;
    uint32_t class_weight_count;
    gs_event_hook *callback; // may be NULL
    void *user;
    gs_callback *const *callbacks; // borrowed; see callback.h
    uint32_t callback_count;
    const gs_checkpoint_params *checkpoints; // NULL: none are written
    // Goes on where a checkpoint was made, up to `epochs` and `max_steps` in all: a file, or a folder of checkpoints, of
    // which the newest that is whole is taken, and notes name those that are not. A folder without checkpoints, or that is
    // not there: from the start. NULL: from the start. What must be as it was: the model, optimizer, data, batch size, seed,
    // callbacks, precision.
    const char *resume;
    gs_nan_policy on_nan;
    double nan_factor;         // above 0, below 1; 0: 0.5
    uint32_t nan_limit;        // 0: 10
    const volatile int *stop;  // polled between submissions; nonzero stops as a callback's false does. May be NULL
    bool profile;              // time each kernel; see gs_model_profile. Slower
    const gs_augment *augment; // random changes to the samples; may be NULL
} gs_fit_params;

// Trains. A model that was not compiled is compiled with defaults. Opens the context's device at first use.
// `result` (may be NULL) receives the last epoch's figures.
// Errors: GS_ERR_ARGUMENT (shapes that do not fit, class index beyond the output, bad parameters),
// GS_ERR_DEVICE_MEMORY, GS_ERR_DEVICE_LOST, GS_ERR_NAN (loss not finite; names the step, and what made the first value
// that is not finite, where a repetition on the host finds it), GS_STOPPED.
// Cost: the first call records the plan and compiles its kernels.
GS_API gs_status gs_model_fit(gs_model *model, const gs_data *data, const gs_fit_params *params, gs_result *result);

// Loss and metrics without dropout and without update. batch_size 0: 256.
GS_API gs_status gs_model_evaluate(gs_model *model, const gs_data *data, uint32_t batch_size, gs_result *result);
// The same, the loss of each sample multiplied by its weight; the mean is over all samples all the same, and metrics are
// not weighted. As many weights as samples, finite, >= 0. Errors: GS_ERR_ARGUMENT; GS_ERR_UNSUPPORTED (data from a callback).
GS_API gs_status gs_model_evaluate_weighted(gs_model *model, const gs_data *data, uint32_t batch_size,
                                            const float *sample_weight, uint64_t sample_weight_count,
                                            gs_result *result);

// How often samples of each class were taken for which: counts of (target, prediction), row-major, into `matrix` of
// class_count x class_count. class_count: size of the output's last axis. batch_size 0: 256. Errors: as evaluate.
GS_API gs_status gs_model_confusion(gs_model *model, const gs_data *data, uint32_t batch_size, uint64_t *matrix,
                                    uint32_t class_count);

// Outputs of the last layer for every sample: (count, output shape) float32, row-major, into `y`, whose size must be
// `y_count` = count * elements of the output. batch_size 0: 256. softmax: applies a softmax over the last axis.
typedef struct gs_predict_params {
    uint32_t batch_size;
    bool softmax;
} gs_predict_params;
GS_API gs_status gs_model_predict(gs_model *model, const gs_data *data, const gs_predict_params *params, float *y,
                                  uint64_t y_count);

// One kernel of a training step, from timestamps of the last fit with profile.
typedef struct gs_profile_entry {
    char name[96];           // "dense matmul backward"
    double median_ns, share; // share of the step's sum
    uint64_t bytes;          // read and written at the least
} gs_profile_entry;
// Writes at most `capacity` entries in the order of the step; *count is how many there are.
GS_API gs_status gs_model_profile(gs_model *model, gs_profile_entry *entries, uint32_t capacity, uint32_t *count);

// A training step as it is recorded for the context's device: what runs in which order, and where tensors lie.
enum { GS_PLAN_MAX_ACCESSES = 24 };

// An allocation of device memory, or of host memory that the device writes to.
typedef struct gs_plan_memory {
    const char *name; // "parameters", "optimizer state", "arena", "data" (of one batch), "read-back"; static
    uint64_t bytes;
} gs_plan_memory;

typedef struct gs_plan_value {
    char name[96];   // "dense/kernel", "dense/matmul" (a result), "d dense/matmul" (its gradient)
    const char *use; // "activation", "parameter", "gradient", "optimizer state", "samples", ...; static
    gs_shape shape;  // rank 0: no tensor (the State)
    gs_dtype dtype;
    uint32_t memory; // index of its allocation
    uint64_t offset; // bytes, in the allocation
    uint64_t bytes;
    uint32_t first, last; // dispatches that use it
} gs_plan_value;

typedef struct gs_plan_access {
    uint32_t value; // index
    bool reads, writes;
    uint64_t offset, bytes; // of the part that is used, in the allocation
} gs_plan_access;

typedef struct gs_plan_dispatch {
    char layer[96];          // empty: none
    const char *op, *kernel; // static
    bool backward;
    bool barrier; // stands before it; each step begins with one, too
    uint32_t groups[3];
    uint32_t access_count;
    gs_plan_access accesses[GS_PLAN_MAX_ACCESSES];
} gs_plan_dispatch;

typedef struct gs_plan {
    gs_device_info device;
    uint32_t batch_size;
    uint32_t dispatch_count, value_count, memory_count;
    const gs_plan_dispatch *dispatches;
    const gs_plan_value *values; // by allocation and offset
    const gs_plan_memory *memory;
    uint64_t activation_bytes;            // of the arena
    uint64_t unshared_activation_bytes;   // if no two shared memory
    uint64_t gradient_bytes, state_bytes; // the rest of the arena
} gs_plan;

// Opens the device, and records for samples of float32. The caller destroys it. A model without parameters gets the plan
// of an evaluation. Errors: as gs_model_fit.
GS_API gs_status gs_model_plan(gs_model *model, uint32_t batch_size, gs_plan **plan);
GS_API void gs_plan_destroy(gs_plan **plan);

#ifdef __cplusplus
}
#endif
#endif
