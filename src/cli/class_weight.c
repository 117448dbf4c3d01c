// --class-weight: "balanced", or CLASS:WEIGHT,...
#include "class_weight.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 1000000 };

// Without weights: only checks.
static bool read_list(const char *text, float *weights, uint32_t count, uint32_t *most) {
    for (const char *next = text;;) {
        char *end;
        if (next[0] < '0' || next[0] > '9') return false;
        errno = 0;
        unsigned long class = strtoul(next, &end, 10);
        if (errno != 0 || class >= MAX_CLASSES || *end != ':') return false;
        const char *word = end + 1;
        double weight = strtod(word, &end);
        if (end == word || !(weight >= 0) || !isfinite((float)weight) || (*end != 0 && *end != ',')) return false;
        if (class < count) weights[class] = (float)weight;
        if (class + 1 > *most) *most = (uint32_t) class + 1;
        if (*end == 0) return true;
        next = end + 1;
    }
}

int cli_class_weight_check(const char *text) {
    uint32_t most = 0;
    if (text == NULL || strcmp(text, "balanced") == 0 || read_list(text, NULL, 0, &most)) return CLI_OK;
    return cli_misuse("train",
                      "--class-weight: expected balanced, or CLASS:WEIGHT,... with weights of at least 0, "
                      "found \"%s\"",
                      text);
}

// The classes of all samples together weigh the same: n / (classes * samples of the class), as in scikit-learn.
static int balance(const gs_data *data, const gs_data_info *info, float *weights, uint32_t count) {
    const int32_t *classes = gs_data_y(data);
    uint64_t elements = info->count;
    for (uint32_t i = 0; i < info->target_shape.rank; i++) elements *= (uint64_t)info->target_shape.dim[i];
    uint64_t *found = calloc(count, sizeof *found);
    if (found == NULL) return cli_fail("out of memory");
    for (uint64_t i = 0; i < elements; i++) found[classes[i]]++;
    uint32_t there = 0;
    for (uint32_t i = 0; i < count; i++) there += found[i] > 0;
    for (uint32_t i = 0; i < count; i++)
        weights[i] = found[i] > 0 ? (float)((double)elements / ((double)there * (double)found[i])) : 1.0F;
    free(found);
    return CLI_OK;
}

int cli_class_weight(const char *text, const gs_data *data, float **weights, uint32_t *count) {
    gs_data_info info;
    gs_data_get_info(data, &info);
    *weights = NULL;
    *count = 0;
    if (text == NULL) return CLI_OK;
    const bool balanced = strcmp(text, "balanced") == 0;
    if (balanced && (info.max_class < 0 || gs_data_y(data) == NULL))
        return cli_fail("--class-weight balanced: the targets of the data are no class numbers");
    if (info.max_class >= 0) *count = (uint32_t)(info.max_class < MAX_CLASSES ? info.max_class + 1 : MAX_CLASSES);
    if (!balanced) read_list(text, NULL, 0, count);
    *weights = malloc(*count * sizeof **weights);
    if (*weights == NULL) return cli_fail("out of memory");
    for (uint32_t i = 0; i < *count; i++) (*weights)[i] = 1.0F;
    if (balanced) return balance(data, &info, *weights, *count);
    uint32_t most = 0;
    read_list(text, *weights, *count, &most);
    return CLI_OK;
}
