// An experiment's file. What it names is not opened.
#include "context/context.h"
#include "fuzz.h"
#include "train/experiment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static gs_context *context;
    if (!context && gs_context_create(&context, NULL) != GS_OK) abort();
    gs_experiment *experiment = NULL;
    char *text = fuzz_text(data, bytes);
    gs_status status = gs__experiment_parse(context, "experiment.json", text, bytes, &experiment);
    free(text);
    fuzz_check(status, gs__context_error(context));
    gs_experiment_destroy(&experiment);
    return 0;
}
