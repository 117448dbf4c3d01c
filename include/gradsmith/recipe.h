// Recipes: how files become samples and targets. A recipe is made with wishes (the label's column, scaling, how to
// split), learns the rest (categories, classes, means) when it first loads data, from the training part alone as far
// as it measures, and then does the same to all that it loads: validation and test data, samples for predict.
#ifndef GRADSMITH_RECIPE_H
#define GRADSMITH_RECIPE_H

#include <gradsmith/data.h>

#ifdef __cplusplus
extern "C" {
#endif

// Thread-safety: as its context.
typedef struct gs_recipe gs_recipe;

// A cell without a value: empty, NA, N/A, NaN, null, None or ?. A target must always have one, or its row be dropped.
typedef enum gs_missing {
    GS_MISSING_ERROR = 0,
    GS_MISSING_MEAN, // the training part's mean; of a categorical column its most frequent category
    GS_MISSING_ZERO, // 0; no category
    GS_MISSING_DROP, // leaves the row out; an error in samples for predict
} gs_missing;

typedef enum gs_scale {
    GS_SCALE_NONE = 0,
    GS_SCALE_STANDARD, // (x - mean) / standard deviation
    GS_SCALE_MINMAX,   // (x - min) / (max - min)
} gs_scale;

typedef enum gs_label_kind {
    GS_LABEL_AUTO = 0, // classes where it is text or whole numbers, else values
    GS_LABEL_CLASS,
    GS_LABEL_VALUE,
} gs_label_kind;

typedef enum gs_split_kind {
    GS_SPLIT_AUTO = 0,   // tables and image folders: stratified, random where there are no classes; else the last
    GS_SPLIT_LAST,       // of the data as it is: training, then validation, then test
    GS_SPLIT_RANDOM,     // drawn by split_seed
    GS_SPLIT_STRATIFIED, // drawn by split_seed, with the same share of each class
} gs_split_kind;

typedef struct gs_recipe_params {
    // Tables.
    const char *label; // column of the targets: its name, else its number from 1; needed for a table
    gs_label_kind label_kind;
    const char *categorical; // "a,b": columns (names or numbers) whose cells are categories even where they are numbers
    const char *ignore;      // "a,b": columns to leave out
    char delimiter;          // 0: a tab where the file's name ends in .tsv, else a comma
    bool no_header;          // the first line is a row; columns are called "1", "2", ...
    gs_missing missing;
    // Folders of images. Zeros: the size that all images have; grey when all are, else RGB.
    uint32_t image_height, image_width;
    uint32_t image_channels; // 1 or 3
    // All.
    gs_scale scale; // of each column of numbers, or of each place of the samples' last axis (of all where samples are
                    // bytes without channels). Bytes count as 0 to 1 and become float32.
    bool one_hot;   // class indices become float32 rows of 0 and 1
    double validation_share, test_share; // of the samples; each from 0 to below 1, together below 1
    gs_split_kind split;
    uint64_t split_seed;
} gs_recipe_params;

// Whether a specification names a table or a folder of images, for which a recipe has to be kept beside the model.
GS_API bool gs_recipe_is_for(const char *spec);

// Errors: GS_ERR_ARGUMENT, GS_ERR_MEMORY. Copies the strings.
GS_API gs_status gs_recipe_create(gs_context *context, const gs_recipe_params *params, gs_recipe **recipe);
GS_API void gs_recipe_destroy(gs_recipe **recipe);

typedef struct gs_data_parts {
    gs_data *train, *validation, *test; // NULL where the recipe has no such part
} gs_data_parts;

// Loads by a specification of gs_data_load or one of
//   csv:FILE, or a FILE whose name ends in .csv or .tsv    a table; gzip or not
//   images:FOLDER, or a FOLDER                             images in folders named after their classes
// and splits it. The first load teaches the recipe what it does not know yet. Errors: as gs_data_load; GS_ERR_FORMAT
// names file and line of a bad cell.
GS_API gs_status gs_recipe_load(gs_context *context, gs_recipe *recipe, const char *spec, const char *data_dir,
                                gs_data_parts *parts);
// The same without splitting: another file for validation or test.
GS_API gs_status gs_recipe_load_all(gs_context *context, gs_recipe *recipe, const char *spec, const char *data_dir,
                                    gs_data **data);
// Samples for predict, as gs_data_load_input; rows of a table too, where the label's column may be missing and is
// ignored. The recipe must have loaded data before, or have been read.
GS_API gs_status gs_recipe_load_input(gs_context *context, const gs_recipe *recipe, const char *path,
                                      const gs_shape *sample_shape, gs_data **data);

// A recipe that has learnt, as JSON (docs/file-formats.md). Errors: GS_ERR_FILE, GS_ERR_FORMAT with the path of what
// is wrong, GS_ERR_ARGUMENT (it has not loaded anything yet).
GS_API gs_status gs_recipe_write(gs_context *context, const gs_recipe *recipe, const char *path);
GS_API gs_status gs_recipe_read(gs_context *context, const char *path, gs_recipe **recipe);

#ifdef __cplusplus
}
#endif
#endif
