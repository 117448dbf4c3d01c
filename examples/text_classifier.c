// Reads sentences: Embedding and LSTM learn whether they praise or blame, where a "not" turns the next word's sense.
// The sentences are made up, so that there is an answer. Usage: text_classifier [EPOCHS]
#include <gradsmith/gradsmith.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 12, TRAIN = 2048, TEST = 512, GOOD = 6, BAD = 12 }; // words 2 .. 5 are neutral

// 0 stands for no word.
static const char *const words[] = {"",      "not",  "the",    "film", "is",   "and",  "good", "great", "fine",
                                    "funny", "warm", "clever", "bad",  "poor", "dull", "slow", "cold",  "silly"};

static uint32_t draw(uint32_t *seed, uint32_t below) {
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

// The class: 1 where the words of praise outnumber those of blame, "not" in front of one changing its side.
static int32_t make_sentence(uint32_t *seed, float *sentence) {
    int sum = 0, sign = 1;
    for (int i = 0; i < WORDS; i++) {
        uint32_t word = draw(seed, 18);
        if (word == 0) word = 1;
        if (word == 1) sign = -1;
        else if (word >= GOOD) {
            sum += sign * (word >= BAD ? -1 : 1);
            sign = 1;
        }
        sentence[i] = (float)word;
    }
    return sum > 0;
}

static gs_status make_data(gs_context *context, uint32_t seed, uint64_t count, gs_data **data) {
    float *x = malloc(count * WORDS * sizeof *x);
    int32_t *y = malloc(count * sizeof *y);
    gs_status status = GS_ERR_MEMORY;
    if (x && y) {
        for (uint64_t i = 0; i < count; i++) y[i] = make_sentence(&seed, x + i * WORDS);
        status = gs_data_create(context,
                                &(gs_data_params){.x = x,
                                                  .x_shape = {2, {(int64_t)count, WORDS}},
                                                  .y = y,
                                                  .y_shape = {1, {(int64_t)count}},
                                                  .y_dtype = GS_I32},
                                data);
    }
    free(x);
    free(y);
    return status;
}

int main(int argc, char **argv) {
    gs_context *context = NULL;
    gs_data *train = NULL, *test = NULL;
    gs_model *model = NULL;
    gs_result result = {0};
    static float y[TEST * 2];
    gs_layer layers[] = {gs_input(.shape = {1, {WORDS}}), gs_embedding(.input_dim = 18, .output_dim = 8),
                         gs_lstm(.units = 16), gs_dense(.units = 2)};
    const gs_fit_params fit = {.epochs = argc > 1 ? (uint32_t)atoi(argv[1]) : 8, .batch_size = 64};
    bool failed = gs_context_create(&context, NULL) || make_data(context, 1, TRAIN, &train) ||
                  make_data(context, 2, TEST, &test) ||
                  gs_model_sequential(context, &(gs_sequential_params){.layers = layers, .layer_count = 4}, &model) ||
                  gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 0.02f)}) ||
                  gs_model_fit(model, train, &fit, NULL) || gs_model_evaluate(model, test, 0, &result) ||
                  gs_model_predict(model, test, &(gs_predict_params){.softmax = true}, y, TEST * 2);
    if (failed) fprintf(stderr, "%s\n", context ? gs_context_message(context) : "out of memory");
    else printf("test: loss %.4f, accuracy %.4f\n", result.loss, result.metrics[0]);
    const float *x = failed ? NULL : gs_data_x(test);
    for (int i = 0; !failed && i < 3; i++) {
        for (int k = 0; k < WORDS; k++) printf("%s ", words[(int)x[i * WORDS + k]]);
        printf("-> praise %.2f\n", (double)y[2 * i + 1]);
    }
    gs_model_destroy(&model);
    gs_data_destroy(&test);
    gs_data_destroy(&train);
    gs_context_destroy(&context);
    // Most sentences have a majority: who guesses it is right in about 60 %.
    return failed || (fit.epochs >= 8 && result.metrics[0] < 0.85);
}
