// Backups: a training that was cut off and resumed ends with the same bits as one that was not.
#include "train/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EPOCHS = 6 };

struct run {
    const char *backup, *resume, *csv;
    uint64_t every_steps, max_steps, batch, seed;
    uint32_t epochs;
    bool no_stopping;
    gs_optimizer optimizer;
    gs_precision precision;
};

// A training with EarlyStopping, CSVLogger and Backup on a model of its own.
static gs_status train(fixture *f, const struct run *run, gs_model **model) {
    gs_callback *list[3] = {0};
    uint32_t count = 0;
    *model = fixture_model(f);
    gs_compile_params compile = {.optimizer = run->optimizer, .precision = run->precision};
    if (run->precision == GS_PRECISION_MIXED_FLOAT16) {
        // Far too large at first: the loss scale falls, and then grows.
        compile.loss_scale = 0x1p28f;
        compile.loss_scale_growth = 5;
    }
    if (run->optimizer.kind || run->precision) fixture_ok(f, gs_model_compile(*model, &compile));
    if (!run->no_stopping)
        fixture_ok(f, gs_early_stopping_create(f->context,
                                               &(gs_early_stopping_params){.monitor = "val_loss",
                                                                           .patience = 1,
                                                                           .min_delta = 0.3,
                                                                           .start_from_epoch = 1,
                                                                           .restore_best_weights = true},
                                               &list[count++]));
    if (run->csv)
        fixture_ok(f, gs_csv_logger_create(f->context, &(gs_csv_logger_params){.path = run->csv}, &list[count++]));
    fixture_ok(f,
               gs_backup_create(f->context, &(gs_backup_params){.path = run->backup, .every_steps = run->every_steps},
                                &list[count++]));
    gs_fit_params params = {.epochs = run->epochs ? run->epochs : EPOCHS,
                            .batch_size = run->batch ? (uint32_t)run->batch : FIXTURE_BATCH,
                            .seed = run->seed ? run->seed : 5,
                            .validation_split = 0.2,
                            .max_steps = run->max_steps,
                            .callbacks = list,
                            .callback_count = count,
                            .resume = run->resume};
    gs_status status = gs_model_fit(*model, f->data, &params, NULL);
    for (uint32_t i = 0; i < count; i++) gs_callback_destroy(&list[i]);
    return status;
}

static void same_weights(fixture *f, gs_model *one, gs_model *two) {
    uint64_t count;
    float *a = fixture_weights(f, one, &count), *b = fixture_weights(f, two, &count);
    assert_memory_equal(a, b, count * sizeof *a);
    free(a), free(b);
}

// Rows without their last column, the seconds.
static void same_table(const char *one, const char *two) {
    size_t bytes;
    char *a = fixture_read(one, &bytes), *b = fixture_read(two, &bytes);
    const char *x = a, *y = b;
    while (*x && *y) {
        const char *x_end = strchr(x, '\n'), *y_end = strchr(y, '\n');
        size_t length = (size_t)(x_end - x), other = (size_t)(y_end - y);
        while (length && x[length - 1] != ',') length--;
        while (other && y[other - 1] != ',') other--;
        if (length != other || memcmp(x, y, length) != 0) fail_msg("\"%s\" is not \"%s\"", x, y);
        x = x_end + 1, y = y_end + 1;
    }
    assert_true(!*x && !*y);
    free(a), free(b);
}

// Cut off after `steps`, at an epoch's end or in its middle, with another backup in between.
static void resumed_after(uint64_t steps, uint64_t every_steps, gs_precision precision) {
    fixture f;
    gs_model *whole, *cut, *resumed;
    char paths[4][160];
    fixture_open(&f);
    for (int i = 0; i < 4; i++) {
        const char *names[] = {"whole.safetensors", "cut.safetensors", "whole.csv", "cut.csv"};
        snprintf(paths[i], sizeof paths[i], "%s", fixture_path(&f, names[i]));
    }
    struct run run = {.backup = paths[0], .csv = paths[2], .every_steps = every_steps, .precision = precision};
    fixture_ok(&f, train(&f, &run, &whole));
    if (!precision) assert_non_null(strstr(f.notes, "early stopping after epoch"));
    run = (struct run){
        .backup = paths[1], .csv = paths[3], .every_steps = every_steps, .max_steps = steps, .precision = precision};
    fixture_ok(&f, train(&f, &run, &cut));
    run.resume = paths[1];
    run.max_steps = 0;
    fixture_ok(&f, train(&f, &run, &resumed));
    same_weights(&f, whole, resumed);
    same_table(paths[2], paths[3]);
    gs_model_destroy(&whole);
    gs_model_destroy(&cut);
    gs_model_destroy(&resumed);
    fixture_close(&f);
}

static void resumed_at_an_epoch(void **state) {
    (void)state;
    resumed_after(33, 0, GS_PRECISION_DEFAULT); // 3 epochs of 11 steps
}

static void resumed_within_an_epoch(void **state) {
    (void)state;
    resumed_after(31, 4, GS_PRECISION_DEFAULT); // backup at step 28, three steps are done again
}

// The loss scale and its count of good steps are in the backup.
static void resumed_in_mixed_precision(void **state) {
    (void)state;
    resumed_after(31, 4, GS_PRECISION_MIXED_FLOAT16);
    resumed_after(5, 3, GS_PRECISION_MIXED_FLOAT16); // while steps are skipped
    resumed_after(31, 4, GS_PRECISION_MIXED_BFLOAT16);
}

static void bad_backups_are_refused(void **state) {
    (void)state;
    fixture f;
    gs_model *model;
    char path[160], other[160];
    fixture_open(&f);
    snprintf(path, sizeof path, "%s", fixture_path(&f, "b.safetensors"));
    snprintf(other, sizeof other, "%s", fixture_path(&f, "w.safetensors"));
    struct run run = {.backup = path, .max_steps = 22};
    fixture_ok(&f, train(&f, &run, &model));
    fixture_ok(&f, gs_model_save_weights(model, other));
    gs_model_destroy(&model);
    const struct {
        struct run run;
        gs_status status;
        const char *words;
    } cases[] = {
        {{.backup = path, .resume = "/no/such/file"}, GS_ERR_FILE, "/no/such/file"},
        {{.backup = path, .resume = other}, GS_ERR_FORMAT, "there is no training in it"},
        {{.backup = path, .resume = path, .batch = 8}, GS_ERR_ARGUMENT, "batch_size: the backup was made with 16"},
        {{.backup = path, .resume = path, .seed = 6}, GS_ERR_ARGUMENT, "another seed"},
        {{.backup = path, .resume = path, .no_stopping = true}, GS_ERR_ARGUMENT, "made with 2 callbacks"},
        {{.backup = path, .resume = path, .csv = other, .no_stopping = true},
         GS_ERR_ARGUMENT,
         "has EarlyStopping here"},
        {{.backup = path, .resume = path, .precision = GS_PRECISION_MIXED_FLOAT16},
         GS_ERR_ARGUMENT,
         "the backup was made with float32, this training has mixed_float16"},
        {{.backup = path, .resume = path, .optimizer = gs_sgd(.momentum = 0.9f)}, GS_ERR_ARGUMENT, "\"optimizer\" has"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_expect(&f, train(&f, &cases[i].run, &model), cases[i].status, cases[i].words);
        gs_model_destroy(&model);
    }
    // Cut off in the middle of the file.
    size_t bytes;
    char *text = fixture_read(path, &bytes);
    FILE *file = fopen(other, "wb");
    assert_true(file && fwrite(text, 1, bytes - 10, file) == bytes - 10 && fclose(file) == 0);
    free(text);
    run = (struct run){.backup = path, .resume = other};
    fixture_expect(&f, train(&f, &run, &model), GS_ERR_FORMAT, "w.safetensors");
    gs_model_destroy(&model);
    gs_callback *c;
    fixture_expect(&f, gs_backup_create(f.context, NULL, &c), GS_ERR_ARGUMENT, "path is missing");
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_at_an_epoch),
        cmocka_unit_test(resumed_within_an_epoch),
        cmocka_unit_test(resumed_in_mixed_precision),
        cmocka_unit_test(bad_backups_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
