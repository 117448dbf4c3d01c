// Trains on a table: 150 irises of three species, by four measures of each. Columns are scaled by the training part, a
// fifth is for validation and a fifth for the test, with the same share of each species.
//
//     build/examples/iris [FILE.csv [LABEL]]
#include <gradsmith/gradsmith.h>
#include <stdio.h>

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "assets/data/iris.csv";
    const gs_recipe_params wishes = {.label = argc > 2 ? argv[2] : "species",
                                     .scale = GS_SCALE_STANDARD,
                                     .validation_share = 0.2,
                                     .test_share = 0.2};
    gs_context *context = NULL;
    gs_recipe *recipe = NULL;
    gs_data_parts parts = {0};
    gs_model *model = NULL;
    gs_result result = {0};
    char layers[64];
    int failed = 1;
    if (gs_context_create(&context, NULL) != GS_OK) return 1;
    if (gs_recipe_create(context, &wishes, &recipe) != GS_OK ||
        gs_recipe_load(context, recipe, path, NULL, &parts) != GS_OK)
        goto done;
    gs_data_info info;
    uint32_t classes;
    gs_data_get_info(parts.train, &info);
    const char *const *names = gs_data_class_names(parts.train, &classes);
    if (names == NULL) {
        fprintf(stderr, "iris: the label has no classes\n");
        goto done;
    }
    snprintf(layers, sizeof layers, "%lld dense:16:relu dense:%u", (long long)info.sample_shape.dim[0], classes);
    const gs_compile_params compile = {.optimizer = gs_adam(.learning_rate = 0.01f)};
    const gs_fit_params fit = {.epochs = 60, .seed = 1, .validation = parts.validation};
    if (gs_model_from_layers(context, layers, 1, &model) != GS_OK || gs_model_compile(model, &compile) != GS_OK ||
        gs_model_fit(model, parts.train, &fit, NULL) != GS_OK ||
        gs_model_evaluate(model, parts.test, 0, &result) != GS_OK)
        goto done;
    printf("%u classes, \"%s\" to \"%s\"; %llu test samples, accuracy %.3f\n", classes, names[0], names[classes - 1],
           (unsigned long long)result.sample_count, result.metrics[0]);
    failed = result.metrics[0] < 0.9;
done:
    if (failed) fprintf(stderr, "iris: %s\n", gs_context_message(context));
    gs_data_destroy(&parts.test);
    gs_data_destroy(&parts.validation);
    gs_data_destroy(&parts.train);
    gs_model_destroy(&model);
    gs_recipe_destroy(&recipe);
    gs_context_destroy(&context);
    return failed;
}
