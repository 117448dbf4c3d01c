// Data sets: samples x and targets y in host memory. fit and evaluate copy them to the device once, or batch by batch
// where its memory is too small.
#ifndef GRADSMITH_DATA_H
#define GRADSMITH_DATA_H

#include <gradsmith/device.h>
#include <gradsmith/tensor.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// Thread-safety: as its context. Immutable once made.
typedef struct gs_data gs_data;

typedef struct gs_data_params {
    const void *x;    // samples, row-major: shape (count, ...)
    gs_shape x_shape; // of all of x; dimension 0 is the number of samples, >= 1
    gs_dtype x_dtype; // GS_F32, or GS_U8 which stays u8 on the device and is scaled there by 1/255
    const void *y;    // targets; NULL: none (predict only)
    gs_shape y_shape; // (count) or (count, ...); class indices of shape (count, 1) become (count)
    gs_dtype y_dtype; // GS_U8 or GS_I32: class indices >= 0; GS_F32: values, one-hot rows among them
    const char *name; // for messages; NULL: "data"
} gs_data_params;

// Copies x and y. Errors: GS_ERR_ARGUMENT (counts that disagree, empty, a negative class index), GS_ERR_MEMORY.
GS_API gs_status gs_data_create(gs_context *context, const gs_data_params *params, gs_data **data);

// A loader of your own: writes the samples with these numbers, in that order, as `count` rows of x, and their targets as
// rows of y (NULL when none are wanted; predict). Returns false when it fails: fit, evaluate or predict then fails too.
// Called on a thread of the library's, ahead of the device, one call at a time; it may be asked for batches that are not
// used in the end. The same number must give the same sample where repeats are to give the same bits.
typedef bool gs_data_fill(void *user, const uint64_t *samples, uint32_t count, void *x, void *y);

typedef struct gs_data_callback_params {
    gs_data_fill *fill;
    void *user;
    uint64_t count;        // of samples, >= 1; an epoch has so many
    gs_shape sample_shape; // of one
    gs_dtype x_dtype;      // GS_F32 or GS_U8, as in gs_data_params
    bool has_targets;
    gs_shape target_shape; // of one sample; rank 0: one class index or value
    gs_dtype y_dtype;      // GS_I32: class indices from 0 to class_count - 1; GS_F32
    uint32_t class_count;
    const char *name; // for messages; NULL: "callback"
} gs_data_callback_params;

// Data that is never whole in memory: batches are made by `fill` and sent while the device computes. gs_data_x and
// gs_data_y give NULL. Errors: GS_ERR_ARGUMENT, GS_ERR_MEMORY.
GS_API gs_status gs_data_from_callback(gs_context *context, const gs_data_callback_params *params, gs_data **data);

// Loads by a specification:
//   fashion-mnist, fashion-mnist:train, fashion-mnist:test   the package dataset-fashion-mnist, or data_dir
//   idx:IMAGES,LABELS                                        files of the MNIST format, gzip or not
//   npy:SAMPLES,TARGETS                                      NumPy's .npy, gzip or not; without ",TARGETS": none
//   npz:FILE, FILE.npz                                       NumPy's .npz: its arrays x and y, x_train and y_train, or
//                                                            arr_0 and arr_1; npz:FILE,SAMPLES[,TARGETS] names them
//   images:FOLDER, FOLDER                                    PNG, BMP and JPEG in folders named after their classes; see
//                                                            gs_recipe for sizes, and for tables
// Unsigned bytes of samples stay so, and are scaled by 1/255 on the device; other types become float32. Integers of
// targets are class indices. A path must not contain a comma.
// data_dir: folder of the four Fashion-MNIST files, gzip or not (or its parent, when it is called fashion-mnist);
// NULL: $GRADSMITH_DATA_DIR, else where the package puts them.
// Errors: GS_ERR_FILE (missing: says what to install), GS_ERR_FORMAT (names file, offset, what was found and
// expected), GS_ERR_ARGUMENT (unknown specification; the message lists the known ones), GS_ERR_MEMORY.
GS_API gs_status gs_data_load(gs_context *context, const char *spec, const char *data_dir, gs_data **data);

// Samples [begin, begin + count) as a data set that shares no memory. Keras's validation_split takes the last ones.
GS_API gs_status gs_data_slice(gs_context *context, const gs_data *data, uint64_t begin, uint64_t count,
                               gs_data **slice);

GS_API void gs_data_destroy(gs_data **data);

typedef struct gs_data_info {
    const char *name; // borrowed
    uint64_t count;
    gs_shape sample_shape; // without dimension 0
    gs_dtype x_dtype;
    bool has_targets;
    gs_shape target_shape; // of one sample; rank 0: a class index or a single value
    gs_dtype y_dtype;      // GS_I32 or GS_F32
    int64_t max_class;     // largest class index, -1 when the targets are not indices
} gs_data_info;

GS_API void gs_data_get_info(const gs_data *data, gs_data_info *info);
// Borrowed until the data set is destroyed. y is int32 or float32, as y_dtype says; NULL without targets, and of data
// from a callback.
GS_API const void *gs_data_x(const gs_data *data);
GS_API const void *gs_data_y(const gs_data *data);

// Names of the classes, where the data set has them ("T-shirt/top", ...): NULL or *count strings, borrowed.
GS_API const char *const *gs_data_class_names(const gs_data *data, uint32_t *count);

// Samples for predict from FILE.npy (float32, float64, bool, uint8, int8 to int64; C or Fortran order; read as float32
// or kept as u8; (count, ...) or one sample alone) or FILE.png, .bmp or .jpg (a grey or RGB(A) image; converted to
// the channels that `sample_shape` asks for, refused when its size differs). The content decides, not the name.
// sample_shape: of the model's input. No targets.
// Errors: GS_ERR_FILE, GS_ERR_FORMAT, GS_ERR_ARGUMENT (does not fit sample_shape), GS_ERR_MEMORY.
GS_API gs_status gs_data_load_input(gs_context *context, const char *path, const gs_shape *sample_shape,
                                    gs_data **data);

// Writes float32 values as a .npy file (version 1.0, C order), replacing it only when complete.
// Errors: GS_ERR_FILE.
GS_API gs_status gs_npy_write(gs_context *context, const char *path, const float *values, const gs_shape *shape);

#ifdef __cplusplus
}
#endif
#endif
