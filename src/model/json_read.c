// Models from the JSON that Keras 3's model.to_json() writes.
#include "base/memory.h"
#include "context/context.h"
#include "model/json_graph.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

// A dtype is a name, or an object: { "class_name": "DTypePolicy", "config": { "name": "float32" } }.
static gs_status read_dtype(gs__json *json, const cJSON *config, gs_precision *precision) {
    const cJSON *item = gs__json_find(config, "dtype"), *inner = NULL;
    const char *name = "float32";
    gs_status status = GS_OK;
    *precision = GS_PRECISION_DEFAULT;
    if (!item) return GS_OK;
    if (cJSON_IsObject(item)) {
        GS_TRY(gs__json_get_object(json, item, "config", GS__JSON_OPTIONAL, &inner));
        if (inner) GS_TRY(gs__json_get_string(json, inner, "name", GS__JSON_OPTIONAL, &name));
    } else {
        GS_TRY(gs__json_as_string(json, item, &name));
    }
    if (gs_precision_parse(name, precision) != GS_OK) {
        char shown[40];
        return gs__json_fail(json, item, GS_ERR_UNSUPPORTED,
                             "dtype \"%s\" is not supported, only float32, mixed_float16 and mixed_bfloat16",
                             gs__text_show(name, shown, sizeof shown));
    }
fail:
    return status;
}

static gs_status read_trainable(gs__json *json, const cJSON *config, bool *frozen) {
    bool trainable = true;
    gs_status status = gs__json_get_bool(json, config, "trainable", GS__JSON_OPTIONAL, &trainable);
    *frozen = !trainable;
    return status;
}

// Members of a layer's config that are not its class's own.
static bool is_common_key(const char *key) {
    static const char *const keys[] = {"name", "trainable", "dtype", "batch_shape", "batch_input_shape"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

static gs_status check_keys(gs__json *json, const cJSON *config, const gs__layer_class *class) {
    const cJSON *item;
    cJSON_ArrayForEach(item, config) {
        bool known = is_common_key(item->string);
        for (const char *const *key = class->keys; key && *key; key++) known |= strcmp(*key, item->string) == 0;
        gs_status status = known ? GS_OK : gs__json_refuse(json, config, item->string);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

static gs_status read_config(gs__json *json, const cJSON *config, const gs__layer_class *class, gs_layer *layer) {
    gs_status status = GS_OK;
    GS_TRY(read_dtype(json, config, &layer->precision));
    GS_TRY(read_trainable(json, config, &layer->frozen));
    GS_TRY(check_keys(json, config, class));
    if (class->from_json) GS_TRY(class->from_json(json, config, layer));
fail:
    return status;
}

static gs_status read_layer(gs__error *error, gs__json *json, const cJSON *item, gs_layer *layer) {
    gs_status status = GS_OK;
    const char *class_name = NULL, *name = NULL;
    const cJSON *config = NULL;
    char shown[64], shown_name[64], list[400];
    GS_TRY(gs__json_get_string(json, item, "class_name", GS__JSON_REQUIRED, &class_name));
    GS_TRY(gs__json_get_object(json, item, "config", GS__JSON_REQUIRED, &config));
    GS_TRY(gs__json_get_string(json, config, "name", GS__JSON_OPTIONAL, &name));
    gs__text_show(class_name, shown, sizeof shown);
    gs__text_show(name ? name : "", shown_name, sizeof shown_name);
    const gs__layer_class *class = gs__layer_find(class_name);
    if (strcmp(class_name, "Sequential") == 0 || strcmp(class_name, "Functional") == 0)
        return gs__json_fail(json, item, GS_ERR_UNSUPPORTED,
                             "layer \"%s\" (%s) is not supported: put the layers of that model in its place",
                             shown_name, shown);
    if (!class)
        return gs__json_fail(json, item, GS_ERR_UNSUPPORTED, "layer \"%s\" (%s) is not supported; known are %s",
                             shown_name, shown, gs__layer_list_text(false, list, sizeof list));
    *layer = (gs_layer){.class_name = class->class_name};
    status = read_config(json, config, class, layer);
    if (status != GS_OK) return gs__fail_at(error, status, "layer \"%s\" (%s)", shown_name, shown);
    layer->input.name = name;
fail:
    return status;
}

// The input of a model whose first layer is none: Keras 2 writes it into that layer, Keras 3.0 beside the layers.
static gs_status read_input(gs__json *json, const cJSON *root, const cJSON *config, const cJSON *first,
                            gs_layer *input) {
    gs_status status = GS_OK;
    const cJSON *layer_config = gs__json_find(first, "config"), *build = NULL;
    const cJSON *shape = gs__json_find(layer_config, "batch_shape");
    if (!shape) shape = gs__json_find(layer_config, "batch_input_shape");
    if (!shape) shape = gs__json_find(config, "build_input_shape");
    if (!shape) {
        GS_TRY(gs__json_get_object(json, root, "build_config", GS__JSON_OPTIONAL, &build));
        shape = gs__json_find(build, "input_shape");
    }
    if (!shape)
        return gs__json_fail(json, first, GS_ERR_UNSUPPORTED,
                             "the model has no input shape: add a keras.Input, or build the model before to_json()");
    *input = (gs_layer){.class_name = "InputLayer"};
    GS_TRY(gs__shape_from_json(json, shape, true, false, &input->input.shape));
fail:
    return status;
}

static gs_status read_layers(gs__error *error, gs__json *json, const cJSON *root, const cJSON *config, bool functional,
                             gs_layer **layers, uint32_t *count) {
    gs_status status = GS_OK;
    const cJSON *array = NULL, *item;
    GS_TRY(gs__json_get_array(json, config, "layers", GS__JSON_REQUIRED, &array));
    int found = cJSON_GetArraySize(array);
    if (found < 1 || found >= GS__MAX_LAYERS)
        return gs__json_fail(json, array, GS_ERR_UNSUPPORTED, "%d layers; 1 to %d are supported", found,
                             GS__MAX_LAYERS - 1);
    *layers = gs__allocate(error, (uint64_t)found + 1, sizeof **layers, "layers");
    if (!*layers) return GS_ERR_MEMORY;
    const cJSON *class_name = gs__json_find(array->child, "class_name");
    if (!functional && (!cJSON_IsString(class_name) || strcmp(class_name->valuestring, "InputLayer") != 0))
        GS_TRY(read_input(json, root, config, array->child, &(*layers)[(*count)++]));
    cJSON_ArrayForEach(item, array) {
        // Counted before, so that a failed one is released.
        GS_TRY(read_layer(error, json, item, &(*layers)[(*count)++]));
    }
fail:
    return status;
}

// The model's precision is that of its layers; some may stay in float32.
static gs_status take_precision(gs__json *json, const cJSON *config, gs_layer *layers, uint32_t count,
                                gs_precision *precision) {
    *precision = GS_PRECISION_DEFAULT;
    for (uint32_t i = 0; i < count; i++) {
        if (layers[i].precision <= GS_PRECISION_FLOAT32 || layers[i].precision == *precision) continue;
        if (*precision)
            return gs__json_fail(json, config, GS_ERR_UNSUPPORTED,
                                 "layers of %s and of %s in one model are not supported", gs_precision_name(*precision),
                                 gs_precision_name(layers[i].precision));
        *precision = layers[i].precision;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!*precision || gs__layer_is_input(&layers[i]) || layers[i].precision == *precision)
            layers[i].precision = GS_PRECISION_DEFAULT;
    }
    return GS_OK;
}

static gs_status read_model(gs_context *context, gs__json *json, const gs__model_params *limits, gs_model **model) {
    gs_status status = GS_OK;
    gs__error *error = gs__context_error(context);
    const cJSON *root = gs__json_root(json), *config = NULL;
    const char *class_name = NULL;
    gs_layer *layers = NULL;
    uint32_t layer_count = 0;
    bool frozen = false;
    gs_compile_params compile = {0};
    gs_precision own;
    gs__json_graph graph = {0};
    gs__model_params params = {.seed = limits->seed,
                               .json_compile = &compile,
                               .max_parameters = limits->max_parameters,
                               .zero_weights = limits->zero_weights};
    GS_TRY(gs__json_get_string(json, root, "class_name", GS__JSON_REQUIRED, &class_name));
    GS_TRY(gs__json_get_object(json, root, "config", GS__JSON_REQUIRED, &config));
    GS_TRY(gs__json_get_string(json, config, "name", GS__JSON_OPTIONAL, &params.name));
    const bool functional = strcmp(class_name, "Functional") == 0;
    if (!functional && strcmp(class_name, "Sequential") != 0) {
        char shown[40], shown_name[64];
        return gs__json_fail(json, root, GS_ERR_UNSUPPORTED,
                             "model \"%s\" is of class %s; only Sequential and Functional are supported",
                             gs__text_show(params.name ? params.name : "", shown_name, sizeof shown_name),
                             gs__text_show(class_name, shown, sizeof shown));
    }
    GS_TRY(read_dtype(json, config, &own)); // Keras gives it no meaning
    GS_TRY(read_trainable(json, config, &frozen));
    GS_TRY(read_layers(error, json, root, config, functional, &layers, &layer_count));
    for (uint32_t i = 0; i < layer_count && frozen; i++) layers[i].frozen = true;
    GS_TRY(gs__compile_from_json(json, root, &compile));
    GS_TRY(take_precision(json, config, layers, layer_count, &compile.precision));
    params.layers = layers;
    params.layer_count = layer_count;
    if (functional) GS_TRY(gs__json_graph_read(json, config, layer_count, &graph, &params));
    GS_TRY(gs__model_create(context, &params, model));
fail:
    gs__layers_release(layers, layer_count);
    gs__json_graph_deinit(&graph);
    free(layers);
    return status;
}

void gs__layers_release(gs_layer *layers, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const gs__layer_class *class = layers[i].class_name ? gs__layer_find(layers[i].class_name) : NULL;
        gs__layer_array arrays[GS__LAYER_MAX_ARRAYS];
        const uint32_t array_count = class && class->arrays ? class->arrays(&layers[i], arrays) : 0;
        for (uint32_t a = 0; a < array_count; a++) free((void *)(uintptr_t)*arrays[a].values);
    }
}

gs_status gs__model_from_json(gs_context *context, const char *text, size_t bytes, const gs__model_params *limits,
                              gs_model **model) {
    gs__json *json = NULL;
    gs_status status = gs__json_parse(gs__context_error(context), text, bytes, NULL, &json);
    if (status == GS_OK) status = read_model(context, json, limits, model);
    gs__json_destroy(json);
    return status;
}

gs_status gs_model_from_json(gs_context *context, const char *text, size_t bytes, uint64_t seed, gs_model **model) {
    if (!context || !model) return GS_ERR_ARGUMENT;
    *model = NULL;
    if (!text) return gs__fail(gs__context_error(context), GS_ERR_ARGUMENT, "gs_model_from_json needs a text");
    return gs__model_from_json(context, text, bytes, &(gs__model_params){.seed = seed}, model);
}
