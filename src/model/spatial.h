// What the layers on images and series share: convolutions and pooling, of `rank` 1 (steps, channels) or 2 (rows, columns,
// channels). Sizes are held for rows and columns; a series has one row.
#ifndef GS_MODEL_SPATIAL_H
#define GS_MODEL_SPATIAL_H

#include "model/layer.h"
#include "op/attr.h"

// [0] and [1] of a public struct's field, the second 0 meaning as the first, and both the fallback: rows and columns.
void gs__spatial_pair(const uint32_t given[2], const uint32_t fallback[2], uint32_t rank, uint32_t pair[2]);

// Checks the number only: causal is for Conv1D.
gs_status gs__padding_check(gs__error *error, gs_padding padding);
gs_status gs__padding_from_json(gs__json *json, const cJSON *config, gs_padding *padding);
const char *gs__padding_name(gs_padding padding);
// Output size, and the zeros before and behind; `reach` is the window's size with its dilation. 0: larger than the input.
int64_t gs__padding_size(gs_padding padding, int64_t size, int64_t reach, int64_t stride, uint32_t *begin,
                         uint32_t *end);

// Member `key`: an integer or a list of `rank` of them, at least `min`. Missing: keeps `pair`.
gs_status gs__spatial_from_json(gs__json *json, const cJSON *config, const char *key, gs__json_need need, uint64_t min,
                                uint32_t rank, uint32_t pair[2]);
// Appends , "key": [3, 3]
void gs__spatial_to_json(gs__text *text, const char *key, uint32_t rank, const uint32_t pair[2]);
// "3" or "3x5" of the short form.
gs_status gs__spatial_word(gs__error *error, const char *word, const char *what, uint32_t rank, uint32_t pair[2]);
gs_status gs__spatial_check_size(gs__error *error, const uint32_t pair[2], const char *what);
// The shape of a sample in the graph.
gs_shape gs__spatial_sample(const gs__layer_build *build, gs__value x);
// A sample must be (rows, columns, channels) or (steps, channels).
gs_status gs__spatial_check_input(gs__error *error, uint32_t rank, const gs_shape *x);

// --- convolutions: layer->conv (conv.c) -------------------------------------------------------------------------------
typedef struct gs__conv_form {
    enum { GS__CONV_PLAIN, GS__CONV_DEPTHWISE, GS__CONV_TRANSPOSE } kind;
    uint32_t rank;
} gs__conv_form;

gs_status gs__conv_check(gs__error *error, const gs_layer *layer, const gs__conv_form *form);
gs_status gs__conv_from_json(gs__json *json, const cJSON *config, gs_layer *layer, const gs__conv_form *form);
void gs__conv_to_json(gs__text *text, const gs_layer *layer, const gs__conv_form *form);
gs_status gs__conv_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer,
                              const gs__conv_form *form);
// From the shape of a sample; `attr` (of conv2d_transpose, too, which takes the sizes from y) may be NULL. Fails where the
// kernel is larger than the input.
gs_status gs__conv_shape(gs__error *error, const gs_layer *layer, const gs__conv_form *form, const gs_shape *x,
                         gs_shape *y, gs__conv2d_attr *attr);
uint32_t gs__conv_parameters(const gs_layer *layer, const gs__conv_form *form, const gs_shape *x,
                             gs__parameter_spec *specs);
gs_status gs__conv_build(const gs__layer_build *build, const gs_layer *layer, const gs__conv_form *form, gs__value x,
                         gs__value *y);
// Members of the config of every convolution, for `keys`.
#define GS__CONV_KEYS                                                                                                  \
    "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias", "bias_initializer", \
        "bias_regularizer"

// --- pooling: layer->pooling, layer->global_pooling -------------------------------------------------------------------
gs_status gs__pooling_check(gs__error *error, const gs_layer *layer, uint32_t rank);
gs_status gs__pooling_from_json(gs__json *json, const cJSON *config, gs_layer *layer, uint32_t rank);
void gs__pooling_to_json(gs__text *text, const gs_layer *layer, uint32_t rank);
gs_status gs__pooling_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer,
                                 uint32_t rank);
gs_status gs__pooling_shape(gs__error *error, const gs_layer *layer, uint32_t rank, const gs_shape *x, gs_shape *y,
                            gs__pool2d_attr *attr);
gs_status gs__pooling_build(const gs__layer_build *build, const gs_layer *layer, uint32_t rank, bool average,
                            gs__value x, gs__value *y);

gs_status gs__global_pooling_from_json(gs__json *json, const cJSON *config, gs_layer *layer);
void gs__global_pooling_to_json(gs__text *text, const gs_layer *layer);
gs_status gs__global_pooling_shape(gs__error *error, const gs_layer *layer, uint32_t rank, const gs_shape *x,
                                   gs_shape *y);
gs_status gs__global_pooling_build(const gs__layer_build *build, const gs_layer *layer, uint32_t rank, bool average,
                                   gs__value x, gs__value *y);

// --- ZeroPadding and Cropping: layer->padding (padding.c) -------------------------------------------------------------
typedef struct gs__padding_form {
    uint32_t rank;
    bool cuts;         // else adds
    const char *key;   // of the config
    uint32_t fallback; // of each side, where all are 0
} gs__padding_form;

gs_status gs__padding_layer_check(gs__error *error, const gs_layer *layer, const gs__padding_form *form);
gs_status gs__padding_layer_from_json(gs__json *json, const cJSON *config, gs_layer *layer,
                                      const gs__padding_form *form);
void gs__padding_layer_to_json(gs__text *text, const gs_layer *layer, const gs__padding_form *form);
gs_status gs__padding_layer_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer,
                                       const gs__padding_form *form);
gs_status gs__padding_layer_shape(gs__error *error, const gs_layer *layer, const gs__padding_form *form,
                                  const gs_shape *x, gs_shape *y);
gs_status gs__padding_layer_build(const gs__layer_build *build, const gs_layer *layer, const gs__padding_form *form,
                                  gs__value x, gs__value *y);

#endif
