// Trains a convolutional network on Fashion-MNIST, to about 90 % in three epochs. Usage: fashion_cnn [EPOCHS [SAMPLES]]
#include <gradsmith/gradsmith.h>
#include <stdio.h>
#include <stdlib.h>

// The learning rate rises to this, and falls again until the last step.
#define OPTIMIZER gs_adam(.learning_rate = 3e-3f, .schedule = {.kind = GS_SCHEDULE_ONE_CYCLE})

static bool show(void *user, const gs_event *event) {
    (void)user;
    if (event->kind == GS_EVENT_EPOCH)
        printf("epoch %u: loss %.4f, accuracy %.4f, %.0f samples/s\n", event->epoch + 1, event->train.loss,
               event->train.metrics[0], event->samples_per_second);
    return true;
}

int main(int argc, char **argv) {
    const uint32_t epochs = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 3;
    const uint64_t samples = argc > 2 ? strtoull(argv[2], NULL, 10) : 60000;
    gs_context *context = NULL;
    gs_data *all = NULL, *train = NULL, *test = NULL;
    gs_model *model = NULL;
    gs_result result;
    const gs_layer layers[] = {
        gs_input(.shape = {3, {28, 28, 1}}),
        gs_normalization(0), // by mean and variance of the data: gs_model_adapt
        gs_conv2d(.filters = 32, .kernel_size = {3}, .activation = GS_ACTIVATION_RELU),
        gs_max_pooling2d(.pool_size = {2}),
        gs_conv2d(.filters = 64, .kernel_size = {3}, .activation = GS_ACTIVATION_RELU),
        gs_max_pooling2d(.pool_size = {2}),
        gs_flatten(),
        gs_dense(.units = 128, .activation = GS_ACTIVATION_RELU),
        gs_dropout(.rate = 0.5f),
        gs_dense(.units = 10),
    };
    const gs_sequential_params network = {.layers = layers, .layer_count = sizeof layers / sizeof layers[0], .seed = 1};
    const gs_fit_params fit = {.epochs = epochs, .batch_size = 64, .seed = 1, .callback = show};
    bool failed = gs_context_create(&context, NULL) || gs_data_load(context, "fashion-mnist", NULL, &all) ||
                  gs_data_slice(context, all, 0, samples, &train) ||
                  gs_data_load(context, "fashion-mnist:test", NULL, &test) ||
                  gs_model_sequential(context, &network, &model) || gs_model_adapt(model, train, true, NULL) ||
                  gs_model_compile(model, &(gs_compile_params){.optimizer = OPTIMIZER}) ||
                  gs_model_fit(model, train, &fit, NULL) || gs_model_evaluate(model, test, 0, &result);
    if (failed) fprintf(stderr, "fashion_cnn: %s\n", context ? gs_context_message(context) : "out of memory");
    else printf("test: loss %.4f, accuracy %.4f\n", result.loss, result.metrics[0]);
    gs_model_destroy(&model);
    gs_data_destroy(&test);
    gs_data_destroy(&train);
    gs_data_destroy(&all);
    gs_context_destroy(&context);
    return failed;
}
