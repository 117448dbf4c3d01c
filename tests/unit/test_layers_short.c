// The short form of a model: "784 dense:64:relu dropout:0.2 dense:10".
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"

#include <stdlib.h>
#include <string.h>

static gs_context *context;

static gs_model *make(const char *layers) {
    gs_model *model = NULL;
    if (gs_model_from_layers(context, layers, 1, &model) != GS_OK)
        fail_msg("\"%s\": %s", layers, gs_context_message(context));
    return model;
}

static void test_reference_model(void **state) {
    (void)state;
    static const struct {
        const char *name, *class_name;
        int64_t outputs;
        uint64_t parameters;
    } wanted[] = {
        {"input_layer", "InputLayer", 784, 0},
        {"dense", "Dense", 64, 784 * 64 + 64},
        {"dropout", "Dropout", 64, 0},
        {"dense_1", "Dense", 10, 64 * 10 + 10},
    };
    gs_model *model = make("784 dense:64:relu dropout:0.2 dense:10");
    gs_model_info info;
    gs_model_get_info(model, &info);
    assert_string_equal(info.name, "sequential");
    assert_int_equal(info.layer_count, 4);
    assert_int_equal(info.parameter_tensor_count, 4);
    assert_int_equal(info.parameter_count, 50890);
    assert_int_equal(info.input_shape.dim[0], 784);
    assert_int_equal(info.output_shape.dim[0], 10);
    for (uint32_t i = 0; i < 4; i++) {
        gs_layer_info layer;
        assert_int_equal(gs_model_get_layer(model, i, &layer), GS_OK);
        assert_string_equal(layer.name, wanted[i].name);
        assert_string_equal(layer.class_name, wanted[i].class_name);
        assert_int_equal(layer.output_shape.rank, 1);
        assert_int_equal(layer.output_shape.dim[0], wanted[i].outputs);
        assert_int_equal(layer.parameter_count, wanted[i].parameters);
    }
    assert_true(model->layers[1].params.dense.activation == GS_ACTIVATION_RELU);
    assert_true(model->layers[2].params.dropout.rate == 0.2f);
    gs_model_destroy(&model);
    assert_null(model);
}

static void test_shapes(void **state) {
    (void)state;
    static const struct {
        const char *layers;
        gs_shape output;
    } cases[] = {
        {"28x28 flatten dense:32:tanh reshape:4x8 activation:softmax", {2, {4, 8}}},
        {"28,28 flatten dense:12 reshape:3x-1", {2, {3, 4}}},
        {" \t784\n dense:1 ", {1, {1}}},
        {"6x4 dense:5", {2, {6, 5}}},
        {"6 relu leaky_relu leaky_relu:0.1 elu elu:.5 softmax dropout:0", {1, {6}}},
        {"2x3x4x5x6 flatten", {1, {720}}},
        {"6 activation:swish reshape:1x6x1", {3, {1, 6, 1}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = make(cases[i].layers);
        gs_model_info info;
        gs_model_get_info(model, &info);
        assert_true(gs__shape_equal(&info.output_shape, &cases[i].output));
        gs_model_destroy(&model);
    }
}

static void test_errors(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"784 dense:64 drpout:0.2", "word 3 \"drpout:0.2\": unknown layer; known are "},
        {"784 dense:64 drpout:0.2", "dense, depthwise_conv2d, dropout"},
        {"784 conv3d:3", "word 2 \"conv3d:3\": unknown layer"},
        {"784 dense", "word 2 \"dense\": expected dense:UNITS[:ACTIVATION]"},
        {"784 dense:64:relu:2", "expected dense:UNITS[:ACTIVATION]"},
        {"784 dense:1:2:3:4:5:6", "expected dense:UNITS[:ACTIVATION]"},
        {"784 dense:0", "units \"0\" must be an integer from 1 to 2147483647"},
        {"784 dense:-3", "units \"-3\""},
        {"784 dense:6x", "units \"6x\""},
        {"784 dense:", "units \"\""},
        {"784 dense:2147483648", "units \"2147483648\""},
        {"784 dense:99999999999999999999999999", "units \"9999"},
        {"784 dense:64:rleu", "unknown activation \"rleu\"; known are linear, relu, leaky_relu"},
        {"784 dropout", "expected dropout:RATE"},
        {"784 dropout:1", "word 2 \"dropout:1\": rate is 1; it must be at least 0 and below 1"},
        {"784 dropout:-0.1", "rate is -0.1"},
        {"784 dropout:nan", "rate \"nan\" is not a number"},
        {"784 dropout:0x1", "rate \"0x1\" is not a number"},
        {"784 dropout:1e999", "is not a number"},
        {"784 dropout:.", "is not a number"},
        {"784 dropout:1e", "is not a number"},
        {"784 elu:-1", "alpha is -1"},
        {"784 flatten:2", "expected flatten"},
        {"784 relu:2", "expected relu"},
        {"784 reshape:10x10", "(10, 10)"},
        {"784 reshape:-1x-1", "2 dimensions of its shape are -1"},
        {"784 reshape:0x4", "\"0x4\" is not a shape"},
        {"784 reshape:4x", "\"4x\" is not a shape"},
        {"784 reshape:-2", "\"-2\" is not a shape"},
        {"dense:64", "word 1 \"dense:64\": \"dense:64\" is not a shape such as 784, 28x28 or 28,28"},
        {"0 dense:3", "\"0\" is not a shape"},
        {"-1 dense:3", "\"-1\" is not a shape"},
        {"99999999999 dense:3", "is not a shape"},
        {"1x1x1x1x1x1 dense:3", "more than 5 dimensions"},
        {"60000x60000 dense:3", "layer \"input_layer\" (InputLayer): its output (60000, 60000) has more than 2^31 - 1"},
        {"60000 dense:60000",
         "layer \"dense\" (Dense): with its kernel of shape (60000, 60000) the model has more than"},
        {"784", "no layer behind the input"},
        {"", "expected an input shape and layers"},
        {"   ", "expected an input shape and layers"},
        {"784 \x1b[31m", "unknown layer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = (gs_model *)context;
        gs_status status = gs_model_from_layers(context, cases[i][0], 1, &model);
        if (status != GS_ERR_ARGUMENT || !strstr(gs_context_message(context), cases[i][1]))
            fail_msg("\"%s\": %s: %s", cases[i][0], gs_status_name(status), gs_context_message(context));
        assert_null(model);
        assert_null(strchr(gs_context_message(context), '\x1b'));
    }
    gs_model *model = NULL;
    assert_int_equal(gs_model_from_layers(context, NULL, 1, &model), GS_ERR_ARGUMENT);
    assert_int_equal(gs_model_from_layers(NULL, "7 dense:2", 1, &model), GS_ERR_ARGUMENT);
}

// "784 flatten flatten ...": one word beyond the limit is refused, not overrun.
static void test_many_layers(void **state) {
    (void)state;
    char *text = malloc(4 + 8 * GS__MAX_LAYERS + 1), *end = text;
    memcpy(end, "784", 4);
    end += 3;
    for (int i = 0; i < GS__MAX_LAYERS - 1; i++, end += 8) memcpy(end, " flatten", 9);
    gs_model *model = make(text);
    assert_int_equal(model->layer_count, GS__MAX_LAYERS);
    assert_string_equal(model->layers[GS__MAX_LAYERS - 1].name, "flatten_4094");
    gs_model_destroy(&model);
    memcpy(end, " flatten", 9);
    assert_int_equal(gs_model_from_layers(context, text, 1, &model), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "more than 4096 layers"));
    free(text);
}

static int open_context(void **state) {
    (void)state;
    return gs_context_create(&context, NULL) == GS_OK ? 0 : -1;
}

static int close_context(void **state) {
    (void)state;
    gs_context_destroy(&context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_model),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_many_layers),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
