// The context (errors, Vulkan loader) and the devices that it finds.
#ifndef GRADSMITH_DEVICE_H
#define GRADSMITH_DEVICE_H

#include <gradsmith/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Keeps the last error message and one open device. Every other object is made from a context and must be
// destroyed before it.
//
// Thread-safety: a context and all that was made from it belong to one thread at a time; different contexts are
// independent and may run on different threads at once.
typedef struct gs_context gs_context;

// Receives something that the user should know and that is no error, one line without newline: a kernel that gives wrong
// results on this device and is therefore not used. `text` is borrowed for the call.
typedef void gs_note(void *user, const char *text);

typedef struct gs_context_params {
    const char *device; // NULL or "auto": $GRADSMITH_DEVICE, else the best; an index; or a part of a device's name
    bool validate;      // run under VK_LAYER_KHRONOS_validation (package vulkan-validationlayers); so does
                        // $GRADSMITH_VALIDATE=1
    bool no_autotune;   // choose kernels by rules alone. Otherwise the first training of a size measures, for at most
                        // 2 s, which of several that give the same bits is the fastest, and keeps the choice in
                        // $GRADSMITH_CACHE, $XDG_CACHE_HOME/gradsmith or ~/.cache/gradsmith; without such a folder
                        // nothing is measured
    gs_note *note;      // may be NULL; called on the thread that uses the context
    void *note_user;
} gs_context_params;

// Makes a context. No device is opened yet, so this succeeds without a GPU. `params` may be NULL and is copied.
// Errors: GS_ERR_MEMORY.
GS_API gs_status gs_context_create(gs_context **context, const gs_context_params *params);

// Closes the device and frees the context. Takes a pointer to NULL too; sets *context to NULL.
GS_API void gs_context_destroy(gs_context **context);

// Message of the last call that failed, one line without newline; "" before the first failure. Borrowed until the
// next call on this context or on an object made from it.
GS_API const char *gs_context_message(const gs_context *context);

typedef enum gs_device_type {
    GS_DEVICE_OTHER = 0,
    GS_DEVICE_INTEGRATED,
    GS_DEVICE_DISCRETE,
    GS_DEVICE_VIRTUAL,
    GS_DEVICE_CPU,
} gs_device_type;

typedef struct gs_device_info {
    uint32_t index; // in the loader's order; what --device takes
    char name[256]; // e.g. "NVIDIA GeForce RTX 4090", "llvmpipe (LLVM 15.0.6, 256 bits)"
    gs_device_type type;
    uint32_t vendor_id; // PCI vendor, or a Khronos vendor id
    uint32_t device_id;
    char vendor[32];         // "AMD", "NVIDIA", "Intel", "Mesa", ... or "0x10005"
    char driver[256];        // driver name and its own version text, e.g. "llvmpipe Mesa 22.3.6 (LLVM 15.0.6)"
    char driver_version[32]; // decoded as the vendor does, e.g. "550.54.14"
    char api_version[32];    // e.g. "1.3.230"
    uint64_t memory_bytes;   // of the largest device-local heap
    uint32_t subgroup_size;
    bool fp16;               // float16 arithmetic and 16-bit storage
    bool cooperative_matrix; // VK_KHR_cooperative_matrix
    uint8_t uuid[16];        // pipelineCacheUUID: changes with the driver
} gs_device_info;

// Text of a type: "discrete GPU", "integrated GPU", "virtual GPU", "CPU", "other". Never NULL.
GS_API const char *gs_device_type_text(gs_device_type type);

// Every Vulkan device, usable or not. Writes at most `capacity` entries to `infos` (may be NULL with capacity 0)
// and the number there are to *count.
// Errors: GS_ERR_NO_DEVICE when there is no Vulkan loader or no driver; the message says what to install.
GS_API gs_status gs_device_list(gs_context *context, gs_device_info *infos, uint32_t capacity, uint32_t *count);

// The device that this context uses or would use, and why ("most memory of 2 discrete GPUs"). `reason` may be NULL.
// Errors: GS_ERR_NO_DEVICE; GS_ERR_ARGUMENT when the wanted device does not exist (the message lists those that do).
GS_API gs_status gs_device_get(gs_context *context, gs_device_info *info, char *reason, size_t reason_bytes);

#ifdef __cplusplus
}
#endif
#endif
