#include "data/data.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const gs__array_use uses[] = {GS__SAMPLES, GS__TARGETS, GS__SAMPLES_IN_PLACE};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        gs__error error = {0};
        gs__array array = {0};
        gs_status status = gs__idx_parse(&error, "fuzz.idx", data, bytes, uses[i], &array);
        fuzz_check(status, &error);
        if (!array.in_place) gs__array_deinit(&array);
    }
    return 0;
}
