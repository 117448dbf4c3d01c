// Inside of a model: its layers and parameters, where the weights are, and the graphs that it builds.
#ifndef GS_MODEL_MODEL_H
#define GS_MODEL_MODEL_H

#include "gpu/gpu.h"
#include "model/layer.h"
#include "plan/tick.h"
#include "state.h"
#include <gradsmith/augment.h>
#include <gradsmith/data.h>
#include <gradsmith/model.h>

enum { GS__MAX_LAYERS = 4096, GS__MAX_NAME_BYTES = 200, GS__MAX_MODEL_INPUTS = 64 };

typedef struct gs__model_layer {
    gs_layer params; // its name is `name`
    const gs__layer_class *class;
    const char *name;
    uint32_t number;                    // in a name that was made up: "dense_1"
    gs_shape input_shape, output_shape; // of one sample
    uint32_t first_parameter, parameter_count;
    uint64_t parameter_elements;
} gs__model_layer;

// A use of a layer: usually the only one. Uses stand in an order in which they can be computed.
typedef struct gs__model_call {
    uint32_t layer;
    uint32_t first_input, input_count; // in gs_model.call_inputs; an input has none
    bool inference;                    // as in evaluation, in training too: called with training=False
    gs_shape output_shape;             // of one sample
} gs__model_call;

typedef struct gs__model_parameter {
    const char *name; // "dense/kernel"
    gs_shape shape;
    uint64_t count;  // elements
    uint64_t offset; // bytes in the flat storage
    gs_initializer initializer;
    gs_initializer_kind fallback; // what GS_INITIALIZER_DEFAULT means
    gs_regularizer regularizer;
    uint32_t layer;
    bool not_trained;    // whether or not its layer is
    const float *values; // first ones, instead of the initializer's; owned by the model
    uint64_t ones_first, ones_count;
} gs__model_parameter;

struct gs_model {
    gs_context *context;
    gs__error *error; // the context's
    const char *name;
    uint64_t seed;
    gs__model_layer *layers;
    uint32_t layer_count;
    gs__model_call *calls;
    uint32_t *call_inputs; // calls
    uint32_t call_count;
    uint32_t output;      // the call that is the model's output
    bool is_functional;   // not a chain that was made as one: written as Keras's Functional
    uint32_t input_count; // calls of InputLayers; their elements lie behind each other in a sample
    uint32_t inputs[GS__MAX_MODEL_INPUTS];
    gs__model_parameter *parameters;
    uint32_t parameter_count;    // tensors
    uint64_t parameter_elements; // without padding
    // Of the flat storage, padding included: first what is trained, then what is not.
    uint64_t parameter_bytes, trainable_bytes;
    void **strings; // all names, freed with the model
    uint32_t string_count, string_capacity;

    float *weights; // parameter_bytes, the flat layout; padding is zero
    // Copies on the device; NULL until first used. Slots are laid out as gs__graph_update says.
    gs__buffer *device_weights, *device_slots;
    bool host_stale;   // the device's weights are newer
    bool device_stale; // the host's weights are newer

    gs_compile_params json_compile; // compile_config of the JSON it was made from; zeros where it says nothing
    gs_compile_params compile;      // as compiled, defaults of the optimizer filled in
    bool has_resolved;              // loss and metrics are known for the data last used
    gs_loss resolved_loss;
    gs_metric resolved_metrics[GS_MAX_METRICS];
    const gs_augment *augment;          // of the fit under way; NULL: none
    struct gs_position position;        // of training so far, what State.next starts from; reset by gs_model_compile
    bool fitting;                       // gs_model_fit is under way: what its callbacks must not do is refused
    bool wants_confusion;               // graphs of evaluation count a confusion matrix
    bool skips;                         // graphs of training skip updates by gradients that are not finite
    bool unfused;                       // graphs of training keep their ops apart, for src/train/nan.c
    void *plans;                        // of the trainer (src/train): what it keeps between calls
    void (*destroy_plans)(void *plans); // called by gs_model_compile and gs_model_destroy when plans != NULL
};

// Device memory for the weights, made at the first call, brought up to date from the host where that is newer.
gs_status gs__model_upload(gs_model *model);
// The host copy brought up to date from the device where that is newer.
gs_status gs__model_download(gs_model *model);
// Optimizer state on the device: made zeroed at the first call after a compile; none when the optimizer has no slots.
gs_status gs__model_make_slots(gs_model *model);

// Where the optimizer's state lies in storage SLOTS: bytes.
typedef struct gs__slot_layout {
    uint32_t slot_count;  // floats for each parameter element, interleaved, from 0 on (gs__graph_update)
    uint64_t factors;     // from 0 on, instead: Adafactor's; see src/model/update.c
    uint64_t accumulator; // sum of gradients (P floats), where steps are accumulated
    uint64_t average;     // of the weights (P floats), where there is one
    uint64_t bytes;       // of all
} gs__slot_layout;
gs__slot_layout gs__model_slot_layout(const gs_model *model);
uint64_t gs__model_slot_bytes(const gs_model *model); // of all
// The weights become their moving average, where the optimizer keeps one and has begun.
gs_status gs__model_take_average(gs_model *model);

// Appends what a training step does with the gradients: accumulate, clip, update, average; and the end of the step.
gs_status gs__model_build_update(const gs_model *model, gs__graph *graph, const gs__tick *tick);

// The State's hyper-parameters and schedule; leaves seed, data, batch and shuffle as they are.
void gs__model_settings(const gs_model *model, struct gs_state *state);
// Its part of mixed precision.
void gs__precision_settings(const gs_compile_params *params, struct gs_settings *settings);

typedef enum gs__mode { GS__MODE_TRAIN, GS__MODE_EVALUATE, GS__MODE_PREDICT } gs__mode;

// A graph for one mode, batch size and kind of data, pruned: ready for gs__plan_create.
typedef struct gs__model_graph {
    gs__graph graph;
    gs__value samples; // (N, input shape), dtype of the data
    // (N ...), 0 in PREDICT. Its dtype is GS_F32 where a loss wants values but the data has class indices (0 or 1
    // for binary cross-entropy): the caller then converts the data's int32 to float.
    gs__value targets;
    bool weighted;    // each row of targets has the sample's weight behind it: (N, elements + 1), a float's bits
    gs__value output; // (B, output shape); pinned in PREDICT
    gs_loss loss;     // resolved
    // Ring: sum[0] loss, sum[1] penalties, sum[2 + i] metric i.
    uint32_t metric_count;
    gs_metric metrics[GS_MAX_METRICS];
    const char *metric_names[GS_MAX_METRICS]; // static: "accuracy"
    gs__value counts[GS_MAX_METRICS];         // of a whole pass (src/train/counts.h); 0: the metric is in the ring
    gs__value confusion;                      // where it was asked for
    bool wants_confusion;
} gs__model_graph;

// Checks the data against the model and builds. Resolves the loss and the metrics that were left to the data, and keeps
// them in the model. `softmax`: PREDICT only, a softmax behind the output. Errors: GS_ERR_ARGUMENT.
gs_status gs__model_build(gs_model *model, gs__mode mode, uint32_t batch, const gs_data_info *data, bool softmax,
                          gs__model_graph *out);
// The same, with sample weights.
gs_status gs__model_build_weighted(gs_model *model, gs__mode mode, uint32_t batch, const gs_data_info *data,
                                   bool softmax, bool weighted, gs__model_graph *out);
// The same for one batch of data that the model could be trained with (evaluated, without parameters). Keeps nothing.
gs_status gs__model_build_example(gs_model *model, uint32_t batch, gs__model_graph *out);
void gs__model_graph_deinit(gs__model_graph *graph);

// --- within src/model ----------------------------------------------------------------------------------------------
// What a model is made from. Nothing is taken over.
typedef struct gs__model_params {
    const char *name; // NULL: "sequential" or "functional"
    uint64_t seed;
    const gs_layer *layers;
    uint32_t layer_count;
    // Uses of the layers, in an order in which they can be computed; output_shape is not read. NULL: a chain.
    const gs__model_call *calls;
    const uint32_t *call_inputs;
    uint32_t call_count, call_input_count;
    const uint32_t *inputs; // the calls that the model's inputs come from, in the order of a sample
    uint32_t input_count, output;
    const gs_compile_params *json_compile; // may be NULL
    uint64_t max_parameters;               // elements; 0: no limit but that of the library
    bool zero_weights;                     // they are about to be read: initializers, which may take long, do not run
} gs__model_params;
gs_status gs__model_create(gs_context *context, const gs__model_params *params, gs_model **model);
// gs_model_from_json of a file from outside. Of `limits`, seed, max_parameters and zero_weights are read; GS_ERR_FORMAT
// before any memory is taken for more parameters.
gs_status gs__model_from_json(gs_context *context, const char *text, size_t bytes, const gs__model_params *limits,
                              gs_model **model);
// The uses of the layers: copied and checked; their shapes; whether those behind the first fit the layer's parameters.
gs_status gs__model_copy_calls(gs_model *model, const gs__model_params *params);
gs_status gs__model_shape_calls(gs_model *model);
gs_status gs__model_check_calls(gs_model *model);
// Frees what from_json of the layers' classes allocated.
void gs__layers_release(gs_layer *layers, uint32_t count);
// The shape of a sample: of the only input, else all of them behind each other.
gs_shape gs__model_input_shape(const gs_model *model);
const gs_shape *gs__model_output_shape(const gs_model *model);
bool gs__model_is_trained(const gs_model *model, const gs__model_parameter *parameter);
// Gives each parameter its place in the flat storage. GS_ERR_ARGUMENT beyond 2^31 - 1 elements.
gs_status gs__model_place_parameters(gs_model *model);
// Forgets optimizer state and position, as gs_model_compile does.
void gs__model_forget_training(gs_model *model);
// The same, and what it has on the device; the host's weights stay.
void gs__model_leave_device(gs_model *model);
// A copy of a string, or of bytes, that the model owns; NULL with GS_ERR_MEMORY.
const char *gs__model_own(gs_model *model, const char *string);
void *gs__model_own_bytes(gs_model *model, const void *data, uint64_t bytes);
// What the model ends with, looking through layers that pass their input on.
gs_activation gs__model_last_activation(const gs_model *model);
// The loss and metrics in force for this data.
gs_status gs__model_resolve(gs_model *model, const gs_data_info *data, gs_loss *loss, gs_metric *metrics);
// The class indices or values that the loss takes, and their shape (N, ...).
typedef struct gs__target_spec {
    gs_shape shape;
    gs_dtype dtype;
} gs__target_spec;
gs_status gs__model_check_targets(gs_model *model, const gs_data_info *data, const gs_loss *loss,
                                  gs__target_spec *targets);

// Whether that loss gets probabilities: it says so, or the model ends in softmax or sigmoid.
bool gs__loss_from_probabilities(const gs_model *model, const gs_loss *loss);

gs_status gs__optimizer_check(gs__error *error, const gs_optimizer *optimizer);
// Zeros become defaults; an exact zero stays negative.
void gs__optimizer_defaults(gs_optimizer *optimizer);
gs_status gs__schedule_check(gs__error *error, const gs_schedule *schedule);
void gs__schedule_defaults(gs_schedule *schedule);
// Decays over decay_steps that are not given: those of the first fit.
bool gs__schedule_is_open(const gs_schedule *schedule);
// The State's schedule. Not of an open one.
void gs__schedule_segments(const gs_optimizer *optimizer, struct gs_state *state);
const char *gs__schedule_class_name(gs_schedule_kind kind); // "CosineDecay"; "" where Keras has none
// Checks precision and loss scale, and fills in their defaults.
gs_status gs__precision_check(gs__error *error, gs_compile_params *params);
gs_status gs__precision_parse(gs__error *error, const char *name, gs_precision *precision);
gs_status gs__loss_check(gs__error *error, const gs_loss *loss);
void gs__loss_defaults(gs_loss *loss);
gs_status gs__metrics_check(gs__error *error, const gs_metric *metrics);
// As gs_loss_parse and the like, with a message that lists the known names.
gs_status gs__loss_parse(gs__error *error, const char *name, gs_loss *loss);
gs_status gs__metric_parse(gs__error *error, const char *name, gs_metric *metric);
gs_status gs__optimizer_parse(gs__error *error, const char *name, gs_optimizer *optimizer);
uint32_t gs__metric_count(const gs_metric *metrics);
const char *gs__loss_class_name(gs_loss_kind kind); // "MeanSquaredError"
const char *gs__optimizer_class_name(gs_optimizer_kind kind);

gs_status gs__compile_from_json(gs__json *json, const cJSON *root, gs_compile_params *params);
// `config` holds optimizer, loss and metrics, `root` what Keras has no word for.
gs_status gs__compile_read(gs__json *json, const cJSON *config, const cJSON *root, gs_compile_params *params);
void gs__compile_to_json(gs__text *text, const gs_model *model);
// learning_rate of an optimizer: a number, or a schedule object.
gs_status gs__rate_from_json(gs__json *json, const cJSON *config, gs_optimizer *optimizer);
void gs__rate_to_json(gs__text *text, const gs_optimizer *optimizer);
// The schedules that Keras has no word for, beside compile_config: member "schedule" of "gradsmith".
gs_status gs__own_schedule_from_json(gs__json *json, const cJSON *own, gs_optimizer *optimizer);
bool gs__schedule_is_keras(const gs_schedule *schedule);
void gs__own_schedule_to_json(gs__text *text, const gs_schedule *schedule);

#endif
