// Folders of images: every folder below is a class, with images in it or in folders below.
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "data/recipe.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 16 };
#define MAX_FILE_BYTES (UINT64_C(1) << 30)

struct entry {
    char *path;
    int32_t class;
};

struct folder {
    gs__error *error;
    gs_recipe *recipe;
    const char *name; // shown
    struct entry *entries;
    uint32_t count, capacity;
    uint32_t height, width, channels;
    unsigned char *pixels;
    gs__image *infos;   // of each image
    gs_status *results; // of each image
};

// --- listing -----------------------------------------------------------------------------------------------------

static bool is_image_name(const char *name) {
    static const char *const ends[] = {".png", ".bmp", ".jpg", ".jpeg"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
        if (strcasecmp(dot, ends[i]) == 0) return true;
    return false;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) free(names[i]);
    free(names);
}

// Names in a folder, sorted, without hidden ones.
static gs_status list_names(gs__error *error, const char *path, char ***names, uint32_t *count) {
    gs_status status = GS_OK;
    DIR *dir = opendir(path);
    const struct dirent *entry;
    *names = NULL;
    *count = 0;
    if (!dir) return gs__fail(error, GS_ERR_FILE, "%s: %s", gs__path_show(path), strerror(errno));
    while (status == GS_OK && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        if ((*count & (*count - 1)) == 0) { // a power of two: full
            char **more = realloc(*names, (*count ? 2 * (size_t)*count : 1) * sizeof *more);
            if (more) *names = more;
            else status = gs__fail(error, GS_ERR_MEMORY, "%s: out of host memory", gs__path_show(path));
        }
        char *copy = status == GS_OK ? gs__text_copy(error, entry->d_name) : NULL;
        if (copy) (*names)[(*count)++] = copy;
        else status = GS_ERR_MEMORY;
    }
    closedir(dir);
    if (status == GS_OK && *count) qsort(*names, *count, sizeof **names, compare);
    if (status != GS_OK) free_names(*names, *count);
    return status;
}

static gs_status add_image(struct folder *f, char *path, int32_t class) {
    if (f->count == f->capacity) {
        const uint32_t capacity = f->capacity ? 2 * f->capacity : 64;
        struct entry *entries = capacity > f->capacity ? realloc(f->entries, capacity * sizeof *entries) : NULL;
        if (!entries) {
            free(path);
            return gs__fail(f->error, GS_ERR_MEMORY, "%s: out of host memory", f->name);
        }
        f->entries = entries;
        f->capacity = capacity;
    }
    f->entries[f->count++] = (struct entry){path, class};
    return GS_OK;
}

static gs_status list_images(struct folder *f, const char *path, int32_t class, unsigned depth) {
    gs_status status = GS_OK;
    char **names;
    uint32_t count;
    if (depth > MAX_DEPTH)
        return gs__fail(f->error, GS_ERR_FORMAT, "%s: folders within folders, %d deep", gs__path_show(path), MAX_DEPTH);
    status = list_names(f->error, path, &names, &count);
    if (status != GS_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        struct stat kind;
        char *inside = gs__path_join(f->error, path, names[i]);
        if (!inside) {
            status = GS_ERR_MEMORY;
            goto fail;
        }
        if (stat(inside, &kind) == 0 && S_ISDIR(kind.st_mode)) {
            status = list_images(f, inside, class, depth + 1);
            free(inside);
            if (status != GS_OK) goto fail;
        } else if (is_image_name(names[i])) {
            GS_TRY(add_image(f, inside, class));
        } else {
            free(inside);
        }
    }
fail:
    free_names(names, count);
    return status;
}

static gs_status list_class(struct folder *f, const char *path, const char *class, bool learns) {
    char shown[64];
    uint32_t number;
    const uint32_t before = f->count;
    gs__text_show(class, shown, sizeof shown);
    if (!gs__utf8_is_valid(class))
        return gs__fail(f->error, GS_ERR_FORMAT, "%s: the name of the folder \"%s\" is not UTF-8", f->name, shown);
    if (learns) {
        gs_status status = gs__dict_add(f->error, &f->recipe->classes, class, &number);
        if (status != GS_OK) return status;
    }
    const int64_t found = gs__dict_find(&f->recipe->classes, class);
    if (found < 0)
        return gs__fail(f->error, GS_ERR_FORMAT, "%s: class \"%s\" was not in the training data", f->name, shown);
    gs_status status = list_images(f, path, (int32_t)found, 0);
    if (status == GS_OK && f->count == before)
        return gs__fail(f->error, GS_ERR_FORMAT,
                        "%s: the folder of class \"%s\" has no images (.png, .bmp, .jpg or .jpeg)", f->name, shown);
    return status;
}

static gs_status list_classes(struct folder *f, const char *path) {
    gs_status status = GS_OK;
    char **names;
    uint32_t count;
    const bool learns = !f->recipe->learnt;
    status = list_names(f->error, path, &names, &count);
    if (status != GS_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        struct stat kind;
        char *inside = gs__path_join(f->error, path, names[i]);
        if (!inside) status = GS_ERR_MEMORY;
        else if (stat(inside, &kind) == 0 && S_ISDIR(kind.st_mode)) status = list_class(f, inside, names[i], learns);
        free(inside);
        if (status != GS_OK) goto fail;
    }
    if (!f->count)
        GS_TRY(gs__fail(f->error, GS_ERR_FORMAT,
                        "%s: no folders in it: images are expected in folders that are named after their classes",
                        f->name));
fail:
    free_names(names, count);
    return status;
}

// --- reading -----------------------------------------------------------------------------------------------------

static void read_info(void *user, uint32_t index) {
    struct folder *f = user;
    const char *path = f->entries[index].path;
    char *data, name[160];
    size_t bytes;
    gs__error error = {0};
    gs_status status = gs__file_read(&error, path, MAX_FILE_BYTES, &data, &bytes);
    if (status == GS_OK) {
        status = gs__image_info(&error, gs__text_show(gs__path_show(path), name, sizeof name), data, bytes,
                                &f->infos[index]);
        free(data);
    }
    f->results[index] = status;
}

static void read_pixels(void *user, uint32_t index) {
    struct folder *f = user;
    const char *path = f->entries[index].path;
    const size_t elements = (size_t)f->height * f->width * f->channels;
    char *data, name[160];
    size_t bytes;
    gs__error error = {0};
    gs__image image = {0};
    gs_status status = gs__file_read(&error, path, MAX_FILE_BYTES, &data, &bytes);
    if (status == GS_OK) {
        gs__text_show(gs__path_show(path), name, sizeof name);
        status = gs__image_decode(&error, name, data, bytes, f->channels, &image);
        if (status == GS_OK) status = gs__image_resize(&error, name, f->height, f->width, &image);
        if (status == GS_OK) memcpy(f->pixels + index * elements, image.pixels, elements);
        free(image.pixels);
        free(data);
    }
    f->results[index] = status;
}

// The message of the first image that failed, whatever the order in which threads came to it: it is done again.
static gs_status check_results(struct folder *f, void (*work)(void *user, uint32_t index)) {
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->results[i] == GS_OK) continue;
        char *data, name[160];
        size_t bytes;
        gs__image image = {0};
        gs_status status = gs__file_read(f->error, f->entries[i].path, MAX_FILE_BYTES, &data, &bytes);
        if (status != GS_OK) return status;
        gs__text_show(gs__path_show(f->entries[i].path), name, sizeof name);
        if (work == read_info) status = gs__image_info(f->error, name, data, bytes, &image);
        else status = gs__image_decode(f->error, name, data, bytes, f->channels, &image);
        free(image.pixels);
        free(data);
        if (status != GS_OK) return status;
        return gs__fail(f->error, f->results[i], "%s: out of host memory, or it changed while it was read", name);
    }
    return GS_OK;
}

// One size for all: the recipe's, else that of every image.
static gs_status choose_size(struct folder *f) {
    gs_recipe_params *p = &f->recipe->params;
    bool grey = true;
    for (uint32_t i = 0; i < f->count; i++) grey = grey && f->infos[i].channels == 1;
    f->channels = p->image_channels ? p->image_channels : grey ? 1 : 3;
    f->height = p->image_height ? p->image_height : f->infos[0].height;
    f->width = p->image_width ? p->image_width : f->infos[0].width;
    for (uint32_t i = 1; i < f->count && !p->image_height; i++) {
        const gs__image *a = &f->infos[0], *b = &f->infos[i];
        if (a->height == b->height && a->width == b->width) continue;
        return gs__fail(f->error, GS_ERR_FORMAT,
                        "%s is %u x %u (width x height), but %s %u x %u: --image-size HEIGHTxWIDTH makes all the same",
                        gs__path_show(f->entries[i].path), b->width, b->height, gs__path_show(f->entries[0].path),
                        a->width, a->height);
    }
    p->image_height = f->height;
    p->image_width = f->width;
    p->image_channels = f->channels;
    return GS_OK;
}

static gs_status make_data(struct folder *f, gs_data **raw) {
    gs__array x = {.dtype = GS_U8, .data = f->pixels}, y = {.dtype = GS_I32, .shape = {1, {f->count}}};
    x.shape = (gs_shape){4, {f->count, f->height, f->width, f->channels}};
    f->pixels = NULL;
    int32_t *classes = gs__allocate(f->error, f->count, sizeof *classes, "classes");
    if (!classes) {
        gs__array_deinit(&x);
        return GS_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < f->count; i++) classes[i] = f->entries[i].class;
    y.data = classes;
    const gs__dict *names = &f->recipe->classes;
    gs_status status = gs__data_adopt(f->error, GS_ERR_FORMAT, f->name, &x, &y, raw);
    if (status == GS_OK) status = gs__data_set_names(f->error, *raw, (const char *const *)names->texts, names->count);
    if (status != GS_OK) gs_data_destroy(raw);
    return status;
}

gs_status gs__folder_read(gs__error *error, gs_recipe *recipe, const char *path, gs_data **raw) {
    gs_status status = GS_OK;
    char name[160];
    struct folder f = {.error = error, .recipe = recipe, .name = gs__text_show(gs__path_show(path), name, sizeof name)};
    *raw = NULL;
    GS_TRY(list_classes(&f, path));
    f.infos = gs__allocate(error, f.count, sizeof *f.infos, "images");
    f.results = gs__allocate(error, f.count, sizeof *f.results, "images");
    if (!f.infos || !f.results) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    gs__parallel(f.count, read_info, &f);
    GS_TRY(check_results(&f, read_info));
    GS_TRY(choose_size(&f));
    const uint64_t elements = (uint64_t)f.height * f.width * f.channels;
    if (elements > GS__DATA_MAX_BYTES / f.count)
        GS_TRY(gs__fail(error, GS_ERR_MEMORY, "%s: %u images of %u x %u take more than %llu bytes", f.name, f.count,
                        f.width, f.height, (unsigned long long)GS__DATA_MAX_BYTES));
    f.pixels = gs__allocate(error, f.count, elements, "images");
    if (!f.pixels) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    gs__parallel(f.count, read_pixels, &f);
    GS_TRY(check_results(&f, read_pixels));
    status = make_data(&f, raw);
fail:
    for (uint32_t i = 0; i < f.count; i++) free(f.entries[i].path);
    free(f.entries);
    free(f.infos);
    free(f.results);
    free(f.pixels);
    return status;
}
