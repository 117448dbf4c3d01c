#include "data/csv.h"

#include "base/memory.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// --- rows --------------------------------------------------------------------------------------------------------

gs_status gs__csv_begin(gs__error *error, const char *name, char delimiter, char *text, size_t bytes, gs__csv *csv) {
    const unsigned char *mark = (const unsigned char *)text;
    if (bytes >= 2 && ((mark[0] == 0xFF && mark[1] == 0xFE) || (mark[0] == 0xFE && mark[1] == 0xFF)))
        return gs__fail(error, GS_ERR_FORMAT, "%s: UTF-16 text: save it as UTF-8, e.g. with iconv -f UTF-16 -t UTF-8",
                        name);
    if (bytes >= 3 && mark[0] == 0xEF && mark[1] == 0xBB && mark[2] == 0xBF) text += 3, bytes -= 3;
    const char *zero = memchr(text, 0, bytes);
    if (zero)
        return gs__fail(error, GS_ERR_FORMAT, "%s: a zero byte at offset %zu: this is not a text file", name,
                        (size_t)(zero - (const char *)mark));
    *csv = (gs__csv){.error = error, .name = name, .delimiter = delimiter, .at = text, .end = text + bytes, .line = 1};
    return GS_OK;
}

void gs__csv_deinit(gs__csv *csv) {
    free(csv->cells);
    *csv = (gs__csv){0};
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static gs_status add_cell(gs__csv *csv, gs__csv_cell cell) {
    if (csv->count == csv->capacity) {
        uint32_t capacity = csv->capacity ? 2 * csv->capacity : 64;
        if (csv->count == GS__CSV_MAX_CELLS)
            return gs__fail(csv->error, GS_ERR_FORMAT, "%s:%llu: more than %d cells in a line", csv->name,
                            (unsigned long long)cell.line, GS__CSV_MAX_CELLS);
        gs__csv_cell *cells = realloc(csv->cells, capacity * sizeof *cells);
        if (!cells) return gs__fail(csv->error, GS_ERR_MEMORY, "%s: out of host memory", csv->name);
        csv->cells = cells;
        csv->capacity = capacity;
    }
    csv->cells[csv->count++] = cell;
    return GS_OK;
}

// Reads a cell in quotes, doubled ones within are one; stands behind the closing quote then.
static gs_status read_quoted(gs__csv *csv, gs__csv_cell *cell) {
    char *to = ++csv->at;
    *cell = (gs__csv_cell){.text = to, .line = csv->line, .quoted = true};
    for (;; csv->at++) {
        if (csv->at == csv->end)
            return gs__fail(csv->error, GS_ERR_FORMAT,
                            "%s:%llu: the quote of cell %u is not closed before the end of the file", csv->name,
                            (unsigned long long)cell->line, csv->count + 1);
        if (*csv->at == '"') {
            if (csv->at[1] != '"') break;
            csv->at++;
        } else if (*csv->at == '\n' || (*csv->at == '\r' && csv->at[1] != '\n')) {
            csv->line++;
        }
        *to++ = *csv->at;
    }
    csv->at++;
    while (csv->at < csv->end && is_blank(*csv->at) && *csv->at != csv->delimiter) csv->at++;
    char next = csv->at < csv->end ? *csv->at : '\n';
    if (next != csv->delimiter && next != '\n' && next != '\r')
        return gs__fail(csv->error, GS_ERR_FORMAT,
                        "%s:%llu: cell %u has text behind its closing quote; a quote within quotes is written twice",
                        csv->name, (unsigned long long)csv->line, csv->count + 1);
    *to = 0;
    return GS_OK;
}

// Stands at the delimiter or the end of the line then, which the caller overwrites by the cell's zero byte.
static char *read_plain(gs__csv *csv, gs__csv_cell *cell) {
    *cell = (gs__csv_cell){.text = csv->at, .line = csv->line};
    while (csv->at < csv->end && *csv->at != csv->delimiter && *csv->at != '\n' && *csv->at != '\r') csv->at++;
    char *end = csv->at;
    while (end > cell->text && is_blank(end[-1])) end--;
    return end;
}

static gs_status read_row(gs__csv *csv) {
    gs_status status = GS_OK;
    csv->count = 0;
    for (;;) {
        gs__csv_cell cell;
        char *end = NULL;
        while (csv->at < csv->end && is_blank(*csv->at) && *csv->at != csv->delimiter) csv->at++;
        if (csv->at < csv->end && *csv->at == '"') GS_TRY(read_quoted(csv, &cell));
        else end = read_plain(csv, &cell);
        const char stop = csv->at < csv->end ? *csv->at : '\n';
        GS_TRY(add_cell(csv, cell));
        if (csv->at < csv->end) csv->at++;
        if (stop == '\r' && csv->at < csv->end && *csv->at == '\n') csv->at++;
        if (end) *end = 0;
        if (stop == csv->delimiter) continue;
        csv->line++;
        return GS_OK;
    }
fail:
    return status;
}

gs_status gs__csv_next(gs__csv *csv, bool *more) {
    do {
        *more = csv->at < csv->end;
        csv->count = 0;
        if (!*more) return GS_OK;
        gs_status status = read_row(csv);
        if (status != GS_OK) return status;
    } while (csv->count == 1 && !csv->cells[0].quoted && !csv->cells[0].text[0]);
    return GS_OK;
}

// --- cells -------------------------------------------------------------------------------------------------------

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// [+-] digits [. digits] [e [+-] digits]; at least one digit before the exponent. Blanks around are allowed.
static bool has_form_of_number(const char *c, const char **point) {
    unsigned digits = 0;
    *point = NULL;
    if (*c == '+' || *c == '-') c++;
    for (; is_digit(*c); c++) digits++;
    if (*c == '.') {
        *point = c;
        for (c++; is_digit(*c); c++) digits++;
    }
    if (!digits) return false;
    if (*c == 'e' || *c == 'E') {
        c++;
        if (*c == '+' || *c == '-') c++;
        if (!is_digit(*c)) return false;
        while (is_digit(*c)) c++;
    }
    while (is_blank(*c)) c++;
    return !*c;
}

bool gs__csv_number(const char *text, double *value) {
    const char *point;
    char buffer[400];
    while (is_blank(*text)) text++;
    if (!has_form_of_number(text, &point)) return false;
    // Up to 15 digits and no exponent: exact, and quicker than strtod, whose decimal point is the locale's.
    const char *c = text + (*text == '+' || *text == '-');
    int64_t mantissa = 0;
    int digits = 0, places = 0;
    static const double powers[16] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    for (; (is_digit(*c) || *c == '.') && digits <= 15; c++) {
        if (*c == '.') continue;
        mantissa = 10 * mantissa + (*c - '0');
        digits++;
        if (point && c > point) places++;
    }
    if (digits <= 15 && (!*c || is_blank(*c))) {
        *value = (double)mantissa / powers[places];
        if (*text == '-') *value = -*value;
        return true;
    }
    const char *locale_point = localeconv()->decimal_point;
    int length = point ? snprintf(buffer, sizeof buffer, "%.*s%s%s", (int)(point - text), text, locale_point, point + 1)
                       : snprintf(buffer, sizeof buffer, "%s", text);
    if (length < 0 || (size_t)length >= sizeof buffer) return false;
    *value = strtod(buffer, NULL);
    return isfinite(*value);
}

bool gs__csv_is_missing(const char *text) {
    static const char *const words[] = {"NA", "N/A", "NaN", "null", "None", "?"};
    if (!*text) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) return true;
    return false;
}

bool gs__utf8_is_valid(const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        if (*c < 0x80) {
            c++;
            continue;
        }
        const unsigned count = *c >= 0xC2 && *c < 0xE0   ? 1
                               : *c >= 0xE0 && *c < 0xF0 ? 2
                               : *c >= 0xF0 && *c < 0xF5 ? 3
                                                         : 0;
        uint32_t code = *c & (0x3Fu >> count);
        if (!count) return false;
        for (unsigned i = 1; i <= count; i++) {
            if ((c[i] & 0xC0) != 0x80) return false;
            code = code << 6 | (c[i] & 0x3F);
        }
        if ((count == 2 && code < 0x800) || (count == 3 && code < 0x10000)) return false;
        if ((code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return false;
        c += count + 1;
    }
    return true;
}

// --- dictionaries ------------------------------------------------------------------------------------------------

static uint32_t hash(const char *text) { // FNV-1a
    uint32_t value = 2166136261u;
    for (; *text; text++) value = (value ^ (unsigned char)*text) * 16777619u;
    return value;
}

// Where the text is, or the free slot where it would be.
static uint32_t find_slot(const gs__dict *dict, const char *text) {
    uint32_t slot = hash(text) & (dict->slot_count - 1);
    while (dict->slots[slot] && strcmp(dict->texts[dict->slots[slot] - 1], text) != 0)
        slot = (slot + 1) & (dict->slot_count - 1);
    return slot;
}

int64_t gs__dict_find(const gs__dict *dict, const char *text) {
    return dict->slot_count ? (int64_t)dict->slots[find_slot(dict, text)] - 1 : -1;
}

static void fill_slots(gs__dict *dict) {
    memset(dict->slots, 0, dict->slot_count * sizeof *dict->slots);
    for (uint32_t i = 0; i < dict->count; i++) dict->slots[find_slot(dict, dict->texts[i])] = i + 1;
}

static gs_status grow(gs__error *error, gs__dict *dict) {
    const uint32_t capacity = dict->capacity ? 2 * dict->capacity : 16;
    char **texts = realloc(dict->texts, capacity * sizeof *texts);
    if (texts) dict->texts = texts;
    uint32_t *slots = texts ? gs__allocate(error, 2 * (uint64_t)capacity, sizeof *slots, "categories") : NULL;
    if (!slots) return gs__fail(error, GS_ERR_MEMORY, "out of host memory for categories");
    free(dict->slots);
    dict->slots = slots;
    dict->slot_count = 2 * capacity;
    dict->capacity = capacity;
    fill_slots(dict);
    return GS_OK;
}

gs_status gs__dict_add(gs__error *error, gs__dict *dict, const char *text, uint32_t *number) {
    const int64_t found = gs__dict_find(dict, text);
    *number = (uint32_t)found;
    if (found >= 0) return GS_OK;
    if (dict->count == GS__MAX_CATEGORIES)
        return gs__fail(error, GS_ERR_FORMAT, "more than %d different values", GS__MAX_CATEGORIES);
    if (dict->count == dict->capacity) {
        gs_status status = grow(error, dict);
        if (status != GS_OK) return status;
    }
    char *copy = gs__text_copy(error, text);
    if (!copy) return GS_ERR_MEMORY;
    *number = dict->count;
    dict->slots[find_slot(dict, text)] = dict->count + 1;
    dict->texts[dict->count++] = copy;
    return GS_OK;
}

struct entry {
    char *text;
    double value;
    uint32_t number;
};

static int by_text(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    return strcmp(x->text, y->text);
}

static int by_value(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return by_text(a, b);
}

gs_status gs__dict_sort(gs__error *error, gs__dict *dict, uint32_t **place) {
    struct entry *entries = gs__allocate(error, dict->count, sizeof *entries, "categories");
    *place = gs__allocate(error, dict->count, sizeof **place, "categories");
    if (!entries || !*place) {
        free(entries);
        free(*place);
        *place = NULL;
        return GS_ERR_MEMORY;
    }
    bool numbers = true;
    for (uint32_t i = 0; i < dict->count; i++) {
        entries[i] = (struct entry){.text = dict->texts[i], .number = i};
        if (!gs__csv_number(dict->texts[i], &entries[i].value)) numbers = false;
    }
    qsort(entries, dict->count, sizeof *entries, numbers ? by_value : by_text);
    for (uint32_t i = 0; i < dict->count; i++) {
        dict->texts[i] = entries[i].text;
        (*place)[entries[i].number] = i;
    }
    if (dict->slots) fill_slots(dict);
    free(entries);
    return GS_OK;
}

void gs__dict_deinit(gs__dict *dict) {
    for (uint32_t i = 0; i < dict->count; i++) free(dict->texts[i]);
    free(dict->texts);
    free(dict->slots);
    *dict = (gs__dict){0};
}
