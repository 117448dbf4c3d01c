// gradsmith summary: a model's layers, parameters and memory, as Keras prints them.
#include "cli.h"
#include "key.h"
#include "options.h"
#include <stdlib.h>
#include <string.h>

struct row {
    char cell[3][CLI_TEXT_BYTES * 2];
};

// The lines of a table: left end, dash, column, right end.
struct frame {
    const char *top[4], *head[4], *middle[4], *bottom[4];
    const char *thick, *thin; // between the cells of the head and of the rows
};

static const struct frame boxes = {
    .top = {"┏", "━", "┳", "┓"},
    .head = {"┡", "━", "╇", "┩"},
    .middle = {"├", "─", "┼", "┤"},
    .bottom = {"└", "─", "┴", "┘"},
    .thick = "┃",
    .thin = "│",
};
static const struct frame ascii = {
    .top = {"+", "-", "+", "+"},
    .head = {"+", "=", "+", "+"},
    .middle = {"+", "-", "+", "+"},
    .bottom = {"+", "-", "+", "+"},
    .thick = "|",
    .thin = "|",
};

static void print_rule(const char *const parts[4], const unsigned widths[3]) {
    fputs(parts[0], stdout);
    for (int i = 0; i < 3; i++) {
        cli_repeat(stdout, parts[1], widths[i] + 2);
        fputs(i < 2 ? parts[2] : parts[3], stdout);
    }
    fputs("\n", stdout);
}

static void print_cell(const char *text, unsigned width, bool right) {
    cli_text shown = cli_clean(text, width);
    unsigned pad = width - cli_columns(shown.text);
    printf(" %*s%s%*s ", right ? (int)pad : 0, "", shown.text, right ? 0 : (int)pad, "");
}

static void print_row(const struct row *row, const char *edge, const unsigned widths[3]) {
    for (int i = 0; i < 3; i++) {
        fputs(edge, stdout);
        print_cell(row->cell[i], widths[i], i == 2);
    }
    printf("%s\n", edge);
}

// Keras's widths where there is room, else as wide as the text.
static void choose_widths(const struct row *rows, uint32_t count, unsigned widths[3]) {
    static const unsigned roomy[3] = {31, 22, 13}, most[3] = {60, 40, 26};
    bool room = cli_terminal_columns(stdout) >= 76;
    for (int i = 0; i < 3; i++) {
        widths[i] = room ? roomy[i] : 0;
        for (uint32_t r = 0; r < count; r++) {
            unsigned columns = cli_columns(rows[r].cell[i]);
            if (columns > widths[i]) widths[i] = columns;
        }
        if (widths[i] > most[i]) widths[i] = most[i];
    }
}

// rows[0] is the head.
static void print_table(const struct row *rows, uint32_t count) {
    const struct frame *frame = cli_terminal_of(stdout).utf8 ? &boxes : &ascii;
    unsigned widths[3];
    choose_widths(rows, count, widths);
    print_rule(frame->top, widths);
    print_row(&rows[0], frame->thick, widths);
    print_rule(frame->head, widths);
    for (uint32_t r = 1; r < count; r++) {
        if (r > 1) print_rule(frame->middle, widths);
        print_row(&rows[r], frame->thin, widths);
    }
    print_rule(frame->bottom, widths);
}

static int print_layers(gs_context *context, gs_model *model, const gs_model_info *info) {
    struct row *rows = calloc((size_t)info->layer_count + 1, sizeof *rows);
    if (rows == NULL) return cli_fail("out of memory");
    rows[0] = (struct row){.cell = {"Layer (type)", "Output Shape", "Param #"}};
    uint32_t count = 1;
    int code = CLI_OK;
    for (uint32_t i = 0; i < info->layer_count; i++) {
        gs_layer_info layer;
        if (gs_model_get_layer(model, i, &layer) != GS_OK) {
            code = cli_fail_context(context, NULL);
            goto done;
        }
        if (strcmp(layer.class_name, "InputLayer") == 0) continue; // as Keras: it stands in the headline
        struct row *row = &rows[count++];
        snprintf(row->cell[0], sizeof row->cell[0], "%s (%s)", cli_clean(layer.name, 0).text, layer.class_name);
        snprintf(row->cell[1], sizeof row->cell[1], "%s", cli_shape("None", &layer.output_shape).text);
        snprintf(row->cell[2], sizeof row->cell[2], "%s", cli_group(layer.parameter_count).text);
    }
    print_table(rows, count);
done:
    free(rows);
    return code;
}

static int print_memory(gs_context *context, gs_model *model, uint32_t batch_size) {
    gs_memory_info memory;
    gs_compile_params compile;
    if (gs_model_compile(model, NULL) != GS_OK || gs_model_memory(model, batch_size, &memory) != GS_OK)
        return cli_fail_context(context, NULL);
    gs_model_get_compile(model, &compile);
    const struct {
        const char *name;
        uint64_t bytes;
    } uses[] = {
        {"parameters", memory.parameter_bytes},
        {"gradients", memory.gradient_bytes},
        {"optimizer", memory.optimizer_bytes},
        {"activations", memory.activation_bytes},
    };
    printf("\nDevice memory to train at batch size %u with %s, besides the data:\n", batch_size,
           gs_optimizer_name(compile.optimizer.kind));
    uint64_t total = 0;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        printf("  %-12s%12s\n", uses[i].name, cli_bytes(uses[i].bytes).text);
        total += uses[i].bytes;
    }
    printf("  %-12s%12s\n", "total", cli_bytes(total).text);
    return CLI_OK;
}

static int summarize(const gs_context_params *params, const cli_key *wish, const char *path, const char *layers,
                     uint32_t batch_size, bool with_plan) {
    gs_context *context;
    gs_model *model = NULL;
    gs_plan *plan = NULL;
    gs_key *key = NULL;
    if (gs_context_create(&context, params) != GS_OK) return cli_fail("out of memory");
    int code = cli_unlock(context, "summary", wish, path, &key);
    if (code == CLI_OK) code = cli_open_architecture(context, path, layers, 0, &model);
    if (code == CLI_OK && with_plan &&
        (gs_model_compile(model, NULL) != GS_OK || gs_model_plan(model, batch_size, &plan) != GS_OK))
        code = cli_fail_context(context, NULL);
    if (code == CLI_OK) {
        gs_model_info info;
        gs_model_get_info(model, &info);
        printf("Model: \"%s\"  input %s\n", cli_clean(info.name, 0).text, cli_shape("None", &info.input_shape).text);
        code = print_layers(context, model, &info);
        if (code == CLI_OK)
            printf(" Total params: %s (%s)\n", cli_group(info.parameter_count).text,
                   cli_bytes(info.parameter_count * sizeof(float)).text);
        if (code == CLI_OK && info.trained_count < info.parameter_count)
            printf(" Trainable params: %s (%s)\n", cli_group(info.trained_count).text,
                   cli_bytes(info.trained_count * sizeof(float)).text);
    }
    if (code == CLI_OK) code = print_memory(context, model, batch_size);
    if (code == CLI_OK && plan != NULL) cli_print_plan(plan);
    gs_plan_destroy(&plan);
    gs_model_destroy(&model);
    gs_context_destroy(&context);
    gs_key_destroy(&key);
    return code;
}

int cli_summary(int argc, char **argv) {
    const char *path = NULL, *layers = NULL;
    uint64_t batch_size = 32;
    bool plan = false;
    gs_context_params params = {0};
    cli_key wish = CLI_KEY_NONE;
    const cli_option options[] = {
        {"layers", "LAYERS", .text = &layers,
         .help = "the model in short instead of a file: \"784 dense:64:relu dropout:0.2 dense:10\""},
        {.name = "batch-size",
         .argument = "N",
         .integer = &batch_size,
         .minimum = 1,
         .maximum = 1 << 20,
         .help = "samples per step, for the memory (default 32)"},
        {.name = "plan", .flag = &plan, .help = "also what runs in a training step, and where its tensors lie"},
        {"device", "D", .text = &params.device, .help = "of --plan: auto, an index, or a part of a name"},
        CLI_KEY_OPTIONS(&wish, "", "the ", ""),
        {0},
    };
    const cli_usage usage = {
        .command = "summary",
        .synopsis = "MODEL|--layers LAYERS [OPTION...]",
        .text = "Shows a model's layers with their output shapes and numbers of parameters, and\n"
                "the memory that training takes. MODEL is the JSON file that Keras 3's\n"
                "model.to_json() writes, or a folder with a model.json.",
        .options = options,
        .operand = &path,
        .operand_name = "MODEL",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    if ((path == NULL) == (layers == NULL))
        return cli_misuse("summary", "expected MODEL or --layers, found %s", path == NULL ? "neither" : "both");
    return summarize(&params, &wish, path, layers, (uint32_t)batch_size, plan);
}
