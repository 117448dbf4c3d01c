// Functional models from C and from JSON: what they are made of, what is refused, what is trained.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"
#include "op/attr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gs_context *context;

static void ok(gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

static void expect(gs_status status, gs_status expected, const char *message) {
    if (status != expected || !strstr(gs_context_message(context), message))
        fail_msg("%s: \"%s\"; expected %s: \"%s\"", gs_status_name(status), gs_context_message(context),
                 gs_status_name(expected), message);
}

static gs_functional *begin(void) {
    gs_functional *f = NULL;
    ok(gs_functional_create(context, &(gs_functional_params){.name = "net", .seed = 3}, &f));
    return f;
}

static gs_model *finish(gs_functional **f, gs_symbol output) {
    gs_model *model = NULL;
    ok(gs_model_functional(*f, output, &model));
    gs_functional_destroy(f);
    return model;
}

static gs_model *residual(void) {
    gs_functional *f = begin();
    const gs_symbol x = gs_apply(f, gs_input(.name = "x", .shape = {1, {6}}));
    const gs_symbol unused = gs_apply(f, gs_dense(.name = "unused", .units = 99), x);
    const gs_symbol h = gs_apply(f, gs_dense(.units = 6, .activation = GS_ACTIVATION_RELU), x);
    const gs_layer_handle shared = gs_functional_layer(f, &gs_dense(.name = "shared", .units = 6));
    const gs_symbol a = gs_call(f, shared, h), b = gs_call(f, shared, a);
    const gs_symbol n = gs_apply(f, gs_batch_normalization(.name = "norm"), gs_apply(f, gs_add(), h, a, b));
    assert_true(unused > 0);
    return finish(&f, gs_apply(f, gs_dense(.name = "head", .units = 3), gs_apply(f, gs_concatenate(0), n, x)));
}

static void test_shared_and_unused(void **state) {
    (void)state;
    gs_model *model = residual();
    gs_model_info info;
    gs_model_get_info(model, &info);
    assert_string_equal(info.name, "net");
    assert_int_equal(info.layer_count, 7);
    assert_int_equal(info.input_count, 1);
    assert_int_equal(model->call_count, 8);
    assert_int_equal(info.parameter_count, 42 + 42 + 24 + 39);
    assert_int_equal(info.trained_count, 42 + 42 + 12 + 39); // not the moving averages
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        gs_parameter_info p;
        ok(gs_model_get_parameter(model, i, &p));
        assert_null(strstr(p.name, "unused"));
    }
    gs_model_destroy(&model);
}

// Written, read and written again: the same text, the same model.
static void test_round_trip(void **state) {
    (void)state;
    gs_model *model = residual(), *again = NULL;
    size_t bytes, again_bytes;
    ok(gs_model_set_trainable(model, "head", false, NULL));
    ok(gs_model_to_json(model, NULL, 0, &bytes));
    char *text = malloc(bytes), *second = malloc(bytes);
    ok(gs_model_to_json(model, text, bytes, NULL));
    ok(gs_model_from_json(context, text, bytes - 1, 3, &again));
    ok(gs_model_to_json(again, second, bytes, &again_bytes));
    assert_string_equal(text, second);
    assert_true(again->layers[again->layer_count - 1].params.frozen);
    assert_int_equal(again->trainable_bytes, model->trainable_bytes);
    free(text);
    free(second);
    gs_model_destroy(&again);
    gs_model_destroy(&model);
}

static gs_status try_model(gs_functional **f, gs_symbol output) {
    gs_model *model = NULL;
    gs_status status = gs_model_functional(*f, output, &model);
    assert_null(model);
    gs_functional_destroy(f);
    return status;
}

static void test_refuses(void **state) {
    (void)state;
    gs_functional *f = begin();
    gs_symbol x = gs_apply(f, gs_input(.shape = {1, {6}})), y = gs_apply(f, gs_input(.shape = {1, {4}}));
    expect(try_model(&f, gs_apply(f, gs_add(), x, y)), GS_ERR_ARGUMENT,
           "layer \"add\" (Add): its inputs are (6) and (4); they must have one shape");
    f = begin();
    x = gs_apply(f, gs_input(.shape = {1, {6}}));
    expect(try_model(&f, gs_apply(f, gs_add(), x)), GS_ERR_ARGUMENT,
           "layer \"add\" (Add): it is applied to 1 tensors; it takes 2 to 64");
    f = begin();
    x = gs_apply(f, gs_input(.shape = {1, {6}}));
    expect(try_model(&f, gs_apply(f, gs_subtract(), x, x, x)), GS_ERR_ARGUMENT, "it takes 2 to 2");
    f = begin();
    x = gs_apply(f, gs_input(.shape = {1, {6}}));
    expect(try_model(&f, gs_apply(f, gs_dense(.units = 2), x, x)), GS_ERR_ARGUMENT,
           "layer \"dense\" (Dense): it is applied to 2 tensors; it takes one");
    f = begin();
    x = gs_apply(f, gs_input(.shape = {2, {3, 4}}));
    y = gs_apply(f, gs_input(.shape = {2, {5, 4}}));
    expect(try_model(&f, gs_apply(f, gs_concatenate(0), x, y)), GS_ERR_ARGUMENT,
           "its inputs are (3, 4) and (5, 4); they may differ along axis -1 only");
    f = begin();
    x = gs_apply(f, gs_input(.shape = {1, {6}}));
    const gs_layer_handle dense = gs_functional_layer(f, &gs_dense(.name = "d", .units = 4));
    y = gs_call(f, dense, gs_call(f, dense, x));
    expect(try_model(&f, y), GS_ERR_ARGUMENT,
           "layer \"d\" (Dense) was made for inputs of shape (6) and is applied to (4) too");
    // The first failure counts; what follows from it is silent.
    f = begin();
    y = gs_call(f, 77u, 1u);
    y = gs_apply(f, gs_dense(.units = 2), y);
    assert_int_equal(y, 0);
    expect(try_model(&f, y), GS_ERR_ARGUMENT, "there is no layer 77");
    f = begin();
    expect(try_model(&f, 5), GS_ERR_ARGUMENT, "there is no tensor 5");
    f = begin();
    gs_layer unknown = {.class_name = "Nothing"};
    x = gs_apply(f, gs_input(.shape = {1, {6}}));
    expect(try_model(&f, gs_apply(f, unknown, x)), GS_ERR_UNSUPPORTED, "(Nothing) is not supported");
}

static const char two[] =
    "{\"class_name\": \"Functional\", \"config\": {\"name\": \"m\", \"layers\": ["
    "{\"class_name\": \"InputLayer\", \"config\": {\"batch_shape\": [null, 4], \"name\": \"x\"}, \"name\": \"x\","
    " \"inbound_nodes\": []},"
    "{\"class_name\": \"Dense\", \"config\": {\"units\": 3, \"name\": \"d\"}, \"name\": \"d\", \"inbound_nodes\": ["
    "{\"args\": [{\"class_name\": \"__keras_tensor__\", \"config\": {\"keras_history\": [\"%s\", %d, 0]}}],"
    " \"kwargs\": {%s}}]}],"
    " \"input_layers\": [[\"x\", 0, 0]], \"output_layers\": [%s]}}";

static void test_bad_json(void **state) {
    (void)state;
    static const struct {
        const char *layer;
        int node;
        const char *kwargs, *outputs, *message;
        gs_status status;
    } cases[] = {
        {"z", 0, "", "[\"d\", 0, 0]", "there is no layer \"z\" that is applied 1 times", GS_ERR_FORMAT},
        {"x", 1, "", "[\"d\", 0, 0]", "there is no layer \"x\" that is applied 2 times", GS_ERR_FORMAT},
        {"d", 0, "", "[\"d\", 0, 0]", "the layers depend on each other in a circle", GS_ERR_FORMAT},
        {"x", 0, "\"training\": true", "[\"d\", 0, 0]", "training=True is not supported", GS_ERR_UNSUPPORTED},
        {"x", 0, "\"initial_state\": 3", "[\"d\", 0, 0]", "the argument \"initial_state\" is not supported",
         GS_ERR_UNSUPPORTED},
        {"x", 0, "", "[\"d\", 0, 0], [\"x\", 0, 0]", "output_layers: 2 of them; 1 is supported", GS_ERR_UNSUPPORTED},
        {"x", 0, "", "[\"d\", 0]", "2 entries; expected a layer's name, a node, a tensor", GS_ERR_FORMAT},
    };
    char text[2048];
    gs_model *model = NULL;
    snprintf(text, sizeof text, two, "x", 0, "\"training\": false, \"mask\": null", "[\"d\", 0, 0]");
    ok(gs_model_from_json(context, text, strlen(text), 0, &model));
    assert_true(model->calls[1].inference);
    gs_model_destroy(&model);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, two, cases[i].layer, cases[i].node, cases[i].kwargs, cases[i].outputs);
        expect(gs_model_from_json(context, text, strlen(text), 0, &model), cases[i].status, cases[i].message);
        assert_null(model);
    }
}

// --- what is trained ------------------------------------------------------------------------------------------------
static gs_data_info values(gs_shape sample, gs_shape target) {
    return (gs_data_info){.name = "values",
                          .count = 8,
                          .sample_shape = sample,
                          .x_dtype = GS_U8,
                          .has_targets = true,
                          .target_shape = target,
                          .y_dtype = GS_F32,
                          .max_class = -1};
}

static const gs__node *find_node(const gs__graph *graph, const char *op, gs__pass pass) {
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (strcmp(graph->nodes[i].op->name, op) == 0 && graph->nodes[i].pass == pass) return &graph->nodes[i];
    return NULL;
}

static gs__model_graph build(gs_model *model, gs__mode mode) {
    gs__model_graph graph;
    const gs_data_info data = values(gs__model_input_shape(model), *gs__model_output_shape(model));
    ok(gs__model_build(model, mode, 4, &data, false, &graph));
    return graph;
}

static uint32_t is_fixed(gs_model *model, gs__mode mode) {
    gs__model_graph graph = build(model, mode);
    const gs__node *node = find_node(&graph.graph, "batch_norm", GS__FORWARD);
    assert_non_null(node);
    const uint32_t fixed = gs__node_attr(node, gs__batch_norm_attr)->fixed;
    gs__model_graph_deinit(&graph);
    return fixed;
}

static gs_model *norm_model(bool inference) {
    gs_functional *f = begin();
    const gs_symbol x = gs_apply(f, gs_input(.shape = {1, {6}}));
    const gs_symbol h = gs_apply(f, gs_dense(.name = "base", .units = 5), x);
    const gs_layer_handle norm = gs_functional_layer(f, &gs_batch_normalization(.name = "norm"));
    const gs_symbol n = inference ? gs_functional_call_inference(f, norm, &h, 1) : gs_call(f, norm, h);
    return finish(&f, gs_apply(f, gs_dense(.name = "head", .units = 2), n));
}

static void test_batch_norm_modes(void **state) {
    (void)state;
    gs_model *model = norm_model(false);
    assert_int_equal(is_fixed(model, GS__MODE_TRAIN), 0);
    assert_int_equal(is_fixed(model, GS__MODE_EVALUATE), 1);
    ok(gs_model_set_trainable(model, "norm", false, NULL));
    assert_int_equal(is_fixed(model, GS__MODE_TRAIN), 1);
    gs_model_destroy(&model);
    model = norm_model(true);
    assert_int_equal(is_fixed(model, GS__MODE_TRAIN), 1);
    gs__model_graph graph = build(model, GS__MODE_TRAIN);
    const gs__node *backward = find_node(&graph.graph, "batch_norm", GS__BACKWARD);
    assert_true(backward && backward->dx[0] && backward->dx[1] && backward->dx[2]); // trained all the same
    gs__model_graph_deinit(&graph);
    gs_model_destroy(&model);
}

static void test_freezing(void **state) {
    (void)state;
    gs_model *model = norm_model(false);
    float before[42], after[42];
    uint32_t count = 0;
    ok(gs_model_read_parameter(model, 0, before, 30));
    const uint64_t bytes = model->parameter_bytes, trainable = model->trainable_bytes;
    ok(gs_model_set_trainable(model, "base", false, &count));
    assert_int_equal(count, 1);
    assert_int_equal(model->parameter_bytes, bytes);
    assert_true(model->trainable_bytes < trainable);
    ok(gs_model_read_parameter(model, 0, after, 30));
    assert_memory_equal(before, after, 30 * sizeof(float)); // moved, not changed
    // Nothing behind the head's input is differentiated: one matmul backward, without dx.
    ok(gs_model_set_trainable(model, "n*", false, &count));
    gs__model_graph graph = build(model, GS__MODE_TRAIN);
    assert_null(find_node(&graph.graph, "batch_norm", GS__BACKWARD));
    const gs__node *backward = find_node(&graph.graph, "matmul", GS__BACKWARD);
    assert_true(backward && !backward->dx[0]);
    assert_int_equal(graph.graph.storage_bytes[GS__STORAGE_GRADIENT], model->trainable_bytes);
    gs__model_graph_deinit(&graph);
    gs_memory_info memory;
    ok(gs_model_memory(model, 4, &memory));
    assert_int_equal(memory.optimizer_bytes, 2 * model->trainable_bytes);

    expect(gs_model_set_trainable(model, "nothing", false, NULL), GS_ERR_ARGUMENT,
           "the model has no layer \"nothing\"; its last is \"head\"");
    ok(gs_model_set_trainable(model, "*", false, &count));
    assert_int_equal(count, 3);
    const gs_data_info data = values(gs__model_input_shape(model), *gs__model_output_shape(model));
    expect(gs__model_build(model, GS__MODE_TRAIN, 4, &data, false, &graph), GS_ERR_ARGUMENT,
           "has no parameters to train: all its layers are frozen");
    ok(gs_model_set_trainable(model, "*", true, NULL));
    assert_int_equal(model->trainable_bytes, trainable);
    gs_model_destroy(&model);
}

// --- inputs ---------------------------------------------------------------------------------------------------------
static void test_raw_bytes(void **state) {
    (void)state;
    static const char *const models[] = {"6 dense:2", "6 rescaling:0.5 dense:2", "6 normalization dense:2",
                                         "6 dense:3 rescaling:0.5"};
    for (int i = 0; i < 4; i++) {
        gs_model *model = NULL;
        ok(gs_model_from_layers(context, models[i], 0, &model));
        gs__model_graph graph = build(model, GS__MODE_TRAIN);
        const float scale = gs__node_attr(find_node(&graph.graph, "gather", GS__FORWARD), gs__gather_attr)->scale;
        assert_true(scale == (i == 0 || i == 3 ? 1.0f / 255.0f : 1.0f));
        gs__model_graph_deinit(&graph);
        gs_model_destroy(&model);
    }
}

static void test_adapt(void **state) {
    (void)state;
    gs_functional *f = begin();
    const gs_symbol a = gs_apply(f, gs_input(.shape = {1, {1}}));
    const gs_symbol b = gs_apply(f, gs_input(.shape = {2, {2, 2}}));
    const gs_symbol n = gs_apply(f, gs_flatten(), gs_apply(f, gs_normalization(.name = "n"), b));
    gs_model *model = finish(&f, gs_apply(f, gs_dense(.units = 2), gs_apply(f, gs_concatenate(0), a, n)));
    const unsigned char x[10] = {9, 1, 10, 3, 20, 9, 5, 30, 7, 40};
    gs_data *data = NULL;
    ok(gs_data_create(context, &(gs_data_params){.x = x, .x_shape = {2, {2, 5}}, .x_dtype = GS_U8}, &data));
    uint32_t count = 0;
    ok(gs_model_adapt(model, data, false, &count));
    assert_int_equal(count, 1);
    const float *mean = model->layers[2].params.normalization.mean;
    assert_string_equal(model->layers[2].name, "n");
    assert_true(mean[0] == 4 && mean[1] == 25);
    const float *variance = model->layers[2].params.normalization.variance;
    assert_true(variance[0] == 5 && variance[1] == 125);
    float read[2];
    ok(gs_model_read_parameter(model, 0, read, 2));
    assert_true(read[0] == 4 && read[1] == 25);
    ok(gs_model_adapt(model, data, false, &count));
    assert_int_equal(count, 0);
    ok(gs_model_adapt(model, data, true, &count));
    assert_int_equal(count, 1);
    gs_data_destroy(&data);
    ok(gs_data_create(context, &(gs_data_params){.x = x, .x_shape = {2, {3, 3}}, .x_dtype = GS_U8}, &data));
    expect(gs_model_adapt(model, data, true, NULL), GS_ERR_ARGUMENT,
           "has samples of 3 elements but the model's input has 5");
    gs_data_destroy(&data);
    gs_model_destroy(&model);
}

static void test_layer_checks(void **state) {
    (void)state;
    static const struct {
        const char *layers, *message;
    } cases[] = {
        {"5 group_normalization:2 dense:2", "5 channels do not make 2 groups of one size"},
        {"5 gaussian_noise:-1 dense:2", "stddev is -1; it must be a number of at least 0"},
    };
    gs_model *model = NULL;
    for (int i = 0; i < 2; i++)
        expect(gs_model_from_layers(context, cases[i].layers, 0, &model), GS_ERR_ARGUMENT, cases[i].message);
    const float numbers[3] = {1, 2, 3}, bad[3] = {1, -2, 3};
    gs_layer layers[] = {gs_input(.shape = {1, {5}}),
                         gs_normalization(.mean = numbers, .variance = numbers, .count = 3), gs_dense(.units = 2)};
    const gs_sequential_params params = {.layers = layers, .layer_count = 3};
    expect(gs_model_sequential(context, &params, &model), GS_ERR_ARGUMENT,
           "it has 3 means for the 5 entries of its input's last axis");
    layers[1].normalization.variance = bad;
    expect(gs_model_sequential(context, &params, &model), GS_ERR_ARGUMENT,
           "mean[1] is 2 and variance -2; they must be numbers, variance >= 0");
    layers[1] = gs_layer_normalization(.axes = 2);
    expect(gs_model_sequential(context, &params, &model), GS_ERR_ARGUMENT,
           "it normalizes the last 2 axes, but its input is (5)");
    layers[1] = gs_batch_normalization(.momentum = 1.5f);
    expect(gs_model_sequential(context, &params, &model), GS_ERR_ARGUMENT, "momentum is 1.5; it must be from 0 to 1");
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
        cmocka_unit_test(test_shared_and_unused), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refuses),           cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_batch_norm_modes),  cmocka_unit_test(test_freezing),
        cmocka_unit_test(test_raw_bytes),         cmocka_unit_test(test_adapt),
        cmocka_unit_test(test_layer_checks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
