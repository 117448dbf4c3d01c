// gradsmith summary --plan: a training step as it is recorded, and the memory behind it.
#include "cli.h"
#include <string.h>

static const char *dtype_text(gs_dtype dtype) {
    return dtype == GS_F32 ? "f32" : dtype == GS_I32 ? "i32" : "u8";
}

// "(32, 784) f32"
static cli_text value_shape(const gs_plan_value *value) {
    cli_text text = {""};
    if (value->shape.rank > 0)
        snprintf(text.text, sizeof text.text, "%.200s %s", cli_shape(NULL, &value->shape).text,
                 dtype_text(value->dtype));
    return text;
}

static void print_access(const gs_plan *plan, const gs_plan_access *access) {
    const gs_plan_value *value = &plan->values[access->value];
    const char *how = access->reads && access->writes ? "updates" : access->writes ? "writes" : "reads";
    printf("         %-8s%-30s %-20s %15s @%s, %s\n", how, cli_clean(value->name, 30).text, value_shape(value).text,
           cli_group(access->bytes).text, cli_group(access->offset).text, plan->memory[value->memory].name);
}

static uint32_t count_barriers(const gs_plan *plan) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->dispatch_count; i++) count += plan->dispatches[i].barrier;
    return count;
}

static void print_dispatches(const gs_plan *plan) {
    printf("\nA step at batch size %u on %s: %u dispatches, %u barriers between them.\n", plan->batch_size,
           cli_clean(plan->device.name, 0).text, plan->dispatch_count, count_barriers(plan));
    printf("Bytes @offset of each tensor, in its allocation.\n\n");
    for (uint32_t i = 0; i < plan->dispatch_count; i++) {
        const gs_plan_dispatch *d = &plan->dispatches[i];
        if (d->barrier) printf("      ---- barrier\n");
        printf("%5u  %s%s%s %s, kernel %s, %u x %u x %u workgroups\n", i + 1, cli_clean(d->layer, 40).text,
               d->layer[0] != 0 ? " " : "", d->op, d->backward ? "backward" : "forward", d->kernel, d->groups[0],
               d->groups[1], d->groups[2]);
        for (uint32_t a = 0; a < d->access_count; a++) print_access(plan, &d->accesses[a]);
    }
}

static void print_values(const gs_plan *plan) {
    for (uint32_t m = 0; m < plan->memory_count; m++) {
        bool empty = true;
        for (uint32_t i = 0; i < plan->value_count; i++) {
            const gs_plan_value *value = &plan->values[i];
            char used[32];
            if (value->memory != m) continue;
            if (empty)
                printf("\n%s\n  %15s %15s  %-9s  %-30s %s\n", plan->memory[m].name, "offset", "bytes", "used by",
                       "value", "shape");
            empty = false;
            if (value->first == value->last) snprintf(used, sizeof used, "%u", value->first + 1);
            else snprintf(used, sizeof used, "%u..%u", value->first + 1, value->last + 1);
            printf("  %15s %15s  %-9s  %-30s %s\n", cli_group(value->offset).text, cli_group(value->bytes).text, used,
                   cli_clean(value->name, 30).text, value_shape(value).text);
        }
    }
}

static void print_sums(const gs_plan *plan) {
    uint64_t total = 0;
    printf("\nDevice allocations:\n");
    for (uint32_t i = 0; i < plan->memory_count; i++) {
        const gs_plan_memory *memory = &plan->memory[i];
        printf("  %-18s%15s", memory->name, cli_group(memory->bytes).text);
        if (strcmp(memory->name, "data") == 0) printf("  of one batch; all of the data set when training");
        printf("\n");
        total += memory->bytes;
    }
    printf("  %-18s%15s  in %u allocations\n", "total", cli_group(total).text, plan->memory_count);
    printf("\nActivations take %s bytes at their peak", cli_group(plan->activation_bytes).text);
    if (plan->unshared_activation_bytes > 0)
        printf(", %s if no two shared memory (%.0f %%)", cli_group(plan->unshared_activation_bytes).text,
               100.0 * (double)plan->activation_bytes / (double)plan->unshared_activation_bytes);
    printf(";\nbeside them lie %s bytes of gradients and %s of State, ring of losses and rows.\n",
           cli_group(plan->gradient_bytes).text, cli_group(plan->state_bytes).text);
}

void cli_print_plan(const gs_plan *plan) {
    print_dispatches(plan);
    print_values(plan);
    print_sums(plan);
}
