// Where a loss that is not finite came from. From time to time the training keeps a copy of itself on the host; when a
// loss is bad it goes back there, finds the last step that began with finite weights, and repeats it with the ops' C
// references, op by op, until a result is not finite.
#ifndef GS_TRAIN_NAN_H
#define GS_TRAIN_NAN_H

#include "train/session.h"

enum { GS__NAN_STEPS = 1000 }; // between copies, for GS_NAN_RESTORE

typedef struct gs__nan_guard {
    gs__session *session; // of training; borrowed
    const gs_data *data;  // that the session trains on, from its first sample on; borrowed
    float *weights, *slots;
    struct gs_state state;
    uint64_t taken_ns; // 0: no copy yet
    bool off;          // too large to keep
    bool restores;     // copies are made at given steps, and only finite ones, to go back to
} gs__nan_guard;

// `bytes` of float values; NULL: there are none.
bool gs__all_finite(const float *values, uint64_t bytes);
// Is it time for another copy? Then the device must become idle, and gs__nan_keep makes it.
bool gs__nan_due(const gs__nan_guard *guard);
// `at_begin`: of an epoch.
gs_status gs__nan_keep(gs__nan_guard *guard, uint64_t total_step, bool at_begin);
// How many steps from `total_step` on may run until a copy is due; UINT64_MAX: it goes by the clock.
uint64_t gs__nan_interval(const gs__nan_guard *guard, uint64_t total_step);

// Adds the cause to the message that the error has. `failing`: total steps before the one whose loss is bad. Returns
// GS_ERR_NAN, or what went wrong meanwhile where the device is lost. Leaves weights from before the bad step.
gs_status gs__nan_explain(gs__nan_guard *guard, uint64_t failing);

// The same with nothing in flight, and the training stands where it stood.
gs_status gs__nan_explain_aside(gs__nan_guard *guard, uint64_t failing);
// Puts the copy back, where it was: the position stays, and the learning rates of the State and of *settings are
// multiplied. *from: the step of the copy.
gs_status gs__nan_go_back(gs__nan_guard *guard, double factor, struct gs_state *settings, uint64_t *from);

void gs__nan_guard_deinit(gs__nan_guard *guard);

#endif
