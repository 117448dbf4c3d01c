// Optimizers: plain values, made by macros. Names, formulas and defaults are those of Keras 3.
//
//     .optimizer = gs_adam(.learning_rate = 1e-3f)
#ifndef GRADSMITH_OPTIMIZER_H
#define GRADSMITH_OPTIMIZER_H

#include <gradsmith/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// X(constant, value, name, Keras class name)
// clang-format off
#define GS_OPTIMIZER_MAP(X)                              \
    X(GS_OPTIMIZER_DEFAULT, 0, "",        "")            \
    X(GS_OPTIMIZER_SGD,     1, "sgd",     "SGD")         \
    X(GS_OPTIMIZER_ADAM,    2, "adam",    "Adam")        \
    X(GS_OPTIMIZER_ADAMW,   3, "adamw",   "AdamW")       \
    X(GS_OPTIMIZER_RMSPROP, 4, "rmsprop", "RMSprop")
// clang-format on
typedef enum gs_optimizer_kind {
#define GS_OPTIMIZER_ENUM(name, value, text, class_name) name = (value),
    GS_OPTIMIZER_MAP(GS_OPTIMIZER_ENUM)
#undef GS_OPTIMIZER_ENUM
} gs_optimizer_kind;

// Zero means the default of the kind; a negative beta1, beta2, rho, or weight_decay of AdamW, means an exact zero. A field
// that the kind does not have must be zero.
typedef struct gs_optimizer {
    gs_optimizer_kind kind; // DEFAULT: RMSprop in Keras's compile(); here Adam
    float learning_rate;    // > 0; SGD 0.01, the others 0.001
    float momentum;         // SGD, RMSprop: 0 <= momentum < 1; 0
    bool nesterov;          // SGD
    float beta1, beta2;     // Adam, AdamW: 0.9, 0.999; in [0, 1)
    float rho;              // RMSprop: 0.9; in [0, 1)
    float epsilon;          // Adam, AdamW, RMSprop: > 0; 1e-7
    float weight_decay;     // decoupled: w -= learning_rate * weight_decay * w; AdamW 0.004, the others 0
    // Adam, AdamW. false, Keras: w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)
    //              true, PyTorch and the paper (Kingma, Ba 2015, algorithm 1): epsilon is added to sqrt(v / (1 - b2^t))
    bool paper_epsilon;
} gs_optimizer;

#define gs_sgd(...)     ((gs_optimizer){.kind = GS_OPTIMIZER_SGD, __VA_ARGS__})
#define gs_adam(...)    ((gs_optimizer){.kind = GS_OPTIMIZER_ADAM, __VA_ARGS__})
#define gs_adamw(...)   ((gs_optimizer){.kind = GS_OPTIMIZER_ADAMW, __VA_ARGS__})
#define gs_rmsprop(...) ((gs_optimizer){.kind = GS_OPTIMIZER_RMSPROP, __VA_ARGS__})

// Finds an optimizer by its name ("adam") or class name ("Adam"); all other fields become zero.
// Errors: GS_ERR_ARGUMENT for an unknown name.
GS_API gs_status gs_optimizer_parse(const char *name, gs_optimizer *optimizer);
// "adam". Never NULL.
GS_API const char *gs_optimizer_name(gs_optimizer_kind kind);

#ifdef __cplusplus
}
#endif
#endif
