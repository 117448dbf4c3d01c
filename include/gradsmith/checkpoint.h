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

// --- folders -----------------------------------------------------------------------------------------------------------
// So that two trainings do not write into one folder. The lock is the file DIR/lock, held with flock(2), with the process
// and the machine as text; it goes with the process that holds it, however that ends.
typedef struct gs_lock gs_lock;

// The folder must be there. Removes what a process that was killed left half-written in it.
// Errors: GS_ERR_FILE, with the process that holds it when there is one.
GS_API gs_status gs_folder_lock(gs_context *context, const char *dir, gs_lock **lock);
// Takes a pointer to NULL.
GS_API void gs_folder_unlock(gs_lock **lock);

#ifdef __cplusplus
}
#endif
#endif
