// Normalization layers that learn their numbers from data before the training.
#include "base/memory.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

// Elements of a sample that are one input of the model: where they begin, and the size of their last axis.
struct part {
    uint64_t begin, count, channels, sample; // sample: elements of a whole one
};

static double element(const gs_data_info *info, const void *x, uint64_t index) {
    if (info->x_dtype == GS_U8) return ((const unsigned char *)x)[index];
    if (info->x_dtype == GS_I32) return ((const int32_t *)x)[index];
    return (double)((const float *)x)[index];
}

// Mean and variance (divided by the count, as Keras) of each entry of the last axis.
static gs_status measure(gs_model *model, const gs_data *data, const struct part *part, float *mean, float *variance) {
    gs_data_info info;
    gs_data_get_info(data, &info);
    const void *x = gs_data_x(data);
    const uint64_t positions = part->count / part->channels;
    const double n = (double)info.count * (double)positions;
    double *sums = gs__allocate(model->error, 2 * part->channels, sizeof *sums, "sums of a data set");
    if (!sums) return GS_ERR_MEMORY;
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t s = 0; s < info.count; s++)
            for (uint64_t i = 0; i < part->count; i++) {
                const uint64_t c = i % part->channels;
                const double v = element(&info, x, s * part->sample + part->begin + i);
                if (pass == 0) sums[c] += v / n;
                else sums[part->channels + c] += (v - sums[c]) * (v - sums[c]) / n;
            }
    for (uint64_t c = 0; c < part->channels; c++) {
        mean[c] = (float)sums[c];
        variance[c] = (float)sums[part->channels + c];
    }
    free(sums);
    return GS_OK;
}

static gs_status adapt_layer(gs_model *model, gs__model_layer *layer, const gs_data *data, const struct part *part) {
    gs_status status = GS_OK;
    gs_normalization_params *p = &layer->params.normalization;
    float *numbers = gs__allocate(model->error, 2 * part->channels, sizeof *numbers, "means and variances");
    if (!numbers) return GS_ERR_MEMORY;
    GS_TRY(measure(model, data, part, numbers, numbers + part->channels));
    GS_TRY(gs_model_write_parameter(model, layer->first_parameter, numbers, part->channels));
    GS_TRY(gs_model_write_parameter(model, layer->first_parameter + 1, numbers + part->channels, part->channels));
    // Written into the model's JSON too.
    const float *kept = gs__model_own_bytes(model, numbers, 2 * part->channels * sizeof *numbers);
    if (!kept) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    p->mean = kept;
    p->variance = kept + part->channels;
    p->count = (uint32_t)part->channels;
fail:
    free(numbers);
    return status;
}

gs_status gs_model_adapt(gs_model *model, const gs_data *data, bool all, uint32_t *count) {
    if (!model) return GS_ERR_ARGUMENT;
    if (!data) return gs__fail(model->error, GS_ERR_ARGUMENT, "adapt: the data is NULL");
    gs_data_info info;
    gs_data_get_info(data, &info);
    struct part part = {0};
    uint64_t sample = 0, found = 0;
    uint32_t adapted = 0;
    const gs_shape shape = gs__model_input_shape(model);
    gs__shape_count(&shape, &sample);
    const bool fits = gs__shape_count(&info.sample_shape, &found) && found == sample;
    part.sample = sample;
    for (uint32_t i = 0; i < model->input_count; i++, part.begin += part.count) {
        const gs_shape *input = &model->calls[model->inputs[i]].output_shape;
        gs__shape_count(input, &part.count);
        part.channels = (uint64_t)input->dim[input->rank - 1];
        for (uint32_t c = 0; c < model->call_count; c++) {
            gs__model_layer *layer = &model->layers[model->calls[c].layer];
            if (strcmp(layer->class->class_name, "Normalization") != 0 ||
                model->call_inputs[model->calls[c].first_input] != model->inputs[i])
                continue;
            if (layer->params.normalization.mean && !all) continue;
            if (!fits)
                return gs__fail(model->error, GS_ERR_ARGUMENT,
                                "adapt: data \"%s\" has samples of %llu elements but the model's input has %llu",
                                info.name, (unsigned long long)found, (unsigned long long)sample);
            if (!gs_data_x(data))
                return gs__fail(model->error, GS_ERR_UNSUPPORTED,
                                "adapt: data \"%s\" comes from a callback; give the layer its mean and variance",
                                info.name);
            gs_status status = adapt_layer(model, layer, data, &part);
            if (status != GS_OK) return status;
            adapted++;
        }
    }
    if (count) *count = adapted;
    return GS_OK;
}
