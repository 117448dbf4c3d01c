// Event files for TensorBoard: records of TFRecord's form, each an Event of Protocol Buffers.
#include "train/training.h"

#include "base/file.h"
#include "base/memory.h"
#include "context/context.h"
#include "protect/protect.h"
#include "tensorboard.pb-c.h"
#include "train/tfrecord.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TRAIN, VALIDATION, FILE_COUNT, BUCKETS = 30 };
enum { TAG_BYTES = 256 };

struct board {
    gs_callback callback; // first
    gs_tensorboard_params params;
    char *dir;
    FILE *files[FILE_COUNT];
    uint64_t files_made; // their names differ although they are of one second
    double loss_sum;     // since the last batch_loss
    uint64_t loss_count;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static gs_status write_event(struct board *b, gs_training *training, int file, Tensorboard__Event *event) {
    gs__error *error = training->model->error;
    event->wall_time = now();
    const size_t bytes = tensorboard__event__get_packed_size(event);
    uint8_t *packed = gs__allocate(error, bytes, 1, "an event for TensorBoard");
    if (!packed) return GS_ERR_MEMORY;
    tensorboard__event__pack(event, packed);
    const bool good = gs__tfrecord_write(b->files[file], packed, bytes) && fflush(b->files[file]) == 0;
    free(packed);
    if (good) return GS_OK;
    return gs__fail(error, GS_ERR_FILE, "TensorBoard: %s: %s", gs__path_show(b->dir), strerror(errno));
}

static gs_status open_file(struct board *b, gs_training *training, int which) {
    gs_status status = GS_OK;
    gs__error *error = training->model->error;
    char name[96], version[] = "brain.Event:2", *path = NULL;
    char *dir = gs__path_join(error, b->dir, which == TRAIN ? "train" : "validation");
    if (!dir) return GS_ERR_MEMORY;
    GS_TRY(gs__dir_make(error, dir));
    // TensorBoard reads what has "tfevents" in its name, in the order of the names.
    snprintf(name, sizeof name, "events.out.tfevents.%010lld.%ld.%llu.v2", (long long)time(NULL), (long)getpid(),
             (unsigned long long)b->files_made++);
    path = gs__path_join(error, dir, name);
    if (!path) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    b->files[which] = fopen(path, "wb");
    if (!b->files[which])
        GS_TRY(gs__fail(error, GS_ERR_FILE, "TensorBoard: %s: %s", gs__path_show(path), strerror(errno)));
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    event.what_case = TENSORBOARD__EVENT__WHAT_FILE_VERSION;
    event.file_version = version;
    status = write_event(b, training, which, &event);
fail:
    free(path);
    free(dir);
    return status;
}

// One value of one summary.
static gs_status write_value(struct board *b, gs_training *training, int file, uint64_t step,
                             Tensorboard__Summary__Value *value) {
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    Tensorboard__Summary summary = TENSORBOARD__SUMMARY__INIT;
    summary.n_value = 1;
    summary.value = &value;
    event.step = (int64_t)step;
    event.what_case = TENSORBOARD__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return write_event(b, training, file, &event);
}

static gs_status write_scalar(struct board *b, gs_training *training, int file, const char *prefix, const char *name,
                              uint64_t step, double number) {
    char tag[TAG_BYTES];
    Tensorboard__Summary__Value value = TENSORBOARD__SUMMARY__VALUE__INIT;
    snprintf(tag, sizeof tag, "%s%s", prefix, name);
    value.tag = tag;
    value.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
    value.simple_value = (float)number;
    return write_value(b, training, file, step, &value);
}

static gs_status write_result(struct board *b, gs_training *training, int file, uint64_t step,
                              const gs_result *result) {
    gs_status status = write_scalar(b, training, file, "epoch_", "loss", step, result->loss);
    for (uint32_t i = 0; i < result->metric_count && status == GS_OK; i++)
        status = write_scalar(b, training, file, "epoch_", result->metric_names[i], step, result->metrics[i]);
    return status;
}

// --- histograms ----------------------------------------------------------------------------------------------------
// Equal buckets from the least to the greatest value, as Keras's.
static gs_status write_histogram(struct board *b, gs_training *training, uint64_t step, const char *name,
                                 const float *values, uint64_t count) {
    char tag[TAG_BYTES];
    double limits[BUCKETS], counts[BUCKETS] = {0}, low = INFINITY, high = -INFINITY, sum = 0, squares = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double v = (double)values[i];
        low = v < low ? v : low;
        high = v > high ? v : high;
        sum += v;
        squares += v * v;
    }
    const double width = high > low ? (high - low) / BUCKETS : 0;
    for (uint64_t i = 0; i < count; i++) {
        const double at = width > 0 ? ((double)values[i] - low) / width : 0;
        counts[at < BUCKETS - 1 ? (int)at : BUCKETS - 1]++;
    }
    for (int i = 0; i < BUCKETS; i++) limits[i] = i == BUCKETS - 1 ? high : low + width * (i + 1);
    Tensorboard__HistogramProto histogram = TENSORBOARD__HISTOGRAM_PROTO__INIT;
    histogram.min = low;
    histogram.max = high;
    histogram.num = (double)count;
    histogram.sum = sum;
    histogram.sum_squares = squares;
    histogram.n_bucket_limit = histogram.n_bucket = BUCKETS;
    histogram.bucket_limit = limits;
    histogram.bucket = counts;
    Tensorboard__Summary__Value value = TENSORBOARD__SUMMARY__VALUE__INIT;
    snprintf(tag, sizeof tag, "%s/histogram", name);
    value.tag = tag;
    value.value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_HISTO;
    value.histo = &histogram;
    return write_value(b, training, TRAIN, step, &value);
}

static gs_status write_histograms(struct board *b, gs_training *training, uint64_t step) {
    gs_status status = GS_OK;
    gs_model *model = gs_training_model(training);
    float *values = gs__allocate(model->error, model->parameter_elements + 1, sizeof *values, "a histogram");
    if (!values) return GS_ERR_MEMORY;
    for (uint32_t i = 0; i < model->parameter_count; i++) {
        gs_parameter_info p;
        GS_TRY(gs_model_get_parameter(model, i, &p));
        GS_TRY(gs_model_read_parameter(model, i, values, p.count));
        bool finite = true;
        for (uint64_t j = 0; j < p.count; j++) finite = finite && isfinite(values[j]);
        if (finite) GS_TRY(write_histogram(b, training, step, p.name, values, p.count));
    }
fail:
    free(values);
    return status;
}

// --- hooks ---------------------------------------------------------------------------------------------------------
static void close_files(struct board *b) {
    for (int i = 0; i < FILE_COUNT; i++) {
        if (b->files[i]) fclose(b->files[i]);
        b->files[i] = NULL;
    }
}

static gs_status train_begin(void *user, gs_training *training) {
    struct board *b = user;
    close_files(b);
    b->loss_sum = 0, b->loss_count = 0;
    gs_status status = open_file(b, training, TRAIN);
    return status == GS_OK && training->info.has_validation ? open_file(b, training, VALIDATION) : status;
}

// The mean of batch_loss over `scalar_every` steps, written at the last of them.
static gs_status steps(void *user, gs_training *training, const gs_event *event) {
    struct board *b = user;
    const uint64_t first = event->total_step - event->step_loss_count;
    for (uint32_t i = 0; i < event->step_loss_count; i++) {
        const uint64_t step = first + i + 1;
        b->loss_sum += event->step_losses[i];
        b->loss_count++;
        if (step % b->params.scalar_every != 0) continue;
        gs_status status =
            write_scalar(b, training, TRAIN, "batch_", "loss", step, b->loss_sum / (double)b->loss_count);
        if (status != GS_OK) return status;
        b->loss_sum = 0, b->loss_count = 0;
    }
    return GS_OK;
}

static gs_status epoch_end(void *user, gs_training *training, const gs_event *event) {
    struct board *b = user;
    gs_status status = GS_OK;
    GS_TRY(write_result(b, training, TRAIN, event->epoch, &event->train));
    GS_TRY(write_scalar(b, training, TRAIN, "epoch_", "learning_rate", event->epoch, event->learning_rate));
    if (event->has_validation) GS_TRY(write_result(b, training, VALIDATION, event->epoch, &event->validation));
    if (b->params.histogram_every && event->epoch % b->params.histogram_every == 0)
        GS_TRY(write_histograms(b, training, event->epoch));
fail:
    return status;
}

static gs_status train_end(void *user, gs_training *training, gs_status outcome) {
    (void)training, (void)outcome;
    close_files(user);
    return GS_OK;
}

static void destroy(void *user) {
    struct board *b = user;
    close_files(b);
    free(b->dir);
    free(b);
}

gs_status gs_tensorboard_create(gs_context *context, const gs_tensorboard_params *params, gs_callback **callback) {
    if (!context || !callback) return GS_ERR_ARGUMENT;
    gs__error *error = gs__context_error(context);
    struct board *b;
    *callback = NULL;
    if (!params || !params->dir || !params->dir[0])
        return gs__fail(error, GS_ERR_ARGUMENT, "TensorBoard: the folder is missing");
    if (params->histogram_every && gs__context_key(context, GS_KEY_ENCRYPT))
        return gs__fail(error, GS_ERR_ARGUMENT,
                        "TensorBoard: histograms of the weights are not encrypted, but the model is to be: set "
                        "histogram_every to 0");
    gs_status status = gs__callback_make(context, "TensorBoard", sizeof *b, &b);
    if (status != GS_OK) return status;
    b->params = *params;
    b->callback.train_begin = train_begin;
    b->callback.steps = params->scalar_every ? steps : NULL;
    b->callback.epoch_end = epoch_end;
    b->callback.train_end = train_end;
    b->callback.destroy = destroy;
    b->dir = gs__text_copy(error, params->dir);
    if (!b->dir) {
        destroy(b);
        return GS_ERR_MEMORY;
    }
    *callback = &b->callback;
    return GS_OK;
}
