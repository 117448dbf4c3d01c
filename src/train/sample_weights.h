#ifndef GS_TRAIN_SAMPLE_WEIGHTS_H
#define GS_TRAIN_SAMPLE_WEIGHTS_H

#include "model/model.h"
#include <gradsmith/train.h>

// The weight of each sample of `data`, which the caller frees; *weights stays NULL where there are none. Class weights are
// for the first train_count samples only; those behind are for validation, where they count once, as in Keras.
gs_status gs__sample_weights(gs_model *model, const gs_data *data, const gs_fit_params *params, uint64_t train_count,
                             float **weights);

#endif
