#include "base/file.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    gs__error error = {0};
    char *out = NULL;
    size_t out_bytes = 0;
    // A limit of its own for each input, so that all of them are met.
    const uint64_t most = bytes ? (uint64_t)data[bytes - 1] << 10 : 0;
    gs_status status = gs__gzip_inflate(&error, "fuzz.gz", data, bytes, most, &out, &out_bytes);
    fuzz_check(status, &error);
    if (status == GS_OK && (out_bytes > most || out[out_bytes] != 0)) abort();
    free(out);
    return 0;
}
