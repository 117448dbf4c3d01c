// A checkpoint, read into the training of a small model as far as that needs no device. A checkpoint with a wrong checksum
// is refused (fuzz_safetensors.c goes through the check); here it does not count, or nothing would get behind it.
#include "context/context.h"
#include "fuzz.h"
#include "model/model.h"
#include "train/checkpoint_file.h"

enum { BATCH = 8, SAMPLES = 96 };

static gs_model *make_model(gs_context *context) {
    gs_model *model = NULL;
    const gs_compile_params compile = {.optimizer = gs_adam(.learning_rate = 0.01f)};
    if (gs_model_from_layers(context, "3 dense:2:relu dense:2", 1, &model) != GS_OK) abort();
    if (gs_model_compile(model, &compile) != GS_OK) abort();
    return model;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static gs_context *context;
    static gs_model *model;
    if (!context && gs_context_create(&context, NULL) != GS_OK) abort();
    if (!model) model = make_model(context);
    gs__error *error = gs__context_error(context);
    gs__safetensors *file = NULL;
    gs_status status = gs__safetensors_open_memory(error, "fuzz", data, bytes, &file);
    fuzz_check(status, error);
    if (status != GS_OK) return 0;
    status = gs__safetensors_check(file);
    fuzz_check(status, error);
    if (gs__safetensors_metadata(file, "training")) {
        double numbers[3] = {0};
        float copy[64] = {0};
        gs_callback callback = {.state = numbers, .state_count = 3, .weights = copy};
        gs_callback *const callbacks[] = {&callback};
        const gs_fit_params params = {.callbacks = callbacks, .callback_count = 1};
        gs__session session = {.model = model};
        struct gs_state state = {.set = {.batch = BATCH, .data_count = SAMPLES}};
        gs_training training = {.model = model, .params = &params, .session = &session};
        float *slots = calloc(1, gs__model_slot_bytes(model) + 1);
        if (!slots || model->parameter_elements > 64) abort();
        training.history.columns = 2;
        status = gs__checkpoint_read(&training, file, &state, slots);
        fuzz_check(status, error);
        if (status == GS_OK && (state.next.begin >= SAMPLES || state.set.segments > GS_MAX_SEGMENTS)) abort();
        gs__history_deinit(&training.history);
        free(slots);
    }
    gs__safetensors_close(file);
    return 0;
}
