#include "data/recipe.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "context/context.h"
#include "data/load.h"

#include <stdlib.h>
#include <string.h>

// --- making ------------------------------------------------------------------------------------------------------

static gs_status check_params(gs__error *error, const gs_recipe_params *p) {
    const double shares[2] = {p->validation_share, p->test_share};
    for (int i = 0; i < 2; i++)
        if (!(shares[i] >= 0 && shares[i] < 1))
            return gs__fail(error, GS_ERR_ARGUMENT, "%s split %g: expected 0 <= split < 1", i ? "test" : "validation",
                            shares[i]);
    if (!(shares[0] + shares[1] < 1))
        return gs__fail(error, GS_ERR_ARGUMENT, "validation split %g and test split %g leave nothing to train with",
                        shares[0], shares[1]);
    if (p->image_channels != 0 && p->image_channels != 1 && p->image_channels != 3)
        return gs__fail(error, GS_ERR_ARGUMENT, "images of %u channels: expected 1 (grey) or 3 (RGB)",
                        p->image_channels);
    if (!p->image_height != !p->image_width || p->image_height > 65536 || p->image_width > 65536)
        return gs__fail(error, GS_ERR_ARGUMENT, "image size %u x %u: expected both from 1 to 65536", p->image_height,
                        p->image_width);
    if (p->delimiter == '"' || p->delimiter == '\n' || p->delimiter == '\r' || p->delimiter == ' ' ||
        (unsigned char)p->delimiter >= 0x80)
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "delimiter: expected one ASCII character that is no quote, blank or "
                        "end of a line");
    if ((unsigned)p->missing > GS_MISSING_DROP || (unsigned)p->scale > GS_SCALE_MINMAX ||
        (unsigned)p->label_kind > GS_LABEL_VALUE || (unsigned)p->split > GS_SPLIT_STRATIFIED)
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_recipe_create: a field has a value that its type does not know");
    return GS_OK;
}

static gs_status own(gs__error *error, const char **text) {
    if (!*text) return GS_OK;
    *text = gs__text_copy(error, *text);
    return *text ? GS_OK : GS_ERR_MEMORY;
}

gs_status gs_recipe_create(gs_context *context, const gs_recipe_params *params, gs_recipe **recipe) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    static const gs_recipe_params defaults;
    gs_status status = GS_OK;
    if (!recipe) return gs__fail(error, GS_ERR_ARGUMENT, "gs_recipe_create: recipe is NULL");
    if (!params) params = &defaults;
    GS_TRY(check_params(error, params));
    gs_recipe *made = gs__allocate(error, 1, sizeof *made, "a recipe");
    if (!made) return GS_ERR_MEMORY;
    made->params = *params;
    const char **texts[] = {&made->params.label, &made->params.categorical, &made->params.ignore};
    for (size_t i = 0; i < 3; i++) {
        if (status != GS_OK) *texts[i] = NULL; // not ours
        else status = own(error, texts[i]);
    }
    if (status != GS_OK) gs_recipe_destroy(&made);
    *recipe = made;
fail:
    return status;
}

bool gs_recipe_is_for(const char *spec) {
    const char *path;
    return spec && (gs__spec_is_table(spec, &path) || gs__spec_is_folder(spec, &path));
}

static void forget(gs_recipe *r) {
    for (uint32_t i = 0; i < r->column_count; i++) {
        free(r->columns[i].name);
        gs__dict_deinit(&r->columns[i].categories);
    }
    free(r->columns);
    free(r->label);
    free(r->offset);
    free(r->factor);
    gs__dict_deinit(&r->classes);
    *r = (gs_recipe){.params = r->params};
}

void gs_recipe_destroy(gs_recipe **recipe) {
    if (!recipe || !*recipe) return;
    gs_recipe *r = *recipe;
    forget(r);
    free((char *)r->params.label);
    free((char *)r->params.categorical);
    free((char *)r->params.ignore);
    free(r);
    *recipe = NULL;
}

// --- loading -----------------------------------------------------------------------------------------------------

static gs_status read_table(gs__error *error, gs_recipe *recipe, const char *path, gs__table_use use, gs_data **raw) {
    char *text, name[160];
    size_t bytes;
    gs_status status = gs__file_read_gzip(error, path, GS__DATA_MAX_BYTES, &text, &bytes);
    if (status != GS_OK) return status;
    if (!recipe->params.delimiter) recipe->params.delimiter = gs__ends_with(path, ".tsv") ? '\t' : ',';
    status =
        gs__table_read(error, recipe, gs__text_show(gs__path_show(path), name, sizeof name), text, bytes, use, raw);
    free(text);
    return status;
}

static gs_status load_raw(gs_context *context, gs_recipe *recipe, const char *spec, const char *data_dir,
                          gs_data **raw) {
    static const char *const kinds[] = {"arrays", "a table", "folders of images"};
    gs__error *error = gs__context_error(context);
    const char *path;
    const gs__recipe_kind kind = gs__spec_is_table(spec, &path)    ? GS__RECIPE_TABLE
                                 : gs__spec_is_folder(spec, &path) ? GS__RECIPE_IMAGES
                                                                   : GS__RECIPE_ARRAYS;
    char shown[80];
    if (recipe->learnt && recipe->kind != kind)
        return gs__fail(error, GS_ERR_ARGUMENT, "data \"%s\" is %s, but the model was trained with %s",
                        gs__text_show(spec, shown, sizeof shown), kinds[kind], kinds[recipe->kind]);
    recipe->kind = kind;
    if (kind == GS__RECIPE_TABLE)
        return read_table(error, recipe, path, (gs__table_use){.learns = !recipe->learnt, .labels = true}, raw);
    if (kind == GS__RECIPE_IMAGES) return gs__folder_read(error, recipe, path, raw);
    return gs__load_arrays(error, spec, data_dir, raw);
}

// What the parts are measured and scaled by, once they are there.
static gs_status finish(gs__error *error, gs_recipe *recipe, gs_data_parts *parts) {
    gs_status status = GS_OK;
    gs_data **all[] = {&parts->train, &parts->validation, &parts->test};
    if (!recipe->learnt) GS_TRY(gs__recipe_fit(error, recipe, parts->train));
    for (size_t i = 0; i < 3; i++)
        if (*all[i]) GS_TRY(gs__recipe_apply(error, recipe, all[i]));
    recipe->learnt = true;
fail:
    if (status != GS_OK)
        for (size_t i = 0; i < 3; i++) gs_data_destroy(all[i]);
    return status;
}

static gs_status load(gs_context *context, gs_recipe *recipe, const char *spec, const char *data_dir, bool splits,
                      gs_data_parts *parts) {
    gs_status status = GS_OK;
    gs__error *error = gs__context_error(context);
    gs_data *raw = NULL;
    *parts = (gs_data_parts){0};
    GS_TRY(load_raw(context, recipe, spec, data_dir, &raw));
    if (!recipe->learnt) recipe->class_count = (uint32_t)(raw->max_class + 1);
    if (!recipe->learnt && recipe->classes.count) recipe->class_count = recipe->classes.count;
    if (splits && (recipe->params.validation_share > 0 || recipe->params.test_share > 0)) {
        GS_TRY(gs__recipe_split(error, recipe, raw, parts));
    } else {
        parts->train = raw;
        raw = NULL;
    }
    GS_TRY(finish(error, recipe, parts));
fail:
    gs_data_destroy(&raw);
    if (status != GS_OK && !recipe->learnt) forget(recipe);
    return status;
}

gs_status gs_recipe_load(gs_context *context, gs_recipe *recipe, const char *spec, const char *data_dir,
                         gs_data_parts *parts) {
    if (!context) return GS_ERR_ARGUMENT;
    if (!recipe || !spec || !parts)
        return gs__fail(gs__context_error(context), GS_ERR_ARGUMENT, "gs_recipe_load: an argument is NULL");
    return load(context, recipe, spec, data_dir, true, parts);
}

gs_status gs_recipe_load_all(gs_context *context, gs_recipe *recipe, const char *spec, const char *data_dir,
                             gs_data **data) {
    if (!context) return GS_ERR_ARGUMENT;
    if (!recipe || !spec || !data)
        return gs__fail(gs__context_error(context), GS_ERR_ARGUMENT, "gs_recipe_load_all: an argument is NULL");
    gs_data_parts parts;
    gs_status status = load(context, recipe, spec, data_dir, false, &parts);
    *data = parts.train;
    return status;
}

gs_status gs_recipe_load_input(gs_context *context, const gs_recipe *recipe, const char *path,
                               const gs_shape *sample_shape, gs_data **data) {
    if (!context) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    gs_status status = GS_OK;
    if (!recipe || !path || !sample_shape || !data)
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_recipe_load_input: an argument is NULL");
    if (!recipe->learnt)
        return gs__fail(error, GS_ERR_ARGUMENT, "gs_recipe_load_input: the recipe has not loaded any data yet");
    const gs_recipe_params *p = &recipe->params;
    const gs_shape image = {3, {p->image_height, p->image_width, p->image_channels}};
    if (recipe->kind == GS__RECIPE_TABLE) {
        gs_recipe *same = (gs_recipe *)recipe; // only learning changes it
        GS_TRY(read_table(error, same, path, (gs__table_use){0}, data));
    } else if (recipe->kind == GS__RECIPE_IMAGES) {
        GS_TRY(gs__load_input(error, path, &image, true, data));
        const int64_t count = (*data)->x_shape.dim[0];
        (*data)->x_shape = (gs_shape){4, {count, image.dim[0], image.dim[1], image.dim[2]}};
    } else {
        GS_TRY(gs__load_input(error, path, sample_shape, false, data));
    }
    status = gs__recipe_apply(error, recipe, data);
fail:
    return status;
}
