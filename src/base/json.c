#include "base/json.h"
#include "base/json_scan.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gs__json {
    gs__error *error;
    cJSON *root;
    char name[200];
    const char *root_name; // NULL: paths begin with a member
};

static const int64_t max_exact = INT64_C(1) << 53; // doubles hold every integer up to here

// --- the place of an item ----------------------------------------------------------------------------------------

// Fills path[0..] with the items from below the root to `item`; returns how many, or -1.
static int find_path(const cJSON *parent, const cJSON *item, const cJSON **path, int depth) {
    for (const cJSON *child = parent->child; child && depth < GS__JSON_MAX_DEPTH; child = child->next) {
        path[depth] = child;
        if (child == item) return depth + 1;
        int found = find_path(child, item, path, depth + 1);
        if (found > 0) return found;
    }
    return -1;
}

const char *gs__json_path(const gs__json *json, const cJSON *item, char *buffer, size_t buffer_bytes) {
    const cJSON *path[GS__JSON_MAX_DEPTH], *parent = json->root;
    int length = item == json->root ? 0 : find_path(json->root, item, path, 0);
    size_t used = 0;
    if (json->root_name) {
        const int n = snprintf(buffer, buffer_bytes, "%s", json->root_name);
        used = n > 0 ? (size_t)n : 0;
    } else if (length <= 0) snprintf(buffer, buffer_bytes, "the document");
    for (int i = 0; i < length && used + 1 < buffer_bytes; parent = path[i++]) {
        int n;
        if (cJSON_IsArray(parent)) {
            size_t index = 0;
            for (const cJSON *other = parent->child; other != path[i]; other = other->next) index++;
            n = snprintf(buffer + used, buffer_bytes - used, "[%zu]", index);
        } else {
            char key[64];
            n = snprintf(buffer + used, buffer_bytes - used, "%s%s", i || json->root_name ? "." : "",
                         gs__text_show(path[i]->string, key, sizeof key));
        }
        used += n > 0 ? (size_t)n : 0;
    }
    return buffer;
}

const char *gs__json_show(const cJSON *item, char *buffer, size_t buffer_bytes) {
    char text[48];
    if (!item) snprintf(buffer, buffer_bytes, "nothing");
    else if (cJSON_IsString(item))
        snprintf(buffer, buffer_bytes, "\"%s\"", gs__text_show(item->valuestring, text, sizeof text));
    else if (cJSON_IsNumber(item)) snprintf(buffer, buffer_bytes, "%.17g", item->valuedouble);
    else if (cJSON_IsBool(item)) snprintf(buffer, buffer_bytes, "%s", cJSON_IsTrue(item) ? "true" : "false");
    else if (cJSON_IsNull(item)) snprintf(buffer, buffer_bytes, "null");
    else if (cJSON_IsArray(item)) snprintf(buffer, buffer_bytes, "an array of %d", cJSON_GetArraySize(item));
    else snprintf(buffer, buffer_bytes, "an object");
    return buffer;
}

gs_status gs__json_fail(gs__json *json, const cJSON *item, gs_status status, const char *format, ...) {
    char message[320], path[160];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return gs__fail(json->error, status, "%s%s%s: %s", json->name, json->name[0] ? ": " : "",
                    gs__json_path(json, item, path, sizeof path), message);
}

static gs_status fail_type(gs__json *json, const cJSON *item, const char *expected) {
    char found[64];
    return gs__json_fail(json, item, GS_ERR_FORMAT, "expected %s, found %s", expected,
                         gs__json_show(item, found, sizeof found));
}

void gs__json_name_root(gs__json *json, const char *name) {
    json->root_name = name;
}

// --- parsing -----------------------------------------------------------------------------------------------------

static int compare_keys(const void *a, const void *b) {
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static gs_status check_object_keys(gs__json *json, const cJSON *object) {
    uint64_t count = 0;
    for (const cJSON *child = object->child; child; child = child->next) count++;
    if (count < 2) return GS_OK;
    const cJSON **members = gs__allocate(json->error, count, sizeof *members, "JSON");
    if (!members) return GS_ERR_MEMORY;
    uint64_t used = 0;
    for (const cJSON *child = object->child; child; child = child->next) members[used++] = child;
    qsort(members, (size_t)count, sizeof *members, compare_keys);
    gs_status status = GS_OK;
    for (uint64_t i = 1; i < count && status == GS_OK; i++)
        if (compare_keys(&members[i - 1], &members[i]) == 0)
            status = gs__json_fail(json, members[i], GS_ERR_FORMAT, "this key is there twice");
    free(members);
    return status;
}

// What cJSON lets through: a key twice, numbers too large for a double.
static gs_status check_items(gs__json *json, const cJSON *item) {
    if (cJSON_IsNumber(item) && !isfinite(item->valuedouble))
        return gs__json_fail(json, item, GS_ERR_FORMAT, "the number is too large");
    gs_status status = cJSON_IsObject(item) ? check_object_keys(json, item) : GS_OK;
    for (const cJSON *child = item->child; child && status == GS_OK; child = child->next)
        status = check_items(json, child);
    return status;
}

static gs_status fail_syntax(gs__json *json, const char *text, size_t bytes, size_t offset, const char *wrong) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < bytes; i++) {
        if (text[i] == '\n') line++, column = 1;
        else if (((unsigned char)text[i] & 0xC0) != 0x80) column++;
    }
    const char *file = json->name, *colon = json->name[0] ? ": " : "";
    if (strcmp(wrong, GS__JSON_TOO_DEEP) == 0)
        return gs__fail(json->error, GS_ERR_FORMAT, "%s%sline %zu, column %zu: %s, expected at most %d levels", file,
                        colon, line, column, wrong, GS__JSON_MAX_DEPTH);
    return gs__fail(json->error, GS_ERR_FORMAT, "%s%sline %zu, column %zu: not valid JSON: %s", file, colon, line,
                    column, wrong);
}

gs_status gs__json_parse(gs__error *error, const char *text, size_t bytes, const char *name, gs__json **json) {
    gs_status status;
    gs__json *made = gs__allocate(error, 1, sizeof *made, "JSON");
    if (!made) return GS_ERR_MEMORY;
    made->error = error;
    gs__text_show(name ? name : "", made->name, sizeof made->name);
    size_t offset = 0;
    // Some editors begin a file with a byte order mark.
    if (bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3, bytes -= 3;
    const char *wrong = gs__json_scan(text, bytes, GS__JSON_MAX_DEPTH, &offset);
    if (wrong) {
        status = fail_syntax(made, text, bytes, offset, wrong);
        goto fail;
    }
    made->root = cJSON_ParseWithLengthOpts(text, bytes, NULL, 0);
    if (!made->root) {
        // The scan found nothing wrong, so only memory can be missing.
        status =
            gs__fail(error, GS_ERR_MEMORY, "%s: out of memory while %zu bytes of JSON were read", made->name, bytes);
        goto fail;
    }
    GS_TRY(check_items(made, made->root));
    *json = made;
    return GS_OK;
fail:
    gs__json_destroy(made);
    return status;
}

void gs__json_destroy(gs__json *json) {
    if (!json) return;
    cJSON_Delete(json->root);
    free(json);
}

const cJSON *gs__json_root(const gs__json *json) {
    return json->root;
}

// --- items -------------------------------------------------------------------------------------------------------

gs_status gs__json_as_object(gs__json *json, const cJSON *item) {
    return cJSON_IsObject(item) ? GS_OK : fail_type(json, item, "an object");
}

gs_status gs__json_as_array(gs__json *json, const cJSON *item) {
    return cJSON_IsArray(item) ? GS_OK : fail_type(json, item, "an array");
}

gs_status gs__json_as_string(gs__json *json, const cJSON *item, const char **value) {
    if (!cJSON_IsString(item)) return fail_type(json, item, "a string");
    *value = item->valuestring;
    return GS_OK;
}

gs_status gs__json_as_int(gs__json *json, const cJSON *item, int64_t min, int64_t max, int64_t *value) {
    if (min < -max_exact) min = -max_exact;
    if (max > max_exact) max = max_exact;
    double number = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (number >= (double)min && number <= (double)max && number == floor(number)) {
        *value = (int64_t)number;
        return GS_OK;
    }
    char expected[80];
    if (min == -max_exact && max == max_exact) snprintf(expected, sizeof expected, "an integer");
    else if (max == max_exact) snprintf(expected, sizeof expected, "an integer of at least %" PRId64, min);
    else snprintf(expected, sizeof expected, "an integer from %" PRId64 " to %" PRId64, min, max);
    return fail_type(json, item, expected);
}

gs_status gs__json_as_uint(gs__json *json, const cJSON *item, uint64_t min, uint64_t max, uint64_t *value) {
    int64_t number = 0;
    gs_status status = gs__json_as_int(json, item, min > INT64_MAX ? INT64_MAX : (int64_t)min,
                                       max > INT64_MAX ? INT64_MAX : (int64_t)max, &number);
    if (status == GS_OK) *value = (uint64_t)number;
    return status;
}

gs_status gs__json_as_number(gs__json *json, const cJSON *item, double *value) {
    if (!cJSON_IsNumber(item)) return fail_type(json, item, "a number");
    *value = item->valuedouble;
    return GS_OK;
}

gs_status gs__json_as_bool(gs__json *json, const cJSON *item, bool *value) {
    if (!cJSON_IsBool(item)) return fail_type(json, item, "true or false");
    *value = cJSON_IsTrue(item);
    return GS_OK;
}

// --- members -----------------------------------------------------------------------------------------------------

const cJSON *gs__json_find(const cJSON *object, const char *key) {
    if (!cJSON_IsObject(object)) return NULL;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(item) ? NULL : item;
}

gs_status gs__json_get(gs__json *json, const cJSON *object, const char *key, gs__json_need need, const cJSON **value) {
    gs_status status = gs__json_as_object(json, object);
    if (status != GS_OK) return status;
    const cJSON *item = gs__json_find(object, key);
    if (!item && need == GS__JSON_REQUIRED) {
        // A null that is there has a place of its own.
        item = cJSON_GetObjectItemCaseSensitive(object, key);
        if (item) return gs__json_fail(json, item, GS_ERR_FORMAT, "a value is needed, found null");
        return gs__json_fail(json, object, GS_ERR_FORMAT, "\"%s\" is missing", key);
    }
    if (item) *value = item;
    return GS_OK;
}

#define GET(as)                                                                                                        \
    do {                                                                                                               \
        const cJSON *item = NULL;                                                                                      \
        gs_status status = gs__json_get(json, object, key, need, &item);                                               \
        return status == GS_OK && item ? (as) : status;                                                                \
    } while (0)

gs_status gs__json_get_object(gs__json *json, const cJSON *object, const char *key, gs__json_need need,
                              const cJSON **value) {
    const cJSON *item = NULL;
    gs_status status = gs__json_get(json, object, key, need, &item);
    if (status != GS_OK || !item) return status;
    status = gs__json_as_object(json, item);
    if (status == GS_OK) *value = item;
    return status;
}

gs_status gs__json_get_array(gs__json *json, const cJSON *object, const char *key, gs__json_need need,
                             const cJSON **value) {
    const cJSON *item = NULL;
    gs_status status = gs__json_get(json, object, key, need, &item);
    if (status != GS_OK || !item) return status;
    status = gs__json_as_array(json, item);
    if (status == GS_OK) *value = item;
    return status;
}

gs_status gs__json_get_string(gs__json *json, const cJSON *object, const char *key, gs__json_need need,
                              const char **value) {
    GET(gs__json_as_string(json, item, value));
}

gs_status gs__json_get_int(gs__json *json, const cJSON *object, const char *key, gs__json_need need, int64_t min,
                           int64_t max, int64_t *value) {
    GET(gs__json_as_int(json, item, min, max, value));
}

gs_status gs__json_get_uint(gs__json *json, const cJSON *object, const char *key, gs__json_need need, uint64_t min,
                            uint64_t max, uint64_t *value) {
    GET(gs__json_as_uint(json, item, min, max, value));
}

gs_status gs__json_get_number(gs__json *json, const cJSON *object, const char *key, gs__json_need need, double *value) {
    GET(gs__json_as_number(json, item, value));
}

gs_status gs__json_get_bool(gs__json *json, const cJSON *object, const char *key, gs__json_need need, bool *value) {
    GET(gs__json_as_bool(json, item, value));
}
