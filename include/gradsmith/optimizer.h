// Optimizers: plain values, made by macros. Names, formulas and defaults are those of Keras 3.
//
//     .optimizer = gs_adam(.learning_rate = 1e-3f)
#ifndef GRADSMITH_OPTIMIZER_H
#define GRADSMITH_OPTIMIZER_H

#include <gradsmith/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// X(constant, value, name, Keras class name)
// clang-format off
#define GS_OPTIMIZER_MAP(X)                                   \
    X(GS_OPTIMIZER_DEFAULT,   0, "",          "")             \
    X(GS_OPTIMIZER_SGD,       1, "sgd",       "SGD")          \
    X(GS_OPTIMIZER_ADAM,      2, "adam",      "Adam")         \
    X(GS_OPTIMIZER_ADAMW,     3, "adamw",     "AdamW")        \
    X(GS_OPTIMIZER_RMSPROP,   4, "rmsprop",   "RMSprop")      \
    X(GS_OPTIMIZER_ADAGRAD,   5, "adagrad",   "Adagrad")      \
    X(GS_OPTIMIZER_ADADELTA,  6, "adadelta",  "Adadelta")     \
    X(GS_OPTIMIZER_ADAMAX,    7, "adamax",    "Adamax")       \
    X(GS_OPTIMIZER_NADAM,     8, "nadam",     "Nadam")        \
    X(GS_OPTIMIZER_LION,      9, "lion",      "Lion")         \
    X(GS_OPTIMIZER_ADAFACTOR, 10, "adafactor", "Adafactor")

// X(constant, value, name, Keras class name; empty: Keras has no such schedule)
#define GS_SCHEDULE_MAP(X)                                                  \
    X(GS_SCHEDULE_CONSTANT,        0, "constant",        "")                \
    X(GS_SCHEDULE_EXPONENTIAL,     1, "exponential",     "ExponentialDecay") \
    X(GS_SCHEDULE_INVERSE_TIME,    2, "inverse_time",    "InverseTimeDecay") \
    X(GS_SCHEDULE_POLYNOMIAL,      3, "polynomial",      "PolynomialDecay") \
    X(GS_SCHEDULE_PIECEWISE,       4, "piecewise",       "PiecewiseConstantDecay") \
    X(GS_SCHEDULE_COSINE,          5, "cosine",          "CosineDecay")     \
    X(GS_SCHEDULE_COSINE_RESTARTS, 6, "cosine_restarts", "CosineDecayRestarts") \
    X(GS_SCHEDULE_ONE_CYCLE,       7, "one_cycle",       "")
// clang-format on
typedef enum gs_optimizer_kind {
#define GS_OPTIMIZER_ENUM(name, value, text, class_name) name = (value),
    GS_OPTIMIZER_MAP(GS_OPTIMIZER_ENUM)
#undef GS_OPTIMIZER_ENUM
} gs_optimizer_kind;
typedef enum gs_schedule_kind {
#define GS_SCHEDULE_ENUM(name, value, text, class_name) name = (value),
    GS_SCHEDULE_MAP(GS_SCHEDULE_ENUM)
#undef GS_SCHEDULE_ENUM
} gs_schedule_kind;

// The learning rate of each step, computed on the device. `rate` below is the optimizer's learning_rate, step s counts
// from 0, D is decay_steps, and x = s / D. Steps are batches: as in Keras, also where gradients are accumulated. A field
// that the kind does not have must be zero.
//   EXPONENTIAL      rate decay_rate^x; staircase: x rounded down (every D steps: a step decay)
//   INVERSE_TIME     rate / (1 + decay_rate x); staircase as above
//   POLYNOMIAL       (rate - end) (1 - min(x, 1))^power + end; cycle: D grows to the next of its multiples instead
//   PIECEWISE        values[i] for steps up to and with boundaries[i], values[count] behind; learning_rate is not used
//   COSINE           rate ((1 - alpha) (1 + cos(pi min(x, 1))) / 2 + alpha)
//   COSINE_RESTARTS  the same with x from 0 to 1 in each round; D is the first one's, each is t_mul times as long and m_mul
//                    times as high as the one before it (Loshchilov and Hutter 2017)
//   ONE_CYCLE        of D steps, PyTorch's OneCycleLR: by cosines from rate / div_factor up to rate, over the share
//                    pct_start of the steps, and down to rate / (div_factor final_div_factor)
// warmup_steps: a line from warmup_from to rate comes before; the kind's s counts from its end.
enum { GS_SCHEDULE_MAX_PIECES = 15 };
typedef struct gs_schedule {
    gs_schedule_kind kind;
    uint32_t decay_steps; // 0: up to the end of the first fit. EXPONENTIAL, INVERSE_TIME, COSINE_RESTARTS: needed
    uint32_t warmup_steps;
    float warmup_from;                               // >= 0
    float decay_rate;                                // > 0, needed
    bool staircase, cycle;                           //
    float end_learning_rate;                         // POLYNOMIAL: 0.0001; negative: exactly 0
    float power;                                     // POLYNOMIAL: > 0; 1
    float alpha;                                     // COSINE, COSINE_RESTARTS: 0 <= alpha <= 1; 0
    float t_mul, m_mul;                              // COSINE_RESTARTS: >= 1, > 0; 2, 1
    float pct_start;                                 // ONE_CYCLE: 0 < pct_start < 1; 0.3
    float div_factor, final_div_factor;              // ONE_CYCLE: >= 1; 25, 10000
    uint32_t boundary_count;                         // PIECEWISE
    uint32_t boundaries[GS_SCHEDULE_MAX_PIECES - 1]; // ascending
    float values[GS_SCHEDULE_MAX_PIECES];            // boundary_count + 1, > 0
} gs_schedule;

// Zero means the default of the kind; a negative beta1, beta2, rho, initial_accumulator, or weight_decay of AdamW, means
// an exact zero. A field that the kind does not have must be zero.
typedef struct gs_optimizer {
    gs_optimizer_kind kind; // DEFAULT: RMSprop in Keras's compile(); here Adam
    float learning_rate;    // > 0; SGD 0.01, the others 0.001
    float momentum;         // SGD, RMSprop: 0 <= momentum < 1; 0
    bool nesterov;          // SGD
    float beta1, beta2;     // Adam, AdamW, Adamax, Nadam: 0.9, 0.999; Lion: 0.9, 0.99; in [0, 1)
    float rho;              // RMSprop: 0.9; Adadelta: 0.95; in [0, 1)
    float epsilon;          // > 0; 1e-7, Adafactor (its epsilon_1) 1e-30; not SGD, Lion
    float weight_decay;     // decoupled: w -= learning_rate * weight_decay * w; AdamW 0.004, the others 0
    // Adam, AdamW. false, Keras: w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)
    //              true, PyTorch and the paper (Kingma, Ba 2015, algorithm 1): epsilon is added to sqrt(v / (1 - b2^t))
    bool paper_epsilon;
    float initial_accumulator; // Adagrad: 0.1
    float epsilon2;            // Adafactor: > 0; 0.001
    float clip_threshold;      // Adafactor: > 0; 1
    float beta2_decay;         // Adafactor: < 0; -0.8

    gs_schedule schedule; // of the learning rate
    // At most one of them, > 0; 0: none. Gradients include penalties, and are clipped before weight decay.
    float clipnorm;        // each parameter's gradient is scaled down to this L2 norm
    float global_clipnorm; // all gradients together
    float clipvalue;       // each element is cut to +- clipvalue
    // One update for so many steps, with the mean of their gradients; 0: 1, each step is one. What is left at the end of
    // a fit goes into the first update of the next.
    uint32_t accumulate;
    // A moving average of the weights, made at each step: average = m average + (1 - m) w, from the first step's w on.
    // At the end of fit the weights become the average.
    bool use_ema;
    float ema_momentum;     // in [0, 1); 0.99
    uint32_t ema_overwrite; // the weights become the average after every so many updates; 0: never
} gs_optimizer;

#define gs_sgd(...)       ((gs_optimizer){.kind = GS_OPTIMIZER_SGD, __VA_ARGS__})
#define gs_adam(...)      ((gs_optimizer){.kind = GS_OPTIMIZER_ADAM, __VA_ARGS__})
#define gs_adamw(...)     ((gs_optimizer){.kind = GS_OPTIMIZER_ADAMW, __VA_ARGS__})
#define gs_rmsprop(...)   ((gs_optimizer){.kind = GS_OPTIMIZER_RMSPROP, __VA_ARGS__})
#define gs_adagrad(...)   ((gs_optimizer){.kind = GS_OPTIMIZER_ADAGRAD, __VA_ARGS__})
#define gs_adadelta(...)  ((gs_optimizer){.kind = GS_OPTIMIZER_ADADELTA, __VA_ARGS__})
#define gs_adamax(...)    ((gs_optimizer){.kind = GS_OPTIMIZER_ADAMAX, __VA_ARGS__})
#define gs_nadam(...)     ((gs_optimizer){.kind = GS_OPTIMIZER_NADAM, __VA_ARGS__})
#define gs_lion(...)      ((gs_optimizer){.kind = GS_OPTIMIZER_LION, __VA_ARGS__})
#define gs_adafactor(...) ((gs_optimizer){.kind = GS_OPTIMIZER_ADAFACTOR, __VA_ARGS__})

// Finds an optimizer by its name ("adam") or class name ("Adam"); all other fields become zero.
// Errors: GS_ERR_ARGUMENT for an unknown name.
GS_API gs_status gs_optimizer_parse(const char *name, gs_optimizer *optimizer);
// "adam". Never NULL.
GS_API const char *gs_optimizer_name(gs_optimizer_kind kind);

// A schedule from text: NAME[:FIELD=VALUE...], with the fields of gs_schedule, lists with slashes; also the name "step",
// an exponential decay with staircase and decay_rate 0.1.
//     "cosine"    "step:decay_steps=1000:decay_rate=0.5"    "piecewise:boundaries=100/200:values=0.1/0.01/0.001"
// Errors: GS_ERR_ARGUMENT; `message` (may be NULL) receives what is wrong.
GS_API gs_status gs_schedule_parse(const char *text, gs_schedule *schedule, char *message, size_t capacity);
// "cosine". Never NULL.
GS_API const char *gs_schedule_name(gs_schedule_kind kind);

#ifdef __cplusplus
}
#endif
#endif
