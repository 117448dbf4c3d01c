// Inside of a recipe.
#ifndef GS_DATA_RECIPE_H
#define GS_DATA_RECIPE_H

#include "data/csv.h"
#include "data/data.h"
#include <gradsmith/recipe.h>

typedef enum gs__recipe_kind { GS__RECIPE_ARRAYS, GS__RECIPE_TABLE, GS__RECIPE_IMAGES } gs__recipe_kind;

// A column of samples. Raw samples have one value for it: a number, or the number of a category; NaN where it is
// missing. Finished ones have a number, (raw - offset) * factor, or one value for each category.
typedef struct gs__column {
    char *name;
    bool category;
    gs__dict categories;
    double fill; // what stands for a missing value; NaN: nothing does
    double offset, factor;
} gs__column;

struct gs_recipe {
    gs_recipe_params params; // its strings are owned
    bool learnt;
    gs__recipe_kind kind;
    // Tables.
    gs__column *columns;
    uint32_t column_count;
    char *label; // the column's name
    bool label_is_class;
    gs__dict classes; // of images too
    // Arrays and images: scaling of the samples' last axis, or of all (1).
    uint32_t channel_count; // 0: none
    double *offset, *factor;
    uint32_t class_count; // for one-hot rows
};

// What a table is read for.
typedef struct gs__table_use {
    bool learns; // the columns of the recipe come from this file
    bool labels; // targets are wanted
} gs__table_use;

// Raw samples of a table, with class indices or values. `text` is changed.
gs_status gs__table_read(gs__error *error, gs_recipe *recipe, const char *name, char *text, size_t bytes,
                         gs__table_use use, gs_data **raw);
// Images in folders, as u8 (count, height, width, channels) with class indices.
gs_status gs__folder_read(gs__error *error, gs_recipe *recipe, const char *path, gs_data **raw);

// A recipe's JSON; `name` is for messages.
gs_status gs__recipe_parse(gs_context *context, const char *name, const char *text, size_t bytes, gs_recipe **recipe);

// --- measuring and scaling -------------------------------------------------------------------------------------------
gs_status gs__recipe_fit(gs__error *error, gs_recipe *recipe, const gs_data *raw);
// Turns raw samples into finished ones; destroys them on failure.
gs_status gs__recipe_apply(gs__error *error, const gs_recipe *recipe, gs_data **data);

// --- parts -----------------------------------------------------------------------------------------------------------
// Samples in that order as a new data set. `indices` must be below the count.
gs_status gs__data_select(gs__error *error, const gs_data *data, const uint64_t *indices, uint64_t count,
                          gs_data **selected);
gs_status gs__recipe_split(gs__error *error, const gs_recipe *recipe, const gs_data *data, gs_data_parts *parts);

#endif
