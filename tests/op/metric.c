#include "metric.h"

#include <string.h>

void metric_refused(const char *op, const void *attr, gs_shape output, gs_shape targets, gs_dtype dtype,
                    const char *text) {
    gs__error error = {0};
    gs__graph graph;
    gs__value x[2], y;
    gs__graph_init(&graph, &error, false, 4);
    op_expect_ok(&error, gs__graph_value(&graph, &output, GS_F32, GS__STORAGE_ACTIVATION, NULL, &x[0]), op);
    op_expect_ok(&error, gs__graph_value(&graph, &targets, dtype, GS__STORAGE_ACTIVATION, NULL, &x[1]), op);
    assert_int_equal(gs__graph_apply(&graph, op, NULL, attr, x, 2, &y), GS_ERR_ARGUMENT);
    if (!strstr(error.message, text)) fail_msg("\"%s\" does not say \"%s\"", error.message, text);
    gs__graph_deinit(&graph);
}
