#define _XOPEN_SOURCE 700 // nftw
#include "train/fixture.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void fixture_ok(fixture *f, gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(f->context));
}

void fixture_expect(fixture *f, gs_status found, gs_status wanted, const char *words) {
    if (found != wanted || !strstr(gs_context_message(f->context), words))
        fail_msg("%s: \"%s\", expected %s: \"%s\"", gs_status_name(found), gs_context_message(f->context),
                 gs_status_name(wanted), words);
}

// Classes that a small net can learn: the class is where the largest of four sums lies.
static void make_samples(float *x, int32_t *y) {
    uint32_t seed = 1;
    for (int i = 0; i < FIXTURE_COUNT; i++) {
        float sums[FIXTURE_CLASSES] = {0};
        for (int j = 0; j < FIXTURE_FEATURES; j++) {
            seed = seed * 1664525u + 1013904223u;
            x[i * FIXTURE_FEATURES + j] = (float)(seed >> 8) / 8388608.0f - 1.0f;
            sums[j % FIXTURE_CLASSES] += x[i * FIXTURE_FEATURES + j];
        }
        y[i] = 0;
        for (int k = 1; k < FIXTURE_CLASSES; k++)
            if (sums[k] > sums[y[i]]) y[i] = k;
    }
}

static void note(void *user, const char *text) {
    fixture *f = user;
    const size_t used = strlen(f->notes);
    snprintf(f->notes + used, sizeof f->notes - used, "%s\n", text);
}

gs_model *fixture_model(fixture *f) {
    gs_model *model;
    gs_layer layers[] = {gs_input(.shape = {1, {FIXTURE_FEATURES}}),
                         gs_dense(.units = 17, .activation = GS_ACTIVATION_RELU), gs_dropout(.rate = 0.1f),
                         gs_dense(.units = FIXTURE_CLASSES)};
    fixture_ok(f, gs_model_sequential(f->context,
                                      &(gs_sequential_params){.layers = layers, .layer_count = 4, .seed = 7}, &model));
    fixture_ok(f, gs_model_compile(model, &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 0.01f)}));
    return model;
}

void fixture_open_with(fixture *f, void (*change)(float *samples)) {
    static float x[FIXTURE_COUNT * FIXTURE_FEATURES];
    int32_t y[FIXTURE_COUNT];
    *f = (fixture){0};
    assert_int_equal(gs_context_create(&f->context, &(gs_context_params){.note = note, .note_user = f}), GS_OK);
    make_samples(x, y);
    if (change) change(x);
    fixture_ok(f, gs_data_create(f->context,
                                 &(gs_data_params){.x = x,
                                                   .x_shape = {2, {FIXTURE_COUNT, FIXTURE_FEATURES}},
                                                   .x_dtype = GS_F32,
                                                   .y = y,
                                                   .y_shape = {1, {FIXTURE_COUNT}},
                                                   .y_dtype = GS_I32},
                                 &f->data));
    f->model = fixture_model(f);
    const char *tmp = getenv("TMPDIR");
    snprintf(f->dir, sizeof f->dir, "%.30s/gradsmith-train-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
}

void fixture_open(fixture *f) {
    fixture_open_with(f, NULL);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void fixture_close(fixture *f) {
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    gs_model_destroy(&f->model);
    gs_data_destroy(&f->data);
    gs_context_destroy(&f->context);
}

const char *fixture_path(fixture *f, const char *name) {
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return path;
}

char *fixture_read(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be opened", path);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    *bytes = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    return text;
}

float *fixture_weights(fixture *f, gs_model *model, uint64_t *count) {
    gs_model_info info;
    gs_model_get_info(model, &info);
    float *weights = malloc(info.parameter_count * sizeof *weights), *at = weights;
    assert_non_null(weights);
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        gs_parameter_info p;
        fixture_ok(f, gs_model_get_parameter(model, i, &p));
        fixture_ok(f, gs_model_read_parameter(model, i, at, p.count));
        at += p.count;
    }
    *count = info.parameter_count;
    return weights;
}
