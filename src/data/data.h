// Inside of a data set, and arrays on their way into one.
#ifndef GS_DATA_DATA_H
#define GS_DATA_DATA_H

#include "base/error.h"
#include <gradsmith/data.h>
#include <pthread.h>

// Of one file, or of one memory block of a file.
#define GS__DATA_MAX_BYTES (UINT64_C(1) << 36)

typedef struct gs__source gs__source;

struct gs_data {
    char *name;
    uint64_t count;
    gs_shape x_shape, y_shape; // of everything; dimension 0 is count
    gs_dtype x_dtype;          // GS_F32 or GS_U8
    gs_dtype y_dtype;          // GS_F32 or GS_I32
    uint64_t x_bytes, y_bytes;
    void *x, *y; // y may be NULL
    int64_t max_class;
    const char *const *class_names; // static, or `names`
    uint32_t class_count;
    void *names; // owned, or NULL
    void *map;   // the mapped file in which x lies, or NULL
    uint64_t map_bytes;
    bool has_targets;   // with `source`
    gs__source *source; // of data from a callback: x and y are NULL
    uint64_t first;     // the callback's number of sample 0
};

// A loader of the user's, shared by the slices of a data set, which may be read by several threads.
struct gs__source {
    gs_data_fill *fill;
    void *user;
    pthread_mutex_t lock; // one call at a time
    uint32_t references;
};

void gs__data_release_x(gs_data *data);
void gs__source_release(gs__source *source); // takes NULL
gs_status gs__data_slice_source(gs__error *error, const gs_data *data, uint64_t begin, uint64_t count, gs_data **slice);

// Samples first + indices[i] of data from a callback. `y` may be NULL. GS_ERR_ARGUMENT: it says that it failed, or gave
// a class that it should not have. For any thread.
gs_status gs__data_fill(gs__error *error, const gs_data *data, const uint64_t *indices, uint32_t count, void *x,
                        void *y);

// Gives the data set names of its classes, which are copied.
gs_status gs__data_set_names(gs__error *error, gs_data *data, const char *const *names, uint32_t count);

// Row-major elements that are owned.
typedef struct gs__array {
    gs_shape shape;
    gs_dtype dtype;
    void *data;
    bool in_place; // data lies in `map`, the mapped file, which is owned in its stead
    void *map;
    uint64_t map_bytes;
} gs__array;

void gs__array_deinit(gs__array *array);

// What an array is for decides its type. Samples: u8 stays, all else becomes float32. Targets: integers become int32
// class indices, the rest float32.
// SAMPLES_IN_PLACE: elements that need no conversion stay where they are.
typedef enum gs__array_use { GS__SAMPLES, GS__TARGETS, GS__SAMPLES_IN_PLACE } gs__array_use;

typedef enum gs__element {
    GS__ELEMENT_U8,
    GS__ELEMENT_BOOL,
    GS__ELEMENT_I8,
    GS__ELEMENT_I16,
    GS__ELEMENT_I32,
    GS__ELEMENT_I64,
    GS__ELEMENT_U16,
    GS__ELEMENT_U32,
    GS__ELEMENT_U64,
    GS__ELEMENT_F16,
    GS__ELEMENT_F32,
    GS__ELEMENT_F64,
} gs__element;

// How elements lie in a file.
typedef struct gs__layout {
    gs__element element;
    gs_shape shape;
    bool big_endian;
    bool fortran; // the first index varies fastest
} gs__layout;

uint32_t gs__element_bytes(gs__element element);

// Converts a file's elements. `bytes` must be what the layout takes; else GS_ERR_FORMAT ("truncated", "bytes follow"),
// where `offset` is the place of the elements in the file. Also GS_ERR_FORMAT: an integer that is not in int32.
gs_status gs__array_from_bytes(gs__error *error, const char *name, const gs__layout *layout, uint64_t offset,
                               const void *data, uint64_t bytes, gs__array_use use, gs__array *array);

// Parsers of whole files in memory; `name` is for messages.
gs_status gs__idx_parse(gs__error *error, const char *name, const void *data, size_t bytes, gs__array_use use,
                        gs__array *array);
gs_status gs__npy_parse(gs__error *error, const char *name, const void *data, size_t bytes, gs__array_use use,
                        gs__array *array);

// --- images ------------------------------------------------------------------------------------------------------
typedef struct gs__image {
    uint32_t width, height, channels;
    unsigned char *pixels; // NULL after gs__image_info; freed with free()
} gs__image;

// Size and channels (1: grey, 3: colour; alpha does not count) of a PNG, BMP or JPEG file, from its head. GS_ERR_FORMAT;
// GS_ERR_UNSUPPORTED: 16 bits a channel, JPEG in a build without it, or more than 2^27 pixels.
gs_status gs__image_info(gs__error *error, const char *name, const void *data, size_t bytes, gs__image *image);
// Decodes; converted to `channels`, 1 to 4.
gs_status gs__image_decode(gs__error *error, const char *name, const void *data, size_t bytes, uint32_t channels,
                           gs__image *image);
// Replaces the pixels by those of another size: bilinear, and smoothed when it gets smaller, as Pillow does it.
gs_status gs__image_resize(gs__error *error, const char *name, uint32_t height, uint32_t width, gs__image *image);
// The JPEG part of the first two.
bool gs__jpeg_is(const void *data, size_t bytes);
gs_status gs__jpeg_info(gs__error *error, const char *name, const void *data, size_t bytes, gs__image *image);
gs_status gs__jpeg_decode(gs__error *error, const char *name, const void *data, size_t bytes, uint32_t channels,
                          gs__image *image);
// One image as u8 of shape (1, sample_shape...), which it must have, or is resized to.
gs_status gs__image_parse(gs__error *error, const char *name, const void *data, size_t bytes,
                          const gs_shape *sample_shape, bool resizes, gs__array *array);

// --- zip ---------------------------------------------------------------------------------------------------------
// One array of an .npz file; `key` without ".npy". GS_ERR_FORMAT, GS_ERR_UNSUPPORTED (a build without libzip).
gs_status gs__npz_read(gs__error *error, const char *name, const void *data, size_t bytes, const char *key,
                       gs__array_use use, gs__array *array);
// Whether it has that array; false also where it cannot be read.
bool gs__npz_has(const void *data, size_t bytes, const char *key);

// Takes x and y (y->data NULL: no targets), on failure too. `status` is that of disagreeing counts and negative class
// indices: GS_ERR_ARGUMENT for arrays of a caller, GS_ERR_FORMAT for files.
gs_status gs__data_adopt(gs__error *error, gs_status bad, const char *name, gs__array *x, gs__array *y, gs_data **data);

#endif
