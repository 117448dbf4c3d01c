// Data from a callback: the very bits that the same data gives as an array, ahead of the device, and failures. Augmented
// trainings: repeatable, resumable, and other ones than without.
#include <gradsmith/gradsmith.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 203, SIDE = 6, PIXELS = SIDE * SIDE, CLASSES = 3 };

static uint8_t images[COUNT * PIXELS];
static int32_t classes[COUNT];
static float rows_of_one[COUNT * CLASSES];
static gs_context *context;

static void ok(gs_status status) {
    if (status != GS_OK) fail_msg("%s: %s", gs_status_name(status), gs_context_message(context));
}

static int setup(void **state) {
    (void)state;
    uint32_t seed = 3;
    for (uint32_t i = 0; i < COUNT; i++) {
        classes[i] = (int32_t)(i % CLASSES);
        rows_of_one[i * CLASSES + i % CLASSES] = 1;
        for (uint32_t p = 0; p < PIXELS; p++) {
            seed = seed * 1664525u + 1013904223u;
            images[i * PIXELS + p] = (uint8_t)((seed >> 26) + (p / SIDE / 2 == i % CLASSES ? 150 : 0));
        }
    }
    return gs_context_create(&context, NULL) != GS_OK;
}

static int teardown(void **state) {
    (void)state;
    gs_context_destroy(&context);
    return 0;
}

static gs_data *make_array(bool one_hot) {
    gs_data *data;
    gs_data_params params = {.x = images,
                             .x_shape = {3, {COUNT, SIDE, SIDE}},
                             .x_dtype = GS_U8,
                             .y = classes,
                             .y_shape = {1, {COUNT}},
                             .y_dtype = GS_I32};
    if (one_hot) {
        params.y = rows_of_one;
        params.y_shape = (gs_shape){2, {COUNT, CLASSES}};
        params.y_dtype = GS_F32;
    }
    ok(gs_data_create(context, &params, &data));
    return data;
}

// What a callback is told, and does.
struct loader {
    uint64_t calls, fail_at;       // the call that fails; 0: none
    uint64_t largest;              // sample
    int32_t bad_class;             // in the place of class 0; 0: none
    bool inside, overlapped, here; // here: called on this thread
    pthread_t thread;
};

static bool load(void *user, const uint64_t *samples, uint32_t count, void *x, void *y) {
    struct loader *l = user;
    l->overlapped |= l->inside;
    l->inside = true;
    l->here |= pthread_equal(pthread_self(), l->thread) != 0;
    for (uint32_t i = 0; i < count; i++) {
        if (samples[i] > l->largest) l->largest = samples[i];
        memcpy((uint8_t *)x + i * PIXELS, images + samples[i] * PIXELS, PIXELS);
        if (y) ((int32_t *)y)[i] = classes[samples[i]] ? classes[samples[i]] : l->bad_class;
    }
    l->inside = false;
    return ++l->calls != l->fail_at;
}

static gs_data *make_callback(struct loader *loader) {
    gs_data *data;
    *loader = (struct loader){.thread = pthread_self(), .fail_at = loader->fail_at, .bad_class = loader->bad_class};
    ok(gs_data_from_callback(context,
                             &(gs_data_callback_params){.fill = load,
                                                        .user = loader,
                                                        .count = COUNT,
                                                        .sample_shape = {2, {SIDE, SIDE}},
                                                        .x_dtype = GS_U8,
                                                        .has_targets = true,
                                                        .y_dtype = GS_I32,
                                                        .class_count = CLASSES},
                             &data));
    return data;
}

// All that a training and what follows gives.
struct outcome {
    float weights[2048], predictions[COUNT * CLASSES];
    uint64_t weight_count;
    gs_result train, evaluation;
};

static gs_model *make_model(const char *layers, gs_loss_kind loss) {
    gs_model *model;
    ok(gs_model_from_layers(context, layers, 5, &model));
    ok(gs_model_compile(model,
                        &(gs_compile_params){.optimizer = gs_adam(.learning_rate = 0.01f), .loss = {.kind = loss}}));
    return model;
}

static void read_weights(gs_model *model, struct outcome *o) {
    gs_model_info info;
    gs_model_get_info(model, &info);
    o->weight_count = 0;
    for (uint32_t i = 0; i < info.parameter_tensor_count; i++) {
        gs_parameter_info p;
        ok(gs_model_get_parameter(model, i, &p));
        assert_true(o->weight_count + p.count <= sizeof o->weights / sizeof *o->weights);
        ok(gs_model_read_parameter(model, i, o->weights + o->weight_count, p.count));
        o->weight_count += p.count;
    }
}

static void run(const gs_data *data, const gs_fit_params *fit, struct outcome *o) {
    gs_model *model = make_model("36 dense:8:relu dropout:0.2 dense:3", GS_LOSS_DEFAULT);
    memset(o, 0, sizeof *o);
    for (int i = 0; i < 2; i++) ok(gs_model_fit(model, data, fit, &o->train)); // the second begins at an odd step
    read_weights(model, o);
    ok(gs_model_evaluate(model, data, 50, &o->evaluation));
    ok(gs_model_predict(model, data, NULL, o->predictions, COUNT * CLASSES));
    gs_model_destroy(&model);
    o->train.seconds = o->evaluation.seconds = 0;
}

static void callback_equals_array(void **state) {
    (void)state;
    static struct outcome whole, fed;
    for (int i = 0; i < 4; i++) {
        const gs_fit_params fit = {.epochs = 3,
                                   .batch_size = i == 1 ? 1 : 16,
                                   .seed = 7,
                                   .no_shuffle = i == 2,
                                   .validation_split = i == 3 ? 0.2 : 0,
                                   .max_steps = i == 1 ? 100 : 0};
        struct loader loader = {0};
        gs_data *array = make_array(false), *callback = make_callback(&loader);
        run(array, &fit, &whole);
        run(callback, &fit, &fed);
        assert_memory_equal(whole.weights, fed.weights, whole.weight_count * sizeof(float));
        assert_memory_equal(whole.predictions, fed.predictions, sizeof whole.predictions);
        assert_memory_equal(&whole.evaluation.metrics, &fed.evaluation.metrics, sizeof whole.evaluation.metrics);
        assert_true(whole.evaluation.loss == fed.evaluation.loss && whole.train.loss == fed.train.loss);
        assert_true(loader.calls > 0 && !loader.here && !loader.overlapped);
        assert_int_equal(loader.largest, COUNT - 1);
        gs_data_destroy(&array);
        gs_data_destroy(&callback);
    }
}

static void slices_share_the_callback(void **state) {
    (void)state;
    struct loader loader = {0};
    gs_data *data = make_callback(&loader), *slice;
    gs_data_info info;
    ok(gs_data_slice(context, data, 100, 5, &slice));
    gs_data_destroy(&data); // the slice stays
    gs_data_get_info(slice, &info);
    assert_true(info.count == 5 && info.has_targets && info.max_class == CLASSES - 1 && info.sample_shape.rank == 2);
    assert_null(gs_data_x(slice));
    assert_null(gs_data_y(slice));
    gs_model *model = make_model("36 dense:3", GS_LOSS_DEFAULT);
    gs_result result;
    ok(gs_model_evaluate(model, slice, 0, &result));
    assert_int_equal(result.sample_count, 5);
    assert_int_equal(loader.largest, 104);
    assert_int_equal(gs_data_slice(context, slice, 3, 3, &data), GS_ERR_ARGUMENT);
    gs_data_destroy(&slice);
    gs_model_destroy(&model);
}

static void failures(void **state) {
    (void)state;
    const gs_fit_params fit = {.epochs = 2, .batch_size = 16};
    float predictions[COUNT * CLASSES];
    gs_model *model = make_model("36 dense:3", GS_LOSS_DEFAULT);
    for (uint64_t at = 1; at <= 20; at += 6) {
        struct loader loader = {.fail_at = at};
        gs_data *data = make_callback(&loader);
        assert_int_equal(gs_model_fit(model, data, &fit, NULL), GS_ERR_ARGUMENT);
        assert_non_null(strstr(gs_context_message(context), "callback: the callback failed to give its samples"));
        gs_data_destroy(&data);
    }
    struct loader loader = {.fail_at = 1};
    gs_data *data = make_callback(&loader);
    assert_int_equal(gs_model_predict(model, data, NULL, predictions, COUNT * CLASSES), GS_ERR_ARGUMENT);
    ok(gs_model_predict(model, data, NULL, predictions, COUNT * CLASSES)); // the next time it does not fail
    gs_data_destroy(&data);
    loader = (struct loader){.bad_class = 3};
    data = make_callback(&loader);
    assert_int_equal(gs_model_fit(model, data, &fit, NULL), GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "has class index 3: expected 0 to 2"));
    gs_data_destroy(&data);
    gs_model_destroy(&model);

    static const gs_data_callback_params bad[] = {
        {.count = 5, .sample_shape = {1, {3}}},
        {.fill = load, .count = 0, .sample_shape = {1, {3}}},
        {.fill = load, .count = UINT64_C(1) << 32, .sample_shape = {1, {3}}},
        {.fill = load, .count = 5, .sample_shape = {1, {0}}},
        {.fill = load, .count = 5, .sample_shape = {6, {1, 1, 1, 1, 1, 1}}},
        {.fill = load, .count = 5, .sample_shape = {2, {1 << 20, 1 << 20}}},
        {.fill = load, .count = 5, .sample_shape = {1, {3}}, .x_dtype = GS_I32},
        {.fill = load, .count = 5, .sample_shape = {1, {3}}, .has_targets = true, .y_dtype = GS_U8},
        {.fill = load, .count = 5, .sample_shape = {1, {3}}, .has_targets = true, .y_dtype = GS_I32},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(gs_data_from_callback(context, &bad[i], &data), GS_ERR_ARGUMENT);
    assert_int_equal(gs_data_from_callback(NULL, NULL, &data), GS_ERR_ARGUMENT);
}

// --- augmentation ------------------------------------------------------------------------------------------------

// `parts` fits of one epoch each, or one of so many epochs.
static void train(const gs_data *data, const char *augment, gs_loss_kind loss, uint32_t epochs, uint32_t parts,
                  struct outcome *o) {
    gs_augment a = {0};
    gs_model *model = make_model("36 dense:8:relu dense:3", loss);
    char message[300];
    if (augment && gs_augment_parse(augment, &a, message, sizeof message) != GS_OK) fail_msg("%s", message);
    memset(o, 0, sizeof *o);
    const gs_fit_params fit = {
        .epochs = epochs / parts, .batch_size = 16, .seed = 7, .augment = augment ? &a : NULL, .validation = data};
    for (uint32_t i = 0; i < parts; i++) ok(gs_model_fit(model, data, &fit, &o->train));
    read_weights(model, o);
    ok(gs_model_evaluate(model, data, 50, &o->evaluation));
    gs_model_destroy(&model);
}

static bool same_weights(const struct outcome *a, const struct outcome *b) {
    return a->weight_count == b->weight_count && memcmp(a->weights, b->weights, a->weight_count * sizeof(float)) == 0;
}

static void augmented(void **state) {
    (void)state;
    static struct outcome plain, once, again, resumed, fed;
    static const char *const words[] = {
        "flip",         "flip_vertical",
        "crop=2",       "rotate=20",
        "contrast=0.3", "brightness=0.2",
        "cutout=2",     "flip,flip_vertical,crop=1,rotate=15,contrast=0.2,brightness=0.1,cutout=2"};
    gs_data *data = make_array(false);
    struct loader loader = {0};
    gs_data *callback = make_callback(&loader);
    train(data, NULL, GS_LOSS_DEFAULT, 4, 1, &plain);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        train(data, words[i], GS_LOSS_DEFAULT, 4, 1, &once);
        assert_false(same_weights(&plain, &once));
        train(data, words[i], GS_LOSS_DEFAULT, 4, 1, &again);
        assert_true(same_weights(&once, &again));
        train(data, words[i], GS_LOSS_DEFAULT, 4, 2, &resumed);
        assert_true(same_weights(&once, &resumed));
        train(callback, words[i], GS_LOSS_DEFAULT, 4, 1, &fed);
        assert_true(same_weights(&once, &fed));
    }
    gs_data_destroy(&callback);
    gs_data_destroy(&data);
    data = make_array(true);
    train(data, NULL, GS_LOSS_CATEGORICAL_CROSSENTROPY, 4, 1, &plain);
    train(data, "flip,mixup=0.4", GS_LOSS_CATEGORICAL_CROSSENTROPY, 4, 1, &once);
    train(data, "flip,mixup=0.4", GS_LOSS_CATEGORICAL_CROSSENTROPY, 4, 4, &resumed);
    assert_false(same_weights(&plain, &once));
    assert_true(same_weights(&once, &resumed));
    gs_data_destroy(&data);
}

// Without training nothing of it happens: the layers are nothing, but for the middle part of a crop.
static void layers_in_evaluation(void **state) {
    (void)state;
    static struct outcome a, b;
    gs_data *data = make_array(false);
    static const char *const layers[2] = {
        "6x6 reshape:6x6x1 random_flip random_rotation:0.1 random_brightness:0.2:0:1 random_contrast:0.2:0:1 flatten "
        "dense:3",
        "6x6 reshape:6x6x1 flatten dense:3"};
    for (int i = 0; i < 2; i++) {
        gs_model *model = make_model(layers[i], GS_LOSS_DEFAULT);
        struct outcome *o = i ? &b : &a;
        ok(gs_model_predict(model, data, NULL, o->predictions, COUNT * CLASSES));
        ok(gs_model_fit(model, data, &(gs_fit_params){.epochs = 2, .seed = 1}, NULL));
        read_weights(model, o);
        gs_model_destroy(&model);
    }
    assert_memory_equal(a.predictions, b.predictions, sizeof a.predictions);
    assert_false(same_weights(&a, &b));
    gs_model *model = make_model("6x6 reshape:6x6x1 random_crop:4x4 flatten dense:3", GS_LOSS_DEFAULT);
    ok(gs_model_fit(model, data, &(gs_fit_params){.epochs = 1}, NULL));
    ok(gs_model_predict(model, data, NULL, a.predictions, COUNT * CLASSES));
    ok(gs_model_predict(model, data, NULL, b.predictions, COUNT * CLASSES));
    assert_memory_equal(a.predictions, b.predictions, sizeof a.predictions);
    gs_model_destroy(&model);
    gs_data_destroy(&data);
}

static void refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } words[] = {
        {"spin", "unknown augmentation \"spin\": known are flip, flip_vertical, crop=PIXELS"},
        {"", "unknown augmentation \"\""},
        {"flip,", "unknown augmentation \"\""},
        {"flip,flip", "\"flip\" stands there twice"},
        {"flip=1", "it takes no value"},
        {"crop", "it needs a value"},
        {"crop=", "crop \"\" is not a number"},
        {"crop=1.5", "expected a whole number above 0"},
        {"crop=0", "above 0 and at most 16384"},
        {"rotate=361", "at most 360"},
        {"contrast=2", "at most 1"},
        {"mixup=-1", "above 0 and at most 1"},
    };
    char message[300];
    gs_augment a = {0};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_int_equal(gs_augment_parse(words[i].text, &a, message, sizeof message), GS_ERR_ARGUMENT);
        if (!strstr(message, words[i].message)) fail_msg("\"%s\" in: %s", words[i].message, message);
    }
    assert_int_equal(gs_augment_parse(NULL, &a, NULL, 0), GS_ERR_ARGUMENT);
    assert_int_equal(gs_augment_parse("crop=3,mixup=0.2", &a, message, sizeof message), GS_OK);
    assert_true(a.crop == 3 && a.mixup > 0.19f && message[0] == 0);

    gs_data *data = make_array(false);
    gs_model *model = make_model("36 dense:3", GS_LOSS_DEFAULT);
    assert_int_equal(gs_model_fit(model, data, &(gs_fit_params){.augment = &(gs_augment){.mixup = 0.2f}}, NULL),
                     GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "--one-hot"));
    assert_int_equal(gs_model_fit(model, data, &(gs_fit_params){.augment = &(gs_augment){.contrast = 2}}, NULL),
                     GS_ERR_ARGUMENT);
    gs_data_destroy(&data);
    ok(gs_data_create(context,
                      &(gs_data_params){.x = images,
                                        .x_shape = {2, {COUNT, PIXELS}},
                                        .x_dtype = GS_U8,
                                        .y = classes,
                                        .y_shape = {1, {COUNT}},
                                        .y_dtype = GS_I32},
                      &data));
    assert_int_equal(
        gs_model_fit(model, data, &(gs_fit_params){.augment = &(gs_augment){.flip_horizontal = true}}, NULL),
        GS_ERR_ARGUMENT);
    assert_non_null(strstr(gs_context_message(context), "which are no images"));
    gs_model_destroy(&model);
    // Behind parameters there is no gradient.
    model = make_model("36 dense:36 reshape:6x6x1 random_flip flatten dense:3", GS_LOSS_DEFAULT);
    assert_int_equal(gs_model_fit(model, data, &(gs_fit_params){0}, NULL), GS_ERR_UNSUPPORTED);
    assert_non_null(strstr(gs_context_message(context), "in front of all layers with parameters"));
    gs_model_destroy(&model);
    gs_data_destroy(&data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callback_equals_array),
        cmocka_unit_test(slices_share_the_callback),
        cmocka_unit_test(failures),
        cmocka_unit_test(augmented),
        cmocka_unit_test(layers_in_evaluation),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
