// Augmentation in graphs, and what its layers share.
#ifndef GS_MODEL_AUGMENT_H
#define GS_MODEL_AUGMENT_H

#include "model/layer.h"
#include "op/attr.h"
#include <gradsmith/augment.h>
#include <gradsmith/data.h>

gs_status gs__augment_check(gs__error *error, const gs_augment *augment);
// Puts the ops behind gather: *x are the batch's rows, *targets its targets. `input` is the model's input shape.
gs_status gs__augment_build(gs__graph *graph, const gs_augment *augment, const gs_data_info *data,
                            const gs_shape *input, gs__value *x, gs__value *targets);

// --- layers ------------------------------------------------------------------------------------------------------
// One augment op behind x.
gs_status gs__augment_layer(const gs__layer_build *build, gs__augment_attr *attr, gs__value x, gs__value *y);
// An image (height, width, channels).
gs_status gs__augment_layer_shape(gs__error *error, const gs_layer *layer, const gs_shape *x, gs_shape *y);
// Keras's factor: two numbers, or one, f, which means from f * below to f.
gs_status gs__factor_from_json(gs__json *json, const cJSON *config, const char *key, float below, float factor[2]);
void gs__pair_to_json(gs__text *text, const char *key, const float pair[2]);

// A factor and the range of values that the image is clipped to, of RandomBrightness and RandomContrast. Both numbers of
// the range 0: Keras's, 0 to 255.
void gs__value_range(const float given[2], float range[2]);
gs_status gs__value_range_check(gs__error *error, const float given[2]);
gs_status gs__clipped_from_json(gs__json *json, const cJSON *config, float below, float factor[2], float range[2]);
void gs__clipped_to_json(gs__text *text, const float factor[2], const float range[2]);
// FACTOR:LOW:HIGH. The range is asked for, since it is that of the samples: bytes count as 0 to 1.
gs_status gs__clipped_from_words(gs__error *error, const char *const *parts, uint32_t count, const char *form,
                                 float below, float factor[2], float range[2]);

#endif
