#include "data/data.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const char *const keys[] = {"x", "y_train", "arr_0"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        gs__error error = {0};
        gs__array array = {0};
        const bool has = gs__npz_has(data, bytes, keys[i]);
        gs_status status = gs__npz_read(&error, "fuzz.npz", data, bytes, keys[i], i % 2, &array);
        fuzz_check(status, &error);
        if (status == GS_OK && !has) abort();
        gs__array_deinit(&array);
    }
    return 0;
}
