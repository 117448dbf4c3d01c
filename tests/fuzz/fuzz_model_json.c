// A model's JSON, made into a model, written, and read back. How many weights it may ask for is limited, as it is by the
// size of model.safetensors where a folder is loaded.
#include "context/context.h"
#include "fuzz.h"
#include "model/model.h"

// An orthogonal initializer takes time by the third power of its rows.
static const gs__model_params limits = {.seed = 1, .max_parameters = 1 << 14};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static gs_context *context;
    if (!context && gs_context_create(&context, NULL) != GS_OK) abort();
    gs_model *model = NULL, *again = NULL;
    char *text = fuzz_text(data, bytes);
    gs_status status = gs__model_from_json(context, text, bytes, &limits, &model);
    free(text);
    fuzz_check(status, gs__context_error(context));
    if (status == GS_OK) {
        size_t size = 0;
        if (gs_model_to_json(model, NULL, 0, &size) != GS_OK) abort();
        text = malloc(size);
        if (!text || gs_model_to_json(model, text, size, NULL) != GS_OK) abort();
        // What was written can be read.
        if (gs__model_from_json(context, text, strlen(text), &limits, &again) != GS_OK) abort();
        free(text);
    }
    gs_model_destroy(&model);
    gs_model_destroy(&again);
    return 0;
}
