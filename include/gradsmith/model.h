// Models: layers with parameters.
//
//     gs_layer layers[] = { gs_input(.shape = { 1, { 784 } }), gs_dense(.units = 64, .activation = GS_ACTIVATION_RELU),
//                           gs_dense(.units = 10) };
//     gs_model_sequential(context, &(gs_sequential_params){ .layers = layers, .layer_count = 3 }, &model);
//     gs_model_compile(model, &(gs_compile_params){ .optimizer = gs_adam(), .metrics = { { GS_METRIC_ACCURACY } } });
#ifndef GRADSMITH_MODEL_H
#define GRADSMITH_MODEL_H

#include <gradsmith/device.h>
#include <gradsmith/layer.h>
#include <gradsmith/loss.h>
#include <gradsmith/optimizer.h>

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

typedef struct gs_layer_info {
    const char *name, *class_name; // borrowed until the model is destroyed
    gs_shape output_shape;         // of one sample
    uint64_t parameter_count;
} gs_layer_info;

typedef struct gs_model_info {
    const char *name;     // borrowed
    gs_shape input_shape; // of one sample
    gs_shape output_shape;
    uint32_t layer_count; // Input included
    uint32_t parameter_tensor_count;
    uint64_t parameter_count;
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
} gs_compile_params;

// Sets optimizer, loss and metrics, forgets the optimizer's state. What is left open comes from the compile_config of the
// model's JSON, else from the defaults; a new model is compiled so. NULL: all left open. Errors: GS_ERR_ARGUMENT.
GS_API gs_status gs_model_compile(gs_model *model, const gs_compile_params *params);

// Optimizer, loss and metrics in force, zeros replaced by their defaults. Those that depend on the data stay DEFAULT
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

#ifdef __cplusplus
}
#endif
#endif
