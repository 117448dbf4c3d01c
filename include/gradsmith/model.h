// Models: layers with parameters.
//
//     gs_layer layers[] = { gs_input(.shape = { 1, { 784 } }), gs_dense(.units = 64, .activation = GS_ACTIVATION_RELU),
//                           gs_dense(.units = 10) };
//     gs_model_sequential(context, &(gs_sequential_params){ .layers = layers, .layer_count = 3 }, &model);
//     gs_model_compile(model, &(gs_compile_params){ .optimizer = gs_adam(), .metrics = { { GS_METRIC_ACCURACY } } });
#ifndef GRADSMITH_MODEL_H
#define GRADSMITH_MODEL_H

#include <gradsmith/data.h>
#include <gradsmith/device.h>
#include <gradsmith/layer.h>
#include <gradsmith/loss.h>
#include <gradsmith/optimizer.h>
#include <gradsmith/precision.h>

#ifdef __cplusplus
extern "C" {
#endif

// Thread-safety: as its context.
typedef struct gs_model gs_model;

typedef struct gs_sequential_params {
    const char *name; // NULL: "sequential"
    const gs_layer *layers;
    uint32_t layer_count; // the first must be an input
    uint64_t seed;        // of the initial weights
} gs_sequential_params;

// Makes a model and its initial weights (host memory; no device is opened). Layers without a name are called as Keras
// does: "dense", "dense_1", "dropout" ...
// Errors: GS_ERR_ARGUMENT, naming the layer; GS_ERR_UNSUPPORTED (no such layer class); GS_ERR_MEMORY.
GS_API gs_status gs_model_sequential(gs_context *context, const gs_sequential_params *params, gs_model **model);

// The same from the short form: an input shape, then layers, separated by spaces.
//     "784 dense:64:relu dropout:0.2 dense:10"    "28x28 flatten dense:32:tanh reshape:4x8 activation:softmax"
GS_API gs_status gs_model_from_layers(gs_context *context, const char *layers, uint64_t seed, gs_model **model);

// From the JSON that Keras 3's model.to_json() writes for a Sequential model. A compile_config inside is kept and
// used where gs_model_compile is given no loss, optimizer or metrics.
// Errors: GS_ERR_FORMAT (malformed, with the line), GS_ERR_UNSUPPORTED (names the layer and what of it).
GS_API gs_status gs_model_from_json(gs_context *context, const char *json, size_t bytes, uint64_t seed,
                                    gs_model **model);

// JSON that Keras 3's model_from_json() reads, compile_config included. Writes at most `capacity` bytes, the ending zero
// included; *bytes (may be NULL) receives how many it needs. capacity 0: only that. GS_ERR_ARGUMENT: too little room.
GS_API gs_status gs_model_to_json(gs_model *model, char *json, size_t capacity, size_t *bytes);

GS_API void gs_model_destroy(gs_model **model);

// --- functional models: branches, skip connections, shared layers, several inputs -----------------------------------
//
//     gs_functional *f;
//     gs_functional_create(context, &(gs_functional_params){.seed = 1}, &f);
//     gs_symbol x = gs_apply(f, gs_input(.shape = {1, {784}}));
//     gs_symbol h = gs_apply(f, gs_dense(.units = 64, .activation = GS_ACTIVATION_RELU), x);
//     gs_symbol y = gs_apply(f, gs_dense(.units = 64), h);
//     gs_symbol s = gs_apply(f, gs_add(), h, y);
//     gs_model_functional(f, gs_apply(f, gs_dense(.units = 10), s), &model);
//     gs_functional_destroy(&f);
//
// A call that fails returns 0 and keeps its message; calls with 0 do nothing; gs_model_functional returns the first
// failure. So only its status needs to be looked at.
typedef struct gs_functional gs_functional;
typedef uint32_t gs_symbol;       // a tensor of a model in the making; 0: none
typedef uint32_t gs_layer_handle; // a layer of it, to be applied several times; 0: none

typedef struct gs_functional_params {
    const char *name; // NULL: "functional"
    uint64_t seed;    // of the initial weights
} gs_functional_params;

// Thread-safety: as its context, which must outlive it. params may be NULL. Errors: GS_ERR_ARGUMENT, GS_ERR_MEMORY.
GS_API gs_status gs_functional_create(gs_context *context, const gs_functional_params *params,
                                      gs_functional **functional);
GS_API void gs_functional_destroy(gs_functional **functional);

// A layer, copied. Applied to nothing yet; an input layer is called with no tensors.
GS_API gs_layer_handle gs_functional_layer(gs_functional *functional, const gs_layer *layer);
// Applies it. A layer that is applied several times has its weights once.
GS_API gs_symbol gs_functional_call(gs_functional *functional, gs_layer_handle layer, const gs_symbol *x,
                                    uint32_t x_count);
// The same, as Keras's layer(x, training=False): batch normalization uses its moving averages, dropout does nothing.
GS_API gs_symbol gs_functional_call_inference(gs_functional *functional, gs_layer_handle layer, const gs_symbol *x,
                                              uint32_t x_count);

// gs_apply(functional, layer, tensors...): a layer made and applied once. gs_call(functional, handle, tensors...).
#define gs_apply(functional, ...) gs_apply_(functional, __VA_ARGS__, 0)
#define gs_apply_(functional, layer_, ...)                                                                             \
    gs_functional_call(functional, gs_functional_layer(functional, &(layer_)), (const gs_symbol[]){__VA_ARGS__},       \
                       (uint32_t)(sizeof((const gs_symbol[]){__VA_ARGS__}) / sizeof(gs_symbol)) - 1)
#define gs_call(functional, ...) gs_call_(functional, __VA_ARGS__, 0)
#define gs_call_(functional, handle_, ...)                                                                             \
    gs_functional_call(functional, handle_, (const gs_symbol[]){__VA_ARGS__},                                          \
                       (uint32_t)(sizeof((const gs_symbol[]){__VA_ARGS__}) / sizeof(gs_symbol)) - 1)

// Makes the model of what `output` is computed from. Its inputs stand in the order in which they were made. Where there
// are several, a sample of the data holds their elements one behind the other.
// Errors: the first one of the calls; as gs_model_sequential.
GS_API gs_status gs_model_functional(gs_functional *functional, gs_symbol output, gs_model **model);

typedef struct gs_layer_info {
    const char *name, *class_name; // borrowed until the model is destroyed
    gs_shape output_shape;         // of one sample
    uint64_t parameter_count;
    bool frozen;
} gs_layer_info;

typedef struct gs_model_info {
    const char *name;     // borrowed
    gs_shape input_shape; // of one sample; of several inputs: (elements of all)
    gs_shape output_shape;
    uint32_t layer_count; // Input included
    uint32_t parameter_tensor_count;
    uint64_t parameter_count;
    uint64_t trained_count; // of them; the others are frozen, or moving averages
    uint32_t input_count;
} gs_model_info;

GS_API void gs_model_get_info(const gs_model *model, gs_model_info *info);
GS_API gs_status gs_model_get_layer(gs_model *model, uint32_t index, gs_layer_info *info);

// Bytes of device memory that training at this batch size takes, by use. Opens no device.
typedef struct gs_memory_info {
    uint64_t parameter_bytes, gradient_bytes, optimizer_bytes, activation_bytes;
} gs_memory_info;
GS_API gs_status gs_model_memory(gs_model *model, uint32_t batch_size, gs_memory_info *info);

typedef struct gs_compile_params {
    gs_optimizer optimizer;
    gs_loss loss;
    gs_metric metrics[GS_MAX_METRICS]; // each kind once; ends at the first GS_METRIC_NONE; all none: accuracy, where
                                       // the targets are class indices and the loss is a cross-entropy
    bool no_metrics;                   // none, not even the default
    gs_precision precision;            // DEFAULT: float32
    // mixed_float16 only. Gradients are multiplied by the loss scale before they are rounded. It doubles after so many
    // steps in a row; a step with a gradient that is not finite updates nothing and halves it.
    float loss_scale;           // at the start; a power of two from 2^-60 to 2^60; 0: 2^15
    uint32_t loss_scale_growth; // steps; 0: 2000
} gs_compile_params;

// Sets optimizer, loss, metrics and precision, forgets the optimizer's state. What is left open comes from the compile_config of the
// model's JSON, else from the defaults; a new model is compiled so. NULL: all left open. Errors: GS_ERR_ARGUMENT.
GS_API gs_status gs_model_compile(gs_model *model, const gs_compile_params *params);

// Optimizer, loss, metrics and precision in force, zeros replaced by their defaults. Those that depend on the data stay DEFAULT
// until the first fit or evaluate.
GS_API void gs_model_get_compile(const gs_model *model, gs_compile_params *params);

// Parameters, in order: "dense/kernel" (in, out), "dense/bias" (out), ...
typedef struct gs_parameter_info {
    const char *name; // borrowed
    gs_shape shape;
    uint64_t count;
} gs_parameter_info;
GS_API gs_status gs_model_get_parameter(gs_model *model, uint32_t index, gs_parameter_info *info);
// Copies a parameter out or in; `count` must be its number of elements.
GS_API gs_status gs_model_read_parameter(gs_model *model, uint32_t index, float *values, uint64_t count);
GS_API gs_status gs_model_write_parameter(gs_model *model, uint32_t index, const float *values, uint64_t count);

// Keras's adapt: mean and variance of the data become those of the Normalization layers that an input goes into. `all`:
// also of those that have theirs already. *count (may be NULL): of how many. Errors: GS_ERR_ARGUMENT (samples that do not
// fit), GS_ERR_MEMORY. Cost: two passes over the data, on the host.
GS_API gs_status gs_model_adapt(gs_model *model, const gs_data *data, bool all, uint32_t *count);

// Freezes layers, or has them trained again: those of that name or, with a '*' at its end, of all names that begin so.
// A frozen layer keeps its weights, takes no optimizer state and no gradients; BatchNormalization then uses its moving
// averages. Forgets the optimizer's state, as gs_model_compile does. *count (may be NULL): layers of that name.
// GS_ERR_ARGUMENT: there is none.
GS_API gs_status gs_model_set_trainable(gs_model *model, const char *layers, bool trainable, uint32_t *count);

// Fine-tuning: takes from a .safetensors file the weights of those layers that have all of theirs there, by name and
// shape. The other layers keep what they have; so does the optimizer its state.
typedef struct gs_transfer_info {
    uint32_t layer_count;       // taken
    uint32_t other_shape_count; // layers whose names are there, but not all their shapes
    uint32_t missing_count;     // layers that the file does not know
} gs_transfer_info;
// `info` may be NULL. GS_ERR_ARGUMENT: no layer matches. Else as gs_model_load_weights.
GS_API gs_status gs_model_transfer_weights(gs_model *model, const char *path, gs_transfer_info *info);

#ifdef __cplusplus
}
#endif
#endif
