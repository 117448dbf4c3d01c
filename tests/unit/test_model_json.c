// Models as Keras's JSON: the files that Keras itself wrote, what they are refused for, and what we write.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "files.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gs_context *context;

static char *read_source(const char *path, size_t *bytes) {
    const char *root = getenv("GRADSMITH_SOURCE_DIR");
    char whole[1024];
    snprintf(whole, sizeof whole, "%s/%s", root ? root : ".", path);
    gs__error error;
    char *data = NULL;
    if (gs__file_read(&error, whole, 1 << 24, &data, bytes) != GS_OK) fail_msg("%s", error.message);
    return data;
}

static gs_status load(const char *path, gs_model **model) {
    size_t bytes;
    char *data = read_source(path, &bytes);
    *model = NULL;
    gs_status status = gs_model_from_json(context, data, bytes, 1, model);
    free(data);
    return status;
}

static gs_model *need(const char *path) {
    gs_model *model;
    if (load(path, &model) != GS_OK) fail_msg("%s: %s", path, gs_context_message(context));
    return model;
}

static gs_model *parse(const char *json) {
    gs_model *model = NULL;
    if (gs_model_from_json(context, json, strlen(json), 1, &model) != GS_OK)
        fail_msg("%s\n%s", gs_context_message(context), json);
    return model;
}

static char *write(gs_model *model) {
    size_t bytes = 0, again = 0;
    assert_int_equal(gs_model_to_json(model, NULL, 0, &bytes), GS_OK);
    char *text = malloc(bytes);
    assert_int_equal(gs_model_to_json(model, text, bytes - 1, NULL), GS_ERR_ARGUMENT);
    assert_int_equal(gs_model_to_json(model, text, bytes, &again), GS_OK);
    assert_int_equal(again, bytes);
    assert_int_equal(strlen(text), bytes - 1);
    return text;
}

// What we write is read as the same model, and written the same again.
static void check_round_trip(gs_model *model) {
    char *first = write(model);
    gs_model *again = parse(first);
    char *second = write(again);
    assert_string_equal(first, second);
    assert_int_equal(model->layer_count, again->layer_count);
    assert_int_equal(model->parameter_bytes, again->parameter_bytes);
    // The same seed and the same initializers.
    assert_memory_equal(model->weights, again->weights, model->parameter_bytes);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        assert_string_equal(model->layers[i].name, again->layers[i].name);
        assert_true(gs__shape_equal(&model->layers[i].output_shape, &again->layers[i].output_shape));
    }
    gs_model_destroy(&again);
    free(first);
    free(second);
}

static void test_reads_keras_files(void **state) {
    (void)state;
    static const struct {
        const char *path;
        uint32_t layers;
        uint64_t parameters;
    } cases[] = {
        {"assets/models/fashion-mlp.json", 4, 50890},
        {"assets/golden/regularized/model.json", 4, 9 * 12 + 13 * 8 + 9},
        {"tests/cli/models/compiled.json", 4, 50890},
        {"tests/cli/models/compiled_by_name.json", 2, 9},
        {"tests/cli/models/keras_3_0.json", 4, 50890},
        {"tests/cli/models/flatten.json", 4, 50890},
        {"tests/cli/models/reshape.json", 6, 29 * 12 + 337 * 10},
        {"tests/cli/models/no_input.json", 3, 8 * 5 + 6 * 3},
        {"tests/cli/models/batch_shape.json", 2, 24},
        {"tests/cli/models/activation_strings.json", 11, 10 * 42},
        {"tests/cli/models/activation_layers.json", 21, 10 * 42},
        {"tests/cli/models/activation_classes.json", 8, 42},
        {"tests/cli/models/activation_objects.json", 3, 84},
        {"tests/cli/models/initializers.json", 19, 18 * 42},
        {"tests/cli/models/regularizers.json", 7, 6 * 42},
        {"tests/cli/models/no_bias.json", 3, 30 + 18},
        {"tests/cli/models/dropout.json", 5, 42 + 21},
        {"tests/cli/models/dtype_policies.json", 3, 84},
        {"tests/cli/models/augmentation.json", 10, 6 * 7 * 3 * 2 + 2},
        {"tests/cli/models/functional.json", 4, 28 + 28},
        {"tests/cli/models/frozen.json", 3, 63},
        {"assets/golden/layers/skips/model.json", 8, 42 + 12 + 21},
        {"assets/golden/layers/two_inputs/model.json", 8, 25 + 102},
        {"assets/golden/layers/batch_norm/model.json", 7, 6 * 9 + 36 + 50 + 15 + 18},
        {"tests/cli/models/mixed_precision.json", 4, 42 + 21},
        {"tests/cli/models/bfloat16.json", 3, 42 + 14},
        {"tests/cli/models/conv2d.json", 4, 10 * 32 + 21632 * 10 + 10},
        {"assets/models/fashion-cnn.json", 9, 225034},
        {"assets/golden/keras-conv2d/model.json", 7, 1085},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = need(cases[i].path);
        if (model->layer_count != cases[i].layers || model->parameter_elements != cases[i].parameters)
            fail_msg("%s: %u layers, %llu parameters", cases[i].path, model->layer_count,
                     (unsigned long long)model->parameter_elements);
        check_round_trip(model);
        gs_model_destroy(&model);
    }
}

static void test_refuses_by_name(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"conv3d", "config.layers[1]: layer \"volume\" (Conv3D) is not supported; known are Activation, "},
        {"nested", "config.layers[1]: layer \"inner\" (Sequential) is not supported: put the layers of that model"},
        {"nested_functional",
         "config.layers[1]: layer \"inner\" (Functional) is not supported: put the layers of that"},
        {"two_outputs", "config.output_layers: 2 of them; 1 is supported"},
        {"recurrent_state", "layer \"memory\" (LSTM): config.layers[1].config.return_state: true is not supported"},
        {"recurrent_stateful", "layer \"memory\" (GRU): config.layers[1].config.stateful: true is not supported"},
        {"recurrent_dropout",
         "layer \"memory\" (LSTM): config.layers[1].config.recurrent_dropout: 0.25 is not supported"},
        {"recurrent_input_dropout", "layer \"memory\" (SimpleRNN): config.layers[1].config.dropout: 0.25 is not "
                                    "supported; put a SpatialDropout1D layer in front"},
        {"reset_before", "layer \"memory\" (GRU): config.layers[1].config.reset_after: reset_after=False is not"},
        {"masked", "layer \"words\" (Embedding): config.layers[1].config.mask_zero: true is not supported"},
        {"backward_other",
         "layer \"both\" (Bidirectional): config.layers[1].config.backward_layer: a backward layer of "
         "another kind"},
        {"constraint", "layer \"bounded\" (Dense): config.layers[1].config.kernel_constraint"},
        {"regularizer_unsupported", "layer \"active\" (Dense): config.layers[1].config.activity_regularizer"},
        {"initializer_unsupported", "layer \"turned\" (Dense): config.layers[1].config.kernel_initializer: initializer "
                                    "\"Identity\" is not supported"},
        {"dropout_noise_shape", "layer \"rows\" (Dropout): config.layers[1].config.noise_shape"},
        {"relu_capped", "layer \"relu6\" (ReLU): config.layers[1].config.max_value: 6 is not supported"},
        {"softmax_axis", "layer \"columns\" (Softmax): config.layers[1].config.axis: axis 1 is not supported"},
        {"not_built", "the model has no input shape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[256];
        gs_model *model;
        snprintf(path, sizeof path, "tests/cli/models/%s.json", cases[i][0]);
        gs_status status = load(path, &model);
        if (status != GS_ERR_UNSUPPORTED || !strstr(gs_context_message(context), cases[i][1]))
            fail_msg("%s: %s: %s", path, gs_status_name(status), gs_context_message(context));
        assert_null(model);
    }
}

static void test_values(void **state) {
    (void)state;
    gs_model *model = need("tests/cli/models/activation_classes.json");
    assert_string_equal(model->name, "sequential");
    assert_string_equal(model->layers[2].name, "leaky_re_lu");
    assert_true(model->layers[2].params.activation.alpha == 0.3f);
    assert_true(model->layers[3].params.activation.alpha == 0.1f);
    assert_int_equal(model->layers[4].class->activation(&model->layers[4].params), GS_ACTIVATION_RELU);
    assert_true(model->layers[5].params.activation.alpha == 1.0f);
    assert_true(model->layers[6].params.activation.alpha == 0.5f);
    assert_int_equal(gs__model_last_activation(model), GS_ACTIVATION_SOFTMAX);
    gs_model_destroy(&model);

    model = need("tests/cli/models/activation_objects.json");
    assert_int_equal(model->layers[1].params.dense.activation, GS_ACTIVATION_GELU);
    assert_int_equal(model->layers[2].params.dense.activation, GS_ACTIVATION_LEAKY_RELU);
    assert_true(model->layers[2].params.dense.has_alpha && model->layers[2].params.dense.alpha == 0.1f);
    gs_model_destroy(&model);

    model = need("tests/cli/models/initializers.json");
    const gs_initializer *uniform = &model->layers[5].params.dense.kernel_initializer;
    assert_int_equal(uniform->kind, GS_INITIALIZER_RANDOM_UNIFORM);
    assert_true(uniform->a == -0.1f && uniform->b == 0.2f && uniform->has_seed && uniform->seed == 7);
    const gs_initializer *truncated = &model->layers[9].params.dense.kernel_initializer;
    assert_true(truncated->a == -0.1f && truncated->b == 0.3f && !truncated->has_seed);
    assert_int_equal(model->layers[17].params.dense.kernel_initializer.kind, GS_INITIALIZER_HE_NORMAL);
    assert_int_equal(model->layers[17].params.dense.bias_initializer.kind, GS_INITIALIZER_ONES);
    assert_true(model->layers[18].params.dense.bias_initializer.a == 0.1f);
    gs_model_destroy(&model);

    model = need("tests/cli/models/regularizers.json");
    static const gs_regularizer kernels[] = {{1e-4f, 0}, {0, 1e-3f}, {1e-4f, 1e-3f}, {0.01f, 0}, {0, 0}, {0, 0}};
    for (uint32_t i = 0; i < 6; i++) {
        const gs_regularizer *r = &model->layers[i + 1].params.dense.kernel_regularizer;
        assert_true(r->l1 == kernels[i].l1 && r->l2 == kernels[i].l2);
    }
    assert_true(model->layers[4].params.dense.bias_regularizer.l2 == 0.01f);
    assert_true(model->layers[6].params.dense.bias_regularizer.l2 == 0.5f);
    gs_model_destroy(&model);
}

static void test_compile_config(void **state) {
    (void)state;
    gs_compile_params compile;
    gs_model *model = need("tests/cli/models/compiled.json");
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.optimizer.kind, GS_OPTIMIZER_ADAM);
    assert_true(compile.optimizer.learning_rate == 0.001f && compile.optimizer.epsilon == 1e-7f);
    assert_int_equal(compile.loss.kind, GS_LOSS_SPARSE_CROSSENTROPY);
    assert_false(compile.loss.from_probabilities);
    assert_int_equal(compile.metrics[0].kind, GS_METRIC_ACCURACY);
    assert_int_equal(compile.metrics[1].kind, GS_METRIC_NONE);
    // Given fields win, the rest stays as in the JSON.
    assert_int_equal(gs_model_compile(model, &(gs_compile_params){.optimizer = {.learning_rate = 0.5f}}), GS_OK);
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.optimizer.kind, GS_OPTIMIZER_ADAM);
    assert_true(compile.optimizer.learning_rate == 0.5f && compile.optimizer.beta2 == 0.999f);
    assert_int_equal(gs_model_compile(model, &(gs_compile_params){.optimizer = gs_sgd(.momentum = 0.5f)}), GS_OK);
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.optimizer.kind, GS_OPTIMIZER_SGD);
    assert_true(compile.optimizer.learning_rate == 0.01f);
    gs_model_destroy(&model);

    model = need("tests/cli/models/compiled_by_name.json");
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.optimizer.kind, GS_OPTIMIZER_RMSPROP);
    assert_true(compile.optimizer.rho == 0.9f && compile.optimizer.momentum == 0.0f);
    assert_int_equal(compile.loss.kind, GS_LOSS_MSE);
    assert_int_equal(compile.metrics[0].kind, GS_METRIC_MAE);
    gs_model_destroy(&model);

    model = need("tests/cli/models/compiled_probabilities.json");
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.optimizer.kind, GS_OPTIMIZER_SGD);
    assert_true(compile.optimizer.learning_rate == 0.05f && compile.optimizer.momentum == 0.9f);
    assert_true(compile.optimizer.nesterov);
    assert_true(gs__loss_from_probabilities(model, &compile.loss));
    assert_int_equal(compile.metrics[1].kind, GS_METRIC_TOP_K);
    assert_int_equal(compile.metrics[1].k, 2);
    check_round_trip(model);
    gs_model_destroy(&model);
}

static void test_precision(void **state) {
    (void)state;
    gs_compile_params compile;
    gs_model *model = need("tests/cli/models/mixed_precision.json");
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.precision, GS_PRECISION_MIXED_FLOAT16);
    assert_true(compile.loss_scale == 1024.0f && compile.loss_scale_growth == 5);
    assert_int_equal(compile.optimizer.kind, GS_OPTIMIZER_SGD);
    assert_true(compile.optimizer.learning_rate == 0.5f && compile.optimizer.momentum == 0.9f);
    assert_int_equal(model->layers[1].params.precision, GS_PRECISION_DEFAULT);
    assert_int_equal(model->layers[3].params.precision, GS_PRECISION_FLOAT32);
    check_round_trip(model);
    // What is given wins; float32 has no loss scale.
    assert_int_equal(gs_model_compile(model, &(gs_compile_params){.precision = GS_PRECISION_FLOAT32}), GS_OK);
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.precision, GS_PRECISION_FLOAT32);
    assert_true(compile.loss_scale == 0.0f && compile.loss_scale_growth == 0);
    assert_int_equal(gs_model_compile(model, &(gs_compile_params){.loss_scale = 0x1p20f}), GS_OK);
    gs_model_get_compile(model, &compile);
    assert_true(compile.loss_scale == 0x1p20f && compile.loss_scale_growth == 5);
    check_round_trip(model);
    static const float wrong[] = {3, -1024, INFINITY, NAN, 0x1p61f, 0x1p-61f};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(gs_model_compile(model, &(gs_compile_params){.loss_scale = wrong[i]}), GS_ERR_ARGUMENT);
        assert_non_null(strstr(gs_context_message(context), "expected a power of two from 2^-60 to 2^60"));
    }
    assert_int_equal(gs_model_compile(model, &(gs_compile_params){.precision = (gs_precision)9}), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "precision 9 is not one of"));
    gs_model_destroy(&model);

    model = need("tests/cli/models/bfloat16.json");
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.precision, GS_PRECISION_MIXED_BFLOAT16);
    assert_true(compile.loss_scale == 0.0f);
    gs_model_destroy(&model);

    // Without a word of it: Keras's defaults.
    assert_int_equal(gs_model_from_layers(context, "6 dense:4", 1, &model), GS_OK);
    assert_int_equal(gs_model_compile(model, &(gs_compile_params){.precision = GS_PRECISION_MIXED_FLOAT16}), GS_OK);
    gs_model_get_compile(model, &compile);
    assert_true(compile.loss_scale == 32768.0f && compile.loss_scale_growth == 2000);
    check_round_trip(model);
    gs_model_destroy(&model);

    const gs_layer layers[] = {gs_input(.shape = {1, {6}}),
                               {.class_name = "Dense", .precision = GS_PRECISION_MIXED_FLOAT16, .dense = {.units = 2}}};
    assert_int_equal(gs_model_sequential(context, &(gs_sequential_params){.layers = layers, .layer_count = 2}, &model),
                     GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "a layer can only stay in float32"));

    gs_precision precision;
    assert_int_equal(gs_precision_parse("mixed_bfloat16", &precision), GS_OK);
    assert_int_equal(precision, GS_PRECISION_MIXED_BFLOAT16);
    assert_int_equal(gs_precision_parse("float16", &precision), GS_ERR_ARGUMENT);
    assert_string_equal(gs_precision_name(precision), "mixed_bfloat16");
}

// By fields: structs have padding.
static void expect_same_optimizer(const gs_optimizer *a, const gs_optimizer *b) {
    assert_int_equal(a->kind, b->kind);
    assert_true(a->learning_rate == b->learning_rate && a->momentum == b->momentum && a->nesterov == b->nesterov);
    assert_true(a->beta1 == b->beta1 && a->beta2 == b->beta2 && a->rho == b->rho && a->epsilon == b->epsilon);
    assert_true(a->weight_decay == b->weight_decay && a->paper_epsilon == b->paper_epsilon);
}

// Every hyper-parameter survives writing and reading, exact zeros and what Keras does not know included.
static void test_compile_round_trip(void **state) {
    (void)state;
    static const gs_compile_params cases[] = {
        {.optimizer = {.kind = GS_OPTIMIZER_ADAM,
                       .learning_rate = 3e-4f,
                       .beta1 = -1,
                       .beta2 = 0.95f,
                       .epsilon = 1e-8f,
                       .weight_decay = 0.01f,
                       .paper_epsilon = true},
         .loss = {.kind = GS_LOSS_HUBER, .delta = 0.25f},
         .metrics = {{GS_METRIC_MAE, 0}, {GS_METRIC_MSE, 0}}},
        {.optimizer = {.kind = GS_OPTIMIZER_ADAMW, .weight_decay = -1}, .no_metrics = true},
        {.optimizer = {.kind = GS_OPTIMIZER_ADAMW}, .loss = {.kind = GS_LOSS_MAE}},
        {.optimizer = {.kind = GS_OPTIMIZER_SGD, .momentum = 0.9f, .nesterov = true, .learning_rate = 0.1f},
         .loss = {.kind = GS_LOSS_CATEGORICAL_CROSSENTROPY, .from_probabilities = true},
         .metrics = {{GS_METRIC_ACCURACY, 0}}},
        {.optimizer = {.kind = GS_OPTIMIZER_RMSPROP, .momentum = 0.3f, .rho = -1},
         .loss = {.kind = GS_LOSS_SPARSE_CROSSENTROPY},
         .metrics = {{GS_METRIC_TOP_K, 3}, {GS_METRIC_ACCURACY, 0}}},
        {.loss = {.kind = GS_LOSS_BINARY_CROSSENTROPY}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = NULL;
        gs_compile_params before, after;
        assert_int_equal(gs_model_from_layers(context, "6 dense:4", 1, &model), GS_OK);
        assert_int_equal(gs_model_compile(model, &cases[i]), GS_OK);
        gs_model_get_compile(model, &before);
        char *text = write(model);
        gs_model *again = parse(text);
        gs_model_get_compile(again, &after);
        expect_same_optimizer(&before.optimizer, &after.optimizer);
        assert_int_equal(before.loss.kind, after.loss.kind);
        assert_true(before.loss.from_probabilities == after.loss.from_probabilities &&
                    before.loss.delta == after.loss.delta);
        for (int k = 0; k < GS_MAX_METRICS; k++) {
            assert_int_equal(before.metrics[k].kind, after.metrics[k].kind);
            assert_int_equal(before.metrics[k].k, after.metrics[k].k);
        }
        assert_true(before.no_metrics == after.no_metrics);
        free(text);
        gs_model_destroy(&again);
        gs_model_destroy(&model);
    }
}

// --- variations of one text ---------------------------------------------------------------------------------------
#define LAYER(text)                                                                                                    \
    "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"m\", \"layers\": [{\"class_name\": \"InputLayer\", "    \
    "\"config\": {\"batch_shape\": [null, 6]}}, " text "]}}"
#define DENSE(text) LAYER("{\"class_name\": \"Dense\", \"config\": {\"name\": \"d\", \"units\": 3" text "}}")
#define COMPILE(text)                                                                                                  \
    "{\"class_name\": \"Sequential\", \"compile_config\": {" text "}, \"config\": {\"layers\": [{\"class_name\": "     \
    "\"InputLayer\", \"config\": {\"batch_shape\": [null, 6]}}, {\"class_name\": \"Dense\", \"config\": {\"units\": "  \
    "3}}]}}"
#define OPTIMIZER(name, text) COMPILE("\"optimizer\": {\"class_name\": \"" name "\", \"config\": {" text "}}")
#define LOSS(name, text)      COMPILE("\"loss\": {\"class_name\": \"" name "\", \"config\": {" text "}}")

static void test_malformed(void **state) {
    (void)state;
    static const struct {
        const char *text;
        gs_status status;
        const char *message;
    } cases[] = {
        {"", GS_ERR_FORMAT, "line 1"},
        {"{\"class_name\": \"Sequential\",", GS_ERR_FORMAT, "line 1"},
        {"[]", GS_ERR_FORMAT, "expected an object"},
        {"{}", GS_ERR_FORMAT, "class_name"},
        {"{\"class_name\": \"Sequential\"}", GS_ERR_FORMAT, "config"},
        {"{\"class_name\": \"Sequential\", \"config\": {}}", GS_ERR_FORMAT, "layers"},
        {"{\"class_name\": \"Sequential\", \"config\": {\"layers\": []}}", GS_ERR_UNSUPPORTED, "0 layers"},
        {"{\"class_name\": \"Sequential\", \"config\": {\"layers\": [1]}}", GS_ERR_UNSUPPORTED, "no input shape"},
        {"{\"class_name\": \"Model\", \"config\": {\"name\": \"old\"}}", GS_ERR_UNSUPPORTED,
         "\"old\" is of class Model"},
        {LAYER("7"), GS_ERR_FORMAT, "config.layers[1]: expected an object"},
        {LAYER("{\"class_name\": \"Dense\"}"), GS_ERR_FORMAT, "config.layers[1]"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"name\": \"d\"}}"), GS_ERR_FORMAT,
         "layer \"d\" (Dense): config.layers[1].config"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"name\": 3, \"units\": 3}}"), GS_ERR_FORMAT, "config.name"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"units\": 0}}"), GS_ERR_FORMAT, "config.units"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"units\": 2.5}}"), GS_ERR_FORMAT, "config.units"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"units\": \"64\"}}"), GS_ERR_FORMAT, "config.units"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"units\": 1e30}}"), GS_ERR_FORMAT, "config.units"},
        {LAYER("{\"class_name\": \"Dropout\", \"config\": {\"name\": \"x\", \"rate\": 1.5}}"), GS_ERR_ARGUMENT,
         "layer \"x\" (Dropout): rate is 1.5"},
        {LAYER("{\"class_name\": \"Dropout\", \"config\": {\"rate\": 1e-60}}"), GS_ERR_FORMAT, "range of a float"},
        {LAYER("{\"class_name\": \"Reshape\", \"config\": {\"target_shape\": [2, 2]}}"), GS_ERR_ARGUMENT,
         "layer \"reshape\" (Reshape): its input (6) of 6 elements cannot become (2, 2)"},
        {LAYER("{\"class_name\": \"Reshape\", \"config\": {\"target_shape\": [null, 2]}}"), GS_ERR_UNSUPPORTED,
         "target_shape[0]"},
        {LAYER("{\"class_name\": \"Reshape\", \"config\": {\"target_shape\": [1,1,1,1,1,6]}}"), GS_ERR_UNSUPPORTED,
         "6 dimensions; at most 5"},
        {LAYER("{\"class_name\": \"InputLayer\", \"config\": {\"batch_shape\": [null, 6]}}"), GS_ERR_ARGUMENT,
         "only the first layer may be an input"},
        {DENSE("}}, {\"class_name\": \"Dense\", \"config\": {\"name\": \"d\", \"units\": 2"), GS_ERR_ARGUMENT,
         "two layers are called \"d\""},
        {DENSE(", \"name\": \"e\""), GS_ERR_FORMAT, "name"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"name\": \"a/b\", \"units\": 3}}"), GS_ERR_ARGUMENT,
         "no '/'"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"name\": \"\", \"units\": 3}}"), GS_ERR_ARGUMENT,
         "name \"\""},
        {DENSE(", \"lora_rank\": 4"), GS_ERR_UNSUPPORTED, "config.lora_rank: 4 is not supported"},
        {DENSE(", \"activation\": \"mish\""), GS_ERR_UNSUPPORTED, "activation \"mish\" is not supported"},
        {DENSE(", \"activation\": {\"class_name\": \"PReLU\", \"config\": {}}"), GS_ERR_UNSUPPORTED, "\"PReLU\""},
        {DENSE(", \"activation\": {\"class_name\": \"Dense\", \"config\": {}}"), GS_ERR_UNSUPPORTED, "\"Dense\""},
        {DENSE(", \"activation\": {\"class_name\": \"ReLU\", \"config\": {\"max_value\": 6}}"), GS_ERR_UNSUPPORTED,
         "config.activation.config.max_value"},
        {DENSE(", \"activation\": {\"class_name\": \"ELU\", \"config\": {\"alpha\": -1}}"), GS_ERR_ARGUMENT,
         "alpha is -1"},
        {DENSE(", \"activation\": 3"), GS_ERR_FORMAT, "config.activation"},
        {DENSE(", \"kernel_initializer\": {\"class_name\": \"RandomNormal\", \"config\": {\"stddev\": -1}}"),
         GS_ERR_FORMAT, "stddev -1 is negative"},
        {DENSE(", \"kernel_initializer\": {\"class_name\": \"Zeros\", \"config\": {\"input_axes\": [0]}}"),
         GS_ERR_UNSUPPORTED, "input_axes"},
        {DENSE(", \"kernel_regularizer\": {\"class_name\": \"L2\", \"config\": {\"l2\": -1}}"), GS_ERR_FORMAT, "l2 -1"},
        {DENSE(", \"kernel_regularizer\": {\"class_name\": \"Orthogonal\", \"config\": {}}"), GS_ERR_UNSUPPORTED,
         "regularizer \"Orthogonal\""},
        {DENSE(", \"dtype\": \"float16\""), GS_ERR_UNSUPPORTED,
         "dtype \"float16\" is not supported, only float32, mixed_float16 and mixed_bfloat16"},
        {LAYER("{\"class_name\": \"Dense\", \"config\": {\"units\": 3, \"dtype\": \"mixed_float16\"}}, "
               "{\"class_name\": \"Dense\", \"config\": {\"units\": 3, \"dtype\": \"mixed_bfloat16\"}}"),
         GS_ERR_UNSUPPORTED, "layers of mixed_float16 and of mixed_bfloat16 in one model"},
        {OPTIMIZER("LossScaleOptimizer", "\"initial_scale\": 8.0"), GS_ERR_FORMAT, "has no inner_optimizer"},
        {OPTIMIZER("LossScaleOptimizer", "\"inner_optimizer\": \"sgd\", \"dynamic_growth_steps\": 0"), GS_ERR_FORMAT,
         "dynamic_growth_steps"},
        {OPTIMIZER("LossScaleOptimizer", "\"inner_optimizer\": \"sgd\", \"clipnorm\": 1.0"), GS_ERR_UNSUPPORTED,
         "clipnorm"},
        {COMPILE("\"optimizer\": \"lamb\""), GS_ERR_UNSUPPORTED,
         "compile_config.optimizer: unknown optimizer \"lamb\""},
        {OPTIMIZER("Adam", "\"amsgrad\": true"), GS_ERR_UNSUPPORTED, "amsgrad: true is not supported"},
        {OPTIMIZER("Adam", "\"loss_scale_factor\": 2.0"), GS_ERR_UNSUPPORTED, "loss_scale_factor: 2 is not supported"},
        {OPTIMIZER("Adam", "\"clipnorm\": 1.0, \"clipvalue\": 1.0"), GS_ERR_UNSUPPORTED, "only one of clipnorm"},
        {OPTIMIZER("Adam", "\"clipnorm\": -1.0"), GS_ERR_FORMAT, "clipnorm: -1 is negative"},
        {OPTIMIZER("Adam", "\"use_ema\": 1"), GS_ERR_FORMAT, "use_ema"},
        {OPTIMIZER("Adam", "\"gradient_accumulation_steps\": 0"), GS_ERR_FORMAT, "gradient_accumulation_steps"},
        {OPTIMIZER("RMSprop", "\"centered\": true"), GS_ERR_UNSUPPORTED, "centered"},
        {OPTIMIZER("Adam", "\"beta_1\": 1.0"), GS_ERR_UNSUPPORTED, "beta1 is 1"},
        {OPTIMIZER("Adam", "\"epsilon\": 0"), GS_ERR_UNSUPPORTED, "epsilon is -1; it must be a finite number above 0"},
        {OPTIMIZER("Adam", "\"learning_rate\": -0.1"), GS_ERR_FORMAT, "learning_rate: -0.1 is negative"},
        {OPTIMIZER("Adam", "\"learning_rate\": \"fast\""), GS_ERR_FORMAT, "learning_rate"},
        {COMPILE("\"loss\": \"triplet\""), GS_ERR_UNSUPPORTED, "unknown loss \"triplet\""},
        {COMPILE("\"loss\": [\"mse\"]"), GS_ERR_FORMAT, "compile_config.loss"},
        {LOSS("MeanSquaredError", "\"reduction\": \"sum\""), GS_ERR_UNSUPPORTED, "reduction"},
        {COMPILE("\"loss\": {\"class_name\": \"CategoricalCrossentropy\", \"config\": {\"label_smoothing\": 1.5}}"),
         GS_ERR_UNSUPPORTED, "label_smoothing is 1.5"},
        {COMPILE("\"loss\": {\"class_name\": \"Hinge\", \"config\": {\"gamma\": 2.0}}"), GS_ERR_UNSUPPORTED,
         "loss hinge has no gamma"},
        {COMPILE("\"metrics\": [{\"class_name\": \"AUC\", \"config\": {\"curve\": \"PR\"}}]"), GS_ERR_UNSUPPORTED,
         "curve: only \"ROC\" is supported"},
        {COMPILE("\"metrics\": [{\"class_name\": \"Precision\", \"config\": {\"top_k\": 2}}]"), GS_ERR_UNSUPPORTED,
         "top_k: 2 is not supported"},
        {COMPILE("\"metrics\": [{\"class_name\": \"F1Score\", \"config\": {\"average\": \"micro\"}}]"),
         GS_ERR_UNSUPPORTED, "average: only \"macro\" is supported"},
        {LOSS("SparseCategoricalCrossentropy", "\"ignore_class\": 1.5"), GS_ERR_FORMAT, "ignore_class"},
        {COMPILE("\"metrics\": [\"iou\"]"), GS_ERR_UNSUPPORTED, "compile_config.metrics[0]: unknown metric \"iou\""},
        {COMPILE("\"metrics\": [\"mse\", \"mse\"]"), GS_ERR_UNSUPPORTED, "given twice"},
        {COMPILE("\"metrics\": [\"a\",\"b\"]"), GS_ERR_UNSUPPORTED, "unknown metric \"a\""},
        {COMPILE("\"loss_weights\": [1]"), GS_ERR_UNSUPPORTED, "loss_weights"},
        {COMPILE("\"weighted_metrics\": [\"mse\"]"), GS_ERR_UNSUPPORTED, "weighted_metrics"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = NULL;
        gs_status status = gs_model_from_json(context, cases[i].text, strlen(cases[i].text), 1, &model);
        if (status != cases[i].status || !strstr(gs_context_message(context), cases[i].message))
            fail_msg("%s: %s\n%s", gs_status_name(status), gs_context_message(context), cases[i].text);
        assert_null(model);
    }
}

static void test_accepts(void **state) {
    (void)state;
    static const char *const cases[] = {
        LAYER("{\"class_name\": \"Dense\", \"config\": {\"units\": 3}}"),
        DENSE(", \"activation\": null, \"activity_regularizer\": null, \"lora_rank\": null, \"quantization_config\": "
              "null"),
        DENSE(", \"activation\": {\"module\": \"builtins\", \"class_name\": \"function\", \"config\": \"relu\"}"),
        DENSE(", \"kernel_initializer\": {\"class_name\": \"RandomUniform\", \"config\": {\"minval\": 0, \"maxval\": "
              "0}}"),
        COMPILE(""),
        COMPILE("\"metrics\": [[\"accuracy\", \"mse\"]]"),
        COMPILE(
            "\"loss\": {\"module\": \"builtins\", \"class_name\": \"function\", \"config\": \"mean_squared_error\"}"),
        OPTIMIZER("RMSprop", "\"use_ema\": false, \"ema_momentum\": 0.99, \"ema_overwrite_frequency\": 100"),
        OPTIMIZER("SGD", "\"learning_rate\": 0.5, \"momentum\": 0.0, \"nesterov\": false, \"weight_decay\": null"),
        // Keras 2: the input's shape in the first layer.
        "{\"class_name\": \"Sequential\", \"config\": {\"layers\": [{\"class_name\": \"Dense\", \"config\": {\"name\": "
        "\"d\", \"batch_input_shape\": [null, 6], \"units\": 3}}]}, \"keras_version\": \"2.15.0\"}",
        "{\"class_name\": \"Sequential\", \"config\": {\"build_input_shape\": [null, 6], \"layers\": [{\"class_name\": "
        "\"Dense\", \"config\": {\"name\": \"input_layer\", \"units\": 3}}]}}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = parse(cases[i]);
        assert_int_equal(model->layer_count, 2);
        assert_int_equal(model->parameter_elements, 21);
        check_round_trip(model);
        gs_model_destroy(&model);
    }
}

// 10 000 brackets are refused by depth, not by the stack.
static void test_deep(void **state) {
    (void)state;
    enum { DEPTH = 10000 };
    char *text = malloc(2 * DEPTH + 1);
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    gs_model *model = NULL;
    assert_int_equal(gs_model_from_json(context, text, 2 * DEPTH, 1, &model), GS_ERR_FORMAT);
    assert_null(model);
    free(text);
}

static gs_status parse_damaged(void *user, const char *data, size_t bytes) {
    (void)user;
    gs_model *model = NULL;
    gs_status status = gs_model_from_json(context, data, bytes, 1, &model);
    assert_true((status == GS_OK) == (model != NULL));
    // "units": 64 may have become a large number, but never one that does not fit.
    if (status == GS_OK) check_round_trip(model);
    else assert_true(gs_context_message(context)[0] != 0);
    gs_model_destroy(&model);
    return status;
}

static void test_damage(void **state) {
    (void)state;
    static const char text[] = "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"m\",\"layers\":[{\"class_name\":"
                               "\"InputLayer\",\"config\":{"
                               "\"batch_shape\":[null,2,3],\"name\":\"in\"}},{\"class_name\":\"Flatten\",\"config\":{"
                               "\"name\":\"f\"}},{\"class_name\":"
                               "\"Dense\",\"config\":{\"name\":\"d\",\"units\":4,\"activation\":\"relu\",\"kernel_"
                               "initializer\":{\"class_name\":"
                               "\"HeNormal\",\"config\":{\"seed\":3}}}},{\"class_name\":\"Dropout\",\"config\":{"
                               "\"name\":\"o\",\"rate\":0.5}}]},"
                               "\"compile_config\":{\"optimizer\":\"adam\",\"loss\":\"mse\",\"metrics\":[\"mae\"]}}";
    damage(text, sizeof text - 1, true, parse_damaged, NULL);
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
        cmocka_unit_test(test_reads_keras_files),
        cmocka_unit_test(test_refuses_by_name),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_compile_config),
        cmocka_unit_test(test_precision),
        cmocka_unit_test(test_compile_round_trip),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
