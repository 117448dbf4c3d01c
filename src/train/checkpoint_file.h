// All of a training in one file, so that no two files can be of different moments: safetensors with a checksum and
//   LAYER/kernel ...        weights, as in model.safetensors
//   optimizer/S/NAME        slot S of the optimizer for that parameter; optimizer/factors: Adafactor's
//   accumulator/NAME, average/NAME   sums of gradients, average of the weights, where there are such
//   counts/I                what metric I has counted of the epoch so far
//   callback/I/weights      the copies that callbacks have
//   history                 (epochs, columns) F64: the epochs that are over
//   __metadata__.training   JSON: where the training stands, what it is, and the numbers of the callbacks
#ifndef GS_TRAIN_CHECKPOINT_FILE_H
#define GS_TRAIN_CHECKPOINT_FILE_H

#include "data/safetensors.h"
#include "protect/protect.h"
#include "train/training.h"

// A training at one moment, on the host. Whoever fills it in says who owns what.
typedef struct gs__checkpoint {
    const gs_model *model; // for the places of its parameters
    const struct gs_state *state;
    const float *weights, *slots; // as on the device; slots may be NULL
    const uint32_t *counts[GS_MAX_METRICS];
    uint64_t count_counts[GS_MAX_METRICS]; // elements; 0: none
    float **callback_weights;              // NULL where a callback has none
    uint32_t callback_count;
    double *history;
    uint32_t history_rows, history_columns;
    const char *head; // members of the JSON but for the State: gs__checkpoint_head
} gs__checkpoint;

// What the host knows, as members of a JSON object. `epoch`: the one that the next step belongs to.
void gs__checkpoint_head(gs__text *text, const gs_training *training, uint32_t epoch);

// For any thread: nothing of the training is looked at. Encrypted with the key, where it is not NULL.
gs_status gs__checkpoint_write(gs__error *error, const gs_key *key, const gs__checkpoint *checkpoint, const char *path);

// Opens a file and checks all of it. GS_ERR_FILE, GS_ERR_FORMAT: it is damaged, or no checkpoint.
gs_status gs__checkpoint_open(gs_context *context, const char *path, gs__safetensors **file);
// The part of gs__checkpoint_restore that needs no device: into the host's memory. `slots` may be NULL: they are not read.
gs_status gs__checkpoint_read(gs_training *training, gs__safetensors *file, struct gs_state *state, float *slots);
// Puts a training where the file's was: weights, optimizer state, callbacks, history, counts, and *state, which is filled in
// for gs__plan_set_state. GS_ERR_ARGUMENT: it is another training's, or made with other settings.
gs_status gs__checkpoint_restore(gs_training *training, gs__safetensors *file, struct gs_state *state);

#endif
