// Files of the safetensors format: 8 bytes little-endian header size, a JSON header, the tensors.
// https://huggingface.co/docs/safetensors (format) and the checks of its reference implementation.
#ifndef GS_DATA_SAFETENSORS_H
#define GS_DATA_SAFETENSORS_H

#include "base/file.h"
#include <gradsmith/device.h>
#include <gradsmith/tensor.h>
#include <stdint.h>

// A tensor to write.
typedef struct gs__safetensors_entry {
    const char *name; // UTF-8, unique, not "__metadata__"
    gs_shape shape;
    const void *values;  // row-major
    const char *dtype;   // of 4 or 8 bytes, as "U32", "F64"; NULL: "F32"
    uint32_t quad_words; // above 0: values 4 i .. 4 i + 3 lie from word i * quad_words on
} gs__safetensors_entry;

// Writes tensors in the order given, replacing the file only when complete. The same input gives the same bytes.
// GS_ERR_FILE; GS_ERR_ARGUMENT (a name twice, a bad shape).
gs_status gs__safetensors_write(gs__error *error, const char *path, const gs__safetensors_entry *entries,
                                uint32_t count);

// The same with a string that gs__safetensors_metadata gives back, under a key other than "format" and "xxh3", and a
// checksum of the whole file.
gs_status gs__safetensors_write_with(gs__error *error, const char *path, const char *key, const char *value,
                                     const gs__safetensors_entry *entries, uint32_t count);

// The same into a file that was begun, at its beginning; `key` may be NULL.
gs_status gs__safetensors_append(gs__error *error, gs__file_writer *writer, const char *key, const char *value,
                                 const gs__safetensors_entry *entries, uint32_t count);
// The same as gs__safetensors_write_with, encrypted where the context says so.
gs_status gs__safetensors_write_in(gs_context *context, const char *path, const char *key, const char *value,
                                   const gs__safetensors_entry *entries, uint32_t count);

typedef struct gs__safetensors gs__safetensors;

typedef struct gs__safetensors_info {
    const char *name; // borrowed until close
    gs_shape shape;
    uint64_t count;    // elements
    const char *dtype; // as in the file: "F32", "BF16", ...
} gs__safetensors_info;

// Opens a file and checks its whole header: sizes, offsets without hole or overlap, unique names, rank <=
// GS_MAX_RANK. `error` is borrowed until close. GS_ERR_FILE, GS_ERR_FORMAT, GS_ERR_UNSUPPORTED.
gs_status gs__safetensors_open(gs__error *error, const char *path, gs__safetensors **file);
// The same with the context's key, where the file is encrypted: it is then decrypted whole, in memory.
gs_status gs__safetensors_open_in(gs_context *context, const char *path, gs__safetensors **file);
// The same of a file's content in memory, borrowed until close; `name` is for messages.
gs_status gs__safetensors_open_memory(gs__error *error, const char *name, const void *data, uint64_t bytes,
                                      gs__safetensors **file);
void gs__safetensors_close(gs__safetensors *file);
// GS_ERR_FORMAT unless the file has a checksum and it is right. Reads all of it.
gs_status gs__safetensors_check(gs__safetensors *file);
uint32_t gs__safetensors_count(const gs__safetensors *file);
// Tensors in the order of their data. `index` must be below the count.
void gs__safetensors_get(const gs__safetensors *file, uint32_t index, gs__safetensors_info *info);
// A string of "__metadata__", borrowed until close; NULL: there is none with this key.
const char *gs__safetensors_metadata(const gs__safetensors *file, const char *key);
// Index of a tensor, or -1.
int64_t gs__safetensors_find(const gs__safetensors *file, const char *name);
// Reads info.count values of an F32, F16, BF16 or F64 tensor. GS_ERR_UNSUPPORTED for other types.
gs_status gs__safetensors_read_f32(gs__safetensors *file, uint32_t index, float *out);
// Reads info.count values as they are, in the byte order of the host; the caller has looked at info.dtype.
gs_status gs__safetensors_read_raw(gs__safetensors *file, uint32_t index, void *out);

#endif
