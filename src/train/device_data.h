// A data set in device memory, for the plans of one model.
#ifndef GS_TRAIN_DEVICE_DATA_H
#define GS_TRAIN_DEVICE_DATA_H

#include "model/model.h"
#include "plan/plan.h"

typedef struct gs__device_data {
    gs__buffer *buffer;      // samples, then targets where the plan reads any
    uint64_t targets_offset; // bytes
} gs__device_data;

// Memory for the samples and targets of a graph, which says how many there are, and of which dtype.
gs_status gs__device_data_make(gs_model *model, const gs__model_graph *graph, gs__device_data *out);
// The same, and copies the data set there.
gs_status gs__device_data_create(gs_model *model, const gs_data *data, const gs__model_graph *graph,
                                 gs__device_data *out);
void gs__device_data_bind(const gs__device_data *data, gs__plan_params *params);
void gs__device_data_deinit(gs__device_data *data);

#endif
