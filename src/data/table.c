// Tables (CSV) as raw samples: numbers, and numbers of categories.
#include "base/memory.h"
#include "base/text.h"
#include "data/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum column_kind { UNKNOWN, NUMBER, CATEGORY } column_kind;

enum { IGNORED = -1, LABEL = -2 };

struct table {
    gs__error *error;
    gs_recipe *recipe;
    const char *name;
    gs__table_use use;
    gs__csv csv;

    gs__csv_cell *titles; // of the first line; text is `recipe`'s or the file's
    uint32_t cell_count;  // of every line
    int32_t *place;       // of each cell: its column in the recipe, IGNORED or LABEL
    column_kind *kinds;   // of the recipe's columns
    column_kind label_kind;
    bool has_label, label_is_whole, label_is_seen;

    float *x;        // (rows, columns)
    float *y;        // values
    int32_t *number; // classes
    uint64_t rows, capacity;
};

// --- columns -----------------------------------------------------------------------------------------------------

static gs_status fail_cell(struct table *t, uint32_t cell, const char *what) {
    char shown[48], title[48];
    const gs__csv_cell *c = &t->csv.cells[cell];
    return gs__fail(t->error, GS_ERR_FORMAT, "%s:%llu: column %u (%s): \"%s\" %s", t->name, (unsigned long long)c->line,
                    cell + 1, gs__text_show(t->titles[cell].text, title, sizeof title),
                    gs__text_show(c->text, shown, sizeof shown), what);
}

// The cell of the column that a wish names. A name wins over a number.
static bool find_cell(const struct table *t, const char *word, size_t length, uint32_t *cell) {
    for (*cell = 0; *cell < t->cell_count; ++*cell)
        if (strlen(t->titles[*cell].text) == length && memcmp(t->titles[*cell].text, word, length) == 0) return true;
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        if (word[i] < '0' || word[i] > '9' || number > GS__CSV_MAX_CELLS) return false;
        number = 10 * number + (uint64_t)(word[i] - '0');
    }
    *cell = (uint32_t)number - 1;
    return number >= 1 && number <= t->cell_count;
}

static gs_status fail_no_column(struct table *t, const char *word, size_t length) {
    gs__text list = {0};
    char shown[48];
    for (uint32_t i = 0; i < t->cell_count && list.length < 200; i++)
        gs__text_append(&list, "%s%s", i ? ", " : "", gs__text_show(t->titles[i].text, shown, sizeof shown));
    gs_status status = gs__fail(t->error, GS_ERR_ARGUMENT, "%s: there is no column \"%.*s\": the %u columns are %s%s",
                                t->name, length > 60 ? 60 : (int)length, word, t->cell_count,
                                list.data ? list.data : "", list.length >= 200 ? ", ..." : "");
    gs__text_deinit(&list);
    return status;
}

// Marks the cells that a list names; each word must name one.
static gs_status mark_list(struct table *t, const char *list, bool *marks) {
    while (list && *list) {
        const size_t length = strcspn(list, ",");
        uint32_t cell;
        if (!find_cell(t, list, length, &cell)) return fail_no_column(t, list, length);
        marks[cell] = true;
        list += length + (list[length] == ',');
    }
    return GS_OK;
}

static gs_status check_titles(struct table *t) {
    uint32_t numbers = 0;
    double value;
    for (uint32_t i = 0; i < t->cell_count; i++) {
        const char *title = t->titles[i].text;
        char shown[48];
        if (gs__csv_number(title, &value)) numbers++;
        if (!title[0] || !gs__utf8_is_valid(title))
            return gs__fail(t->error, GS_ERR_FORMAT, "%s:%llu: the name of column %u is %s", t->name,
                            (unsigned long long)t->titles[i].line, i + 1, title[0] ? "not UTF-8" : "empty");
        for (uint32_t j = 0; j < i && t->cell_count <= 4096; j++)
            if (strcmp(t->titles[j].text, title) == 0)
                return gs__fail(t->error, GS_ERR_FORMAT, "%s:%llu: columns %u and %u are both called \"%s\"", t->name,
                                (unsigned long long)t->titles[i].line, j + 1, i + 1,
                                gs__text_show(title, shown, sizeof shown));
    }
    if (numbers == t->cell_count)
        return gs__fail(t->error, GS_ERR_FORMAT,
                        "%s: its first line has only numbers, where the names of the columns are expected; say that it "
                        "has no header (--no-header) if it has none",
                        t->name);
    return GS_OK;
}

// Titles from the first line, or made up; they outlive the row.
static gs_status read_titles(struct table *t) {
    gs_status status = GS_OK;
    bool more;
    char *numbers = NULL;
    GS_TRY(gs__csv_next(&t->csv, &more));
    if (!more) return gs__fail(t->error, GS_ERR_FORMAT, "%s: the file is empty", t->name);
    t->cell_count = t->csv.count;
    const bool made_up = t->recipe->params.no_header;
    const uint64_t bytes = t->cell_count * sizeof *t->titles;
    t->titles = gs__allocate(t->error, bytes + (made_up ? (uint64_t)t->cell_count * 12 : 0), 1, "columns");
    t->place = gs__allocate(t->error, t->cell_count, sizeof *t->place, "columns");
    if (!t->titles || !t->place) return GS_ERR_MEMORY;
    memcpy(t->titles, t->csv.cells, bytes);
    numbers = (char *)t->titles + bytes;
    for (uint32_t i = 0; i < t->cell_count; i++) {
        t->place[i] = IGNORED;
        if (!made_up) continue;
        snprintf(numbers + 12 * (size_t)i, 12, "%u", i + 1);
        t->titles[i].text = numbers + 12 * (size_t)i;
    }
    if (!made_up) status = check_titles(t);
fail:
    return status;
}

static gs_status add_column(struct table *t, uint32_t cell, bool category) {
    gs_recipe *r = t->recipe;
    gs__column *column = &r->columns[r->column_count];
    *column = (gs__column){.name = gs__text_copy(t->error, t->titles[cell].text), .fill = (double)NAN, .factor = 1};
    if (!column->name) return GS_ERR_MEMORY;
    t->kinds[r->column_count] = category ? CATEGORY : UNKNOWN;
    t->place[cell] = (int32_t)r->column_count++;
    return GS_OK;
}

// The recipe's columns are this file's.
static gs_status learn_columns(struct table *t) {
    gs_status status = GS_OK;
    gs_recipe *r = t->recipe;
    uint32_t label;
    bool *marks = gs__allocate(t->error, 2 * (uint64_t)t->cell_count, sizeof *marks, "columns");
    r->columns = gs__allocate(t->error, t->cell_count, sizeof *r->columns, "columns");
    t->kinds = gs__allocate(t->error, t->cell_count, sizeof *t->kinds, "columns");
    if (!marks || !r->columns || !t->kinds) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    if (!r->params.label || !r->params.label[0])
        GS_TRY(gs__fail(t->error, GS_ERR_ARGUMENT,
                        "%s: a table needs to be told which column has the targets: --label NAME, or its number",
                        t->name));
    if (!find_cell(t, r->params.label, strlen(r->params.label), &label))
        GS_TRY(fail_no_column(t, r->params.label, strlen(r->params.label)));
    GS_TRY(mark_list(t, r->params.ignore, marks));
    GS_TRY(mark_list(t, r->params.categorical, marks + t->cell_count));
    if (marks[label])
        GS_TRY(gs__fail(t->error, GS_ERR_ARGUMENT, "%s: column \"%.60s\" is both the label and ignored", t->name,
                        r->params.label));
    r->label = gs__text_copy(t->error, t->titles[label].text);
    if (!r->label) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    t->place[label] = LABEL;
    t->has_label = true;
    for (uint32_t i = 0; i < t->cell_count; i++)
        if (i != label && !marks[i]) GS_TRY(add_column(t, i, marks[t->cell_count + i]));
    if (!r->column_count) GS_TRY(gs__fail(t->error, GS_ERR_FORMAT, "%s: there is no column but the label", t->name));
    if (r->params.label_kind != GS_LABEL_AUTO)
        t->label_kind = r->params.label_kind == GS_LABEL_CLASS ? CATEGORY : NUMBER;
    t->label_is_whole = true;
fail:
    free(marks);
    return status;
}

// The recipe's columns are looked up in this file by name; others are passed over.
static gs_status match_columns(struct table *t) {
    gs_recipe *r = t->recipe;
    t->kinds = gs__allocate(t->error, r->column_count, sizeof *t->kinds, "columns");
    if (!t->kinds) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < r->column_count; i++) {
        uint32_t cell = 0;
        while (cell < t->cell_count && strcmp(t->titles[cell].text, r->columns[i].name) != 0) cell++;
        if (cell == t->cell_count) return fail_no_column(t, r->columns[i].name, strlen(r->columns[i].name));
        t->place[cell] = (int32_t)i;
        t->kinds[i] = r->columns[i].category ? CATEGORY : NUMBER;
    }
    t->label_kind = r->label_is_class ? CATEGORY : NUMBER;
    if (!t->use.labels) return GS_OK;
    for (uint32_t i = 0; i < t->cell_count && !t->has_label; i++)
        if (strcmp(t->titles[i].text, r->label) == 0) {
            t->place[i] = LABEL;
            t->has_label = true;
        }
    return t->has_label ? GS_OK : fail_no_column(t, r->label, strlen(r->label));
}

// --- cells -------------------------------------------------------------------------------------------------------

// What is known, for the message about what is not.
static gs_status fail_unknown(struct table *t, uint32_t cell, const gs__dict *dict) {
    gs__text list = {0};
    char shown[40];
    for (uint32_t i = 0; i < dict->count && list.length < 120; i++)
        gs__text_append(&list, "%s%s", i ? ", " : "", gs__text_show(dict->texts[i], shown, sizeof shown));
    gs__text what = {0};
    gs__text_append(&what, "was not in the training data; known are %s%s", list.data ? list.data : "nothing",
                    list.length >= 120 ? ", ..." : "");
    gs_status status = fail_cell(t, cell, what.data ? what.data : "was not in the training data");
    gs__text_deinit(&list);
    gs__text_deinit(&what);
    return status;
}

static gs_status read_category(struct table *t, uint32_t cell, gs__dict *dict, uint32_t *number) {
    const char *text = t->csv.cells[cell].text;
    if (!t->use.learns) {
        const int64_t found = gs__dict_find(dict, text);
        *number = (uint32_t)found;
        return found >= 0 ? GS_OK : fail_unknown(t, cell, dict);
    }
    if (!gs__utf8_is_valid(text)) return fail_cell(t, cell, "is not UTF-8");
    gs_status status = gs__dict_add(t->error, dict, text, number);
    if (status == GS_ERR_FORMAT)
        return fail_cell(t, cell, "is one value more than the 65536 that a column of categories may have");
    return status;
}

static gs_status read_number(struct table *t, uint32_t cell, double *value) {
    if (gs__csv_number(t->csv.cells[cell].text, value) && isfinite((float)*value)) return GS_OK;
    return fail_cell(t, cell,
                     "is not a number that fits float32, as the cells above it are; a column of categories can "
                     "be named (--categorical)");
}

// *keep: false where the row is to be dropped.
static gs_status missing(struct table *t, uint32_t cell, bool is_label, bool *keep) {
    const gs_missing policy = t->recipe->params.missing;
    if (policy == GS_MISSING_DROP && t->use.labels) {
        *keep = false;
        return GS_OK;
    }
    if (is_label) return fail_cell(t, cell, "is a missing target; --missing drop leaves such rows out");
    if (policy == GS_MISSING_DROP) return fail_cell(t, cell, "is a missing value, and no row can be left out here");
    if (policy == GS_MISSING_ERROR)
        return fail_cell(t, cell, "is a missing value; --missing mean, zero or drop says what to do about it");
    return GS_OK;
}

static gs_status read_sample_cell(struct table *t, uint32_t cell, uint32_t column, bool *keep) {
    gs_status status = GS_OK;
    float *x = t->x + t->rows * t->recipe->column_count + column;
    double value;
    uint32_t number;
    *x = NAN;
    if (gs__csv_is_missing(t->csv.cells[cell].text)) return missing(t, cell, false, keep);
    if (t->kinds[column] == UNKNOWN)
        t->kinds[column] = gs__csv_number(t->csv.cells[cell].text, &value) ? NUMBER : CATEGORY;
    if (t->kinds[column] == NUMBER) {
        GS_TRY(read_number(t, cell, &value));
        *x = (float)value;
    } else {
        GS_TRY(read_category(t, cell, &t->recipe->columns[column].categories, &number));
        *x = (float)number;
    }
fail:
    return status;
}

static gs_status read_label_cell(struct table *t, uint32_t cell, bool *keep) {
    gs_status status = GS_OK;
    const char *text = t->csv.cells[cell].text;
    double value = 0;
    uint32_t number;
    if (gs__csv_is_missing(text)) return missing(t, cell, true, keep);
    if (t->label_kind == UNKNOWN && !t->label_is_seen && !gs__csv_number(text, &value)) t->label_kind = CATEGORY;
    t->label_is_seen = true;
    if (t->label_kind != CATEGORY) {
        GS_TRY(read_number(t, cell, &value));
        t->y[t->rows] = (float)value;
        if (t->label_kind == UNKNOWN && (strpbrk(text, ".eE") || value < 0)) t->label_is_whole = false;
    }
    // Whole numbers may turn out to be classes.
    if (t->label_kind == CATEGORY || (t->label_kind == UNKNOWN && t->label_is_whole)) {
        status = read_category(t, cell, &t->recipe->classes, &number);
        if (status == GS_ERR_FORMAT && t->label_kind == UNKNOWN) {
            t->label_is_whole = false;
            status = GS_OK;
        }
        t->number[t->rows] = (int32_t)number;
    }
fail:
    return status;
}

static gs_status make_room(struct table *t) {
    if (t->rows < t->capacity) return GS_OK;
    const uint64_t capacity = t->capacity ? 2 * t->capacity : 256, width = t->recipe->column_count;
    float *x = NULL, *y = NULL;
    int32_t *number = NULL;
    if (capacity * width * sizeof *x <= GS__DATA_MAX_BYTES) {
        x = realloc(t->x, capacity * width * sizeof *x);
        if (x) t->x = x;
        y = x ? realloc(t->y, capacity * sizeof *y) : NULL;
        if (y) t->y = y;
        number = y ? realloc(t->number, capacity * sizeof *number) : NULL;
        if (number) t->number = number;
    }
    if (!number) return gs__fail(t->error, GS_ERR_MEMORY, "%s: out of host memory for its rows", t->name);
    t->capacity = capacity;
    return GS_OK;
}

static gs_status read_row(struct table *t) {
    gs_status status = GS_OK;
    bool keep = true;
    if (t->csv.count != t->cell_count) {
        const uint64_t line = t->csv.cells[0].line;
        return gs__fail(t->error, GS_ERR_FORMAT, "%s:%llu: %u cells, expected %u as in the first line%s", t->name,
                        (unsigned long long)line, t->csv.count, t->cell_count,
                        t->cell_count == 1 || t->csv.count == 1 ? " (is the delimiter right?)" : "");
    }
    GS_TRY(make_room(t));
    // All cells are looked at, so that a dropped row still has to be a good one as far as it goes.
    for (uint32_t i = 0; i < t->cell_count; i++) {
        if (t->place[i] >= 0) GS_TRY(read_sample_cell(t, i, (uint32_t)t->place[i], &keep));
        else if (t->place[i] == LABEL) GS_TRY(read_label_cell(t, i, &keep));
    }
    t->rows += keep;
fail:
    return status;
}

// --- the whole ---------------------------------------------------------------------------------------------------

static gs_status sort_column(struct table *t, uint32_t column) {
    uint32_t *place;
    gs_status status = gs__dict_sort(t->error, &t->recipe->columns[column].categories, &place);
    if (status != GS_OK) return status;
    for (uint64_t row = 0; row < t->rows; row++) {
        float *x = &t->x[row * t->recipe->column_count + column];
        if (!isnan(*x)) *x = (float)place[(uint32_t)*x];
    }
    free(place);
    return GS_OK;
}

static gs_status sort_classes(struct table *t) {
    uint32_t *place;
    gs_status status = gs__dict_sort(t->error, &t->recipe->classes, &place);
    if (status != GS_OK) return status;
    for (uint64_t row = 0; row < t->rows; row++) t->number[row] = (int32_t)place[t->number[row]];
    free(place);
    return GS_OK;
}

// The kinds of the columns become the recipe's.
static gs_status finish_columns(struct table *t) {
    gs_status status = GS_OK;
    gs_recipe *r = t->recipe;
    for (uint32_t i = 0; i < r->column_count; i++) {
        if (t->kinds[i] == UNKNOWN)
            return gs__fail(t->error, GS_ERR_FORMAT, "%s: column \"%.60s\" has no values; --ignore leaves it out",
                            t->name, r->columns[i].name);
        r->columns[i].category = t->kinds[i] == CATEGORY;
        if (r->columns[i].category) GS_TRY(sort_column(t, i));
    }
    r->label_is_class = t->label_kind == CATEGORY || (t->label_kind == UNKNOWN && t->label_is_whole);
    if (r->label_is_class) GS_TRY(sort_classes(t));
    else gs__dict_deinit(&r->classes);
fail:
    return status;
}

static gs_status make_data(struct table *t, gs_data **raw) {
    const gs_recipe *r = t->recipe;
    gs__array x = {.dtype = GS_F32, .shape = {2, {(int64_t)t->rows, r->column_count}}, .data = t->x}, y = {0};
    t->x = NULL;
    if (t->has_label) {
        y = (gs__array){.dtype = r->label_is_class ? GS_I32 : GS_F32, .shape = {1, {(int64_t)t->rows}}};
        y.data = r->label_is_class ? (void *)t->number : t->y;
        if (r->label_is_class) t->number = NULL;
        else t->y = NULL;
    }
    gs_status status = gs__data_adopt(t->error, GS_ERR_FORMAT, t->name, &x, &y, raw);
    if (status == GS_OK && t->has_label && r->label_is_class)
        status = gs__data_set_names(t->error, *raw, (const char *const *)r->classes.texts, r->classes.count);
    if (status != GS_OK) gs_data_destroy(raw);
    return status;
}

gs_status gs__table_read(gs__error *error, gs_recipe *recipe, const char *name, char *text, size_t bytes,
                         gs__table_use use, gs_data **raw) {
    gs_status status = GS_OK;
    struct table t = {.error = error, .recipe = recipe, .name = name, .use = use};
    bool more = true;
    *raw = NULL;
    GS_TRY(gs__csv_begin(error, name, recipe->params.delimiter, text, bytes, &t.csv));
    GS_TRY(read_titles(&t));
    GS_TRY(use.learns ? learn_columns(&t) : match_columns(&t));
    if (recipe->params.no_header) GS_TRY(read_row(&t));
    for (;;) {
        GS_TRY(gs__csv_next(&t.csv, &more));
        if (!more) break;
        GS_TRY(read_row(&t));
    }
    if (!t.rows)
        GS_TRY(gs__fail(error, GS_ERR_FORMAT, "%s: no rows %s", name,
                        t.capacity ? "are left: each has a missing value" : "follow the names of its columns"));
    if (use.learns) GS_TRY(finish_columns(&t));
    status = make_data(&t, raw);
fail:
    gs__csv_deinit(&t.csv);
    free(t.titles);
    free(t.place);
    free(t.kinds);
    free(t.x);
    free(t.y);
    free(t.number);
    return status;
}
