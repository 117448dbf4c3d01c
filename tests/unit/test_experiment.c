// Experiments: the schema has the members of the tables and no others, files are read and written, bad ones refused.
#include "base/file.h"
#include "train/experiment.h"
#include <gradsmith/gradsmith.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *path_of(const char *name) {
    static char path[200];
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.100s/gradsmith-experiment-%ld-%s", tmp && tmp[0] ? tmp : "/tmp", (long)getpid(),
             name);
    return path;
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static cJSON *read_schema(void) {
    char path[300], *text;
    size_t bytes;
    snprintf(path, sizeof path, "%.250s/assets/experiment.schema.json", getenv("GRADSMITH_SOURCE_DIR"));
    assert_int_equal(gs__file_read(NULL, path, 1 << 20, &text, &bytes), GS_OK);
    cJSON *schema = cJSON_Parse(text);
    free(text);
    assert_non_null(schema);
    return schema;
}

static bool in_table(const gs__field *fields, const char *const *others, const char *key) {
    for (const gs__field *f = fields; f->key; f++)
        if (strcmp(f->key, key) == 0) return true;
    for (size_t i = 0; others && others[i]; i++)
        if (strcmp(others[i], key) == 0) return true;
    return false;
}

// Both ways: what the schema lists, and what the table has.
static void compare(const cJSON *object, const gs__field *fields, const char *const *others, const char *where) {
    const cJSON *properties = cJSON_GetObjectItem(object, "properties"), *item;
    cJSON_ArrayForEach(item, properties) {
        if (!in_table(fields, others, item->string))
            fail_msg("%s: the schema has %s, the table not", where, item->string);
    }
    for (const gs__field *f = fields; f->key; f++)
        if (!cJSON_GetObjectItemCaseSensitive(properties, f->key)) fail_msg("%s: the schema lacks %s", where, f->key);
    for (size_t i = 0; others && others[i]; i++)
        if (!cJSON_GetObjectItemCaseSensitive(properties, others[i]))
            fail_msg("%s: the schema lacks %s", where, others[i]);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(object, "additionalProperties")));
}

static void schema_has_all(void **state) {
    (void)state;
    cJSON *schema = read_schema();
    compare(schema, gs__experiment_fields, gs__experiment_others, "$");
    const cJSON *properties = cJSON_GetObjectItem(schema, "properties");
    compare(cJSON_GetObjectItem(properties, "recipe"), gs__recipe_fields, NULL, "$.recipe");
    const cJSON *items = cJSON_GetObjectItem(cJSON_GetObjectItem(properties, "callbacks"), "items");
    const cJSON *kinds = cJSON_GetObjectItem(items, "anyOf"), *kind;
    static const char *const others[] = {"name", NULL};
    int count = 0;
    for (const gs__callback_kind *k = gs__callback_kinds; k->name; k++, count++) {
        bool found = false;
        cJSON_ArrayForEach(kind, kinds) {
            const cJSON *name = cJSON_GetObjectItem(cJSON_GetObjectItem(kind, "properties"), "name");
            if (strcmp(cJSON_GetObjectItem(name, "const")->valuestring, k->name) != 0) continue;
            compare(kind, k->fields, others, k->name);
            found = true;
        }
        if (!found) fail_msg("the schema lacks the callback %s", k->name);
    }
    assert_int_equal(count, cJSON_GetArraySize(kinds));
    cJSON_Delete(schema);
}

static void files_are_read_and_written(void **state) {
    (void)state;
    gs_context *context;
    gs_experiment *e, *again;
    gs_model *model, *other;
    gs_callback *const *callbacks;
    uint32_t count;
    char path[200], copy[200];
    snprintf(path, sizeof path, "%s", path_of("a.json"));
    snprintf(copy, sizeof copy, "%s", path_of("b.json"));
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    put(path, "{\"layers\": \"12 dense:7:relu dense:3\", \"data\": \"idx:a,b\", \"epochs\": 3, \"batch_size\": 8,\n"
              "\"seed\": \"18446744073709551615\", \"shuffle\": false, \"validation_split\": 0.1,\n"
              "\"weights\": \"old.safetensors\", \"freeze\": \"dense,x*\", \"precision\": \"mixed_bfloat16\",\n"
              "\"optimizer\": {\"name\": \"sgd\", \"learning_rate\": 0.03, \"momentum\": 0.9, \"nesterov\": true},\n"
              "\"loss\": {\"name\": \"huber\", \"delta\": 2}, \"metrics\": [\"mae\"],\n"
              "\"callbacks\": [{\"name\": \"EarlyStopping\", \"patience\": 4, \"baseline\": 0.5, \"mode\": \"max\"},\n"
              "{\"name\": \"CSVLogger\", \"path\": \"x.csv\", \"separator\": \";\"}]}\n");
    if (gs_experiment_load(context, path, &e) != GS_OK) fail_msg("%s", gs_context_message(context));
    assert_true(e->epochs == 3 && e->batch_size == 8 && e->seed == UINT64_MAX && !e->shuffle);
    assert_true(e->validation_split == 0.1 && !e->init && !e->device && e->max_steps == 0);
    assert_string_equal(e->data, "idx:a,b");
    assert_string_equal(e->weights, "old.safetensors");
    assert_string_equal(e->freeze, "dense,x*");
    if (gs_experiment_make_model(context, e, &model) != GS_OK) fail_msg("%s", gs_context_message(context));
    gs_compile_params compile;
    gs_model_get_compile(model, &compile);
    assert_true(compile.optimizer.kind == GS_OPTIMIZER_SGD && compile.optimizer.learning_rate == 0.03f);
    assert_true(compile.optimizer.nesterov && compile.optimizer.momentum == 0.9f);
    assert_true(compile.loss.kind == GS_LOSS_HUBER && compile.loss.delta == 2 &&
                compile.metrics[0].kind == GS_METRIC_MAE);
    assert_int_equal(compile.precision, GS_PRECISION_MIXED_BFLOAT16);
    assert_int_equal(gs_experiment_make_callbacks(context, e, "/some", &callbacks, &count), GS_OK);
    assert_true(count == 2 && strcmp(callbacks[0]->name, "EarlyStopping") == 0);

    // What is written says the same, and is written again as it is.
    if (gs_experiment_save(context, e, model, copy) != GS_OK) fail_msg("%s", gs_context_message(context));
    if (gs_experiment_load(context, copy, &again) != GS_OK) fail_msg("%s", gs_context_message(context));
    assert_true(again->seed == UINT64_MAX && again->validation_split == 0.1 && again->model_json && !again->shuffle);
    assert_string_equal(again->weights, "old.safetensors");
    assert_string_equal(again->freeze, "dense,x*");
    assert_string_equal(again->precision, "mixed_bfloat16");
    if (gs_experiment_make_model(context, again, &other) != GS_OK) fail_msg("%s", gs_context_message(context));
    if (gs_experiment_save(context, again, other, path) != GS_OK) fail_msg("%s", gs_context_message(context));
    char *one, *two;
    size_t bytes;
    assert_int_equal(gs__file_read(NULL, path, 1 << 20, &one, &bytes), GS_OK);
    assert_int_equal(gs__file_read(NULL, copy, 1 << 20, &two, &bytes), GS_OK);
    assert_string_equal(one, two);
    free(one), free(two);
    float a[84], b[84];
    assert_int_equal(gs_model_read_parameter(model, 0, a, 84), GS_OK);
    assert_int_equal(gs_model_read_parameter(other, 0, b, 84), GS_OK);
    assert_memory_equal(a, b, sizeof a); // the same first weights
    gs_model_destroy(&model);
    gs_model_destroy(&other);
    gs_experiment_destroy(&e);
    gs_experiment_destroy(&again);
    gs_experiment_destroy(&again);
    gs_context_destroy(&context);
    unlink(path);
    unlink(copy);
}

static void bad_files_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"[1]", "$: expected an object"},
        {"{\"layers\": \"3 dense:1\", ", "line 1, column"},
        {"{}", "$: expected \"model\" or \"layers\", found neither"},
        {"{\"layers\": \"3 dense:1\", \"model\": \"x\"}", "$: expected \"model\" or \"layers\", found both"},
        {"{\"model\": 3}", "$.model: expected a path or a model, found 3"},
        {"{\"layers\": \"3\", \"epoch\": 3}", "$.epoch: there is no such member; known are init, weights, freeze"},
        {"{\"layers\": \"3\", \"epochs\": 0}", "$.epochs: expected an integer from 1 to 1000000, found 0"},
        {"{\"layers\": \"3\", \"epochs\": 1.5}", "$.epochs: "},
        {"{\"layers\": \"3\", \"batch_size\": \"8\"}", "$.batch_size: expected an integer"},
        {"{\"layers\": \"3\", \"seed\": -1}", "$.seed: "},
        {"{\"layers\": \"3\", \"seed\": \"12x\"}", "$.seed: expected an integer of at least 0, found \"12x\""},
        {"{\"layers\": \"3\", \"seed\": \"99999999999999999999\"}", "$.seed: "},
        {"{\"layers\": \"3\", \"shuffle\": 1}", "$.shuffle: "},
        {"{\"layers\": \"3\", \"data\": \"\"}", "$.data: expected a text"},
        {"{\"layers\": \"3\", \"validation_split\": 1}", "$.validation_split: expected a number from 0 to below 1"},
        {"{\"layers\": \"3\", \"validation_split\": 0.5, \"validation_data\": \"x\"}", "$.validation_split: there is"},
        {"{\"layers\": \"3\", \"optimizer\": {\"name\": \"adam\", \"learning_rate\": \"fast\"}}",
         "$.optimizer.learning_rate: expected a number, found \"fast\""},
        {"{\"layers\": \"3\", \"init\": \"a\", \"weights\": \"b\"}", "$.weights: there is init already"},
        {"{\"layers\": \"3\", \"weights\": 3}", "$.weights: expected a string"},
        {"{\"layers\": \"3\", \"freeze\": [\"dense\"]}", "$.freeze: expected a string"},
        {"{\"layers\": \"3\", \"precision\": \"float8\"}",
         "$.precision: unknown precision \"float8\"; known are float32, mixed_float16"},
        {"{\"layers\": \"3\", \"optimizer\": \"adom\"}", "$.optimizer: "},
        {"{\"layers\": \"3\", \"loss\": {\"name\": \"huber\", \"delta\": []}}", "$.loss.delta: "},
        {"{\"layers\": \"3\", \"metrics\": [\"accuracy\", \"acuracy\"]}", "$.metrics[1]: "},
        {"{\"layers\": \"3\", \"recipe\": {\"scale\": \"log\"}}",
         "$.recipe.scale: expected one of \"none\", \"standard\""},
        {"{\"layers\": \"3\", \"recipe\": {\"lable\": \"x\"}}", "$.recipe.lable: there is no such member"},
        {"{\"layers\": \"3\", \"augment\": \"flop\"}", "$.augment: "},
        {"{\"layers\": \"3\", \"metrics\": [\"mse\", \"mae\", \"auc\", \"r2_score\", \"precision\", \"recall\"]}",
         "$.metrics: more than 5 metrics"},
        {"{\"layers\": \"3\", \"gradsmith\": {\"schedule\": \"cosyne\"}}", "$.gradsmith.schedule: "},
        {"{\"layers\": \"3\", \"class_weight\": 3}", "$.class_weight: expected a string"},
        {"{\"layers\": \"3\", \"callbacks\": {}}", "$.callbacks: expected an array"},
        {"{\"layers\": \"3\", \"callbacks\": [{\"name\": \"Erly\"}]}",
         "$.callbacks[0].name: unknown callback \"Erly\"; known are EarlyStopping, "},
        {"{\"layers\": \"3\", \"callbacks\": [{\"patience\": 1}]}", "$.callbacks[0]"},
        {"{\"layers\": \"3\", \"callbacks\": [{\"name\": \"EarlyStopping\", \"patients\": 1}]}",
         "$.callbacks[0].patients: there is no such member; known are monitor"},
        {"{\"layers\": \"3\", \"callbacks\": [{\"name\": \"EarlyStopping\", \"mode\": \"up\"}]}",
         "$.callbacks[0].mode: expected one of \"auto\", \"min\", \"max\", found \"up\""},
        {"{\"layers\": \"3\", \"callbacks\": [{\"name\": \"CSVLogger\"}]}", "$.callbacks[0]: \"path\" is missing"},
        {"{\"layers\": \"3\", \"callbacks\": [{\"name\": \"CSVLogger\", \"path\": \"a\", \"separator\": \"ab\"}]}",
         "$.callbacks[0].separator: expected one character"},
    };
    gs_context *context;
    gs_experiment *e;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = path_of("bad.json");
        put(path, cases[i].text);
        if (gs_experiment_load(context, path, &e) == GS_OK) fail_msg("accepted: %s", cases[i].text);
        assert_null(e);
        if (!strstr(gs_context_message(context), cases[i].words) || !strstr(gs_context_message(context), "bad.json: "))
            fail_msg("%s\n  expected: %s", gs_context_message(context), cases[i].words);
        unlink(path);
    }
    assert_int_equal(gs_experiment_load(context, "/no/such", &e), GS_ERR_FILE);
    assert_int_equal(gs_experiment_create(context, &e), GS_OK);
    assert_int_equal(gs_experiment_add_callback(context, e, "{\"name\": \"CSVLogger\"}"), GS_ERR_FORMAT);
    gs_model *model;
    assert_int_equal(gs_experiment_make_model(context, e, &model), GS_ERR_ARGUMENT);
    gs_experiment_destroy(&e);
    gs_context_destroy(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_has_all),
        cmocka_unit_test(files_are_read_and_written),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
