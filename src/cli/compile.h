// Options of train that become a gs_compile_params.
#ifndef GS_CLI_COMPILE_H
#define GS_CLI_COMPILE_H

#include "cli.h"

typedef struct cli_compile {
    const char *optimizer, *loss, *metrics;                                   // names; NULL: not given
    double learning_rate, momentum, beta1, beta2, rho, epsilon, weight_decay; // NAN: not given
    bool nesterov, paper_epsilon;
    const char *schedule;                             // NULL: not given
    double clipnorm, global_clipnorm, clipvalue, ema; // NAN: not given
    uint64_t accumulate;                              // 0: not given
} cli_compile;

#define CLI_COMPILE_NONE                                                                                               \
    ((cli_compile){.learning_rate = NAN,                                                                               \
                   .momentum = NAN,                                                                                    \
                   .beta1 = NAN,                                                                                       \
                   .beta2 = NAN,                                                                                       \
                   .rho = NAN,                                                                                         \
                   .epsilon = NAN,                                                                                     \
                   .weight_decay = NAN,                                                                                \
                   .clipnorm = NAN,                                                                                    \
                   .global_clipnorm = NAN,                                                                             \
                   .clipvalue = NAN,                                                                                   \
                   .ema = NAN})

// Names to kinds, before anything is opened; prints what is wrong with the command line.
int cli_compile_parse(const cli_compile *options, gs_compile_params *params);
// Compiles the model. What the options leave open is the model's own, from its file, else the default.
int cli_compile_apply(const cli_compile *options, const gs_compile_params *params, gs_context *context,
                      gs_model *model);

#endif
