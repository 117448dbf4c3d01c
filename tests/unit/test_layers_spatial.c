// Layers on images and series: shapes, parameters, and what they are refused for, from C, JSON and the short form.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gs_context *context;

// Shape of the output and parameters of a model of an input and one layer.
struct expected {
    gs_shape input;
    gs_layer layer;
    gs_shape output;
    uint64_t parameters;
};

static void check_layers(const struct expected *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        gs_layer layers[] = {gs_input(.shape = cases[i].input), cases[i].layer};
        gs_model *model;
        gs_model_info info;
        char found[96], wanted[96];
        if (gs_model_sequential(context, &(gs_sequential_params){.layers = layers, .layer_count = 2}, &model) != GS_OK)
            fail_msg("case %zu: %s", i, gs_context_message(context));
        gs_model_get_info(model, &info);
        if (!gs__shape_equal(&info.output_shape, &cases[i].output) || info.parameter_count != cases[i].parameters)
            fail_msg("case %zu, %s: %s with %llu parameters, expected %s with %llu", i, cases[i].layer.class_name,
                     gs__shape_text(&info.output_shape, false, found, sizeof found),
                     (unsigned long long)info.parameter_count,
                     gs__shape_text(&cases[i].output, false, wanted, sizeof wanted),
                     (unsigned long long)cases[i].parameters);
        gs_model_destroy(&model);
    }
}
#define CHECK_LAYERS(cases) check_layers(cases, sizeof(cases) / sizeof(cases)[0])

static void test_convolutions(void **state) {
    (void)state;
    const struct expected cases[] = {
        {{3, {28, 28, 1}}, gs_conv2d(.filters = 32, .kernel_size = {3}), {3, {26, 26, 32}}, 320},
        {{3, {28, 28, 3}},
         gs_conv2d(.filters = 8, .kernel_size = {3, 5}, .no_bias = true),
         {3, {26, 24, 8}},
         3 * 5 * 3 * 8},
        {{3, {28, 27, 4}},
         gs_conv2d(.filters = 8, .kernel_size = {3}, .strides = {2, 3}, .padding = GS_PADDING_SAME, .groups = 2),
         {3, {14, 9, 8}},
         9 * 2 * 8 + 8},
        {{3, {9, 9, 1}}, gs_conv2d(.filters = 1, .kernel_size = {3}, .dilation_rate = {4}), {3, {1, 1, 1}}, 10},
        {{2, {100, 6}}, gs_conv1d(.filters = 4, .kernel_size = {5}), {2, {96, 4}}, 5 * 6 * 4 + 4},
        {{2, {100, 6}},
         gs_conv1d(.filters = 4, .kernel_size = {5}, .strides = {3}, .padding = GS_PADDING_SAME),
         {2, {34, 4}},
         5 * 6 * 4 + 4},
    };
    CHECK_LAYERS(cases);
}

static void test_more_convolutions(void **state) {
    (void)state;
    const struct expected cases[] = {
        {{2, {50, 3}},
         gs_conv1d(.filters = 2, .kernel_size = {4}, .dilation_rate = {3}, .padding = GS_PADDING_CAUSAL),
         {2, {50, 2}},
         4 * 3 * 2 + 2},
        {{3, {9, 9, 4}}, gs_depthwise_conv2d(.kernel_size = {3}), {3, {7, 7, 4}}, 40},
        {{3, {9, 9, 4}},
         gs_depthwise_conv2d(.kernel_size = {3, 2}, .depth_multiplier = 3, .padding = GS_PADDING_SAME, .strides = {2}),
         {3, {5, 5, 12}},
         6 * 12 + 12},
        {{3, {5, 6, 4}}, gs_conv2d_transpose(.filters = 3, .kernel_size = {3}, .strides = {2}), {3, {11, 13, 3}}, 111},
        {{3, {5, 6, 4}},
         gs_conv2d_transpose(.filters = 3, .kernel_size = {3}, .strides = {2}, .padding = GS_PADDING_SAME),
         {3, {10, 12, 3}},
         111},
        {{3, {5, 6, 4}},
         gs_conv2d_transpose(.filters = 3, .kernel_size = {2}, .strides = {3}, .has_output_padding = true,
                             .output_padding = {1, 2}),
         {3, {15, 19, 3}},
         51},
        {{3, {5, 6, 4}},
         gs_conv2d_transpose(.filters = 3, .kernel_size = {3}, .strides = {2}, .padding = GS_PADDING_SAME,
                             .has_output_padding = true),
         {3, {9, 11, 3}},
         111},
    };
    CHECK_LAYERS(cases);
}

static void test_resizing(void **state) {
    (void)state;
    const struct expected cases[] = {
        {{3, {4, 5, 3}}, gs_up_sampling2d(0), {3, {8, 10, 3}}, 0},
        {{3, {4, 5, 3}}, gs_up_sampling2d(.size = {3, 1}, .bilinear = true), {3, {12, 5, 3}}, 0},
        {{2, {5, 3}}, gs_up_sampling1d(.size = {4}), {2, {20, 3}}, 0},
        {{3, {4, 5, 3}}, gs_zero_padding2d(0), {3, {6, 7, 3}}, 0},
        {{3, {4, 5, 3}}, gs_zero_padding2d(.none = true), {3, {4, 5, 3}}, 0},
        {{3, {4, 5, 3}}, gs_zero_padding2d(.rows = {1, 2}, .columns = {0, 3}), {3, {7, 8, 3}}, 0},
        {{2, {5, 3}}, gs_zero_padding1d(.columns = {2, 0}), {2, {7, 3}}, 0},
        {{3, {4, 5, 3}}, gs_cropping2d(0), {3, {4, 5, 3}}, 0},
        {{3, {4, 5, 3}}, gs_cropping2d(.rows = {1, 2}, .columns = {0, 3}), {3, {1, 2, 3}}, 0},
        {{2, {5, 3}}, gs_cropping1d(0), {2, {3, 3}}, 0},
        {{3, {4, 5, 3}}, gs_spatial_dropout2d(.rate = 0.5f), {3, {4, 5, 3}}, 0},
        {{2, {5, 3}}, gs_spatial_dropout1d(.rate = 0.5f), {2, {5, 3}}, 0},
    };
    CHECK_LAYERS(cases);
}

static void test_pooling(void **state) {
    (void)state;
    const struct expected cases[] = {
        {{3, {28, 27, 3}}, gs_max_pooling2d(0), {3, {14, 13, 3}}, 0},
        {{3, {28, 27, 3}}, gs_max_pooling2d(.pool_size = {2}, .padding = GS_PADDING_SAME), {3, {14, 14, 3}}, 0},
        {{3, {28, 27, 3}}, gs_average_pooling2d(.pool_size = {3, 2}, .strides = {1}), {3, {26, 26, 3}}, 0},
        {{2, {28, 3}}, gs_max_pooling1d(.pool_size = {3}), {2, {9, 3}}, 0},
        {{2, {28, 3}}, gs_average_pooling1d(.pool_size = {3}, .strides = {2}), {2, {13, 3}}, 0},
        {{3, {28, 27, 3}}, gs_global_max_pooling2d(0), {1, {3}}, 0},
        {{3, {28, 27, 3}}, gs_global_average_pooling2d(.keepdims = true), {3, {1, 1, 3}}, 0},
        {{2, {28, 3}}, gs_global_max_pooling1d(.keepdims = true), {2, {1, 3}}, 0},
        {{2, {28, 3}}, gs_global_average_pooling1d(0), {1, {3}}, 0},
    };
    CHECK_LAYERS(cases);
}

static void expect_message(gs_status status, gs_status wanted, const char *message, const char *what) {
    if (status != wanted || !strstr(gs_context_message(context), message))
        fail_msg("%s: %s: %s\nexpected %s", what, gs_status_name(status), gs_context_message(context), message);
}

static void test_refusals_in_c(void **state) {
    (void)state;
    const struct {
        gs_shape input;
        gs_layer layer;
        const char *message;
    } cases[] = {
        {{3, {8, 8, 3}}, gs_conv2d(.kernel_size = {3}), "filters is 0; it must be from 1 to 2^31 - 1"},
        {{3, {8, 8, 3}}, gs_conv2d(.filters = 4), "kernel_size is 0; it must be at least 1"},
        {{3, {8, 8, 3}},
         gs_conv2d(.filters = 4, .kernel_size = {3}, .padding = (gs_padding)7),
         "padding 7 is not one of gs_padding"},
        {{3, {8, 8, 3}},
         gs_conv2d(.filters = 4, .kernel_size = {3}, .groups = 3),
         "filters is 4; groups, 3, must divide it"},
        {{3, {8, 8, 3}},
         gs_conv2d(.filters = 4, .kernel_size = {3}, .groups = 2),
         "its input has 3 channels; groups, 2, must divide them"},
        {{3, {8, 8, 3}},
         gs_conv2d(.filters = 4, .kernel_size = {3, 5}, .dilation_rate = {2}),
         "its kernel reaches over 9 but its input is (8, 8, 3)"},
        {{3, {8, 8, 3}},
         gs_conv2d(.filters = 4, .kernel_size = {70000}, .dilation_rate = {70000}),
         "kernel_size 70000 with dilation_rate 70000 reaches over 2^31"},
        {{1, {64}},
         gs_conv2d(.filters = 4, .kernel_size = {3}),
         "its input is (64); it must be (rows, columns, channels)"},
        {{3, {8, 8, 3}}, gs_conv1d(.filters = 4, .kernel_size = {3}), "it must be (steps, channels)"},
        {{3, {8, 8, 3}}, gs_max_pooling2d(.pool_size = {9, 2}), "its pool_size is 9 but its input is (8, 8, 3)"},
        {{3, {8, 8, 3}}, gs_max_pooling2d(.pool_size = {5000}), "pool_size 5000 x 5000 has more than 2^24 pixels"},
        {{2, {8, 8}}, gs_average_pooling2d(0), "its input is (8, 8); it must be (rows, columns, channels)"},
        {{3, {8, 8, 3}},
         gs_conv2d(.filters = 4, .kernel_size = {3}, .padding = GS_PADDING_CAUSAL),
         "padding causal is for Conv1D"},
        {{3, {8, 8, 3}}, gs_max_pooling2d(.padding = GS_PADDING_CAUSAL), "padding causal is for Conv1D"},
        {{3, {8, 8, 3}},
         gs_conv2d_transpose(.filters = 4, .kernel_size = {3}, .has_output_padding = true, .output_padding = {1, 0}),
         "output_padding is 1; it must be below the stride, 1"},
        {{3, {8, 8, 3}}, gs_up_sampling2d(.size = {1, 20000}), "size is 1 x 20000; at most 16384 are supported"},
        {{3, {8, 8, 3}},
         gs_zero_padding2d(.rows = {1u << 30, 0}),
         "padding of 1073741824 and 0; at most 2^29 are supported"},
        {{3, {8, 9, 3}},
         gs_cropping2d(.columns = {4, 5}),
         "nothing is left of its input (8, 9, 3) with 4 and 5 cut off"},
        {{3, {8, 8, 3}}, gs_spatial_dropout2d(.rate = 1), "rate is 1; it must be at least 0 and below 1"},
        {{2, {8, 8}}, gs_spatial_dropout2d(.rate = 0.5f), "its input is (8, 8); it must be (rows, columns, channels)"},
        {{1, {8}}, gs_global_max_pooling1d(0), "its input is (8); it must be (steps, channels)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_layer layers[] = {gs_input(.shape = cases[i].input), cases[i].layer};
        gs_model *model = NULL;
        gs_status status =
            gs_model_sequential(context, &(gs_sequential_params){.layers = layers, .layer_count = 2}, &model);
        expect_message(status, GS_ERR_ARGUMENT, cases[i].message, cases[i].layer.class_name);
        assert_null(model);
    }
}

static gs_status from_json(const char *class_name, const char *config, gs_model **model) {
    char text[1024];
    snprintf(text, sizeof text,
             "{\"class_name\": \"Sequential\", \"config\": {\"layers\": [{\"class_name\": \"InputLayer\", \"config\": "
             "{\"batch_shape\": [null, 9, 9, 4]}}, {\"class_name\": \"%s\", \"config\": {\"name\": \"x\", %s}}]}}",
             class_name, config);
    *model = NULL;
    return gs_model_from_json(context, text, strlen(text), 1, model);
}

// Members that Keras does not always write.
static void test_json(void **state) {
    (void)state;
    gs_model *model;
    gs_model_info info;
    assert_int_equal(from_json("Conv2D", "\"filters\": 2, \"kernel_size\": 3", &model), GS_OK);
    gs_model_get_info(model, &info);
    assert_int_equal(info.parameter_count, 9 * 4 * 2 + 2);
    gs_model_destroy(&model);
    assert_int_equal(from_json("MaxPooling2D", "\"pool_size\": [3, 2], \"strides\": null", &model), GS_OK);
    gs_model_get_info(model, &info);
    assert_true(gs__shape_equal(&info.output_shape, &(gs_shape){3, {3, 4, 4}}));
    gs_model_destroy(&model);
}

static void test_refusals_in_json(void **state) {
    (void)state;
    static const struct {
        const char *class_name, *config;
        gs_status status;
        const char *message;
    } cases[] = {
        {"Conv2D", "\"kernel_size\": 3", GS_ERR_FORMAT, "config: \"filters\" is missing"},
        {"Conv2D", "\"filters\": 3", GS_ERR_FORMAT, "config: \"kernel_size\" is missing"},
        {"Conv2D", "\"filters\": 3, \"kernel_size\": [3]", GS_ERR_FORMAT,
         "config.kernel_size: expected an integer or a list of 2, found one of 1"},
        {"Conv2D", "\"filters\": 3, \"kernel_size\": [3, 0]", GS_ERR_FORMAT, "config.kernel_size[1]"},
        {"Conv2D", "\"filters\": 3, \"kernel_size\": 3, \"padding\": \"full\"", GS_ERR_UNSUPPORTED,
         "config.padding: padding \"full\" is not supported; known are valid, same and"},
        {"Conv2D", "\"filters\": 3, \"kernel_size\": 3, \"data_format\": \"channels_first\"", GS_ERR_UNSUPPORTED,
         "config.data_format: only channels_last is supported"},
        {"Conv2D", "\"filters\": 3, \"kernel_size\": 3, \"kernel_constraint\": \"NonNeg\"", GS_ERR_UNSUPPORTED,
         "config.kernel_constraint"},
        {"MaxPooling2D", "\"data_format\": \"channels_first\"", GS_ERR_UNSUPPORTED, "only channels_last is supported"},
        {"GlobalMaxPooling2D", "\"data_format\": \"channels_first\"", GS_ERR_UNSUPPORTED,
         "only channels_last is supported"},
        {"UpSampling2D", "\"interpolation\": \"bicubic\"", GS_ERR_UNSUPPORTED,
         "config.interpolation: interpolation \"bicubic\" is not supported; known are nearest and bilinear"},
        {"ZeroPadding2D", "\"padding\": [1, 2, 3]", GS_ERR_FORMAT,
         "config.padding: expected an integer or a list of 2, found one of 3"},
        {"Cropping2D", "\"cropping\": [[1, -2], 3]", GS_ERR_FORMAT, "config.cropping[0][1]"},
        {"SpatialDropout2D", "\"seed\": 3", GS_ERR_FORMAT, "config: \"rate\" is missing"},
        {"DepthwiseConv2D", "\"kernel_size\": 3, \"depth_multiplier\": 0", GS_ERR_FORMAT, "config.depth_multiplier"},
        {"Conv2DTranspose", "\"filters\": 2, \"kernel_size\": 3, \"strides\": [2]", GS_ERR_FORMAT, "config.strides"},
        {"AveragePooling2D", "\"pool_size\": \"2\"", GS_ERR_FORMAT, "config.pool_size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model;
        expect_message(from_json(cases[i].class_name, cases[i].config, &model), cases[i].status, cases[i].message,
                       cases[i].config);
        assert_null(model);
    }
}

static void test_short_form(void **state) {
    (void)state;
    static const struct {
        const char *layers;
        gs_shape output;
    } good[] = {
        {"28x28x1 conv2d:32:3:relu maxpool2d:2 conv2d:64:3:relu maxpool2d flatten", {1, {1600}}},
        {"28x28x1 conv2d:4:3x5:same:tanh avgpool2d:4x7", {3, {7, 4, 4}}},
        {"28x28x1 conv2d:4:5 global_avgpool2d", {1, {4}}},
        {"28x28x1 global_maxpool2d", {1, {1}}},
        {"50x3 conv1d:8:5:relu maxpool1d:3 avgpool1d conv1d:2:3:same", {2, {7, 2}}},
        {"50x3 global_avgpool1d", {1, {3}}},
        {"8x8x2 conv2d_transpose:4:4:2:relu:same depthwise_conv2d:3:same:tanh", {3, {16, 16, 4}}},
        {"8x8x2 upsampling2d:3:bilinear zeropadding2d:1x2 cropping2d:2 spatial_dropout2d:0.2", {3, {22, 24, 2}}},
        {"9x2 upsampling1d:3 zeropadding1d:1 cropping1d:2 conv1d:3:4:causal spatial_dropout1d:0.2", {2, {25, 3}}},
        {"50x3 global_maxpool1d", {1, {3}}},
    };
    static const char *const bad[][2] = {
        {"28x28x1 conv2d:3", "expected conv2d:FILTERS:KERNEL_SIZE[:ACTIVATION][:same]"},
        {"28x28x1 conv2d:3:3x3x3", "kernel_size \"3x3x3\" has 3 sizes; at most 2 are expected"},
        {"28x28x1 conv2d:3:a", "kernel_size: \"a\" is not a shape"},
        {"28x28x1 conv2d:3:3:foo", "unknown activation \"foo\""},
        {"50x3 conv1d:3:3x3", "kernel_size \"3x3\" has 2 sizes; at most 1 are expected"},
        {"28x28x1 maxpool2d:2:2", "expected maxpool2d[:POOL_SIZE]"},
        {"28x28x1 global_maxpool2d:2", "expected global_maxpool2d"},
        {"784 conv2d:3:3", "its input is (784); it must be (rows, columns, channels)"},
    };
    gs_model *model;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        gs_model_info info;
        if (gs_model_from_layers(context, good[i].layers, 1, &model) != GS_OK)
            fail_msg("%s: %s", good[i].layers, gs_context_message(context));
        gs_model_get_info(model, &info);
        assert_true(gs__shape_equal(&info.output_shape, &good[i].output));
        gs_model_destroy(&model);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_message(gs_model_from_layers(context, bad[i][0], 1, &model), GS_ERR_ARGUMENT, bad[i][1], bad[i][0]);
}

static int setup(void **state) {
    (void)state;
    return gs_context_create(&context, NULL) == GS_OK ? 0 : -1;
}
static int teardown(void **state) {
    (void)state;
    gs_context_destroy(&context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_convolutions), cmocka_unit_test(test_resizing),
        cmocka_unit_test(test_convolutions),      cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_refusals_in_c),     cmocka_unit_test(test_json),
        cmocka_unit_test(test_refusals_in_json),  cmocka_unit_test(test_short_form),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
