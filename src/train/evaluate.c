#include "base/memory.h"
#include "context/context.h"
#include "tensor/shape.h"
#include "train/counts.h"
#include "train/sample_weights.h"

#include <stdlib.h>
#include <string.h>

static gs_status check_targets(gs_model *model, const gs_data *data) {
    gs_data_info info;
    gs_data_get_info(data, &info);
    if (info.has_targets) return GS_OK;
    return gs__fail(model->error, GS_ERR_ARGUMENT, "data \"%s\" has no targets to evaluate against", info.name);
}

// One pass over the data; `weights` of its samples may be NULL; `matrix` NULL: without a confusion matrix.
static gs_status evaluate(gs_model *model, const gs_data *data, uint32_t batch_size, const float *weights,
                          gs_result *result, uint64_t *matrix, uint32_t class_count) {
    gs_status status = GS_OK;
    gs__session session = {0};
    gs_data_info info;
    gs_data_get_info(data, &info);
    gs__session_params params = {.mode = GS__MODE_EVALUATE, .data = data, .count = info.count, .weights = weights};
    GS_TRY(check_targets(model, data));
    GS_TRY(gs__batch_size(model, batch_size, 256, info.count, &params.batch));
    GS_TRY(gs__context_forget_lost(model->context));
    model->wants_confusion = matrix != NULL;
    status = gs__session_open(model, &params, &session);
    model->wants_confusion = false;
    if (status != GS_OK) goto fail;
    GS_TRY(gs__session_evaluate(&session, result));
    if (matrix) GS_TRY(gs__counts_confusion(&session, matrix, class_count));
    GS_TRY(gs__context_check_validation(model->context));
fail:
    gs__session_close(&session);
    return status;
}

gs_status gs_model_evaluate(gs_model *model, const gs_data *data, uint32_t batch_size, gs_result *result) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!data || !result)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "evaluate: %s is NULL", data ? "result" : "data");
    return evaluate(model, data, batch_size, NULL, result, NULL, 0);
}

gs_status gs_model_evaluate_weighted(gs_model *model, const gs_data *data, uint32_t batch_size,
                                     const float *sample_weight, uint64_t sample_weight_count, gs_result *result) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!data || !sample_weight || !result)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "evaluate: %s is NULL",
                        !data            ? "data"
                        : !sample_weight ? "sample_weight"
                                         : "result");
    const gs_fit_params params = {.sample_weight = sample_weight, .sample_weight_count = sample_weight_count};
    float *weights = NULL;
    gs_status status = GS_OK;
    GS_TRY(check_targets(model, data));
    GS_TRY(gs__sample_weights(model, data, &params, 0, &weights));
    GS_TRY(evaluate(model, data, batch_size, weights, result, NULL, 0));
fail:
    free(weights);
    return status;
}

gs_status gs_model_confusion(gs_model *model, const gs_data *data, uint32_t batch_size, uint64_t *matrix,
                             uint32_t class_count) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!data || !matrix)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "confusion: %s is NULL", data ? "matrix" : "data");
    gs_model_info shape;
    gs_result result;
    gs_model_get_info(model, &shape);
    const int64_t classes = shape.output_shape.rank ? shape.output_shape.dim[shape.output_shape.rank - 1] : 0;
    if (classes < 2 || classes != class_count)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "confusion: a matrix of %u classes, but the model's output has %lld; two at least are needed",
                        class_count, (long long)classes);
    return evaluate(model, data, batch_size, NULL, &result, matrix, class_count);
}

// Batch by batch: the output of a step is read before the next one overwrites it.
static gs_status predict_batches(gs__session *session, float *y, uint64_t row_count, uint64_t row_elements,
                                 uint32_t batch) {
    gs_status status = GS_OK;
    const uint64_t batch_bytes = batch * row_elements * sizeof(float);
    float *rows = gs__allocate(session->model->error, batch * row_elements, sizeof *rows, "predictions of a batch");
    if (!rows) return GS_ERR_MEMORY;
    GS_TRY(gs__plan_set_state(session->plan, &session->state));
    for (uint64_t done = 0; done < row_count; done += batch) {
        gs__run run = {.steps = 1};
        GS_TRY(gs__plan_advance(session->plan, &run));
        GS_TRY(gs__plan_read(session->plan, session->graph.output, rows, batch_bytes));
        const uint64_t count = row_count - done < batch ? row_count - done : batch;
        memcpy(y + done * row_elements, rows, count * row_elements * sizeof *rows);
    }
fail:
    free(rows);
    return status;
}

gs_status gs_model_predict(gs_model *model, const gs_data *data, const gs_predict_params *params, float *y,
                           uint64_t y_count) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!data || !y) return gs__fail(model->error, GS_ERR_ARGUMENT, "predict: %s is NULL", data ? "y" : "data");
    gs_status status = GS_OK;
    gs__session session = {0};
    gs_data_info info;
    gs_model_info shape;
    uint64_t row_elements = 0;
    gs_data_get_info(data, &info);
    gs_model_get_info(model, &shape);
    gs__shape_count(&shape.output_shape, &row_elements);
    if (y_count != info.count * row_elements)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "predict: y holds %llu values but %llu samples of %llu outputs need %llu",
                        (unsigned long long)y_count, (unsigned long long)info.count, (unsigned long long)row_elements,
                        (unsigned long long)(info.count * row_elements));
    gs__session_params p = {.mode = GS__MODE_PREDICT, .data = data, .count = info.count};
    p.softmax = params && params->softmax;
    GS_TRY(gs__batch_size(model, params ? params->batch_size : 0, 256, info.count, &p.batch));
    GS_TRY(gs__context_forget_lost(model->context));
    GS_TRY(gs__session_open(model, &p, &session));
    GS_TRY(predict_batches(&session, y, info.count, row_elements, p.batch));
    GS_TRY(gs__context_check_validation(model->context));
fail:
    gs__session_close(&session);
    return status;
}
