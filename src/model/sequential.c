// Makes models: names, shapes, parameters, initial weights.
#include "base/memory.h"
#include "context/context.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Where the next string of the model goes; NULL without memory.
static void **new_string(gs_model *model) {
    if (model->string_count == model->string_capacity) {
        uint32_t capacity = model->string_capacity ? 2 * model->string_capacity : 64;
        void **bigger = realloc(model->strings, capacity * sizeof *bigger);
        if (!bigger) {
            gs__fail(model->error, GS_ERR_MEMORY, "out of host memory for the names of a model");
            return NULL;
        }
        model->strings = bigger;
        model->string_capacity = capacity;
    }
    return &model->strings[model->string_count];
}

const char *gs__model_own(gs_model *model, const char *string) {
    void **at = new_string(model);
    char *copy = at ? gs__text_copy(model->error, string) : NULL;
    if (copy) {
        *at = copy;
        model->string_count++;
    }
    return copy;
}

void *gs__model_own_bytes(gs_model *model, const void *data, uint64_t bytes) {
    void **at = new_string(model), *copy = at ? gs__allocate(model->error, bytes, 1, "layer's numbers") : NULL;
    if (copy) {
        memcpy(copy, data, bytes);
        *at = copy;
        model->string_count++;
    }
    return copy;
}

// --- names --------------------------------------------------------------------------------------------------------
static gs_status check_name(gs__error *error, const char *name, const char *what) {
    size_t length = strlen(name);
    bool bad = length == 0 || length > GS__MAX_NAME_BYTES;
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == '/' || *c == 0x7f) bad = true;
    if (!bad) return GS_OK;
    char shown[64];
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "%s name \"%s\": a name has 1 to %d bytes and holds no '/' and no control character", what,
                    gs__text_show(name, shown, sizeof shown), GS__MAX_NAME_BYTES);
}

static bool name_taken(const gs_model *model, const char *name) {
    for (uint32_t i = 0; i < model->layer_count; i++)
        if (model->layers[i].name && strcmp(model->layers[i].name, name) == 0) return true;
    return false;
}

// "dense", "dense_1", ...: the first that no layer has.
static gs_status give_name(gs_model *model, uint32_t index) {
    gs__model_layer *layer = &model->layers[index];
    char name[64];
    // Go on behind the last name that was made up for this class.
    for (uint32_t i = index; i-- > 0 && !layer->number;)
        if (model->layers[i].class == layer->class && !model->layers[i].params.input.name)
            layer->number = model->layers[i].number + 1;
    snprintf(name, sizeof name, layer->number ? "%s_%u" : "%s", layer->class->base_name, layer->number);
    while (name_taken(model, name)) snprintf(name, sizeof name, "%s_%u", layer->class->base_name, ++layer->number);
    layer->name = gs__model_own(model, name);
    return layer->name ? GS_OK : GS_ERR_MEMORY;
}

static gs_status name_layers(gs_model *model) {
    gs_status status = GS_OK;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const char *name = model->layers[i].params.input.name;
        if (!name) continue;
        GS_TRY(check_name(model->error, name, "layer"));
        if (name_taken(model, name))
            return gs__fail(model->error, GS_ERR_ARGUMENT, "two layers are called \"%s\"; names must be unique", name);
        model->layers[i].name = gs__model_own(model, name);
        if (!model->layers[i].name) return GS_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < model->layer_count; i++)
        if (!model->layers[i].name) GS_TRY(give_name(model, i));
    // The caller's strings are not kept.
    for (uint32_t i = 0; i < model->layer_count; i++) model->layers[i].params.input.name = model->layers[i].name;
fail:
    return status;
}

// --- layers -------------------------------------------------------------------------------------------------------
static gs_status copy_layers(gs_model *model, const gs__model_params *params) {
    if (!params->layers || params->layer_count < 2 || params->layer_count > GS__MAX_LAYERS)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "a model has an input and 1 to %d layers behind it, not %u in all", GS__MAX_LAYERS - 1,
                        params->layers ? params->layer_count : 0);
    model->layers = gs__allocate(model->error, params->layer_count, sizeof *model->layers, "layers");
    if (!model->layers) return GS_ERR_MEMORY;
    model->layer_count = params->layer_count;
    for (uint32_t i = 0; i < params->layer_count; i++) {
        gs__model_layer *layer = &model->layers[i];
        layer->params = params->layers[i];
        const char *class_name = layer->params.class_name, *name = layer->params.input.name;
        if (!class_name)
            return gs__fail(model->error, GS_ERR_ARGUMENT,
                            "layer %u has no class_name; layers are made by gs_dense() and the like", i);
        layer->class = gs__layer_find(class_name);
        if (!layer->class) {
            char list[300], shown[64], shown_name[64], place[80];
            gs__text_show(name ? name : "", shown_name, sizeof shown_name);
            if (name) snprintf(place, sizeof place, "\"%s\"", shown_name);
            else snprintf(place, sizeof place, "%u", i);
            return gs__fail(model->error, GS_ERR_UNSUPPORTED, "layer %s (%s) is not supported; known are %s", place,
                            gs__text_show(class_name, shown, sizeof shown),
                            gs__layer_list_text(false, list, sizeof list));
        }
        layer->params.class_name = layer->class->class_name;
    }
    return GS_OK;
}

// The arrays that the layers' params point to become the model's own.
static gs_status copy_arrays(gs_model *model) {
    for (uint32_t i = 0; i < model->layer_count; i++) {
        gs__model_layer *layer = &model->layers[i];
        gs__layer_array arrays[GS__LAYER_MAX_ARRAYS];
        uint32_t count = layer->class->arrays ? layer->class->arrays(&layer->params, arrays) : 0;
        for (uint32_t a = 0; a < count; a++) {
            if (!*arrays[a].values) continue;
            *arrays[a].values = gs__model_own_bytes(model, *arrays[a].values, arrays[a].count * sizeof(float));
            if (!*arrays[a].values) return GS_ERR_MEMORY;
        }
    }
    return GS_OK;
}

static gs_status add_parameter(gs_model *model, uint32_t layer, const gs__parameter_spec *spec) {
    gs__model_parameter *p = &model->parameters[model->parameter_count];
    char name[GS__MAX_NAME_BYTES + 64], text[96];
    snprintf(name, sizeof name, "%s/%s", model->layers[layer].name, spec->name);
    *p = (gs__model_parameter){
        .name = gs__model_own(model, name),
        .shape = spec->shape,
        .initializer = spec->initializer,
        .fallback = spec->fallback,
        .regularizer = spec->regularizer,
        .layer = layer,
        .not_trained = spec->not_trained,
        .values = spec->values,
        .ones_first = spec->ones_first,
        .ones_count = spec->ones_count,
    };
    if (!p->name) return GS_ERR_MEMORY;
    if (!gs__shape_count(&p->shape, &p->count) || p->count > INT32_MAX)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "with its %s of shape %s the model has more than 2^31 - 1 parameters", spec->name,
                        gs__shape_text(&p->shape, false, text, sizeof text));
    model->parameter_count++;
    model->parameter_elements += p->count;
    // Each time, so that the message names the layer with which there are too many.
    return gs__model_place_parameters(model);
}

static gs_status make_layer(gs_model *model, uint32_t index) {
    gs__model_layer *layer = &model->layers[index];
    const gs__layer_class *class = layer->class;
    gs__parameter_spec specs[GS__LAYER_MAX_PARAMETERS];
    memset(specs, 0, sizeof specs);
    uint32_t count = class->parameters ? class->parameters(&layer->params, &layer->input_shape, specs) : 0;
    layer->first_parameter = model->parameter_count;
    layer->parameter_count = count;
    for (uint32_t i = 0; i < count; i++) {
        gs_status status = add_parameter(model, index, &specs[i]);
        if (status != GS_OK) return status;
        layer->parameter_elements += model->parameters[model->parameter_count - 1].count;
    }
    return GS_OK;
}

static gs_status make_weights(gs_model *model, bool zero) {
    model->weights = gs__allocate(model->error, model->parameter_bytes, 1, "weights");
    if (!model->weights) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < model->parameter_count && !zero; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        float *to = model->weights + p->offset / sizeof(float);
        if (p->values) memcpy(to, p->values, p->count * sizeof *to);
        else gs__initializer_fill(&p->initializer, p->fallback, &p->shape, model->seed, i, to, p->count);
        for (uint64_t k = 0; k < p->ones_count; k++) to[p->ones_first + k] = 1.0f;
    }
    return GS_OK;
}

static gs_status check_precision(gs__error *error, gs_precision precision) {
    if (precision == GS_PRECISION_DEFAULT || precision == GS_PRECISION_FLOAT32) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT,
                    "precision %d: a layer can only stay in float32; gs_compile_params says what the others do",
                    (int)precision);
}

static gs_status make_layers(gs_model *model) {
    for (uint32_t i = 0; i < model->layer_count; i++) {
        gs__model_layer *layer = &model->layers[i];
        gs_status status = check_precision(model->error, layer->params.precision);
        if (status == GS_OK && layer->class->check) status = layer->class->check(model->error, &layer->params);
        if (status != GS_OK)
            return gs__fail_at(model->error, status, "layer \"%s\" (%s)", layer->name, layer->class->class_name);
    }
    gs_status status = gs__model_shape_calls(model);
    for (uint32_t i = 0; i < model->layer_count && status == GS_OK; i++) {
        const gs__model_layer *layer = &model->layers[i];
        status = make_layer(model, i);
        if (status != GS_OK)
            gs__fail_at(model->error, status, "layer \"%s\" (%s)", layer->name, layer->class->class_name);
    }
    return status == GS_OK ? gs__model_check_calls(model) : status;
}

gs_status gs__model_create(gs_context *context, const gs__model_params *params, gs_model **out) {
    gs_status status = GS_OK;
    gs__error *error = gs__context_error(context);
    gs_model *model = gs__allocate(error, 1, sizeof *model, "a model");
    if (!model) return GS_ERR_MEMORY;
    model->context = context;
    model->error = error;
    model->seed = params->seed;
    if (params->json_compile) model->json_compile = *params->json_compile;

    const char *name = params->name ? params->name : params->calls ? "functional" : "sequential";
    GS_TRY(check_name(error, name, "model"));
    model->name = gs__model_own(model, name);
    if (!model->name) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(copy_layers(model, params));
    GS_TRY(copy_arrays(model));
    GS_TRY(name_layers(model));
    GS_TRY(gs__model_copy_calls(model, params));
    model->parameters = gs__allocate(error, (uint64_t)model->layer_count * GS__LAYER_MAX_PARAMETERS,
                                     sizeof *model->parameters, "parameters");
    if (!model->parameters) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(make_layers(model));
    if (params->max_parameters && model->parameter_elements > params->max_parameters) {
        status = gs__fail(error, GS_ERR_FORMAT,
                          "the model has %llu parameters, and the file of its weights far fewer: they do not belong "
                          "together, or one of them is damaged",
                          (unsigned long long)model->parameter_elements);
        goto fail;
    }
    GS_TRY(make_weights(model, params->zero_weights));
    GS_TRY(gs_model_compile(model, NULL));
    *out = model;
    return GS_OK;
fail:
    gs_model_destroy(&model);
    return status;
}

gs_status gs_model_sequential(gs_context *context, const gs_sequential_params *params, gs_model **model) {
    if (!context || !model) return GS_ERR_ARGUMENT;
    *model = NULL;
    if (!params) return gs__fail(gs__context_error(context), GS_ERR_ARGUMENT, "gs_model_sequential needs params");
    const gs__model_params all = {
        .name = params->name, .seed = params->seed, .layers = params->layers, .layer_count = params->layer_count};
    return gs__model_create(context, &all, model);
}

void gs_model_destroy(gs_model **model) {
    if (!model || !*model) return;
    gs_model *m = *model;
    if (m->plans) m->destroy_plans(m->plans);
    gs__buffer_destroy(m->device_weights);
    gs__buffer_destroy(m->device_slots);
    for (uint32_t i = 0; i < m->string_count; i++) free(m->strings[i]);
    free(m->strings);
    free(m->layers);
    free(m->calls);
    free(m->call_inputs);
    free(m->parameters);
    free(m->weights);
    free(m);
    *model = NULL;
}

// --- information --------------------------------------------------------------------------------------------------
void gs_model_get_info(const gs_model *model, gs_model_info *info) {
    *info = (gs_model_info){
        .name = model->name,
        .input_shape = gs__model_input_shape(model),
        .output_shape = *gs__model_output_shape(model),
        .layer_count = model->layer_count,
        .parameter_tensor_count = model->parameter_count,
        .parameter_count = model->parameter_elements,
        .input_count = model->input_count,
    };
    for (uint32_t i = 0; i < model->parameter_count; i++)
        if (gs__model_is_trained(model, &model->parameters[i])) info->trained_count += model->parameters[i].count;
}

gs_status gs_model_get_layer(gs_model *model, uint32_t index, gs_layer_info *info) {
    if (!model || !info) return GS_ERR_ARGUMENT;
    if (index >= model->layer_count)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "layer %u of %u", index, model->layer_count);
    const gs__model_layer *layer = &model->layers[index];
    *info = (gs_layer_info){
        .name = layer->name,
        .class_name = layer->class->class_name,
        .output_shape = layer->output_shape,
        .parameter_count = layer->parameter_elements,
        .frozen = layer->params.frozen,
    };
    return GS_OK;
}

gs_activation gs__model_last_activation(const gs_model *model) {
    const gs__model_call *call = &model->calls[model->output];
    for (;;) {
        const gs__model_layer *layer = &model->layers[call->layer];
        if (layer->class->activation) return layer->class->activation(&layer->params);
        if (call->input_count != 1) return GS_ACTIVATION_LINEAR;
        call = &model->calls[model->call_inputs[call->first_input]];
    }
}
