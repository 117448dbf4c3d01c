#ifndef GS_CLI_PROFILE_H
#define GS_CLI_PROFILE_H

#include "cli.h"

// Prints the time of each kernel of a step, and their sum beside a step's time on the clock. `result` is the last
// epoch's of a fit with profile.
int cli_profile_print(gs_context *context, gs_model *model, const gs_result *result, uint64_t batch_size);

#endif
