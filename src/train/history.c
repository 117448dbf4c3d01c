#include "train/history.h"

#include <stdlib.h>
#include <string.h>

// Columns: the loss, the metrics, the same of the validation, then these.
static const char *const others[] = {"learning_rate", "seconds", "samples_per_second", "step"};
enum { RATE, SECONDS, SPEED, STEP, OTHER_COUNT };

void gs__history_begin(gs__history *history, const char *const *metric_names, uint32_t metric_count,
                       bool has_validation) {
    *history = (gs__history){.metric_count = metric_count, .has_validation = has_validation};
    for (uint32_t i = 0; i < metric_count; i++) history->metric_names[i] = metric_names[i];
    history->columns = (metric_count + 1) * (has_validation ? 2 : 1) + OTHER_COUNT;
}

gs_status gs__history_grow(gs__error *error, gs__history *history, uint32_t rows) {
    const uint64_t wanted = (uint64_t)history->rows + rows;
    if (wanted > history->capacity) {
        const uint64_t capacity = wanted < 16 ? 16 : wanted + wanted / 2;
        double *larger = capacity > UINT32_MAX
                             ? NULL
                             : realloc(history->values, capacity * history->columns * sizeof *history->values);
        if (!larger) return gs__fail(error, GS_ERR_MEMORY, "out of host memory for the history of the epochs");
        history->values = larger;
        history->capacity = (uint32_t)capacity;
    }
    memset(history->values + (size_t)history->rows * history->columns, 0,
           (size_t)rows * history->columns * sizeof *history->values);
    history->rows = (uint32_t)wanted;
    return GS_OK;
}

static void put_result(const gs__history *history, const gs_result *result, double *to) {
    to[0] = result->loss;
    for (uint32_t i = 0; i < history->metric_count; i++) to[1 + i] = result->metrics[i];
}

static void get_result(const gs__history *history, const double *from, gs_result *result) {
    result->loss = from[0];
    result->metric_count = history->metric_count;
    for (uint32_t i = 0; i < history->metric_count; i++) {
        result->metrics[i] = from[1 + i];
        result->metric_names[i] = history->metric_names[i];
    }
}

gs_status gs__history_add(gs__error *error, gs__history *history, const gs_event *event) {
    gs_status status = gs__history_grow(error, history, 1);
    if (status != GS_OK) return status;
    double *row = history->values + (size_t)(history->rows - 1) * history->columns;
    double *rest = row + history->columns - OTHER_COUNT;
    put_result(history, &event->train, row);
    if (history->has_validation) put_result(history, &event->validation, row + history->metric_count + 1);
    rest[RATE] = event->learning_rate;
    rest[SECONDS] = event->train.seconds;
    rest[SPEED] = event->samples_per_second;
    rest[STEP] = (double)event->total_step;
    return GS_OK;
}

void gs__history_event(const gs__history *history, uint32_t row, gs_event *event) {
    const double *from = history->values + (size_t)row * history->columns;
    const double *rest = from + history->columns - OTHER_COUNT;
    *event = (gs_event){.kind = GS_EVENT_EPOCH,
                        .epoch = row,
                        .total_step = (uint64_t)rest[STEP],
                        .has_validation = history->has_validation,
                        .samples_per_second = rest[SPEED],
                        .learning_rate = rest[RATE],
                        .past = true};
    get_result(history, from, &event->train);
    event->train.seconds = rest[SECONDS];
    if (history->has_validation) get_result(history, from + history->metric_count + 1, &event->validation);
}

void gs__history_names(const gs__history *history, gs__text *text) {
    gs__text_append(text, "[");
    for (int validation = 0; validation <= history->has_validation; validation++)
        for (uint32_t i = 0; i <= history->metric_count; i++)
            gs__text_append(text, "%s\"%s%s\"", validation || i ? "," : "", validation ? "val_" : "",
                            i ? history->metric_names[i - 1] : "loss");
    for (uint32_t i = 0; i < OTHER_COUNT; i++) gs__text_append(text, ",\"%s\"", others[i]);
    gs__text_append(text, "]");
}

void gs__history_deinit(gs__history *history) {
    free(history->values);
    *history = (gs__history){0};
}
