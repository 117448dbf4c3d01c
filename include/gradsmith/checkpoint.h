// Models on disk. A run's folder holds
//   model.json         the architecture with its compile_config, as Keras 3 writes it
//   model.safetensors  the parameters: LAYER/kernel (in, out), LAYER/bias (out), float32
// Every file is written beside its place, synced and renamed: a reader never sees half of one.
#ifndef GRADSMITH_CHECKPOINT_H
#define GRADSMITH_CHECKPOINT_H

#include <gradsmith/model.h>

#ifdef __cplusplus
extern "C" {
#endif

// Writes model.json and model.safetensors, making the folder (and its parents) when needed.
// Errors: GS_ERR_FILE, naming the file and the system's reason.
GS_API gs_status gs_model_save(gs_model *model, const char *dir);

// Makes a model from a folder. Errors: GS_ERR_FILE, GS_ERR_FORMAT, GS_ERR_UNSUPPORTED.
GS_API gs_status gs_model_load(gs_context *context, const char *dir, gs_model **model);

// Reads a model's parameters from a .safetensors file (F32, F16, BF16, F64). Every parameter must be there with its
// shape; other tensors are refused, by name. Nothing changes on failure.
// Errors: GS_ERR_FILE, GS_ERR_FORMAT, GS_ERR_ARGUMENT (names or shapes that do not fit).
GS_API gs_status gs_model_load_weights(gs_model *model, const char *path);
GS_API gs_status gs_model_save_weights(gs_model *model, const char *path);

#ifdef __cplusplus
}
#endif
#endif
