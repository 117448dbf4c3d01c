#include "model/layer.h"
#include "op/attr.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    gs_activation activation;
    const char *name;
} activations[] = {
#define ENTRY(constant, value, text) {constant, text},
    GS_ACTIVATION_MAP(ENTRY)
#undef ENTRY
};
enum { ACTIVATION_COUNT = sizeof activations / sizeof activations[0] };

const char *gs__activation_name(gs_activation activation) {
    for (size_t i = 0; i < ACTIVATION_COUNT; i++)
        if (activations[i].activation == activation) return activations[i].name;
    return "";
}

static bool find(const char *name, gs_activation *activation) {
    if (strcmp(name, "swish") == 0) name = "silu";
    for (size_t i = 0; i < ACTIVATION_COUNT; i++)
        if (strcmp(activations[i].name, name) == 0) {
            *activation = activations[i].activation;
            return true;
        }
    return false;
}

static const char *known(char *buffer, size_t buffer_bytes) {
    size_t used = 0;
    for (size_t i = 0; i < ACTIVATION_COUNT && used < buffer_bytes; i++)
        used += (size_t)snprintf(buffer + used, buffer_bytes - used, "%s%s", i ? ", " : "", activations[i].name);
    return buffer;
}

gs_status gs__activation_parse(gs__error *error, const char *name, gs_activation *activation) {
    char shown[40], list[160];
    if (find(name, activation)) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "unknown activation \"%s\"; known are %s",
                    gs__text_show(name, shown, sizeof shown), known(list, sizeof list));
}

gs_status gs__activation_check(gs__error *error, gs_activation activation, bool has_alpha, float alpha) {
    if (!gs__activation_name(activation)[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "activation %d is not one of gs_activation", (int)activation);
    if (has_alpha && (!isfinite(alpha) || alpha < 0.0f))
        return gs__fail(error, GS_ERR_ARGUMENT, "alpha is %g; it must be a finite number of at least 0", (double)alpha);
    return GS_OK;
}

static gs_status unsupported(gs__json *json, const cJSON *item, const char *name) {
    char shown[40], list[160];
    return gs__json_fail(json, item, GS_ERR_UNSUPPORTED, "activation \"%s\" is not supported; known are %s",
                         gs__text_show(name, shown, sizeof shown), known(list, sizeof list));
}

// A layer object as activation: { "module": "keras.layers", "class_name": "LeakyReLU", "config": { ... } }, or
// a function: { "module": ..., "class_name": "function", "config": "relu" }.
static gs_status from_object(gs__json *json, const cJSON *item, gs_activation *activation, float *alpha,
                             bool *has_alpha) {
    gs_status status = GS_OK;
    const char *class_name = "", *function = NULL;
    const cJSON *config = NULL;
    GS_TRY(gs__json_get_string(json, item, "class_name", GS__JSON_REQUIRED, &class_name));
    if (strcmp(class_name, "function") == 0) {
        GS_TRY(gs__json_get_string(json, item, "config", GS__JSON_REQUIRED, &function));
        return find(function, activation) ? GS_OK : unsupported(json, item, function);
    }
    const gs__layer_class *class = gs__layer_find(class_name);
    if (!class || !class->is_activation) return unsupported(json, item, class_name);
    gs_layer layer = {.class_name = class->class_name};
    GS_TRY(gs__json_get_object(json, item, "config", GS__JSON_REQUIRED, &config));
    GS_TRY(class->from_json(json, config, &layer));
    *activation = class->activation(&layer);
    *alpha = layer.activation.alpha;
    *has_alpha = layer.activation.has_alpha;
fail:
    return status;
}

gs_status gs__activation_from_json(gs__json *json, const cJSON *config, const char *key, gs_activation *activation,
                                   float *alpha, bool *has_alpha) {
    const cJSON *item = gs__json_find(config, key);
    *activation = GS_ACTIVATION_LINEAR;
    if (!item) return GS_OK;
    if (cJSON_IsObject(item)) return from_object(json, item, activation, alpha, has_alpha);
    const char *name;
    gs_status status = gs__json_as_string(json, item, &name);
    if (status != GS_OK) return status;
    return find(name, activation) ? GS_OK : unsupported(json, item, name);
}

static bool takes_alpha(gs_activation activation) {
    return activation == GS_ACTIVATION_LEAKY_RELU || activation == GS_ACTIVATION_ELU;
}

void gs__activation_to_json(gs__text *text, gs_activation activation, bool has_alpha, float alpha) {
    if (!has_alpha || !takes_alpha(activation)) {
        gs__text_append(text, "\"%s\"", gs__activation_name(activation));
        return;
    }
    bool elu = activation == GS_ACTIVATION_ELU;
    gs__text_append(text,
                    "{\"module\": \"keras.layers\", \"class_name\": \"%s\", \"config\": {\"name\": \"%s\", \"%s\": ",
                    elu ? "ELU" : "LeakyReLU", elu ? "elu" : "leaky_re_lu", elu ? "alpha" : "negative_slope");
    gs__text_append_float(text, alpha);
    gs__text_append(text, "}, \"registered_name\": null}");
}

gs_activation gs__activation_none(const gs_layer *layer) {
    (void)layer;
    return GS_ACTIVATION_LINEAR;
}

gs_status gs__activation_build(const gs__layer_build *build, gs_activation activation, bool has_alpha, float alpha,
                               gs__value x, gs__value *y) {
    gs__value outputs[GS__MAX_OUTPUTS] = {0};
    gs_status status = GS_OK;
    if (activation == GS_ACTIVATION_SOFTMAX) {
        status = gs__graph_apply(build->graph, "softmax", build->name, NULL, &x, 1, outputs);
    } else if (activation == GS_ACTIVATION_LINEAR) {
        outputs[0] = x;
    } else {
        gs__activation_attr attr = {.kind = activation};
        if (takes_alpha(activation))
            attr.alpha = has_alpha ? alpha : activation == GS_ACTIVATION_LEAKY_RELU ? 0.2f : 1.0f;
        status = gs__graph_apply(build->graph, "activation", build->name, &attr, &x, 1, outputs);
    }
    *y = outputs[0];
    return status;
}
