#include "model/layer.h"

#include <stdio.h>
#include <string.h>

#define X(name) extern const gs__layer_class gs__layer_##name;
#include "layer_list.inc"
#undef X

// Ends with NULL, so that it is never empty.
static const gs__layer_class *const table[] = {
#define X(name) &gs__layer_##name,
#include "layer_list.inc"
#undef X
    NULL,
};

const gs__layer_class *const *gs__layer_table(void) {
    return table;
}

const gs__layer_class *gs__layer_find(const char *class_name) {
    for (const gs__layer_class *const *class = table; *class; class ++)
        if (strcmp((*class)->class_name, class_name) == 0) return *class;
    return NULL;
}

bool gs__layer_is_input(const gs_layer *layer) {
    return strcmp(layer->class_name, "InputLayer") == 0;
}

const gs__layer_class *gs__layer_find_short(const char *word, size_t length) {
    for (const gs__layer_class *const *class = table; *class; class ++) {
        const char *form = (*class)->short_form;
        if (form && strcspn(form, ":[") == length && memcmp(form, word, length) == 0) return *class;
    }
    return NULL;
}

const char *gs__layer_list_text(bool short_forms, char *buffer, size_t buffer_bytes) {
    size_t used = 0;
    buffer[0] = 0;
    for (const gs__layer_class *const *class = table; *class; class ++) {
        const char *text = short_forms ? (*class)->short_form : (*class)->class_name;
        if (!text || used >= buffer_bytes) continue;
        // Of a short form only its word.
        const size_t length = strcspn(text, ":[");
        if (used + length + 2 + sizeof ", ..." > buffer_bytes) {
            snprintf(buffer + used, buffer_bytes - used, ", ...");
            break;
        }
        used += (size_t)snprintf(buffer + used, buffer_bytes - used, "%s%.*s", used ? ", " : "", (int)length, text);
    }
    return buffer;
}

gs_status gs__json_refuse(gs__json *json, const cJSON *config, const char *key) {
    const cJSON *item = gs__json_find(config, key);
    if (!item || cJSON_IsFalse(item)) return GS_OK;
    char shown[64];
    return gs__json_fail(json, item, GS_ERR_UNSUPPORTED, "%s is not supported",
                         gs__json_show(item, shown, sizeof shown));
}

gs_status gs__json_refuse_others(gs__json *json, const cJSON *config, const char *const *keys) {
    const cJSON *item;
    cJSON_ArrayForEach(item, config) {
        const char *const *key = keys;
        while (*key && strcmp(*key, item->string) != 0) key++;
        if (*key) continue;
        gs_status status = gs__json_refuse(json, config, item->string);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

gs_status gs__json_get_float(gs__json *json, const cJSON *object, const char *key, gs__json_need need, float *value) {
    double number = (double)*value;
    gs_status status = gs__json_get_number(json, object, key, need, &number);
    if (status != GS_OK) return status;
    const cJSON *item = gs__json_find(object, key);
    if (!item) return GS_OK;
    if (number > 3.4e38 || number < -3.4e38 || (number != 0.0 && (float)number == 0.0f))
        return gs__json_fail(json, item, GS_ERR_FORMAT, "%g is beyond the range of a float", number);
    *value = (float)number;
    return GS_OK;
}

gs_status gs__data_format_from_json(gs__json *json, const cJSON *config) {
    const char *format = "channels_last";
    gs_status status = gs__json_get_string(json, config, "data_format", GS__JSON_OPTIONAL, &format);
    if (status == GS_OK && strcmp(format, "channels_last") != 0)
        return gs__json_fail(json, gs__json_find(config, "data_format"), GS_ERR_UNSUPPORTED,
                             "only channels_last is supported");
    return status;
}

void gs__shape_to_json(gs__text *text, const gs_shape *shape, bool batch_in_front) {
    gs__text_append(text, batch_in_front ? "[null" : "[");
    for (uint32_t i = 0; i < shape->rank; i++)
        gs__text_append(text, "%s%lld", i || batch_in_front ? ", " : "", (long long)shape->dim[i]);
    gs__text_append(text, "]");
}

gs_status gs__shape_from_json(gs__json *json, const cJSON *array, bool batch_in_front, bool inferred, gs_shape *shape) {
    gs_status status = gs__json_as_array(json, array);
    if (status != GS_OK) return status;
    *shape = (gs_shape){0};
    int count = cJSON_GetArraySize(array), skip = batch_in_front ? 1 : 0;
    // A batch dimension is added to every shape.
    if (count < skip || count - skip > GS_MAX_RANK - 1)
        return gs__json_fail(json, array, GS_ERR_UNSUPPORTED, "%d dimensions; at most %d are supported", count,
                             GS_MAX_RANK - 1 + skip);
    const cJSON *item;
    int index = 0;
    cJSON_ArrayForEach(item, array) {
        if (index++ < skip) continue;
        if (cJSON_IsNull(item))
            return gs__json_fail(json, item, GS_ERR_UNSUPPORTED, "a size that is not fixed is not supported");
        int64_t size = 0;
        status = gs__json_as_int(json, item, inferred ? -1 : 1, INT32_MAX, &size);
        if (status != GS_OK) return status;
        if (size == 0) return gs__json_fail(json, item, GS_ERR_FORMAT, "a size of 0");
        shape->dim[shape->rank++] = size;
    }
    return GS_OK;
}
