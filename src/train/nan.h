// Where a loss that is not finite came from. From time to time the training keeps a copy of itself on the host; when a
// loss is bad it goes back there, finds the last step that began with finite weights, and repeats it with the ops' C
// references, op by op, until a result is not finite.
#ifndef GS_TRAIN_NAN_H
#define GS_TRAIN_NAN_H

#include "train/session.h"

typedef struct gs__nan_guard {
    gs__session *session; // of training; borrowed
    const gs_data *data;  // that the session trains on, from its first sample on; borrowed
    float *weights, *slots;
    struct gs_state state;
    uint64_t taken_ns; // 0: no copy yet
    bool off;          // too large to keep
} gs__nan_guard;

// Is it time for another copy? Then the device must become idle, and gs__nan_keep makes it.
bool gs__nan_due(const gs__nan_guard *guard);
gs_status gs__nan_keep(gs__nan_guard *guard);

// Adds the cause to the message that the error has. `failing`: total steps before the one whose loss is bad. Returns
// GS_ERR_NAN, or what went wrong meanwhile where the device is lost. Leaves weights from before the bad step.
gs_status gs__nan_explain(gs__nan_guard *guard, uint64_t failing);

void gs__nan_guard_deinit(gs__nan_guard *guard);

#endif
