// Weights of another model, frozen layers, adapted normalization: what train does before it trains.
#include "cli.h"
#include "train.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int transfer(gs_context *context, gs_model *model, const train_options *options) {
    gs_transfer_info info;
    if (options->weights == NULL) return CLI_OK;
    if (gs_model_transfer_weights(model, options->weights, &info) != GS_OK) return cli_fail_context(context, NULL);
    if (options->quiet) return CLI_OK;
    printf("%-12s%" PRIu32 " layers from %s", "Weights", info.layer_count, cli_clean(options->weights, 0).text);
    if (info.other_shape_count)
        printf(", %" PRIu32 " left as %s for another shape", info.other_shape_count,
               info.other_shape_count == 1 ? "it is" : "they are");
    if (info.missing_count) printf(", %" PRIu32 " not there", info.missing_count);
    printf("\n");
    return CLI_OK;
}

static int freeze(gs_context *context, gs_model *model, const train_options *options) {
    if (options->freeze == NULL) return CLI_OK;
    char *list = strdup(options->freeze), *rest = list;
    if (list == NULL) return cli_fail("out of memory");
    int code = CLI_OK;
    for (char *name = strtok_r(list, ",", &rest); name != NULL && code == CLI_OK; name = strtok_r(NULL, ",", &rest))
        if (gs_model_set_trainable(model, name, false, NULL) != GS_OK) code = cli_fail_context(context, "--freeze");
    free(list);
    return code;
}

static void print_trained(const gs_model *model, bool quiet) {
    gs_model_info info;
    gs_model_get_info(model, &info);
    if (!quiet && info.trained_count && info.trained_count < info.parameter_count)
        printf("%-12s%s of %s parameters\n", "Trained", cli_group(info.trained_count).text,
               cli_group(info.parameter_count).text);
}

int cli_fine_tune(gs_context *context, gs_model *model, const gs_data *data, const train_options *options) {
    uint32_t adapted = 0;
    int code = transfer(context, model, options);
    if (code == CLI_OK) code = freeze(context, model, options);
    if (code != CLI_OK) return code;
    // Weights that were loaded hold their numbers.
    if (options->init == NULL && options->weights == NULL && gs_model_adapt(model, data, false, &adapted) != GS_OK)
        return cli_fail_context(context, NULL);
    if (adapted && !options->quiet) printf("%-12sto the data's mean and variance\n", "Adapted");
    print_trained(model, options->quiet);
    return CLI_OK;
}
