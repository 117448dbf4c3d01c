// The uses of a model's layers: a chain, or a graph as Keras's functional models are.
#include "base/memory.h"
#include "model/model.h"

#include <string.h>

static gs_status copy_chain(gs_model *model) {
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (gs__layer_is_input(&model->layers[i].params) != (i == 0)) {
            gs_status status = gs__fail(model->error, GS_ERR_ARGUMENT,
                                        i ? "only the first layer may be an input"
                                          : "the first layer must be an input, made by gs_input()");
            const gs__model_layer *layer = &model->layers[i];
            return gs__fail_at(model->error, status, "layer \"%s\" (%s)", layer->name, layer->class->class_name);
        }
        model->calls[i] = (gs__model_call){.layer = i, .first_input = i ? i - 1 : 0, .input_count = i > 0};
        if (i) model->call_inputs[i - 1] = i - 1;
    }
    model->call_count = model->layer_count;
    model->output = model->layer_count - 1;
    model->input_count = 1;
    return GS_OK;
}

static gs_status check_call(gs_model *model, const gs__model_params *params, uint32_t index) {
    const gs__model_call *call = &params->calls[index];
    if (call->layer >= model->layer_count || call->first_input > params->call_input_count ||
        call->input_count > params->call_input_count - call->first_input)
        return gs__fail(model->error, GS_ERR_INTERNAL, "use %u of a layer is out of range", index);
    for (uint32_t i = 0; i < call->input_count; i++)
        if (params->call_inputs[call->first_input + i] >= index)
            return gs__fail(model->error, GS_ERR_INTERNAL, "use %u of a layer comes before its input", index);
    const gs__model_layer *layer = &model->layers[call->layer];
    const uint32_t max = layer->class->max_inputs;
    const bool is_input = gs__layer_is_input(&layer->params);
    if (is_input ? call->input_count == 0
        : max    ? call->input_count >= 2 && call->input_count <= max
                 : call->input_count == 1)
        return GS_OK;
    gs_status status = GS_ERR_ARGUMENT;
    if (max) gs__fail(model->error, status, "it is applied to %u tensors; it takes 2 to %u", call->input_count, max);
    else
        gs__fail(model->error, status, "it is applied to %u tensors; it takes %s", call->input_count,
                 is_input ? "none" : "one");
    return gs__fail_at(model->error, status, "layer \"%s\" (%s)", layer->name, layer->class->class_name);
}

static gs_status copy_graph(gs_model *model, const gs__model_params *params) {
    for (uint32_t i = 0; i < params->call_count; i++) {
        gs_status status = check_call(model, params, i);
        if (status != GS_OK) return status;
        model->calls[i] = params->calls[i];
    }
    memcpy(model->call_inputs, params->call_inputs, params->call_input_count * sizeof *model->call_inputs);
    model->call_count = params->call_count;
    model->is_functional = true;
    model->output = params->output;
    model->input_count = params->input_count;
    if (params->input_count < 1 || params->input_count > GS__MAX_MODEL_INPUTS || params->output >= params->call_count)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "a model has 1 to %d inputs and an output, not %u inputs",
                        GS__MAX_MODEL_INPUTS, params->input_count);
    for (uint32_t i = 0; i < params->input_count; i++) {
        if (params->inputs[i] >= params->call_count ||
            !gs__layer_is_input(&model->layers[model->calls[params->inputs[i]].layer].params))
            return gs__fail(model->error, GS_ERR_ARGUMENT, "input %u of the model is not an input layer", i);
        model->inputs[i] = params->inputs[i];
    }
    return GS_OK;
}

gs_status gs__model_copy_calls(gs_model *model, const gs__model_params *params) {
    const uint64_t calls = params->calls ? params->call_count : model->layer_count;
    const uint64_t inputs = params->calls ? params->call_input_count : model->layer_count;
    if (calls > (uint64_t)16 * GS__MAX_LAYERS || inputs > (uint64_t)64 * GS__MAX_LAYERS)
        return gs__fail(model->error, GS_ERR_UNSUPPORTED, "%llu uses of layers; at most %d are supported",
                        (unsigned long long)calls, 16 * GS__MAX_LAYERS);
    model->calls = gs__allocate(model->error, calls + 1, sizeof *model->calls, "uses of layers");
    model->call_inputs = gs__allocate(model->error, inputs + 1, sizeof *model->call_inputs, "uses of layers");
    if (!model->calls || !model->call_inputs) return GS_ERR_MEMORY;
    return params->calls ? copy_graph(model, params) : copy_chain(model);
}

static gs_status check_shape(gs__error *error, const gs_shape *shape) {
    uint64_t count;
    char text[96];
    if (gs__shape_count(shape, &count) && count <= INT32_MAX) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "its output %s has more than 2^31 - 1 elements",
                    gs__shape_text(shape, false, text, sizeof text));
}

static const gs_shape *input_of(const gs_model *model, const gs__model_call *call, uint32_t i) {
    return &model->calls[model->call_inputs[call->first_input + i]].output_shape;
}

static gs_status shape_call(gs_model *model, uint32_t index) {
    gs__model_call *call = &model->calls[index];
    gs__model_layer *layer = &model->layers[call->layer];
    const gs__layer_class *class = layer->class;
    const gs_shape x = call->input_count ? *input_of(model, call, 0) : layer->params.input.shape;
    gs_status status = GS_OK;
    call->output_shape = x;
    if (class->merge_shape) {
        gs_shape inputs[GS__LAYER_MAX_INPUTS];
        for (uint32_t i = 0; i < call->input_count; i++) inputs[i] = *input_of(model, call, i);
        GS_TRY(class->merge_shape(model->error, &layer->params, inputs, call->input_count, &call->output_shape));
    } else if (class->shape) {
        GS_TRY(class->shape(model->error, &layer->params, &x, &call->output_shape));
    }
    GS_TRY(check_shape(model->error, &call->output_shape));
    if (layer->output_shape.rank) return GS_OK; // used before
    layer->input_shape = x;
    layer->output_shape = call->output_shape;
    return GS_OK;
fail:
    return gs__fail_at(model->error, status, "layer \"%s\" (%s)", layer->name, class->class_name);
}

gs_status gs__model_shape_calls(gs_model *model) {
    for (uint32_t i = 0; i < model->call_count; i++) {
        gs_status status = shape_call(model, i);
        if (status != GS_OK) return status;
    }
    for (uint32_t i = 0; i < model->layer_count; i++)
        if (!model->layers[i].output_shape.rank)
            return gs__fail(model->error, GS_ERR_ARGUMENT, "layer \"%s\" (%s) is applied to nothing",
                            model->layers[i].name, model->layers[i].class->class_name);
    return GS_OK;
}

gs_status gs__model_check_calls(gs_model *model) {
    for (uint32_t i = 0; i < model->call_count; i++) {
        const gs__model_call *call = &model->calls[i];
        const gs__model_layer *layer = &model->layers[call->layer];
        if (!layer->class->parameters || !call->input_count) continue;
        gs__parameter_spec specs[GS__LAYER_MAX_PARAMETERS];
        memset(specs, 0, sizeof specs);
        const gs_shape *x = input_of(model, call, 0);
        const uint32_t count = layer->class->parameters(&layer->params, x, specs);
        bool same = count == layer->parameter_count;
        for (uint32_t p = 0; p < count && same; p++)
            same = gs__shape_equal(&specs[p].shape, &model->parameters[layer->first_parameter + p].shape);
        if (same) continue;
        char first[96], now[96];
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "layer \"%s\" (%s) was made for inputs of shape %s and is applied to %s too", layer->name,
                        layer->class->class_name, gs__shape_text(&layer->input_shape, false, first, sizeof first),
                        gs__shape_text(x, false, now, sizeof now));
    }
    return GS_OK;
}

gs_shape gs__model_input_shape(const gs_model *model) {
    if (model->input_count == 1) return model->calls[model->inputs[0]].output_shape;
    gs_shape all = {1, {0}};
    for (uint32_t i = 0; i < model->input_count; i++) {
        uint64_t count = 0;
        gs__shape_count(&model->calls[model->inputs[i]].output_shape, &count);
        all.dim[0] += (int64_t)count;
    }
    return all;
}

const gs_shape *gs__model_output_shape(const gs_model *model) {
    return &model->calls[model->output].output_shape;
}
