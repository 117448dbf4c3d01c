// What fit, evaluate and predict share: a data set on the device, and a model's plan over a range of it.
#ifndef GS_TRAIN_SESSION_H
#define GS_TRAIN_SESSION_H

#include "model/model.h"
#include "plan/plan.h"
#include "train/device_data.h"
#include <gradsmith/train.h>

typedef struct gs__session_params {
    gs__mode mode;
    const gs_data *data;
    const gs__device_data *shared; // `data` on the device already, if whole; NULL: the session sees to it
    uint64_t begin, count;         // the range of samples
    uint32_t batch;
    bool softmax, profile;
    const float *weights; // of all samples of the data; NULL: none. A shared `data` has them already
    uint32_t max_steps;   // of a submission, a power of two; 0: as many as take the time
} gs__session_params;

typedef struct gs__session {
    gs_model *model;
    gs__model_graph graph;
    gs__device_data data;
    bool owns_data;
    gs__plan *plan;
    struct gs_state state; // settings filled in; the position is the caller's
    uint64_t count, steps; // samples and steps of a pass over the range
} gs__session;

// Where a batch is too large for the device, the message tells one that fits. gs__session_close takes what a failed open
// leaves.
gs_status gs__session_open(gs_model *model, const gs__session_params *params, gs__session *session);
void gs__session_close(gs__session *session);
// The largest batch below the wanted one that should have room, by the sizes of its tensors; 0: none has.
uint32_t gs__session_guess_batch(gs_model *model, const gs__session_params *params);

// Sums of ring entries, turned into means over samples.
typedef struct gs__sums {
    double loss, penalties, metrics[GS_MAX_METRICS], rows;
} gs__sums;

// The loss of an entry of the ring. *skipped: the step updated nothing.
double gs__sums_loss(const float *entry, bool *skipped);
void gs__sums_add(gs__sums *sums, const float *entry, uint32_t metric_count);
void gs__sums_result(const gs__sums *sums, const gs__model_graph *graph, double seconds, gs_result *result);

// One pass over an EVALUATE session.
gs_status gs__session_evaluate(gs__session *session, gs_result *result);

// A batch size from the caller: 0 means `fallback`, no more than `count`. GS_ERR_ARGUMENT above 2^24.
gs_status gs__batch_size(gs_model *model, uint32_t wanted, uint32_t fallback, uint64_t count, uint32_t *batch);

// Keeps the timings of a profiled session in the model, for gs_model_profile.
gs_status gs__profile_keep(gs__session *session);

#endif
