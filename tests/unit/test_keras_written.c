// What gradsmith writes of a layer stands in what Keras wrote of it: no member that Keras does not know, no other
// value. Over the models of assets/golden, which hold every layer. tests/cli/test_keras.sh has Keras itself load them.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "model/model.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Said in another way: a dtype by its name, where Keras writes a policy; every regularizer as an L1L2; no layer's seed.
static bool is_other(const cJSON *item) {
    return strcmp(item->string, "dtype") == 0 || strcmp(item->string, "seed") == 0 ||
           (strstr(item->string, "_regularizer") && cJSON_IsObject(item));
}

static void compare(const cJSON *ours, const cJSON *keras, const char *where) {
    char path[512];
    const cJSON *item;
    if ((ours->type & 0xFF) != (keras->type & 0xFF) && !(cJSON_IsBool(ours) && cJSON_IsBool(keras)))
        fail_msg("%s: another type", where);
    if (cJSON_IsObject(ours)) {
        cJSON_ArrayForEach(item, ours) {
            const cJSON *there = cJSON_GetObjectItemCaseSensitive(keras, item->string);
            snprintf(path, sizeof path, "%s.%s", where, item->string);
            if (is_other(item)) continue;
            if (!there) fail_msg("%s: Keras writes no such member", path);
            compare(item, there, path);
        }
    } else if (cJSON_IsArray(ours)) {
        if (cJSON_GetArraySize(ours) != cJSON_GetArraySize(keras)) fail_msg("%s: another length", where);
        for (int i = 0; i < cJSON_GetArraySize(ours); i++) {
            snprintf(path, sizeof path, "%s[%d]", where, i);
            compare(cJSON_GetArrayItem(ours, i), cJSON_GetArrayItem(keras, i), path);
        }
    } else if (cJSON_IsString(ours)) {
        if (strcmp(ours->valuestring, keras->valuestring) != 0)
            fail_msg("%s: \"%s\", Keras \"%s\"", where, ours->valuestring, keras->valuestring);
    } else if (cJSON_IsNumber(ours)) {
        if (fabs(ours->valuedouble - keras->valuedouble) > 1e-6 * fabs(keras->valuedouble))
            fail_msg("%s: %g, Keras %g", where, ours->valuedouble, keras->valuedouble);
    } else if (cJSON_IsTrue(ours) != cJSON_IsTrue(keras)) fail_msg("%s: another value", where);
}

static const cJSON *layers_of(const cJSON *model) {
    return gs__json_find(gs__json_find(model, "config"), "layers");
}

static const cJSON *find_layer(const cJSON *model, const char *name) {
    const cJSON *layer;
    cJSON_ArrayForEach(layer, layers_of(model)) {
        const cJSON *found = gs__json_find(gs__json_find(layer, "config"), "name");
        if (cJSON_IsString(found) && strcmp(found->valuestring, name) == 0) return layer;
    }
    return NULL;
}

static uint32_t compare_model(gs_context *context, const char *folder) {
    char path[2048];
    gs__error error = {0};
    char *text, *written;
    size_t bytes, written_bytes = 0;
    gs_model *model = NULL;
    const cJSON *layer;
    uint32_t count = 0;
    snprintf(path, sizeof path, "%s/model.json", folder);
    if (gs__file_read(&error, path, 1u << 20, &text, &bytes) != GS_OK) fail_msg("%s", error.message);
    if (gs_model_from_json(context, text, bytes, 0, &model) != GS_OK) fail_msg("%s", gs_context_message(context));
    assert_int_equal(gs_model_to_json(model, NULL, 0, &written_bytes), GS_OK);
    written = malloc(written_bytes);
    assert_non_null(written);
    assert_int_equal(gs_model_to_json(model, written, written_bytes, NULL), GS_OK);
    cJSON *keras = cJSON_ParseWithLength(text, bytes), *ours = cJSON_Parse(written);
    assert_non_null(keras);
    assert_non_null(ours);
    cJSON_ArrayForEach(layer, layers_of(ours)) {
        const char *name = gs__json_find(gs__json_find(layer, "config"), "name")->valuestring;
        const cJSON *there = find_layer(keras, name);
        if (!there) fail_msg("%s: Keras has no layer \"%s\"", folder, name);
        snprintf(path, sizeof path, "%s: %s", strrchr(folder, '/') + 1, name);
        compare(gs__json_find(layer, "class_name"), gs__json_find(there, "class_name"), path);
        compare(gs__json_find(layer, "config"), gs__json_find(there, "config"), path);
        // Which tensors a layer is applied to.
        if (gs__json_find(layer, "inbound_nodes"))
            compare(gs__json_find(layer, "inbound_nodes"), gs__json_find(there, "inbound_nodes"), path);
        count++;
    }
    assert_int_equal(count, cJSON_GetArraySize(layers_of(keras)));
    cJSON_Delete(keras);
    cJSON_Delete(ours);
    free(written);
    free(text);
    gs_model_destroy(&model);
    return count;
}

static void test_members(void **state) {
    (void)state;
    const char *source = getenv("GRADSMITH_SOURCE_DIR");
    uint32_t models = 0, layers = 0;
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    for (int layer_cases = 0; layer_cases < 2; layer_cases++) {
        char parent[900], folder[1200];
        snprintf(parent, sizeof parent, "%s/assets/golden%s", source ? source : ".", layer_cases ? "/layers" : "");
        DIR *dir = opendir(parent);
        assert_non_null(dir);
        for (const struct dirent *entry; (entry = readdir(dir));) {
            if (layer_cases ? entry->d_name[0] == '.' : strncmp(entry->d_name, "keras-", 6) != 0) continue;
            snprintf(folder, sizeof folder, "%s/%s", parent, entry->d_name);
            layers += compare_model(context, folder);
            models++;
        }
        closedir(dir);
    }
    print_message("  %u layers of %u models\n", layers, models);
    assert_true(models >= 20);
    gs_context_destroy(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
