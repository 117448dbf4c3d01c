// A data set on its way to the plans of one model: in device memory whole, or, where that has no room for it, streamed:
// the host puts the rows of each step into a ring just before it is submitted, while earlier steps run.
#ifndef GS_TRAIN_DEVICE_DATA_H
#define GS_TRAIN_DEVICE_DATA_H

#include "model/model.h"
#include "plan/plan.h"
#include "train/feeder.h"

typedef struct gs__device_data {
    gs__buffer *buffer;      // samples, then targets where the plan reads any
    uint64_t targets_offset; // bytes
    uint32_t ring_steps;     // 0: the whole data set is in the buffer. Else a power of two >= 2

    // What is streamed from; borrowed.
    const unsigned char *x, *y; // from the range's first sample on; y may be NULL
    uint64_t x_bytes, y_bytes;  // of a sample
    bool y_to_float;            // class indices for a loss that takes values
    unsigned char *packed;      // targets with weights; owned
    gs__feeder *feeder;         // of data from a callback; x and y are NULL then
    gs__error *error;
} gs__device_data;

typedef struct gs__device_data_params {
    const gs_data *data;
    uint64_t begin, count;  // the range that is used
    const float *weights;   // of all samples of the data; NULL: none
    gs__model_graph *graph; // tells which targets are wanted, and of which dtype
} gs__device_data_params;

// How many steps the ring must have, 0 where the data set can lie in device memory whole: within its limits, and within
// $GRADSMITH_DATA_BUDGET bytes or, where that is not set, what is free less what the graph's plan is going to take. The
// graph is one for a single batch of samples; it gets placed.
gs_status gs__device_data_choose(gs_model *model, const gs__device_data_params *params, uint32_t *ring_steps);

// Memory for the samples and targets of a graph, which says how many there are: the data set, or the ring's rows.
gs_status gs__device_data_make(gs_model *model, const gs__model_graph *graph, uint32_t ring_steps,
                               gs__device_data *out);
// The same, and copies the data set there, or prepares streaming it.
gs_status gs__device_data_create(gs_model *model, const gs__device_data_params *params, uint32_t ring_steps,
                                 gs__device_data *out);
// `data` must stay where it is: streaming refers to it.
void gs__device_data_bind(gs__device_data *data, gs__plan_params *params);
void gs__device_data_deinit(gs__device_data *data);

#endif
