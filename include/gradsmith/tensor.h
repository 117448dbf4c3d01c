// Shapes and element types.
#ifndef GRADSMITH_TENSOR_H
#define GRADSMITH_TENSOR_H

#include <gradsmith/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GS_MAX_RANK = 6 };

// Dimensions, outermost first, row-major. rank 0 is a scalar.
typedef struct gs_shape {
    uint32_t rank;
    int64_t dim[GS_MAX_RANK];
} gs_shape;

typedef enum gs_dtype { GS_F32 = 0, GS_I32, GS_U8 } gs_dtype;

#ifdef __cplusplus
}
#endif
#endif
