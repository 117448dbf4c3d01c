// A table with the options that its first two bytes choose, read to learn from, scaled, and read again with what was
// learnt.
#include "data/recipe.h"
#include "fuzz.h"
#include <gradsmith/device.h>

static gs_status read_table(gs_context *context, gs__error *error, gs_recipe *recipe, const uint8_t *data, size_t bytes,
                            gs__table_use use) {
    (void)context;
    gs_data *raw = NULL;
    char *text = fuzz_text(data, bytes);
    gs_status status = gs__table_read(error, recipe, "fuzz.csv", text, bytes, use, &raw);
    free(text);
    if (status == GS_OK && use.learns) status = gs__recipe_fit(error, recipe, raw);
    if (status == GS_OK) status = gs__recipe_apply(error, recipe, &raw);
    gs_data_destroy(&raw);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 2) return 0;
    static gs_context *context;
    static gs__error error;
    if (!context && gs_context_create(&context, NULL) != GS_OK) abort();
    const gs_recipe_params params = {
        .label = data[0] & 1 ? "y" : "1",
        .label_kind = (data[0] >> 1) % 3,
        .categorical = data[0] & 8 ? "a" : NULL,
        .ignore = data[0] & 16 ? "b" : NULL,
        .delimiter = ",;\t|"[data[0] >> 5 & 3],
        .no_header = data[0] >> 7,
        .missing = data[1] % 4,
        .scale = (data[1] >> 2) % 3,
        .one_hot = data[1] >> 7,
    };
    gs_recipe *recipe = NULL;
    memset(&error, 0, sizeof error);
    if (gs_recipe_create(context, &params, &recipe) != GS_OK) return 0;
    gs_status status =
        read_table(context, &error, recipe, data + 2, bytes - 2, (gs__table_use){.learns = true, .labels = true});
    fuzz_check(status, &error);
    if (status == GS_OK) {
        recipe->learnt = true;
        fuzz_check(read_table(context, &error, recipe, data + 2, bytes - 2, (gs__table_use){.labels = true}), &error);
        fuzz_check(read_table(context, &error, recipe, data + 2, bytes - 2, (gs__table_use){0}), &error);
    }
    gs_recipe_destroy(&recipe);
    return 0;
}
