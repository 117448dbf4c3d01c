// Checkpoints: a training that was cut off and resumed ends with the same bits as one that was not.
#include "train/fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { EPOCHS = 6 };

struct run {
    const char *dir, *resume, *csv;
    uint64_t every_steps, max_steps, batch, seed;
    uint32_t epochs, keep;
    bool no_stopping, metrics;
    double minutes;
    gs_event_hook *hook;
    void (*failed)(void *user, const char *text);
    void *user;
    gs_optimizer optimizer;
    gs_precision precision;
};

// A training with EarlyStopping, CSVLogger and checkpoints on a model of its own.
static gs_status train(fixture *f, const struct run *run, gs_model **model) {
    gs_callback *list[2] = {0};
    uint32_t count = 0;
    *model = fixture_model(f);
    gs_compile_params compile = {.optimizer = run->optimizer, .precision = run->precision};
    if (run->metrics) {
        compile.metrics[0].kind = GS_METRIC_ACCURACY;
        compile.metrics[1].kind = GS_METRIC_F1;
    }
    if (run->precision == GS_PRECISION_MIXED_FLOAT16) {
        // Far too large at first: the loss scale falls, and then grows.
        compile.loss_scale = 0x1p28f;
        compile.loss_scale_growth = 5;
    }
    if (run->optimizer.kind || run->precision || run->metrics) fixture_ok(f, gs_model_compile(*model, &compile));
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
    const gs_checkpoint_params checkpoints = {.dir = run->dir,
                                              .every_steps = run->every_steps,
                                              .every_minutes = run->minutes,
                                              .keep = run->keep,
                                              .failed = run->failed,
                                              .user = run->user};
    gs_fit_params params = {.epochs = run->epochs ? run->epochs : EPOCHS,
                            .batch_size = run->batch ? (uint32_t)run->batch : FIXTURE_BATCH,
                            .seed = run->seed ? run->seed : 5,
                            .validation_split = 0.2,
                            .max_steps = run->max_steps,
                            .callbacks = list,
                            .callback_count = count,
                            .checkpoints = run->dir ? &checkpoints : NULL,
                            .resume = run->resume,
                            .callback = run->hook,
                            .user = run->user};
    gs_status status = gs_model_fit(*model, f->data, &params, NULL);
    for (uint32_t i = 0; i < count; i++) gs_callback_destroy(&list[i]);
    return status;
}

struct stopper {
    uint64_t after; // steps
};

static bool stop_after(void *user, const gs_event *event) {
    const struct stopper *stopper = user;
    return event->total_step < stopper->after;
}

struct breaker {
    const char *dir;
};

// Puts a file where the folder of checkpoints is.
static bool break_folder(void *user, const gs_event *event) {
    const struct breaker *breaker = user;
    if (event->kind != GS_EVENT_PROGRESS || event->total_step > 13 || rmdir(breaker->dir) != 0) return true;
    FILE *file = fopen(breaker->dir, "wb");
    assert_true(file && fclose(file) == 0);
    return true;
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

// Cut off after `steps`, at an epoch's end or in its middle.
static void resumed_after(uint64_t steps, uint64_t every_steps, gs_precision precision) {
    fixture f;
    gs_model *whole, *cut, *resumed;
    char paths[4][160];
    fixture_open(&f);
    for (int i = 0; i < 4; i++) {
        const char *names[] = {"whole", "cut", "whole.csv", "cut.csv"};
        snprintf(paths[i], sizeof paths[i], "%s", fixture_path(&f, names[i]));
    }
    struct run run = {.dir = paths[0], .csv = paths[2], .every_steps = every_steps, .precision = precision};
    fixture_ok(&f, train(&f, &run, &whole));
    if (!precision) assert_non_null(strstr(f.notes, "early stopping after epoch"));
    run = (struct run){
        .dir = paths[1], .csv = paths[3], .every_steps = every_steps, .max_steps = steps, .precision = precision};
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
    resumed_after(31, 4, GS_PRECISION_DEFAULT);
}

// The loss scale and its count of good steps are in the checkpoint.
static void resumed_in_mixed_precision(void **state) {
    (void)state;
    resumed_after(31, 4, GS_PRECISION_MIXED_FLOAT16);
    resumed_after(5, 3, GS_PRECISION_MIXED_FLOAT16); // while steps are skipped
    resumed_after(31, 4, GS_PRECISION_MIXED_BFLOAT16);
}

// A file from the middle of a training: steps are done again, and those of the future are gone in the end.
static void resumed_from_an_older_one(void **state) {
    (void)state;
    fixture f;
    gs_model *whole, *resumed;
    char dir[160], other[160], file[200];
    fixture_open(&f);
    snprintf(dir, sizeof dir, "%s", fixture_path(&f, "a"));
    snprintf(other, sizeof other, "%s", fixture_path(&f, "b"));
    struct run run = {.dir = dir, .keep = 100, .metrics = true, .no_stopping = true};
    fixture_ok(&f, train(&f, &run, &whole));
    // The second epoch's end, or what stands nearest: a checkpoint is left out while the last one is being written.
    for (int step = 11; step <= 66; step += 11) {
        snprintf(file, sizeof file, "%s/step-%012d.safetensors", dir, step);
        if (access(file, F_OK) != 0) continue;
        run = (struct run){.dir = other, .resume = file, .metrics = true, .no_stopping = true};
        fixture_ok(&f, train(&f, &run, &resumed));
        same_weights(&f, whole, resumed);
        gs_model_destroy(&resumed);
    }
    gs_model_destroy(&whole);
    fixture_close(&f);
}

struct figures {
    double values[EPOCHS][4];
    uint32_t epochs, past;
};

static bool keep_figures(void *user, const gs_event *event) {
    struct figures *figures = user;
    if (event->kind != GS_EVENT_EPOCH) return true;
    assert_int_equal(event->epoch, figures->epochs);
    double *to = figures->values[figures->epochs++];
    to[0] = event->train.loss, to[1] = event->train.metrics[1];
    to[2] = event->validation.loss, to[3] = event->validation.metrics[1];
    figures->past += event->past;
    return true;
}

// What is counted over a whole epoch goes on within it, and the epochs of before are told again.
static void history_is_the_same(void **state) {
    (void)state;
    fixture f;
    gs_model *model;
    char dir[160];
    struct figures whole = {.epochs = 0}, resumed = {.epochs = 0};
    fixture_open(&f);
    snprintf(dir, sizeof dir, "%s", fixture_path(&f, "a"));
    struct run run = {.metrics = true, .no_stopping = true, .hook = keep_figures, .user = &whole};
    fixture_ok(&f, train(&f, &run, &model));
    gs_model_destroy(&model);
    run = (struct run){.dir = dir, .metrics = true, .no_stopping = true, .max_steps = 27};
    fixture_ok(&f, train(&f, &run, &model));
    gs_model_destroy(&model);
    run = (struct run){.resume = dir, .metrics = true, .no_stopping = true, .hook = keep_figures, .user = &resumed};
    fixture_ok(&f, train(&f, &run, &model));
    gs_model_destroy(&model);
    assert_int_equal(whole.epochs, EPOCHS);
    assert_int_equal(resumed.epochs, EPOCHS);
    assert_int_equal(resumed.past, 2);
    assert_memory_equal(whole.values, resumed.values, sizeof whole.values);
    fixture_close(&f);
}

// Every optimizer's state, sums of gradients and averages come back.
static void optimizers_resume(void **state) {
    (void)state;
    const gs_optimizer optimizers[] = {
        gs_sgd(.learning_rate = 0.05f, .momentum = 0.9f, .accumulate = 3),
        gs_adam(.learning_rate = 0.01f, .use_ema = true, .ema_momentum = 0.9f, .accumulate = 2),
        gs_rmsprop(.learning_rate = 0.001f),
        {.kind = GS_OPTIMIZER_ADAGRAD, .learning_rate = 0.01f},
        {.kind = GS_OPTIMIZER_ADAFACTOR, .learning_rate = 0.01f},
        gs_adam(.learning_rate = 0.02f,
                .schedule = {.kind = GS_SCHEDULE_COSINE, .warmup_steps = 7}), // ends with this training
    };
    fixture f;
    gs_model *whole, *cut;
    char dir[160];
    fixture_open(&f);
    snprintf(dir, sizeof dir, "%s", fixture_path(&f, "a"));
    for (size_t i = 0; i < sizeof optimizers / sizeof optimizers[0]; i++) {
        struct run run = {.optimizer = optimizers[i], .no_stopping = true, .epochs = 3};
        fixture_ok(&f, train(&f, &run, &whole));
        struct stopper stopper = {.after = 16};
        run.dir = dir;
        run.hook = stop_after, run.user = &stopper;
        fixture_expect(&f, train(&f, &run, &cut), GS_STOPPED, "stopped");
        gs_model_destroy(&cut);
        run.hook = NULL;
        run.resume = dir;
        fixture_ok(&f, train(&f, &run, &cut));
        same_weights(&f, whole, cut);
        gs_model_destroy(&cut);
        gs_model_destroy(&whole);
    }
    fixture_close(&f);
}

static void damage(const char *path, long at) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    fputc(byte ^ 1, file);
    assert_int_equal(fclose(file), 0);
}

// One bit, or a cut: the checkpoint before is used, and the end is the same.
static void damaged_ones_are_passed_over(void **state) {
    (void)state;
    fixture f;
    gs_model *whole, *resumed;
    char dir[160], file[200], link_name[200];
    fixture_open(&f);
    snprintf(dir, sizeof dir, "%s", fixture_path(&f, "a"));
    struct run run = {.no_stopping = true};
    fixture_ok(&f, train(&f, &run, &whole));
    // Two that are there for sure: ends of trainings.
    run.dir = dir, run.max_steps = 15;
    fixture_ok(&f, train(&f, &run, &resumed));
    gs_model_destroy(&resumed);
    for (int kind = 0; kind < 3; kind++) {
        run.max_steps = 37, run.resume = dir;
        fixture_ok(&f, train(&f, &run, &resumed));
        gs_model_destroy(&resumed);
        snprintf(file, sizeof file, "%s/step-%012d.safetensors", dir, 37);
        if (kind == 0) damage(file, -9);   // data
        if (kind == 1) damage(file, 2000); // header
        if (kind == 2) assert_int_equal(truncate(file, 5000), 0);
        f.notes[0] = 0;
        run.max_steps = 0;
        run.keep = 100;
        snprintf(link_name, sizeof link_name, "%s", fixture_path(&f, "b"));
        run.dir = link_name;
        fixture_ok(&f, train(&f, &run, &resumed));
        run.dir = dir, run.keep = 0;
        assert_non_null(strstr(f.notes, "step-000000000037.safetensors"));
        assert_non_null(strstr(f.notes, "the checkpoint before it is used"));
        same_weights(&f, whole, resumed);
        gs_model_destroy(&resumed);
    }
    gs_model_destroy(&whole);
    fixture_close(&f);
}

static uint32_t count_files(const char *dir) {
    uint32_t count = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) count += entry->d_name[0] != '.';
    closedir(d);
    return count;
}

static void as_many_are_kept_as_asked_for(void **state) {
    (void)state;
    fixture f;
    gs_model *model;
    char dir[160], file[200];
    fixture_open(&f);
    snprintf(dir, sizeof dir, "%s", fixture_path(&f, "a/deep"));
    struct run run = {.dir = dir, .keep = 2, .no_stopping = true, .epochs = 40};
    fixture_ok(&f, train(&f, &run, &model));
    gs_model_destroy(&model);
    assert_int_equal(count_files(dir), 2);
    snprintf(file, sizeof file, "%s/step-%012d.safetensors", dir, 440);
    assert_int_equal(access(file, F_OK), 0);
    // A new training takes those of another away, and what a killed one left half-written.
    snprintf(file, sizeof file, "%s/step-000000000007.safetensors.123-0.tmp", dir);
    FILE *left = fopen(file, "wb");
    assert_true(left && fclose(left) == 0);
    run.epochs = 1, run.keep = 0;
    fixture_ok(&f, train(&f, &run, &model));
    gs_model_destroy(&model);
    assert_int_equal(count_files(dir), 1);
    // By the clock alone: only the end.
    run = (struct run){.dir = dir, .minutes = 1000, .no_stopping = true, .epochs = 3};
    fixture_ok(&f, train(&f, &run, &model));
    gs_model_destroy(&model);
    assert_int_equal(count_files(dir), 1);
    run.minutes = 1e-9;
    fixture_ok(&f, train(&f, &run, &model));
    gs_model_destroy(&model);
    assert_true(count_files(dir) >= 2);
    fixture_close(&f);
}

static void remember(void *user, const char *text) {
    snprintf(user, 1024, "%s", text);
}

// The folder goes away under a training.
static void failures_are_told(void **state) {
    (void)state;
    fixture f;
    gs_model *model;
    char dir[160], told[1024] = "";
    fixture_open(&f);
    snprintf(dir, sizeof dir, "%s", fixture_path(&f, "a"));
    struct breaker breaker = {dir};
    struct run run = {.dir = dir, .no_stopping = true, .hook = break_folder, .user = &breaker};
    fixture_expect(&f, train(&f, &run, &model), GS_ERR_FILE, "a checkpoint is not written");
    assert_non_null(strstr(f.notes, "the training goes on, none is on disk"));
    gs_model *whole;
    run = (struct run){.no_stopping = true};
    fixture_ok(&f, train(&f, &run, &whole));
    same_weights(&f, whole, model); // trained all the same
    gs_model_destroy(&whole);
    gs_model_destroy(&model);
    assert_int_equal(remove(dir), 0);
    fixture_ok(&f, train(&f, &(struct run){.dir = dir, .no_stopping = true, .failed = remember, .user = told}, &model));
    gs_model_destroy(&model);
    assert_string_equal(told, "");
    // A file where the folder should be: known before the training.
    FILE *file = fopen(fixture_path(&f, "file"), "wb");
    assert_true(file && fclose(file) == 0);
    fixture_expect(&f, train(&f, &(struct run){.dir = fixture_path(&f, "file")}, &model), GS_ERR_FILE, "file");
    gs_model_destroy(&model);
    fixture_expect(&f, train(&f, &(struct run){.dir = ""}, &model), GS_ERR_ARGUMENT, "the folder is missing");
    gs_model_destroy(&model);
    fixture_close(&f);
}

static void others_are_refused(void **state) {
    (void)state;
    fixture f;
    gs_model *model;
    char path[160], other[160], file[200];
    fixture_open(&f);
    snprintf(path, sizeof path, "%s", fixture_path(&f, "b"));
    snprintf(other, sizeof other, "%s", fixture_path(&f, "w.safetensors"));
    struct run run = {.dir = path, .max_steps = 22};
    fixture_ok(&f, train(&f, &run, &model));
    fixture_ok(&f, gs_model_save_weights(model, other));
    gs_model_destroy(&model);
    const struct {
        struct run run;
        gs_status status;
        const char *words;
    } cases[] = {
        {{.resume = "/no/such/file.safetensors"}, GS_ERR_FILE, "/no/such/file"},
        {{.resume = other}, GS_ERR_FORMAT, "there is no training in it"},
        {{.resume = path, .batch = 8}, GS_ERR_ARGUMENT, "batch_size: the checkpoint was made with 16"},
        {{.resume = path, .seed = 6}, GS_ERR_ARGUMENT, "another seed"},
        {{.resume = path, .no_stopping = true}, GS_ERR_ARGUMENT, "made with 1 callbacks"},
        {{.resume = path, .csv = fixture_path(&f, "x.csv"), .no_stopping = true},
         GS_ERR_ARGUMENT,
         "has EarlyStopping here"},
        {{.resume = path, .precision = GS_PRECISION_MIXED_FLOAT16},
         GS_ERR_ARGUMENT,
         "the checkpoint was made with float32, this training has mixed_float16"},
        {{.resume = path, .optimizer = gs_sgd(.learning_rate = 0.1f, .use_ema = true)},
         GS_ERR_ARGUMENT,
         "\"average/dense/kernel\" has"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_expect(&f, train(&f, &cases[i].run, &model), cases[i].status, cases[i].words);
        gs_model_destroy(&model);
    }
    // Other data of the same size.
    static float x[FIXTURE_COUNT * FIXTURE_FEATURES];
    gs_data *data = f.data;
    fixture_ok(&f, gs_data_create(f.context,
                                  &(gs_data_params){.x = x,
                                                    .x_shape = {2, {FIXTURE_COUNT, FIXTURE_FEATURES}},
                                                    .x_dtype = GS_F32,
                                                    .y = gs_data_y(data),
                                                    .y_shape = {1, {FIXTURE_COUNT}},
                                                    .y_dtype = GS_I32},
                                  &f.data));
    fixture_expect(&f, train(&f, &(struct run){.resume = path}, &model), GS_ERR_ARGUMENT, "not those of before");
    gs_model_destroy(&model);
    gs_data_destroy(&f.data);
    f.data = data;
    // The only one is damaged: that is no start.
    snprintf(file, sizeof file, "%s/step-%012d.safetensors", path, 11);
    remove(file);
    snprintf(file, sizeof file, "%s/step-%012d.safetensors", path, 22);
    damage(file, -1);
    fixture_expect(&f, train(&f, &(struct run){.resume = path}, &model), GS_ERR_FORMAT, "checkpoints are damaged");
    gs_model_destroy(&model);
    // None at all is one.
    assert_int_equal(remove(file), 0);
    fixture_ok(&f, train(&f, &(struct run){.resume = path}, &model));
    gs_model_destroy(&model);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_at_an_epoch),
        cmocka_unit_test(resumed_within_an_epoch),
        cmocka_unit_test(resumed_in_mixed_precision),
        cmocka_unit_test(resumed_from_an_older_one),
        cmocka_unit_test(history_is_the_same),
        cmocka_unit_test(optimizers_resume),
        cmocka_unit_test(damaged_ones_are_passed_over),
        cmocka_unit_test(as_many_are_kept_as_asked_for),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
