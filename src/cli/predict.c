// gradsmith predict
#include "cli.h"
#include "compile.h"
#include "key.h"
#include "options.h"
#include "recipe.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct prediction {
    const char *dir, *input, *output;
    gs_precision precision;
    uint64_t batch_size, top;
    bool softmax;
    gs_context *context;
    gs_key *key; // NULL: the model is not protected
    gs_model *model;
    gs_data *data;
    float *values; // (count, width)
    uint64_t count, width;
    gs_shape shape; // of all values
};

// What the values of the model's output are, by the loss that it was trained with.
enum meaning { LOGITS, PROBABILITIES, VALUES };

static enum meaning meaning_of(const struct prediction *prediction) {
    gs_compile_params compile;
    gs_model_get_compile(prediction->model, &compile);
    switch (compile.loss.kind) {
    case GS_LOSS_SPARSE_CROSSENTROPY:
    case GS_LOSS_CATEGORICAL_CROSSENTROPY:
        return compile.loss.from_probabilities ? PROBABILITIES : LOGITS;
    default:
        return VALUES;
    }
}

// Names that train left in DIR/classes.json: a JSON list of as many strings as there are classes; NULL without. A list
// that does not fit is only reported: the numbers of the classes do, too.
static cJSON *read_classes(const struct prediction *prediction) {
    enum { LIMIT = 1 << 20 };
    char *path = cli_join(prediction->dir, "classes.json"), *text = NULL;
    cJSON *list = NULL;
    size_t bytes;
    if (path == NULL || access(path, F_OK) != 0) goto done;
    text = cli_read_model_file(prediction->context, path, LIMIT, &bytes);
    if (text == NULL) goto done;
    list = cJSON_ParseWithLength(text, bytes);
    bool good = cJSON_IsArray(list) && (uint64_t)cJSON_GetArraySize(list) == prediction->width;
    for (const cJSON *name = good ? list->child : NULL; name != NULL; name = name->next) {
        if (!cJSON_IsString(name)) good = false;
    }
    if (!good) {
        cli_fail("%s is not used: expected a list of %" PRIu64 " strings", path, prediction->width);
        cJSON_Delete(list);
        list = NULL;
    }
done:
    free(text);
    free(path);
    return list;
}

// Softmax of the sample's logits in double precision.
static void softmax(const float *logits, uint64_t count, double *probabilities) {
    double most = -INFINITY, sum = 0;
    for (uint64_t i = 0; i < count; i++) most = fmax(most, (double)logits[i]);
    for (uint64_t i = 0; i < count; i++) sum += probabilities[i] = exp((double)logits[i] - most);
    for (uint64_t i = 0; i < count; i++) probabilities[i] /= sum;
}

static void print_class(const cJSON *classes, uint64_t index, double probability) {
    const cJSON *name = classes != NULL ? cJSON_GetArrayItem(classes, (int)index) : NULL;
    printf("  %5.1f %%  ", probability * 100);
    if (name != NULL) printf("%s (class %" PRIu64 ")\n", cli_clean(name->valuestring, 60).text, index);
    else printf("class %" PRIu64 "\n", index);
}

// The likeliest classes of the one sample, or the plain values of a model that does not classify.
static int print_top(const struct prediction *prediction, enum meaning meaning) {
    uint64_t width = prediction->width;
    double *values = calloc(width, sizeof *values);
    if (values == NULL) return cli_fail("out of memory");
    bool ready = meaning != LOGITS || prediction->softmax;
    if (!ready) softmax(prediction->values, width, values);
    for (uint64_t i = 0; ready && i < width; i++) values[i] = (double)prediction->values[i];

    printf("%s\n", prediction->input);
    if (meaning == VALUES) {
        for (uint64_t i = 0; i < width && i < prediction->top; i++)
            printf("  output %" PRIu64 "  %.6g\n", i, values[i]);
    } else {
        cJSON *classes = read_classes(prediction);
        for (uint64_t shown = 0; shown < prediction->top && shown < width; shown++) {
            uint64_t best = 0;
            for (uint64_t i = 1; i < width; i++) {
                if (values[i] > values[best]) best = i;
            }
            print_class(classes, best, values[best]);
            values[best] = -1;
        }
        cJSON_Delete(classes);
    }
    free(values);
    return CLI_OK;
}

// A cell of a table, in quotes where it needs them.
static void write_cell(FILE *file, const char *text) {
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, file);
        return;
    }
    putc('"', file);
    for (; *text != 0; text++) {
        if (*text == '"') putc('"', file);
        putc(*text, file);
    }
    putc('"', file);
}

static void write_class(FILE *file, const cJSON *classes, uint64_t index) {
    const cJSON *name = classes != NULL ? cJSON_GetArrayItem(classes, (int)index) : NULL;
    if (name != NULL) write_cell(file, name->valuestring);
    else fprintf(file, "%" PRIu64, index);
}

// A line for each sample: of a model that classifies its class and the share of each, else the plain values.
static void write_lines(FILE *file, const struct prediction *prediction, enum meaning meaning, double *shares) {
    cJSON *classes = meaning != VALUES ? read_classes(prediction) : NULL;
    const uint64_t width = prediction->width;
    if (meaning != VALUES) fprintf(file, "class");
    for (uint64_t i = 0; i < width; i++) {
        if (i > 0 || meaning != VALUES) putc(',', file);
        if (meaning == VALUES) fprintf(file, "output_%" PRIu64, i);
        else write_class(file, classes, i);
    }
    for (uint64_t sample = 0; sample < prediction->count; sample++) {
        const float *row = prediction->values + sample * width;
        uint64_t best = 0;
        if (meaning == LOGITS && !prediction->softmax) softmax(row, width, shares);
        else
            for (uint64_t i = 0; i < width; i++) shares[i] = (double)row[i];
        for (uint64_t i = 1; i < width; i++) {
            if (shares[i] > shares[best]) best = i;
        }
        putc('\n', file);
        if (meaning != VALUES) write_class(file, classes, best);
        for (uint64_t i = 0; i < width; i++) fprintf(file, "%s%.9g", i > 0 || meaning != VALUES ? "," : "", shares[i]);
    }
    putc('\n', file);
    cJSON_Delete(classes);
}

// Replaces the file only when it is complete.
static int write_table(const struct prediction *prediction, enum meaning meaning) {
    int code = CLI_FAILED;
    size_t bytes = strlen(prediction->output) + 5;
    char *fresh = malloc(bytes);
    double *shares = calloc(prediction->width, sizeof *shares);
    FILE *file = NULL;
    if (fresh == NULL || shares == NULL) {
        cli_fail("out of memory");
        goto done;
    }
    snprintf(fresh, bytes, "%s.tmp", prediction->output);
    file = fopen(fresh, "w");
    if (file != NULL) write_lines(file, prediction, meaning, shares);
    bool good = file != NULL && ferror(file) == 0;
    if (file != NULL && fclose(file) != 0) good = false;
    if (good && rename(fresh, prediction->output) == 0) {
        code = CLI_OK;
        goto done;
    }
    code = cli_fail("%s: %s", prediction->output, strerror(errno));
    if (file != NULL) unlink(fresh);
done:
    free(shares);
    free(fresh);
    return code;
}

static bool is_table(const char *path) {
    size_t length = strlen(path);
    return length >= 4 && strcmp(path + length - 4, ".csv") == 0;
}

static int open_prediction(struct prediction *prediction, const gs_context_params *params, const cli_key *wish) {
    if (gs_context_create(&prediction->context, params) != GS_OK) return cli_fail("out of memory");
    int code = cli_unlock(prediction->context, "predict", wish, prediction->dir, &prediction->key);
    if (code == CLI_OK) code = cli_open_run(prediction->context, prediction->dir, &prediction->model);
    if (code == CLI_OK) code = cli_precision_apply(prediction->precision, prediction->context, prediction->model);
    if (code != CLI_OK) return code;
    gs_model_info model;
    gs_data_info data;
    gs_model_get_info(prediction->model, &model);
    code = cli_recipe_load_input(prediction->context, prediction->dir, prediction->input, &model.input_shape,
                                 &prediction->data);
    if (code != CLI_OK) return code;
    gs_data_get_info(prediction->data, &data);
    prediction->count = data.count;
    if (data.count != 1 && prediction->output == NULL)
        return cli_fail("%s holds %" PRIu64
                        " samples: --output FILE.npy, or FILE.csv, says where to write what the model says",
                        prediction->input, data.count);

    prediction->shape = (gs_shape){.rank = 1, .dim = {(int64_t)data.count}};
    prediction->width = 1;
    for (uint32_t i = 0; i < model.output_shape.rank; i++) {
        if (prediction->shape.rank == GS_MAX_RANK) return cli_fail("the model's output has too many dimensions");
        prediction->shape.dim[prediction->shape.rank++] = model.output_shape.dim[i];
        prediction->width *= (uint64_t)model.output_shape.dim[i];
    }
    if (prediction->count > SIZE_MAX / sizeof(float) / prediction->width) return cli_fail("the output is too large");
    prediction->values = calloc(prediction->count * prediction->width, sizeof(float));
    return prediction->values != NULL ? CLI_OK : cli_fail("out of memory");
}

static int predict(struct prediction *prediction) {
    gs_context *context = prediction->context;
    enum meaning meaning = meaning_of(prediction);
    if (prediction->softmax && meaning == PROBABILITIES)
        return cli_fail("--softmax: the model ends in a softmax: what it says are probabilities");
    gs_predict_params params = {.batch_size = (uint32_t)prediction->batch_size, .softmax = prediction->softmax};
    uint64_t total = prediction->count * prediction->width;
    if (gs_model_predict(prediction->model, prediction->data, &params, prediction->values, total) != GS_OK)
        return cli_fail_context(context, NULL);
    if (prediction->output != NULL && is_table(prediction->output)) {
        int code = write_table(prediction, meaning);
        if (code != CLI_OK) return code;
    } else if (prediction->output != NULL &&
               gs_npy_write(context, prediction->output, prediction->values, &prediction->shape) != GS_OK)
        return cli_fail_context(context, prediction->output);
    return prediction->count == 1 ? print_top(prediction, meaning) : CLI_OK;
}

int cli_predict(int argc, char **argv) {
    struct prediction prediction = {.batch_size = 256, .top = 3};
    gs_context_params params = {.note = cli_note};
    const char *precision = NULL;
    cli_key wish = CLI_KEY_NONE;
    const cli_option options[] = {
        {"input", "FILE",
         "an image (.png, .bmp, .jpg), an array (.npy) of samples, or a table like the one of the training",
         .text = &prediction.input},
        {"output", "FILE",
         "write the model's outputs, a row for each sample: to a .csv file the class and the share of each, else "
         "float32 "
         "as .npy. Without it one sample's likeliest classes are only printed",
         .text = &prediction.output},
        {"softmax", NULL, "write probabilities instead of logits", .flag = &prediction.softmax},
        {"top", "N", "classes to print for one sample (default 3)", .integer = &prediction.top, .minimum = 1,
         .maximum = 1000000},
        {"batch-size", "N", "samples at once (default 256)", .integer = &prediction.batch_size, .minimum = 1,
         .maximum = 1 << 20},
        {"precision", "NAME", "float32, mixed_float16 or mixed_bfloat16 (default: as it was trained)",
         .text = &precision},
        {"device", "D", "auto, an index, or a part of a name (see gradsmith devices)", .text = &params.device},
        {"no-autotune", NULL, "choose kernels by rules alone, without measuring; the results are the same bits",
         .flag = &params.no_autotune},
        CLI_KEY_OPTIONS(&wish, "", "the ", ""),
        {0},
    };
    const cli_usage usage = {
        .command = "predict",
        .synopsis = "DIR --input FILE [--output FILE.npy] [OPTION...]",
        .text = "Asks the model in DIR, a folder that train --out wrote.",
        .options = options,
        .operand = &prediction.dir,
        .operand_name = "DIR",
        .examples = "  gradsmith predict runs/first --input assets/images/ankle-boot.png\n"
                    "  gradsmith predict runs/first --input samples.npy --output logits.npy\n",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    if (prediction.dir == NULL)
        return cli_misuse("predict", "expected DIR, a folder that \"gradsmith train --out\" wrote");
    if (prediction.input == NULL) return cli_misuse("predict", "--input is missing: an image or a .npy file");
    code = cli_precision_parse("predict", precision, &prediction.precision);
    if (code == CLI_OK) code = open_prediction(&prediction, &params, &wish);
    if (code == CLI_OK) code = predict(&prediction);
    free(prediction.values);
    gs_data_destroy(&prediction.data);
    gs_model_destroy(&prediction.model);
    gs_context_destroy(&prediction.context);
    gs_key_destroy(&prediction.key);
    return code;
}
