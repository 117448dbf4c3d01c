// Batches of data from a callback, made on a thread of their own ahead of the steps that take them.
#ifndef GS_TRAIN_FEEDER_H
#define GS_TRAIN_FEEDER_H

#include "base/error.h"
#include "state.h"
#include <gradsmith/data.h>

typedef struct gs__feeder gs__feeder;

// `begin`: first sample of the range that steps count from. `data` is borrowed. `wants_y`: targets too.
gs_status gs__feeder_create(gs__error *error, const gs_data *data, uint64_t begin, uint32_t batch, bool wants_y,
                            gs__feeder **feeder);
void gs__feeder_destroy(gs__feeder *feeder); // takes NULL

// The rows of the step that begins at state->next, in order. Waits for them; *x and *y (NULL without) are valid until the
// next call. The thread goes on with the steps that follow. Fails as the callback does.
gs_status gs__feeder_take(gs__feeder *feeder, gs__error *error, const struct gs_state *state, const void **x,
                          const void **y);

#endif
