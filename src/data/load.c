// Data sets by specification, and samples for predict.
#include "data/load.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include "tensor/shape.h"
#include <gradsmith/recipe.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define FASHION_MNIST     "fashion-mnist"
#define FASHION_MNIST_DIR "/usr/share/datasets/fashion-mnist"
#define KNOWN_SPECS                                                                                                    \
    "fashion-mnist, fashion-mnist:train, fashion-mnist:test, csv:FILE, images:FOLDER, idx:IMAGES,LABELS, "             \
    "npy:SAMPLES.npy,TARGETS.npy, npz:FILE[,SAMPLES,TARGETS]"

static const char *const fashion_mnist_classes[10] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

typedef gs_status parser(gs__error *error, const char *name, const void *data, size_t bytes, gs__array_use use,
                         gs__array *array);

// Found now, with its place, rather than as a loss that is not a number.
static gs_status check_finite(gs__error *error, const char *name, const gs__array *array) {
    uint64_t count = 0;
    gs__shape_count(&array->shape, &count);
    const float *values = array->data;
    for (uint64_t i = 0; array->dtype == GS_F32 && i < count; i++)
        if (!isfinite(values[i]))
            return gs__fail(error, GS_ERR_FORMAT, "%s: element %llu is %s: training needs finite numbers", name,
                            (unsigned long long)i, isnan(values[i]) ? "not a number" : "infinite");
    return GS_OK;
}

// From how many bytes on a file is mapped: $GRADSMITH_MAP_BYTES.
static gs_status read_map_bytes(gs__error *error, uint64_t *bytes) {
    const char *text = getenv("GRADSMITH_MAP_BYTES");
    *bytes = UINT64_C(1) << 30;
    if (!text || !text[0]) return GS_OK;
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    *bytes = value;
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno) return GS_OK;
    return gs__fail(error, GS_ERR_ARGUMENT, "GRADSMITH_MAP_BYTES=%.64s: expected a number of bytes", text);
}

// Samples of a large file without gzip, where they lie, or array->data NULL: it has to be read.
static gs_status map_array(gs__error *error, const char *path, parser *parse, gs__array *array) {
    uint64_t least, bytes = 0;
    void *map = NULL;
    char name[160];
    gs_status status = GS_OK;
    GS_TRY(read_map_bytes(error, &least));
    GS_TRY(gs__file_map(error, path, least < 2 ? 2 : least, &map, &bytes));
    if (!map) return GS_OK;
    if (memcmp(map, "\x1F\x8B", 2) != 0)
        GS_TRY(parse(error, gs__text_show(gs__path_show(path), name, sizeof name), map, (size_t)bytes,
                     GS__SAMPLES_IN_PLACE, array));
    if (array->in_place) {
        array->map = map;
        array->map_bytes = bytes;
        return GS_OK;
    }
fail:
    gs__file_unmap(map, bytes);
    return status;
}

static gs_status read_array(gs__error *error, const char *path, parser *parse, gs__array_use use, gs__array *array) {
    char *data, name[160];
    size_t bytes;
    gs_status status = use == GS__SAMPLES ? map_array(error, path, parse, array) : GS_OK;
    if (status != GS_OK || array->data) return status;
    status = gs__file_read_gzip(error, path, GS__DATA_MAX_BYTES, &data, &bytes);
    if (status != GS_OK) return status;
    status = parse(error, gs__text_show(gs__path_show(path), name, sizeof name), data, bytes, use, array);
    free(data);
    if (status == GS_OK) status = check_finite(error, name, array);
    return status;
}

// `y_path` may be NULL: no targets.
static gs_status load_pair(gs__error *error, const char *name, parser *parse, const char *x_path, const char *y_path,
                           gs_data **data) {
    gs__array x = {0}, y = {0};
    gs_status status;
    GS_TRY(read_array(error, x_path, parse, GS__SAMPLES, &x));
    if (y_path) GS_TRY(read_array(error, y_path, parse, GS__TARGETS, &y));
    return gs__data_adopt(error, GS_ERR_FORMAT, name, &x, &y, data);
fail:
    gs__array_deinit(&x);
    gs__array_deinit(&y);
    return status;
}

// --- Fashion-MNIST -----------------------------------------------------------------------------------------------

// dir/middle/name or dir/middle/name.gz, where there is such a file; else NULL (or no memory).
static char *find_in(const char *dir, const char *middle, const char *name) {
    for (int gzip = 0; gzip < 2; gzip++) {
        char file[64];
        snprintf(file, sizeof file, "%s%s%s%s", middle, middle[0] ? "/" : "", name, gzip ? ".gz" : "");
        char *path = gs__path_join(NULL, dir, file);
        if (path && gs__file_exists(path)) return path;
        free(path);
    }
    return NULL;
}

static gs_status find_fashion_mnist(gs__error *error, const char *dir, const char *name, char **path) {
    const char *environment = getenv("GRADSMITH_DATA_DIR");
    if (!dir && environment && environment[0]) dir = environment;
    const char *where = dir ? dir : FASHION_MNIST_DIR;
    *path = find_in(where, "", name);
    if (!*path) *path = find_in(where, FASHION_MNIST, name);
    if (*path) return GS_OK;
    return gs__fail(error, GS_ERR_FILE,
                    "%s/%s.gz: not found: install the package (apt install dataset-fashion-mnist), or give the folder "
                    "of the four Fashion-MNIST files with --data-dir or GRADSMITH_DATA_DIR",
                    gs__path_show(where), name);
}

static gs_status load_fashion_mnist(gs__error *error, const char *split, const char *dir, gs_data **data) {
    char *images = NULL, *labels = NULL, file[64], name[32];
    const char *prefix = strcmp(split, "test") == 0 ? "t10k" : "train";
    gs_status status;
    snprintf(name, sizeof name, FASHION_MNIST ":%s", split);
    snprintf(file, sizeof file, "%s-images-idx3-ubyte", prefix);
    GS_TRY(find_fashion_mnist(error, dir, file, &images));
    snprintf(file, sizeof file, "%s-labels-idx1-ubyte", prefix);
    GS_TRY(find_fashion_mnist(error, dir, file, &labels));
    GS_TRY(load_pair(error, name, gs__idx_parse, images, labels, data));
    (*data)->class_names = fashion_mnist_classes;
    (*data)->class_count = 10;
fail:
    free(images);
    free(labels);
    return status;
}

// --- specifications ----------------------------------------------------------------------------------------------

static gs_status fail_spec(gs__error *error, const char *spec, const char *wrong) {
    char shown[80];
    return gs__fail(error, GS_ERR_ARGUMENT, "data \"%s\": %s; known are " KNOWN_SPECS,
                    gs__text_show(spec, shown, sizeof shown), wrong);
}

// "X,Y" into two paths.
static gs_status load_two_files(gs__error *error, const char *spec, const char *paths, parser *parse,
                                bool needs_targets, gs_data **data) {
    const char *comma = strchr(paths, ',');
    if (!paths[0] || paths[0] == ',' || (comma && !comma[1]) || (!comma && needs_targets))
        return fail_spec(error, spec, "two paths are needed, with a comma between them");
    if (comma && strchr(comma + 1, ','))
        return fail_spec(error, spec, "there are more than two paths (a path must not contain a comma)");
    char *x_path = gs__text_copy(error, paths);
    if (!x_path) return GS_ERR_MEMORY;
    char *y_path = NULL;
    if (comma) {
        x_path[comma - paths] = 0;
        y_path = x_path + (comma - paths) + 1;
    }
    char name[120];
    gs_status status =
        load_pair(error, gs__text_show(gs__path_show(spec), name, sizeof name), parse, x_path, y_path, data);
    free(x_path);
    return status;
}

// "FILE" or "FILE,SAMPLES,TARGETS". Without names: x and y, Keras's x_train and y_train, or those that numpy.savez
// gives to arrays without.
static gs_status load_npz(gs__error *error, const char *spec, const char *text, gs_data **data) {
    static const char *const pairs[][2] = {{"x", "y"}, {"x_train", "y_train"}, {"arr_0", "arr_1"}};
    gs_status status = GS_OK;
    gs__array x = {0}, y = {0};
    char *file = NULL, name[160], *path = gs__text_copy(error, text);
    size_t bytes;
    if (!path) return GS_ERR_MEMORY;
    char *x_key = strchr(path, ','), *y_key = NULL;
    if (x_key) *x_key++ = 0;
    if (x_key) y_key = strchr(x_key, ',');
    if (y_key) *y_key++ = 0;
    if (!path[0] || (x_key && !x_key[0]) || (y_key && (!y_key[0] || strchr(y_key, ',')))) {
        status = fail_spec(error, spec, "expected a file, or a file and the names of one or two of its arrays");
        goto fail;
    }
    gs__text_show(gs__path_show(path), name, sizeof name);
    GS_TRY(gs__file_read(error, path, GS__DATA_MAX_BYTES, &file, &bytes));
    if (!x_key) {
        size_t pair = 0;
        while (pair < 2 && !gs__npz_has(file, bytes, pairs[pair][0])) pair++;
        if (!gs__npz_has(file, bytes, pairs[pair][0])) pair = 0; // for the message
        GS_TRY(gs__npz_read(error, name, file, bytes, pairs[pair][0], GS__SAMPLES, &x));
        if (gs__npz_has(file, bytes, pairs[pair][1]))
            GS_TRY(gs__npz_read(error, name, file, bytes, pairs[pair][1], GS__TARGETS, &y));
    } else {
        GS_TRY(gs__npz_read(error, name, file, bytes, x_key, GS__SAMPLES, &x));
        if (y_key) GS_TRY(gs__npz_read(error, name, file, bytes, y_key, GS__TARGETS, &y));
    }
    GS_TRY(check_finite(error, name, &x));
    if (y.data) GS_TRY(check_finite(error, name, &y));
    status = gs__data_adopt(error, GS_ERR_FORMAT, name, &x, &y, data);
    x = y = (gs__array){0};
fail:
    gs__array_deinit(&x);
    gs__array_deinit(&y);
    free(file);
    free(path);
    return status;
}

bool gs__ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcasecmp(text + length - end_length, end) == 0;
}

bool gs__spec_is_table(const char *spec, const char **path) {
    static const char *const ends[] = {".csv", ".tsv", ".csv.gz", ".tsv.gz"};
    const bool named = strncmp(spec, "csv:", 4) == 0;
    *path = named ? spec + 4 : spec;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (gs__ends_with(spec, ends[i]) && !strchr(spec, ',') && !strchr(spec, ':')) return true;
    return named;
}

bool gs__spec_is_folder(const char *spec, const char **path) {
    struct stat status;
    const bool named = strncmp(spec, "images:", 7) == 0;
    *path = named ? spec + 7 : spec;
    if (strcmp(spec, FASHION_MNIST) == 0) return false; // even where a folder is called so
    return named || (stat(spec, &status) == 0 && S_ISDIR(status.st_mode));
}

gs_status gs__load_arrays(gs__error *error, const char *spec, const char *data_dir, gs_data **data) {
    size_t length = strlen(FASHION_MNIST);
    if (strncmp(spec, FASHION_MNIST, length) == 0 && (!spec[length] || spec[length] == ':')) {
        const char *split = spec[length] ? spec + length + 1 : "train";
        if (strcmp(split, "train") != 0 && strcmp(split, "test") != 0)
            return fail_spec(error, spec, "its splits are train and test");
        return load_fashion_mnist(error, split, data_dir, data);
    }
    if (strncmp(spec, "idx:", 4) == 0) return load_two_files(error, spec, spec + 4, gs__idx_parse, true, data);
    if (strncmp(spec, "npy:", 4) == 0) return load_two_files(error, spec, spec + 4, gs__npy_parse, false, data);
    if (strncmp(spec, "npz:", 4) == 0) return load_npz(error, spec, spec + 4, data);
    if (gs__ends_with(spec, ".npz")) return load_npz(error, spec, spec, data);
    return fail_spec(error, spec, "unknown data set");
}

gs_status gs_data_load(gs_context *context, const char *spec, const char *data_dir, gs_data **data) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    const char *path;
    char shown[80];
    if (!spec || !data) return gs__fail(error, GS_ERR_ARGUMENT, "gs_data_load: %s is NULL", spec ? "data" : "spec");
    if (gs__spec_is_table(spec, &path))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "data \"%s\" is a table: it is loaded with a recipe (gs_recipe_load) that names its label",
                        gs__text_show(spec, shown, sizeof shown));
    if (!gs__spec_is_folder(spec, &path)) return gs__load_arrays(error, spec, data_dir, data);
    gs_recipe *recipe;
    gs_status status = gs_recipe_create(context, NULL, &recipe);
    if (status != GS_OK) return status;
    status = gs_recipe_load_all(context, recipe, spec, data_dir, data);
    gs_recipe_destroy(&recipe);
    return status;
}

// --- samples for predict -----------------------------------------------------------------------------------------

// An array of samples, or one sample without the dimension that counts them.
static gs_status fit_samples(gs__error *error, const char *name, const gs_shape *sample_shape, gs__array *x) {
    uint64_t wanted, all = 0;
    char found[128], text[128];
    if (!gs__shape_count(sample_shape, &wanted) || !gs__shape_count(&x->shape, &all))
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: bad shape", name);
    if (x->shape.rank >= 1 && all / (uint64_t)x->shape.dim[0] == wanted) return GS_OK;
    if (all == wanted && x->shape.rank < GS_MAX_RANK) {
        memmove(x->shape.dim + 1, x->shape.dim, x->shape.rank * sizeof *x->shape.dim);
        x->shape.dim[0] = 1;
        x->shape.rank++;
        return GS_OK;
    }
    return gs__fail(error, GS_ERR_ARGUMENT, "%s: its shape %s is not (samples, ...) with samples of shape %s", name,
                    gs__shape_text(&x->shape, false, found, sizeof found),
                    gs__shape_text(sample_shape, false, text, sizeof text));
}

gs_status gs__load_input(gs__error *error, const char *path, const gs_shape *sample_shape, bool resizes,
                         gs_data **data) {
    char *bytes = NULL, name[160];
    size_t count;
    gs__array x = {0}, y = {0};
    gs_status status;
    gs__text_show(gs__path_show(path), name, sizeof name);
    GS_TRY(gs__file_read(error, path, GS__DATA_MAX_BYTES, &bytes, &count));
    if (count > 0 && (unsigned char)bytes[0] == 0x93) {
        GS_TRY(gs__npy_parse(error, name, bytes, count, GS__SAMPLES, &x));
        GS_TRY(fit_samples(error, name, sample_shape, &x));
    } else {
        GS_TRY(gs__image_parse(error, name, bytes, count, sample_shape, resizes, &x));
    }
    free(bytes);
    return gs__data_adopt(error, GS_ERR_FORMAT, name, &x, &y, data);
fail:
    free(bytes);
    gs__array_deinit(&x);
    return status;
}

gs_status gs_data_load_input(gs_context *context, const char *path, const gs_shape *sample_shape, gs_data **data) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    if (!path || !sample_shape || !data)
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_data_load_input: an argument is NULL");
    return gs__load_input(error, path, sample_shape, false, data);
}
