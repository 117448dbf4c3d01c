// Losses and metrics. Names, formulas and defaults are those of Keras 3; docs/keras-compatibility.md lists the details.
#ifndef GRADSMITH_LOSS_H
#define GRADSMITH_LOSS_H

#include <gradsmith/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// X(constant, value, Keras identifier, Keras class name). K is the size of the last axis. A loss is computed per row
// (B, ..., K) -> mean over all axes but the first -> mean over the rows of the batch.
// clang-format off
#define GS_LOSS_MAP(X)                                                                                           \
    X(GS_LOSS_DEFAULT,                   0, "",                                "")                               \
    X(GS_LOSS_SPARSE_CROSSENTROPY,       1, "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")  \
    X(GS_LOSS_CATEGORICAL_CROSSENTROPY,  2, "categorical_crossentropy",        "CategoricalCrossentropy")        \
    X(GS_LOSS_BINARY_CROSSENTROPY,       3, "binary_crossentropy",             "BinaryCrossentropy")             \
    X(GS_LOSS_MSE,                       4, "mean_squared_error",              "MeanSquaredError")               \
    X(GS_LOSS_MAE,                       5, "mean_absolute_error",             "MeanAbsoluteError")              \
    X(GS_LOSS_HUBER,                     6, "huber",                           "Huber")                          \
    X(GS_LOSS_KL_DIVERGENCE,             7, "kl_divergence",                   "KLDivergence")                   \
    X(GS_LOSS_POISSON,                   8, "poisson",                         "Poisson")                        \
    X(GS_LOSS_LOG_COSH,                  9, "log_cosh",                        "LogCosh")                        \
    X(GS_LOSS_HINGE,                    10, "hinge",                           "Hinge")                          \
    X(GS_LOSS_SQUARED_HINGE,            11, "squared_hinge",                   "SquaredHinge")                   \
    X(GS_LOSS_CATEGORICAL_HINGE,        12, "categorical_hinge",               "CategoricalHinge")               \
    X(GS_LOSS_COSINE_SIMILARITY,        13, "cosine_similarity",               "CosineSimilarity")               \
    X(GS_LOSS_BINARY_FOCAL,             14, "binary_focal_crossentropy",       "BinaryFocalCrossentropy")        \
    X(GS_LOSS_CATEGORICAL_FOCAL,        15, "categorical_focal_crossentropy",  "CategoricalFocalCrossentropy")
// clang-format on
typedef enum gs_loss_kind {
#define GS_LOSS_ENUM(name, value, text, class_name) name = (value),
    GS_LOSS_MAP(GS_LOSS_ENUM)
#undef GS_LOSS_ENUM
} gs_loss_kind;

typedef struct gs_loss {
    // DEFAULT: sparse categorical cross-entropy when the targets are class indices, else mean squared error.
    gs_loss_kind kind;
    // Cross-entropies: the model's outputs are probabilities. Taken as set when the model ends in softmax or sigmoid,
    // whatever it says: those are no logits. Else the default is logits, which is faster and exact.
    bool from_probabilities;
    float delta; // Huber: > 0; 0: 1
    // Categorical, binary and focal cross-entropies, and (PyTorch, not Keras) the sparse one: targets become
    // t (1 - label_smoothing) + label_smoothing / K, binary ones / 2. 0 <= label_smoothing < 1
    float label_smoothing;
    // Sparse cross-entropy: positions with the target ignore_class cost nothing, and the loss is the mean over the others
    // of the batch. It may lie outside of the classes: -1, for one. Accuracy takes them for misses, as Keras does.
    bool ignores;
    int32_t ignore_class;
    float gamma;          // focal: >= 0; 0: 2; negative: exactly 0
    float alpha;          // focal: 0 < alpha <= 1, 0: 0.25. The binary one's: of class 1, with class_balancing
    bool class_balancing; // binary focal
} gs_loss;

// X(constant, value, Keras identifier)
// clang-format off
#define GS_METRIC_MAP(X)                                                                                         \
    X(GS_METRIC_NONE,     0, "")                                                                                 \
    X(GS_METRIC_ACCURACY, 1, "accuracy")                          /* by the targets: sparse, categorical, binary */ \
    X(GS_METRIC_TOP_K,    2, "sparse_top_k_categorical_accuracy") /* k, 5 */                                     \
    X(GS_METRIC_MSE,      3, "mean_squared_error")                                                               \
    X(GS_METRIC_MAE,      4, "mean_absolute_error")                                                              \
    X(GS_METRIC_PRECISION, 5, "precision")                                                                       \
    X(GS_METRIC_RECALL,   6, "recall")                                                                           \
    X(GS_METRIC_F1,       7, "f1_score")                                                                         \
    X(GS_METRIC_AUC,      8, "auc")                                                                              \
    X(GS_METRIC_R2,       9, "r2_score")
// clang-format on
typedef enum gs_metric_kind {
#define GS_METRIC_ENUM(name, value, text) name = (value),
    GS_METRIC_MAP(GS_METRIC_ENUM)
#undef GS_METRIC_ENUM
} gs_metric_kind;

enum { GS_MAX_METRICS = 5 };

// ACCURACY is, as in Keras, the sparse one for class indices, else the binary one (output > 0.5) where the last axis has
// size 1, else the categorical one. Unlike in Keras, binary cross-entropy from logits compares with 0: the logit of 0.5.
// TOP_K needs class indices; MSE, MAE and R2 need targets of the output's shape.
// PRECISION, RECALL: of all outputs, with the threshold 0.5 of the probability; class indices count as one-hot rows.
// F1: the mean over the classes (macro) with the largest output as prediction; of binary losses and a single output that of
// all outputs with the threshold 0.5. AUC: of the ROC curve of all outputs, by 200 thresholds. Where the loss is from logits,
// probabilities are made of the outputs. These and R2 (the mean over outputs) are of a whole pass, not means over
// samples: within an epoch they are NaN.
typedef struct gs_metric {
    gs_metric_kind kind;
    uint32_t k; // TOP_K: 1 .. number of classes; 0: 5
} gs_metric;

// Finds a loss or metric by its Keras name, also "mse", "mae", "kld", "logcosh", "acc", "top_k", a loss's class
// name.
// Errors: GS_ERR_ARGUMENT for an unknown name.
GS_API gs_status gs_loss_parse(const char *name, gs_loss *loss);
GS_API gs_status gs_metric_parse(const char *name, gs_metric *metric);
// Keras identifier, e.g. "accuracy". Never NULL.
GS_API const char *gs_loss_name(gs_loss_kind kind);
GS_API const char *gs_metric_name(gs_metric_kind kind);

#ifdef __cplusplus
}
#endif
#endif
