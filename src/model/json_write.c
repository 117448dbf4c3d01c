// Models as JSON that Keras 3's model_from_json() reads.
#include "base/text.h"
#include "model/model.h"

#include <string.h>

static void write_layer(gs__text *text, const gs__model_layer *layer, gs_precision precision) {
    gs__text_append(text, "{\"module\": \"keras.layers\", \"class_name\": \"%s\", \"config\": {\"name\": ",
                    layer->class->class_name);
    gs__text_append_json(text, layer->name);
    // Every Keras 3 reads a dtype's name; Keras 3.0 knows no policy objects yet.
    const bool is_input = gs__layer_is_input(&layer->params);
    if (is_input) precision = GS_PRECISION_FLOAT32;
    else if (layer->params.precision) precision = layer->params.precision;
    // Not where there is nothing to train: Keras's SpatialDropout takes no such argument.
    if (layer->class->parameters) gs__text_append(text, ", \"trainable\": %s", layer->params.frozen ? "false" : "true");
    gs__text_append(text, ", \"dtype\": \"%s\"", gs_precision_name(precision));
    if (layer->class->to_json) layer->class->to_json(text, &layer->params);
    gs__text_append(text, "}, \"registered_name\": null");
}

static void write_chain(gs__text *text, const gs_model *model) {
    const gs_shape *input = &model->layers[0].output_shape;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const gs__model_layer *layer = &model->layers[i];
        gs__text_append(text, "%s\n", i ? "," : "");
        write_layer(text, layer, model->compile.precision);
        if (!gs__layer_is_input(&layer->params)) {
            gs__text_append(text, ", \"build_config\": {\"input_shape\": ");
            gs__shape_to_json(text, &layer->input_shape, true);
            gs__text_append(text, "}");
        }
        gs__text_append(text, "}");
    }
    gs__text_append(text, "\n], \"build_input_shape\": ");
    gs__shape_to_json(text, input, true);
    gs__text_append(text, "}, \"registered_name\": null, \"build_config\": {\"input_shape\": ");
    gs__shape_to_json(text, input, true);
    gs__text_append(text, "},\n");
}

// --- functional -----------------------------------------------------------------------------------------------------
// [layer, which of its uses, tensor]
static void write_history(gs__text *text, const gs_model *model, uint32_t call) {
    const uint32_t layer = model->calls[call].layer;
    uint32_t node = 0;
    for (uint32_t i = 0; i < call; i++) node += model->calls[i].layer == layer;
    gs__text_append(text, "[");
    gs__text_append_json(text, model->layers[layer].name);
    gs__text_append(text, ", %u, 0]", node);
}

static void write_tensor(gs__text *text, const gs_model *model, uint32_t call) {
    gs__text_append(text, "{\"class_name\": \"__keras_tensor__\", \"config\": {\"shape\": ");
    gs__shape_to_json(text, &model->calls[call].output_shape, true);
    gs__text_append(text, ", \"dtype\": \"float32\", \"keras_history\": ");
    write_history(text, model, call);
    gs__text_append(text, "}}");
}

// A layer of several tensors takes a list of them.
static void write_node(gs__text *text, const gs_model *model, const gs__model_call *call) {
    const bool list = model->layers[call->layer].class->max_inputs > 0;
    gs__text_append(text, "{\"args\": [%s", list ? "[" : "");
    for (uint32_t i = 0; i < call->input_count; i++) {
        if (i) gs__text_append(text, ", ");
        write_tensor(text, model, model->call_inputs[call->first_input + i]);
    }
    gs__text_append(text, "%s], \"kwargs\": {%s}}", list ? "]" : "", call->inference ? "\"training\": false" : "");
}

static void write_graph(gs__text *text, const gs_model *model) {
    for (uint32_t i = 0; i < model->layer_count; i++) {
        gs__text_append(text, "%s\n", i ? "," : "");
        write_layer(text, &model->layers[i], model->compile.precision);
        gs__text_append(text, ", \"name\": ");
        gs__text_append_json(text, model->layers[i].name);
        gs__text_append(text, ", \"inbound_nodes\": [");
        bool first = true;
        for (uint32_t c = 0; c < model->call_count; c++) {
            if (model->calls[c].layer != i || !model->calls[c].input_count) continue;
            if (!first) gs__text_append(text, ", ");
            write_node(text, model, &model->calls[c]);
            first = false;
        }
        gs__text_append(text, "]}");
    }
    gs__text_append(text, "\n], \"input_layers\": [");
    for (uint32_t i = 0; i < model->input_count; i++) {
        if (i) gs__text_append(text, ", ");
        write_history(text, model, model->inputs[i]);
    }
    gs__text_append(text, "], \"output_layers\": [");
    write_history(text, model, model->output);
    gs__text_append(text, "]}, \"registered_name\": \"Functional\",\n");
}

static void write_model(gs__text *text, const gs_model *model) {
    gs__text_append(text, "{\"module\": \"%s\", \"class_name\": \"%s\", \"config\": {\"name\": ",
                    model->is_functional ? "keras.src.models.functional" : "keras",
                    model->is_functional ? "Functional" : "Sequential");
    gs__text_append_json(text, model->name);
    gs__text_append(text, ", \"trainable\": true, ");
    // Keras scales the loss where the model's own policy is mixed_float16.
    if (!model->is_functional)
        gs__text_append(text, "\"dtype\": \"%s\", ", gs_precision_name(model->compile.precision));
    gs__text_append(text, "\"layers\": [");
    if (model->is_functional) write_graph(text, model);
    else write_chain(text, model);
    gs__compile_to_json(text, model);
    gs__text_append(text, "}\n");
}

gs_status gs_model_to_json(gs_model *model, char *json, size_t capacity, size_t *bytes) {
    if (!model) return GS_ERR_ARGUMENT;
    gs_status status = GS_OK;
    gs__text text = {0};
    if (capacity && !json) return gs__fail(model->error, GS_ERR_ARGUMENT, "gs_model_to_json: json is NULL");
    write_model(&text, model);
    GS_TRY(gs__text_check(model->error, &text));
    if (bytes) *bytes = text.length + 1;
    if (capacity == 0) goto fail;
    if (capacity <= text.length) {
        status =
            gs__fail(model->error, GS_ERR_ARGUMENT, "the JSON of the model takes %zu bytes, and there is room for %zu",
                     text.length + 1, capacity);
        goto fail;
    }
    memcpy(json, text.data, text.length + 1);
fail:
    gs__text_deinit(&text);
    return status;
}
