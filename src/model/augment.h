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

#endif
