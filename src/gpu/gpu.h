// The device layer: the only folder that includes Vulkan headers; nothing of Vulkan shows in this header.
//
//   gs__gpu       an open device: its limits, one compute queue, a pipeline cache
//   gs__buffer    device memory
//   gs__pipeline  a kernel with its specialization constants, owned and cached by the gpu
//   gs__commands  a command buffer: recorded once, submitted many times
//
// Thread-safety: one thread at a time per gs__gpu (gs__pipeline_prepare uses more inside); instances and their gpus are
// independent of each other.
// The creator destroys; destroy functions take NULL. Objects must not be destroyed while in flight:
// gs__commands_destroy and gs__buffer_destroy wait for submissions that are still running.
//
// Environment, for tests and kernel work; an unknown value is GS_ERR_ARGUMENT. Read by gs__gpu_open, but the last:
//   GRADSMITH_KERNELS=gpu|cpu|integrated|gcn
//                                    caps.kernel_class and caps.kind, whatever the device is; gpu: a discrete one
//   GRADSMITH_MEMORY=staged          as if no device memory were host-visible: every copy is staged, and what is
//                                    mapped lies in host memory
//   GRADSMITH_CACHE=off|DIR          where pipelines and choices of kernels are kept (base/cache.h)
//   GRADSMITH_KERNEL_STATISTICS=1    lets gs__pipeline_statistics work (a driver may then compile without its cache)
//   GRADSMITH_SHADER_DIR=DIR         DIR/NAME.spv replaces an embedded kernel; read by gs__pipeline_get
#ifndef GS_GPU_GPU_H
#define GS_GPU_GPU_H

#include "base/error.h"
#include <gradsmith/device.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gs__instance gs__instance; // the loader and a VkInstance
typedef struct gs__gpu gs__gpu;
typedef struct gs__buffer gs__buffer;
typedef struct gs__pipeline gs__pipeline;
typedef struct gs__commands gs__commands;

// A compiled kernel, embedded by the build: SPIR-V and what reflection found in it.
typedef struct gs__shader {
    const char *name; // of shaders/NAME.comp
    const uint32_t *words;
    size_t word_count;
    uint32_t push_bytes;
    uint32_t binding_count;  // storage buffers, bindings 0 .. binding_count-1 of set 0
    uint32_t binding_reads;  // bit i: binding i is read (not writeonly)
    uint32_t binding_writes; // bit i: binding i is written (not readonly)
    bool reads_state;        // has the uniform buffer STATE at binding GS__STATE_BINDING
    uint32_t texel_mask;     // bit i: has a uniform texel buffer view of binding i at binding 8+i, RGBA32F
    uint32_t texel_words;    // bit i: or, RGBA32UI
    uint32_t local_size[3];  // as compiled; spec constants may override
    bool matrices;           // uses cooperative matrices
} gs__shader;

enum {
    GS__MAX_BINDINGS = 4,
    GS__STATE_BINDING = 4,
    GS__TEXEL_BINDING = 8,
    GS__MAX_SPEC = 16,
    GS__MAX_PUSH_BYTES = 128
};

typedef struct gs__instance_params {
    bool validate; // enable VK_LAYER_KHRONOS_validation with synchronization validation; a message counts as an error
} gs__instance_params;

// Opens the loader (dlopen) and makes an instance. GS_ERR_NO_DEVICE without a loader: says what to install.
// GS_ERR_UNSUPPORTED when `validate` is asked for and the layer is not installed. `params` may be NULL.
gs_status gs__instance_create(gs__error *error, const gs__instance_params *params, gs__instance **instance);
void gs__instance_destroy(gs__instance *instance);

// Number of validation errors so far (0 without validation), and the first one's text.
uint64_t gs__instance_validation_errors(const gs__instance *instance, const char **first);

// All devices, in the loader's order. Writes at most `capacity` entries; *count is the number there are.
// GS_ERR_NO_DEVICE when there is none: says what to install.
gs_status gs__instance_list(gs__error *error, gs__instance *instance, gs_device_info *infos, uint32_t capacity,
                            uint32_t *count);

// The device that `select` means: NULL, "" or "auto" takes $GRADSMITH_DEVICE when set, else discrete > integrated >
// virtual > CPU, most memory first; a decimal index; or a part of a name (case-insensitive; must match one).
// `reason` (may be NULL) receives why, e.g. "the only device", "most memory of 2 discrete GPUs".
gs_status gs__instance_choose(gs__error *error, gs__instance *instance, const char *select, uint32_t *index,
                              char *reason, size_t reason_bytes);

// Which of a kernel's shapes suits: many threads with shared memory, or few threads that do much each.
typedef enum gs__kernel_class { GS__KERNELS_GPU, GS__KERNELS_CPU } gs__kernel_class;

// What GPU kernels are shaped for.
typedef enum gs__gpu_kind {
    GS__GPU_DISCRETE,   // and whatever is none of the others
    GS__GPU_INTEGRATED, // few units, memory shared with the host
    GS__GPU_GCN,        // AMD before RDNA: subgroups of 64 lanes and no other
} gs__gpu_kind;

// A (m, k) times B (k, n).
typedef struct gs__matrix_shape {
    uint32_t m, n, k;
} gs__matrix_shape;

// What plans and kernels need to know of a device.
typedef struct gs__gpu_caps {
    gs_device_info info;
    gs__kernel_class kernel_class; // CPU for devices of type CPU; $GRADSMITH_KERNELS overrides
    gs__gpu_kind kind;             // likewise
    uint64_t max_storage_range;    // bytes of one storage binding
    uint64_t max_buffer_bytes;
    uint32_t max_shared_bytes;
    uint32_t max_invocations; // per workgroup
    uint32_t max_groups[3];
    uint32_t max_texel_elements; // RGBA32F texels of one texel view
    // Cooperative matrices: fragments of products whose factors are of that type and whose sums are float, m 0: none.
    // Kernels with such run in subgroups of matrix_subgroup lanes.
    gs__matrix_shape matrix_half, matrix_bfloat;
    uint32_t matrix_subgroup;
    bool subgroup_shuffle; // subgroupShuffle works in compute shaders; info.subgroup_size is their width
    uint32_t offset_align; // bytes: every binding offset, >= 256 and a multiple of what the device asks
    bool unified;          // host-visible device-local memory is the whole memory: no staging
    bool timestamps;
    double timestamp_ns; // of one tick
} gs__gpu_caps;

// Whether the device runs NAME_shuffle.comp in the place of NAME_cpu.comp: subgroups of 8 lanes that can shuffle.
static inline bool gs__caps_shuffle(const gs__gpu_caps *caps) {
    return caps->subgroup_shuffle && caps->info.subgroup_size == 8;
}

gs_status gs__gpu_open(gs__error *error, gs__instance *instance, uint32_t index, gs__gpu **gpu);
void gs__gpu_close(gs__gpu *gpu);
// The device was lost: nothing of it works any more. Opening it again makes a new one, beside which this one's objects may
// live on until they are destroyed.
bool gs__gpu_is_lost(const gs__gpu *gpu);
const gs__gpu_caps *gs__gpu_get_caps(const gs__gpu *gpu);
gs__error *gs__gpu_error(gs__gpu *gpu); // the error given to gs__gpu_open; all calls below report there

// What the context asks for; all zero at first.
typedef struct gs__gpu_options {
    bool no_autotune;                           // see plan/tune.h
    void (*note)(void *user, const char *text); // receives gs__gpu_note's texts; may be NULL
    void *note_user;
} gs__gpu_options;
gs__gpu_options *gs__gpu_options_of(gs__gpu *gpu);
// Tells the user of something that is no error.
void gs__gpu_note(gs__gpu *gpu, const char *format, ...) GS__PRINTF(2, 3);

// An object of a layer above that lives as long as the gpu: the plans' tuner. Empty at first.
typedef struct gs__attachment {
    void *object;
    void (*destroy)(void *object);
} gs__attachment;
gs__attachment *gs__gpu_attachment(gs__gpu *gpu);

bool gs__gpu_has_cache(const gs__gpu *gpu);
// Files that are kept for this device and driver, by `kind`; see base/cache.h. False: nothing usable, or no cache.
bool gs__gpu_cache_read(const gs__gpu *gpu, const char *kind, char **data, size_t *bytes);
bool gs__gpu_cache_write(const gs__gpu *gpu, const char *kind, const void *data, size_t bytes);

// --- memory ---------------------------------------------------------------------------------------------------
typedef enum gs__memory {
    GS__MEMORY_DEVICE,   // device-local; host-visible too where that costs nothing (unified)
    GS__MEMORY_READBACK, // host-cached, for reading results
    GS__MEMORY_UPLOAD, // always mapped, for what the host writes once and the device reads once; may lie on either side
} gs__memory;

// Zero-filled. GS_ERR_DEVICE_MEMORY names the bytes asked for and the heap's size. `label` shows in messages;
// borrowed for the call. The memory behind it is padded to a multiple of 16 bytes, so that a kernel may load the
// last bytes as a whole word or vec4. Each buffer is one allocation of its own.
gs_status gs__buffer_create(gs__gpu *gpu, gs__memory memory, uint64_t bytes, const char *label, gs__buffer **buffer);
void gs__buffer_destroy(gs__buffer *buffer);
uint64_t gs__buffer_bytes(const gs__buffer *buffer);
const gs__gpu *gs__buffer_gpu(const gs__buffer *buffer);
// Host pointer, or NULL where the buffer is not host-visible. Coherent.
void *gs__buffer_map(gs__buffer *buffer);
// Blocking copies; staged where needed. No submission that uses the range may be in flight.
gs_status gs__buffer_write(gs__buffer *buffer, uint64_t offset, const void *data, uint64_t bytes);
gs_status gs__buffer_read(gs__buffer *buffer, uint64_t offset, void *data, uint64_t bytes);

// What buffers hold at the moment, without the staging buffer that the gpu keeps for itself.
typedef struct gs__memory_use {
    uint32_t count; // allocations
    uint64_t bytes;
} gs__memory_use;
gs__memory_use gs__gpu_memory_use(const gs__gpu *gpu);

// Bytes of device memory that may still be taken without harm to others: nine tenths of what the driver says is free
// (VK_EXT_memory_budget), else 80 % of the heap less what buffers hold.
uint64_t gs__gpu_memory_free(const gs__gpu *gpu);

// --- kernels --------------------------------------------------------------------------------------------------
// Finds or compiles. `spec[i]` goes to constant_id i. Borrowed until gs__gpu_close.
// The shader is known by its address, which must stay valid as long as the gpu.
// $GRADSMITH_SHADER_DIR: NAME.spv there replaces the embedded words (checked: magic, size, no other bindings).
gs_status gs__pipeline_get(gs__gpu *gpu, const gs__shader *shader, const uint32_t *spec, uint32_t spec_count,
                           gs__pipeline **pipeline);

typedef struct gs__kernel {
    const gs__shader *shader;
    uint32_t spec[GS__MAX_SPEC];
    uint32_t spec_count;
} gs__kernel;

// Compiles those of the kernels that gs__pipeline_get would have to compile, on several threads.
gs_status gs__pipeline_prepare(gs__gpu *gpu, const gs__kernel *kernels, uint32_t count);

// What the driver's compiler says of a kernel: registers, spills, instructions, ... as the driver names them.
// Works on devices that cannot run anything (a driver's null device). GS_ERR_UNSUPPORTED without
// VK_KHR_pipeline_executable_properties or without $GRADSMITH_KERNEL_STATISTICS=1.
gs_status gs__pipeline_statistics(gs__pipeline *pipeline, void (*visit)(void *user, const char *name, double value),
                                  void *user);

// The texts that it leaves of its work, among them the machine's code ("Assembly" with Mesa). `text` is borrowed.
gs_status gs__pipeline_texts(gs__pipeline *pipeline, void (*visit)(void *user, const char *name, const char *text),
                             void *user);

// --- commands -------------------------------------------------------------------------------------------------
typedef struct gs__range {
    gs__buffer *buffer;
    uint64_t offset, bytes; // offset: a multiple of caps.offset_align; bytes <= caps.max_storage_range
} gs__range;

// `timestamp_count`: how many gs__commands_timestamp calls one recording may make (0: none).
gs_status gs__commands_create(gs__gpu *gpu, uint32_t timestamp_count, gs__commands **commands);
void gs__commands_destroy(gs__commands *commands);
// Drops what was recorded. A recording sees all that was submitted before it: it begins with a barrier.
gs_status gs__commands_begin(gs__commands *commands);
// One dispatch. `ranges` has shader->binding_count entries; `state` is bound where the shader reads it.
// GS_ERR_UNSUPPORTED when a limit of the device is exceeded. Zero groups: nothing is recorded.
gs_status gs__commands_dispatch(gs__commands *commands, gs__pipeline *pipeline, const gs__range *ranges,
                                const gs__range *state, const void *push, uint32_t push_bytes,
                                const uint32_t groups[3]);
// Makes all writes of earlier dispatches and copies visible to all later ones (one global memory barrier,
// compute|transfer -> compute|transfer). `to_host`: to the host as well, after the fence; gs__commands_end does this
// for everything recorded. Costs nothing when nothing follows or nothing went before.
void gs__commands_barrier(gs__commands *commands, bool to_host);
// Copy, fill (offset and bytes multiples of 4) and timestamp report a wrong argument at gs__commands_end.
void gs__commands_copy(gs__commands *commands, gs__range from, gs__buffer *to, uint64_t to_offset);
void gs__commands_fill(gs__commands *commands, gs__range range, uint32_t word);
void gs__commands_timestamp(gs__commands *commands, uint32_t index);
gs_status gs__commands_end(gs__commands *commands);
// At most one submission of a command buffer in flight: submit waits for its older one.
gs_status gs__commands_submit(gs__commands *commands);
// Waits for the last submission (returns at once when there is none). GS_ERR_DEVICE_LOST is sticky.
gs_status gs__commands_wait(gs__commands *commands);
// After a wait: nanoseconds of each timestamp, relative to the first.
gs_status gs__commands_timestamps(gs__commands *commands, double *ns, uint32_t count);

#endif
