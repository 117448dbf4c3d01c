// JSON from outside, read strictly (RFC 8259; no comments, no NaN, no key twice in an object) and picked apart with
// errors that name the place: model.json: config.layers[1].config.units: expected an integer of at least 1, found "abc"
#ifndef GS_BASE_JSON_H
#define GS_BASE_JSON_H

#include "base/error.h"
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GS__JSON_MAX_DEPTH = 100 };

// A parsed document. It owns its items; strings got from it live as long as it does.
typedef struct gs__json gs__json;

// `name` (of the file; may be NULL) begins every message. `error` is borrowed until the document is destroyed: the
// functions below report there. GS_ERR_FORMAT, with line and column.
gs_status gs__json_parse(gs__error *error, const char *text, size_t bytes, const char *name, gs__json **json);
void gs__json_destroy(gs__json *json);
// Begins every path with this (static) instead of with nothing: "$" makes "$.config.layers[1]".
void gs__json_name_root(gs__json *json, const char *name);
const cJSON *gs__json_root(const gs__json *json);

typedef enum gs__json_need {
    GS__JSON_REQUIRED,
    GS__JSON_OPTIONAL, // missing or null: GS_OK, and *value keeps what it has
} gs__json_need;

// Member `key` of `object`. GS_ERR_FORMAT: `object` is not an object, the member is missing or of another type.
gs_status gs__json_get(gs__json *json, const cJSON *object, const char *key, gs__json_need need, const cJSON **value);
gs_status gs__json_get_object(gs__json *json, const cJSON *object, const char *key, gs__json_need need,
                              const cJSON **value);
gs_status gs__json_get_array(gs__json *json, const cJSON *object, const char *key, gs__json_need need,
                             const cJSON **value);
gs_status gs__json_get_string(gs__json *json, const cJSON *object, const char *key, gs__json_need need,
                              const char **value);
// An integer, min <= value <= max, and at most 2^53 either way.
gs_status gs__json_get_int(gs__json *json, const cJSON *object, const char *key, gs__json_need need, int64_t min,
                           int64_t max, int64_t *value);
gs_status gs__json_get_uint(gs__json *json, const cJSON *object, const char *key, gs__json_need need, uint64_t min,
                            uint64_t max, uint64_t *value);
gs_status gs__json_get_number(gs__json *json, const cJSON *object, const char *key, gs__json_need need, double *value);
gs_status gs__json_get_bool(gs__json *json, const cJSON *object, const char *key, gs__json_need need, bool *value);

// The same of an item that is at hand, e.g. of an array (cJSON_ArrayForEach).
gs_status gs__json_as_object(gs__json *json, const cJSON *item);
gs_status gs__json_as_array(gs__json *json, const cJSON *item);
gs_status gs__json_as_string(gs__json *json, const cJSON *item, const char **value);
gs_status gs__json_as_int(gs__json *json, const cJSON *item, int64_t min, int64_t max, int64_t *value);
gs_status gs__json_as_uint(gs__json *json, const cJSON *item, uint64_t min, uint64_t max, uint64_t *value);
gs_status gs__json_as_number(gs__json *json, const cJSON *item, double *value);
gs_status gs__json_as_bool(gs__json *json, const cJSON *item, bool *value);

// The member, or NULL when it is missing, null, or `object` is no object. Case-sensitive.
const cJSON *gs__json_find(const cJSON *object, const char *key);

// Fails with "name: path of item: message". `item` must belong to the document.
gs_status gs__json_fail(gs__json *json, const cJSON *item, gs_status status, const char *format, ...) GS__PRINTF(4, 5);

// Writes the path of an item, "config.layers[1]" ("the document" for the root). Returns `buffer`.
const char *gs__json_path(const gs__json *json, const cJSON *item, char *buffer, size_t buffer_bytes);

// What an item is, for messages: `"abc"`, `3.5`, `an array of 4`, `null`. Returns `buffer`.
const char *gs__json_show(const cJSON *item, char *buffer, size_t buffer_bytes);

#endif
