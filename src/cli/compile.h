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
    const char *precision;                            // NULL: not given
    double loss_scale;                                // NAN: not given
    uint64_t loss_scale_growth;
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
                   .ema = NAN,                                                                                         \
                   .loss_scale = NAN})

// Names to kinds, before anything is opened; prints what is wrong with the command line.
int cli_compile_parse(const cli_compile *options, gs_compile_params *params);
// --precision of a command; NULL leaves it open.
int cli_precision_parse(const char *command, const char *name, gs_precision *precision);
// Compiles a model anew in another precision; DEFAULT leaves it as it is.
int cli_precision_apply(gs_precision precision, gs_context *context, gs_model *model);
// Compiles the model. What the options leave open is the model's own, from its file, else the default.
int cli_compile_apply(const cli_compile *options, const gs_compile_params *params, gs_context *context,
                      gs_model *model);

#endif
