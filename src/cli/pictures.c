#include "pictures.h"
#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_COLUMNS = 2 * GS_MAX_METRICS + 8, MAX_CHARTS = GS_MAX_METRICS + 2, MAX_FILTERS = 64, MAX_CLASSES = 1000 };
enum { BYTES_LIMIT = 64 << 20, NAME_BYTES = 64 };

// --- history ---------------------------------------------------------------------------------------------------------
typedef struct column {
    char name[NAME_BYTES];
    double *values; // an epoch each; NAN: none
} column;

typedef struct history {
    column columns[MAX_COLUMNS];
    uint32_t column_count, epochs;
} history;

static void free_history(history *h) {
    for (uint32_t i = 0; i < h->column_count; i++) free(h->columns[i].values);
}

static column *find_column(history *h, const char *name, uint32_t capacity) {
    for (uint32_t i = 0; i < h->column_count; i++)
        if (strcmp(h->columns[i].name, name) == 0) return &h->columns[i];
    if (h->column_count == MAX_COLUMNS) return NULL;
    column *made = &h->columns[h->column_count];
    made->values = malloc(capacity * sizeof *made->values);
    if (made->values == NULL) return NULL;
    for (uint32_t i = 0; i < capacity; i++) made->values[i] = (double)NAN;
    snprintf(made->name, sizeof made->name, "%s", name);
    h->column_count++;
    return made;
}

static bool read_line(history *h, const char *line, size_t bytes, uint32_t capacity) {
    cJSON *object = cJSON_ParseWithLength(line, bytes);
    const cJSON *item;
    bool good = cJSON_IsObject(object);
    cJSON_ArrayForEach(item, object) {
        if (!cJSON_IsNumber(item) || strcmp(item->string, "epoch") == 0) continue;
        column *c = find_column(h, item->string, capacity);
        if (c != NULL) c->values[h->epochs] = item->valuedouble;
    }
    cJSON_Delete(object);
    h->epochs += good;
    return good;
}

static int read_history(const char *dir, history *h) {
    char *path = cli_join(dir, "log.jsonl");
    size_t bytes;
    char *text = path != NULL ? cli_read_file(path, BYTES_LIMIT, &bytes) : NULL;
    int code = text != NULL ? CLI_OK : CLI_FAILED;
    uint32_t lines = 1;
    for (const char *at = text; at != NULL && *at != 0; at++) lines += *at == '\n';
    uint32_t number = 0;
    for (const char *at = text; code == CLI_OK && *at != 0;) {
        size_t length = strcspn(at, "\n");
        number++;
        if (length > 0 && !read_line(h, at, length, lines))
            code = cli_fail("%s: line %" PRIu32 ": expected a JSON object, found \"%.40s\"", path, number,
                            cli_clean(at, 40).text);
        at += length + (at[length] == '\n');
    }
    if (code == CLI_OK && h->epochs == 0) code = cli_fail("%s: there is no epoch to draw", path);
    free(text);
    free(path);
    return code;
}

// --- charts ----------------------------------------------------------------------------------------------------------
typedef struct charts {
    gs_plot_chart list[MAX_CHARTS];
    gs_plot_curve curves[MAX_CHARTS][2];
    char titles[MAX_CHARTS][NAME_BYTES];
    const char *names[MAX_CHARTS]; // of the values, and of the files
    uint32_t count;
} charts;

static bool is_drawable(const column *c, uint32_t epochs) {
    double low = INFINITY, high = -INFINITY;
    for (uint32_t i = 0; i < epochs; i++) {
        if (!isfinite(c->values[i])) continue;
        low = fmin(low, c->values[i]);
        high = fmax(high, c->values[i]);
    }
    // A rate that stays the same says nothing.
    return low <= high && (strcmp(c->name, "learning_rate") != 0 || low < high);
}

// One chart for a value and its twin of the validation.
static void list_charts(history *h, charts *out) {
    static const char *const left_out[] = {"seconds", "samples_per_second", "val_seconds"};
    for (uint32_t i = 0; i < h->column_count && out->count < MAX_CHARTS; i++) {
        const column *c = &h->columns[i];
        bool skipped = strncmp(c->name, "val_", 4) == 0 || !is_drawable(c, h->epochs);
        for (size_t j = 0; j < 3; j++) skipped = skipped || strcmp(c->name, left_out[j]) == 0;
        if (skipped) continue;
        uint32_t n = out->count++;
        char twin[NAME_BYTES + 4];
        snprintf(twin, sizeof twin, "val_%s", c->name);
        out->names[n] = c->name;
        snprintf(out->titles[n], sizeof out->titles[n], "%s", c->name);
        for (char *letter = out->titles[n]; *letter != 0; letter++)
            if (*letter == '_') *letter = ' ';
        out->titles[n][0] = (char)toupper((unsigned char)out->titles[n][0]);
        out->curves[n][0] = (gs_plot_curve){"training", c->values, h->epochs};
        uint32_t curves = 1;
        for (uint32_t j = 0; j < h->column_count; j++) {
            if (strcmp(h->columns[j].name, twin) != 0 || !is_drawable(&h->columns[j], h->epochs)) continue;
            out->curves[n][curves++] = (gs_plot_curve){"validation", h->columns[j].values, h->epochs};
        }
        out->list[n] = (gs_plot_chart){out->titles[n], "epoch", out->curves[n], curves};
    }
}

// --- confusion -------------------------------------------------------------------------------------------------------
int cli_pictures_confusion(gs_context *context, const char *dir, gs_model *model, const gs_data *data, uint64_t begin) {
    char *path = cli_join(dir, "confusion.json");
    if (path == NULL) return CLI_FAILED;
    unlink(path);
    gs_data_info info;
    gs_model_info shape;
    gs_data *part = NULL;
    uint64_t *counts = NULL;
    cJSON *root = NULL;
    char *text = NULL;
    int code = CLI_OK;
    gs_data_get_info(data, &info);
    gs_model_get_info(model, &shape);
    uint64_t classes = shape.output_shape.rank == 1 ? (uint64_t)shape.output_shape.dim[0] : 0;
    uint64_t count = info.count - begin;
    // More would take too long beside the training, or not be seen.
    if (gs_data_y(data) == NULL || info.max_class < 0 || classes < 2 || classes > MAX_CLASSES ||
        count * classes > 20000000 || info.target_shape.rank != 0 || (uint64_t)info.max_class >= classes)
        goto done;
    code = CLI_FAILED;
    if (begin > 0 && gs_data_slice(context, data, begin, count, &part) != GS_OK) goto context_failed;
    counts = calloc(classes * classes, sizeof *counts);
    if (counts == NULL) {
        cli_fail("out of memory for the confusion matrix");
        goto done;
    }
    if (gs_model_confusion(model, part != NULL ? part : data, 0, counts, (uint32_t)classes) != GS_OK)
        goto context_failed;
    root = cJSON_CreateObject();
    cJSON *rows = cJSON_AddArrayToObject(root, "counts");
    for (uint64_t i = 0; i < classes; i++) {
        cJSON *row = cJSON_CreateArray();
        for (uint64_t k = 0; k < classes; k++)
            cJSON_AddItemToArray(row, cJSON_CreateNumber((double)counts[i * classes + k]));
        cJSON_AddItemToArray(rows, row);
    }
    text = cJSON_PrintUnformatted(root);
    FILE *file = text != NULL ? fopen(path, "w") : NULL;
    bool good = file != NULL && fprintf(file, "%s\n", text) > 0;
    if (file != NULL && fclose(file) != 0) good = false;
    code = good ? CLI_OK : cli_fail("%s: %s", path, strerror(errno));
    goto done;
context_failed:
    code = cli_fail_context(context, NULL);
done:
    cJSON_free(text);
    cJSON_Delete(root);
    gs_data_destroy(&part);
    free(counts);
    free(path);
    return code;
}

typedef struct matrix {
    gs_plot_matrix plot;
    uint64_t *counts;
    cJSON *names; // owns what plot.names has
    const char **name_list;
    bool there;
} matrix;

// Without a complaint: NULL when there is no such file, or no JSON in it, or it is encrypted.
static cJSON *read_json(const char *dir, const char *name) {
    char *path = cli_join(dir, name);
    size_t bytes;
    const bool readable = path != NULL && access(path, R_OK) == 0 && !gs_file_is_encrypted(path);
    char *text = readable ? cli_read_file(path, BYTES_LIMIT, &bytes) : NULL;
    cJSON *root = text != NULL ? cJSON_ParseWithLength(text, bytes) : NULL;
    free(text);
    free(path);
    return root;
}

static int read_matrix(const char *dir, matrix *m) {
    cJSON *root = read_json(dir, "confusion.json");
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(root, "counts"), *row, *cell;
    int classes = cJSON_GetArraySize(rows);
    bool good = root == NULL || (cJSON_IsArray(rows) && classes >= 1 && classes <= MAX_CLASSES);
    if (root != NULL && good) {
        m->counts = calloc((size_t)classes * (size_t)classes, sizeof *m->counts);
        m->name_list = calloc((size_t)classes, sizeof *m->name_list);
        good = m->counts != NULL && m->name_list != NULL;
        size_t at = 0;
        cJSON_ArrayForEach(row, rows) {
            good = good && cJSON_IsArray(row) && cJSON_GetArraySize(row) == classes;
            if (!good) break;
            cJSON_ArrayForEach(cell, row) {
                good = good && cJSON_IsNumber(cell) && cell->valuedouble >= 0 && cell->valuedouble < 9e15;
                m->counts[at++] = good ? (uint64_t)cell->valuedouble : 0;
            }
        }
    }
    cJSON_Delete(root);
    if (!good) return cli_fail("%s/confusion.json: expected {\"counts\": [[...], ...]}, a square of counts", dir);
    m->there = m->counts != NULL;
    if (!m->there) return CLI_OK;
    m->names = read_json(dir, "classes.json");
    bool named = cJSON_GetArraySize(m->names) == classes;
    for (int i = 0; i < classes && named; i++) m->name_list[i] = cJSON_GetStringValue(cJSON_GetArrayItem(m->names, i));
    m->plot = (gs_plot_matrix){"Confusion matrix (validation)", m->counts, m->name_list, (uint32_t)classes};
    return CLI_OK;
}

static void free_matrix(matrix *m) {
    free(m->counts);
    free(m->name_list);
    cJSON_Delete(m->names);
}

// --- filters ---------------------------------------------------------------------------------------------------------
// Shape of what a filter of a Dense layer looks at: that of the input, or a square of pixels.
static bool pixels_of(const gs_shape *input, uint64_t elements, gs_plot_images *images) {
    uint64_t side = (uint64_t)lround(sqrt((double)elements));
    images->channels = 1;
    if (input->rank == 3 && (input->dim[2] == 1 || input->dim[2] == 3)) images->channels = (uint32_t)input->dim[2];
    else if (input->rank != 2 && !(input->rank == 1 && elements >= 64 && side * side == elements)) return false;
    images->height = input->rank == 1 ? (uint32_t)side : (uint32_t)input->dim[0];
    images->width = input->rank == 1 ? (uint32_t)side : (uint32_t)input->dim[1];
    return (uint64_t)images->height * images->width * images->channels == elements;
}

// The first parameter as pictures: (in, units) of Dense, (rows, columns, channels, filters) of Conv2D. NULL: it is none.
static float *make_filters(gs_model *model, gs_plot_images *images) {
    gs_model_info info;
    gs_parameter_info p;
    *images = (gs_plot_images){.title = "Filters of the first layer"};
    gs_model_get_info(model, &info);
    if (info.parameter_tensor_count == 0 || gs_model_get_parameter(model, 0, &p) != GS_OK) return NULL;
    uint64_t filters = p.shape.rank >= 2 ? (uint64_t)p.shape.dim[p.shape.rank - 1] : 0;
    uint64_t elements = filters > 0 ? p.count / filters : 0;
    bool good = false;
    if (p.shape.rank == 2) good = pixels_of(&info.input_shape, elements, images);
    if (p.shape.rank == 4 && (p.shape.dim[2] == 1 || p.shape.dim[2] == 3)) {
        images->height = (uint32_t)p.shape.dim[0];
        images->width = (uint32_t)p.shape.dim[1];
        images->channels = (uint32_t)p.shape.dim[2];
        good = true;
    }
    images->count = filters < MAX_FILTERS ? (uint32_t)filters : MAX_FILTERS;
    float *from = good ? malloc(p.count * sizeof *from) : NULL;
    float *to = good ? malloc(images->count * elements * sizeof *to) : NULL;
    if (from == NULL || to == NULL || gs_model_read_parameter(model, 0, from, p.count) != GS_OK) {
        free(from);
        free(to);
        return NULL;
    }
    for (uint64_t i = 0; i < elements; i++)
        for (uint32_t f = 0; f < images->count; f++) to[f * elements + i] = from[i * filters + f];
    images->values = to;
    free(from);
    return to;
}

// --- all of it -------------------------------------------------------------------------------------------------------
typedef struct drawing {
    gs_context *context;
    const char *dir;
    char *path; // of the last file
    int code;
} drawing;

static const char *file_path(drawing *d, const char *folder, const char *name) {
    char relative[NAME_BYTES + 32];
    snprintf(relative, sizeof relative, "%s%s", folder, name);
    free(d->path);
    d->path = cli_join(d->dir, relative);
    if (d->path == NULL) d->code = CLI_FAILED;
    return d->path;
}

static void check(drawing *d, gs_status status) {
    if (status != GS_OK && d->code == CLI_OK) d->code = cli_fail_context(d->context, NULL);
}

// A metric's name as a file's.
static const char *file_name(const char *name, char *buffer, size_t bytes) {
    snprintf(buffer, bytes, "%s.png", name);
    for (char *c = buffer; *c != 0; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-' && *c != '.') *c = '_';
    return buffer;
}

static void draw_files(drawing *d, const charts *list, const matrix *m, const gs_plot_images *images) {
    char name[NAME_BYTES + 8];
    for (uint32_t i = 0; i < list->count && d->code == CLI_OK; i++) {
        const char *path = file_path(d, "plots/", file_name(list->names[i], name, sizeof name));
        if (path != NULL) check(d, gs_plot_chart_png(d->context, &list->list[i], path));
    }
    if (m->there && d->code == CLI_OK && file_path(d, "plots/", "confusion.png") != NULL)
        check(d, gs_plot_matrix_png(d->context, &m->plot, d->path));
    if (images->values != NULL && d->code == CLI_OK && file_path(d, "plots/", "filters.png") != NULL)
        check(d, gs_plot_images_png(d->context, images, d->path));
}

static void draw_report(drawing *d, const history *h, const charts *list, const matrix *m, const gs_plot_images *images,
                        gs_model *model) {
    char title[128], subtitle[160], last[80] = "";
    const char *slash = d->dir + strlen(d->dir);
    while (slash > d->dir && slash[-1] == '/') slash--;
    const char *end = slash;
    while (slash > d->dir && slash[-1] != '/') slash--;
    snprintf(title, sizeof title, "%.*s", (int)(end - slash), slash);
    if (list->count > 0) {
        const gs_plot_curve *c = &list->list[0].curves[list->list[0].curve_count - 1];
        snprintf(last, sizeof last, ", %s%s %.4g", list->list[0].curve_count > 1 ? "val_" : "", list->names[0],
                 c->values[c->count - 1]);
    }
    gs_model_info info = {0};
    if (model != NULL) gs_model_get_info(model, &info);
    snprintf(subtitle, sizeof subtitle, "%.40s%s%" PRIu32 " epoch%s%s",
             model != NULL ? cli_group(info.parameter_count).text : "", model != NULL ? " parameters, " : "", h->epochs,
             h->epochs == 1 ? "" : "s", last);
    gs_plot_report report = {
        title, subtitle, list->list, list->count, m->there ? &m->plot : NULL, images->values != NULL ? images : NULL};
    if (file_path(d, "", "report.html") != NULL) check(d, gs_plot_html(d->context, &report, d->path));
}

int cli_pictures_draw(gs_context *context, const char *dir, gs_model *model) {
    history h = {0};
    charts list = {0};
    matrix m = {0};
    gs_plot_images images = {0};
    drawing d = {.context = context, .dir = dir, .code = read_history(dir, &h)};
    float *values = NULL;
    if (d.code == CLI_OK) d.code = read_matrix(dir, &m);
    if (d.code == CLI_OK) {
        list_charts(&h, &list);
        if (model != NULL) values = make_filters(model, &images);
        const char *folder = file_path(&d, "plots", "");
        if (folder != NULL && mkdir(folder, 0777) != 0 && errno != EEXIST)
            d.code = cli_fail("%s: %s", folder, strerror(errno));
    }
    if (d.code == CLI_OK) draw_files(&d, &list, &m, &images);
    if (d.code == CLI_OK) draw_report(&d, &h, &list, &m, &images, model);
    free(values);
    free(d.path);
    free_matrix(&m);
    free_history(&h);
    return d.code;
}
