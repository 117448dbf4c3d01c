// Functional models from C: layers are collected, then the model is made of those that its output is computed from.
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

struct gs_functional {
    gs_context *context;
    gs__error *error;
    char *name;
    uint64_t seed;
    gs_status status; // the first failure
    gs__error first;  // and its message
    gs_layer *layers;
    char **names; // of the layers; may be NULL
    uint32_t layer_count, layer_capacity;
    gs__model_call *calls;
    uint32_t call_count, call_capacity;
    uint32_t *inputs; // of the calls: indices of calls
    uint32_t input_count, input_capacity;
};

gs_status gs_functional_create(gs_context *context, const gs_functional_params *params, gs_functional **out) {
    if (!context || !out) return GS_ERR_ARGUMENT;
    *out = NULL;
    gs__error *error = gs__context_error(context);
    gs_functional *f = gs__allocate(error, 1, sizeof *f, "a model");
    if (!f) return GS_ERR_MEMORY;
    *f = (gs_functional){.context = context, .error = error, .seed = params ? params->seed : 0};
    if (params && params->name) {
        f->name = gs__text_copy(error, params->name);
        if (!f->name) {
            free(f);
            return GS_ERR_MEMORY;
        }
    }
    *out = f;
    return GS_OK;
}

void gs_functional_destroy(gs_functional **functional) {
    if (!functional || !*functional) return;
    gs_functional *f = *functional;
    for (uint32_t i = 0; i < f->layer_count; i++) free(f->names[i]);
    gs__layers_release(f->layers, f->layer_count);
    free(f->names);
    free(f->name);
    free(f->layers);
    free(f->calls);
    free(f->inputs);
    free(f);
    *functional = NULL;
}

// Keeps the first failure, whose message is the error's now.
static uint32_t failed(gs_functional *f, gs_status status) {
    if (f->status != GS_OK) return 0;
    f->status = status;
    f->first = *f->error;
    return 0;
}

static bool reserve(gs_functional *f, void **entries, uint32_t needed, uint32_t *capacity, size_t bytes) {
    if (needed <= *capacity) return true;
    uint32_t wanted = *capacity ? *capacity : 16;
    while (wanted < needed) wanted *= 2;
    void *bigger = realloc(*entries, wanted * bytes);
    if (!bigger) {
        failed(f, gs__fail(f->error, GS_ERR_MEMORY, "out of host memory for a model"));
        return false;
    }
    *entries = bigger;
    *capacity = wanted;
    return true;
}

// The arrays of the layer become copies.
static bool own_arrays(gs_functional *f, gs_layer *layer) {
    const gs__layer_class *class = layer->class_name ? gs__layer_find(layer->class_name) : NULL;
    gs__layer_array arrays[GS__LAYER_MAX_ARRAYS];
    const uint32_t count = class && class->arrays ? class->arrays(layer, arrays) : 0;
    const float *from[GS__LAYER_MAX_ARRAYS];
    for (uint32_t i = 0; i < count; i++) {
        from[i] = *arrays[i].values;
        *arrays[i].values = NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!from[i]) continue;
        float *copy = gs__allocate(f->error, arrays[i].count, sizeof *copy, "layer's numbers");
        if (!copy) {
            failed(f, GS_ERR_MEMORY);
            return false;
        }
        memcpy(copy, from[i], arrays[i].count * sizeof *copy);
        *arrays[i].values = copy;
    }
    return true;
}

gs_layer_handle gs_functional_layer(gs_functional *f, const gs_layer *layer) {
    if (!f || f->status != GS_OK) return 0;
    if (!layer) return failed(f, gs__fail(f->error, GS_ERR_ARGUMENT, "gs_functional_layer: the layer is NULL"));
    if (f->layer_count == GS__MAX_LAYERS)
        return failed(f, gs__fail(f->error, GS_ERR_UNSUPPORTED, "more than %d layers", GS__MAX_LAYERS));
    void *layers = f->layers, *names = f->names;
    uint32_t capacity = f->layer_capacity;
    const bool room = reserve(f, &layers, f->layer_count + 1, &capacity, sizeof *f->layers);
    f->layers = layers;
    if (!room) return 0;
    const bool name_room = reserve(f, &names, f->layer_count + 1, &f->layer_capacity, sizeof *f->names);
    f->names = names;
    if (!name_room) return 0;
    gs_layer copy = *layer;
    char *name = copy.input.name ? gs__text_copy(f->error, copy.input.name) : NULL;
    if (copy.input.name && !name) return failed(f, GS_ERR_MEMORY);
    copy.input.name = name;
    f->names[f->layer_count] = name;
    f->layers[f->layer_count++] = copy;
    return own_arrays(f, &f->layers[f->layer_count - 1]) ? f->layer_count : 0;
}

static gs_symbol call(gs_functional *f, gs_layer_handle layer, const gs_symbol *x, uint32_t x_count, bool inference) {
    if (!f || f->status != GS_OK) return 0;
    if (!layer || layer > f->layer_count || (x_count && !x))
        return failed(f, gs__fail(f->error, GS_ERR_ARGUMENT, "gs_functional_call: there is no layer %u", layer));
    for (uint32_t i = 0; i < x_count; i++)
        if (!x[i] || x[i] > f->call_count)
            return failed(f, gs__fail(f->error, GS_ERR_ARGUMENT, "gs_functional_call: there is no tensor %u", x[i]));
    if (x_count > GS__LAYER_MAX_INPUTS || f->call_count >= 16u * GS__MAX_LAYERS)
        return failed(f,
                      gs__fail(f->error, GS_ERR_UNSUPPORTED, "a layer applied to %u tensors; at most %d are possible",
                               x_count, GS__LAYER_MAX_INPUTS));
    void *calls = f->calls, *inputs = f->inputs;
    const bool room = reserve(f, &calls, f->call_count + 1, &f->call_capacity, sizeof *f->calls);
    f->calls = calls;
    const bool input_room =
        room && reserve(f, &inputs, f->input_count + x_count + 1, &f->input_capacity, sizeof *f->inputs);
    f->inputs = inputs;
    if (!input_room) return 0;
    f->calls[f->call_count] = (gs__model_call){
        .layer = layer - 1, .first_input = f->input_count, .input_count = x_count, .inference = inference};
    for (uint32_t i = 0; i < x_count; i++) f->inputs[f->input_count++] = x[i] - 1;
    return ++f->call_count;
}

gs_symbol gs_functional_call(gs_functional *f, gs_layer_handle layer, const gs_symbol *x, uint32_t x_count) {
    return call(f, layer, x, x_count, false);
}

gs_symbol gs_functional_call_inference(gs_functional *f, gs_layer_handle layer, const gs_symbol *x, uint32_t x_count) {
    return call(f, layer, x, x_count, true);
}

// What the output needs: numbers, from 1, in the model; 0: not needed.
struct kept {
    uint32_t *call, *layer;
    gs_layer *layers;
    gs__model_call *calls;
    uint32_t *inputs;
    uint32_t model_inputs[GS__MAX_MODEL_INPUTS];
    uint32_t layer_count, call_count, input_count, model_input_count;
};

static gs_status keep(gs_functional *f, gs_symbol output, struct kept *k) {
    k->call[output - 1] = 1;
    for (uint32_t i = f->call_count; i-- > 0;) {
        if (!k->call[i]) continue;
        k->layer[f->calls[i].layer] = 1;
        for (uint32_t j = 0; j < f->calls[i].input_count; j++) k->call[f->inputs[f->calls[i].first_input + j]] = 1;
    }
    for (uint32_t i = 0; i < f->layer_count; i++)
        if (k->layer[i]) {
            k->layers[k->layer_count] = f->layers[i];
            k->layer[i] = ++k->layer_count;
        }
    for (uint32_t i = 0; i < f->call_count; i++) {
        if (!k->call[i]) continue;
        gs__model_call *made = &k->calls[k->call_count];
        *made = f->calls[i];
        made->layer = k->layer[made->layer] - 1;
        made->first_input = k->input_count;
        for (uint32_t j = 0; j < made->input_count; j++)
            k->inputs[k->input_count++] = k->call[f->inputs[f->calls[i].first_input + j]] - 1;
        if (!made->input_count) {
            if (k->model_input_count == GS__MAX_MODEL_INPUTS)
                return gs__fail(f->error, GS_ERR_UNSUPPORTED, "more than %d inputs", GS__MAX_MODEL_INPUTS);
            k->model_inputs[k->model_input_count++] = k->call_count;
        }
        k->call[i] = ++k->call_count;
    }
    return GS_OK;
}

gs_status gs_model_functional(gs_functional *f, gs_symbol output, gs_model **model) {
    if (!f || !model) return GS_ERR_ARGUMENT;
    *model = NULL;
    if (f->status != GS_OK) {
        *f->error = f->first;
        return f->status;
    }
    if (!output || output > f->call_count)
        return gs__fail(f->error, GS_ERR_ARGUMENT, "gs_model_functional: there is no tensor %u", output);
    gs_status status = GS_OK;
    struct kept k = {
        .call = gs__allocate(f->error, f->call_count, sizeof *k.call, "a model"),
        .layer = gs__allocate(f->error, f->layer_count, sizeof *k.layer, "a model"),
        .layers = gs__allocate(f->error, f->layer_count, sizeof *k.layers, "a model"),
        .calls = gs__allocate(f->error, f->call_count, sizeof *k.calls, "a model"),
        .inputs = gs__allocate(f->error, f->input_count + 1, sizeof *k.inputs, "a model"),
    };
    if (!k.call || !k.layer || !k.layers || !k.calls || !k.inputs) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    GS_TRY(keep(f, output, &k));
    const gs__model_params params = {
        .name = f->name,
        .seed = f->seed,
        .layers = k.layers,
        .layer_count = k.layer_count,
        .calls = k.calls,
        .call_inputs = k.inputs,
        .call_count = k.call_count,
        .call_input_count = k.input_count,
        .inputs = k.model_inputs,
        .input_count = k.model_input_count,
        .output = k.call[output - 1] - 1,
    };
    GS_TRY(gs__model_create(f->context, &params, model));
fail:
    free(k.call);
    free(k.layer);
    free(k.layers);
    free(k.calls);
    free(k.inputs);
    return status;
}
