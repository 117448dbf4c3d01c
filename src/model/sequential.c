// Makes models: names, shapes, parameters, initial weights.
#include "base/memory.h"
#include "context/context.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *gs__model_own(gs_model *model, const char *string) {
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
    char *copy = gs__text_copy(model->error, string);
    if (copy) model->strings[model->string_count++] = copy;
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
static gs_status copy_layers(gs_model *model, const gs_sequential_params *params) {
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
            char list[160], shown[64], shown_name[64], place[80];
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

static gs_status check_shape(gs__error *error, const gs_shape *shape) {
    uint64_t count;
    char text[96];
    if (gs__shape_count(shape, &count) && count <= INT32_MAX) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "its output %s has more than 2^31 - 1 elements",
                    gs__shape_text(shape, false, text, sizeof text));
}

static gs_status add_parameter(gs_model *model, uint32_t layer, const gs__parameter_spec *spec) {
    gs__model_parameter *p = &model->parameters[model->parameter_count];
    char name[GS__MAX_NAME_BYTES + 64], text[96];
    snprintf(name, sizeof name, "%s/%s", model->layers[layer].name, spec->name);
    *p = (gs__model_parameter){
        .name = gs__model_own(model, name),
        .shape = spec->shape,
        .offset = model->parameter_bytes,
        .initializer = spec->initializer,
        .fallback = spec->fallback,
        .regularizer = spec->regularizer,
        .layer = layer,
    };
    if (!p->name) return GS_ERR_MEMORY;
    bool fits = gs__shape_count(&p->shape, &p->count) && p->count <= INT32_MAX;
    if (fits) {
        uint64_t bytes = p->count * sizeof(float);
        model->parameter_bytes += (bytes + GS__PARAMETER_ALIGN - 1) / GS__PARAMETER_ALIGN * GS__PARAMETER_ALIGN;
        fits = model->parameter_bytes / sizeof(float) <= INT32_MAX;
    }
    if (!fits)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "with its %s of shape %s the model has more than 2^31 - 1 parameters", spec->name,
                        gs__shape_text(&p->shape, false, text, sizeof text));
    model->parameter_count++;
    model->parameter_elements += p->count;
    return GS_OK;
}

static gs_status make_layer(gs_model *model, uint32_t index) {
    gs__model_layer *layer = &model->layers[index];
    const gs__layer_class *class = layer->class;
    gs_status status = GS_OK;
    bool is_input = strcmp(class->class_name, "InputLayer") == 0;
    if (is_input != (index == 0))
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        index ? "only the first layer may be an input"
                              : "the first layer must be an input, made by gs_input()");
    if (class->check) GS_TRY(class->check(model->error, &layer->params));
    layer->input_shape = index ? model->layers[index - 1].output_shape : layer->params.input.shape;
    layer->output_shape = layer->input_shape;
    if (class->shape) GS_TRY(class->shape(model->error, &layer->params, &layer->input_shape, &layer->output_shape));
    GS_TRY(check_shape(model->error, &layer->output_shape));

    gs__parameter_spec specs[GS__LAYER_MAX_PARAMETERS];
    uint32_t count = class->parameters ? class->parameters(&layer->params, &layer->input_shape, specs) : 0;
    layer->first_parameter = model->parameter_count;
    layer->parameter_count = count;
    for (uint32_t i = 0; i < count; i++) {
        GS_TRY(add_parameter(model, index, &specs[i]));
        layer->parameter_elements += model->parameters[model->parameter_count - 1].count;
    }
fail:
    return status;
}

static gs_status make_weights(gs_model *model) {
    model->weights = gs__allocate(model->error, model->parameter_bytes, 1, "weights");
    if (!model->weights) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        const gs__model_parameter *p = &model->parameters[i];
        gs__initializer_fill(&p->initializer, p->fallback, &p->shape, model->seed, i,
                             model->weights + p->offset / sizeof(float), p->count);
    }
    return GS_OK;
}

gs_status gs__model_create(gs_context *context, const gs_sequential_params *params,
                           const gs_compile_params *json_compile, gs_model **out) {
    gs_status status = GS_OK;
    gs__error *error = gs__context_error(context);
    gs_model *model = gs__allocate(error, 1, sizeof *model, "a model");
    if (!model) return GS_ERR_MEMORY;
    model->context = context;
    model->error = error;
    model->seed = params->seed;
    if (json_compile) model->json_compile = *json_compile;

    const char *name = params->name ? params->name : "sequential";
    GS_TRY(check_name(error, name, "model"));
    model->name = gs__model_own(model, name);
    if (!model->name) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(copy_layers(model, params));
    GS_TRY(name_layers(model));
    model->parameters = gs__allocate(error, (uint64_t)model->layer_count * GS__LAYER_MAX_PARAMETERS,
                                     sizeof *model->parameters, "parameters");
    if (!model->parameters) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    for (uint32_t i = 0; i < model->layer_count; i++) {
        status = make_layer(model, i);
        if (status != GS_OK) {
            const gs__model_layer *layer = &model->layers[i];
            gs__fail_at(error, status, "layer \"%s\" (%s)", layer->name, layer->class->class_name);
            goto fail;
        }
    }
    GS_TRY(make_weights(model));
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
    return gs__model_create(context, params, NULL, model);
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
    free(m->parameters);
    free(m->weights);
    free(m);
    *model = NULL;
}

// --- information --------------------------------------------------------------------------------------------------
void gs_model_get_info(const gs_model *model, gs_model_info *info) {
    *info = (gs_model_info){
        .name = model->name,
        .input_shape = model->layers[0].output_shape,
        .output_shape = model->layers[model->layer_count - 1].output_shape,
        .layer_count = model->layer_count,
        .parameter_tensor_count = model->parameter_count,
        .parameter_count = model->parameter_elements,
    };
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
    };
    return GS_OK;
}

gs_activation gs__model_last_activation(const gs_model *model) {
    for (uint32_t i = model->layer_count; i-- > 0;) {
        const gs__model_layer *layer = &model->layers[i];
        if (layer->class->activation) return layer->class->activation(&layer->params);
    }
    return GS_ACTIVATION_LINEAR;
}
