// data.json: what a model's folder says of its data. One that is for a table is then used for a small table.
#include "context/context.h"
#include "data/recipe.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static gs_context *context;
    if (!context && gs_context_create(&context, NULL) != GS_OK) abort();
    gs__error *error = gs__context_error(context);
    gs_recipe *recipe = NULL;
    char *text = fuzz_text(data, bytes);
    gs_status status = gs__recipe_parse(context, "data.json", text, bytes, &recipe);
    free(text);
    fuzz_check(status, error);
    if (status == GS_OK && recipe->kind == GS__RECIPE_TABLE) {
        char rows[] = "a,b,y\n1,x,0\n,,1\n-2e3,z,0\n";
        gs_data *raw = NULL;
        status =
            gs__table_read(error, recipe, "rows.csv", rows, sizeof rows - 1, (gs__table_use){.labels = true}, &raw);
        // One-hot rows of as many classes as the file asks for are the user's wish, and are refused where too large.
        if (status == GS_OK && recipe->class_count <= GS__MAX_CATEGORIES)
            status = gs__recipe_apply(error, recipe, &raw);
        fuzz_check(status, error);
        gs_data_destroy(&raw);
    }
    gs_recipe_destroy(&recipe);
    return 0;
}
