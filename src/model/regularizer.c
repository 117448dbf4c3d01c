#include "model/layer.h"

#include <math.h>
#include <string.h>

gs_status gs__regularizer_check(gs__error *error, const gs_regularizer *r, const char *what) {
    if (isfinite(r->l1) && r->l1 >= 0.0f && isfinite(r->l2) && r->l2 >= 0.0f) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "%s: l1 %g and l2 %g must be finite and at least 0", what, (double)r->l1,
                    (double)r->l2);
}

gs_status gs__regularizer_from_json(gs__json *json, const cJSON *config, const char *key, gs_regularizer *out) {
    static const char *const keys[] = {"l1", "l2", NULL};
    gs_status status = GS_OK;
    const cJSON *item = gs__json_find(config, key), *inner = NULL;
    const char *name = NULL;
    *out = (gs_regularizer){0};
    if (!item) return GS_OK;
    bool is_object = cJSON_IsObject(item);
    if (is_object) GS_TRY(gs__json_get_string(json, item, "class_name", GS__JSON_REQUIRED, &name));
    else GS_TRY(gs__json_as_string(json, item, &name));
    bool l1 = strcmp(name, "L1") == 0 || strcmp(name, "l1") == 0;
    bool l2 = strcmp(name, "L2") == 0 || strcmp(name, "l2") == 0;
    bool both = strcmp(name, "L1L2") == 0 || strcmp(name, "l1_l2") == 0;
    if (!l1 && !l2 && !both) {
        char shown[40];
        return gs__json_fail(json, item, GS_ERR_UNSUPPORTED,
                             "regularizer \"%s\" is not supported; known are L1, L2, L1L2",
                             gs__text_show(name, shown, sizeof shown));
    }
    // Keras's defaults.
    if (l1) out->l1 = 0.01f;
    if (l2) out->l2 = 0.01f;
    if (is_object) GS_TRY(gs__json_get_object(json, item, "config", GS__JSON_OPTIONAL, &inner));
    if (!inner) return GS_OK;
    GS_TRY(gs__json_refuse_others(json, inner, keys));
    if (l1 || both) GS_TRY(gs__json_get_float(json, inner, "l1", GS__JSON_OPTIONAL, &out->l1));
    if (l2 || both) GS_TRY(gs__json_get_float(json, inner, "l2", GS__JSON_OPTIONAL, &out->l2));
    if (!(out->l1 >= 0.0f && out->l2 >= 0.0f))
        return gs__json_fail(json, item, GS_ERR_FORMAT, "l1 %g and l2 %g must be at least 0", (double)out->l1,
                             (double)out->l2);
fail:
    return status;
}

void gs__regularizer_to_json(gs__text *text, const gs_regularizer *r) {
    if (r->l1 == 0.0f && r->l2 == 0.0f) {
        gs__text_append(text, "null");
        return;
    }
    gs__text_append(text, "{\"module\": \"keras.regularizers\", \"class_name\": \"L1L2\", \"config\": {\"l1\": ");
    gs__text_append_float(text, r->l1);
    gs__text_append(text, ", \"l2\": ");
    gs__text_append_float(text, r->l2);
    gs__text_append(text, "}, \"registered_name\": null}");
}
