// Transfer learning: a network that has learned five kinds of clothes well learns five others from 50 images of them,
// five times each, beside one that knows nothing. Usage: transfer [SAMPLES [FILE.safetensors]]
#include <gradsmith/gradsmith.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 28 * 28, MANY = 8192, FEW = 50, CLASSES = 5 };

// The first samples of the classes first .. first + 4, which are then called 0 .. 4.
static gs_status take(gs_context *context, const gs_data *data, int32_t first, int64_t most, gs_data **part) {
    static uint8_t x[MANY * PIXELS];
    static int32_t y[MANY];
    gs_data_info info;
    gs_data_get_info(data, &info);
    const uint8_t *images = gs_data_x(data);
    const int32_t *labels = gs_data_y(data);
    int64_t count = 0;
    for (uint64_t i = 0; i < info.count && count < most; i++) {
        if (labels[i] < first || labels[i] >= first + CLASSES) continue;
        memcpy(x + count * PIXELS, images + i * PIXELS, PIXELS);
        y[count++] = labels[i] - first;
    }
    const gs_data_params params = {.x = x,
                                   .x_shape = {4, {count, 28, 28, 1}},
                                   .x_dtype = GS_U8,
                                   .y = y,
                                   .y_shape = {1, {count}},
                                   .y_dtype = GS_I32};
    return gs_data_create(context, &params, part);
}

// Trains a network and tests it. `from`: weights of another for the convolutions, which then stay as they are; the head's
// name is another, since weights are taken over by name. `to`: where to save them. Both may be NULL.
static gs_status learn(gs_context *context, const char *from, const char *to, const gs_data *train, const gs_data *test,
                       gs_fit_params fit, double *accuracy) {
    const gs_layer layers[] = {
        gs_input(.shape = {3, {28, 28, 1}}),
        gs_conv2d(.name = "conv_1", .filters = 16, .kernel_size = {3}, .activation = GS_ACTIVATION_RELU),
        gs_max_pooling2d(.pool_size = {2}),
        gs_conv2d(.name = "conv_2", .filters = 32, .kernel_size = {3}, .activation = GS_ACTIVATION_RELU),
        gs_max_pooling2d(.pool_size = {2}),
        gs_flatten(),
        gs_dense(.name = from ? "new_head" : "head", .units = CLASSES),
    };
    const gs_sequential_params params = {.layers = layers, .layer_count = sizeof layers / sizeof layers[0], .seed = 1};
    gs_model *model = NULL;
    gs_result result = {0};
    gs_status status = gs_model_sequential(context, &params, &model);
    if (!status && from) status = gs_model_transfer_weights(model, from, NULL);
    if (!status && from) status = gs_model_set_trainable(model, "conv*", false, NULL);
    if (!status) status = gs_model_fit(model, train, &fit, NULL);
    if (!status && to) status = gs_model_save_weights(model, to);
    if (!status) status = gs_model_evaluate(model, test, 0, &result);
    *accuracy = result.metrics[0];
    gs_model_destroy(&model);
    return status;
}

int main(int argc, char **argv) {
    const long most = argc > 1 ? strtol(argv[1], NULL, 10) : MANY;
    const char *path = argc > 2 ? argv[2] : "transfer.safetensors";
    gs_context *context = NULL;
    gs_data *train = NULL, *test = NULL, *many = NULL, *few = NULL, *test_old = NULL, *test_new = NULL;
    double old, transferred, fresh;
    const gs_fit_params long_fit = {.epochs = 3, .seed = 1}, short_fit = {.epochs = 5, .batch_size = 10, .seed = 1};
    bool failed = gs_context_create(&context, NULL) || gs_data_load(context, "fashion-mnist", NULL, &train) ||
                  gs_data_load(context, "fashion-mnist:test", NULL, &test) ||
                  take(context, train, 0, most < MANY ? most : MANY, &many) ||
                  take(context, train, CLASSES, FEW, &few) || take(context, test, 0, MANY, &test_old) ||
                  take(context, test, CLASSES, MANY, &test_new) ||
                  learn(context, NULL, path, many, test_old, long_fit, &old) ||
                  learn(context, path, NULL, few, test_new, short_fit, &transferred) ||
                  learn(context, NULL, NULL, few, test_new, short_fit, &fresh);
    if (failed) fprintf(stderr, "transfer: %s\n", context ? gs_context_message(context) : "out of memory");
    else
        printf("classes 0-4: accuracy %.4f\nclasses 5-9 from %d images: accuracy %.4f with transfer, %.4f without\n",
               old, FEW, transferred, fresh);
    gs_data_destroy(&test_new);
    gs_data_destroy(&test_old);
    gs_data_destroy(&few);
    gs_data_destroy(&many);
    gs_data_destroy(&test);
    gs_data_destroy(&train);
    gs_context_destroy(&context);
    return failed;
}
