// A training under way: what fit and its callbacks share.
#ifndef GS_TRAIN_TRAINING_H
#define GS_TRAIN_TRAINING_H

#include "train/history.h"
#include "train/session.h"
#include <gradsmith/callback.h>

struct gs_training {
    gs_model *model;
    const gs_fit_params *params;
    gs__session *session;      // of training
    gs_training_info info;     // of now
    const gs_callback *caller; // whose hook is being called
    uint32_t begun;            // callbacks whose train_begin was called
    bool in_flight;            // the device is at work
    bool stop;                 // a callback said so
    gs__sums sums;             // of this epoch so far
    double seconds;            // of this epoch so far
    uint64_t first_step;       // total steps when fit was called, or a training that goes on was begun
    uint64_t data_digest;      // of the samples and targets; 0: they are no arrays
    gs__history history;
    uint32_t restores; // after losses that were not finite
    uint64_t skipped;  // steps whose gradients were not finite
};

// Calls that hook of all callbacks, until one fails. `event`: as the hook has one.
typedef enum gs__hook { GS__TRAIN_BEGIN, GS__EPOCH_BEGIN, GS__STEPS, GS__AT_STEP, GS__EPOCH_END } gs__hook;
gs_status gs__callbacks_call(gs_training *training, gs__hook hook, const gs_event *event);
// train_end, for those that began; returns `outcome`, or what went wrong in the first that failed after a good outcome.
gs_status gs__callbacks_end(gs_training *training, gs_status outcome);
// How many steps from `total_step` on may run before a callback has its at_step; UINT64_MAX: none has one.
uint64_t gs__callbacks_interval(const gs_training *training, uint64_t total_step);

// Never NULL, for messages and files; takes NULL.
const char *gs__callback_name(const gs_callback *callback);

// --- for the callbacks of the library ------------------------------------------------------------------------------
// Memory of `bytes` that begins with a gs_callback, as every built-in's own struct does; zeroed. name: static.
gs_status gs__callback_make(gs_context *context, const char *name, size_t bytes, void *made);

// The monitored value, or GS_ERR_ARGUMENT with those that there are.
gs_status gs__monitor_value(gs_training *training, const gs_event *event, const char *monitor, double *value);
// Is `value` better than `reference`, by more than min_delta?
bool gs__monitor_better(bool rises, double value, double reference, double min_delta);

#endif
