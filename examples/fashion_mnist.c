// Trains a small network on Fashion-MNIST, tests it and asks it about an image. Usage: fashion_mnist [EPOCHS]
#include <gradsmith/gradsmith.h>
#include <stdio.h>
#include <stdlib.h>

static bool show(void *user, const gs_event *event) {
    (void)user;
    if (event->kind == GS_EVENT_EPOCH)
        printf("epoch %u: loss %.4f, accuracy %.4f\n", event->epoch + 1, event->train.loss, event->train.metrics[0]);
    return true; // false would stop
}

int main(int argc, char **argv) {
    gs_context *context = NULL;
    gs_data *train = NULL, *test = NULL, *image = NULL;
    gs_model *model = NULL;
    gs_result result;
    float y[10];
    gs_layer layers[] = {gs_input(.shape = {1, {784}}), gs_dense(.units = 64, .activation = GS_ACTIVATION_RELU),
                         gs_dropout(.rate = 0.2f), gs_dense(.units = 10)};
    gs_fit_params fit = {.epochs = argc > 1 ? (uint32_t)atoi(argv[1]) : 1, .batch_size = 32, .callback = show};
    bool failed = gs_context_create(&context, NULL) || gs_data_load(context, "fashion-mnist", NULL, &train) ||
                  gs_data_load(context, "fashion-mnist:test", NULL, &test) ||
                  gs_data_slice(context, test, 0, 1, &image) ||
                  gs_model_sequential(context, &(gs_sequential_params){.layers = layers, .layer_count = 4}, &model) ||
                  gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 1e-3f)}) ||
                  gs_model_fit(model, train, &fit, NULL) || gs_model_evaluate(model, test, 0, &result) ||
                  gs_model_predict(model, image, &(gs_predict_params){.softmax = true}, y, 10);
    if (failed) fprintf(stderr, "%s\n", context ? gs_context_message(context) : "out of memory");
    else printf("test: loss %.4f, accuracy %.4f\n", result.loss, result.metrics[0]);
    for (uint32_t i = 0; !failed && i < 10; i++)
        if (y[i] > 0.05f) printf("the first image is %s: %.2f\n", gs_data_class_names(test, NULL)[i], (double)y[i]);
    gs_model_destroy(&model);
    gs_data_destroy(&image);
    gs_data_destroy(&test);
    gs_data_destroy(&train);
    gs_context_destroy(&context);
    return failed;
}
