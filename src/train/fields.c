#include "train/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT ((uint64_t)1 << 53) // what JSON's doubles hold

static void *at(void *base, size_t offset) {
    return (char *)base + offset;
}

static gs_status read_integer(gs__json *json, const cJSON *item, const gs__field *f, uint64_t *value) {
    const uint64_t least = (uint64_t)f->least, most = f->most > 0 ? (uint64_t)f->most : EXACT;
    if (!cJSON_IsString(item) || f->type != GS__FIELD_U64 || f->most > 0)
        return gs__json_as_uint(json, item, least, most, value);
    char *end;
    errno = 0;
    *value = strtoull(item->valuestring, &end, 10);
    if (item->valuestring[0] >= '0' && item->valuestring[0] <= '9' && !*end && !errno && *value >= least) return GS_OK;
    return gs__json_fail(json, item, GS_ERR_FORMAT, "expected an integer of at least %" PRIu64 ", found \"%.40s\"",
                         least, item->valuestring);
}

static gs_status read_number(gs__json *json, const cJSON *item, const gs__field *f, double *value) {
    gs_status status = gs__json_as_number(json, item, value);
    if (status != GS_OK || (f->least == 0 && f->most == 0)) return status;
    if (*value >= f->least && (f->below ? *value < f->most : *value <= f->most)) return GS_OK;
    return gs__json_fail(json, item, GS_ERR_FORMAT, "expected a number from %g to %s%g, found %g", f->least,
                         f->below ? "below " : "", f->most, *value);
}

static gs_status read_word(gs__json *json, const cJSON *item, const gs__field *f, int *place) {
    char found[64];
    for (*place = 0; f->words[*place]; ++*place)
        if (cJSON_IsString(item) && strcmp(item->valuestring, f->words[*place]) == 0) return GS_OK;
    gs__text known = {0};
    for (int i = 0; f->words[i]; i++) gs__text_append(&known, "%s\"%s\"", i ? ", " : "", f->words[i]);
    gs_status status = gs__json_fail(json, item, GS_ERR_FORMAT, "expected one of %s, found %s",
                                     known.data ? known.data : "", gs__json_show(item, found, sizeof found));
    gs__text_deinit(&known);
    return status;
}

static gs_status read_text(gs__json *json, const cJSON *item, const char **value) {
    gs_status status = gs__json_as_string(json, item, value);
    if (status == GS_OK && !(*value)[0])
        status = gs__json_fail(json, item, GS_ERR_FORMAT, "expected a text, found \"\"");
    return status;
}

static gs_status read_one(gs__json *json, const cJSON *item, const gs__field *f, void *base) {
    gs_status status = GS_OK;
    uint64_t integer = 0;
    int word = 0;
    const char *text = NULL;
    switch (f->type) {
    case GS__FIELD_TEXT:
    case GS__FIELD_PATH:
        return read_text(json, item, at(base, f->offset));
    case GS__FIELD_U32:
        status = read_integer(json, item, f, &integer);
        if (status == GS_OK) *(uint32_t *)at(base, f->offset) = (uint32_t)integer;
        return status;
    case GS__FIELD_U64:
        return read_integer(json, item, f, at(base, f->offset));
    case GS__FIELD_NUMBER:
        return read_number(json, item, f, at(base, f->offset));
    case GS__FIELD_BOOL:
        return gs__json_as_bool(json, item, at(base, f->offset));
    case GS__FIELD_WORD:
        status = read_word(json, item, f, &word);
        memcpy(at(base, f->offset), &word, sizeof word);
        return status;
    case GS__FIELD_CHAR:
        status = gs__json_as_string(json, item, &text);
        if (status == GS_OK && strlen(text) != 1)
            status = gs__json_fail(json, item, GS_ERR_FORMAT, "expected one character, found \"%.40s\"", text);
        if (status == GS_OK) *(char *)at(base, f->offset) = text[0];
        return status;
    }
    return GS_ERR_INTERNAL;
}

gs_status gs__fields_read(gs__json *json, const cJSON *object, const gs__field *fields, void *base) {
    for (const gs__field *f = fields; f->key; f++) {
        const cJSON *item = gs__json_find(object, f->key);
        if (!item && f->required) return gs__json_fail(json, object, GS_ERR_FORMAT, "\"%s\" is missing", f->key);
        if (!item) continue;
        gs_status status = read_one(json, item, f, base);
        if (status != GS_OK) return status;
        if (f->given) *(bool *)at(base, f->given) = true;
    }
    return GS_OK;
}

// The shortest text that reads back as the same.
static void append_double(gs__text *text, double value) {
    char buffer[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, sizeof buffer, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) break;
    }
    gs__text_append(text, "%s", buffer);
}

static void write_one(gs__text *text, const gs__field *f, const void *base) {
    const char *from = (const char *)base + f->offset, *string;
    uint64_t integer;
    double number;
    switch (f->type) {
    case GS__FIELD_TEXT:
    case GS__FIELD_PATH:
        memcpy(&string, from, sizeof string);
        if (string) gs__text_append_json(text, string);
        else gs__text_append(text, "null");
        return;
    case GS__FIELD_U32:
        gs__text_append(text, "%" PRIu32, *(const uint32_t *)(const void *)from);
        return;
    case GS__FIELD_U64:
        memcpy(&integer, from, sizeof integer);
        gs__text_append(text, integer > EXACT ? "\"%" PRIu64 "\"" : "%" PRIu64, integer);
        return;
    case GS__FIELD_NUMBER:
        memcpy(&number, from, sizeof number);
        append_double(text, number);
        return;
    case GS__FIELD_BOOL:
        gs__text_append(text, *(const bool *)(const void *)from ? "true" : "false");
        return;
    case GS__FIELD_WORD:
        gs__text_append(text, "\"%s\"", f->words[*(const int *)(const void *)from]);
        return;
    case GS__FIELD_CHAR:
        if (*from) gs__text_append_json(text, (const char[]){*from, 0});
        else gs__text_append(text, "null");
        return;
    }
}

void gs__fields_write(gs__text *text, const gs__field *fields, const void *base) {
    for (const gs__field *f = fields; f->key; f++) {
        gs__text_append(text, "%s\"%s\": ", f == fields ? "" : ", ", f->key);
        if (f->given && !*((const bool *)((const char *)base + f->given))) gs__text_append(text, "null");
        else write_one(text, f, base);
    }
}

gs_status gs__fields_refuse_others(gs__json *json, const cJSON *object, const gs__field *fields,
                                   const char *const *others) {
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        bool known = false;
        for (const gs__field *f = fields; f->key; f++) known = known || strcmp(f->key, item->string) == 0;
        for (size_t i = 0; others && others[i]; i++) known = known || strcmp(others[i], item->string) == 0;
        if (known) continue;
        gs__text list = {0};
        for (const gs__field *f = fields; f->key; f++) gs__text_append(&list, "%s%s", f == fields ? "" : ", ", f->key);
        for (size_t i = 0; others && others[i]; i++)
            if (others[i][0] != '$') gs__text_append(&list, ", %s", others[i]);
        gs_status status = gs__json_fail(json, item, GS_ERR_FORMAT, "there is no such member; known are %s",
                                         list.data ? list.data : "");
        gs__text_deinit(&list);
        return status;
    }
    return GS_OK;
}
