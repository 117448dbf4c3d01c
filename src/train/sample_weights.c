// Weights of the samples of a training or an evaluation: given, or made of weights of the classes.
#include "train/sample_weights.h"

#include "base/memory.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdlib.h>

static gs_status check(gs_model *model, const char *what, const float *weights, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        if (!(weights[i] >= 0.0f) || !isfinite(weights[i]))
            return gs__fail(model->error, GS_ERR_ARGUMENT, "%s %llu is %g; it must be a finite number of at least 0",
                            what, (unsigned long long)i, (double)weights[i]);
    return GS_OK;
}

// The class of a sample: its index, the largest of a one-hot row, or a single value.
static int64_t class_of(const gs_data *data, const gs_data_info *info, uint64_t n, uint64_t sample) {
    if (info->y_dtype == GS_I32) return ((const int32_t *)gs_data_y(data))[sample];
    const float *row = (const float *)gs_data_y(data) + sample * n;
    if (n == 1) return row[0] >= 0.0f && row[0] < 1e9f ? (int64_t)row[0] : -1;
    uint64_t best = 0;
    for (uint64_t k = 1; k < n; k++)
        if (row[k] > row[best]) best = k;
    return (int64_t)best;
}

static gs_status apply_classes(gs_model *model, const gs_data *data, const gs_fit_params *p, uint64_t count,
                               float *weights) {
    gs_data_info info;
    uint64_t n = 1;
    gs_data_get_info(data, &info);
    gs__shape_count(&info.target_shape, &n);
    if ((info.y_dtype == GS_I32 && n != 1) || info.target_shape.rank > 1)
        return gs__fail(model->error, GS_ERR_ARGUMENT,
                        "class weights need one class for each sample, but data \"%s\" has %llu targets a sample",
                        info.name, (unsigned long long)n);
    for (uint64_t i = 0; i < count; i++) {
        const int64_t class = class_of(data, &info, n, i);
        if (class < 0 || class >= (int64_t)p->class_weight_count)
            return gs__fail(model->error, GS_ERR_ARGUMENT,
                            "sample %llu of data \"%s\" is of class %lld, but there are weights for %u classes",
                            (unsigned long long)i, info.name, (long long)class, p->class_weight_count);
        weights[i] = p->class_weight[class];
    }
    return GS_OK;
}

gs_status gs__sample_weights(gs_model *model, const gs_data *data, const gs_fit_params *p, uint64_t train_count,
                             float **weights) {
    gs_status status = GS_OK;
    gs_data_info info;
    *weights = NULL;
    if (!p->sample_weight && !p->class_weight) return GS_OK;
    gs_data_get_info(data, &info);
    if (!gs_data_y(data))
        return gs__fail(model->error, GS_ERR_UNSUPPORTED,
                        "weights of samples and classes need targets in memory, which data \"%s\" from a callback "
                        "has not",
                        info.name);
    if (p->sample_weight && p->class_weight)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "sample weights and class weights exclude each other");
    if (p->sample_weight && p->sample_weight_count != info.count)
        return gs__fail(model->error, GS_ERR_ARGUMENT, "%llu sample weights for %llu samples",
                        (unsigned long long)p->sample_weight_count, (unsigned long long)info.count);
    GS_TRY(check(model, "sample weight", p->sample_weight, p->sample_weight ? info.count : 0));
    GS_TRY(check(model, "weight of class", p->class_weight, p->class_weight ? p->class_weight_count : 0));
    *weights = gs__allocate(model->error, info.count, sizeof(float), "sample weights");
    if (!*weights) return GS_ERR_MEMORY;
    for (uint64_t i = 0; i < info.count; i++) (*weights)[i] = p->sample_weight ? p->sample_weight[i] : 1.0f;
    if (p->class_weight) status = apply_classes(model, data, p, train_count, *weights);
fail:
    if (status != GS_OK) {
        free(*weights);
        *weights = NULL;
    }
    return status;
}
