// When a training's checkpoints are made, and how: the device copies between two steps, a thread writes.
#ifndef GS_TRAIN_CHECKPOINTS_H
#define GS_TRAIN_CHECKPOINTS_H

#include "data/safetensors.h"
#include "train/training.h"

typedef struct gs__checkpoints gs__checkpoints;

// Makes the folder, and removes what a killed training left half-written. Params are borrowed until close.
gs_status gs__checkpoints_open(gs_training *training, const gs_checkpoint_params *params,
                               gs__checkpoints **checkpoints);
// Waits for the thread. Returns the newest step on disk, of this training; 0: none. Takes NULL.
uint64_t gs__checkpoints_close(gs__checkpoints *checkpoints);

// --- all take NULL -----------------------------------------------------------------------------------------------------
// Asks the run for a mark where a checkpoint is due. `step`: of the epoch, that the run begins with.
void gs__checkpoints_mark(gs__checkpoints *checkpoints, gs__run *run, uint64_t step);
// After each advance and what follows from it: makes what is due by the clock, and hands to the thread what was copied.
gs_status gs__checkpoints_poll(gs__checkpoints *checkpoints, gs__run *run);
// With nothing in flight: what was copied, but not yet completed, is of no use.
gs_status gs__checkpoints_drop(gs__checkpoints *checkpoints);
// With nothing in flight, within an epoch: makes what is due by the count of steps.
gs_status gs__checkpoints_step(gs__checkpoints *checkpoints);
// An epoch is over, callbacks included.
gs_status gs__checkpoints_epoch(gs__checkpoints *checkpoints);
// The training is over: waits for the thread, and writes where it ended if that is not on disk. `epoch_over`: no step of an
// epoch stands alone. GS_ERR_FILE where a failure was not told otherwise, GS_ERR_NAN where the weights are not finite.
gs_status gs__checkpoints_finish(gs__checkpoints *checkpoints, bool epoch_over);

// The checkpoint to go on from; *file stays NULL when there is none. Notes name those that are damaged.
// GS_ERR_FORMAT: there are some, and all are damaged.
gs_status gs__checkpoints_newest(gs_training *training, const char *path, gs__safetensors **file);

#endif
