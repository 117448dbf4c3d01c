// Layers: what a model is made of. A gs_layer is a plain value; the model copies it.
//
//     gs_layer layers[] = { gs_input(.shape = { 1, { 784 } }), gs_dense(.units = 64, .activation = GS_ACTIVATION_RELU),
//                           gs_dropout(.rate = 0.2f), gs_dense(.units = 10) };
//
// Names, fields and defaults are those of Keras 3. In every struct zero means the default. Strings are copied when the
// model is made. C++ callers fill a gs_layer by hand: the macros need C.
#ifndef GRADSMITH_LAYER_H
#define GRADSMITH_LAYER_H

#include <gradsmith/precision.h>
#include <gradsmith/tensor.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// X(constant, value, Keras name). The numbers are those of shaders/include/activation.glsl.
// clang-format off
#define GS_ACTIVATION_MAP(X)              \
    X(GS_ACTIVATION_LINEAR,     0, "linear")     /* x */                                                  \
    X(GS_ACTIVATION_RELU,       1, "relu")       /* max(x, 0) */                                          \
    X(GS_ACTIVATION_LEAKY_RELU, 2, "leaky_relu") /* x > 0 ? x : alpha x; alpha 0.2 */                     \
    X(GS_ACTIVATION_ELU,        3, "elu")        /* x > 0 ? x : alpha (exp(x) - 1); alpha 1 */            \
    X(GS_ACTIVATION_GELU,       4, "gelu")       /* x Phi(x), exact (not the tanh form) */                \
    X(GS_ACTIVATION_SILU,       5, "silu")       /* x sigmoid(x) */                                       \
    X(GS_ACTIVATION_SIGMOID,    6, "sigmoid")    /* 1 / (1 + exp(-x)) */                                  \
    X(GS_ACTIVATION_TANH,       7, "tanh")                                                                \
    X(GS_ACTIVATION_SOFTPLUS,   8, "softplus")   /* log(1 + exp(x)) */                                    \
    X(GS_ACTIVATION_SOFTMAX,    9, "softmax")    /* over the last axis */
// clang-format on
typedef enum gs_activation {
#define GS_ACTIVATION_ENUM(name, value, text) name = (value),
    GS_ACTIVATION_MAP(GS_ACTIVATION_ENUM)
#undef GS_ACTIVATION_ENUM
} gs_activation;

// X(constant, value, Keras name). Fan-in and fan-out are a kernel's rows and columns.
// clang-format off
#define GS_INITIALIZER_MAP(X)                                                                              \
    X(GS_INITIALIZER_DEFAULT,          0, "")                 /* kernels glorot_uniform, biases zeros */   \
    X(GS_INITIALIZER_ZEROS,            1, "zeros")                                                         \
    X(GS_INITIALIZER_ONES,             2, "ones")                                                          \
    X(GS_INITIALIZER_CONSTANT,         3, "constant")         /* value */                                  \
    X(GS_INITIALIZER_RANDOM_UNIFORM,   4, "random_uniform")   /* [minval -0.05, maxval 0.05) */            \
    X(GS_INITIALIZER_RANDOM_NORMAL,    5, "random_normal")    /* mean 0, stddev 0.05 */                    \
    X(GS_INITIALIZER_TRUNCATED_NORMAL, 6, "truncated_normal") /* redrawn beyond 2 stddev */                \
    X(GS_INITIALIZER_GLOROT_UNIFORM,   7, "glorot_uniform")   /* limit sqrt(6 / (fan_in + fan_out)) */     \
    X(GS_INITIALIZER_GLOROT_NORMAL,    8, "glorot_normal")    /* truncated, variance 2 / (in + out) */     \
    X(GS_INITIALIZER_HE_UNIFORM,       9, "he_uniform")       /* limit sqrt(6 / fan_in) */                 \
    X(GS_INITIALIZER_HE_NORMAL,       10, "he_normal")        /* truncated, variance 2 / fan_in */         \
    X(GS_INITIALIZER_LECUN_UNIFORM,   11, "lecun_uniform")    /* limit sqrt(3 / fan_in) */                 \
    X(GS_INITIALIZER_LECUN_NORMAL,    12, "lecun_normal")     /* truncated, variance 1 / fan_in */          \
    X(GS_INITIALIZER_ORTHOGONAL,      13, "orthogonal")       /* times gain a; 0: 1 */
// clang-format on
typedef enum gs_initializer_kind {
#define GS_INITIALIZER_ENUM(name, value, text) name = (value),
    GS_INITIALIZER_MAP(GS_INITIALIZER_ENUM)
#undef GS_INITIALIZER_ENUM
} gs_initializer_kind;

typedef struct gs_initializer {
    gs_initializer_kind kind;
    // Both zero: the kind's defaults. CONSTANT: a is the value. RANDOM_UNIFORM: a = minval, b = maxval.
    // RANDOM_NORMAL and TRUNCATED_NORMAL: a = mean, b = stddev.
    float a, b;
    uint64_t seed; // used when has_seed; else drawn from the model's seed and the parameter's place
    bool has_seed;
} gs_initializer;

// Added to the loss: l1 * sum |w| + l2 * sum w^2, both >= 0.
typedef struct gs_regularizer {
    float l1, l2;
} gs_regularizer;

typedef struct gs_input_params {
    const char *name;
    gs_shape shape; // of one sample, without the batch dimension
} gs_input_params;

// y = activation(x kernel + bias), over the last axis of x. kernel (in, units), bias (units).
typedef struct gs_dense_params {
    const char *name;
    uint32_t units; // >= 1
    gs_activation activation;
    bool no_bias;
    gs_initializer kernel_initializer, bias_initializer;
    gs_regularizer kernel_regularizer, bias_regularizer;
    float alpha; // of the activation: leaky_relu, elu; used when has_alpha
    bool has_alpha;
} gs_dense_params;

// Elementwise (softmax: over the last axis).
typedef struct gs_activation_params {
    const char *name;
    gs_activation activation;
    float alpha; // leaky_relu, elu; used when has_alpha
    bool has_alpha;
} gs_activation_params;

// Inverted dropout: in training each element is 0 with probability `rate`, else divided by 1 - rate.
typedef struct gs_dropout_params {
    const char *name;
    float rate; // 0 <= rate < 1
} gs_dropout_params;

// Augmentation: layers that change images (height, width, channels) at random while training, and are nothing (RandomCrop:
// the middle part) otherwise. They must stand in front of all layers with parameters. Numbers are drawn from the seed of
// the training, the step and the row.
typedef enum gs_flip { GS_FLIP_BOTH = 0, GS_FLIP_HORIZONTAL, GS_FLIP_VERTICAL } gs_flip;
typedef struct gs_random_flip_params {
    const char *name;
    gs_flip mode;
} gs_random_flip_params;

typedef struct gs_random_crop_params {
    const char *name;
    uint32_t height, width; // of the result, >= 1
} gs_random_crop_params;

// By factor[0] to factor[1] full turns, counterclockwise; within -1 to 1. fill_mode: what is beyond the edges.
typedef enum gs_fill_mode { GS_FILL_REFLECT = 0, GS_FILL_CONSTANT, GS_FILL_NEAREST, GS_FILL_WRAP } gs_fill_mode;
typedef struct gs_random_rotation_params {
    const char *name;
    float factor[2];
    gs_fill_mode fill_mode;
    float fill_value; // of GS_FILL_CONSTANT
} gs_random_rotation_params;

// Adds factor[0] to factor[1] times the width of value_range, then clips to it. value_range: both 0: Keras's 0 to 255.
// Samples of bytes count as 0 to 1.
typedef struct gs_random_brightness_params {
    const char *name;
    float factor[2], value_range[2];
} gs_random_brightness_params;

// Multiplies distances from the mean of each channel by 1 - factor[0] to 1 + factor[1], then clips to value_range.
typedef struct gs_random_contrast_params {
    const char *name;
    float factor[2], value_range[2];
} gs_random_contrast_params;

// X(constant, value, Keras name).
// clang-format off
#define GS_PADDING_MAP(X)                                                                                  \
    X(GS_PADDING_VALID,  0, "valid")  /* none */                                                            \
    X(GS_PADDING_SAME,   1, "same")   /* zeros on both sides, the odd one behind: output ceil(in / stride) */ \
    X(GS_PADDING_CAUSAL, 2, "causal") /* Conv1D: zeros in front only; no output depends on later steps */
// clang-format on
typedef enum gs_padding {
#define GS_PADDING_ENUM(name, value, text) name = (value),
    GS_PADDING_MAP(GS_PADDING_ENUM)
#undef GS_PADDING_ENUM
} gs_padding;

// Convolutions, y = activation(x * kernel + bias). Samples have their channels last: Conv2D takes (rows, columns, channels)
// and has a kernel (rows, columns, channels / groups, filters); Conv1D (steps, channels), a kernel (size, channels / groups,
// filters), and of the pairs the first number. Conv2DTranspose's kernel is (rows, columns, filters, channels), DepthwiseConv2D's
// (rows, columns, channels, depth_multiplier).
typedef struct gs_conv_params {
    const char *name;
    uint32_t filters;          // >= 1; not DepthwiseConv2D
    uint32_t kernel_size[2];   // rows, columns; the second 0: as the first
    uint32_t strides[2];       // likewise; both 0: 1
    uint32_t dilation_rate[2]; // likewise
    gs_padding padding;
    uint32_t groups;            // 0: 1. Divides channels and filters. Conv1D and Conv2D
    uint32_t depth_multiplier;  // 0: 1. DepthwiseConv2D
    uint32_t output_padding[2]; // Conv2DTranspose: adds to the output's size; used when has_output_padding
    bool has_output_padding;
    gs_activation activation;
    bool no_bias;
    gs_initializer kernel_initializer, bias_initializer;
    gs_regularizer kernel_regularizer, bias_regularizer;
    float alpha; // of the activation: leaky_relu, elu; used when has_alpha
    bool has_alpha;
} gs_conv_params;

// The largest or the mean of windows, each channel by itself. "same": what is added counts for nothing.
typedef struct gs_pooling_params {
    const char *name;
    uint32_t pool_size[2]; // rows, columns; the second 0: as the first; both 0: 2
    uint32_t strides[2];   // likewise; both 0: pool_size
    gs_padding padding;
} gs_pooling_params;

// The largest or the mean of all pixels of each channel.
typedef struct gs_global_pooling_params {
    const char *name;
    bool keepdims; // the output keeps the other dimensions, as 1
} gs_global_pooling_params;

// Every pixel repeated, or, bilinear, those between computed.
typedef struct gs_up_sampling_params {
    const char *name;
    uint32_t size[2]; // factors of rows, of columns; the second 0: as the first; both 0: 2
    bool bilinear;    // UpSampling2D; else nearest
} gs_up_sampling_params;

// Zeros around an image or series, or its edges cut off.
typedef struct gs_padding_params {
    const char *name;
    uint32_t rows[2], columns[2]; // in front and behind; 1D: columns. All 0: 1 everywhere; Cropping2D: none
    bool none;                    // all 0 means 0
} gs_padding_params;

// All dimensions of a sample into one.
typedef struct gs_flatten_params {
    const char *name;
} gs_flatten_params;

// A sample into another shape with as many elements; one dimension may be -1.
typedef struct gs_reshape_params {
    const char *name;
    gs_shape shape; // without the batch dimension
} gs_reshape_params;

// --- normalization. `epsilon` and `momentum` 0: the default; below 0: an exact 0 -----------------------------------------

// gamma * n + beta, each gamma and beta for a channel; n is what is normalized.
typedef struct gs_norm_affine {
    bool no_scale, no_center;                           // no gamma, no beta
    gs_initializer gamma_initializer, beta_initializer; // ones, zeros
    gs_regularizer gamma_regularizer, beta_regularizer;
} gs_norm_affine;

// Each channel (entry of the last axis) over the batch: in training by the batch's mean and variance, which move the
// averages: moving * momentum + batch * (1 - momentum); in evaluation, and where the layer is frozen, by these averages.
typedef struct gs_batch_normalization_params {
    const char *name;
    float momentum; // 0.99
    float epsilon;  // 0.001
    gs_norm_affine affine;
    gs_initializer moving_mean_initializer, moving_variance_initializer; // zeros, ones
} gs_batch_normalization_params;

// Each sample by itself, over its last `axes` dimensions.
typedef struct gs_layer_normalization_params {
    const char *name;
    uint32_t axes; // 0: 1
    float epsilon; // 0.001
    gs_norm_affine affine;
} gs_layer_normalization_params;

// Each sample by itself: its channels (the last axis) in `groups` groups, each over its channels and all positions.
typedef struct gs_group_normalization_params {
    const char *name;
    int32_t groups; // 0: 32; -1: as many as channels (instance normalization)
    float epsilon;  // 0.001
    gs_norm_affine affine;
} gs_group_normalization_params;

// x / sqrt(mean(x^2) + epsilon) * scale, over the last `axes` dimensions of each sample.
typedef struct gs_rms_normalization_params {
    const char *name;
    uint32_t axes; // 0: 1
    float epsilon; // 1e-6
} gs_rms_normalization_params;

// (x - mean) / max(sqrt(variance), 1e-7), for each entry of the last axis; by gs_model_adapt, or given here. As first
// layer it gets unsigned bytes as they are.
typedef struct gs_normalization_params {
    const char *name;
    const float *mean, *variance; // `count` each, copied; NULL: 0 and 1 until gs_model_adapt
    uint32_t count;               // 1: for all entries
    bool invert;                  // x * max(sqrt(variance), 1e-7) + mean
} gs_normalization_params;

// scale * x + offset. As first layer it gets unsigned bytes as they are, not divided by 255.
typedef struct gs_rescaling_params {
    const char *name;
    float scale, offset;
} gs_rescaling_params;

// In training: x + a normal random number of mean 0.
typedef struct gs_gaussian_noise_params {
    const char *name;
    float stddev; // >= 0
} gs_gaussian_noise_params;

// --- sequences ----------------------------------------------------------------------------------------------------------

// Rows of a table, chosen by tokens: numbers from 0 to input_dim - 1. As first layer it gets unsigned bytes as they are.
typedef struct gs_embedding_params {
    const char *name;
    uint32_t input_dim, output_dim;        // >= 1; input_dim at most 2^24
    gs_initializer embeddings_initializer; // random_uniform
    gs_regularizer embeddings_regularizer;
} gs_embedding_params;

// SimpleRNN, LSTM, GRU (reset_after): over the first axis of a sample (times, features). Result: the last state (units),
// or with return_sequences that of each time (times, units). Gates stand in the weights as Keras has them.
typedef struct gs_rnn_params {
    const char *name;
    uint32_t units;                                // >= 1
    gs_activation activation;                      // tanh, unless has_activation
    gs_activation recurrent_activation;            // LSTM, GRU: sigmoid, unless has_recurrent_activation
    bool has_activation, has_recurrent_activation; // not gelu, silu, softmax
    bool no_bias;
    bool no_unit_forget_bias; // LSTM: else the forget gate's bias begins with 1
    bool return_sequences;
    bool go_backwards; // from the last time to the first; not with return_sequences
    gs_initializer kernel_initializer, recurrent_initializer, bias_initializer; // glorot_uniform, orthogonal, zeros
    gs_regularizer kernel_regularizer, recurrent_regularizer, bias_regularizer;
} gs_rnn_params;

typedef enum gs_merge_mode { GS_MERGE_CONCAT = 0, GS_MERGE_SUM, GS_MERGE_MUL, GS_MERGE_AVE } gs_merge_mode;

// The same recurrent layer forwards and backwards, each with weights of its own, and both results merged.
typedef struct gs_bidirectional_params {
    const char *name;
    const char *layer; // "SimpleRNN", "LSTM", "GRU"
    gs_rnn_params rnn; // its name is not used
    gs_merge_mode merge_mode;
} gs_bidirectional_params;

// --- merge layers: of 2 to 64 tensors of one shape, in functional models (gradsmith/model.h) ------------------------------
typedef struct gs_merge_params {
    const char *name;
} gs_merge_params;

typedef struct gs_concatenate_params {
    const char *name;
    int32_t axis; // of a tensor with its batch dimension, which is 0; below 0: from the end. 0: -1
} gs_concatenate_params;

// class_name is Keras's ("Dense", ...); it says which member of the union counts.
typedef struct gs_layer {
    const char *class_name;
    gs_precision precision; // FLOAT32: this layer stays in float32 where the model is compiled as mixed; else DEFAULT
    union {
        gs_input_params input;
        gs_dense_params dense;
        gs_activation_params activation;
        gs_dropout_params dropout;
        gs_random_flip_params random_flip;
        gs_random_crop_params random_crop;
        gs_random_rotation_params random_rotation;
        gs_random_brightness_params random_brightness;
        gs_random_contrast_params random_contrast;
        gs_conv_params conv;
        gs_pooling_params pooling;
        gs_global_pooling_params global_pooling;
        gs_up_sampling_params up_sampling;
        gs_padding_params padding;
        gs_flatten_params flatten;
        gs_reshape_params reshape;
        gs_batch_normalization_params batch_normalization;
        gs_layer_normalization_params layer_normalization;
        gs_group_normalization_params group_normalization;
        gs_rms_normalization_params rms_normalization;
        gs_normalization_params normalization;
        gs_rescaling_params rescaling;
        gs_gaussian_noise_params gaussian_noise;
        gs_embedding_params embedding;
        gs_rnn_params rnn;
        gs_bidirectional_params bidirectional;
        gs_merge_params merge;
        gs_concatenate_params concatenate;
        uint64_t reserved[48]; // room for later layers, so that the struct keeps its size
    };
    bool frozen; // Keras's trainable=False: its weights stay, and BatchNormalization uses its moving averages
} gs_layer;

#define gs_random_flip(...)       ((gs_layer){.class_name = "RandomFlip", .random_flip = {__VA_ARGS__}})
#define gs_random_crop(...)       ((gs_layer){.class_name = "RandomCrop", .random_crop = {__VA_ARGS__}})
#define gs_random_rotation(...)   ((gs_layer){.class_name = "RandomRotation", .random_rotation = {__VA_ARGS__}})
#define gs_random_brightness(...) ((gs_layer){.class_name = "RandomBrightness", .random_brightness = {__VA_ARGS__}})
#define gs_random_contrast(...)   ((gs_layer){.class_name = "RandomContrast", .random_contrast = {__VA_ARGS__}})

#define gs_conv1d(...)               ((gs_layer){.class_name = "Conv1D", .conv = {__VA_ARGS__}})
#define gs_conv2d(...)               ((gs_layer){.class_name = "Conv2D", .conv = {__VA_ARGS__}})
#define gs_max_pooling1d(...)        ((gs_layer){.class_name = "MaxPooling1D", .pooling = {__VA_ARGS__}})
#define gs_global_max_pooling1d(...) ((gs_layer){.class_name = "GlobalMaxPooling1D", .global_pooling = {__VA_ARGS__}})
#define gs_average_pooling1d(...)    ((gs_layer){.class_name = "AveragePooling1D", .pooling = {__VA_ARGS__}})
#define gs_global_average_pooling1d(...)                                                                               \
    ((gs_layer){.class_name = "GlobalAveragePooling1D", .global_pooling = {__VA_ARGS__}})
#define gs_max_pooling2d(...)        ((gs_layer){.class_name = "MaxPooling2D", .pooling = {__VA_ARGS__}})
#define gs_global_max_pooling2d(...) ((gs_layer){.class_name = "GlobalMaxPooling2D", .global_pooling = {__VA_ARGS__}})
#define gs_average_pooling2d(...)    ((gs_layer){.class_name = "AveragePooling2D", .pooling = {__VA_ARGS__}})
#define gs_global_average_pooling2d(...)                                                                               \
    ((gs_layer){.class_name = "GlobalAveragePooling2D", .global_pooling = {__VA_ARGS__}})
#define gs_conv2d_transpose(...)  ((gs_layer){.class_name = "Conv2DTranspose", .conv = {__VA_ARGS__}})
#define gs_depthwise_conv2d(...)  ((gs_layer){.class_name = "DepthwiseConv2D", .conv = {__VA_ARGS__}})
#define gs_up_sampling1d(...)     ((gs_layer){.class_name = "UpSampling1D", .up_sampling = {__VA_ARGS__}})
#define gs_up_sampling2d(...)     ((gs_layer){.class_name = "UpSampling2D", .up_sampling = {__VA_ARGS__}})
#define gs_zero_padding1d(...)    ((gs_layer){.class_name = "ZeroPadding1D", .padding = {__VA_ARGS__}})
#define gs_zero_padding2d(...)    ((gs_layer){.class_name = "ZeroPadding2D", .padding = {__VA_ARGS__}})
#define gs_cropping1d(...)        ((gs_layer){.class_name = "Cropping1D", .padding = {__VA_ARGS__}})
#define gs_cropping2d(...)        ((gs_layer){.class_name = "Cropping2D", .padding = {__VA_ARGS__}})
#define gs_spatial_dropout1d(...) ((gs_layer){.class_name = "SpatialDropout1D", .dropout = {__VA_ARGS__}})
#define gs_spatial_dropout2d(...) ((gs_layer){.class_name = "SpatialDropout2D", .dropout = {__VA_ARGS__}})

#define gs_input(...)            ((gs_layer){.class_name = "InputLayer", .input = {__VA_ARGS__}})
#define gs_dense(...)            ((gs_layer){.class_name = "Dense", .dense = {__VA_ARGS__}})
#define gs_activation_layer(...) ((gs_layer){.class_name = "Activation", .activation = {__VA_ARGS__}})
#define gs_dropout(...)          ((gs_layer){.class_name = "Dropout", .dropout = {__VA_ARGS__}})
#define gs_flatten()             ((gs_layer){.class_name = "Flatten"})
#define gs_reshape(...)          ((gs_layer){.class_name = "Reshape", .reshape = {__VA_ARGS__}})
// All fields by default: gs_batch_normalization(0).
#define gs_batch_normalization(...)                                                                                    \
    ((gs_layer){.class_name = "BatchNormalization", .batch_normalization = {__VA_ARGS__}})
#define gs_layer_normalization(...)                                                                                    \
    ((gs_layer){.class_name = "LayerNormalization", .layer_normalization = {__VA_ARGS__}})
#define gs_group_normalization(...)                                                                                    \
    ((gs_layer){.class_name = "GroupNormalization", .group_normalization = {__VA_ARGS__}})
#define gs_rms_normalization(...) ((gs_layer){.class_name = "RMSNormalization", .rms_normalization = {__VA_ARGS__}})
#define gs_normalization(...)     ((gs_layer){.class_name = "Normalization", .normalization = {__VA_ARGS__}})
#define gs_rescaling(...)         ((gs_layer){.class_name = "Rescaling", .rescaling = {__VA_ARGS__}})
#define gs_gaussian_noise(...)    ((gs_layer){.class_name = "GaussianNoise", .gaussian_noise = {__VA_ARGS__}})
#define gs_embedding(...)         ((gs_layer){.class_name = "Embedding", .embedding = {__VA_ARGS__}})
#define gs_simple_rnn(...)        ((gs_layer){.class_name = "SimpleRNN", .rnn = {__VA_ARGS__}})
#define gs_lstm(...)              ((gs_layer){.class_name = "LSTM", .rnn = {__VA_ARGS__}})
#define gs_gru(...)               ((gs_layer){.class_name = "GRU", .rnn = {__VA_ARGS__}})
#define gs_bidirectional(...)     ((gs_layer){.class_name = "Bidirectional", .bidirectional = {__VA_ARGS__}})
#define gs_add()                  ((gs_layer){.class_name = "Add"})
#define gs_subtract()             ((gs_layer){.class_name = "Subtract"}) // of two
#define gs_multiply()             ((gs_layer){.class_name = "Multiply"})
#define gs_average()              ((gs_layer){.class_name = "Average"})
#define gs_maximum()              ((gs_layer){.class_name = "Maximum"})
#define gs_minimum()              ((gs_layer){.class_name = "Minimum"})
#define gs_concatenate(...)       ((gs_layer){.class_name = "Concatenate", .concatenate = {__VA_ARGS__}})

#ifdef __cplusplus
}
#endif
#endif
