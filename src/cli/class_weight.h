// --class-weight of train.
#ifndef GS_CLI_CLASS_WEIGHT_H
#define GS_CLI_CLASS_WEIGHT_H

#include "cli.h"

// Before anything is opened; prints what is wrong. NULL is fine.
int cli_class_weight_check(const char *text);
// A weight for each class of the data, which the caller frees; 1 for those that are not named. NULL text: none.
int cli_class_weight(const char *text, const gs_data *data, float **weights, uint32_t *count);

#endif
