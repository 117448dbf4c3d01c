// Many steps of a small model: memory, open files and threads do not grow, with validation, callbacks and a note of each
// epoch. The rate of steps is printed for each tenth.
//
//     GRADSMITH_LONG_STEPS=1000000 tests/train/test_long_run    the default is 20 000
#include <gradsmith/gradsmith.h>

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SAMPLES = 512, FEATURES = 8, CLASSES = 3, BATCH = 8, PARTS = 10 };

typedef struct use {
    long resident_kib, files, threads;
    double seconds;
} use;

static long count_entries(const char *path) {
    long count = 0;
    DIR *dir = opendir(path);
    if (!dir) return 0;
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static use use_now(void) {
    use u = {.files = count_entries("/proc/self/fd"), .threads = count_entries("/proc/self/task")};
    char line[256];
    struct timespec now;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmRSS: %ld", &u.resident_kib) == 1) break;
    if (status) fclose(status);
    clock_gettime(CLOCK_MONOTONIC, &now);
    u.seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    return u;
}

typedef struct watch {
    uint64_t epochs, seen;
    use at[PARTS + 1];
} watch;

static bool on_event(void *user, const gs_event *event) {
    watch *w = user;
    if (event->kind != GS_EVENT_EPOCH) return true;
    w->seen++;
    if (w->seen * PARTS % w->epochs < PARTS) w->at[w->seen * PARTS / w->epochs] = use_now();
    return true;
}

static void ok(gs_context *context, gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

static void test_long_run(void **state) {
    (void)state;
    const char *text = getenv("GRADSMITH_LONG_STEPS");
    const uint64_t wanted = text ? strtoull(text, NULL, 10) : 20000, steps = SAMPLES / BATCH;
    watch w = {.epochs = wanted / steps / PARTS * PARTS};
    gs_context *context;
    gs_data *data;
    gs_model *model;
    gs_result result;
    gs_callback *callbacks[1] = {0};
    static float x[SAMPLES * FEATURES];
    static int32_t y[SAMPLES];
    if (use_now().resident_kib == 0) {
        print_message("skipped: /proc/self/status does not tell the memory in use\n");
        skip();
    }
    assert_true(w.epochs >= PARTS);
    for (int i = 0; i < SAMPLES; i++) {
        for (int j = 0; j < FEATURES; j++) x[i * FEATURES + j] = (float)((i * 31 + j * 17) % 101) / 101;
        y[i] = (i * 31) % 101 * CLASSES / 101;
    }
    ok(NULL, gs_context_create(&context, NULL));
    ok(context, gs_data_create(context,
                               &(gs_data_params){.x = x,
                                                 .x_shape = {2, {SAMPLES, FEATURES}},
                                                 .x_dtype = GS_F32,
                                                 .y = y,
                                                 .y_shape = {1, {SAMPLES}},
                                                 .y_dtype = GS_I32},
                               &data));
    ok(context, gs_model_from_layers(context, "8 dense:8:relu dropout:0.1 dense:3", 1, &model));
    ok(context, gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam()}));
    ok(context,
       gs_early_stopping_create(
           context,
           &(gs_early_stopping_params){.monitor = "val_loss", .patience = UINT32_MAX, .restore_best_weights = true},
           &callbacks[0]));
    w.at[0] = use_now();
    ok(context, gs_model_fit(model, data,
                             &(gs_fit_params){.epochs = (uint32_t)w.epochs,
                                              .batch_size = BATCH,
                                              .seed = 1,
                                              .validation_split = 0.0,
                                              .validation = data,
                                              .callbacks = callbacks,
                                              .callback_count = 1,
                                              .callback = on_event,
                                              .user = &w},
                             &result));
    for (int i = 1; i <= PARTS; i++)
        print_message("%8llu steps: %.0f steps/s, %ld KiB, %ld files, %ld threads\n",
                      (unsigned long long)(w.epochs * steps * (uint64_t)i / PARTS),
                      (double)(w.epochs * steps) / PARTS / (w.at[i].seconds - w.at[i - 1].seconds),
                      w.at[i].resident_kib, w.at[i].files, w.at[i].threads);
    // The history of the epochs is kept: 8 bytes for each of its columns.
    const long history_kib = (long)(w.epochs * 8 * 16 / 1024);
    // The first half is for what drivers and validation layers keep once they have seen it.
    const use *before = &w.at[PARTS / 2];
    assert_in_range(w.at[PARTS].resident_kib, 0, before->resident_kib + 1024 + history_kib);
    assert_int_equal(w.at[PARTS].files, before->files);
    assert_int_equal(w.at[PARTS].threads, before->threads);
    gs_callback_destroy(&callbacks[0]);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
    gs_context_destroy(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
