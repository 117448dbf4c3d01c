// What a context gives to the folders above: where errors go, and the device.
#ifndef GS_CONTEXT_CONTEXT_H
#define GS_CONTEXT_CONTEXT_H

#include "base/error.h"
#include "gpu/gpu.h"
#include <gradsmith/device.h>

// Never NULL; lives as long as the context.
gs__error *gs__context_error(gs_context *context);

// Opens the chosen device at the first call; later calls give the same. Closed with the context.
gs_status gs__context_gpu(gs_context *context, gs__gpu **gpu);

struct gs_key;
// The key of gs_context_set_key and its uses; NULL and 0 at first. (Only src/protect knows what a key is.)
void gs__context_put_key(gs_context *context, const struct gs_key *key, unsigned use);
unsigned gs__context_get_key(const gs_context *context, const struct gs_key **key);

// Where the device was lost: lets the next call of gs__context_gpu open it again. The lost one lives until the context is
// destroyed, for what was made on it. GS_ERR_MEMORY.
gs_status gs__context_forget_lost(gs_context *context);

// Tells whoever made the context (gs_context_params.note).
void gs__context_note(gs_context *context, const char *text);

// GS_ERR_INTERNAL with the first message of the validation layers when there was one; GS_OK without validation.
// Functions that ran something on the device end with it.
gs_status gs__context_check_validation(gs_context *context);

#endif
