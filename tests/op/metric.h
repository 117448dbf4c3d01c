// What the tests of metrics share: refusals of targets that do not fit.
#ifndef GS_TESTS_OP_METRIC_H
#define GS_TESTS_OP_METRIC_H

#include "harness.h"

// Fails unless op(output, targets) is GS_ERR_ARGUMENT, with a message that holds `text`.
void metric_refused(const char *op, const void *attr, gs_shape output, gs_shape targets, gs_dtype dtype,
                    const char *text);

#endif
