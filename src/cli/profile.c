#include "profile.h"
#include <stdlib.h>

int cli_profile_print(gs_context *context, gs_model *model, const gs_result *result, uint64_t batch_size) {
    uint32_t count = 0, capacity;
    if (gs_model_profile(model, NULL, 0, &capacity) != GS_OK) return cli_fail_context(context, NULL);
    gs_profile_entry *entries = calloc((size_t)capacity + 1, sizeof *entries);
    if (entries == NULL) return cli_fail("out of memory");
    int code = CLI_OK;
    if (gs_model_profile(model, entries, capacity, &count) != GS_OK) {
        code = cli_fail_context(context, NULL);
        goto done;
    }
    printf("\nTime on the device of each kernel of a step, in its order:\n");
    printf("  %-44s%12s%9s\n", "kernel", "median us", "share");
    double sum_ns = 0;
    for (uint32_t i = 0; i < count && i < capacity; i++) {
        const gs_profile_entry *entry = &entries[i];
        cli_text name = cli_clean(entry->name, 43);
        printf("  %-44s%12.2f%8.1f%%\n", name.text, entry->median_ns * 1e-3, entry->share * 100);
        sum_ns += entry->median_ns;
    }
    printf("  %-44s%12.2f\n", "sum", sum_ns * 1e-3);
    uint64_t steps = (result->sample_count + batch_size - 1) / batch_size;
    if (steps > 0) {
        double step_s = result->seconds / (double)steps;
        printf("  %-44s%12.2f%8.1f%%\n", "a step on the clock, and the kernels' share", step_s * 1e6,
               step_s > 0 ? sum_ns * 1e-7 / step_s : 0.0);
    }
    printf("\n");
done:
    free(entries);
    return code;
}
