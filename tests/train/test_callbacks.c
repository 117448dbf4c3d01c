// Callbacks: hooks and what they may do, EarlyStopping against Keras, ModelCheckpoint, CSVLogger, TensorBoard.
#include "train/fixture.h"
#include "train/tfrecord.h"
#include "train/training.h"

#include "tensorboard.pb-c.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static gs_fit_params fit_params(gs_callback *const *callbacks, uint32_t count) {
    return (gs_fit_params){
        .epochs = 3, .batch_size = FIXTURE_BATCH, .seed = 5, .callbacks = callbacks, .callback_count = count};
}

// --- hooks -----------------------------------------------------------------------------------------------------------
struct calls {
    char order[64];
    uint64_t steps, at[8];
    uint32_t at_count, stop_epoch;
    double rate;
    gs_status outcome, fails, inner;
    bool sets_rate;
    const gs_data *data;
};

static gs_status count_begin(void *user, gs_training *training) {
    struct calls *c = user;
    gs_training_info info;
    gs_training_get_info(training, &info);
    strcat(c->order, "B");
    assert_int_equal(info.epochs, 3);
    assert_int_equal(info.steps, FIXTURE_STEPS);
    assert_int_equal(info.batch_size, FIXTURE_BATCH);
    assert_string_equal(info.metric_names[0], "accuracy");
    return GS_OK;
}

static gs_status count_epoch_begin(void *user, gs_training *training) {
    struct calls *c = user;
    (void)training;
    strcat(c->order, "(");
    return GS_OK;
}

static gs_status count_steps(void *user, gs_training *training, const gs_event *event) {
    struct calls *c = user;
    c->steps += event->step_loss_count;
    assert_int_equal(event->total_step, c->steps);
    c->inner = gs_training_set_learning_rate(training, 0.5);
    return GS_OK;
}

static gs_status count_at_step(void *user, gs_training *training, const gs_event *event) {
    struct calls *c = user;
    (void)training;
    c->at[c->at_count++ % 8] = event->total_step;
    return GS_OK;
}

static gs_status count_epoch_end(void *user, gs_training *training, const gs_event *event) {
    struct calls *c = user;
    double value;
    strcat(c->order, ")");
    assert_true(gs_event_value(event, "loss", &value) && value == event->train.loss);
    assert_true(gs_event_value(event, "accuracy", &value) && value == event->train.metrics[0]);
    assert_false(gs_event_value(event, "val_loss", &value));
    assert_true(gs_event_value(event, "learning_rate", &c->rate));
    if (c->data) { // a look at the model in between
        gs_result result;
        assert_int_equal(gs_model_evaluate(gs_training_model(training), c->data, 0, &result), GS_OK);
        assert_int_equal(result.sample_count, FIXTURE_COUNT);
    }
    if (c->sets_rate) assert_int_equal(gs_training_set_learning_rate(training, 0.001), GS_OK);
    if (c->stop_epoch == event->epoch + 1) gs_training_stop(training, "enough");
    return c->fails;
}

static gs_status count_end(void *user, gs_training *training, gs_status outcome) {
    struct calls *c = user;
    (void)training;
    strcat(c->order, "E");
    c->outcome = outcome;
    return GS_OK;
}

static gs_callback counting(struct calls *calls) {
    return (gs_callback){.name = "Count",
                         .user = calls,
                         .train_begin = count_begin,
                         .epoch_begin = count_epoch_begin,
                         .steps = count_steps,
                         .at_step = count_at_step,
                         .interval = 10,
                         .epoch_end = count_epoch_end,
                         .train_end = count_end};
}

static void hooks_are_called(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    struct calls calls = {.data = f.data};
    gs_callback mine = counting(&calls), *list[] = {&mine};
    gs_fit_params params = fit_params(list, 1);
    fixture_ok(&f, gs_model_fit(f.model, f.data, &params, NULL));
    assert_string_equal(calls.order, "B()()()E");
    assert_int_equal(calls.steps, 3 * FIXTURE_STEPS);
    assert_int_equal(calls.at_count, 3);
    assert_true(calls.at[0] == 10 && calls.at[1] == 20 && calls.at[2] == 30);
    assert_int_equal(calls.inner, GS_ERR_ARGUMENT); // not while steps are running
    assert_int_equal(calls.outcome, GS_OK);

    // Steps that end early for a callback, or are watched, give the same bits.
    uint64_t count;
    gs_model *plain = fixture_model(&f);
    params = fit_params(NULL, 0);
    fixture_ok(&f, gs_model_fit(plain, f.data, &params, NULL));
    float *a = fixture_weights(&f, f.model, &count), *b = fixture_weights(&f, plain, &count);
    assert_memory_equal(a, b, count * sizeof *a);
    free(a), free(b);
    gs_model_destroy(&plain);
    fixture_close(&f);
}

static void hooks_stop_and_fail(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    struct calls calls = {.stop_epoch = 2};
    gs_callback mine = counting(&calls), *list[] = {&mine};
    gs_fit_params params = fit_params(list, 1);
    fixture_ok(&f, gs_model_fit(f.model, f.data, &params, NULL));
    assert_string_equal(calls.order, "B()()E");
    assert_string_equal(f.notes, "enough\n");

    fixture_ok(&f, gs_model_compile(f.model, NULL)); // steps are counted from 0 again
    calls = (struct calls){.fails = GS_ERR_FILE};
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_FILE, "callback \"Count\"");
    assert_string_equal(calls.order, "B()E");
    assert_int_equal(calls.outcome, GS_ERR_FILE);

    params.callbacks = NULL;
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_ARGUMENT, "callbacks is NULL");
    list[0] = NULL;
    params.callbacks = list;
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_ARGUMENT, "callback 0 is NULL");
    fixture_close(&f);
}

static gs_status misbehave(void *user, gs_training *training) {
    fixture *f = user;
    gs_model *model = gs_training_model(training);
    fixture_expect(f, gs_model_fit(model, f->data, NULL, NULL), GS_ERR_ARGUMENT, "a callback");
    fixture_expect(f, gs_model_compile(model, NULL), GS_ERR_ARGUMENT, "being trained");
    fixture_expect(f, gs_training_set_learning_rate(training, 0), GS_ERR_ARGUMENT, "learning rate 0");
    fixture_expect(f, gs_training_set_learning_rate(training, (double)NAN), GS_ERR_ARGUMENT, "above 0");
    return gs_training_fail(training, GS_ERR_ARGUMENT, "that is all");
}

static void hooks_cannot_do_harm(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_callback mine = {.name = "Bad", .user = &f, .epoch_begin = misbehave}, *list[] = {&mine};
    gs_fit_params params = fit_params(list, 1);
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_ARGUMENT, "Bad: that is all");
    fixture_ok(&f, gs_model_compile(f.model, NULL)); // allowed again
    fixture_close(&f);
}

static void rate_is_set(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    struct calls calls = {.sets_rate = true};
    gs_callback mine = counting(&calls), *list[] = {&mine};
    gs_fit_params params = fit_params(list, 1);
    gs_compile_params compile;
    params.epochs = 3;
    fixture_ok(&f, gs_model_fit(f.model, f.data, &params, NULL));
    assert_true(fabs(calls.rate - 0.001) < 1e-9); // the last epoch's
    gs_model_get_compile(f.model, &compile);
    assert_true(compile.optimizer.learning_rate == 0.001f);
    fixture_close(&f);
}

// --- EarlyStopping ---------------------------------------------------------------------------------------------------
#define NONE (double)-INFINITY
struct row {
    gs_monitor_mode mode;
    double min_delta;
    uint32_t patience;
    double baseline;
    uint32_t start, ran, best;
    double values[10];
};
static const struct row rows[] = {
#include "train/early_stopping.inc"
};

static void early_stopping_is_keras(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        gs_callback *c;
        gs_fit_params params = fit_params(&c, 1);
        gs_training t = {.model = f.model, .params = &params};
        const bool based = r->baseline > NONE;
        fixture_ok(&f, gs_early_stopping_create(f.context,
                                                &(gs_early_stopping_params){.monitor = "loss",
                                                                            .min_delta = r->min_delta,
                                                                            .patience = r->patience,
                                                                            .mode = r->mode,
                                                                            .has_baseline = based,
                                                                            .baseline = based ? r->baseline : 0,
                                                                            .restore_best_weights = true,
                                                                            .start_from_epoch = r->start},
                                                &c));
        fixture_ok(&f, gs__callbacks_call(&t, GS__TRAIN_BEGIN, NULL));
        uint32_t ran = 0;
        float bias[FIXTURE_CLASSES] = {0};
        while (ran < 10 && !t.stop) {
            gs_event event = {.kind = GS_EVENT_EPOCH, .epoch = ran, .train.loss = r->values[ran]};
            bias[0] = (float)ran++;
            fixture_ok(&f, gs_model_write_parameter(f.model, 3, bias, FIXTURE_CLASSES));
            fixture_ok(&f, gs__callbacks_call(&t, GS__EPOCH_END, &event));
        }
        fixture_ok(&f, gs__callbacks_end(&t, GS_OK));
        fixture_ok(&f, gs_model_read_parameter(f.model, 3, bias, FIXTURE_CLASSES));
        if (ran != r->ran || bias[0] != (float)r->best)
            fail_msg("row %zu: %u epochs, weights of epoch %g; Keras: %u, %u", i, ran, (double)bias[0], r->ran,
                     r->best);
        gs_callback_destroy(&c);
    }
    fixture_close(&f);
}

static void early_stopping_refuses(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_callback *c;
    fixture_expect(&f, gs_early_stopping_create(f.context, &(gs_early_stopping_params){.min_delta = (double)NAN}, &c),
                   GS_ERR_ARGUMENT, "min_delta");
    assert_null(c);
    fixture_ok(&f, gs_early_stopping_create(f.context, NULL, &c));
    gs_fit_params params = fit_params(&c, 1);
    fixture_expect(&f, gs_model_fit(f.model, f.data, &params, NULL), GS_ERR_ARGUMENT,
                   "no \"val_loss\" to monitor without validation data; there is loss, accuracy");
    gs_callback_destroy(&c);
    gs_callback_destroy(&c);
    gs_callback_destroy(NULL);
    assert_int_equal(gs_early_stopping_create(NULL, NULL, &c), GS_ERR_ARGUMENT);
    // Stops for real, at the first epoch that is no better by 10: the second.
    fixture_ok(&f, gs_early_stopping_create(f.context,
                                            &(gs_early_stopping_params){.monitor = "loss", .min_delta = -10.0}, &c));
    gs_result result;
    fixture_ok(&f, gs_model_fit(f.model, f.data, &params, &result));
    assert_non_null(strstr(f.notes, "early stopping after epoch 2: loss was"));
    gs_callback_destroy(&c);
    fixture_close(&f);
}

static void monitors_have_directions(void **state) {
    (void)state;
    assert_true(gs_monitor_rises("val_accuracy", GS_MONITOR_AUTO) && gs_monitor_rises("auc", GS_MONITOR_AUTO));
    assert_false(gs_monitor_rises("val_loss", GS_MONITOR_AUTO) ||
                 gs_monitor_rises("mean_squared_error", GS_MONITOR_AUTO));
    assert_true(gs_monitor_rises("loss", GS_MONITOR_MAX) && !gs_monitor_rises("accuracy", GS_MONITOR_MIN));
}

// --- ModelCheckpoint -------------------------------------------------------------------------------------------------
static bool is_there(fixture *f, const char *name) {
    struct stat status;
    return stat(fixture_path(f, name), &status) == 0;
}

static void checkpoints_are_saved(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_callback *list[4] = {0};
    char paths[4][160];
    snprintf(paths[0], sizeof paths[0], "%s/e{epoch:03d}", f.dir);
    snprintf(paths[1], sizeof paths[1], "%s/s{step}.safetensors", f.dir);
    snprintf(paths[2], sizeof paths[2], "%s/best.safetensors", f.dir);
    snprintf(paths[3], sizeof paths[3], "%s/never-{loss:.2f}", f.dir);
    gs_model_checkpoint_params params[4] = {
        {.path = paths[0], .every_epochs = 2},
        {.path = paths[1], .every_steps = 15},
        {.path = paths[2], .save_best_only = true, .monitor = "loss"},
        {.path = paths[3], .save_best_only = true, .monitor = "loss", .has_threshold = true, .threshold = 0.001},
    };
    for (int i = 0; i < 4; i++) fixture_ok(&f, gs_model_checkpoint_create(f.context, &params[i], &list[i]));
    gs_fit_params fit = fit_params(list, 4);
    fixture_ok(&f, gs_model_fit(f.model, f.data, &fit, NULL));
    assert_true(is_there(&f, "e002/model.json") && is_there(&f, "e002/model.safetensors"));
    assert_true(!is_there(&f, "e001") && !is_there(&f, "e003"));
    assert_true(is_there(&f, "s15.safetensors") && is_there(&f, "s30.safetensors") && !is_there(&f, "s13.safetensors"));
    // The loss falls in these three epochs, so the best weights are the last.
    uint64_t count;
    gs_model *other = fixture_model(&f);
    fixture_ok(&f, gs_model_load_weights(other, paths[2]));
    float *a = fixture_weights(&f, f.model, &count), *b = fixture_weights(&f, other, &count);
    assert_memory_equal(a, b, count * sizeof *a);
    free(a), free(b);
    gs_model_destroy(&other);
    size_t files = 0;
    DIR *dir = opendir(f.dir);
    while (readdir(dir)) files++;
    closedir(dir);
    assert_int_equal(files, 2 + 4); // nothing for the threshold
    for (int i = 0; i < 4; i++) gs_callback_destroy(&list[i]);
    fixture_close(&f);
}

static void checkpoints_refuse(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_callback *c;
    const char *bad[] = {"a{epoch", "a{}", "a{epoch:x}", "a{loss:.99f}", "a{epoch:02d"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        fixture_expect(&f, gs_model_checkpoint_create(f.context, &(gs_model_checkpoint_params){.path = bad[i]}, &c),
                       GS_ERR_ARGUMENT, "expected {epoch}");
    fixture_expect(&f, gs_model_checkpoint_create(f.context, NULL, &c), GS_ERR_ARGUMENT, "path is missing");
    gs_model_checkpoint_params params = {.path = "x", .save_best_only = true, .every_steps = 3};
    fixture_expect(&f, gs_model_checkpoint_create(f.context, &params, &c), GS_ERR_ARGUMENT, "save_best_only");
    params = (gs_model_checkpoint_params){.path = "x", .every_epochs = 1, .every_steps = 3};
    fixture_expect(&f, gs_model_checkpoint_create(f.context, &params, &c), GS_ERR_ARGUMENT, "both");
    params = (gs_model_checkpoint_params){.path = "x{val_acuracy}"};
    fixture_ok(&f, gs_model_checkpoint_create(f.context, &params, &c));
    gs_fit_params fit = fit_params(&c, 1);
    fixture_expect(&f, gs_model_fit(f.model, f.data, &fit, NULL), GS_ERR_ARGUMENT, "val_acuracy");
    gs_callback_destroy(&c);
    fixture_close(&f);
}

// --- CSVLogger -------------------------------------------------------------------------------------------------------
static void csv_is_written(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_callback *c;
    char path[160];
    snprintf(path, sizeof path, "%s", fixture_path(&f, "log.csv"));
    gs_csv_logger_params params = {.path = path, .separator = ';'};
    fixture_ok(&f, gs_csv_logger_create(f.context, &params, &c));
    gs_fit_params fit = fit_params(&c, 1);
    fit.validation_split = 0.2;
    fixture_ok(&f, gs_model_fit(f.model, f.data, &fit, NULL));
    size_t bytes;
    char *text = fixture_read(path, &bytes);
    const char *header = "epoch;loss;accuracy;val_loss;val_accuracy;learning_rate;seconds\r\n";
    assert_memory_equal(text, header, strlen(header));
    unsigned lines = 0;
    for (const char *at = text; (at = strstr(at, "\r\n")) != NULL; at += 2) lines++;
    assert_int_equal(lines, 4);
    free(text);
    gs_callback_destroy(&c);

    // Goes on with the same columns, not with others.
    params.append = true;
    fixture_ok(&f, gs_csv_logger_create(f.context, &params, &c));
    fixture_ok(&f, gs_model_fit(f.model, f.data, &fit, NULL));
    text = fixture_read(path, &bytes);
    lines = 0;
    for (const char *at = text; (at = strstr(at, "\r\n")) != NULL; at += 2) lines++;
    assert_int_equal(lines, 7);
    free(text);
    fit.validation_split = 0;
    fixture_expect(&f, gs_model_fit(f.model, f.data, &fit, NULL), GS_ERR_FORMAT, "its first line is \"epoch;loss;");
    gs_callback_destroy(&c);

    params = (gs_csv_logger_params){.path = path, .separator = '.'};
    fixture_expect(&f, gs_csv_logger_create(f.context, &params, &c), GS_ERR_ARGUMENT, "cannot separate numbers");
    params = (gs_csv_logger_params){.path = "/no/such/folder/log.csv"};
    fixture_ok(&f, gs_csv_logger_create(f.context, &params, &c));
    fixture_expect(&f, gs_model_fit(f.model, f.data, &fit, NULL), GS_ERR_FILE, "No such file");
    gs_callback_destroy(&c);
    fixture_close(&f);
}

// --- TensorBoard -----------------------------------------------------------------------------------------------------
static uint64_t get(const unsigned char *at, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)at[i] << (8 * i);
    return value;
}

struct seen {
    unsigned versions, scalars, histograms, batch_losses;
    double last_loss, rate, kernel_num;
};

// Reads an event file strictly: every checksum, every message.
static void read_events(const char *path, struct seen *seen) {
    size_t bytes;
    char *text = fixture_read(path, &bytes);
    const unsigned char *at = (const unsigned char *)text, *end = at + bytes;
    while (at < end) {
        const uint64_t length = get(at, 8);
        uint32_t crc = gs__crc32c(at, 8);
        assert_int_equal(get(at + 8, 4), (uint32_t)((crc >> 15 | crc << 17) + 0xA282EAD8u));
        assert_true(at + 16 + length <= end);
        crc = gs__crc32c(at + 12, length);
        assert_int_equal(get(at + 12 + length, 4), (uint32_t)((crc >> 15 | crc << 17) + 0xA282EAD8u));
        Tensorboard__Event *event = tensorboard__event__unpack(NULL, length, at + 12);
        assert_non_null(event);
        assert_true(event->wall_time > 1e9);
        if (event->what_case == TENSORBOARD__EVENT__WHAT_FILE_VERSION) {
            assert_string_equal(event->file_version, "brain.Event:2");
            seen->versions++;
        } else {
            const Tensorboard__Summary__Value *value = event->summary->value[0];
            seen->scalars += value->value_case == TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
            seen->histograms += value->value_case == TENSORBOARD__SUMMARY__VALUE__VALUE_HISTO;
            if (strcmp(value->tag, "epoch_loss") == 0) seen->last_loss = (double)value->simple_value;
            if (strcmp(value->tag, "epoch_learning_rate") == 0) seen->rate = (double)value->simple_value;
            if (strcmp(value->tag, "batch_loss") == 0) seen->batch_losses++;
            if (strcmp(value->tag, "dense/kernel/histogram") == 0) {
                seen->kernel_num = value->histo->num;
                double sum = 0;
                for (size_t i = 0; i < value->histo->n_bucket; i++) sum += value->histo->bucket[i];
                assert_true(sum == value->histo->num && value->histo->n_bucket == value->histo->n_bucket_limit);
                assert_true(value->histo->bucket_limit[value->histo->n_bucket - 1] == value->histo->max);
            }
        }
        tensorboard__event__free_unpacked(event, NULL);
        at += 16 + length;
    }
    free(text);
}

static void read_folder(fixture *f, const char *name, struct seen *seen) {
    char path[700];
    snprintf(path, sizeof path, "%s", fixture_path(f, name));
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (!strstr(entry->d_name, "tfevents")) continue;
        snprintf(path, sizeof path, "%s/%s", fixture_path(f, name), entry->d_name);
        read_events(path, seen);
    }
    closedir(dir);
}

static void tensorboard_is_written(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    gs_callback *c;
    gs_tensorboard_params params = {.dir = fixture_path(&f, "logs"), .histogram_every = 2, .scalar_every = 5};
    fixture_ok(&f, gs_tensorboard_create(f.context, &params, &c));
    gs_fit_params fit = fit_params(&c, 1);
    fit.validation_split = 0.2; // 162 samples: 11 steps
    gs_result result;
    fixture_ok(&f, gs_model_fit(f.model, f.data, &fit, &result));
    struct seen train = {0}, validation = {0};
    read_folder(&f, "logs/train", &train);
    read_folder(&f, "logs/validation", &validation);
    assert_int_equal(train.versions, 1);
    assert_int_equal(train.scalars, 3 * 3 + 33 / 5);
    assert_int_equal(train.batch_losses, 33 / 5);
    assert_int_equal(train.histograms, 2 * 4);
    assert_true(train.last_loss == (double)(float)result.loss && train.rate == (double)0.01f);
    assert_true(train.kernel_num == FIXTURE_FEATURES * 17);
    assert_int_equal(validation.scalars, 3 * 2);
    gs_callback_destroy(&c);
    fixture_expect(&f, gs_tensorboard_create(f.context, NULL, &c), GS_ERR_ARGUMENT, "folder is missing");
    params.dir = "/proc/no/such";
    fixture_ok(&f, gs_tensorboard_create(f.context, &params, &c));
    fixture_expect(&f, gs_model_fit(f.model, f.data, &fit, NULL), GS_ERR_FILE, "/proc/no");
    gs_callback_destroy(&c);
    fixture_close(&f);
}

// RFC 3720, B.4.
static void crc32c_is_castagnoli(void **state) {
    (void)state;
    unsigned char zeros[32] = {0}, rising[32];
    for (unsigned char i = 0; i < 32; i++) rising[i] = i;
    assert_int_equal(gs__crc32c(zeros, 32), 0x8A9136AAu);
    assert_int_equal(gs__crc32c(rising, 32), 0x46DD794Eu);
    assert_int_equal(gs__crc32c("123456789", 9), 0xE3069283u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hooks_are_called),         cmocka_unit_test(hooks_stop_and_fail),
        cmocka_unit_test(hooks_cannot_do_harm),     cmocka_unit_test(rate_is_set),
        cmocka_unit_test(early_stopping_is_keras),  cmocka_unit_test(early_stopping_refuses),
        cmocka_unit_test(monitors_have_directions), cmocka_unit_test(checkpoints_are_saved),
        cmocka_unit_test(checkpoints_refuse),       cmocka_unit_test(csv_is_written),
        cmocka_unit_test(tensorboard_is_written),   cmocka_unit_test(crc32c_is_castagnoli),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
