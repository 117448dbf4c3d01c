// An autoencoder: an image of 784 pixels goes through 32 numbers, from which the same image is to come out. Draws eight
// test images above what became of them. Usage: autoencoder [EPOCHS [FILE.png]]
#include <gradsmith/gradsmith.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIXELS = 28 * 28, TRAIN = 8192, TEST = 1024, SHOWN = 8 };

// Images that are their own targets.
static gs_status make_data(gs_context *context, const char *spec, int64_t count, gs_data **data) {
    static float values[TRAIN * PIXELS];
    gs_data *images = NULL;
    gs_status status = gs_data_load(context, spec, NULL, &images);
    if (status != GS_OK) return status;
    const uint8_t *bytes = gs_data_x(images);
    for (int64_t i = 0; i < count * PIXELS; i++) values[i] = (float)bytes[i] / 255;
    gs_data_destroy(&images);
    const gs_shape shape = {4, {count, 28, 28, 1}};
    return gs_data_create(context, &(gs_data_params){.x = values, .x_shape = shape, .y = values, .y_shape = shape},
                          data);
}

// A row of originals, a row of results. The picture takes grey as three equal channels.
static gs_status draw(gs_context *context, const float *before, const float *after, const char *path) {
    static float values[2 * SHOWN * PIXELS * 3];
    for (int i = 0; i < 2 * SHOWN * PIXELS; i++)
        for (int c = 0; c < 3; c++) values[3 * i + c] = i < SHOWN * PIXELS ? before[i] : after[i - SHOWN * PIXELS];
    const gs_plot_images images = {"Images, and what came out", values, 2 * SHOWN, 28, 28, 3};
    return gs_plot_images_png(context, &images, path);
}

static bool show(void *user, const gs_event *event) {
    (void)user;
    if (event->kind == GS_EVENT_EPOCH) printf("epoch %u: loss %.4f\n", event->epoch + 1, event->train.loss);
    return true;
}

int main(int argc, char **argv) {
    const uint32_t epochs = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10;
    const char *path = argc > 2 ? argv[2] : "autoencoder.png";
    static float y[TEST * PIXELS];
    gs_context *context = NULL;
    gs_data *train = NULL, *test = NULL;
    gs_model *model = NULL;
    gs_result result;
    const gs_layer layers[] = {
        gs_input(.shape = {3, {28, 28, 1}}),
        gs_conv2d(.filters = 8, .kernel_size = {3}, .strides = {2}, .padding = GS_PADDING_SAME,
                  .activation = GS_ACTIVATION_RELU), // 14 x 14
        gs_conv2d(.filters = 16, .kernel_size = {3}, .strides = {2}, .padding = GS_PADDING_SAME,
                  .activation = GS_ACTIVATION_RELU), // 7 x 7
        gs_flatten(),
        gs_dense(.name = "code", .units = 32),
        gs_dense(.units = 7 * 7 * 16, .activation = GS_ACTIVATION_RELU),
        gs_reshape(.shape = {3, {7, 7, 16}}),
        gs_conv2d_transpose(.filters = 8, .kernel_size = {3}, .strides = {2}, .padding = GS_PADDING_SAME,
                            .activation = GS_ACTIVATION_RELU),
        gs_conv2d_transpose(.filters = 1, .kernel_size = {3}, .strides = {2}, .padding = GS_PADDING_SAME,
                            .activation = GS_ACTIVATION_SIGMOID),
    };
    const gs_sequential_params network = {.layers = layers, .layer_count = sizeof layers / sizeof layers[0], .seed = 1};
    const gs_compile_params compile = {.optimizer = gs_adam(.learning_rate = 3e-3f), .loss = {.kind = GS_LOSS_MSE}};
    const gs_fit_params fit = {.epochs = epochs, .batch_size = 64, .seed = 1, .callback = show};
    bool failed = gs_context_create(&context, NULL) || make_data(context, "fashion-mnist", TRAIN, &train) ||
                  make_data(context, "fashion-mnist:test", TEST, &test) ||
                  gs_model_sequential(context, &network, &model) || gs_model_compile(model, &compile) ||
                  gs_model_fit(model, train, &fit, NULL) || gs_model_evaluate(model, test, 0, &result) ||
                  gs_model_predict(model, test, NULL, y, TEST * PIXELS) || draw(context, gs_data_x(test), y, path);
    if (failed) fprintf(stderr, "autoencoder: %s\n", context ? gs_context_message(context) : "out of memory");
    else printf("test: loss %.4f; %s shows it\n", result.loss, path);
    gs_model_destroy(&model);
    gs_data_destroy(&test);
    gs_data_destroy(&train);
    gs_context_destroy(&context);
    return failed;
}
