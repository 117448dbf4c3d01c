// Shapes and element types, shared by graph, ops, data and models.
#ifndef GS_TENSOR_SHAPE_H
#define GS_TENSOR_SHAPE_H

#include <gradsmith/tensor.h>
#include <stdbool.h>

// Product of all dimensions (1 for rank 0). False when it overflows 2^40 or a dimension is not positive.
bool gs__shape_count(const gs_shape *shape, uint64_t *count);

bool gs__shape_equal(const gs_shape *a, const gs_shape *b);

// Writes "(32, 784)"; dimension 0 shows as "None" when `batch_is_none`. Returns `buffer`.
const char *gs__shape_text(const gs_shape *shape, bool batch_is_none, char *buffer, size_t buffer_bytes);

size_t gs__dtype_bytes(gs_dtype dtype);
const char *gs__dtype_name(gs_dtype dtype);

#endif
