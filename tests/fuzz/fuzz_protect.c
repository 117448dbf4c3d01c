// An encrypted file, read with the key that the seeds were made with. (Without it nothing would get behind the header.)
#include "fuzz.h"
#include "protect/protect.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static gs_key *make_key(void) {
    static const char secret[] = "the key of tests/fuzz, 32 bytes!";
    char path[] = "/tmp/gradsmith-fuzz-XXXXXX";
    gs_context *context = NULL;
    gs_key *key = NULL;
    const int file = mkstemp(path);
    if (file < 0 || write(file, secret, 32) != 32 || close(file) != 0 || chmod(path, 0600) != 0) abort();
    if (gs_context_create(&context, NULL) != GS_OK) abort();
    const gs_status status = gs_key_create(context, &(gs_key_params){.key_file = path}, &key);
    unlink(path);
    gs_context_destroy(&context);
    if (status != GS_OK && status != GS_ERR_UNSUPPORTED) abort();
    return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static gs_key *key;
    if (!key) key = make_key();
    gs__error error = {0};
    char *out = NULL;
    size_t out_bytes = 0;
    if (!gs__protect_is(data, bytes)) return 0; // what others see is read as a plain file
    gs_status status = gs__protect_open(&error, key, "fuzz", data, bytes, &out, &out_bytes);
    fuzz_check(status, &error);
    if (status == GS_OK && out_bytes > bytes) abort();
    gs__protect_free(out, out_bytes);
    return 0;
}
