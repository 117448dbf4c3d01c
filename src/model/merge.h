// What the merge layers of tensors of one shape share.
#ifndef GS_MODEL_MERGE_H
#define GS_MODEL_MERGE_H

#include "model/layer.h"
#include "op/attr.h"

gs_status gs__merge_shape(gs__error *error, const gs_layer *layer, const gs_shape *x, uint32_t count, gs_shape *y);
// The first two, the result with the third, ... by op "merge", or by op "add" where `kind` is below 0.
gs_status gs__merge_chain(const gs__layer_build *build, int kind, const gs__value *x, uint32_t count, gs__value *y);

#endif
