#include "data/safetensors.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    gs__error error = {0};
    gs__safetensors *file = NULL;
    gs_status status = gs__safetensors_open_memory(&error, "fuzz.safetensors", data, bytes, &file);
    fuzz_check(status, &error);
    if (status != GS_OK) return 0;
    gs__safetensors_metadata(file, "training");
    for (uint32_t i = 0; i < gs__safetensors_count(file); i++) {
        gs__safetensors_info info;
        gs__safetensors_get(file, i, &info);
        // Each element takes a byte or more of the file, so this is bounded.
        if (info.count > bytes) abort();
        float *values = malloc(info.count * sizeof *values);
        if (!values || gs__safetensors_find(file, info.name) < 0) abort();
        fuzz_check(gs__safetensors_read_f32(file, i, values), &error);
        free(values);
    }
    gs__safetensors_close(file);
    return 0;
}
