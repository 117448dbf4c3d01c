// Recipes as JSON: docs/file-formats.md.
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include "data/recipe.h"
#include "protect/protect.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT       "gradsmith recipe"
#define MAX_BYTES    (UINT64_C(1) << 28)
#define MAX_CHANNELS (1 << 24)

// By their C values.
static const char *const kinds[] = {"arrays", "table", "images", NULL};
static const char *const missings[] = {"error", "mean", "zero", "drop", NULL};
static const char *const scales[] = {"none", "standard", "minmax", NULL};
static const char *const splits[] = {"auto", "last", "random", "stratified", NULL};

// --- writing -----------------------------------------------------------------------------------------------------

// Reads back to the same bits; NaN: null.
static void append_double(gs__text *text, double value) {
    char buffer[40];
    if (!isfinite(value)) {
        gs__text_append(text, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, sizeof buffer, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) break;
    }
    for (char *c = buffer; *c; c++)
        if (!strchr("+-0123456789e", *c)) *c = '.'; // the locale's
    gs__text_append(text, "%s", buffer);
}

static void append_doubles(gs__text *text, const double *values, uint32_t count) {
    gs__text_append(text, "[");
    for (uint32_t i = 0; i < count; i++) {
        if (i) gs__text_append(text, ", ");
        append_double(text, values[i]);
    }
    gs__text_append(text, "]");
}

static void append_dict(gs__text *text, const gs__dict *dict) {
    gs__text_append(text, "[");
    for (uint32_t i = 0; i < dict->count; i++) {
        if (i) gs__text_append(text, ", ");
        gs__text_append_json(text, dict->texts[i]);
    }
    gs__text_append(text, "]");
}

static void append_column(gs__text *text, const gs__column *column) {
    gs__text_append(text, "      {\"name\": ");
    gs__text_append_json(text, column->name);
    gs__text_append(text, ", \"fill\": ");
    append_double(text, column->fill);
    if (column->category) {
        gs__text_append(text, ", \"categories\": ");
        append_dict(text, &column->categories);
    } else {
        gs__text_append(text, ", \"offset\": ");
        append_double(text, column->offset);
        gs__text_append(text, ", \"factor\": ");
        append_double(text, column->factor);
    }
    gs__text_append(text, "}");
}

static void append_table(gs__text *text, const gs_recipe *r) {
    const char delimiter[2] = {r->params.delimiter, 0};
    gs__text_append(text, ",\n  \"table\": {\n    \"delimiter\": ");
    gs__text_append_json(text, delimiter);
    gs__text_append(text, ",\n    \"header\": %s,\n    \"missing\": \"%s\",\n    \"label\": ",
                    r->params.no_header ? "false" : "true", missings[r->params.missing]);
    gs__text_append_json(text, r->label);
    gs__text_append(text, ",\n    \"columns\": [\n");
    for (uint32_t i = 0; i < r->column_count; i++) {
        append_column(text, &r->columns[i]);
        gs__text_append(text, i + 1 < r->column_count ? ",\n" : "\n");
    }
    gs__text_append(text, "    ]\n  }");
}

static void append_recipe(gs__text *text, const gs_recipe *r) {
    gs__text_append(text, "{\n  \"format\": \"" FORMAT "\",\n  \"version\": 1,\n  \"kind\": \"%s\",\n", kinds[r->kind]);
    gs__text_append(text, "  \"scale\": \"%s\",\n  \"one_hot\": %s,\n  \"split\": {\"kind\": \"%s\", \"validation\": ",
                    scales[r->params.scale], r->params.one_hot ? "true" : "false", splits[r->params.split]);
    append_double(text, r->params.validation_share);
    gs__text_append(text, ", \"test\": ");
    append_double(text, r->params.test_share);
    // As a string: JSON's numbers are exact up to 2^53 only.
    gs__text_append(text, ", \"seed\": \"%llu\"},\n  \"class_count\": %u", (unsigned long long)r->params.split_seed,
                    r->class_count);
    if (r->classes.count) {
        gs__text_append(text, ",\n  \"classes\": ");
        append_dict(text, &r->classes);
    }
    if (r->kind == GS__RECIPE_TABLE) append_table(text, r);
    if (r->kind == GS__RECIPE_IMAGES)
        gs__text_append(text, ",\n  \"images\": {\"height\": %u, \"width\": %u, \"channels\": %u}",
                        r->params.image_height, r->params.image_width, r->params.image_channels);
    if (r->channel_count) {
        gs__text_append(text, ",\n  \"offset\": ");
        append_doubles(text, r->offset, r->channel_count);
        gs__text_append(text, ",\n  \"factor\": ");
        append_doubles(text, r->factor, r->channel_count);
    }
    gs__text_append(text, "\n}\n");
}

gs_status gs_recipe_write(gs_context *context, const gs_recipe *recipe, const char *path) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!recipe || !path) return gs__fail(error, GS_ERR_ARGUMENT, "gs_recipe_write: an argument is NULL");
    if (!recipe->learnt)
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_recipe_write: the recipe has not loaded any data yet");
    gs__text text = {0};
    append_recipe(&text, recipe);
    gs_status status = gs__text_check(error, &text);
    if (status == GS_OK) status = gs__context_write_file(context, path, text.data, text.length);
    gs__text_deinit(&text);
    return status;
}

// --- reading -----------------------------------------------------------------------------------------------------

static gs_status read_word(gs__json *json, const cJSON *object, const char *key, const char *const *words,
                           uint32_t *value) {
    const char *text;
    gs_status status = gs__json_get_string(json, object, key, GS__JSON_REQUIRED, &text);
    if (status != GS_OK) return status;
    for (uint32_t i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0) {
            *value = i;
            return GS_OK;
        }
    gs__text known = {0};
    for (uint32_t i = 0; words[i]; i++) gs__text_append(&known, "%s\"%s\"", i ? ", " : "", words[i]);
    status = gs__json_fail(json, gs__json_find(object, key), GS_ERR_FORMAT, "expected one of %s, found \"%.40s\"",
                           known.data ? known.data : "", text);
    gs__text_deinit(&known);
    return status;
}

static gs_status read_dict(gs__error *error, gs__json *json, const cJSON *object, const char *key, gs__dict *dict) {
    gs_status status = GS_OK;
    const cJSON *array, *item;
    GS_TRY(gs__json_get_array(json, object, key, GS__JSON_REQUIRED, &array));
    cJSON_ArrayForEach(item, array) {
        const char *text;
        uint32_t number;
        const uint32_t count = dict->count;
        GS_TRY(gs__json_as_string(json, item, &text));
        GS_TRY(gs__dict_add(error, dict, text, &number));
        if (number != count) GS_TRY(gs__json_fail(json, item, GS_ERR_FORMAT, "the same name twice"));
    }
fail:
    return status;
}

static gs_status read_doubles(gs__error *error, gs__json *json, const cJSON *root, const char *key, double **values,
                              uint32_t *count) {
    gs_status status = GS_OK;
    const cJSON *array = NULL, *item;
    uint32_t i = 0;
    GS_TRY(gs__json_get_array(json, root, key, GS__JSON_OPTIONAL, &array));
    *count = array ? (uint32_t)cJSON_GetArraySize(array) : 0;
    if (!*count) return GS_OK;
    if (*count > MAX_CHANNELS) return gs__json_fail(json, array, GS_ERR_FORMAT, "too many numbers");
    *values = gs__allocate(error, *count, sizeof **values, key);
    if (!*values) return GS_ERR_MEMORY;
    cJSON_ArrayForEach(item, array) GS_TRY(gs__json_as_number(json, item, &(*values)[i++]));
fail:
    return status;
}

static gs_status read_column(gs__error *error, gs__json *json, const cJSON *item, gs__column *column) {
    gs_status status = GS_OK;
    const char *name;
    column->fill = (double)NAN;
    GS_TRY(gs__json_get_string(json, item, "name", GS__JSON_REQUIRED, &name));
    column->name = gs__text_copy(error, name);
    if (!column->name) return GS_ERR_MEMORY;
    GS_TRY(gs__json_get_number(json, item, "fill", GS__JSON_OPTIONAL, &column->fill));
    column->category = gs__json_find(item, "categories") != NULL;
    if (!column->category) {
        GS_TRY(gs__json_get_number(json, item, "offset", GS__JSON_REQUIRED, &column->offset));
        return gs__json_get_number(json, item, "factor", GS__JSON_REQUIRED, &column->factor);
    }
    GS_TRY(read_dict(error, json, item, "categories", &column->categories));
    if (!column->categories.count) return gs__json_fail(json, item, GS_ERR_FORMAT, "there are no categories");
    // It is used as an index.
    if (column->fill < 0 || column->fill >= column->categories.count || floor(column->fill) < column->fill)
        return gs__json_fail(json, item, GS_ERR_FORMAT, "fill is not the number of a category");
fail:
    return status;
}

static gs_status read_table(gs__error *error, gs__json *json, const cJSON *root, gs_recipe *r) {
    gs_status status = GS_OK;
    const cJSON *table, *columns, *item;
    const char *delimiter, *label;
    uint32_t missing = 0;
    bool header;
    GS_TRY(gs__json_get_object(json, root, "table", GS__JSON_REQUIRED, &table));
    GS_TRY(gs__json_get_string(json, table, "delimiter", GS__JSON_REQUIRED, &delimiter));
    if (!delimiter[0] || delimiter[1] || strchr("\"\r\n ", delimiter[0]) || (unsigned char)delimiter[0] >= 0x80)
        GS_TRY(gs__json_fail(json, gs__json_find(table, "delimiter"), GS_ERR_FORMAT,
                             "expected one ASCII character, found \"%.40s\"", delimiter));
    r->params.delimiter = delimiter[0];
    GS_TRY(gs__json_get_bool(json, table, "header", GS__JSON_REQUIRED, &header));
    r->params.no_header = !header;
    GS_TRY(read_word(json, table, "missing", missings, &missing));
    r->params.missing = (gs_missing)missing;
    GS_TRY(gs__json_get_string(json, table, "label", GS__JSON_REQUIRED, &label));
    r->label = gs__text_copy(error, label);
    GS_TRY(gs__json_get_array(json, table, "columns", GS__JSON_REQUIRED, &columns));
    const int count = cJSON_GetArraySize(columns);
    if (count < 1 || count > GS__CSV_MAX_CELLS)
        GS_TRY(gs__json_fail(json, columns, GS_ERR_FORMAT, "expected 1 to %d columns", GS__CSV_MAX_CELLS));
    r->columns = gs__allocate(error, (uint64_t)count, sizeof *r->columns, "columns");
    if (!r->label || !r->columns) return GS_ERR_MEMORY;
    cJSON_ArrayForEach(item, columns) {
        GS_TRY(gs__json_as_object(json, item));
        GS_TRY(read_column(error, json, item, &r->columns[r->column_count++]));
    }
    r->label_is_class = r->classes.count > 0;
fail:
    return status;
}

static gs_status read_images(gs__json *json, const cJSON *root, gs_recipe *r) {
    gs_status status = GS_OK;
    const cJSON *images;
    uint64_t height, width, channels;
    GS_TRY(gs__json_get_object(json, root, "images", GS__JSON_REQUIRED, &images));
    GS_TRY(gs__json_get_uint(json, images, "height", GS__JSON_REQUIRED, 1, 65536, &height));
    GS_TRY(gs__json_get_uint(json, images, "width", GS__JSON_REQUIRED, 1, 65536, &width));
    GS_TRY(gs__json_get_uint(json, images, "channels", GS__JSON_REQUIRED, 1, 3, &channels));
    if (channels == 2) GS_TRY(gs__json_fail(json, images, GS_ERR_FORMAT, "channels: expected 1 or 3"));
    r->params.image_height = (uint32_t)height;
    r->params.image_width = (uint32_t)width;
    r->params.image_channels = (uint32_t)channels;
fail:
    return status;
}

static gs_status read_split(gs__json *json, const cJSON *root, gs_recipe *r) {
    gs_status status = GS_OK;
    const cJSON *split;
    const char *seed;
    char *end;
    uint32_t word = 0;
    GS_TRY(gs__json_get_object(json, root, "split", GS__JSON_REQUIRED, &split));
    GS_TRY(read_word(json, split, "kind", splits, &word));
    r->params.split = (gs_split_kind)word;
    GS_TRY(gs__json_get_number(json, split, "validation", GS__JSON_REQUIRED, &r->params.validation_share));
    GS_TRY(gs__json_get_number(json, split, "test", GS__JSON_REQUIRED, &r->params.test_share));
    GS_TRY(gs__json_get_string(json, split, "seed", GS__JSON_REQUIRED, &seed));
    errno = 0;
    r->params.split_seed = strtoull(seed, &end, 10);
    if (seed[0] < '0' || seed[0] > '9' || *end || errno)
        GS_TRY(gs__json_fail(json, gs__json_find(split, "seed"), GS_ERR_FORMAT,
                             "expected a string of digits, below 2^64, found \"%.40s\"", seed));
    if (r->params.validation_share < 0 || r->params.test_share < 0 ||
        r->params.validation_share + r->params.test_share >= 1)
        GS_TRY(gs__json_fail(json, split, GS_ERR_FORMAT,
                             "validation %g and test %g leave nothing to train with, or are below 0",
                             r->params.validation_share, r->params.test_share));
fail:
    return status;
}

static gs_status read_recipe(gs__error *error, gs__json *json, gs_recipe *r) {
    gs_status status = GS_OK;
    const cJSON *root = gs__json_root(json);
    const char *format;
    uint32_t word = 0, factors;
    uint64_t version, classes;
    GS_TRY(gs__json_get_string(json, root, "format", GS__JSON_REQUIRED, &format));
    if (strcmp(format, FORMAT) != 0)
        GS_TRY(gs__json_fail(json, gs__json_find(root, "format"), GS_ERR_FORMAT,
                             "expected \"" FORMAT "\", found \"%.40s\"", format));
    GS_TRY(gs__json_get_uint(json, root, "version", GS__JSON_REQUIRED, 1, 1, &version));
    GS_TRY(read_word(json, root, "kind", kinds, &word));
    r->kind = (gs__recipe_kind)word;
    GS_TRY(read_word(json, root, "scale", scales, &word));
    r->params.scale = (gs_scale)word;
    GS_TRY(gs__json_get_bool(json, root, "one_hot", GS__JSON_REQUIRED, &r->params.one_hot));
    GS_TRY(read_split(json, root, r));
    GS_TRY(gs__json_get_uint(json, root, "class_count", GS__JSON_REQUIRED, 0, INT32_MAX, &classes));
    if (gs__json_find(root, "classes")) GS_TRY(read_dict(error, json, root, "classes", &r->classes));
    r->class_count = r->classes.count ? r->classes.count : (uint32_t)classes;
    if (r->kind == GS__RECIPE_TABLE) GS_TRY(read_table(error, json, root, r));
    if (r->kind == GS__RECIPE_IMAGES) GS_TRY(read_images(json, root, r));
    GS_TRY(read_doubles(error, json, root, "offset", &r->offset, &r->channel_count));
    GS_TRY(read_doubles(error, json, root, "factor", &r->factor, &factors));
    if (factors != r->channel_count)
        GS_TRY(gs__json_fail(json, root, GS_ERR_FORMAT, "%u offsets but %u factors", r->channel_count, factors));
    r->learnt = true;
fail:
    return status;
}

gs_status gs__recipe_parse(gs_context *context, const char *name, const char *text, size_t bytes, gs_recipe **recipe) {
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    gs__json *json = NULL;
    gs_recipe *made = NULL;
    GS_TRY(gs__json_parse(error, text, bytes, name, &json));
    GS_TRY(gs_recipe_create(context, NULL, &made));
    GS_TRY(read_recipe(error, json, made));
    *recipe = made;
    made = NULL;
fail:
    gs_recipe_destroy(&made);
    gs__json_destroy(json);
    return status;
}

gs_status gs_recipe_read(gs_context *context, const char *path, gs_recipe **recipe) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    char *text, name[160];
    size_t bytes;
    if (!path || !recipe) return gs__fail(error, GS_ERR_ARGUMENT, "gs_recipe_read: an argument is NULL");
    gs_status status = gs__context_read_file(context, path, MAX_BYTES, &text, &bytes);
    if (status != GS_OK) return status;
    gs__text_show(gs__path_show(path), name, sizeof name);
    status = gs__recipe_parse(context, name, text, bytes, recipe);
    free(text);
    return status;
}
