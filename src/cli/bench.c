// gradsmith bench
#include "cli.h"
#include "compile.h"
#include "interrupt.h"
#include "options.h"
#include <inttypes.h>
#include <limits.h>
#include <string.h>

static const char text[] = "Measures the device. Values are medians over repeats, with the lowest and the\n"
                           "highest.\n"
                           "  peak    float32 multiply-adds (each counts as 2 operations), copies (bytes\n"
                           "          read plus bytes written), the cost of a dispatch in a chain of\n"
                           "          dependent ones, and of a submission that is waited for\n"
                           "  matmul  C (m, n) = A (m, k) B (k, n), as m x n x k, by the kernels that train:\n"
                           "          A B as in the forward pass, A Bt (B is stored transposed) as in dX,\n"
                           "          At B as in dW; their share of the highest multiply-add rate; and how\n"
                           "          many values are wrong, of some compared with double precision\n"
                           "  train   samples a second of the workloads W1, W1b, W2, and W3 with\n"
                           "          convolutions, on Fashion-MNIST, or\n"
                           "          on random data of its shape where that is not installed\n"
                           "What would take too long is left out, and said. Let nothing else run meanwhile.";

struct view {
    bool quiet;
    int part; // of the row before; -1: none
};

static int part_of(gs_bench_kind kind) {
    return kind == GS_BENCH_PRODUCT ? GS_BENCH_MATMUL : kind == GS_BENCH_TRAINING ? GS_BENCH_TRAIN : GS_BENCH_PEAK;
}

static void print_head(int part) {
    const char *name = "Peaks";
    if (part == GS_BENCH_MATMUL) name = "Products, GFLOP/s";
    if (part == GS_BENCH_TRAIN) name = "Training, samples/s";
    printf("\n%-35s%9s%9s%9s", name, "median", "lowest", "highest");
    if (part == GS_BENCH_MATMUL) printf("  of peak  wrong");
    printf("\n");
}

// Four digits, and no fewer than whole numbers.
static cli_text number(double value) {
    cli_text out;
    const int places = value < 10 ? 3 : value < 100 ? 2 : value < 1000 ? 1 : 0;
    snprintf(out.text, sizeof out.text, "%.*f", places, value);
    return out;
}

static void print_label(const gs_bench_result *result) {
    cli_text label;
    switch (part_of(result->kind)) {
    case GS_BENCH_MATMUL: {
        char size[48];
        snprintf(size, sizeof size, "%" PRIu32 "x%" PRIu32 "x%" PRIu32, result->m, result->n, result->k);
        snprintf(label.text, sizeof label.text, "%-13s%-5s%s", result->name, gs_bench_form_name(result->form), size);
        break;
    }
    case GS_BENCH_TRAIN:
        snprintf(label.text, sizeof label.text, "%s, batch size %" PRIu32, result->name, result->batch);
        break;
    default:
        snprintf(label.text, sizeof label.text, "%-24s%s", gs_bench_kind_text(result->kind),
                 gs_bench_unit(result->kind));
    }
    printf("  %-33s", label.text);
}

static bool on_result(void *user, const gs_bench_result *result) {
    struct view *view = user;
    if (view->quiet) return true;
    const int part = part_of(result->kind);
    if (part != view->part) print_head(part);
    view->part = part;
    print_label(result);
    if (result->skipped) {
        printf("  skipped: %s\n", cli_clean(result->detail, 0).text);
    } else {
        printf("%9s%9s%9s", number(result->value.median).text, number(result->value.low).text,
               number(result->value.high).text);
        if (part == GS_BENCH_MATMUL)
            printf("%8.1f%%  %" PRIu64 "/%" PRIu64, result->peak_share * 100, result->wrong, result->checked);
        else if (result->wrong > 0) printf("  %" PRIu64 " of %" PRIu64 " values wrong", result->wrong, result->checked);
        printf("\n");
        if (part == GS_BENCH_TRAIN || (part == GS_BENCH_PEAK && result->detail[0] != 0))
            printf("    %s\n", cli_clean(result->detail, 0).text);
    }
    fflush(stdout);
    return true;
}

// "peak,matmul,train"
static int read_parts(const char *only, uint32_t *parts) {
    static const struct {
        const char *name;
        uint32_t part;
    } known[] = {{"peak", GS_BENCH_PEAK}, {"matmul", GS_BENCH_MATMUL}, {"train", GS_BENCH_TRAIN}};
    *parts = 0;
    for (const char *word = only; word != NULL;) {
        const size_t length = strcspn(word, ",");
        uint32_t found = 0;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (strlen(known[i].name) == length && strncmp(word, known[i].name, length) == 0) found = known[i].part;
        if (found == 0)
            return cli_misuse("bench", "--only: expected some of peak,matmul,train, found \"%.*s\"", (int)length, word);
        *parts |= found;
        word = word[length] == ',' ? word + length + 1 : NULL;
    }
    return CLI_GO_ON;
}

enum { MAX_SIZES = 16 };

// "1024,4096"
static int read_sizes(const char *list, uint32_t sizes[MAX_SIZES], uint32_t *count) {
    *count = 0;
    for (const char *word = list; word != NULL;) {
        const size_t length = strcspn(word, ",");
        unsigned long size = 0;
        for (size_t i = 0; i < length && size <= GS_BENCH_MAX_SIZE; i++)
            size = word[i] >= '0' && word[i] <= '9' ? size * 10 + (unsigned long)(word[i] - '0') : ULONG_MAX;
        if (size < 1 || size > GS_BENCH_MAX_SIZE)
            return cli_misuse("bench", "--size: expected numbers from 1 to %d like 512,1024, found \"%.*s\"",
                              GS_BENCH_MAX_SIZE, (int)length, word);
        if (*count == MAX_SIZES) return cli_misuse("bench", "--size: expected at most %d sizes", MAX_SIZES);
        sizes[(*count)++] = (uint32_t)size;
        word = word[length] == ',' ? word + length + 1 : NULL;
    }
    return CLI_GO_ON;
}

static int run(gs_context *context, gs_bench_params *params, struct view *view) {
    gs_device_info device;
    char reason[256];
    uint64_t wrong = 0;
    if (gs_device_get(context, &device, reason, sizeof reason) != GS_OK) return cli_fail_context(context, NULL);
    if (!view->quiet) {
        printf("%-10s%s (%s)\n", "Device", cli_clean(device.name, 0).text, reason);
        printf("%-10s%s, Vulkan %s\n", "Driver", cli_clean(device.driver, 0).text, device.api_version);
        fflush(stdout);
    }
    params->stop = cli_interrupt_begin();
    const gs_status status = gs_bench_run(context, params, &wrong);
    const int number_of_signal = *params->stop;
    cli_interrupt_end();
    if (status == GS_STOPPED && number_of_signal != 0) {
        cli_fail("stopped by %s; %s", cli_interrupt_name(number_of_signal),
                 params->json != NULL ? "no report was written" : "what was not measured is missing");
        return CLI_SIGNAL + number_of_signal;
    }
    if (status != GS_OK) return cli_fail_context(context, NULL);
    if (!view->quiet && params->json != NULL) printf("\nThe report is in %s\n", params->json);
    if (wrong > 0) return cli_fail("%" PRIu64 " values are wrong: do not train on this device", wrong);
    return CLI_OK;
}

int cli_bench(int argc, char **argv) {
    const char *only = NULL, *size = NULL, *precision = NULL;
    uint32_t sizes[MAX_SIZES];
    gs_context_params context_params = {0};
    struct view view = {.part = -1};
    gs_bench_params params = {.callback = on_result, .user = &view};
    const cli_option options[] = {
        {"only", "PARTS", "some of peak,matmul,train (default: all)", .text = &only},
        {"size", "N[,N]", "matmul: these square products only", .text = &size},
        {"precision", "NAME", "matmul, train: float32, mixed_float16 or mixed_bfloat16 (default float32)",
         .text = &precision},
        {"quick", NULL, "fewer sizes and shorter repeats, for a first look", .flag = &params.quick},
        {"json", "FILE", "write all figures to FILE, as JSON", .text = &params.json},
        {"data-dir", "DIR", "where the files of Fashion-MNIST are", .text = &params.data_dir},
        {"device", "D", "auto, an index, or a part of a name (see gradsmith devices)", .text = &context_params.device},
        {"no-autotune", NULL, "choose kernels by rules alone, without measuring; the results are the same bits",
         .flag = &context_params.no_autotune},
        {"quiet", NULL, "print errors only", .flag = &view.quiet},
        {0},
    };
    const cli_usage usage = {
        .command = "bench",
        .synopsis = "[OPTION...]",
        .text = text,
        .options = options,
        .examples = "  gradsmith bench\n"
                    "  gradsmith bench --only peak,matmul --json bench.json\n"
                    "  gradsmith bench --only matmul --size 1024,4096\n",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    code = read_parts(only, &params.parts);
    if (code == CLI_GO_ON) code = read_sizes(size, sizes, &params.size_count);
    if (code == CLI_GO_ON && cli_precision_parse("bench", precision, &params.precision) != CLI_OK) return CLI_USAGE;
    if (code != CLI_GO_ON) return code;
    params.sizes = sizes;
    if (size != NULL && params.parts != 0 && !(params.parts & GS_BENCH_MATMUL))
        return cli_misuse("bench", "--size is for matmul, which --only leaves out");
    if (view.quiet && params.json == NULL)
        return cli_misuse("bench", "--quiet prints nothing and no --json FILE is given: nothing would be left");
    gs_context *context;
    if (gs_context_create(&context, &context_params) != GS_OK) return cli_fail("out of memory");
    code = run(context, &params, &view);
    gs_context_destroy(&context);
    return code;
}
