// Models as JSON that Keras 3's model_from_json() reads.
#include "base/text.h"
#include "model/model.h"

#include <string.h>

static void write_layer(gs__text *text, const gs__model_layer *layer) {
    bool is_input = strcmp(layer->class->class_name, "InputLayer") == 0;
    gs__text_append(text, "{\"module\": \"keras.layers\", \"class_name\": \"%s\", \"config\": {\"name\": ",
                    layer->class->class_name);
    gs__text_append_json(text, layer->name);
    // Every Keras 3 reads a dtype's name; Keras 3.0 knows no policy objects yet.
    gs__text_append(text, ", %s\"dtype\": \"float32\"", is_input ? "" : "\"trainable\": true, ");
    if (layer->class->to_json) layer->class->to_json(text, &layer->params);
    gs__text_append(text, "}, \"registered_name\": null");
    if (!is_input) {
        gs__text_append(text, ", \"build_config\": {\"input_shape\": ");
        gs__shape_to_json(text, &layer->input_shape, true);
        gs__text_append(text, "}");
    }
    gs__text_append(text, "}");
}

static void write_model(gs__text *text, const gs_model *model) {
    const gs_shape *input = &model->layers[0].output_shape;
    gs__text_append(text, "{\"module\": \"keras\", \"class_name\": \"Sequential\", \"config\": {\"name\": ");
    gs__text_append_json(text, model->name);
    gs__text_append(text, ", \"trainable\": true, \"dtype\": \"float32\", \"layers\": [");
    for (uint32_t i = 0; i < model->layer_count; i++) {
        gs__text_append(text, "%s\n", i ? "," : "");
        write_layer(text, &model->layers[i]);
    }
    gs__text_append(text, "\n], \"build_input_shape\": ");
    gs__shape_to_json(text, input, true);
    gs__text_append(text, "}, \"registered_name\": null, \"build_config\": {\"input_shape\": ");
    gs__shape_to_json(text, input, true);
    gs__text_append(text, "},\n");
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
