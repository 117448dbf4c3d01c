// Attributes of the ops that have some: what an op's node carries besides its tensors (gs__node.attr). The models
// fill them in; each is at most GS__ATTR_BYTES bytes. B is the batch size, K the size of the last axis.
#ifndef GS_OP_ATTR_H
#define GS_OP_ATTR_H

#include "plan/epilogue.h"
#include "plan/tick.h"
#include <gradsmith/layer.h>
#include <gradsmith/loss.h>

// gather: x = { samples (N, ...) [, targets (N, ...)] } -> y = { rows (B, ...) as float [, targets (B, ...)] }
typedef struct gs__gather_attr {
    uint32_t batch;
    float scale; // of the samples; 0: 1/255 for u8, else 1
} gs__gather_attr;

// gather_matmul: x = { samples (N, I) uint8 [, targets], kernel (I, O) [, bias (O)] }
// -> y = { product (B, O), rows (B, I) [, target rows] }; gather's attributes, scale given.

// activation: every gs_activation but softmax, which is an op of its own.
typedef struct gs__activation_attr {
    gs_activation kind;
    float alpha; // already defaulted
} gs__activation_attr;

// dropout, spatial_dropout
typedef struct gs__dropout_attr {
    float rate;   // below 1
    uint32_t key; // another for each dropout of a model
} gs__dropout_attr;

typedef struct gs__reshape_attr {
    gs_shape shape; // of y, batch dimension included
} gs__reshape_attr;

// rescale: y = scale * x + offset, both finite.
typedef struct gs__rescale_attr {
    float scale, offset;
} gs__rescale_attr;

// slice: y = the `count` entries of axis `axis` from `begin` on.
typedef struct gs__slice_attr {
    uint32_t axis, begin, count;
    uint32_t squeeze; // 1: y has not this axis, of which there is one entry
} gs__slice_attr;

// concatenate: x[0], x[1] ... behind each other along axis `axis`.
typedef struct gs__concatenate_attr {
    uint32_t axis;
    uint32_t size[8]; // of that axis, for each input
} gs__concatenate_attr;

// merge: elementwise, of two tensors of one shape. (The sum is an op of its own, add.)
typedef enum gs__merge_kind {
    GS__MERGE_SUBTRACT,
    GS__MERGE_MULTIPLY,
    GS__MERGE_MAXIMUM,
    GS__MERGE_MINIMUM,
} gs__merge_kind;
typedef struct gs__merge_attr {
    gs__merge_kind kind;
} gs__merge_attr;

// batch_norm: x = { rows (B, ..., C), gamma (C), beta (C), moving mean (C), moving variance (C) }; gamma and beta may be
// absent. -> y = { rows, the kernels' own, -, moving mean, moving variance }, the last two in place.
typedef struct gs__batch_norm_attr {
    float momentum, epsilon;
    uint32_t fixed;     // 1: by the moving averages, which stay as they are
    uint32_t max_scale; // 1: divides by max(sqrt(variance), epsilon), not by sqrt(variance + epsilon)
    uint32_t invert;    // 1, with fixed and max_scale: mean + x * max(sqrt(variance), epsilon)
} gs__batch_norm_attr;

// row_norm: x = { rows, gamma (G * D), beta (G * D) }, gamma and beta may be absent; x is seen as (A, S, G, D), and
// normalized over S and D. -> y = { rows, the kernels' own }
typedef struct gs__row_norm_attr {
    uint32_t inner;  // S: spatial positions; A is what is left
    uint32_t groups; // G
    uint32_t depth;  // D
    uint32_t rms;    // 1: the mean is not taken off
    float epsilon;
} gs__row_norm_attr;

// rnn: x = { z (B, T, G U), recurrent kernel (U, G U), recurrent bias (G U) [GRU; may be absent] } -> y = { states (B, T,
// U), the kernels' own ... }. z is the input's product with its kernel, bias included; gates stand as Keras has them.
typedef enum gs__rnn_kind { GS__RNN_SIMPLE, GS__RNN_LSTM, GS__RNN_GRU } gs__rnn_kind;
typedef struct gs__rnn_attr {
    gs__rnn_kind kind;
    gs_activation activation, recurrent_activation; // whose derivative follows from their result
    uint32_t backwards;                             // 1: from the last time to the first
} gs__rnn_attr;

// gaussian_noise: y = x + stddev * a normal random number.
typedef struct gs__gaussian_noise_attr {
    float stddev;
    uint32_t key; // another for each layer of a model
} gs__gaussian_noise_attr;

// conv2d, depthwise_conv2d: [0] is for rows, [1] for columns.
typedef struct gs__conv2d_attr {
    uint32_t stride[2], dilation[2]; // >= 1
    uint32_t pad[2], pad_end[2];     // zeros before and behind the image
    uint32_t groups;                 // >= 1; depthwise_conv2d: of no account
} gs__conv2d_attr;

// conv2d_transpose: what conv2d with the same stride, dilation and pad makes x of, its image having `size`.
typedef struct gs__conv2d_transpose_attr {
    uint32_t stride[2], dilation[2]; // >= 1
    uint32_t pad[2];
    uint32_t size[2]; // of y
} gs__conv2d_transpose_attr;

// pad2d: zeros added on each side; negative: cut off.
typedef struct gs__pad2d_attr {
    int32_t begin[2], end[2];
} gs__pad2d_attr;

typedef struct gs__upsample2d_attr {
    uint32_t factor[2]; // >= 1
    uint32_t bilinear;  // else the nearest
} gs__upsample2d_attr;

// pool2d: [0] is for rows, [1] for columns.
typedef struct gs__pool2d_attr {
    uint32_t average; // else the largest
    uint32_t size[2], stride[2];
    uint32_t pad[2], pad_end[2]; // what lies there counts for nothing; below size
    uint32_t places;             // 1: y[1] is made, which the backward pass of the largest needs
} gs__pool2d_attr;

// matmul_gradients: x = { rows (..., I), dy (..., O), ... }, `count` pairs -> y = { dkernel (I, O), dbias (O), ... }
enum { GS__GRADIENTS_MAX = 4 };
typedef struct gs__matmul_gradients_attr {
    uint32_t count;   // 1 .. GS__GRADIENTS_MAX
    uint32_t no_bias; // bit i: pair i has no dbias
} gs__matmul_gradients_attr;

// gather_classifier: x = { samples (N, I) uint8, targets (N) int32, kernel (I, H), bias (H), head's kernel (H, K), bias (K) };
// both biases may be absent -> y = { hidden (B, H), rows (B, I), target rows (B), dlogits (B, K), loss rows,
// accuracy rows, dhidden (B, H) }
typedef struct gs__gather_classifier_attr {
    gs__gather_attr gather; // scale given
    gs__epilogue epilogue;  // of hidden, forwards and backwards
} gs__gather_classifier_attr;

// Losses: x = { output (B, ..., K), targets } -> y[0] = rows of the loss, storage ROWS.
// sparse_crossentropy: targets (B, ...) int32.
typedef struct gs__sparse_crossentropy_attr {
    uint32_t from_probabilities;
    uint32_t accuracy; // 1: y[1] = rows of the accuracy
    float smoothing;   // of the targets: t (1 - smoothing) + smoothing / K
    uint32_t ignores;  // 1: a position with the target `ignored` costs nothing, and has no gradient
    int32_t ignored;
} gs__sparse_crossentropy_attr;

// dense_crossentropy: x = { rows (B, I), kernel (I, K), bias (K) [may be absent], targets (B) int32 }
// -> y = { loss rows, accuracy rows, gradient of the logits (B, K) }
enum { GS__HEAD_MAX_CLASSES = 32 };
typedef struct gs__dense_crossentropy_attr {
    uint32_t accuracy; // 1: y[1] is made
    uint32_t gradient; // 1: y[2] is made
} gs__dense_crossentropy_attr;

// categorical_crossentropy, binary_crossentropy: targets (B, ..., K) float.
typedef struct gs__crossentropy_attr {
    uint32_t from_probabilities;
    float smoothing; // t (1 - smoothing) + smoothing / K; binary: / 2
} gs__crossentropy_attr;

// pointwise_loss: GS_LOSS_MSE, MAE, HUBER, KL_DIVERGENCE, POISSON, LOG_COSH, HINGE, SQUARED_HINGE, BINARY_FOCAL.
// Targets (B, ..., K) float.
typedef struct gs__pointwise_loss_attr {
    gs_loss_kind kind;
    float delta; // Huber, > 0
    // Focal:
    uint32_t from_probabilities, balanced;
    float gamma, alpha, smoothing;
} gs__pointwise_loss_attr;

// row_loss: GS_LOSS_COSINE_SIMILARITY, CATEGORICAL_HINGE, CATEGORICAL_FOCAL. Targets (B, ..., K) float.
typedef struct gs__row_loss_attr {
    gs_loss_kind kind;
    // Focal:
    uint32_t from_probabilities;
    float gamma, alpha, smoothing;
} gs__row_loss_attr;

// split_targets: x = { packed (B, n + 1) int32 or float32 } -> y = { targets `shape`, weights (B) float32 }
typedef struct gs__split_targets_attr {
    gs_shape shape; // of y[0], (B, ...), n elements a row
} gs__split_targets_attr;

// count_valid: x = { targets (B, ...) int32 } -> y = { (1) float32 }: positions of the step's rows, divided by how many
// of them are not `ignored`.
typedef struct gs__count_valid_attr {
    int32_t ignored;
} gs__count_valid_attr;

// penalty: x = { parameter } -> y[0] = one slot of rows that add up to l1 sum |w| + l2 sum w^2.
typedef struct gs__penalty_attr {
    float l1, l2;
    uint32_t batch;
} gs__penalty_attr;

// accuracy: x = { output (B, ..., K), targets } -> rows. Keras's sparse, categorical and binary accuracy.
typedef enum gs__accuracy_kind {
    GS__ACCURACY_SPARSE,      // argmax(output) == target; targets (B, ...) int32
    GS__ACCURACY_CATEGORICAL, // argmax(output) == argmax(target); targets (B, ..., K) float
    GS__ACCURACY_BINARY,      // mean over the elements of (output > threshold) == target; targets (B, ..., K) float
} gs__accuracy_kind;
typedef struct gs__accuracy_attr {
    gs__accuracy_kind kind;
    float threshold; // binary
} gs__accuracy_attr;

// top_k: targets (B, ...) int32.
typedef struct gs__top_k_attr {
    uint32_t k; // >= 1
} gs__top_k_attr;

// count_metric: see src/op/count_metric.c
enum { GS__CONFUSION_MAX_CLASSES = 4096, GS__AUC_BUCKETS = 200 };
typedef struct gs__count_metric_attr {
    uint32_t confusion, sparse;
    uint32_t link;    // outputs become probabilities: 1 sigmoid, 2 softmax; 0: they are
    uint32_t buckets; // without confusion
} gs__count_metric_attr;

// error_metric: GS_METRIC_MSE, GS_METRIC_MAE. Targets (B, ..., K) float.
typedef struct gs__error_metric_attr {
    gs_metric_kind kind;
} gs__error_metric_attr;

// Optimizers. Their hyper-parameters are in the State; weight_decay 0 there means none.
typedef struct gs__adam_attr {
    gs__tick tick;
    uint32_t paper_epsilon; // see gs_optimizer; slots: m, v
} gs__adam_attr;

typedef struct gs__sgd_attr {
    gs__tick tick;
    uint32_t momentum; // 1: State's momentum with a slot for the velocity; 0: no slot
    uint32_t nesterov;
} gs__sgd_attr;

typedef struct gs__rmsprop_attr {
    gs__tick tick;
    uint32_t momentum; // 1: slots v, velocity; 0: slot v
} gs__rmsprop_attr;

// adafactor: see src/op/adafactor.c
typedef struct gs__adafactor_attr {
    uint32_t matrices, rows, columns; // matrices 0: less than two dimensions
    uint32_t accumulates;             // as in gs__tick
} gs__adafactor_attr;

// Where the factors of columns begin, and how many floats all take.
static inline uint32_t gs__adafactor_columns(const gs__adafactor_attr *a) {
    return (a->matrices * a->rows + 63) / 64 * 64;
}
static inline uint64_t gs__adafactor_factors(const gs__adafactor_attr *a, uint64_t elements) {
    return a->matrices ? gs__adafactor_columns(a) + (uint64_t)a->matrices * a->columns : elements;
}

// matmul_adam: x = { rows (..., I), dy (..., O), ... } `count` pairs, then parameters (P) at GS__ADAM_PARAMETERS and slots
// (2 P): matmul_gradients, and adam by its results, for all of them.
enum { GS__ADAM_MAX = 3, GS__ADAM_PARAMETERS = 2 * GS__ADAM_MAX, GS__ADAM_SLOTS };
typedef struct gs__matmul_adam_attr {
    gs__tick tick; // row_stride 0: another node ends the step
    uint16_t count, paper_epsilon;
    uint32_t kernel[GS__ADAM_MAX], bias[GS__ADAM_MAX]; // first elements among the parameters; GS__NO_SUMS: none
} gs__matmul_adam_attr;

// tick: no tensors; ends a step that updates nothing. Also what optimizers have that need nothing more.
typedef struct gs__tick_attr {
    gs__tick tick;
} gs__tick_attr;

// augment: x (B, H, W, C) -> y = { (B, height, width, C), means (B, C) or absent }. Zeros: nothing is done.
enum { GS__FLIP_HORIZONTAL = 1, GS__FLIP_VERTICAL = 2, GS__AUGMENT_MAX_SIDE = 16384 };
typedef enum gs__fill { GS__FILL_CONSTANT, GS__FILL_REFLECT, GS__FILL_NEAREST, GS__FILL_WRAP } gs__fill;
typedef struct gs__augment_attr {
    uint32_t key;           // another for each random op of a model
    uint16_t height, width; // of the result; 0: as x
    int16_t top, left;      // crop: first row and column of x that the result may begin at,
    uint16_t down, right;   // and how many more there are
    uint16_t cutout;        // side of a square of zeros
    uint8_t flips, fill;    // GS__FLIP_*; gs__fill: what is beyond the edges
    float fill_value;       // of GS__FILL_CONSTANT
    float turn[2];          // rotation, counterclockwise, in full turns: low, high
    float contrast[2];      // factor around the image's mean less 1: low, high
    float brightness[2];    // is added: low, high
    float range[2];         // contrast and brightness are followed by clipping; both 0: by none
} gs__augment_attr;

// mixup: x = { rows (B, ...), targets (B, ...) float } -> y = { rows, targets }, each mixed with another row's.
typedef struct gs__mixup_attr {
    uint32_t key;
    float alpha; // of the Beta distribution, above 0 and at most 1
} gs__mixup_attr;

#endif
