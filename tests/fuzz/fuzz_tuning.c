// The file of measured choices, behind its checked first line.
#include "fuzz.h"
#include "plan/tune.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    gs__tuner tuner = {.forced = -1, .enabled = true};
    char *text = fuzz_text(data, bytes);
    gs__tuner_parse(&tuner, text);
    const uint32_t count = tuner.count;
    memcpy(text, data, bytes);
    gs__tuner_parse(&tuner, text); // nothing new
    if (tuner.count != count) abort();
    for (uint32_t i = 0; i < count; i++)
        if (!memchr(tuner.entries[i].key, 0, sizeof tuner.entries[i].key) ||
            !memchr(tuner.entries[i].way, 0, sizeof tuner.entries[i].way))
            abort();
    free(tuner.entries);
    free(text);
    return 0;
}
