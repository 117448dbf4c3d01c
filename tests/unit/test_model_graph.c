// The graphs that models build, for training, evaluation and prediction; what they take of device memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"
#include "op/attr.h"

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

static const gs__node *find_node(const gs__model_graph *graph, const char *op, gs__pass pass) {
    for (uint32_t i = 0; i < graph->graph.node_count; i++)
        if (strcmp(graph->graph.nodes[i].op->name, op) == 0 && graph->graph.nodes[i].pass == pass)
            return &graph->graph.nodes[i];
    return NULL;
}

static gs__model_graph build(gs_model *model, gs__mode mode, uint32_t batch, const gs_data_info *data, bool softmax) {
    gs__model_graph graph;
    if (gs__model_build(model, mode, batch, data, softmax, &graph) != GS_OK)
        fail_msg("%s", gs_context_message(context));
    return graph;
}

// Every node of the reference model's step: gather, matmul (relu and dropout fused), the last product with the loss and
// the gradient of what is before it, the gradients of all parameters, update.
static void test_training_graph(void **state) {
    (void)state;
    gs_model *model = make("784 dense:64:relu dropout:0.2 dense:10");
    const gs_data_info data = class_data(60000, (gs_shape){2, {28, 28}}, 9);
    gs__model_graph built = build(model, GS__MODE_TRAIN, 32, &data, false);
    const gs__graph *graph = &built.graph;
    assert_int_equal(graph->node_count, 5);
    static const char *const ops[] = {"gather", "matmul", "dense_crossentropy", "matmul_gradients", "adam"};
    for (uint32_t i = 0; i < 5; i++) assert_string_equal(graph->nodes[i].op->name, ops[i]);
    assert_int_equal(graph->nodes[1].epilogue.activation, GS_ACTIVATION_RELU);
    assert_true(graph->nodes[1].epilogue.rate == 0.2f);
    // relu and dropout backwards, on the gradient that the loss makes.
    assert_true(graph->nodes[2].epilogue.rate == 0.2f && graph->nodes[2].epilogue_y == graph->nodes[1].y[0]);
    assert_string_equal(graph->nodes[1].layer, "dense");
    assert_string_equal(graph->nodes[2].layer, "dense_1");
    // Parameters lie where the model's flat weights have them.
    assert_int_equal(graph->storage_bytes[GS__STORAGE_PARAMETER], model->parameter_bytes);
    assert_int_equal(graph->storage_bytes[GS__STORAGE_GRADIENT], model->parameter_bytes);
    assert_int_equal(graph->storage_bytes[GS__STORAGE_SLOTS], gs__model_slot_layout(model).bytes);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(graph->values[graph->nodes[1 + i].x[1]].offset, model->parameters[2 * i].offset);
        assert_int_equal(graph->values[graph->nodes[1 + i].x[2]].offset, model->parameters[2 * i + 1].offset);
    }
    const gs__gather_attr *gather = gs__node_attr(&graph->nodes[0], gs__gather_attr);
    assert_int_equal(gather->batch, 32);
    assert_true(gather->scale == 1.0f / 255.0f);
    // Sum 0 is the loss, sum 2 the accuracy that the loss kernel writes beside it.
    const gs__tick *tick = &gs__node_attr(&graph->nodes[4], gs__adam_attr)->tick;
    assert_int_equal(tick->row_stride, 32);
    assert_int_equal(tick->first[0], gs__graph_row_slot(graph, graph->nodes[2].y[0]));
    assert_int_equal(tick->first[2], gs__graph_row_slot(graph, graph->nodes[2].y[1]));
    assert_int_equal(tick->count[0], 1);
    assert_int_equal(tick->count[1], 0);
    assert_int_equal(tick->count[2], 1);
    assert_int_equal(tick->count[3], 0);
    assert_int_equal(built.metric_count, 1);
    assert_string_equal(built.metric_names[0], "accuracy");
    const gs__value_info *samples = &graph->values[built.samples], *targets = &graph->values[built.targets];
    assert_int_equal(samples->shape.rank, 2);
    assert_int_equal(samples->shape.dim[0], 60000);
    assert_int_equal(samples->shape.dim[1], 784);
    assert_int_equal(samples->dtype, GS_U8);
    assert_int_equal(targets->shape.rank, 1);
    assert_int_equal(targets->dtype, GS_I32);
    gs_compile_params compile;
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.loss.kind, GS_LOSS_SPARSE_CROSSENTROPY);
    assert_int_equal(compile.metrics[0].kind, GS_METRIC_ACCURACY);
    gs__model_graph_deinit(&built);
    gs_model_destroy(&model);
}

static void test_other_modes(void **state) {
    (void)state;
    gs_model *model = make("784 dense:64:relu dropout:0.2 dense:10");
    gs_data_info data = class_data(100, (gs_shape){1, {784}}, 9);
    gs__model_graph built = build(model, GS__MODE_EVALUATE, 25, &data, true);
    assert_int_equal(built.graph.node_count, 4);
    assert_true(built.graph.nodes[1].epilogue.rate == 0.0f);
    assert_null(find_node(&built, "softmax", GS__FORWARD));
    assert_ptr_equal(find_node(&built, "tick", GS__FORWARD), &built.graph.nodes[3]);
    assert_int_equal(gs__node_attr(&built.graph.nodes[3], gs__tick_attr)->tick.count[0], 1);
    gs__model_graph_deinit(&built);

    data.has_targets = false;
    built = build(model, GS__MODE_PREDICT, 25, &data, false);
    assert_int_equal(built.graph.node_count, 4);
    assert_int_equal(built.targets, 0);
    assert_int_equal(built.graph.nodes[0].y[1], 0);
    assert_true(built.graph.values[built.output].pinned);
    assert_int_equal(built.graph.values[built.output].shape.dim[0], 25);
    assert_int_equal(gs__node_attr(find_node(&built, "tick", GS__FORWARD), gs__tick_attr)->tick.count[0], 0);
    gs__model_graph_deinit(&built);

    built = build(model, GS__MODE_PREDICT, 25, &data, true);
    assert_int_equal(find_node(&built, "softmax", GS__FORWARD)->y[0], built.output);
    gs__model_graph_deinit(&built);
    gs_model_destroy(&model);

    // Probabilities already.
    model = make("784 dense:10:softmax");
    built = build(model, GS__MODE_PREDICT, 25, &data, true);
    assert_int_equal(built.graph.node_count, 4);
    gs__model_graph_deinit(&built);
    gs_model_destroy(&model);
}

static void test_penalties_and_metrics(void **state) {
    (void)state;
    const gs_layer layers[] = {
        gs_input(.shape = {1, {6}}),
        gs_dense(.units = 5, .kernel_regularizer = {.l2 = 0.1f}, .bias_regularizer = {.l1 = 0.2f}),
        gs_dense(.units = 1, .kernel_regularizer = {.l1 = 0.3f}),
    };
    gs_model *model = NULL;
    const gs_sequential_params params = {.layers = layers, .layer_count = 3};
    assert_int_equal(gs_model_sequential(context, &params, &model), GS_OK);
    const gs_compile_params compile = {
        .optimizer = gs_sgd(.momentum = 0.9f),
        .loss = {.kind = GS_LOSS_BINARY_CROSSENTROPY},
        .metrics = {{GS_METRIC_MAE, 0}, {GS_METRIC_ACCURACY, 0}, {GS_METRIC_MSE, 0}},
    };
    assert_int_equal(gs_model_compile(model, &compile), GS_OK);
    const gs_data_info data = value_data(9, (gs_shape){1, {6}}, (gs_shape){0});
    gs__model_graph built = build(model, GS__MODE_TRAIN, 4, &data, false);
    const gs__node *update = find_node(&built, "sgd", GS__FORWARD),
                   *accuracy = find_node(&built, "accuracy", GS__FORWARD);
    const gs__sgd_attr *sgd = gs__node_attr(update, gs__sgd_attr);
    assert_int_equal(sgd->momentum, 1);
    assert_int_equal(sgd->nesterov, 0);
    assert_int_equal(sgd->tick.count[1], 3);
    for (int i = 2; i < 5; i++) assert_int_equal(sgd->tick.count[i], 1);
    assert_int_equal(sgd->tick.first[3], gs__graph_row_slot(&built.graph, accuracy->y[0]));
    assert_int_equal(gs__node_attr(accuracy, gs__accuracy_attr)->kind, GS__ACCURACY_BINARY);
    assert_true(gs__node_attr(accuracy, gs__accuracy_attr)->threshold == 0.0f);
    assert_string_equal(built.metric_names[2], "mean_squared_error");
    uint32_t penalties = 0;
    for (uint32_t i = 0; i < built.graph.node_count; i++) {
        const gs__node *node = &built.graph.nodes[i];
        if (strcmp(node->op->name, "penalty") != 0) continue;
        const gs__penalty_attr *p = gs__node_attr(node, gs__penalty_attr);
        assert_int_equal(p->batch, 4);
        assert_int_equal(gs__graph_row_slot(&built.graph, node->y[0]), sgd->tick.first[1] + penalties);
        assert_true(penalties == 0 ? p->l2 == 0.1f : penalties == 1 ? p->l1 == 0.2f : p->l1 == 0.3f);
        penalties++;
    }
    assert_int_equal(penalties, 3);
    gs__model_graph_deinit(&built);
    gs_model_destroy(&model);
}

// Every layer class and every loss becomes a graph that trains.
static void test_every_layer_and_loss(void **state) {
    (void)state;
    gs_model *model = make("2x3x4 dense:5:gelu reshape:6x5 dense:7:elu leaky_relu relu elu softmax activation:silu "
                           "dropout:0.5 flatten dense:6:softplus dropout:0.1 dense:4:tanh");
    const gs_shape sample = {3, {2, 3, 4}};
    for (int kind = GS_LOSS_SPARSE_CROSSENTROPY; kind <= GS_LOSS_HUBER; kind++) {
        const gs_data_info data =
            kind == GS_LOSS_SPARSE_CROSSENTROPY ? class_data(9, sample, 3) : value_data(9, sample, (gs_shape){1, {4}});
        for (int mode = GS__MODE_TRAIN; mode <= GS__MODE_PREDICT; mode++) {
            assert_int_equal(gs_model_compile(model, &(gs_compile_params){.loss = {.kind = (gs_loss_kind)kind}}),
                             GS_OK);
            gs__model_graph built = build(model, (gs__mode)mode, 4, &data, false);
            assert_true(built.graph.node_count > 5);
            gs__model_graph_deinit(&built);
        }
    }
    gs_model_destroy(&model);
}

static void test_memory(void **state) {
    (void)state;
    gs_model *model = make("784 dense:64:relu dropout:0.2 dense:10");
    gs_memory_info small, large;
    assert_int_equal(gs_model_memory(model, 32, &small), GS_OK);
    assert_int_equal(gs_model_memory(model, 1024, &large), GS_OK);
    assert_int_equal(small.parameter_bytes, model->parameter_bytes);
    assert_int_equal(small.gradient_bytes, model->parameter_bytes);
    assert_int_equal(small.optimizer_bytes, 2 * model->parameter_bytes);
    // The samples of a batch at the least.
    assert_true(small.activation_bytes >= 32 * 784 * 4);
    assert_true(large.activation_bytes > 20 * small.activation_bytes);
    assert_true(large.activation_bytes < 40 * small.activation_bytes);
    expect(gs_model_memory(model, 0, &small), GS_ERR_ARGUMENT, "the batch size is 0");
    gs_compile_params compile;
    gs_model_get_compile(model, &compile);
    assert_int_equal(compile.loss.kind, GS_LOSS_DEFAULT); // still open
    gs_model_destroy(&model);
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
        cmocka_unit_test(test_training_graph),
        cmocka_unit_test(test_other_modes),
        cmocka_unit_test(test_penalties_and_metrics),
        cmocka_unit_test(test_every_layer_and_loss),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
