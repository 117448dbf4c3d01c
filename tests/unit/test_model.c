// Models: names, parameters, compile, what the data decides.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static gs_context *context;

static gs_model *make(const char *layers) {
    gs_model *model = NULL;
    if (gs_model_from_layers(context, layers, 1, &model) != GS_OK)
        fail_msg("\"%s\": %s", layers, gs_context_message(context));
    return model;
}

static void expect(gs_status status, gs_status expected, const char *message) {
    if (status != expected || !strstr(gs_context_message(context), message))
        fail_msg("%s: \"%s\"; expected %s: \"%s\"", gs_status_name(status), gs_context_message(context),
                 gs_status_name(expected), message);
}

// --- making -------------------------------------------------------------------------------------------------------
static void test_names(void **state) {
    (void)state;
    char name[] = "dense_1"; // copied
    const gs_layer layers[] = {
        gs_input(.shape = {1, {6}}), gs_dense(.units = 2), gs_dense(.units = 2),   gs_dense(.units = 2, .name = name),
        gs_dense(.units = 2),        gs_flatten(),         {.class_name = "ReLU"},
    };
    static const char *const wanted[] = {"input_layer", "dense", "dense_2", "dense_1", "dense_3", "flatten", "re_lu"};
    gs_model *model = NULL;
    const gs_sequential_params params = {.name = "chain", .layers = layers, .layer_count = 7};
    assert_int_equal(gs_model_sequential(context, &params, &model), GS_OK);
    memset(name, 'x', sizeof name - 1);
    for (uint32_t i = 0; i < 7; i++) {
        gs_layer_info info;
        assert_int_equal(gs_model_get_layer(model, i, &info), GS_OK);
        assert_string_equal(info.name, wanted[i]);
    }
    gs_parameter_info parameter;
    assert_int_equal(gs_model_get_parameter(model, 5, &parameter), GS_OK);
    assert_string_equal(parameter.name, "dense_1/bias");
    assert_int_equal(parameter.count, 2);
    gs_layer_info info;
    expect(gs_model_get_layer(model, 7, &info), GS_ERR_ARGUMENT, "layer 7 of 7");
    expect(gs_model_get_parameter(model, 8, &parameter), GS_ERR_ARGUMENT, "parameter 8 of 8");
    gs_model_destroy(&model);
    gs_model_destroy(&model);
    gs_model_destroy(NULL);
}

static void test_refused_layers(void **state) {
    (void)state;
    char long_name[300];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    const gs_layer input = gs_input(.shape = {1, {6}});
    const struct {
        gs_layer layers[3];
        uint32_t count;
        gs_status status;
        const char *message;
    } cases[] = {
        {{input}, 1, GS_ERR_ARGUMENT, "not 1 in all"},
        {{input}, 0, GS_ERR_ARGUMENT, "not 0 in all"},
        {{input}, 5000, GS_ERR_ARGUMENT, "not 5000 in all"},
        {{gs_dense(.units = 3), gs_dense(.units = 3)},
         2,
         GS_ERR_ARGUMENT,
         "layer \"dense\" (Dense): the first layer must be an input"},
        {{input, input}, 2, GS_ERR_ARGUMENT, "layer \"input_layer_1\" (InputLayer): only the first layer"},
        {{input, {0}}, 2, GS_ERR_ARGUMENT, "layer 1 has no class_name"},
        {{input, {.class_name = "Conv3D"}}, 2, GS_ERR_UNSUPPORTED, "layer 1 (Conv3D) is not supported; known are"},
        {{input, {.class_name = "Conv3D", .dense = {.name = "edges"}}},
         2,
         GS_ERR_UNSUPPORTED,
         "layer \"edges\" (Conv3D) is not supported"},
        {{input, gs_dense(0)}, 2, GS_ERR_ARGUMENT, "layer \"dense\" (Dense): units is 0"},
        {{input, gs_dense(.units = UINT32_MAX)}, 2, GS_ERR_ARGUMENT, "units is 4294967295"},
        {{input, gs_dense(.units = 3, .activation = (gs_activation)77)}, 2, GS_ERR_ARGUMENT, "activation 77"},
        {{input, gs_dense(.units = 3, .has_alpha = true, .alpha = NAN)}, 2, GS_ERR_ARGUMENT, "alpha is nan"},
        {{input, gs_dense(.units = 3, .kernel_regularizer = {.l1 = -1})},
         2,
         GS_ERR_ARGUMENT,
         "kernel_regularizer: l1 -1"},
        {{input, gs_dense(.units = 3, .bias_regularizer = {.l2 = INFINITY})}, 2, GS_ERR_ARGUMENT, "bias_regularizer"},
        {{input, gs_dense(.units = 3, .bias_initializer = {.kind = GS_INITIALIZER_CONSTANT, .a = NAN})},
         2,
         GS_ERR_ARGUMENT,
         "bias_initializer constant"},
        {{input, gs_dropout(.rate = 1.0f)}, 2, GS_ERR_ARGUMENT, "layer \"dropout\" (Dropout): rate is 1"},
        {{input, gs_dropout(.rate = NAN)}, 2, GS_ERR_ARGUMENT, "rate is nan"},
        {{input, gs_reshape(.shape = {2, {4, 2}})},
         2,
         GS_ERR_ARGUMENT,
         "its input (6) of 6 elements cannot become (4, 2)"},
        {{input, gs_reshape(.shape = {2, {4, -1}})}, 2, GS_ERR_ARGUMENT, "cannot become (4, -1)"},
        {{input, gs_reshape(.shape = {.rank = 0})}, 2, GS_ERR_ARGUMENT, "has 0 dimensions"},
        {{input, gs_reshape(.shape = {.rank = 9})}, 2, GS_ERR_ARGUMENT, "has 9 dimensions"},
        {{input, gs_reshape(.shape = {5, {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}})},
         2,
         GS_ERR_ARGUMENT,
         "cannot become"},
        {{gs_input(.shape = {.rank = 0}), gs_dense(.units = 2)}, 2, GS_ERR_ARGUMENT, "its shape has 0 dimensions"},
        {{gs_input(.shape = {6, {1, 1, 1, 1, 1, 1}}), gs_dense(.units = 2)}, 2, GS_ERR_ARGUMENT, "has 6 dimensions"},
        {{gs_input(.shape = {1, {-4}}), gs_dense(.units = 2)}, 2, GS_ERR_ARGUMENT, "dimension 0 of its shape is -4"},
        {{input, gs_dense(.units = 3, .name = "a"), gs_dense(.units = 3, .name = "a")},
         3,
         GS_ERR_ARGUMENT,
         "two layers are called \"a\""},
        {{input, gs_dense(.units = 3, .name = "a/b")}, 2, GS_ERR_ARGUMENT, "layer name \"a/b\""},
        {{input, gs_dense(.units = 3, .name = "")}, 2, GS_ERR_ARGUMENT, "layer name \"\""},
        {{input, gs_dense(.units = 3, .name = "a\nb")}, 2, GS_ERR_ARGUMENT, "layer name \"a?b\""},
        {{input, gs_dense(.units = 3, .name = long_name)}, 2, GS_ERR_ARGUMENT, "1 to 200 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = NULL;
        const gs_sequential_params params = {.layers = cases[i].layers, .layer_count = cases[i].count};
        expect(gs_model_sequential(context, &params, &model), cases[i].status, cases[i].message);
        assert_null(model);
    }
    gs_model *model = NULL;
    expect(gs_model_sequential(context, NULL, &model), GS_ERR_ARGUMENT, "params");
    assert_int_equal(gs_model_sequential(NULL, NULL, &model), GS_ERR_ARGUMENT);
}

static void test_weights(void **state) {
    (void)state;
    gs_model *a = make("5 dense:3 dense:2"), *b = make("5 dense:3 dense:2"), *other = NULL;
    assert_int_equal(gs_model_from_layers(context, "5 dense:3 dense:2", 2, &other), GS_OK);
    assert_memory_equal(a->weights, b->weights, a->parameter_bytes);
    assert_memory_not_equal(a->weights, other->weights, a->parameter_bytes);
    // kernel 60 bytes, bias 12, kernel 24, bias 8, each padded.
    assert_int_equal(a->parameter_bytes, 4 * GS__PARAMETER_ALIGN);
    assert_int_equal(a->parameter_elements, 15 + 3 + 6 + 2);
    float values[15], again[15];
    for (int i = 0; i < 15; i++) values[i] = (float)i;
    assert_int_equal(gs_model_write_parameter(a, 0, values, 15), GS_OK);
    assert_int_equal(gs_model_read_parameter(a, 0, again, 15), GS_OK);
    assert_memory_equal(values, again, sizeof values);
    assert_int_equal(gs_model_read_parameter(a, 1, again, 3), GS_OK);
    assert_true(again[0] == 0.0f && again[2] == 0.0f);
    expect(gs_model_write_parameter(a, 0, values, 14), GS_ERR_ARGUMENT,
           "parameter \"dense/kernel\" (5, 3) has 15 elements, not 14");
    expect(gs_model_read_parameter(a, 4, again, 3), GS_ERR_ARGUMENT, "parameter 4 of 4");
    assert_true(a->device_stale);
    gs_model_destroy(&a);
    gs_model_destroy(&b);
    gs_model_destroy(&other);
}

// --- compile ------------------------------------------------------------------------------------------------------
// By fields: structs have padding.
static void expect_same_optimizer(const gs_optimizer *a, const gs_optimizer *b) {
    assert_int_equal(a->kind, b->kind);
    assert_true(a->learning_rate == b->learning_rate && a->momentum == b->momentum && a->nesterov == b->nesterov);
    assert_true(a->beta1 == b->beta1 && a->beta2 == b->beta2 && a->rho == b->rho && a->epsilon == b->epsilon);
    assert_true(a->weight_decay == b->weight_decay && a->paper_epsilon == b->paper_epsilon);
}

static void test_defaults(void **state) {
    (void)state;
    static const struct {
        gs_optimizer given;
        gs_optimizer in_force;
        uint32_t slots;
    } cases[] = {
        {{0}, {GS_OPTIMIZER_ADAM, .learning_rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-7f}, 2},
        {{.kind = GS_OPTIMIZER_SGD}, {GS_OPTIMIZER_SGD, .learning_rate = 1e-2f}, 0},
        {{GS_OPTIMIZER_SGD, .momentum = 0.5f}, {GS_OPTIMIZER_SGD, .learning_rate = 1e-2f, .momentum = 0.5f}, 1},
        {{GS_OPTIMIZER_ADAMW, .beta1 = -3},
         {GS_OPTIMIZER_ADAMW, .learning_rate = 1e-3f, .beta1 = -1, .beta2 = 0.999f, .epsilon = 1e-7f,
          .weight_decay = 0.004f},
         2},
        {{.kind = GS_OPTIMIZER_RMSPROP},
         {GS_OPTIMIZER_RMSPROP, .learning_rate = 1e-3f, .rho = 0.9f, .epsilon = 1e-7f},
         1},
        {{GS_OPTIMIZER_RMSPROP, .momentum = 0.1f},
         {GS_OPTIMIZER_RMSPROP, .learning_rate = 1e-3f, .momentum = 0.1f, .rho = 0.9f, .epsilon = 1e-7f},
         2},
    };
    gs_model *model = make("5 dense:3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_compile_params compile;
        assert_int_equal(gs_model_compile(model, &(gs_compile_params){.optimizer = cases[i].given}), GS_OK);
        gs_model_get_compile(model, &compile);
        expect_same_optimizer(&compile.optimizer, &cases[i].in_force);
        assert_int_equal(gs__model_slot_layout(model).slot_count, cases[i].slots);
        assert_int_equal(gs__model_slot_layout(model).bytes, cases[i].slots * model->parameter_bytes);
        // What is in force can be given again.
        assert_int_equal(gs_model_compile(model, &compile), GS_OK);
        gs_model_get_compile(model, &compile);
        expect_same_optimizer(&compile.optimizer, &cases[i].in_force);
    }
    gs_model_destroy(&model);
}

static void test_settings(void **state) {
    (void)state;
    gs_model *model = make("5 dense:3");
    struct gs_state state_of = {.set.batch = 7};
    const struct gs_settings *s = &state_of.set;
    gs__model_settings(model, &state_of);
    assert_true(s->learning_rate == 0.001f && s->beta1 == 0.9f && s->beta2 == 0.999f && s->epsilon == 1e-7f);
    // Not 1 - 0.9f = 0.100000024.
    assert_true(s->beta1_rest == 0.1f && s->beta2_rest == 0.001f);
    assert_true(s->weight_decay == 0.0f && s->momentum == 0.0f);
    assert_int_equal(s->batch, 7);
    const gs_compile_params rmsprop = {.optimizer = gs_rmsprop(.rho = 0.95f, .weight_decay = 0.01f)};
    assert_int_equal(gs_model_compile(model, &rmsprop), GS_OK);
    gs__model_settings(model, &state_of);
    assert_true(s->beta2 == 0.95f && s->beta2_rest == 0.05f && s->weight_decay == 0.01f);
    const gs_compile_params zeros = {.optimizer = gs_adamw(.beta1 = -1, .beta2 = -1, .weight_decay = -1)};
    assert_int_equal(gs_model_compile(model, &zeros), GS_OK);
    gs__model_settings(model, &state_of);
    assert_true(s->beta1 == 0.0f && s->beta1_rest == 1.0f && s->beta2 == 0.0f && s->weight_decay == 0.0f);
    gs_model_destroy(&model);
}

static void test_refused_compile(void **state) {
    (void)state;
    static const struct {
        gs_compile_params params;
        const char *message;
    } cases[] = {
        {{.optimizer = {GS_OPTIMIZER_ADAM, .learning_rate = NAN}}, "optimizer adam: learning_rate is nan"},
        {{.optimizer = {.learning_rate = -1}},
         "optimizer adam: learning_rate is -1; it must be a finite number above 0"},
        {{.optimizer = {GS_OPTIMIZER_SGD, .learning_rate = INFINITY}}, "optimizer sgd: learning_rate is inf"},
        {{.optimizer = {GS_OPTIMIZER_ADAM, .epsilon = -1}}, "epsilon is -1; it must be a finite number above 0"},
        {{.optimizer = {GS_OPTIMIZER_ADAM, .beta1 = 1}}, "beta1 is 1; it must be a finite number from 0 to below 1"},
        {{.optimizer = {GS_OPTIMIZER_ADAM, .beta2 = 1.5f}}, "beta2 is 1.5"},
        {{.optimizer = {GS_OPTIMIZER_RMSPROP, .rho = NAN}}, "optimizer rmsprop: rho is nan"},
        {{.optimizer = {GS_OPTIMIZER_SGD, .momentum = 1}}, "momentum is 1"},
        {{.optimizer = {GS_OPTIMIZER_SGD, .momentum = -0.5f}}, "momentum is -0.5"},
        {{.optimizer = {GS_OPTIMIZER_SGD, .weight_decay = -0.5f}}, "weight_decay is -0.5"},
        {{.optimizer = {GS_OPTIMIZER_SGD, .beta1 = 0.5f}}, "optimizer sgd has no beta1"},
        {{.optimizer = {GS_OPTIMIZER_ADAM, .momentum = 0.5f}}, "optimizer adam has no momentum"},
        {{.optimizer = {GS_OPTIMIZER_ADAM, .nesterov = true}}, "optimizer adam has no nesterov"},
        {{.optimizer = {GS_OPTIMIZER_RMSPROP, .paper_epsilon = true}}, "optimizer rmsprop has no paper_epsilon"},
        {{.optimizer = {.kind = (gs_optimizer_kind)99}}, "optimizer kind 99"},
        {{.loss = {.kind = (gs_loss_kind)-1}}, "loss kind -1"},
        {{.loss = {.kind = GS_LOSS_HUBER, .delta = -1}}, "loss huber: delta is -1"},
        {{.loss = {.kind = GS_LOSS_HUBER, .delta = NAN}}, "loss huber: delta is nan"},
        {{.loss = {.kind = GS_LOSS_MSE, .delta = 1}}, "loss mean_squared_error has no delta"},
        {{.metrics = {{(gs_metric_kind)42, 0}}}, "metric kind 42"},
        {{.metrics = {{GS_METRIC_MSE, 3}}}, "metric mean_squared_error has no k"},
        {{.metrics = {{GS_METRIC_MSE, 0}, {GS_METRIC_MSE, 0}}}, "metric mean_squared_error is given twice"},
        {{.metrics = {{GS_METRIC_MSE, 0}}, .no_metrics = true}, "no_metrics is set"},
    };
    gs_model *model = make("5 dense:3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(gs_model_compile(model, &cases[i].params), GS_ERR_ARGUMENT, cases[i].message);
    // A refused compile changes nothing.
    gs_compile_params compile;
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.optimizer.kind, GS_OPTIMIZER_ADAM);
    gs_model_destroy(&model);
}

static void test_parse(void **state) {
    (void)state;
    gs_loss loss;
    gs_metric metric;
    gs_optimizer optimizer;
    assert_int_equal(gs_loss_parse("mse", &loss), GS_OK);
    assert_int_equal(loss.kind, GS_LOSS_MSE);
    assert_int_equal(gs_loss_parse("BinaryCrossentropy", &loss), GS_OK);
    assert_int_equal(loss.kind, GS_LOSS_BINARY_CROSSENTROPY);
    assert_int_equal(gs_loss_parse("", &loss), GS_ERR_ARGUMENT);
    assert_int_equal(gs_loss_parse("l2", &loss), GS_ERR_ARGUMENT);
    assert_int_equal(gs_metric_parse("acc", &metric), GS_OK);
    assert_int_equal(metric.kind, GS_METRIC_ACCURACY);
    assert_int_equal(gs_metric_parse("top_k", &metric), GS_OK);
    assert_int_equal(metric.kind, GS_METRIC_TOP_K);
    assert_int_equal(gs_metric_parse("", &metric), GS_ERR_ARGUMENT);
    assert_int_equal(gs_optimizer_parse("AdamW", &optimizer), GS_OK);
    assert_int_equal(optimizer.kind, GS_OPTIMIZER_ADAMW);
    assert_int_equal(gs_optimizer_parse("lamb", &optimizer), GS_ERR_ARGUMENT);
    assert_string_equal(gs_optimizer_name(GS_OPTIMIZER_RMSPROP), "rmsprop");
    assert_string_equal(gs_loss_name(GS_LOSS_MAE), "mean_absolute_error");
    assert_string_equal(gs_metric_name(GS_METRIC_ACCURACY), "accuracy");
    assert_string_equal(gs_loss_name((gs_loss_kind)99), "");
    assert_string_equal(gs_metric_name((gs_metric_kind)-1), "");
}

// --- data ---------------------------------------------------------------------------------------------------------
static gs_data_info class_data(uint64_t count, gs_shape sample, int64_t max_class) {
    return (gs_data_info){.name = "fashion-mnist",
                          .count = count,
                          .sample_shape = sample,
                          .x_dtype = GS_U8,
                          .has_targets = true,
                          .y_dtype = GS_I32,
                          .max_class = max_class};
}

static gs_data_info value_data(uint64_t count, gs_shape sample, gs_shape target) {
    return (gs_data_info){.name = "values",
                          .count = count,
                          .sample_shape = sample,
                          .x_dtype = GS_F32,
                          .has_targets = true,
                          .target_shape = target,
                          .y_dtype = GS_F32,
                          .max_class = -1};
}

static void test_resolve(void **state) {
    (void)state;
    const gs_metric_kind A = GS_METRIC_ACCURACY, NONE = GS_METRIC_NONE;
    const gs_shape six = {1, {6}};
    const struct {
        const char *layers;
        gs_loss_kind asked;
        gs_data_info data;
        gs_loss_kind loss;
        bool from_probabilities;
        gs_metric_kind metric;
        gs_dtype targets;
    } cases[] = {
        {"6 dense:4", 0, class_data(9, six, 3), GS_LOSS_SPARSE_CROSSENTROPY, false, A, GS_I32},
        {"6 dense:4:softmax", 0, class_data(9, six, 3), GS_LOSS_SPARSE_CROSSENTROPY, true, A, GS_I32},
        {"6 dense:4 softmax dropout:0.1 reshape:4", GS_LOSS_SPARSE_CROSSENTROPY, class_data(9, six, 3),
         GS_LOSS_SPARSE_CROSSENTROPY, true, A, GS_I32},
        {"6 dense:1:sigmoid", GS_LOSS_BINARY_CROSSENTROPY, class_data(9, six, 1), GS_LOSS_BINARY_CROSSENTROPY, true, A,
         GS_F32},
        {"6 dense:1", GS_LOSS_BINARY_CROSSENTROPY, class_data(9, six, 1), GS_LOSS_BINARY_CROSSENTROPY, false, A,
         GS_F32},
        {"6 dense:1:sigmoid", GS_LOSS_MSE, class_data(9, six, 1), GS_LOSS_MSE, false, NONE, GS_F32},
        {"6 dense:4", 0, value_data(9, six, (gs_shape){1, {4}}), GS_LOSS_MSE, false, NONE, GS_F32},
        {"6 dense:1", 0, value_data(9, six, (gs_shape){0}), GS_LOSS_MSE, false, NONE, GS_F32},
        {"6 dense:4 reshape:4x1", 0, value_data(9, six, (gs_shape){1, {4}}), GS_LOSS_MSE, false, NONE, GS_F32},
        {"6 dense:4", GS_LOSS_CATEGORICAL_CROSSENTROPY, value_data(9, six, (gs_shape){1, {4}}),
         GS_LOSS_CATEGORICAL_CROSSENTROPY, false, NONE, GS_F32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = make(cases[i].layers);
        gs_loss loss;
        gs_metric metrics[GS_MAX_METRICS];
        gs__target_spec targets;
        assert_int_equal(gs_model_compile(model, &(gs_compile_params){.loss = {.kind = cases[i].asked}}), GS_OK);
        assert_int_equal(gs__model_resolve(model, &cases[i].data, &loss, metrics), GS_OK);
        if (gs__model_check_targets(model, &cases[i].data, &loss, &targets) != GS_OK)
            fail_msg("case %zu: %s", i, gs_context_message(context));
        if (loss.kind != cases[i].loss || loss.from_probabilities != cases[i].from_probabilities ||
            metrics[0].kind != cases[i].metric || targets.dtype != cases[i].targets)
            fail_msg("case %zu: loss %d, from probabilities %d, metric %d, targets %d", i, (int)loss.kind,
                     loss.from_probabilities, (int)metrics[0].kind, (int)targets.dtype);
        assert_int_equal(targets.shape.dim[0], 9);
        gs_model_destroy(&model);
    }
}

static void test_refused_data(void **state) {
    (void)state;
    const gs_shape six = {1, {6}};
    gs_data_info no_targets = class_data(9, six, 3), rows = class_data(9, six, 3);
    no_targets.has_targets = false;
    rows.target_shape = (gs_shape){1, {2}};
    const struct {
        const char *layers;
        gs_compile_params compile;
        gs_data_info data;
        const char *message;
    } cases[] = {
        {"100 dense:10",
         {.no_metrics = false},
         class_data(9, (gs_shape){2, {28, 28}}, 9),
         "data \"fashion-mnist\" has samples of (28, 28) = 784 elements but the model's input is (100) = 100"},
        {"6 dense:4", {.no_metrics = false}, no_targets, "data \"fashion-mnist\" has no targets"},
        {"6 dense:4",
         {.no_metrics = false},
         class_data(9, six, 4),
         "data \"fashion-mnist\" has the class index 4, but the model's output (4) has 4 classes, from 0 to 3"},
        {"6 dense:1",
         {.no_metrics = false},
         class_data(9, six, 1),
         "1 class, from 0 to 0; for two classes use binary_crossentropy"},
        {"6 dense:4",
         {.no_metrics = false},
         rows,
         "has targets of shape (2) a sample, but loss sparse_categorical_crossentropy needs one"},
        {"6 dense:4",
         {.loss = {.kind = GS_LOSS_SPARSE_CROSSENTROPY}},
         value_data(9, six, (gs_shape){1, {4}}),
         "needs class indices (uint8 or int32), but data \"values\" has float32 targets of shape (4)"},
        {"6 dense:4",
         {.loss = {.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY}},
         class_data(9, six, 3),
         "for class indices use sparse_categorical_crossentropy"},
        {"6 dense:4",
         {.loss = {.kind = GS_LOSS_MSE}},
         value_data(9, six, (gs_shape){1, {3}}),
         "data \"values\" has targets of shape (3) a sample, but loss mean_squared_error needs the shape of the "
         "model's"},
        {"6 dense:1",
         {.loss = {.kind = GS_LOSS_BINARY_CROSSENTROPY}},
         class_data(9, six, 2),
         "loss binary_crossentropy knows only 0 and 1"},
        {"6 dense:4",
         {.metrics = {{GS_METRIC_TOP_K, 0}}},
         class_data(9, six, 3),
         "k is 5 but the model's output has 4"},
        {"6 dense:4",
         {.metrics = {{GS_METRIC_TOP_K, 2}}},
         value_data(9, six, (gs_shape){1, {4}}),
         "needs class indices"},
        {"6 dense:4",
         {.metrics = {{GS_METRIC_MAE, 0}}},
         class_data(9, six, 3),
         "metric mean_absolute_error needs targets of"},
        {"6 flatten", {.no_metrics = false}, value_data(9, six, six), "has no parameters to train"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = make(cases[i].layers);
        gs__model_graph graph;
        assert_int_equal(gs_model_compile(model, &cases[i].compile), GS_OK);
        expect(gs__model_build(model, GS__MODE_TRAIN, 4, &cases[i].data, false, &graph), GS_ERR_ARGUMENT,
               cases[i].message);
        assert_null(graph.graph.nodes);
        gs_model_destroy(&model);
    }
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
        cmocka_unit_test(test_names),    cmocka_unit_test(test_refused_layers), cmocka_unit_test(test_weights),
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_settings),       cmocka_unit_test(test_refused_compile),
        cmocka_unit_test(test_parse),    cmocka_unit_test(test_resolve),        cmocka_unit_test(test_refused_data),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
