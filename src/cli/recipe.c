#include "recipe.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Place of `word` in the list, or -1 after a message. NULL: 0.
static int word_of(const char *option, const char *word, const char *const *words) {
    if (word == NULL) return 0;
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) return i;
    }
    char list[160] = "";
    for (int i = 0; words[i] != NULL; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i == 0 ? "" : ", ", words[i]);
    const char *closest = cli_closest(word, words);
    cli_misuse("train", "--%s: expected one of %s; found \"%s\"%s%s%s", option, list, word,
               closest != NULL ? "; did you mean " : "", closest != NULL ? closest : "", closest != NULL ? "?" : "");
    return -1;
}

static int read_size(const char *text, gs_recipe_params *params) {
    unsigned height = 0, width = 0;
    int end = 0;
    if (text == NULL) return CLI_OK;
    if (sscanf(text, "%5ux%5u%n", &height, &width, &end) != 2 || text[end] != 0 || height < 1 || width < 1 ||
        strspn(text, "0123456789x") != strlen(text) || height > 65536 || width > 65536)
        return cli_misuse("train", "--image-size: expected HEIGHTxWIDTH, such as 32x32, found \"%s\"", text);
    params->image_height = height;
    params->image_width = width;
    return CLI_OK;
}

static int read_delimiter(const char *text, gs_recipe_params *params) {
    if (text == NULL) return CLI_OK;
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0) text = "\t";
    if (text[1] != 0 || (unsigned char)text[0] >= 0x80 || strchr("\"\r\n ", text[0]) != NULL)
        return cli_misuse("train", "--delimiter: expected one character such as ; or the word tab, found \"%s\"", text);
    params->delimiter = text[0];
    return CLI_OK;
}

int cli_recipe_parse(const cli_recipe *options, gs_recipe_params *params) {
    static const char *const label_kinds[] = {"auto", "class", "value", NULL};
    static const char *const missings[] = {"error", "mean", "zero", "drop", NULL};
    static const char *const scales[] = {"none", "standard", "minmax", NULL};
    static const char *const splits[] = {"auto", "last", "random", "stratified", NULL};
    static const char *const channels[] = {"auto", "grey", "rgb", NULL};
    int label = word_of("label-as", options->label_as, label_kinds);
    int missing = label < 0 ? -1 : word_of("missing", options->missing, missings);
    int scale = missing < 0 ? -1 : word_of("scale", options->scale, scales);
    int split = scale < 0 ? -1 : word_of("split", options->split, splits);
    int channel = split < 0 ? -1 : word_of("channels", options->channels, channels);
    if (channel < 0) return CLI_USAGE;
    if (options->label != NULL) params->label = options->label;
    if (options->label_as != NULL) params->label_kind = (gs_label_kind)label;
    if (options->categorical != NULL) params->categorical = options->categorical;
    if (options->ignore != NULL) params->ignore = options->ignore;
    if (options->no_header) params->no_header = true;
    if (options->missing != NULL) params->missing = (gs_missing)missing;
    if (options->channels != NULL) params->image_channels = channel == 2 ? 3 : (uint32_t)channel;
    if (options->scale != NULL) params->scale = (gs_scale)scale;
    if (options->one_hot) params->one_hot = true;
    if (options->test_split > 0) params->test_share = options->test_split;
    if (options->split != NULL) params->split = (gs_split_kind)split;
    int code = read_size(options->image_size, params);
    return code == CLI_OK ? read_delimiter(options->delimiter, params) : code;
}

bool cli_recipe_is_needed(const cli_recipe *options, const gs_recipe_params *params, const char *spec) {
    return gs_recipe_is_for(spec) || options->scale != NULL || options->split != NULL ||
           params->scale != GS_SCALE_NONE || params->split != GS_SPLIT_AUTO || params->one_hot ||
           params->test_share > 0;
}

int cli_recipe_save(gs_context *context, const gs_recipe *recipe, const char *dir) {
    char *path = cli_join(dir, "data.json");
    int code = path != NULL ? CLI_OK : CLI_FAILED;
    if (code == CLI_OK && recipe == NULL) {
        if (unlink(path) != 0 && errno != ENOENT) code = cli_fail("%s: %s", path, strerror(errno));
    } else if (code == CLI_OK && gs_recipe_write(context, recipe, path) != GS_OK) {
        code = cli_fail_context(context, NULL);
    }
    free(path);
    return code;
}

// *recipe: NULL where the folder has none.
static int open_recipe(gs_context *context, const char *dir, gs_recipe **recipe) {
    char *path = cli_join(dir, "data.json");
    int code = path != NULL ? CLI_OK : CLI_FAILED;
    *recipe = NULL;
    if (code == CLI_OK && access(path, F_OK) == 0 && gs_recipe_read(context, path, recipe) != GS_OK)
        code = cli_fail_context(context, NULL);
    free(path);
    return code;
}

static int take_part(gs_data_parts *parts, const char *part, gs_data **data) {
    gs_data **wanted = strcmp(part, "test") == 0         ? &parts->test
                       : strcmp(part, "validation") == 0 ? &parts->validation
                                                         : &parts->train;
    *data = *wanted;
    *wanted = NULL;
    gs_data_destroy(&parts->train);
    gs_data_destroy(&parts->validation);
    gs_data_destroy(&parts->test);
    return *data != NULL ? CLI_OK : cli_fail("--part %s: the training had no such part", part);
}

int cli_recipe_load(gs_context *context, const char *dir, const char *spec, const char *data_dir, const char *part,
                    gs_data **data) {
    gs_recipe *recipe;
    gs_data_parts parts;
    int code = open_recipe(context, dir, &recipe);
    if (code != CLI_OK) return code;
    if (recipe == NULL && strcmp(part, "all") != 0)
        code = cli_fail("--part %s: %s has no data.json: the training did not split by a recipe", part, dir);
    else if (recipe == NULL)
        code = gs_data_load(context, spec, data_dir, data) == GS_OK ? CLI_OK : cli_fail_context(context, NULL);
    else if (strcmp(part, "all") == 0)
        code = gs_recipe_load_all(context, recipe, spec, data_dir, data) == GS_OK ? CLI_OK
                                                                                  : cli_fail_context(context, NULL);
    else if (gs_recipe_load(context, recipe, spec, data_dir, &parts) != GS_OK) code = cli_fail_context(context, NULL);
    else code = take_part(&parts, part, data);
    gs_recipe_destroy(&recipe);
    return code;
}

int cli_recipe_load_input(gs_context *context, const char *dir, const char *path, const gs_shape *sample_shape,
                          gs_data **data) {
    gs_recipe *recipe;
    int code = open_recipe(context, dir, &recipe);
    if (code != CLI_OK) return code;
    gs_status status = recipe != NULL ? gs_recipe_load_input(context, recipe, path, sample_shape, data)
                                      : gs_data_load_input(context, path, sample_shape, data);
    gs_recipe_destroy(&recipe);
    return status == GS_OK ? CLI_OK : cli_fail_context(context, path);
}
