#include "train/counts.h"

#include "base/memory.h"
#include "op/attr.h"

#include <math.h>
#include <stdlib.h>

static uint64_t count_of(const gs__session *session, gs__value value) {
    return gs__graph_count(&session->graph.graph, value);
}

uint64_t gs__counts_count(const gs__session *session, uint32_t i) {
    return count_of(session, session->graph.counts[i]);
}

static gs_status zero(gs__session *session, gs__value value) {
    const uint64_t count = count_of(session, value);
    if (!count) return GS_OK;
    float *zeros = gs__allocate(session->model->error, count, sizeof *zeros, "counts of a metric");
    if (!zeros) return GS_ERR_MEMORY;
    gs_status status = gs__plan_write(session->plan, value, zeros, count * sizeof *zeros);
    free(zeros);
    return status;
}

gs_status gs__counts_reset(gs__session *session) {
    gs_status status = zero(session, session->graph.confusion);
    for (uint32_t i = 0; i < session->graph.metric_count && status == GS_OK; i++)
        status = zero(session, session->graph.counts[i]);
    return status;
}

static double ratio(double a, double b) {
    return b > 0 ? a / b : 0;
}

// By the trapezoids between thresholds, as Keras: x is the rate of false positives, y that of true ones.
static double area(const uint32_t *hits, const uint32_t *others, uint32_t buckets) {
    double all_hits = 0, all_others = 0, sum = 0, tp = 0, fp = 0;
    for (uint32_t i = 0; i < buckets; i++) all_hits += hits[i], all_others += others[i];
    for (uint32_t i = buckets; i-- > 0;) {
        const double before_tp = tp, before_fp = fp;
        tp += hits[i];
        fp += others[i];
        sum += (ratio(fp, all_others) - ratio(before_fp, all_others)) *
               (ratio(tp, all_hits) + ratio(before_tp, all_hits)) / 2;
    }
    return sum;
}

static double macro_f1(const uint32_t *matrix, uint64_t classes) {
    double sum = 0;
    for (uint64_t c = 0; c < classes; c++) {
        double both = 0;
        for (uint64_t k = 0; k < classes; k++) both += (double)matrix[c * classes + k] + matrix[k * classes + c];
        sum += ratio(2.0 * matrix[c * classes + c], both);
    }
    return sum / (double)classes;
}

// 1 - squared errors / squared deviations, the mean over the outputs. Outputs that do not vary: 0, as in Keras.
static double r2(const float *sums, uint64_t columns, double rows) {
    double score = 0;
    for (uint64_t c = 0; c < columns; c++) {
        const double t = (double)sums[c] - (double)sums[columns + c];
        const double t2 = (double)sums[2 * columns + c] - (double)sums[3 * columns + c];
        const double e2 = (double)sums[4 * columns + c] - (double)sums[5 * columns + c];
        const double total = t2 - t * t / rows;
        score += total > 0 ? 1 - e2 / total : 0;
    }
    return score / (double)columns;
}

static double figure(const gs__session *session, uint32_t i, const void *data, double rows) {
    const gs_metric_kind kind = session->graph.metrics[i].kind;
    const gs_shape *shape = &session->graph.graph.values[session->graph.counts[i]].shape;
    const uint32_t *counts = data;
    if (kind == GS_METRIC_R2) {
        const gs_shape *output = &session->graph.graph.values[session->graph.output].shape;
        for (uint32_t d = 1; d + 1 < output->rank; d++) rows *= (double)output->dim[d];
        return r2(data, (uint64_t)shape->dim[2], rows);
    }
    if (kind == GS_METRIC_AUC) return area(counts, counts + GS__AUC_BUCKETS, GS__AUC_BUCKETS);
    // Two buckets: hits below and above the threshold, then the others. A matrix has them only for two classes.
    const double tp = counts[1], fn = counts[0], fp = counts[3];
    if (kind == GS_METRIC_PRECISION) return ratio(tp, tp + fp);
    if (kind == GS_METRIC_RECALL) return ratio(tp, tp + fn);
    const gs_shape *last = gs__model_output_shape(session->model);
    const gs_loss_kind loss = session->graph.loss.kind;
    const bool one =
        loss == GS_LOSS_BINARY_CROSSENTROPY || loss == GS_LOSS_BINARY_FOCAL || last->dim[last->rank - 1] == 1;
    return one ? ratio(2 * tp, 2 * tp + fp + fn) : macro_f1(counts, (uint64_t)shape->dim[0]);
}

gs_status gs__counts_finish(gs__session *session, gs_result *result) {
    for (uint32_t i = 0; i < session->graph.metric_count; i++) {
        const uint64_t count = count_of(session, session->graph.counts[i]);
        if (!count) continue;
        void *data = gs__allocate(session->model->error, count, sizeof(uint32_t), "counts of a metric");
        if (!data) return GS_ERR_MEMORY;
        gs_status status = gs__plan_read(session->plan, session->graph.counts[i], data, count * sizeof(uint32_t));
        if (status == GS_OK) result->metrics[i] = figure(session, i, data, (double)result->sample_count);
        free(data);
        if (status != GS_OK) return status;
    }
    return GS_OK;
}

gs_status gs__counts_confusion(gs__session *session, uint64_t *matrix, uint32_t classes) {
    const uint64_t count = count_of(session, session->graph.confusion);
    uint32_t *data = gs__allocate(session->model->error, count + 1, sizeof *data, "a confusion matrix");
    if (!data) return GS_ERR_MEMORY;
    gs_status status = gs__plan_read(session->plan, session->graph.confusion, data, count * sizeof *data);
    for (uint64_t i = 0; status == GS_OK && i < (uint64_t)classes * classes; i++) matrix[i] = data[i];
    free(data);
    return status;
}
