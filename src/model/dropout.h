// What Dropout, SpatialDropout1D and SpatialDropout2D share: layer->dropout.
#ifndef GS_MODEL_DROPOUT_H
#define GS_MODEL_DROPOUT_H

#include "model/layer.h"

gs_status gs__dropout_check(gs__error *error, const gs_layer *layer);
// The rate. The seed is ignored: masks are drawn from the seed of the training.
gs_status gs__dropout_from_json(gs__json *json, const cJSON *config, gs_layer *layer);
void gs__dropout_to_json(gs__text *text, const gs_layer *layer);
gs_status gs__dropout_from_words(gs__error *error, const char *const *words, uint32_t count, gs_layer *layer);
// Adds the op of that name, dropout or spatial_dropout, in training.
gs_status gs__dropout_build(const gs__layer_build *build, const gs_layer *layer, const char *op, gs__value x,
                            gs__value *y);

#endif
