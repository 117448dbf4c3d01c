// gradsmith evaluate
#include "cli.h"
#include "compile.h"
#include "key.h"
#include "options.h"
#include "recipe.h"
#include <cjson/cJSON.h>
#include <string.h>

static int print_json(const gs_result *result) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "loss", result->loss);
    for (uint32_t i = 0; i < result->metric_count; i++)
        cJSON_AddNumberToObject(object, result->metric_names[i], result->metrics[i]);
    cJSON_AddNumberToObject(object, "samples", (double)result->sample_count);
    cJSON_AddNumberToObject(object, "seconds", result->seconds);
    char *text = object != NULL ? cJSON_Print(object) : NULL;
    if (text != NULL) printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(object);
    return text != NULL ? CLI_OK : cli_fail("out of memory");
}

static void print_text(const gs_result *result) {
    printf("loss %.4f", result->loss);
    for (uint32_t i = 0; i < result->metric_count; i++)
        printf("  %s %.4f", result->metric_names[i], result->metrics[i]);
    printf("  (%s samples in %s)\n", cli_group(result->sample_count).text, cli_duration(result->seconds).text);
}

int cli_evaluate(int argc, char **argv) {
    const char *dir = NULL, *spec = NULL, *data_dir = NULL, *part = "all", *precision_name = NULL;
    gs_precision precision;
    gs_context_params params = {.note = cli_note};
    cli_key wish = CLI_KEY_NONE;
    uint64_t batch_size = 256;
    bool json = false;
    const cli_option options[] = {
        {"data", "DATA", "what to test on, as for train: fashion-mnist:test", .text = &spec},
        {"data-dir", "DIR", "where the files of Fashion-MNIST are", .text = &data_dir},
        {"part", "PART", "train, validation or test: only that part, as train split this data (default all)",
         .text = &part},
        {"batch-size", "N", "samples at once (default 256)", .integer = &batch_size, .minimum = 1, .maximum = 1 << 20},
        {"precision", "NAME", "float32, mixed_float16 or mixed_bfloat16 (default: as it was trained)",
         .text = &precision_name},
        {"device", "D", "auto, an index, or a part of a name (see gradsmith devices)", .text = &params.device},
        {"no-autotune", NULL, "choose kernels by rules alone, without measuring; the results are the same bits",
         .flag = &params.no_autotune},
        CLI_KEY_OPTIONS(&wish, "", "the ", ""),
        {"json", NULL, "print JSON", .flag = &json},
        {0},
    };
    const cli_usage usage = {
        .command = "evaluate",
        .synopsis = "DIR --data DATA [OPTION...]",
        .text = "Prints loss and metrics of the model in DIR, a folder that train --out wrote.",
        .options = options,
        .operand = &dir,
        .operand_name = "DIR",
        .examples = "  gradsmith evaluate runs/first --data fashion-mnist:test\n",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    if (dir == NULL) return cli_misuse("evaluate", "expected DIR, a folder that \"gradsmith train --out\" wrote");
    if (spec == NULL) return cli_misuse("evaluate", "--data is missing: --data fashion-mnist:test, for one");

    if (strcmp(part, "all") != 0 && strcmp(part, "train") != 0 && strcmp(part, "validation") != 0 &&
        strcmp(part, "test") != 0)
        return cli_misuse("evaluate", "--part: expected all, train, validation or test, found \"%s\"", part);
    code = cli_precision_parse("evaluate", precision_name, &precision);
    if (code != CLI_OK) return code;

    gs_context *context;
    gs_key *key = NULL;
    gs_model *model = NULL;
    gs_data *data = NULL;
    gs_result result;
    if (gs_context_create(&context, &params) != GS_OK) return cli_fail("out of memory");
    code = cli_unlock(context, "evaluate", &wish, dir, &key);
    if (code == CLI_OK) code = cli_open_run(context, dir, &model);
    if (code == CLI_OK) code = cli_precision_apply(precision, context, model);
    if (code == CLI_OK) code = cli_recipe_load(context, dir, spec, data_dir, part, &data);
    if (code == CLI_OK && gs_model_evaluate(model, data, (uint32_t)batch_size, &result) != GS_OK)
        code = cli_fail_context(context, NULL);
    if (code == CLI_OK && json) code = print_json(&result);
    else if (code == CLI_OK) print_text(&result);
    gs_data_destroy(&data);
    gs_model_destroy(&model);
    gs_context_destroy(&context);
    gs_key_destroy(&key);
    return code;
}
