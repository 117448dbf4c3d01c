// Recipes: tables, parts, scaling, one-hot, and their JSON.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/recipe.h"
#include "files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gs_context *context;

static int setup(void **state) {
    return files_setup(state) != 0 || gs_context_create(&context, NULL) != GS_OK;
}

static int teardown(void **state) {
    gs_context_destroy(&context);
    return files_teardown(state);
}

static void fails(gs_status status, gs_status expected, const char *a, const char *b) {
    gs__error shown = {.status = expected};
    snprintf(shown.message, sizeof shown.message, "%s", gs_context_message(context));
    expect_failure(&shown, status, expected, a, b, NULL);
}

static const char *put(const char *name, const char *text) {
    return files_put(name, text, strlen(text));
}

// Loads text as t.csv with a recipe of its own.
static gs_status load(const gs_recipe_params *params, const char *text, gs_recipe **recipe, gs_data **data) {
    *recipe = NULL;
    *data = NULL;
    assert_int_equal(gs_recipe_create(context, params, recipe), GS_OK);
    return gs_recipe_load_all(context, *recipe, put("t.csv", text), NULL, data);
}

static void expect_x(const gs_data *data, uint32_t rows, uint32_t columns, const float *values) {
    assert_true(data->x_shape.rank == 2 && data->x_shape.dim[0] == rows && data->x_shape.dim[1] == columns);
    assert_int_equal(data->x_dtype, GS_F32);
    for (uint32_t i = 0; i < rows * columns; i++) assert_float_equal(((const float *)data->x)[i], values[i], 1e-6);
}

// --- tables ------------------------------------------------------------------------------------------------------

static void test_table(void **state) {
    (void)state;
    gs_recipe *recipe;
    gs_data *data, *more;
    uint32_t count;
    const gs_recipe_params params = {.label = "kind", .ignore = "id"};
    assert_int_equal(load(&params, "id,size,colour,kind\n7,1.5,red,b\n8,-2,\"blue\",a\n9,1e1,red,b\n", &recipe, &data),
                     GS_OK);
    expect_x(data, 3, 3, (const float[]){1.5f, 0, 1, -2, 1, 0, 10, 0, 1}); // blue, red
    assert_memory_equal(data->y, ((const int32_t[]){1, 0, 1}), 12);
    assert_string_equal(gs_data_class_names(data, &count)[1], "b");
    assert_int_equal(count, 2);
    gs_data_destroy(&data);

    // The same mapping for another file: other order, another column, and one class only.
    const char *path = put("u.csv", "colour,kind,extra,size\nblue,b,x,3\n");
    assert_int_equal(gs_recipe_load_all(context, recipe, path, NULL, &data), GS_OK);
    expect_x(data, 1, 3, (const float[]){3, 1, 0});
    assert_int_equal(((const int32_t *)data->y)[0], 1);
    assert_int_equal(data->class_count, 2);
    gs_data_destroy(&data);

    // Samples alone, also by the recipe from its file.
    gs_recipe *again;
    assert_int_equal(gs_recipe_write(context, recipe, files_path("r.json")), GS_OK);
    assert_int_equal(gs_recipe_read(context, files_path("r.json"), &again), GS_OK);
    path = put("v.csv", "size,colour\n4,red\n5,blue\n");
    const gs_shape shape = {1, {3}};
    assert_int_equal(gs_recipe_load_input(context, again, path, &shape, &more), GS_OK);
    expect_x(more, 2, 3, (const float[]){4, 0, 1, 5, 1, 0});
    assert_null(more->y);
    gs_data_destroy(&more);
    fails(gs_recipe_load_all(context, again, path, NULL, &data), GS_ERR_ARGUMENT, "no column \"kind\"", "size, colour");
    path = put("v.csv", "size,kind\n4,a\n");
    fails(gs_recipe_load_input(context, again, path, &shape, &more), GS_ERR_ARGUMENT, "no column \"colour\"", NULL);
    path = put("v.csv", "size,colour\n4,red\n5,green\n");
    fails(gs_recipe_load_input(context, again, path, &shape, &more), GS_ERR_FORMAT,
          "v.csv:3: column 2 (colour): \"green\" was not in the training data", "known are blue, red");
    path = put("v.csv", "size,colour,kind\n4,red,c\n");
    fails(gs_recipe_load_all(context, again, path, NULL, &data), GS_ERR_FORMAT,
          "v.csv:2: column 3 (kind): \"c\" was not", "known are a, b");
    path = put("v.csv", "size,colour\nbig,red\n");
    fails(gs_recipe_load_input(context, again, path, &shape, &more), GS_ERR_FORMAT,
          "v.csv:2: column 1 (size): \"big\" is not a number", NULL);
    fails(gs_recipe_load_all(context, again, "fashion-mnist", NULL, &data), GS_ERR_ARGUMENT, "is arrays",
          "trained with a table");
    gs_recipe_destroy(&recipe);
    gs_recipe_destroy(&again);
}

static void test_labels(void **state) {
    (void)state;
    gs_recipe *recipe;
    gs_data *data;
    static const struct {
        const char *text;
        gs_label_kind kind;
        bool classes;
        float values[3]; // or class numbers
    } cases[] = {
        {"x,y\n0,10\n1,9\n2,10\n", GS_LABEL_AUTO, true, {1, 0, 1}}, // by value, not as text
        {"x,y\n0,10\n1,9\n2,10\n", GS_LABEL_VALUE, false, {10, 9, 10}},
        {"x,y\n0,1.5\n1,9\n2,10\n", GS_LABEL_AUTO, false, {1.5f, 9, 10}},
        {"x,y\n0,-1\n1,9\n2,10\n", GS_LABEL_AUTO, false, {-1, 9, 10}},
        {"x,y\n0,1\n1,9\n2,1.5\n", GS_LABEL_AUTO, false, {1, 9, 1.5f}},
        {"x,y\n0,1.5\n1,9\n2,1.5\n", GS_LABEL_CLASS, true, {0, 1, 0}},
        {"x,y\n0,no\n1,yes\n2,no\n", GS_LABEL_AUTO, true, {0, 1, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const gs_recipe_params params = {.label = "2", .label_kind = cases[i].kind};
        assert_int_equal(load(&params, cases[i].text, &recipe, &data), GS_OK);
        assert_int_equal(data->y_dtype, cases[i].classes ? GS_I32 : GS_F32);
        for (int k = 0; k < 3; k++)
            assert_true((cases[i].classes ? (float)((const int32_t *)data->y)[k] : ((const float *)data->y)[k]) ==
                        cases[i].values[k]);
        gs_data_destroy(&data);
        gs_recipe_destroy(&recipe);
    }
    // No header: columns are numbers.
    const gs_recipe_params params = {.label = "1", .no_header = true, .categorical = "3", .delimiter = ';'};
    assert_int_equal(load(&params, "a;1;5\nb;2;7\n", &recipe, &data), GS_OK);
    expect_x(data, 2, 3, (const float[]){1, 1, 0, 2, 0, 1});
    gs_data_destroy(&data);
    gs_recipe_destroy(&recipe);
    // A tab where the name says so.
    assert_int_equal(gs_recipe_create(context, &(gs_recipe_params){.label = "y"}, &recipe), GS_OK);
    assert_int_equal(gs_recipe_load_all(context, recipe, put("t.tsv", "x\ty\n1\ta\n"), NULL, &data), GS_OK);
    gs_data_destroy(&data);
    gs_recipe_destroy(&recipe);
}

static void test_missing(void **state) {
    (void)state;
    gs_recipe *recipe;
    gs_data *data;
    const char *text = "x,c,y\n1,a,0\n,b,1\n5,,1\n3,b,0\n";
    const gs_recipe_params mean = {.label = "y", .missing = GS_MISSING_MEAN};
    const gs_recipe_params zero = {.label = "y", .missing = GS_MISSING_ZERO};
    const gs_recipe_params drop = {.label = "y", .missing = GS_MISSING_DROP};
    assert_int_equal(load(&mean, text, &recipe, &data), GS_OK);
    expect_x(data, 4, 3, (const float[]){1, 1, 0, 3, 0, 1, 5, 0, 1, 3, 0, 1});
    gs_data_destroy(&data);
    gs_recipe_destroy(&recipe);
    assert_int_equal(load(&zero, text, &recipe, &data), GS_OK);
    expect_x(data, 4, 3, (const float[]){1, 1, 0, 0, 0, 1, 5, 0, 0, 3, 0, 1});
    gs_data_destroy(&data);
    gs_recipe_destroy(&recipe);
    assert_int_equal(load(&drop, text, &recipe, &data), GS_OK);
    expect_x(data, 2, 3, (const float[]){1, 1, 0, 3, 0, 1});
    gs_data_destroy(&data);
    const char *path = put("p.csv", "x,c\n1,a\n,b\n");
    fails(gs_recipe_load_input(context, recipe, path, &(gs_shape){1, {3}}, &data), GS_ERR_FORMAT,
          "p.csv:3: column 1 (x)", "no row can be left out");
    gs_recipe_destroy(&recipe);
    fails(load(&mean, "x,y\n1,a\n2,\n", &recipe, &data), GS_ERR_FORMAT, "t.csv:3: column 2 (y)", "missing target");
    gs_recipe_destroy(&recipe);
    fails(load(&mean, "x,y\n,1\n,2\n", &recipe, &data), GS_ERR_FORMAT, "column \"x\" has no values", "--ignore");
    gs_recipe_destroy(&recipe);
    fails(load(&drop, "x,z,y\n1,,a\n,2,a\n", &recipe, &data), GS_ERR_FORMAT, "no rows are left", NULL);
    gs_recipe_destroy(&recipe);
}

static void test_table_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "t.csv: the file is empty"},
        {"x,y\n", "t.csv: no rows follow the names"},
        {"x,y\n1,2,3\n", "t.csv:2: 3 cells, expected 2"},
        {"x,y\n\"a\n\",2\n1\n", "t.csv:4: 1 cells, expected 2"},
        {"x,y\n1,2\nabc,3\n", "t.csv:3: column 1 (x): \"abc\" is not a number"},
        {"x,y\n1e39,2\n", "t.csv:2: column 1 (x): \"1e39\" is not a number that fits float32"},
        {"x,y\n1,2\nnan,3\n", "t.csv:3: column 1 (x): \"nan\" is a missing value; --missing"},
        {"x,y\n1,2\ninf,3\n", "t.csv:3: column 1 (x): \"inf\" is not a number"},
        {"x,y\n1,2\n2,many\n", "t.csv:3: column 2 (y): \"many\" is not a number"},
        {"x,y,x\n1,2,3\n", "t.csv:1: columns 1 and 3 are both called \"x\""},
        {"x,,y\n1,2,3\n", "t.csv:1: the name of column 2 is empty"},
        {"x,y,\xFF\n1,2,3\n", "t.csv:1: the name of column 3 is not UTF-8"},
        {"x,y\n\xFF,2\n", "t.csv:2: column 1 (x): "},
        {"1,2\n3,4\n", "its first line has only numbers"},
        {"y\n1\n", "there is no column but the label"},
        {"x,z\n1,2\n", "there is no column \"y\": the 2 columns are x, z"},
        {"x;y\n1;2\n", "there is no column \"y\": the 1 columns are x;y"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gs_recipe *recipe;
        gs_data *data;
        gs_status status = load(&(gs_recipe_params){.label = "y"}, cases[i].text, &recipe, &data);
        assert_true(status == GS_ERR_FORMAT || status == GS_ERR_ARGUMENT);
        fails(status, status, cases[i].message, NULL);
        assert_null(data);
        // A recipe that failed is as new.
        assert_int_equal(gs_recipe_load_all(context, recipe, put("t.csv", "x,y\n1,0\n"), NULL, &data), GS_OK);
        gs_data_destroy(&data);
        gs_recipe_destroy(&recipe);
    }
    gs_recipe *recipe;
    gs_data *data;
    fails(load(NULL, "x,y\n1,2\n", &recipe, &data), GS_ERR_ARGUMENT, "which column has the targets", "--label");
    gs_recipe_destroy(&recipe);
    fails(load(&(gs_recipe_params){.label = "y", .ignore = "x,q"}, "x,y\n1,2\n", &recipe, &data), GS_ERR_ARGUMENT,
          "no column \"q\"", NULL);
    gs_recipe_destroy(&recipe);
    fails(load(&(gs_recipe_params){.label = "y", .ignore = "y"}, "x,y\n1,2\n", &recipe, &data), GS_ERR_ARGUMENT,
          "both the label and ignored", NULL);
    gs_recipe_destroy(&recipe);
    fails(load(&(gs_recipe_params){.label = "3"}, "x,y\n1,2\n", &recipe, &data), GS_ERR_ARGUMENT, "no column \"3\"",
          NULL);
    gs_recipe_destroy(&recipe);
    fails(gs_data_load(context, "csv:t.csv", NULL, &data), GS_ERR_ARGUMENT, "is a table", "gs_recipe_load");
}

static void test_params_refused(void **state) {
    (void)state;
    static const struct {
        gs_recipe_params params;
        const char *message;
    } cases[] = {
        {{.validation_share = 1}, "validation split 1: expected 0 <= split < 1"},
        {{.test_share = -0.5}, "test split -0.5: expected"},
        {{.validation_share = 0.5, .test_share = 0.5}, "leave nothing to train with"},
        {{.validation_share = (double)NAN}, "expected 0 <= split < 1"},
        {{.image_channels = 2}, "images of 2 channels"},
        {{.image_height = 3}, "image size 3 x 0"},
        {{.delimiter = '"'}, "delimiter"},
        {{.scale = (gs_scale)7}, "a field has a value"},
    };
    gs_recipe *recipe = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fails(gs_recipe_create(context, &cases[i].params, &recipe), GS_ERR_ARGUMENT, cases[i].message, NULL);
    assert_null(recipe);
    gs_recipe_destroy(&recipe);
    gs_recipe_destroy(NULL);
    assert_int_equal(gs_recipe_create(NULL, NULL, &recipe), GS_ERR_ARGUMENT);
    assert_int_equal(gs_recipe_create(context, NULL, &recipe), GS_OK);
    fails(gs_recipe_write(context, recipe, files_path("no.json")), GS_ERR_ARGUMENT, "not loaded any data", NULL);
    gs_recipe_destroy(&recipe);
}

// --- parts -------------------------------------------------------------------------------------------------------

// 60 rows of class a, 30 of b, 10 of c, in this order; x is the row.
static const char *put_sorted(void) {
    static char text[4000];
    size_t used = (size_t)snprintf(text, sizeof text, "x,y\n");
    for (int i = 0; i < 100; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%d,%c\n", i, i < 60 ? 'a' : i < 90 ? 'b' : 'c');
    return put("sorted.csv", text);
}

static void count_part(const gs_data *data, uint32_t counts[3], bool *seen) {
    for (int i = 0; i < 3; i++) counts[i] = 0;
    for (uint64_t i = 0; i < data->count; i++) {
        const int row = (int)((const float *)data->x)[i];
        assert_false(seen[row]);
        seen[row] = true;
        counts[((const int32_t *)data->y)[i]]++;
        assert_int_equal(((const int32_t *)data->y)[i], row < 60 ? 0 : row < 90 ? 1 : 2);
    }
}

static void test_parts(void **state) {
    (void)state;
    char path[1100];
    snprintf(path, sizeof path, "%s", put_sorted());
    for (int kind = GS_SPLIT_AUTO; kind <= GS_SPLIT_STRATIFIED; kind++) {
        const gs_recipe_params params = {
            .label = "y", .validation_share = 0.2, .test_share = 0.1, .split = (gs_split_kind)kind, .split_seed = 5};
        gs_recipe *recipe;
        gs_data_parts parts, again;
        bool seen[100] = {0};
        uint32_t train[3], validation[3], test[3];
        assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
        assert_int_equal(gs_recipe_load(context, recipe, path, NULL, &parts), GS_OK);
        assert_true(parts.train->count == 70 && parts.validation->count == 20 && parts.test->count == 10);
        count_part(parts.train, train, seen);
        count_part(parts.validation, validation, seen);
        count_part(parts.test, test, seen);
        if (kind == GS_SPLIT_AUTO || kind == GS_SPLIT_STRATIFIED) {
            assert_true(train[0] == 42 && train[1] == 21 && train[2] == 7);
            assert_true(validation[0] == 12 && validation[1] == 6 && validation[2] == 2);
            assert_true(test[0] == 6 && test[1] == 3 && test[2] == 1);
        }
        if (kind == GS_SPLIT_LAST) assert_true(test[2] == 10 && train[0] == 60 && train[1] == 10);
        if (kind == GS_SPLIT_RANDOM) assert_true(train[2] < 10 && test[2] < 10);
        assert_int_equal(parts.test->class_count, 3);
        // The same parts from the recipe's file.
        gs_recipe *read;
        assert_int_equal(gs_recipe_write(context, recipe, files_path("r.json")), GS_OK);
        assert_int_equal(gs_recipe_read(context, files_path("r.json"), &read), GS_OK);
        assert_int_equal(gs_recipe_load(context, read, path, NULL, &again), GS_OK);
        assert_memory_equal(again.test->x, parts.test->x, 10 * sizeof(float));
        gs_data *all[] = {parts.train, parts.validation, parts.test, again.train, again.validation, again.test};
        for (int i = 0; i < 6; i++) gs_data_destroy(&all[i]);
        gs_recipe_destroy(&recipe);
        gs_recipe_destroy(&read);
    }
}

static void test_parts_refused(void **state) {
    (void)state;
    gs_recipe *recipe;
    gs_data_parts parts;
    gs_recipe_params params = {.label = "y", .validation_share = 0.1, .label_kind = GS_LABEL_VALUE};
    params.split = GS_SPLIT_STRATIFIED;
    const char *path = put("t.csv", "x,y\n1,2\n2,3\n3,4\n");
    assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
    fails(gs_recipe_load(context, recipe, path, NULL, &parts), GS_ERR_ARGUMENT, "stratified split needs", "classes");
    gs_recipe_destroy(&recipe);
    params.split = GS_SPLIT_LAST;
    params.validation_share = 0.9;
    path = put("t.csv", "x,y\n1,2\n");
    assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
    fails(gs_recipe_load(context, recipe, path, NULL, &parts), GS_ERR_ARGUMENT, "leaves nothing to train with", NULL);
    assert_null(parts.train);
    gs_recipe_destroy(&recipe);
}

// Each class keeps a sample to train with, and other seeds give other parts.
static void test_parts_of_few(void **state) {
    (void)state;
    char path[1100];
    snprintf(path, sizeof path, "%s", put("few.csv", "x,y\n0,a\n1,b\n2,c\n3,d\n4,e\n5,e\n6,e\n7,e\n8,e\n9,e\n"));
    uint64_t drawn[2] = {0};
    for (int seed = 0; seed < 2; seed++) {
        const gs_recipe_params params = {.label = "y", .validation_share = 0.3, .split_seed = (uint64_t)seed};
        gs_recipe *recipe;
        gs_data_parts parts;
        int counts[5] = {0};
        assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
        assert_int_equal(gs_recipe_load(context, recipe, path, NULL, &parts), GS_OK);
        for (uint64_t i = 0; i < parts.train->count; i++) counts[((const int32_t *)parts.train->y)[i]]++;
        for (int i = 0; i < 5; i++) assert_true(counts[i] > 0);
        for (uint64_t i = 0; i < parts.validation->count; i++)
            drawn[seed] |= UINT64_C(1) << (int)((const float *)parts.validation->x)[i];
        gs_data_destroy(&parts.train);
        gs_data_destroy(&parts.validation);
        gs_recipe_destroy(&recipe);
    }
    assert_true(drawn[0] != drawn[1]);
}

// --- scaling -----------------------------------------------------------------------------------------------------

static void test_scaling(void **state) {
    (void)state;
    gs_recipe *recipe;
    gs_data_parts parts;
    // Measured on 1, 2, 3 (the training part) alone; a constant column becomes 0.
    gs_recipe_params params = {.label = "y",
                               .label_kind = GS_LABEL_VALUE,
                               .scale = GS_SCALE_STANDARD,
                               .validation_share = 0.25,
                               .split = GS_SPLIT_LAST};
    const char *path = put("t.csv", "x,k,y\n1,5,0\n2,5,0\n3,5,0\n100,6,0\n");
    assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
    assert_int_equal(gs_recipe_load(context, recipe, path, NULL, &parts), GS_OK);
    const float s = 1.2247449f; // 1 / sqrt(2 / 3)
    expect_x(parts.train, 3, 2, (const float[]){-s, 0, 0, 0, s, 0});
    expect_x(parts.validation, 1, 2, (const float[]){98 * s, 1});
    gs_data_destroy(&parts.train);
    gs_data_destroy(&parts.validation);
    gs_recipe_destroy(&recipe);
    params.scale = GS_SCALE_MINMAX;
    assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
    assert_int_equal(gs_recipe_load(context, recipe, path, NULL, &parts), GS_OK);
    expect_x(parts.train, 3, 2, (const float[]){0, 0, 0.5f, 0, 1, 0});
    expect_x(parts.validation, 1, 2, (const float[]){49.5f, 1});
    gs_data_destroy(&parts.train);
    gs_data_destroy(&parts.validation);
    gs_recipe_destroy(&recipe);
}

#define NPY(descr, shape) "\x93NUMPY\1\0\x46\0{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }"

// An array file: the header is padded with blanks to 70 bytes.
static const char *put_npy(const char *name, const char *head, size_t head_bytes, const void *data, size_t bytes) {
    char file[400];
    assert_true(head_bytes <= 80 && bytes <= 300);
    memset(file, ' ', 80);
    memcpy(file, head, head_bytes);
    memcpy(file + 80, data, bytes);
    return files_put(name, file, 80 + bytes);
}

static void test_arrays(void **state) {
    (void)state;
    gs_recipe *recipe, *read;
    gs_data *data, *one;
    char spec[2100];
    static const char bytes_head[] = NPY("|u1", "(2, 1, 2, 2)"), flat_head[] = NPY("|u1", "(2, 4)"),
                      y_head[] = NPY("|u1", "(2,)");
    const char *y = put_npy("y.npy", y_head, sizeof y_head - 1, "\0\2", 2);
    const char *x = put_npy("x.npy", bytes_head, sizeof bytes_head - 1, "\0\xFF\xFF\xFF\0\0\xFF\0", 8);
    snprintf(spec, sizeof spec, "npy:%s,%s", x, y);
    const gs_recipe_params params = {.scale = GS_SCALE_STANDARD, .one_hot = true};
    assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
    assert_int_equal(gs_recipe_load_all(context, recipe, spec, NULL, &data), GS_OK);
    // Of each channel: 0 1 0 1 and 1 1 0 0.
    assert_int_equal(data->x_shape.rank, 4);
    for (int i = 0; i < 8; i++)
        assert_float_equal(((const float *)data->x)[i], ((const float[]){-1, 1, 1, 1, -1, -1, 1, -1})[i], 1e-6);
    assert_int_equal(data->y_shape.rank, 2);
    assert_memory_equal(data->y, ((const float[]){1, 0, 0, 0, 0, 1}), 24);
    assert_int_equal(gs_recipe_write(context, recipe, files_path("r.json")), GS_OK);
    assert_int_equal(gs_recipe_read(context, files_path("r.json"), &read), GS_OK);
    assert_int_equal(gs_recipe_load_input(context, read, x, &(gs_shape){3, {1, 2, 2}}, &one), GS_OK);
    assert_memory_equal(one->x, data->x, 32);
    gs_data_destroy(&one);
    gs_data_destroy(&data);
    // Another last axis; a class that training had not.
    static const char three_head[] = NPY("|u1", "(2, 1, 2, 3)");
    x = put_npy("x.npy", three_head, sizeof three_head - 1, "abcdefghijkl", 12);
    fails(gs_recipe_load_all(context, read, spec, NULL, &data), GS_ERR_ARGUMENT, "3 places in their last axis",
          "had 2");
    x = put_npy("x.npy", bytes_head, sizeof bytes_head - 1, "abcdefgh", 8);
    y = put_npy("y.npy", y_head, sizeof y_head - 1, "\0\3", 2);
    fails(gs_recipe_load_all(context, read, spec, NULL, &data), GS_ERR_ARGUMENT, "class 3 is not one of the 3 classes",
          NULL);
    gs_recipe_destroy(&recipe);
    gs_recipe_destroy(&read);
    // Bytes without channels are scaled as one.
    x = put_npy("x.npy", flat_head, sizeof flat_head - 1, "\0\0\0\0\xFF\xFF\xFF\xFF", 8);
    assert_int_equal(gs_recipe_create(context, &(gs_recipe_params){.scale = GS_SCALE_STANDARD}, &recipe), GS_OK);
    assert_int_equal(gs_recipe_load_all(context, recipe, spec, NULL, &data), GS_OK);
    assert_float_equal(((const float *)data->x)[0], -1, 1e-6);
    assert_int_equal(data->max_class, 3);
    gs_data_destroy(&data);
    gs_recipe_destroy(&recipe);
    // What is not finite is found when it is loaded.
    static const char float_head[] = NPY("<f4", "(2, 1)");
    put_npy("x.npy", float_head, sizeof float_head - 1, "\0\0\0\0\0\0\xC0\x7F", 8);
    fails(gs_data_load(context, spec, NULL, &data), GS_ERR_FORMAT, "x.npy: element 1 is not a number", NULL);
    put_npy("x.npy", float_head, sizeof float_head - 1, "\0\0\x80\xFF\0\0\0\0", 8);
    fails(gs_data_load(context, spec, NULL, &data), GS_ERR_FORMAT, "x.npy: element 0 is infinite", NULL);
}

// --- JSON --------------------------------------------------------------------------------------------------------

static gs_status read_damaged(void *user, const char *text, size_t bytes) {
    gs_recipe *recipe = NULL;
    gs_data *data = NULL;
    gs_status status = gs__recipe_parse(context, "damaged.json", text, bytes, &recipe);
    // What is accepted does not crash.
    if (status == GS_OK && gs_recipe_load_all(context, recipe, user, NULL, &data) == GS_OK) gs_data_destroy(&data);
    gs_recipe_destroy(&recipe);
    return status;
}

static void test_json(void **state) {
    (void)state;
    gs_recipe *recipe;
    gs_data *data;
    const gs_recipe_params params = {
        .label = "y", .missing = GS_MISSING_MEAN, .scale = GS_SCALE_STANDARD, .split_seed = UINT64_MAX};
    assert_int_equal(load(&params, "x,\"c \"\"q\"\"\",y\n1,a,n\n2.5,\xC3\xA9,m\n,a,n\n", &recipe, &data), GS_OK);
    gs_data_destroy(&data);
    assert_int_equal(gs_recipe_write(context, recipe, files_path("a.json")), GS_OK);
    gs_recipe_destroy(&recipe);
    assert_int_equal(gs_recipe_read(context, files_path("a.json"), &recipe), GS_OK);
    assert_int_equal(gs_recipe_write(context, recipe, files_path("b.json")), GS_OK);
    gs_recipe_destroy(&recipe);
    size_t bytes, again_bytes;
    char *text = files_get(files_path("a.json"), &bytes), *again = files_get(files_path("b.json"), &again_bytes);
    assert_string_equal(text, again);
    char path[1100];
    snprintf(path, sizeof path, "%s", put("d.csv", "x,\"c \"\"q\"\"\",y\n,,n\n3,a,m\n"));
    damage(text, bytes - 1, true, read_damaged, path);
    free(text);
    free(again);
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{}", "format"},
        {"{\"format\": \"x\"}", "expected \"gradsmith recipe\""},
        {"{\"format\": \"gradsmith recipe\", \"version\": 2}", "version"},
        {"{\"format\": \"gradsmith recipe\", \"version\": 1, \"kind\": \"chair\"}", "kind: expected one of \"arrays\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fails(gs_recipe_read(context, put("bad.json", cases[i].text), &recipe), GS_ERR_FORMAT, "bad.json",
              cases[i].message);
    fails(gs_recipe_read(context, files_path("none.json"), &recipe), GS_ERR_FILE, "none.json", "No such file");
}

// A recipe as it is written, with one change in it.
static void test_json_changed(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"\"version\": 1", "\"version\": 2", "version: expected an integer from 1 to 1, found 2"},
        {"\"kind\": \"table\"", "\"kind\": 3", "kind: expected a string, found 3"},
        {"\"scale\": \"standard\",", "", "\"scale\" is missing"},
        {"\"one_hot\": false", "\"one_hot\": 0", "one_hot: expected true or false"},
        {"\"seed\": \"7\"", "\"seed\": \"7x\"", "split.seed: expected a string of digits, below 2^64, found \"7x\""},
        {"\"seed\": \"7\"", "\"seed\": \"99999999999999999999\"",
         "split.seed: expected a string of digits, below 2^64"},
        {"\"validation\": 0.25", "\"validation\": 1.5", "split: validation 1.5 and test 0 leave nothing"},
        {"\"validation\": 0.25", "\"validation\": -1", "split: validation -1 and test 0"},
        {"[\"m\", \"n\"]", "[\"m\", \"m\"]", "classes[1]: the same name twice"},
        {"[\"m\", \"n\"]", "[\"m\", 5]", "classes[1]: expected a string, found 5"},
        {"\"delimiter\": \",\"", "\"delimiter\": \"ab\"", "table.delimiter: expected one ASCII character"},
        {"\"missing\": \"mean\"", "\"missing\": \"guess\"", "table.missing: "},
        {"\"columns\": [", "\"columns\": [7, ", "table.columns[0]: expected an object, found 7"},
        {"\"columns\": [", "\"columns\": [], \"x\": [", "table.columns: expected 1 to 65536 columns"},
        {"\"name\": \"x\", \"fill\": 2", "\"name\": \"x\", \"fill\": \"2\"",
         "table.columns[0].fill: expected a number"},
        {"\"name\": \"c\", \"fill\": 0", "\"name\": \"c\", \"fill\": 9", "fill is not the number of a category"},
        {"\"class_count\"", "\"factor\": [1, 2], \"class_count\"", "0 offsets but 2 factors"},
        {"\"class_count\"", "\"offset\": [\"a\"], \"class_count\"", "offset[0]: expected a number, found \"a\""},
    };
    gs_recipe *recipe;
    gs_data_parts parts;
    const gs_recipe_params params = {.label = "y",
                                     .missing = GS_MISSING_MEAN,
                                     .scale = GS_SCALE_STANDARD,
                                     .split = GS_SPLIT_LAST,
                                     .validation_share = 0.25,
                                     .split_seed = 7};
    assert_int_equal(gs_recipe_create(context, &params, &recipe), GS_OK);
    const char *path = put("t.csv", "x,c,y\n1,u,n\n3,u,m\n,v,n\n4,v,m\n");
    assert_int_equal(gs_recipe_load(context, recipe, path, NULL, &parts), GS_OK);
    assert_int_equal(gs_recipe_write(context, recipe, files_path("a.json")), GS_OK);
    gs_data_destroy(&parts.train);
    gs_data_destroy(&parts.validation);
    gs_recipe_destroy(&recipe);
    size_t bytes;
    char *text = files_get(files_path("a.json"), &bytes), changed[2000];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *at = strstr(text, cases[i].from);
        if (!at) fail_msg("no %s in %s", cases[i].from, text);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, cases[i].to, at + strlen(cases[i].from));
        fails(gs_recipe_read(context, put("changed.json", changed), &recipe), GS_ERR_FORMAT,
              "changed.json: ", cases[i].message);
        assert_null(recipe);
    }
    free(text);
}

// More than a column of categories may have; one-hot targets of values.
static void test_limits(void **state) {
    (void)state;
    gs_recipe *recipe;
    gs_data *data;
    enum { ROWS = 65537 };
    char *text = malloc(ROWS * 10 + 10);
    assert_non_null(text);
    size_t used = (size_t)sprintf(text, "c,y\n");
    for (int i = 0; i < ROWS; i++) used += (size_t)sprintf(text + used, "w%d,%d\n", i, i % 2);
    fails(load(&(gs_recipe_params){.label = "y"}, text, &recipe, &data), GS_ERR_FORMAT,
          "t.csv:65538: column 1 (c): ", "one value more than the 65536");
    free(text);
    gs_recipe_destroy(&recipe);
    fails(load(&(gs_recipe_params){.label = "y", .one_hot = true}, "x,y\n1,0.5\n2,1.5\n", &recipe, &data),
          GS_ERR_ARGUMENT, "one-hot targets are made of classes", "values");
    gs_recipe_destroy(&recipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),          cmocka_unit_test(test_labels),
        cmocka_unit_test(test_missing),        cmocka_unit_test(test_table_refused),
        cmocka_unit_test(test_params_refused), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parts_refused),  cmocka_unit_test(test_parts_of_few),
        cmocka_unit_test(test_scaling),        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_json),           cmocka_unit_test(test_json_changed),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
